"""Honest clients, which verify every byte, and hostile ones, which do what they like."""

import base64
import itertools
import random
import re
import socket
import struct
import threading
import time

from honest import FORK, Ask, Closed, Link
from webdriver import die_with_parent

LIMIT = 60  # seconds for an answer, however loaded the machine is
USER = "Authorization: Basic " + base64.b64encode(b"alice:word").decode() + "\r\n"


class Client(threading.Thread):
    """Asks until it is stopped. `asked`: the unique query of each request, and whether it was answered whole."""

    def __init__(self, number, seed, port, documents, fail, pauses, storms):
        super().__init__(daemon=True)
        self.rng, self.number, self.documents, self.fail = random.Random(f"{seed} {number}"), number, documents, fail
        self.link, self.stopped, self.asked, self.pauses = Link(port), threading.Event(), {}, pauses
        self.storms = storms
        self.counter, self.tags = itertools.count(), {}

    def stormy(self, since):
        """Whether something was missing since then that an answer may take."""
        return any(to >= since - 1 for _, to in list(self.storms))

    def run(self):
        while not self.stopped.is_set():
            document, began = self.rng.choice(self.documents), time.monotonic()
            for _ in range(3):
                if self.ask(document):
                    break
            else:
                if self.stormy(began):
                    continue
                self.fail(f"client {self.number}: {document.name}: closed three times instead of answering")
            time.sleep(self.rng.choice((0, 0.005, 0.02)))
        self.link.close()

    def ask(self, document):
        """False: the connection had ended before, and the request may be made again."""
        word = f"u{self.number}-{next(self.counter)}."
        kind = self.rng.choice(("whole", "whole", "range", "head", "condition"))
        fields, span = USER, None
        if kind == "range":
            first = self.rng.randrange(5_000)
            span = (first, first + self.rng.randrange(200_000))
            fields += "Range: bytes=%d-%d\r\n" % span
        old = self.tags.get(document.name)
        if kind == "condition" and old:
            fields += f"If-None-Match: {old[0]}\r\n"
        ask = Ask(f"/{document.name}?{word}", method="HEAD" if kind == "head" else "GET", fields=fields,
                  fresh=self.rng.random() < 0.2)
        asked = time.monotonic()
        self.asked[word] = False
        try:
            self.link.send(ask, asked + LIMIT)
            status, head, body = self.link.answer(ask, asked + LIMIT)
        except Closed:
            self.link.close()
            return False
        except OSError as error:
            self.link.close()
            # Of an answer that was cut it isn't known whether it is told; a file that was shortened explains it.
            if not self.stormy(asked) and not document.may_be_cut(asked, self.lag(asked)):
                self.fail(f"client {self.number}: {ask.method} {ask.path} after {time.monotonic() - asked:.2f} s: "
                          f"{error!r}")
            return True
        self.asked[word] = not self.stormy(asked)
        if status in (500, 503) and self.stormy(asked):
            return True
        why = self.wrong(document, asked, ask, span, old, status, head, body)
        if why:
            self.fail(f"client {self.number}: {ask.method} {ask.path} {kind} {span or ''}: {why}")
        return True

    def lag(self, asked):
        """A server that was stopped, or whose place was taken, has seen an edit that much later."""
        return 1.0 + sum(to - since for since, to in list(self.pauses) if to > asked - 5)

    def wrong(self, document, asked, ask, span, old, status, head, body):
        legal = document.legal(asked, self.lag(asked))
        tag = re.search(r'^etag: (".*?")\r?$', head, re.I | re.M)
        length = re.search(r"^content-length: (\d+)\r?$", head, re.I | re.M)
        if status == 404:
            return None if None in legal else "404 of a file that is there"
        there = [version for version in legal if version is not None]
        if status == 304:
            return None if old and old[1] in there else "304 for a version that isn't the file's any more"
        if status == 416:
            return None if span and any(span[0] >= len(version) for version in there) else "416"
        if status not in (200, 206) or (status == 206 and not span):
            return f"status {status}"
        if ask.method == "HEAD":
            return None if int(length[1]) in map(len, there) else f"length {length[1]}"
        parts = [version[span[0]:span[1] + 1] if status == 206 else version for version in there]
        if body not in parts:
            first = span[0] if status == 206 else 0
            if any(document.cut_on_its_way(asked, body, part, first, self.lag(asked)) for part in parts):
                return None
            return f"{len(body)} bytes ({body[:30]!r}) that are none of {[(len(p), p[:30]) for p in parts]}" \
                   f"{[difference(body, part) for part in parts if len(part) == len(body)]}"
        if status == 200 and tag:
            self.tags[document.name] = (tag[1], body)
        return None


def difference(body, part):
    at = next(i for i, (one, other) in enumerate(zip(body, part)) if one != other)
    return f"from {at}: {body[at:at + 40]!r}, not {part[at:at + 40]!r}; last {body[-30:]!r}"


def drop(client):
    """With a reset."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


class Hostile:
    """A process with some connections, each of which does something bad for a while."""

    def __init__(self, seed, port, names, connections):
        self.seed, self.port, self.names, self.connections = seed, port, names, connections
        self.process = FORK.Process(target=self._run, daemon=True)
        self.process.start()

    def _run(self):
        die_with_parent()
        self.rng, open_ones = random.Random(self.seed), []
        while True:
            try:
                if len(open_ones) < self.connections:
                    open_ones.append(self.begin())
                client = self.rng.choice(open_ones)
                if self.rng.random() < 0.1:
                    open_ones.remove(client)
                    (drop if self.rng.random() < 0.5 else socket.socket.close)(client)
                else:
                    self.go_on(client)
            except OSError:
                pass
            if self.rng.random() < 0.01:
                for client in [socket.socket() for _ in range(50)]:  # a flood of connects
                    client.setblocking(False)
                    client.connect_ex(("127.0.0.1", self.port))
                    drop(client)
            time.sleep(0.005)

    def begin(self):
        client = socket.socket()
        if self.rng.random() < 0.5:  # a tiny window
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.settimeout(5)
        client.connect(("127.0.0.1", self.port))
        client.setblocking(False)
        return client

    def go_on(self, client):
        rng, whole = self.rng, self.request()
        what = rng.randrange(6)
        if what == 0:
            client.send(whole * rng.choice((1, 10, 200)))  # and reads nothing
        elif what == 1:
            client.send(whole[:rng.randrange(1, len(whole))])  # a drip, or half a request
        elif what == 2:
            client.recv(rng.choice((1, 100, 10_000)))
        elif what == 3:
            client.shutdown(socket.SHUT_WR)
        elif what == 4:
            client.send(rng.randbytes(rng.randrange(1, 300)))

    def request(self):
        rng, name = self.rng, self.rng.choice(self.names + ["none", "../etc/passwd", "%00", "%2e%2e/x"])
        fields = rng.choice((USER, USER, USER, "Authorization: Basic YTpi\r\n", "Authorization: Basic %\r\n", ""))
        fields += rng.choice(("", "Range: bytes=0-0,5-9,-1,99999999-\r\n", "Range: bytes=-0\r\n", "Range: bytes=9-1\r\n",
                              "Range: bytes=" + "0-," * 300 + "1-\r\n", "If-Range: x\r\nRange: bytes=5-\r\n",
                              "Content-Length: 99999999\r\n", "Transfer-Encoding: chunked\r\n", "Expect: x\r\n"))
        return f"{rng.choice(('GET', 'HEAD', 'POST'))} /{name} HTTP/1.1\r\nHost: a\r\n{fields}\r\n".encode()

    def end(self):
        self.process.kill()
        self.process.join()
