"""What is asked for, and by whom."""

import re

KIB, MIB = 1024, 1 << 20
SIZES = {"1k": KIB, "16k": 16 * KIB, "200k": 200 * KIB, "10m": 10 << 20}
PAGES = 10_000
LISTED = 10_000
CACHED = 15_000  # open files, in nginx: with connections beside them, no more than the descriptors it may have
STORM = {"drip": 4000, "stall": 500, "half": 300}
OLD, OLD_DATE = 1_600_000_000, "Sun, 13 Sep 2020 12:26:40 GMT"  # of the files, as Last-Modified

BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
                  "Chrome/139.0.0.0 Safari/537.36",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Accept-Language": "en-GB,en;q=0.9,de;q=0.7",
    "Cache-Control": "max-age=0",
    "sec-ch-ua": '"Chromium";v="139", "Not;A=Brand";v="99"',
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Linux"',
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-User": "?1",
    "Upgrade-Insecure-Requests": "1",
}

PIPELINED = 16
PIPE_LUA = f"""init = function()
  local all = {{}}
  for i = 1, {PIPELINED} do all[i] = wrk.format("GET", "/1k.html") end
  all = table.concat(all)
  request = function() return all end
end
"""

# 7919 shares no factor with 10,000, so every file comes once before one comes again.
MANY_LUA = f"""local n = 0
request = function()
  n = (n + 7919) % {PAGES}
  return wrk.format("GET", "/many/" .. n % 100 .. "/" .. n .. ".html")
end
"""

CRAWL_LUA = """local n = 0
request = function()
  n = (n + 7919) % {count}
  return wrk.format("GET", "/crawl/" .. n % 100 .. "/" .. n .. ".html")
end
"""

PHOTOS_LUA = """math.randomseed(1)
request = function()
  local n = math.random(0, {count} - 1)
  return wrk.format("GET", "/photos/" .. n % 100 .. "/" .. n .. ".jpg")
end
"""

TILES_LUA = """math.randomseed(1)
request = function()
  local from = math.random(0, {last})
  wrk.headers["Range"] = "bytes=" .. from .. "-" .. from + 65535
  return wrk.format()
end
"""

COLD_LUA = """local n = 0
request = function()
  n = (n + 7919) % {count}
  return wrk.format("GET", "/cold/" .. n .. ".bin")
end
"""

# Each of wrk's threads has its own part of the cold files. They are put out of memory before each turn.
SHARE_LUA = """local threads = 0
function setup(thread)
  thread:set("first", threads * {count} / 2)
  threads = threads + 1
end
function init()
  asked, cold, hot = 0, first, wrk.format("GET")
end
function request()
  asked = asked + 1
  if asked % {every} ~= 0 then return hot end
  cold = cold + 1
  return wrk.format("GET", "/{folder}/" .. cold % {count} .. ".bin")
end
"""


class Work:
    """files: the set it needs, see files.py. turn: who measures it, see turns.py. company: what goes on beside it.
    fresh: the server starts anew for each turn, and is alone: what it maps can't be put out of memory. floor: whether
    one prepared answer does for all that is asked. least: seconds below which a turn says nothing. shown: the figures
    that it is about. why: what decides, true whoever is ahead. cpus: of the server, with a worker on each. cold: the
    share of requests for what isn't in memory. point: it is one of many that differ by number only."""

    def __init__(self, name, title, about, connections=64, path="/1k.html", size=KIB, status=200,
                 headers=None, lua=None, warm=False, longer=1, least=0, files=None, turn="wrk", company=None, crowd=0,
                 fresh=False, floor=True, shown=("cpu_us", "rps"), why="", cpus=1, cold=0, point=False):
        self.name, self.title, self.about = name, title, about
        self.connections, self.path, self.size, self.status = connections, path, size, status
        self.headers, self.lua, self.warm, self.longer, self.least = headers or {}, lua, warm, longer, least
        self.files, self.turn, self.company, self.crowd = files, turn, company, crowd
        self.fresh, self.floor, self.shown, self.why = fresh, floor, shown, why
        self.cpus, self.cold, self.point = cpus, cold, point

    def all_connections(self):
        return self.connections + self.crowd + (self.company.connections if self.company else 0)

    def largest(self):
        """Of the files that are asked for."""
        return max(self.size, self.company.largest() if self.company else 0)


SMALL = Work("small", "64 connections, 1 KiB", "64 clients keep their connections and ask for 1 KiB.",
             shown=("rps", "p99_us", "cpu_us"), point=True)

# CONNECTIONSxSIZE, then what percent of the requests is for cold files, and how many CPUs the server has.
POINTS = (
    "1x1k", "32x1k", "256x1k", "4000x1k", "32x16k", "256x16k", "1x200k", "32x200k", "256x200k", "1x10m", "32x10m",
    "32x1k-w2", "256x1k-w2", "4000x1k-w2", "32x200k-w2", "32x10m-w2", "32x16k-cold10", "32x16k-cold100",
    "32x200k-cold10", "32x200k-cold100", "256x200k-cold10", "32x200k-cold10-w2",
)
LARGE_WHY = ("By sendfile a body isn’t copied on its way to the socket. What remains is the kernel’s work, and in how "
             "many parts the server hands it over.")
COLD_WHY = ("A thread or a process that waits for the disk stops nobody else. A loop that waits for it stops all its "
            "clients, unless somebody else waits for it.")


def said(size):
    return f"{size >> 20} MiB" if size >> 20 else f"{size // KIB} KiB"


def point(name, sizes):
    connections, size, percent, cpus = re.fullmatch(r"(\d+)x(\w+?)(?:-cold(\d+))?(?:-w(\d+))?", name).groups()
    connections, percent, cpus = int(connections), int(percent or 0), int(cpus or 1)
    what = said(SIZES[size])
    who = "One client asks" if connections == 1 else f"{connections:,} clients ask"
    about = f"{who} for a file of {what} again and again."
    if percent:
        folder = f"cold{size}"
        which = "Every request" if percent == 100 else f"Every {100 // percent}th request"
        about = f"{who} for files of {what}. {which} is for a file that is not in memory, of {sizes[folder]:,}."
    return Work(name, f"{connections:,} connection{'s' if connections > 1 else ''}, {what}"
                + (f", {percent} % cold" if percent else "") + (f", {cpus} CPUs" if cpus > 1 else ""),
                about + (f" The server has {cpus} workers and {cpus} CPUs." if cpus > 1 else ""),
                connections=connections, path=f"/{size}.html", size=SIZES[size], cpus=cpus, cold=percent / 100,
                lua=SHARE_LUA.format(count=sizes[folder], every=100 // percent, folder=folder) if percent else None,
                files=folder if percent else None, fresh=bool(percent), floor=not percent and cpus == 1,
                warm=not percent and SIZES[size] > 64 * KIB,  # who looks at it as a whole does so once
                longer=3 if connections > 1000 else 2 if SIZES[size] > MIB else 1, shown=("rps", "p99_us", "cpu_us"), point=True,
                why=COLD_WHY if percent else LARGE_WHY if SIZES[size] > 64 * KIB else "")


def plain_works():
    return (
        Work("close", "A connection a request", "64 clients connect anew for each 1 KiB.",
             headers={"Connection": "close"},
             why="Nearly all of it is the kernel’s work of making and ending connections, which everybody pays."),
        Work("pipe", "Pipelined", f"64 clients send {PIPELINED} requests for 1 KiB at a time.", lua=PIPE_LUA,
             why="Who gathers the answers to requests that came together sends them at the price of one."),
        Work("browser", "A browser’s headers", "64 clients ask for 1 KiB with the fields that Chromium sends.",
             headers=BROWSER),
        Work("304", "Not modified", "64 clients ask whether 1 KiB has changed; it has not.", size=0, status=304,
             headers={"If-Modified-Since": OLD_DATE}),
    )


def large_sets(sizes):
    """Works over more than any cache holds, and one that no cache can know."""
    photos, crawl, tiles, first = sizes["photos"], sizes["crawl"], sizes["tiles"], sizes["first"]
    return (
        Work("many", "10,000 files", "64 clients ask for 10,000 files of 1 KiB in turn.", path="/many/0/0.html",
             lua=MANY_LUA, files="many", warm=True),
        Work("photos", "Photos", f"64 clients ask for {photos:,} files of 200 KiB in random order. All are in memory, "
             f"{photos * 200 / 2**20:.1f} GiB of them.", path="/photos/0/0.jpg",
             size=200 * KIB, lua=PHOTOS_LUA.format(count=photos), files="photos", warm=True,
             why="So many bodies come from memory, not from the CPU’s caches. Who copies it pays for the copy; with "
                 "sendfile the kernel sends the page itself, but the file must be at hand, by a cache of "
                 "descriptors or by an open for each request."),
        Work("tiles", "Tiles", f"64 clients ask for random ranges of 64 KiB of one file of {tiles / 1024:.1f} GiB, as "
             "maps and archives in one file are read.", path="/tiles.bin", size=64 * KIB, status=206,
             headers={"Range": f"bytes=0-{64 * KIB - 1}"}, lua=TILES_LUA.format(last=(tiles << 20) - 64 * KIB),
             files="tiles", warm=True,
             why="The one file stays open, so what decides is how 64 KiB of it come from memory to the socket; and "
                 "whether the clients sleep meanwhile, since to wake one on another CPU is the server’s cost, too."),
        Work("crawl", "A crawl", f"64 clients ask for {crawl:,} files of 1 KiB in turn"
             + (": more than the caches of open files hold." if crawl > 2 * CACHED else "."),
             path="/crawl/0/0.html", lua=CRAWL_LUA.format(count=crawl), files="crawl",
             why="A cache of open files holds few of these at most, so this is the price of a miss: "
                 "the system calls that find, open, look at and read a file."),
        Work("first", "First byte", f"One client asks for the first byte of {first} files of 16 MiB, one after the "
             "other, which the server has not seen before.", connections=1, path="/first/0.bin", size=1, status=206,
             headers={"Range": "bytes=0-0"}, files="first", turn="each_once", fresh=True, floor=False,
             shown=("p50_us", "p99_us", "cpu_us"),
             why="A tag made from size and time costs nothing; one made from the content must read it, once."),
    )


def in_company(sizes):
    """A small hot file, by itself and then beside something that could stop its clients."""
    cold = sizes["cold"]
    hot = {"turn": "beside", "floor": False, "least": 0.6}
    return (
        Work("mixed", "Small beside large", "32 clients ask for 1 KiB while 64 others download 10 MiB again and again.",
             connections=32, company=Work("bulk", "", "", path="/10m.html", size=10 << 20),
             shown=("p99_us", "rps", "beside_bytes"), **hot,
             why="All share one CPU, so how much is sent to one client before the next has its turn decides how long "
                 "the small ones wait. More for the small ones is less for the large ones, and the other way round."),
        Work("cold", "Hot beside cold", "16 clients ask for 1 KiB while 8 others ask for files of 2 MiB that are not "
             f"in memory, {cold:,} in turn; they are put out of memory all the time.", connections=16,
             company=Work("disk", "", "", connections=8, path="/cold/0.bin", size=2 << 20,
                          lua=COLD_LUA.format(count=cold)),
             files="cold", fresh=True, shown=("p99_us", "p99_times", "rps", "beside_bytes"), **hot,
             why=COLD_WHY + " All clients share a CPU, so what one kind gets is also what the other leaves of that."),
        Work("listing", "Hot beside listings", f"32 clients ask for 1 KiB while 8 others ask for the listing of a "
             f"folder of {LISTED:,} files.", connections=32,
             company=Work("list", "", "", connections=8, path="/listing/", size=0), files="listing",
             shown=("p99_us", "p99_times", "rps", "beside_rps"), **hot,
             why="A listing takes a look at each file. Made in the loop, anew for each request, it holds everybody up "
                 "for that long; made elsewhere, or kept, it doesn’t."),
        Work("storm", "Hot in a storm", f"32 clients ask for 1 KiB, beginning as {STORM['drip']:,} connections drip "
             f"the fields of a request, {STORM['stall']} ask for 10 MiB and never read, and {STORM['half']} close "
             "their side half-way.", connections=32, crowd=sum(STORM.values()),
             shown=("p99_us", "p99_times", "rps", "memory_more"), **hot,
             why="A connection that does nothing should cost a round nothing, and one that can’t be sent to should "
                 "not be tried. Memory is what each of them holds meanwhile."),
    )


def of(sizes):
    points = [point(name, sizes) for name in POINTS]
    return {work.name: work for work in (SMALL, *points, *plain_works(), *large_sets(sizes), *in_company(sizes))}


PASSES = ("syscalls", "memory")
QUICK = ("1x1k", "32x1k", "256x1k", "32x1k-w2", "32x200k", "32x200k-cold10", "mixed")


def request_of(work):
    fields = "".join(f"{name}: {value}\r\n" for name, value in work.headers.items())
    return f"GET {work.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{fields}\r\n".encode()


def response_of(work):
    """What the floor answers: a head as long as a careful server's, and the body."""
    status = {200: "200 OK", 206: "206 Partial Content", 304: "304 Not Modified"}[work.status]
    head = [f"HTTP/1.1 {status}", "Date: Fri, 20 Nov 2026 12:00:00 GMT", 'ETag: "0123456789abcdef"',
            f"Last-Modified: {OLD_DATE}", "Cache-Control: no-cache"]
    if work.status != 304:
        head += ["Content-Type: text/html; charset=utf-8", f"Content-Length: {work.size}", "Accept-Ranges: bytes",
                 "X-Content-Type-Options: nosniff"]
    if work.headers.get("Connection") == "close":
        head.append("Connection: close")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + b"x" * work.size


def lua_of(work):
    fields = "".join(f"wrk.headers[{name!r}] = {value!r}\n" for name, value in work.headers.items())
    return fields + (work.lua or "")
