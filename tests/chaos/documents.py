"""The site that is edited while it is served, and which answers are legal when: every version that was the file's at some
moment between a little before the request and the end of the answer."""

import os
import threading
import time

LAG = 1.0  # seconds after which an edit is seen at the latest
SIZES = (0, 100, 4_000, 70_000, 300_000, 3_000_000)
STILL = 4  # seconds; a file that has stood so long, and one at the least, may be sent by reference
PAGE = 4096


def content(name, number, size):
    """Each line says whose it is, so that no mixture of two versions is a version."""
    line = f"{name} {number:08d} ".encode()
    return b"".join(line + b"%08d\n" % at for at in range(size // (len(line) + 9) + 1))[:size]


class Document:
    def __init__(self, folder, name, rng):
        self.path, self.name, self.rng = folder / name, name, rng
        self.number, self.lock = 0, threading.Lock()
        self.versions = []  # [bytes or None for no file, from, to, a cut is legal from here on]
        self.cuts = []  # moments at which the file was shortened, to what size, and whether it had stood still
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
        body, since, _ = self.versions[-1]
        if body:
            size, now = self.rng.randrange(len(body)), time.monotonic()
            with self.lock:
                self.cuts.append((now, size, now - since > STILL))
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
            return any(moment >= asked - lag for moment, _, _ in self.cuts[-50:])

    def cut_on_its_way(self, asked, body, part, first, lag=LAG):
        """Whether what came is this part of a version, from `first` on, but for zeros where the file was cut while its
        pages were on their way: that can't be helped of what is sent by reference, and the README says so. A page is
        emptied to its end, and only beyond the cut."""
        with self.lock:
            sizes = [size for moment, size, still in self.cuts[-50:] if still and moment >= asked - lag]
        if not sizes or len(body) != len(part):
            return False
        at = body.find(b"\0")
        while at >= 0:
            end = len(body) - len(body[at:].lstrip(b"\0"))
            if first + at < min(sizes) or (first + end) % PAGE and end < len(body):
                return False
            body = body[:at] + part[at:end] + body[end:]
            at = body.find(b"\0")
        return body == part


def append(path, more):
    with open(path, "ab") as file:
        file.write(more)
