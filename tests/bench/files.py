"""The files that are asked for. Small ones are always there; a large set is made before its work and removed after it,
so that only one at a time needs memory and disk."""

import contextlib
import os
import shutil
import threading

import works

MIB = 1 << 20
FULL_MIB = 2000  # of a set, unless told otherwise
EVICTION_PAUSE = 0.1  # seconds between two rounds over the files
OLD = works.OLD
PAGE = 4096


def sizes_of(mib):
    """How many files, or MiB, each set has when the large ones are of about mib MiB."""
    return {"photos": 5 * mib, "tiles": mib, "crawl": 50 * mib, "cold": max(mib // 2, 16), "first": max(mib // 64, 4),
            "cold16k": 5 * mib, "cold200k": 4 * mib}


def write(name, content):
    with open(name, "wb") as file:
        file.write(content)
    os.utime(name, (OLD, OLD))


def make_small(root):
    text = b"<p>a static file</p>\n"
    os.mkdir(root)
    for name, size in works.SIZES.items():
        write(f"{root}/{name}.html", (text * (size // len(text) + 1))[:size])


def spread(folder, count, ending, content):
    for n in range(count):
        if n < 100:
            os.makedirs(f"{folder}/{n}")
        write(f"{folder}/{n % 100}/{n}.{ending}", content(n))


def numbered(folder, count, ending, size):
    noise = os.urandom(size)
    os.mkdir(folder)
    for n in range(count):
        write(f"{folder}/{n}.{ending}", b"%-16d" % n + noise[16:])


def make_photos(root, sizes):
    noise = os.urandom(200 << 10)
    spread(f"{root}/photos", sizes["photos"], "jpg", lambda n: b"%-16d" % n + noise[16:])


def make_tiles(root, sizes):
    noise = os.urandom(MIB)
    with open(f"{root}/tiles.bin", "wb") as file:
        for n in range(sizes["tiles"]):
            file.write(b"%-16d" % n + noise[16:])
    os.utime(f"{root}/tiles.bin", (OLD, OLD))


def make_crawl(root, sizes):
    spread(f"{root}/crawl", sizes["crawl"], "html", lambda n: b"%-1023d\n" % n)


def make_listing(root, _):
    os.mkdir(f"{root}/listing")
    for n in range(works.LISTED):
        write(f"{root}/listing/entry-{n:05}.jpg", b"")


def cold_set(name, size):
    return (name, lambda root, sizes: numbered(f"{root}/{name}", sizes[name], "bin", size),
            lambda sizes: sizes[name] * -(-size // PAGE) * PAGE)


# name: (what it is called in the root, its maker, its bytes)
SETS = {
    "many": ("many", lambda root, _: spread(f"{root}/many", works.PAGES, "html", lambda n: b"%-1023d\n" % n),
             lambda _: works.PAGES * PAGE),
    "photos": ("photos", make_photos, lambda sizes: sizes["photos"] * (200 << 10)),
    "tiles": ("tiles.bin", make_tiles, lambda sizes: sizes["tiles"] * MIB),
    "crawl": ("crawl", make_crawl, lambda sizes: sizes["crawl"] * PAGE),
    "listing": ("listing", make_listing, lambda sizes: works.LISTED * PAGE),
    "first": cold_set("first", 16 * MIB),
    "cold": cold_set("cold", 2 * MIB),
    **{f"cold{size}": cold_set(f"cold{size}", works.SIZES[size]) for size in ("16k", "200k")},
}


@contextlib.contextmanager
def placed(root, name, sizes):
    """The set, while the body runs. OSError: there is no room for it."""
    if not name:
        yield
        return
    place, make, count_bytes = SETS[name]
    check_room(root, count_bytes(sizes))
    place = f"{root}/{place}"
    try:
        make(root, sizes)
        os.sync()  # or the disk would be busy with it during the first turns
        if name.startswith("cold"):
            check_eviction(place)
        yield
    finally:
        remove(place)


def remove(place):
    if os.path.isdir(place):
        shutil.rmtree(place)
    elif os.path.exists(place):
        os.remove(place)


def check_room(root, needed):
    with open("/proc/meminfo") as file:
        available = next(int(line.split()[1]) << 10 for line in file if line.startswith("MemAvailable:"))
    for what, free in (("memory", available), ("disk", shutil.disk_usage(root).free)):
        if free < needed * 1.2 + 100 * MIB:
            raise OSError(f"its files need {needed / MIB:.0f} MiB, and the {what} has {free / MIB:.0f}: say --set-mib")


# ---- Out of memory


def evict(folder):
    for entry in os.scandir(folder):
        with contextlib.suppress(OSError):
            fd = os.open(entry.path, os.O_RDONLY)
            try:
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)  # drops what is clean and not mapped
            finally:
                os.close(fd)


def check_eviction(folder):
    """OSError: a file stays in memory, whatever is done (tmpfs, for one)."""
    evict(folder)
    with open(next(os.scandir(folder)).path, "rb", buffering=0) as file:
        try:
            os.preadv(file.fileno(), [bytearray(PAGE)], 0, os.RWF_NOWAIT)
        except BlockingIOError:
            return
        except OSError:
            pass
    raise OSError("files can’t be put out of memory where TMPDIR is")


@contextlib.contextmanager
def kept_cold(folder):
    over = threading.Event()

    def rounds():
        while not over.wait(EVICTION_PAUSE):
            evict(folder)

    evict(folder)
    thread = threading.Thread(target=rounds)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def disk_bytes():
    """What the machine has read from its disks so far."""
    with open("/proc/vmstat") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("pgpgin "))
