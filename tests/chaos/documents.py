"""The site that is edited while it is served, and which answers are legal when: every version that was the file's at some
moment between a little before the request and the end of the answer."""

import os
import threading
import time

LAG = 1.0  # seconds after which an edit is seen at the latest
SIZES = (0, 100, 4_000, 70_000, 300_000, 3_000_000)


def content(name, number, size):
    """Each line says whose it is, so that no mixture of two versions is a version."""
    line = f"{name} {number:08d} ".encode()
    return b"".join(line + b"%08d\n" % at for at in range(size // (len(line) + 9) + 1))[:size]


class Document:
    def __init__(self, folder, name, rng):
        self.path, self.name, self.rng = folder / name, name, rng
        self.number, self.lock = 0, threading.Lock()
        self.versions = []  # [bytes or None for no file, from, to, a cut is legal from here on]
        self.cuts = []  # moments at which the file was shortened
        self.replace()

    def _become(self, body, act):
        """Both versions are legal while the change is made."""
        with self.lock:
            self.versions.append([body, time.monotonic(), None])
        act()
        with self.lock:
            now = time.monotonic()
            for version in self.versions[:-1]:
                version[2] = version[2] or now
            self.versions = [version for version in self.versions if not version[2] or version[2] > now - 120]

    def replace(self):
        self.number += 1
        body = content(self.name, self.number, self.rng.choice(SIZES))
        draft = self.path.with_name("." + self.name)
        draft.write_bytes(body)
        self._become(body, lambda: draft.rename(self.path))

    def truncate(self):
        body = self.versions[-1][0]
        if body:
            with self.lock:
                self.cuts.append(time.monotonic())
            size = self.rng.randrange(len(body))
            self._become(body[:size], lambda: os.truncate(self.path, size))

    def append(self):
        body = self.versions[-1][0]
        if body is not None:
            more = content(self.name, self.number, len(body) + 500)[len(body):]
            self._become(body + more, lambda: append(self.path, more))

    def remove(self):
        if self.versions[-1][0] is not None:
            self._become(None, self.path.unlink)

    def edit(self):
        if self.versions[-1][0] is None:
            self.replace()
        else:
            self.rng.choice((self.replace, self.replace, self.truncate, self.append, self.remove))()

    def legal(self, asked, lag=LAG):
        """The versions of an answer that has just come whole."""
        with self.lock:
            return [body for body, _, to in self.versions if to is None or to >= asked - lag]

    def may_be_cut(self, asked, lag=LAG):
        with self.lock:
            return any(moment >= asked - lag for moment in self.cuts[-50:])


def append(path, more):
    with open(path, "ab") as file:
        file.write(more)
