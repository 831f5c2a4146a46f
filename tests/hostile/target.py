"""The site that is attacked: a folder to list, small and large files enough to fill any cache, and what an honest
client asks for."""

import ctypes
import itertools
import os
import pathlib
import time

from honest import Ask
from webdriver import Server

KIB, MIB = 1 << 10, 1 << 20
LISTED = 40_000
SMALL, SMALL_SIZE = 800, 100 * KIB  # 78 MiB: more than a cache of 64 holds
LARGE, LARGE_SIZE = 1_400, MIB
HUGE, HUGE_SIZE = 2_500, 16 * MIB  # without content: holes cost no disk
PAGES = 48
LOG, LOG_SIZE = "app.log", 15 * MIB
STILL = 7  # seconds: 5, rounded, and some
LINE = b"2026-11-20 12:00:00 a line that somebody logs, as long as lines are: some eighty bytes.\n"


def small_content(number):
    return b"%07d\n" % number * (SMALL_SIZE // 8)


def page_content(number):
    return b"%06d\r\n" % number * 256


def sparse(path, count, size):
    path.mkdir()
    for number in range(count):
        with open(path / f"{number}.bin", "wb") as file:
            file.truncate(size)


class Attacked(Server):
    """May take all the time that a drain has, ten seconds, and some more: an attack is under way when it ends."""

    def stop(self, limit=15):
        super().stop(limit)


class Site:
    """In a folder that is there and empty; the root is a folder in it."""

    def __init__(self, folder):
        self.folder, self.root = pathlib.Path(folder), pathlib.Path(folder, "root")
        self.root.mkdir()
        (self.root / "hot.txt").write_bytes(page_content(999_999))
        (self.root / LOG).write_bytes(LINE * (LOG_SIZE // len(LINE)))
        for kind, count, content in (("small", SMALL, small_content), ("page", PAGES, page_content)):
            (self.root / kind).mkdir()
            for number in range(count):
                (self.root / kind / f"{number}.txt").write_bytes(content(number))
        sparse(self.root / "large", LARGE, LARGE_SIZE)
        sparse(self.root / "huge", HUGE, HUGE_SIZE)
        (self.root / "list").mkdir()
        for number in range(LISTED):
            os.close(os.open(self.root / "list" / f"entry-{number:05}.txt", os.O_CREAT | os.O_WRONLY, 0o644))

    def append_line(self):
        with open(self.root / LOG, "ab") as file:
            file.write(LINE)
        if (self.root / LOG).stat().st_size > LOG_SIZE + MIB / 2:
            os.truncate(self.root / LOG, LOG_SIZE)

    def await_still_log(self):
        """Until it is no longer taken for a file that is being written to."""
        while time.time() - (self.root / LOG).stat().st_ctime < STILL:
            time.sleep(0.1)

    def passwords(self, name, users, password, rounds):
        """A password file in which all have the same one; returns its path."""
        path = self.folder / name
        hashed = crypt(password, f"$6$rounds={rounds}$abcdefghijklmnop")
        path.write_text("".join(f"{user}:{hashed}\n" for user in users))
        return path


def crypt(password, setting):
    """Python's own module is gone since 3.13."""
    function = ctypes.CDLL("libcrypt.so.1").crypt
    function.restype = ctypes.c_char_p
    return function(password.encode(), setting.encode()).decode()


def honest_asks():
    """What is asked for all the time, what is asked for now and then, and what nobody has asked for yet, from the end
    of the small and large files (attacks take them from the beginning)."""
    hot = Ask("/hot.txt", page_content(999_999))
    for number in range(PAGES):
        yield hot
        yield Ask(f"/page/{number}.txt", page_content(number))
        yield Ask("/hot.txt", method="HEAD")
        yield Ask(f"/small/{SMALL - 1 - number}.txt", small_content(SMALL - 1 - number))
        yield Ask("/hot.txt", page_content(999_999), fresh=True)
        if number % 4 == 0:
            yield Ask(f"/large/{LARGE - 1 - number}.bin", bytes(LARGE_SIZE), fresh=True)


def cached_asks():
    return itertools.islice(honest_asks(), 3)


def crawl_asks():
    """More files than a cache has room and descriptors for."""
    for number in range(LARGE):
        yield Ask(f"/large/{number}.bin", method="HEAD")
        yield Ask(f"/small/{number % SMALL}.txt", method="HEAD")
