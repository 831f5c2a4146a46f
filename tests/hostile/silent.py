"""Clients that hold what they have and say no more: none takes a processor or a thread while nothing moves, and who goes
on is sent all of it."""

import os
import socket
import time

from arsenal import ALL
from honest import Ask, Link
from target import LARGE_SIZE, Attacked, page_content
from webdriver import cpu_seconds, process_tree

KEPT = 6.5  # seconds: files that nobody asks for are looked for after 5
COUNT = 6  # of each kind
PIPELINED = 200
THREADS = 12  # beside those of clients: loaders
LARGE = Ask("/large/0.bin", bytes(LARGE_SIZE))
PAGE = Ask("/page/0.txt", page_content(0))


def request(ask):
    return f"GET {ask.path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


class Unread:
    """Asks, and reads nothing until told to; `half`: has sent its last."""

    def __init__(self, port, ask, count, half):
        self.ask, self.count = ask, count
        self.link = Link(port)
        self.link.socket = socket.socket()
        self.link.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.link.socket.connect(("127.0.0.1", port))
        self.link.socket.sendall(request(ask) * count)
        if half:
            self.link.socket.shutdown(socket.SHUT_WR)

    def read(self):
        end = time.monotonic() + 10
        for number in range(self.count):
            status, _, body = self.link.answer(self.ask, end)
            assert status == 200 and body == self.ask.body, f"reply {number}: {status}, {len(body)} bytes"
        self.link.close()


def keep(port):
    """Has been answered, and may ask again."""
    link = Link(port)
    status, _, body = link.exchange(LARGE, 5)
    assert status == 200 and body == LARGE.body
    return link


def silent(httpd, model, site):
    """Clients that don't read, that have sent their last, or are idle, cost nothing while nothing moves."""
    with Attacked(httpd, site.root, model) as server:
        unread = [Unread(server.port, ask, count, half) for half in (True, False)
                  for ask, count in ((LARGE, 1), (PAGE, PIPELINED)) for _ in range(COUNT)]
        kept = [keep(server.port) for _ in range(COUNT)]
        time.sleep(KEPT)
        before = cpu_seconds(server.pid)
        time.sleep(1.5)
        used = (cpu_seconds(server.pid) - before) / 1.5
        threads = sum(len(os.listdir(f"/proc/{pid}/task")) for pid in process_tree(server.pid))
        for client in unread:
            client.read()
        for link in kept:
            link.close()
        # It was all of one, of each process with -m fork; nonblocking naps.
        assert used < 0.1, f"{100 * used:.0f} % of a CPU for clients that do nothing"
        own = len(unread) + len(kept) if model in ("fork", "thread") else 0
        assert threads <= own + THREADS, f"{threads} threads and processes"
    return f"{100 * used:.0f} % of a CPU, {threads} threads and processes"


WAYS = [f"/list/?format={form}&C={by}&O={way}" for form in ("html", "json") for by in "NMS" for way in "AD"]
OTHERS = 2 << 20  # bytes of listings that a process of fork keeps, besides the newest


def made_sizes(pid):
    """Bytes of each listing that a process holds."""
    folder, sizes = f"/proc/{pid}/fd", []
    for fd in os.listdir(folder):
        if os.readlink(f"{folder}/{fd}").startswith("/memfd:httpd page"):
            sizes.append(os.stat(f"{folder}/{fd}").st_size)
    return sizes


def listed(httpd, model, site):
    """Clients that have read a long listing, each in all the ways that there are, and are idle: where each has a process
    of its own, that keeps no dozen of pages for it."""
    with Attacked(httpd, site.root, model, "--list") as server:
        links = [Link(server.port) for _ in range(2)]
        for link in links:
            for way in WAYS:
                status, _, _ = link.exchange(Ask(way), 20)
                assert status == 200, f"{way}: {status}"
        sizes = [made_sizes(pid) for pid in process_tree(server.pid)]
        for link in links:
            link.close()
    assert any(sizes), "no process holds a listing"
    for held in filter(None, sizes):
        assert sum(held) <= max(held) + OTHERS, f"{sum(held) >> 20} MiB in {len(held)} listings for an idle client"
    return f"{max(map(sum, sizes)) >> 20} MiB for each client"


SCENARIOS = {
    "silent": (silent, ("blocking",)),
    # In others all clients share 256 MiB.
    "listed": (listed, tuple(model for model in ALL if model != "fork")),
}
