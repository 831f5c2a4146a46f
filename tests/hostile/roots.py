"""Roots whose file systems go and come back. Where nothing can be mounted, these are left out."""

import ctypes
import os
import shutil
import subprocess
import time

from honest import Ask, Link
from luck import LIMIT, await_true
from target import Attacked, page_content

CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 1 << 18
LARGE = 1 << 20
SEEN = 3  # seconds: one, and some for a machine that is busy
libc = ctypes.CDLL(None, use_errno=True)


def mount(path):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", path], check=True)


def unmount(path, *options):
    return subprocess.run(["umount", *options, path], stderr=subprocess.DEVNULL).returncode == 0


def can_mount():
    """From here on what is mounted is so for this process, and those that it starts, alone."""
    return os.geteuid() == 0 and libc.unshare(CLONE_NEWNS) == 0 and libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) == 0


def fill(folder, byte):
    (folder / "large.bin").write_bytes(bytes([byte]) * LARGE)
    (folder / "small.txt").write_bytes(bytes([byte]) * 100)


def answer(server, path):
    link = Link(server.port)
    try:
        status, _, body = link.exchange(Ask(path), LIMIT)
    finally:
        link.close()
    return status, body


def seen(server, path, wanted, since):
    await_true(lambda: answer(server, path) == wanted, lambda: f"{path}: {answer(server, path)[0]}, not {wanted[0]}")
    assert time.monotonic() < since + SEEN, f"{path}: seen after {time.monotonic() - since:.1f} s"


class Disks:
    """A root that is on a disk of its own, with another in a folder of it."""

    def __init__(self, site):
        self.root = site.folder / "disk"
        self.root.mkdir(exist_ok=True)
        self.folder = self.root / "folder"

    def __enter__(self):
        self.mount_root(1)
        return self

    def mount_root(self, byte):
        mount(self.root)
        (self.root / "page.txt").write_bytes(page_content(byte))
        self.folder.mkdir()
        self.mount_folder(byte)

    def mount_folder(self, byte):
        mount(self.folder)
        fill(self.folder, byte)

    def __exit__(self, *_):
        while unmount(self.folder, "-l"):
            pass
        while unmount(self.root, "-l"):
            pass


def gone(httpd, model, site):
    """A file system in the root, and then the root's own, is taken away under the server and comes back with others."""
    if not can_mount():
        return "nothing can be mounted: left out"
    with Disks(site) as disks, Attacked(httpd, disks.root, model) as server:
        files = (("/folder/large.bin", LARGE), ("/folder/small.txt", 100))
        page = ("/page.txt", (200, page_content(1)))
        for path, size in files:
            assert answer(server, path) == (200, bytes([1]) * size), path
        unmount(disks.folder, "-l")
        since = time.monotonic()
        for path, _ in files:
            await_true(lambda: answer(server, path)[0] == 404, f"{path} is still there")
        assert time.monotonic() < since + SEEN and answer(server, page[0]) == page[1]
        disks.mount_folder(2)
        since = time.monotonic()
        for path, size in files:
            seen(server, path, (200, bytes([2]) * size), since)
        unmount(disks.folder, "-l")
        unmount(disks.root, "-l")
        since = time.monotonic()
        for path in (page[0], files[0][0]):
            await_true(lambda: answer(server, path)[0] in (404, 503), f"{path} is still there")
        assert time.monotonic() < since + SEEN
        disks.mount_root(3)
        since = time.monotonic()
        seen(server, page[0], (200, page_content(3)), since)
        for path, size in files:
            seen(server, path, (200, bytes([3]) * size), since)
    return f"each seen within {SEEN} s, the rest served meanwhile"


def let_go(httpd, model, site):
    """A file system beneath the root that nobody asks for can be unmounted as if there were no server."""
    if not can_mount():
        return "nothing can be mounted: left out"
    with Disks(site) as disks, Attacked(httpd, disks.root, model) as server:
        assert answer(server, "/folder/large.bin")[0] == 200
        began = time.monotonic()
        await_true(lambda: unmount(disks.folder), "it is busy")
        took = time.monotonic() - began
        assert answer(server, "/folder/large.bin")[0] == 404
    return f"after {took:.0f} s"


def deleted(httpd, model, site):
    """The root is deleted: said once, however many workers and processes of theirs find it out."""
    root = site.folder / "deleted"
    root.mkdir()
    (root / "page.txt").write_bytes(page_content(1))
    with Attacked(httpd, root, model, *(() if model == "blocking" else ("-w", "3"))) as server:
        assert answer(server, "/page.txt")[0] == 200
        shutil.rmtree(root)
        await_true(lambda: answer(server, "/page.txt")[0] == 503, "it isn't missed")
        for _ in range(30):
            assert answer(server, "/page.txt")[0] in (200, 503)  # of workers that haven't been asked for a second
        time.sleep(SEEN)
        for _ in range(30):
            assert answer(server, "/page.txt")[0] == 503
        assert server.output().count("has been deleted") == 1, server.output()
    return "said once"


SCENARIOS = {"fault-gone": (gone, ()), "fault-deleted": (deleted, ())}
BY_HAND = {"fault-let-go": (let_go, ())}  # takes up to 15 s; that files are closed is seen by chaos, too
