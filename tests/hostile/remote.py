"""A file system whose server is here: it answers, until it no longer does."""

import contextlib
import os
import shutil
import signal
import struct
import threading
import time

import luck
from arsenal import ALL
from honest import Ask, Link, one
from luck import LIMIT, MNT_DETACH, HungFolder, await_true
from target import Attacked, page_content

SIZE = 6 << 20  # more than sockets hold
ROOT, LARGE, FIRST_SMALL = 1, 2, 10
LOOKUP, FORGET, GETATTR, OPEN, READ, RELEASE, FLUSH, INIT = 1, 2, 3, 14, 15, 18, 25, 26
OPENDIR, READDIR, RELEASEDIR, INTERRUPT, BATCH_FORGET = 27, 28, 29, 36, 42
ENOENT, ENOSYS = 2, 38
KEEP_CACHE, AUTO_INVAL_DATA = 2, 1 << 12
NAMED_S = 1000
MNT_FORCE = 1


class RemoteFolder(HungFolder):
    """With large.bin in it, and small-0.txt and so on."""

    def __init__(self, path):
        super().__init__(path)
        self.time, self.names_valid_s = 1_000_000_000, 0
        self.hangs, self.waiting, self.lock = (lambda kind, node: False), [], threading.Lock()
        self.change()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def change(self):
        self.time, self.content = self.time + 1, os.urandom(SIZE)

    def hang(self, *kinds, node=None):
        """In what is asked from now on, of these kinds; without any, in all."""
        self.hangs = lambda kind, at: (not kinds or kind in kinds) and node in (None, at)

    def go_on(self):
        """Who waits is answered."""
        with self.lock:
            self.hangs = lambda kind, node: False
            for asked in self.waiting:
                self._reply(asked)
            self.waiting.clear()

    def close(self):
        if self.fd is not None:
            self.libc.umount2(self.path, MNT_FORCE | MNT_DETACH)  # who waits in it, the thread here too, is told
            self.thread.join()
        super().close()

    def _serve(self):
        with contextlib.suppress(OSError):  # it is closed
            while True:
                asked = os.read(self.fd, 1 << 18)
                _, kind, _, node = struct.unpack_from("<IIQQ", asked)
                with self.lock:
                    if kind in (FORGET, BATCH_FORGET, INTERRUPT):
                        continue
                    if self.hangs(kind, node):
                        self.waiting.append(asked)
                    else:
                        self._reply(asked)

    def _reply(self, asked):
        _, kind, unique, node = struct.unpack_from("<IIQQ", asked)
        answer = self._answer(kind, node, asked[40:])
        error, answer = (-answer, b"") if isinstance(answer, int) else (0, answer)
        with contextlib.suppress(FileNotFoundError):  # who asked has gone
            os.write(self.fd, struct.pack("<IiQ", 16 + len(answer), error, unique) + answer)

    def _attributes(self, node):
        """Valid for no time, so that the server is asked for them each time."""
        size = SIZE if node == LARGE else len(page_content(node))
        mode = 0o40755 if node == ROOT else 0o100644
        return struct.pack("<6Q10I", node, size, size // 512, *[self.time] * 3, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)

    def _node(self, name):
        kind, _, number = name.removesuffix(b"\0").removesuffix(b".txt").partition(b"-")
        return LARGE if kind == b"large.bin" else FIRST_SMALL + int(number) if kind == b"small" else None

    def _answer(self, kind, node, asked):
        if kind == INIT:
            return struct.pack("<4I2H2I2H8I", 7, 31, 1 << 17, AUTO_INVAL_DATA, 12, 9, 1 << 17, 1, 0, 0, *[0] * 8)
        if kind == LOOKUP:
            named = self._node(asked)
            valid = struct.pack("<4Q2I", named or 0, 0, self.names_valid_s, 0, 0, 0)
            return valid + self._attributes(named) if named else ENOENT
        if kind == GETATTR:
            return struct.pack("<QII", 0, 0, 0) + self._attributes(node)
        if kind in (OPEN, OPENDIR):
            return struct.pack("<QII", 0, KEEP_CACHE if kind == OPEN else 0, 0)
        if kind == READ:
            _, first, size = struct.unpack_from("<QQI", asked)
            return (self.content if node == LARGE else page_content(node))[first:first + size]
        return b"" if kind in (FLUSH, RELEASE, READDIR, RELEASEDIR) else ENOSYS


def begun(server, end):
    link = Link(server.port)
    link.send(Ask("/remote/large.bin"), end)
    link.head(end)
    return link


def received(link, end):
    """How much comes of a body."""
    have = len(link.rest)
    with contextlib.suppress(OSError):
        while have < SIZE:
            have += len(link.receive(end))
    return have


@contextlib.contextmanager
def hanging(path, kind=RemoteFolder):
    """OSError where that can't be had."""
    folder = kind(path)
    try:
        yield folder
    finally:
        folder.close()
        path.rmdir()


def left_out(error):
    return f"left out: no file system to hang ({error})"


def serves(server, ask=Ask("/well.txt", page_content(1))):
    """Those who ask for something else; returns how long the last one took."""
    for _ in range(5):
        took, why = one(Link(server.port), ask, LIMIT)
        assert not why, why
    return took


def remote_file(httpd, model, site):
    """A file that is being sent when its file system begins to hang holds up nobody else, though all is in memory."""
    with local_root(site) as root, contextlib.ExitStack() as stack:
        try:
            remote = stack.enter_context(hanging(root / "remote"))
        except OSError as error:
            return left_out(error)
        with Attacked(httpd, root, model) as server, contextlib.closing(remote):
            end = time.monotonic() + LIMIT
            link = begun(server, end)
            remote.change()
            assert received(link, end) < SIZE, "two versions in one answer"
            large = Ask("/remote/large.bin", remote.content)
            took, why = one(Link(server.port), large, LIMIT)
            assert not why, why
            part = Ask(large.path, fields="Range: bytes=70000-300000\r\n")
            status, _, body = Link(server.port).exchange(part, LIMIT)
            assert (status, body) == (206, remote.content[70_000:300_001])
            link, asked = begun(server, end), Link(server.port)
            remote.hang()
            have = received(link, time.monotonic() + 0.5)
            assert have < SIZE
            asked.send(large, end)  # or the cached file is looked at
            took = serves(server)
            for either in (link, asked):
                either.close()
    return f"others are answered in {1000 * took:.0f} ms when {SIZE - have} bytes are missing"


@contextlib.contextmanager
def local_root(site):
    root = site.folder / "mounted"
    root.mkdir()
    (root / "well.txt").write_bytes(page_content(1))
    try:
        yield root
    finally:
        shutil.rmtree(root)


def small(number):
    return Ask(f"/small-{number}.txt", page_content(FIRST_SMALL + number))


class Askers:
    """Each on a connection of its own."""

    def __init__(self, server):
        self.server, self.links = server, []

    def ask(self, ask):
        link, end = Link(self.server.port), time.monotonic() + LIMIT
        link.send(ask, end)
        self.links.append((link, ask))

    def answered(self):
        end = time.monotonic() + LIMIT
        for link, ask in self.links:
            status, _, body = link.answer(ask, end)
            assert status == 200 and body == (ask.body or body), f"{ask.path}: {status} with {len(body)} bytes"
            link.close()
        self.links.clear()


def remote_root(httpd, model, site):
    """A root that hangs, in whatever it is asked, holds up only those who ask for what is in it; when it goes on, they
    are answered."""
    root, well, number = site.folder / "remote-root", Ask("/health"), 0
    ways = {"open": (OPEN,), "name": (LOOKUP,), "state": (GETATTR,), "list": (OPENDIR,), "entries": (READDIR,),
            "bytes": (READ,), "root": (GETATTR,)}
    with contextlib.ExitStack() as stack:
        try:
            remote = stack.enter_context(hanging(root))
        except OSError as error:
            return left_out(error)
        server = stack.enter_context(Attacked(httpd, root, model, "--list", "--health", well.path))
        stack.callback(remote.close)
        kept, askers = Link(server.port), Askers(server)
        well = Ask(well.path, kept.exchange(well, LIMIT)[2])  # which takes nothing of the root
        for way, kinds in ways.items():
            remote.names_valid_s = NAMED_S if way != "name" else 0
            known, new = small(number), small(number + 1)
            os.stat(root / new.path[1:])  # which gives the kernel the name
            askers.ask(known)
            askers.answered()
            remote.hang(*kinds, node=ROOT if way == "root" else None)
            asks = known if way in ("state", "root") else Ask("/") if way in ("list", "entries") else new
            end = time.monotonic() + LIMIT
            while not remote.waiting:  # what is known is believed for a while
                assert time.monotonic() < end, f"{way}: nothing hangs"
                askers.ask(asks)
                time.sleep(0.02)
            for link in (kept, Link(server.port)):
                took, why = one(link, well, LIMIT)
                assert not why, f"{way}: {why}"
            remote.go_on()
            askers.answered()
            number += 2
    return f"others are answered in {1000 * took:.0f} ms while it hangs in {', '.join(ways)}"


def remote_moved(httpd, model, site):
    """A root whose name leads to what hangs by now holds up only those who ask for what is in it."""
    well = Ask("/health")
    with local_root(site) as root, contextlib.ExitStack() as stack:
        link = root / "current"
        link.symlink_to(".")
        try:
            remote = stack.enter_context(hanging(root / "remote"))
        except OSError as error:
            return left_out(error)
        with Attacked(httpd, link, model, "--health", well.path) as server, contextlib.closing(remote):
            well, askers = Ask(well.path, Link(server.port).exchange(well, LIMIT)[2]), Askers(server)
            remote.hang()
            link.unlink()
            link.symlink_to("remote")
            end = time.monotonic() + LIMIT
            while not remote.waiting:  # the root is believed for a while
                assert time.monotonic() < end, "the root isn't looked at"
                askers.ask(Ask("/well.txt"))
                time.sleep(0.02)
            took = serves(server, well)
            for link, _ in askers.links:
                link.close()
    return f"others are answered in {1000 * took:.0f} ms"


def remote_close(httpd, model, site):
    """A file system that hangs when files are closed holds up nobody else: when a file is replaced, when the
    configuration is read again, at a stop."""
    with local_root(site) as root, contextlib.ExitStack() as stack:
        try:
            remote = stack.enter_context(hanging(root / "remote"))
        except OSError as error:
            return left_out(error)
        with Attacked(httpd, root, model) as server, contextlib.closing(remote):
            large, link = Ask("/remote/large.bin"), Link(server.port)
            for closes in ("replaced", "reloaded"):
                status, _, body = link.exchange(large, LIMIT)
                assert (status, body) == (200, remote.content)
                remote.hang(FLUSH)
                if closes == "replaced":
                    remote.change()
                    link.send(large, time.monotonic() + LIMIT)
                else:
                    os.kill(server.pid, signal.SIGHUP)
                await_true(lambda: remote.waiting, f"{closes}: nothing is closed")
                took = serves(server)
                remote.go_on()
                if closes == "replaced":
                    link.answer(large, time.monotonic() + LIMIT)
            link.exchange(large, LIMIT)
            remote.hang(FLUSH)
            os.kill(server.pid, signal.SIGTERM)
            await_true(lambda: remote.waiting, "at the stop: nothing is closed")
            remote.go_on()
            link.close()
            luck.ended(server)
    return f"others are answered in {1000 * took:.0f} ms"


# Of what a folder's listing may be, more than it may have loaders.
LISTINGS = [f"/?format={form}&sort={by}&order={order}" for form in ("html", "json") for by in ("name", "size", "time")
            for order in ("asc", "desc")]


def served_beside(server, askers, folder, count, size):
    """Asks for so many files of a folder, and then lets those who wait go. Returns how long the last took, in seconds."""
    for number in range(count):
        took, why = one(Link(server.port), Ask(f"{folder}{number}.bin", bytes([number]) * size), LIMIT)
        assert not why, why
    for link, _ in askers.links:
        link.close()
    return took


def remote_listed(httpd, model, site):
    """Listings of a folder with one in it that hangs leave loaders to the files beside it."""
    count, size = 20, 100 << 10  # longer than what is at hand at once
    with local_root(site) as root, contextlib.ExitStack() as stack:
        for number in range(count):
            (root / f"{number}.bin").write_bytes(bytes([number]) * size)
        try:
            hung = stack.enter_context(hanging(root / "hung", HungFolder))
        except OSError as error:
            return left_out(error)
        with Attacked(httpd, root, model, "--list") as server, contextlib.closing(hung):
            askers = Askers(server)
            for path in LISTINGS:
                askers.ask(Ask(path))
            took = served_beside(server, askers, "/", count, size)
    return f"{count} answers beside {len(LISTINGS)} listings that hang, the last in {1000 * took:.0f} ms"


def remote_workers(httpd, model, site):
    """A folder that hangs, and is asked for in many workers, leaves loaders to other folders in all of them."""
    workers, count, size = 40, 20, 100 << 10
    with local_root(site) as root, contextlib.ExitStack() as stack:
        (root / "well").mkdir()
        for number in range(count):
            (root / "well" / f"{number}.bin").write_bytes(bytes([number]) * size)
        try:
            hung = stack.enter_context(hanging(root / "hung", HungFolder))
        except OSError as error:
            return left_out(error)
        with Attacked(httpd, root, model, "--workers", str(workers)) as server, contextlib.closing(hung):
            askers = Askers(server)
            for number in range(8 * workers):
                askers.ask(Ask(f"/hung/{number}"))
            took = served_beside(server, askers, "/well/", count, size)
    return f"{count} answers beside {workers} workers' requests that hang, the last in {1000 * took:.0f} ms"


def remote_left(httpd, model, site):
    """Who asks for what hangs, waits for the answer that there is none, and asks for something else in it, again and
    again, leaves nothing behind that others lack. Takes a minute."""
    clients = 128
    with local_root(site) as root, contextlib.ExitStack() as stack:
        try:
            hung = stack.enter_context(hanging(root / "hung", HungFolder))
        except OSError as error:
            return left_out(error)
        with Attacked(httpd, root, model, "--max-connections", str(clients + 2)) as server, contextlib.closing(hung):
            askers = Askers(server)
            for times in range(3):
                for number in range(clients):
                    askers.ask(Ask(f"/hung/{times}-{number}"))
                took = serves(server)
                for link, _ in askers.links:
                    if times < 2:
                        assert link.head(time.monotonic() + 2 * LIMIT)[0] == 503
                    link.close()
                askers.links.clear()
    return f"others are answered in {1000 * took:.0f} ms when each of {clients} asked three times"


# What loads is the same in all models that have loaders.
LOADERS = tuple(model for model in ALL if model not in ("epoll-et", "uring"))
SCENARIOS = {"remote-file": (remote_file, ("blocking",)), "remote-root": (remote_root, ("blocking",)),
             "remote-moved": (remote_moved, ("blocking",)),
             "remote-close": (remote_close, ("blocking",)), "remote-listed": (remote_listed, LOADERS),
             "remote-workers": (remote_workers, LOADERS)}
BY_HAND = {"remote-left": (remote_left, LOADERS)}
