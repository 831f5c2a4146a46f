"""Bad luck rather than malice: clients that leave, descriptors that run out, files that vanish, a stop at the worst
moment. None of it is timed but by generous limits."""

import collections
import contextlib
import ctypes
import mmap
import os
import shlex
import shutil
import signal
import socket
import struct
import threading
import time

import target
from arsenal import ALL, request
from honest import Ask, Honest, Link, in_background, one
from webdriver import session_members

LIMIT = 20  # seconds, in all of this: something that never comes is found out, something slow is not
DRAIN = 10  # seconds that the server has for what is being answered
NO_LINGER = struct.pack("ii", 1, 0)  # close is a reset


def listed(body):
    return body.count(b"entry-")


# ---- Clients that leave


def descriptors(server):
    """Of all the server's processes; what a process that ends meanwhile held counts no more."""
    count = 0
    for pid in session_members(server.pid):
        try:
            count += len(os.listdir(f"/proc/{pid}/fd"))
        except OSError:
            pass
    return count


def await_true(condition, what):
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, what() if callable(what) else what
        time.sleep(0.02)


def leavers(httpd, model, site):
    """They ask for what takes long and leave, by FIN or by reset, at once or a moment later; others who ask for the
    same get it, and nothing is left behind."""
    with target.Attacked(httpd, site.root, model, "--list") as server:
        alone = len(session_members(server.pid))  # with its steward
        link = Link(server.port)
        asks = [Ask("/list/"), Ask("/huge/0.bin", method="HEAD")]
        for ask in asks:
            status, _, _ = link.exchange(ask, LIMIT)
            assert status == 200, f"{ask.path}: {status}"
        link.close()
        await_true(lambda: len(session_members(server.pid)) == alone, "a process is left")
        before = descriptors(server)
        for number in range(60):
            leave(server.port, site, number)
        _, _, body = link.exchange(Ask("/list/"), LIMIT)
        assert listed(body), "the listing lists nothing"
        took, why = one(link, Ask("/hot.txt", target.page_content(999_999)), LIMIT)
        assert not why, why
        link.close()
        # A hundred files were asked for, which the cache may keep open; connections would be as many again.
        await_true(lambda: len(session_members(server.pid)) == alone, "a process is left of who left")
        await_true(lambda: connections(server) == 0, lambda: f"{connections(server)} connections are left of who left")
    return f"{before} descriptors before, none of a client after"


def connections(server):
    """Established or half-closed ones of the server's port that a process still holds."""
    held = set()
    for pid in session_members(server.pid):
        try:
            for fd in os.listdir(f"/proc/{pid}/fd"):
                held.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
        except OSError:
            pass
    count = 0
    with open("/proc/net/tcp") as table:
        for line in list(table)[1:]:
            fields = line.split()
            local_port, state, inode = int(fields[1].split(":")[1], 16), fields[3], fields[9]
            count += local_port == server.port and state != "0A" and f"socket:[{inode}]" in held
    return count


def leave(port, site, number):
    path = "/list/" if number % 2 else f"/huge/{100 + number}.bin"
    with socket.create_connection(("127.0.0.1", port), LIMIT) as connection:
        if number % 3 == 0:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        connection.sendall(request(path, "HEAD" if number % 5 == 0 else "GET") * (1 + number % 2))
        if number % 7 == 0:
            connection.recv(1)


# ---- Few descriptors


def few_descriptors(httpd, model, site):
    """With 64 of them and a hundred clients that say nothing (any more), whoever asks is answered, whatever he asks
    for."""
    limited = site.folder / "limited"
    limited.write_text(f"#!/bin/sh\nulimit -n 64\nexec {shlex.quote(httpd)} \"$@\"\n")
    limited.chmod(0o755)
    silent = []
    with target.Attacked(str(limited), site.root, model) as server:
        try:
            for number in range(100):
                silent.append(socket.create_connection(("127.0.0.1", server.port), LIMIT))
                if number % 2:
                    silent[-1].sendall(request("/hot.txt"))
            clients = [Honest(server.port, target.honest_asks(), LIMIT) for _ in range(3)]
            try:
                told = "; ".join(served(client) for client in clients)
            finally:
                for client in clients:
                    client.end()
        finally:
            for connection in silent:
                connection.close()
    return told


def served(client):
    client.await_round(2 * LIMIT)
    return client.finish()


# ---- Files that vanish


class Comer:
    """A file and a folder under names of which each is there for a moment only, from before it is told."""

    def __init__(self, root):
        self.root, self.number, self.going = root, 0, True
        self.folder = root / "folder-0"
        self.folder.mkdir()
        for number in range(3000):
            (self.folder / f"entry-{number}").touch()
        self.file = root / "file-0.bin"
        self.file.touch()
        self.thread = in_background(self._run)

    def _run(self):
        while self.going:
            self._next(self.number + 1)
            time.sleep(0.004)

    def _next(self, number):
        """Two of each are there while the name is told; so what is asked for next may just be going."""
        old, self.file = self.file, self.root / f"file-{number}.bin"
        with open(self.file, "wb") as out:
            out.truncate(VANISHING_SIZE)
        self.folder = self.folder.rename(self.root / f"folder-{number}")
        self.number = number
        old.unlink()

    def stop(self):
        self.going = False
        self.thread.join()

    def remove(self):
        self.file.unlink()
        for entry in self.folder.iterdir():
            entry.unlink()
        self.folder.rmdir()


VANISHING_SIZE = 2 * target.MIB


def vanishing(httpd, model, site):
    """Each answer is whole, or says that nothing is there; and after the last of it, all say so."""
    comer = Comer(site.root)
    try:
        with target.Attacked(httpd, site.root, model, "--list") as server:
            seen = ask_until(Link(server.port), comer, time.monotonic() + 1.5)
            comer.stop()
            comer.remove()
            paths, link = (f"/file-{comer.number}.bin", f"/folder-{comer.number}/"), Link(server.port)
            await_true(lambda: all(link.exchange(Ask(path), LIMIT)[0] == 404 for path in paths),
                       "what has gone is still served")
            link.close()
    finally:
        comer.stop()
    assert seen[200] and seen[404], f"it was always there or never: {dict(seen)}"
    return f"answers {dict(seen)}"


def ask_until(link, comer, end):
    """How many answers of which status."""
    seen = collections.Counter()
    while time.monotonic() < end:
        for path in (f"/file-{comer.number}.bin", f"/folder-{comer.number}/"):
            status, _, body = link.exchange(Ask(path), LIMIT)
            whole = len(body) == VANISHING_SIZE if path.endswith(".bin") else listed(body) > 0
            assert status == 404 or (status == 200 and whole), f"{path}: {status} with {len(body)} bytes"
            seen[status] += 1
    link.close()
    return seen


# ---- A stop at the worst moment


def drain(httpd, model, site):
    """SIGTERM right after some have asked for a listing that takes long: each of them gets it, whole, and the server
    ends by itself with status 0."""
    count = 1 if model == "blocking" else 6
    with target.Attacked(httpd, site.root, model, "--list") as server:
        links = [Link(server.port) for _ in range(count)]
        end = time.monotonic() + LIMIT
        for link in links:
            status, _, _ = link.exchange(Ask("/hot.txt"), LIMIT)
            assert status == 200, f"/hot.txt: {status}"
        for link in links:
            if not link.socket:
                link.open(end)  # the server closed it after the first answer, as it may when it is full
            link.socket.sendall(request("/list/"))
        os.kill(server.pid, signal.SIGTERM)
        for number, link in enumerate(links):
            status, _, body = link.answer(Ask("/list/"), end)
            assert status == 200 and listed(body), f"client {number} got {status} with {len(body)} bytes"
            link.close()
        ended(server)
    return f"{count} whole listings after SIGTERM"


DOWNLOAD_SIZE = 1 << 40  # without content


def drain_download(httpd, model, site):
    """SIGTERM while somebody downloads what has no end, as fast as it comes: he is cut off in time. (In the models where
    the server looks at nothing but its one client meanwhile.)"""
    with open(site.root / "endless.bin", "wb") as file:
        file.truncate(DOWNLOAD_SIZE)
    with target.Attacked(httpd, site.root, model) as server, mmap.mmap(-1, 1 << 30) as nowhere:
        link = Link(server.port)
        link.send(Ask("/endless.bin"), time.monotonic() + LIMIT)
        reader = threading.Thread(target=lambda: take_all(link.socket, nowhere))
        reader.start()
        time.sleep(1)
        since = time.monotonic()
        os.kill(server.pid, signal.SIGTERM)
        try:
            ended(server)
        finally:
            link.socket.shutdown(socket.SHUT_RDWR)
            reader.join()
            link.close()
            os.unlink(site.root / "endless.bin")
        took = time.monotonic() - since
        assert took < DRAIN + 1, f"it took {took:.1f} s"
    return f"cut off after {took:.1f} s"


def take_all(connection, nowhere):
    """Without a copy, so that there always is room for more."""
    try:
        while connection.recv_into(nowhere, 0, socket.MSG_TRUNC) > 0:
            pass
    except OSError:
        pass


# ---- File systems that hang

FUSE_OPTIONS = "fd={},rootmode=40000,user_id=0,group_id=0"
MNT_DETACH = 2


class HungFolder:
    """A file system whose server never says a word: whoever looks into it waits, until it is closed. OSError where
    that can't be had."""

    def __init__(self, path):
        self.path, self.libc = os.fsencode(path), ctypes.CDLL(None, use_errno=True)
        path.mkdir()
        self.fd = os.open("/dev/fuse", os.O_RDWR)
        if self.libc.mount(b"hung", self.path, b"fuse", 0, FUSE_OPTIONS.format(self.fd).encode()) < 0:
            os.close(self.fd)
            raise OSError(ctypes.get_errno(), "mount")

    def die(self):
        """Who waits is told that it is gone, and so is who comes."""
        os.close(self.fd)
        self.fd = None

    def close(self):
        if self.fd is not None:
            self.die()
        self.libc.umount2(self.path, MNT_DETACH)


def hung_folders(httpd, model, site):
    """Folders below the root that hang, each asked for as much as would keep all loaders, hold up nobody else."""
    root, count, size = site.folder / "hung", 3, 100 << 10  # longer than what is at hand at once
    (root / "well").mkdir(parents=True)
    for number in range(20):
        (root / "well" / f"{number}.bin").write_bytes(bytes([number]) * size)
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, root)
        try:
            hung = [stack.enter_context(contextlib.closing(HungFolder(root / f"hung-{i}"))) for i in range(count)]
        except OSError as error:
            return f"left out: no file system to hang ({error})"
        with target.Attacked(httpd, root, model) as server:
            links = [Link(server.port) for _ in range(8 * count)]
            for number, link in enumerate(links):
                link.send(Ask(f"/hung-{number % count}/{number}"), time.monotonic() + LIMIT)
            for number in range(20):
                took, why = one(Link(server.port), Ask(f"/well/{number}.bin", bytes([number]) * size), LIMIT)
                assert not why, why
            for either in (*hung, *links):
                either.close()
    return f"20 answers beside {count} that hang, the last in {1000 * took:.0f} ms"


def dead_folder(httpd, model, site):
    """A file system whose server has gone: what lies there can't be had, which isn't to say that it isn't there."""
    root = site.folder / "dead"
    root.mkdir()
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, root)
        try:
            dead = stack.enter_context(contextlib.closing(HungFolder(root / "folder")))
        except OSError as error:
            return f"left out: no file system to die ({error})"
        dead.die()
        with target.Attacked(httpd, root, model) as server:
            link = Link(server.port)
            status, _, _ = link.exchange(Ask("/folder/file.txt"), LIMIT)
            link.close()
    assert status == 500, f"{status}"
    return "500"


def ended(server):
    """The server ends by itself; as a context manager it needn't be told any more."""
    status = server.process.wait(LIMIT)
    assert status == 0, f"exit status {status}: {server.output()}"
    await_true(lambda: not session_members(server.pid), "processes outlived the server")
    server.stop = lambda: None
    server.process.poll = lambda: None


SCENARIOS = {
    "leavers": (leavers, ()),
    # One place only: who sits in it says nothing for as long as the grace lasts, and a hundred do so in turn.
    "few-descriptors": (few_descriptors, ("blocking",)),
    "vanishing": (vanishing, ()),
    "drain": (drain, ()),
    "drain-download": (drain_download, tuple(model for model in ALL if model != "blocking")),
    # What loads is the same in all models that have loaders; root only.
    "dead-folder": (dead_folder, tuple(model for model in ALL if model not in ("thread", "epoll-et", "uring"))),
    "hung-folders": (hung_folders, tuple(model for model in ALL if model not in ("epoll-et", "uring"))),
}
