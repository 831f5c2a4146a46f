"""What is asked for: the files, and the ways of asking for them."""

import os

KIB = 1024
PAGES = 10_000
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


class Work:
    def __init__(self, name, title, about, connections=64, path="/1k.html", size=KIB, status=200,
                 headers=None, lua=None, warm=False, longer=1):
        self.name, self.title, self.about = name, title, about
        self.connections, self.path, self.size, self.status = connections, path, size, status
        self.headers, self.lua, self.warm, self.longer = headers or {}, lua, warm, longer


WORKS = {work.name: work for work in (
    Work("c1", "One connection", "One client asks for 1 KiB again and again, and waits for each answer.",
         connections=1),
    Work("small", "64 connections", "64 clients keep their connections and ask for 1 KiB."),
    Work("c1000", "1,000 connections", "The same with 1,000 clients.", connections=1000),
    Work("c8000", "8,000 connections", "The same with 8,000 clients. Opening the connections is part of it.",
         connections=8000, longer=2),
    Work("close", "A connection a request", "64 clients connect anew for each 1 KiB.",
         headers={"Connection": "close"}),
    Work("pipe", "Pipelined", f"64 clients send {PIPELINED} requests for 1 KiB at a time.", lua=PIPE_LUA),
    Work("browser", "A browser’s headers", "64 clients ask for 1 KiB with the fields that Chromium sends.",
         headers=BROWSER),
    Work("304", "Not modified", "64 clients ask whether 1 KiB has changed; it has not.", size=0, status=304,
         headers={"If-Modified-Since": OLD_DATE}),
    Work("many", "10,000 files", "64 clients ask for 10,000 files of 1 KiB in turn.", path="/many/0/0.html",
         lua=MANY_LUA, warm=True),
    Work("medium", "100 KiB", "64 clients ask for a file of 100 KiB.", path="/100k.html", size=100 * KIB),
    Work("large", "10 MiB", "16 clients ask for a file of 10 MiB.", path="/10m.bin", size=10 << 20, connections=16),
)}
PASSES = ("syscalls", "memory")
QUICK = ("small", "close", "pipe")


def write(name, content):
    with open(name, "wb") as file:
        file.write(content)
    os.utime(name, (OLD, OLD))


def make_files(root):
    text = b"<p>a static file</p>\n"
    os.mkdir(root)
    for name, size in (("1k.html", KIB), ("index.html", KIB), ("100k.html", 100 * KIB), ("10m.bin", 10 << 20)):
        write(f"{root}/{name}", (text * (size // len(text) + 1))[:size])
    for n in range(PAGES):
        if n < 100:
            os.makedirs(f"{root}/many/{n}")
        write(f"{root}/many/{n % 100}/{n}.html", b"%-1023d\n" % n)


def request_of(work):
    fields = "".join(f"{name}: {value}\r\n" for name, value in work.headers.items())
    return f"GET {work.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{fields}\r\n".encode()


def response_of(work):
    """What the floor answers: a head as long as a careful server's, and the body."""
    status = {200: "200 OK", 304: "304 Not Modified"}[work.status]
    head = [f"HTTP/1.1 {status}", "Date: Fri, 20 Nov 2026 12:00:00 GMT", 'ETag: "0123456789abcdef"',
            f"Last-Modified: {OLD_DATE}", "Cache-Control: no-cache"]
    if work.status == 200:
        head += ["Content-Type: text/html; charset=utf-8", f"Content-Length: {work.size}", "Accept-Ranges: bytes",
                 "X-Content-Type-Options: nosniff"]
    if work.headers.get("Connection") == "close":
        head.append("Connection: close")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + b"x" * work.size


def lua_of(work):
    fields = "".join(f"wrk.headers[{name!r}] = {value!r}\n" for name, value in work.headers.items())
    return fields + (work.lua or "")
