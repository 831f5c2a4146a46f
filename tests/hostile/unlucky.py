"""What can't be had from a healthy machine: slow disks, disks that fail, no threads. Done by a library that is
preloaded into the server (unlucky.c); --unlucky says where it is, and without it these are left out."""

import http.client
import os
import shlex
import signal
import select
import socket
import time
import urllib.error
import urllib.request

from arsenal import ALL
from honest import Ask, Honest, Link, one
from luck import LIMIT, await_true, ended
from target import Attacked, cached_asks, honest_asks, page_content

FAST = 2  # seconds, as in hostile.py
SLOW_MS = 4_000
SEEN = 1.2  # seconds, until what was known is looked at again
SIZES = (60_007, 300_007)  # of files of no other: one that a cache would hold, one that it would not
HOT = Ask("/hot.txt", page_content(999_999))
library = None


def content(size):
    return (b"unlucky " * (size // 8 + 1))[:size]


def name_of(size):
    return f"/unlucky-{size}.bin"


class Unlucky(Attacked):
    """The server with the library in it."""

    def __init__(self, httpd, model, site, kind, size=0, *options, marked=False):
        for each in SIZES:
            (site.root / name_of(each)[1:]).write_bytes(content(each))
        self.mark = site.folder / "mark"
        self.mark.unlink(missing_ok=True)
        if marked:
            self.mark.touch()
        wrapper = site.folder / "unlucky"
        wrapper.write_text(f"#!/bin/sh\nexec env LD_PRELOAD={shlex.quote(library)} UNLUCKY={kind} UNLUCKY_SIZE={size}"
                           f" UNLUCKY_MS={SLOW_MS} UNLUCKY_MARK={self.mark} {shlex.quote(httpd)} \"$@\"\n")
        wrapper.chmod(0o755)
        super().__init__(str(wrapper), site.root, model, *options)


def answered(link):
    """It has something to say, or has ended."""
    return bool(select.select([link.socket], [], [], 0)[0])


def slow_disk(httpd, model, site):
    """Nobody else waits for it; who asked gets the file, and so does another who asks for the same meanwhile; who asked
    and left is no harm."""
    told = []
    for size in SIZES:
        ask = Ask(name_of(size), content(size))
        with Unlucky(httpd, model, site, "slow", size) as server:
            others = Honest(server.port, cached_asks(), FAST)
            try:
                others.await_round()
                first, second = Link(server.port), Link(server.port)
                first.send(ask, time.monotonic() + LIMIT)
                await_true(lambda: server.mark.exists() or answered(first), "it was never read")
                with socket.create_connection(("127.0.0.1", server.port), LIMIT) as leaver:
                    leaver.sendall(f"GET {ask.path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                second.send(ask, time.monotonic() + LIMIT)
                for link in (first, second):
                    status, _, body = link.answer(ask, time.monotonic() + LIMIT)
                    assert status == 200 and body == ask.body, f"{ask.path}: {status} with {len(body)} bytes"
                    link.close()
                told.append(others.finish())
            finally:
                others.end()
    return "; ".join(told)


def slow_disk_drain(httpd, model, site):
    """SIGTERM while a file is being read: who asked for it gets it, and the server ends by itself."""
    ask = Ask(name_of(SIZES[0]), content(SIZES[0]))
    with Unlucky(httpd, model, site, "slow", SIZES[0]) as server:
        link = Link(server.port)
        link.send(ask, time.monotonic() + LIMIT)
        await_true(lambda: server.mark.exists() or answered(link), "it was never read")
        os.kill(server.pid, signal.SIGTERM)
        status, _, body = link.answer(ask, time.monotonic() + LIMIT)
        assert status == 200 and body == ask.body, f"{status} with {len(body)} bytes"
        link.close()
        ended(server)
    return "answered, then ended"


def disk_error(httpd, model, site):
    """What can't be read is an error, or ends early: never other bytes, and nobody else's trouble."""
    seen = []
    for size in SIZES:
        with Unlucky(httpd, model, site, "error", size) as server:
            link, ask = Link(server.port), Ask(name_of(size), content(size))
            for _ in range(3):
                try:
                    status, _, body = link.exchange(ask, LIMIT)
                except ConnectionResetError:
                    status, body = "cut", b""
                    link.close()
                assert status in (403, 500, 503, "cut") or body == ask.body, f"{ask.path}: {status}, {len(body)} bytes"
                seen.append(str(status))
                took, why = one(Link(server.port), HOT, LIMIT)
                assert not why, why
            link.close()
    return "answers " + ", ".join(seen)


def disk_recovers(httpd, model, site):
    """While a file can't be read nothing is said of it that will stay: once it can be, its tag is its content's."""
    with Unlucky(httpd, model, site, "unread") as server:
        tags = {size: tag_of(server, size)[1] for size in SIZES}
    for size in SIZES:
        with Unlucky(httpd, model, site, "unread", size, marked=True) as server:
            status, _ = tag_of(server, size)
            assert status == 500, f"{name_of(size)}: {status} while it can't be read"
            server.mark.unlink()
            time.sleep(SEEN)
            seen = tag_of(server, size)
            assert seen == (200, tags[size]), f"{name_of(size)}: {seen}, not {tags[size]}"
    return "500, then as if nothing had been"


def tag_of(server, size):
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{name_of(size)}", headers={"Connection": "close"})
    try:
        with urllib.request.urlopen(request, timeout=LIMIT) as reply:
            return reply.status, reply.headers["ETag"]
    except urllib.error.HTTPError as error:
        error.close()
        return error.code, None


# What is lost (unlucky.c has the same names), who asks, what for, and what the answer is meanwhile and afterwards.
HOSTS, CLEAN = ("--vhosts",), ("--clean-urls", "--spa=app.html")
LOST = (
    ("lost", HOSTS, {"Host": "lost"}, "/", (500, None), (200, b"lost's")),  # not what is for every other host
    ("page.html", CLEAN, {}, "/page", (500, None), (200, b"page's")),
    ("other", CLEAN, {}, "/other.html", (500, None), (200, b"other page's")),  # no redirect to another file
    ("app.html", CLEAN, {"Accept": "text/html"}, "/some/where", (500, None), (200, b"app's")),
    ("code.js.gz", CLEAN, {"Accept-Encoding": "gzip"}, "/code.js", (200, b"code's"), (200, b"packed code's")),
    ("all", HOSTS, {"Host": "lost"}, "/", (500, None), (200, b"lost's")),  # and nothing goes on from one to the next
    ("all", CLEAN, {"Accept": "text/html"}, "/page", (500, None), (200, b"page's")),
)
SETTLED = 3  # until a folder is no longer taken for one that may change unseen


def got(server, fields, path):
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=LIMIT)
    client.request("GET", path, headers={"Connection": "close"} | fields)
    reply = client.getresponse()
    try:
        return reply.status, reply.read()
    finally:
        client.close()


def lost(httpd, model, site):
    """What can't be had is an error for as long as that lasts: nothing else stands in for it, and nothing that is kept
    says that it isn't there."""
    for name, content in (("lost/index.html", b"lost's"), ("_/index.html", b"nobody's"), ("page.html", b"page's"),
                          ("other", b"other file's"), ("other.html", b"other page's"), ("app.html", b"app's"),
                          ("code.js", b"code's"), ("code.js.gz", b"packed code's")):
        (site.root / name).parent.mkdir(exist_ok=True)
        (site.root / name).write_bytes(content)
    time.sleep(SETTLED)
    names = [row[0] for row in LOST]
    for name, options, fields, path, meanwhile, afterwards in LOST:
        with Unlucky(httpd, model, site, "lost", 0, *options) as server:
            if options == HOSTS:
                assert got(server, {"Host": "another"}, "/") == (200, b"nobody's")
            server.mark.write_bytes(bytes(names.index(name)))
            status, content = got(server, fields, path)
            assert status == meanwhile[0] and meanwhile[1] in (None, content), f"{name} is lost: {status} {content}"
            server.mark.unlink()
            time.sleep(SEEN)
            assert got(server, fields, path) == afterwards, f"{name} is there again: {got(server, fields, path)}"
    return f"{len(LOST)} were lost and found"


def honest_round(server):
    """An honest client asks for all sorts of things, and gets them."""
    client = Honest(server.port, honest_asks(), LIMIT)
    try:
        client.await_round()
        return client.finish()
    finally:
        client.end()


def no_threads(httpd, model, site):
    """Where none can be made, things are done without, whatever is asked for."""
    with Unlucky(httpd, model, site, "threads") as server:
        return honest_round(server)


def slow_start(httpd, model, site):
    """A newcomer's thread takes long to make: who is there already doesn't wait for that."""
    with Unlucky(httpd, model, site, "start", 0, "--no-sandbox") as server:  # which would let it make no mark
        link = Link(server.port)
        _, why = one(link, HOT, LIMIT)
        assert not why, why
        server.mark.unlink()
        with socket.create_connection(("127.0.0.1", server.port), LIMIT):
            await_true(server.mark.exists, "no thread is made")
            took, why = one(link, HOT, FAST)
            assert not why, why
        link.close()
    return f"answered in {1000 * took:.0f} ms"


SCENARIOS = {
    "slow-disk": (slow_disk, ("blocking",)),
    "slow-disk-drain": (slow_disk_drain, ()),
    "disk-error": (disk_error, ()),
    "disk-recovers": (disk_recovers, ()),
    "lost": (lost, ()),
    "slow-start": (slow_start, tuple(model for model in ALL if model != "thread")),
    "no-threads": (no_threads, ("thread",)),
}
