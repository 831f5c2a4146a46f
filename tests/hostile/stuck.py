"""What other processes do, or don't: they hold a lease of a file, lower the server's limits, serve a file system and
say nothing. Whoever asks for something else is answered, and the server ends when it is told to."""

import contextlib
import fcntl
import os
import resource
import signal
import socket
import time

from arsenal import ALL, request
from honest import Ask, Link, one
from luck import LIMIT, HungFolder, ended
from remote import left_out, local_root
from target import Attacked, page_content
from webdriver import cpu_seconds, session_members

HOT = Ask("/hot.txt", page_content(999_999))
CALM = 0.2  # of a processor, while next to nothing is asked for
WELL = Ask("/well.txt", page_content(1))


# ---- Leases


@contextlib.contextmanager
def lease(path):
    """As a file server takes one for a client that writes: the kernel lets nobody open the file until it is given up."""
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)  # the kernel asks for it so
    fd = os.open(path, os.O_RDWR)
    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    try:
        yield
    finally:
        os.close(fd)
        signal.signal(signal.SIGIO, before)


def leased(httpd, model, site):
    """A file that somebody has a lease of is had as soon as he gives it up; if he doesn't, it is 503."""
    ask = Ask("/leased.txt", page_content(7))
    path = site.root / ask.path[1:]
    path.write_bytes(ask.body)
    with Attacked(httpd, site.root, model) as server:
        with lease(path):
            before, began = cpu_seconds(server.pid), time.monotonic()
            status, _, _ = Link(server.port).exchange(ask, LIMIT)
            part = (cpu_seconds(server.pid) - before) / (time.monotonic() - began)
            assert status == 503, f"{status}"
            assert part < CALM, f"{100 * part:.0f} % of a processor"
        with lease(path):
            link = Link(server.port)
            link.send(ask, time.monotonic() + LIMIT)
        status, _, body = link.answer(ask, time.monotonic() + LIMIT)
        assert status == 200 and body == ask.body, f"{status} with {len(body)} bytes"
        link.close()
    return f"503, then 200; {100 * part:.0f} % of a processor meanwhile"


# ---- Limits


def lowered(httpd, model, site):
    """Fewer descriptors are allowed than are open: who is there is served on, and who comes when some have left."""
    with Attacked(httpd, site.root, model) as server:
        links = [Link(server.port) for _ in range(1 if model == "blocking" else 40)]
        for link in links:
            assert link.exchange(HOT, LIMIT)[0] == 200
        for pid in session_members(server.pid):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (24, 24))
        for link in links:
            took, why = one(link, HOT, LIMIT)
            assert not why, why
            link.close()
        took, why = one(Link(server.port), HOT, LIMIT)
        assert not why, why
    return f"{len(links)} connections served on"


# ---- File systems that hang


@contextlib.contextmanager
def hung_beside_well(site):
    """The root, and what hangs in its folder "hung", until it is closed. OSError where that can't be had."""
    with local_root(site) as root, contextlib.closing(HungFolder(root / "hung")) as hung:
        yield root, hung


def ask_hung(server, count=20):
    """Those who ask for it, and wait."""
    links = [Link(server.port) for _ in range(count)]
    for number, link in enumerate(links):
        link.send(Ask(f"/hung/{number}"), time.monotonic() + LIMIT)
    took, why = one(Link(server.port), WELL, LIMIT)  # so what came before this has been looked at
    assert not why, why
    return links


@contextlib.contextmanager
def leaks_not_sought():
    """In servers that are started meanwhile: LeakSanitizer would wait for the thread that hangs."""
    before = os.environ.get("ASAN_OPTIONS", "")
    os.environ["ASAN_OPTIONS"] = f"{before}:detect_leaks=0"
    try:
        yield
    finally:
        os.environ["ASAN_OPTIONS"] = before


def hung_stop(httpd, model, site):
    """SIGTERM while requests are stuck in a file system that hangs, and will be: the server ends none the less."""
    try:
        with hung_beside_well(site) as (root, _), leaks_not_sought(), Attacked(httpd, root, model) as server:
            links = ask_hung(server)
            began = time.monotonic()
            os.kill(server.pid, signal.SIGTERM)
            ended(server)
            for link in links:
                link.close()
    except OSError as error:
        return left_out(error)
    return f"ended after {time.monotonic() - began:.0f} s"


def hung_ahead(httpd, model, site):
    """Clients that wait for what hangs, and send on and on, take from the others nothing that these need."""
    try:
        with (hung_beside_well(site) as (root, hung), Attacked(httpd, root, model, "--max-connections", "60") as server,
              contextlib.closing(hung)):
            kept, links = Link(server.port), ask_hung(server)
            for link in links:
                link.socket.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    link.socket.send(request(WELL.path) * 4_000)
            before, began = cpu_seconds(server.pid), time.monotonic()
            for _ in range(20):
                for link in (kept, Link(server.port)):
                    took, why = one(link, WELL, LIMIT)
                    assert not why, why
                time.sleep(0.02)
            part = (cpu_seconds(server.pid) - before) / (time.monotonic() - began)
            for link in links:
                link.close()
            assert part < CALM, f"{100 * part:.0f} % of a processor"
    except OSError as error:
        return left_out(error)
    return f"40 answers beside {len(links)} who send on, {100 * part:.0f} % of a processor"


# ---- Urgent data


def urgent(httpd, model, site):
    """A byte of urgent data within a request, at which a receive stops: the request is answered when it is whole."""
    with Attacked(httpd, site.root, model) as server:
        link, head = Link(server.port), request(HOT.path)
        for pid in session_members(server.pid):  # so that all of it is there when it looks
            os.kill(pid, signal.SIGSTOP)
        link.open(time.monotonic() + LIMIT)
        link.socket.sendall(head[:20])
        link.socket.send(b"!", socket.MSG_OOB)
        link.socket.sendall(head[20:])
        for pid in session_members(server.pid):
            os.kill(pid, signal.SIGCONT)
        status, _, body = link.answer(HOT, time.monotonic() + 5)  # the head's own deadline is 10
        assert status == 200 and body == HOT.body, f"{status} with {len(body)} bytes"
        link.close()
    return "answered"


SCENARIOS = {
    "leased": (leased, ()),
    "lowered": (lowered, ()),
    "urgent": (urgent, ()),
    # In blocking, what is stuck is the server.
    "hung-ahead": (hung_ahead, ("blocking",)),
    "hung-stop": (hung_stop, tuple(model for model in ALL if model not in ("fork", "thread", "epoll-et", "uring"))),
}
