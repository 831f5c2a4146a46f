"""A file system of one large file, whose server is here: it answers, until it no longer does."""

import contextlib
import os
import shutil
import struct
import threading
import time

from honest import Ask, Link, one
from luck import LIMIT, MNT_DETACH, HungFolder
from target import Attacked, page_content

SIZE = 6 << 20  # more than sockets hold
ROOT, FILE = 1, 2
LOOKUP, FORGET, GETATTR, OPEN, READ, RELEASE, INIT, OPENDIR, INTERRUPT, BATCH_FORGET = 1, 2, 3, 14, 15, 18, 26, 27, 36, 42
ENOENT, ENOSYS = 2, 38
KEEP_CACHE, AUTO_INVAL_DATA = 2, 1 << 12
MNT_FORCE = 1


class RemoteFolder(HungFolder):
    """With large.bin in it, and nothing else."""

    def __init__(self, path):
        super().__init__(path)
        self.time, self.goes_on = 1_000_000_000, True
        self.change()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def change(self):
        self.time, self.content = self.time + 1, os.urandom(SIZE)

    def hang(self):
        self.goes_on = False

    def close(self):
        if self.fd is not None:
            self.libc.umount2(self.path, MNT_FORCE | MNT_DETACH)  # who waits in it, the thread here too, is told
            self.thread.join()
        super().close()

    def _serve(self):
        with contextlib.suppress(OSError):  # it is closed
            while True:
                asked = os.read(self.fd, 1 << 18)
                _, kind, unique, node = struct.unpack_from("<IIQQ", asked)
                if kind in (FORGET, BATCH_FORGET, INTERRUPT) or not self.goes_on:
                    continue
                answer = self._answer(kind, node, asked[40:])
                error, answer = (-answer, b"") if isinstance(answer, int) else (0, answer)
                os.write(self.fd, struct.pack("<IiQ", 16 + len(answer), error, unique) + answer)

    def _attributes(self, node):
        """Valid for no time, so that the server is asked for them each time."""
        size, mode = (SIZE, 0o100644) if node == FILE else (0, 0o40755)
        return struct.pack("<6Q10I", node, size, size // 512, *[self.time] * 3, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)

    def _answer(self, kind, node, asked):
        if kind == INIT:
            return struct.pack("<4I2H2I2H8I", 7, 31, 1 << 17, AUTO_INVAL_DATA, 12, 9, 1 << 17, 1, 0, 0, *[0] * 8)
        if kind == LOOKUP:
            return struct.pack("<4Q2I", FILE, 0, 0, 0, 0, 0) + self._attributes(FILE) if asked == b"large.bin\0" else ENOENT
        if kind == GETATTR:
            return struct.pack("<QII", 0, 0, 0) + self._attributes(node)
        if kind in (OPEN, OPENDIR):
            return struct.pack("<QII", 0, KEEP_CACHE, 0)
        if kind == READ:
            _, first, size = struct.unpack_from("<QQI", asked)
            return self.content[first:first + size]
        return b"" if kind == RELEASE else ENOSYS


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


def remote_file(httpd, model, site):
    """A file that is being sent when its file system begins to hang holds up nobody else, though all is in memory."""
    root = site.folder / "mounted"
    root.mkdir()
    (root / "well.txt").write_bytes(page_content(1))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, root)
        try:
            remote = stack.enter_context(contextlib.closing(RemoteFolder(root / "remote")))
        except OSError as error:
            return f"left out: no file system to hang ({error})"
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
            for _ in range(5):
                took, why = one(Link(server.port), Ask("/well.txt", page_content(1)), LIMIT)
                assert not why, why
            for either in (link, asked):
                either.close()
    return f"others are answered in {1000 * took:.0f} ms when {SIZE - have} bytes are missing"


SCENARIOS = {"remote-file": (remote_file, ("blocking",))}
