"""An honest client: one request after another, each answer held against what the file holds."""

import itertools
import multiprocessing
import re
import socket
import threading
import time
from dataclasses import dataclass

from webdriver import die_with_parent

FORK = multiprocessing.get_context("fork")
ROUND = 200
PAUSE = 0.002  # so that an honest client is no load itself


@dataclass(frozen=True)
class Ask:
    path: str
    body: bytes = b""
    status: int = 200
    method: str = "GET"
    fields: str = ""
    fresh: bool = False  # on a connection of its own


class Closed(Exception):
    """A connection that was kept ended before the first byte of an answer: one may ask again on another."""


class Link:
    """A connection that is kept while the server keeps it."""

    def __init__(self, port, source=None):
        self.port, self.source = port, source
        self.socket, self.used, self.rest = None, False, b""

    def open(self, end):
        self.socket = socket.create_connection(("127.0.0.1", self.port), max(0.001, end - time.monotonic()),
                                               self.source and (self.source, 0))
        self.used, self.rest = False, b""

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def receive(self, end):
        self.socket.settimeout(max(0.001, end - time.monotonic()))
        part = self.socket.recv(1 << 18)
        if not part:
            raise ConnectionResetError("closed within an answer")
        return part

    def send(self, ask, end):
        if ask.fresh:
            self.close()
        if not self.socket:
            self.open(end)
        close = "Connection: close\r\n" if ask.fresh else ""
        try:
            self.socket.settimeout(max(0.001, end - time.monotonic()))
            self.socket.sendall(f"{ask.method} {ask.path} HTTP/1.1\r\nHost: localhost\r\n{ask.fields}{close}\r\n"
                                .encode())
        except ConnectionError as error:
            raise (Closed() if self.used else error) from None

    def head(self, end):
        answer = self.rest
        try:
            while b"\r\n\r\n" not in answer:
                answer += self.receive(end)
        except ConnectionError as error:
            raise (Closed() if self.used and not answer else error) from None
        head, _, self.rest = answer.partition(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), head.decode("latin-1")

    def answer(self, ask, end):
        """Status, head and body. Raises OSError, TimeoutError at `end`."""
        status, head = self.head(end)
        length = re.search(r"^content-length: (\d+)\r?$", head, re.I | re.M)
        size = int(length[1]) if length and ask.method != "HEAD" and status != 304 else 0
        parts, have = [self.rest], len(self.rest)
        while have < size:
            parts.append(self.receive(end))
            have += len(parts[-1])
        body = b"".join(parts)
        self.rest, self.used = body[size:], True
        if re.search(r"^connection:.*close", head, re.I | re.M):
            self.close()
        return status, head, body[:size]

    def exchange(self, ask, limit):
        end = time.monotonic() + limit
        for _ in range(3):
            try:
                self.send(ask, end)
                return self.answer(ask, end)
            except Closed:
                self.close()
        raise ConnectionResetError("closed three times instead of answering")


def wrong(ask, status, body):
    """What is wrong with the answer, or None."""
    if status != ask.status:
        return f"status {status} instead of {ask.status}"
    if ask.method != "HEAD" and ask.status == 200 and body != ask.body:
        return f"{len(body)} bytes that are not the file's {len(ask.body)}"
    return None


def one(link, ask, limit):
    began = time.monotonic()
    try:
        status, _, body = link.exchange(ask, limit)
        why = wrong(ask, status, body)
    except TimeoutError:
        why = f"no whole answer within {limit} s"
    except OSError as error:
        why = str(error)
    took = time.monotonic() - began
    return took, why and f"{ask.method} {ask.path} after {took:.2f} s: {why}"


class Honest:
    """Asks in a process of its own, in the order of `asks` and again, until stopped or until something is wrong.
    Its figures: how many answers, the longest in seconds, what was wrong first, and that below which are 99 %."""

    def __init__(self, port, asks, limit, pause=PAUSE):
        self.asks, self.limit, self.pause, self.link = list(asks), limit, pause, Link(port)
        self.round_done, self.stopped = FORK.Event(), FORK.Event()
        self.ours, self.theirs = FORK.Pipe(duplex=False)
        self.process = FORK.Process(target=self._run, daemon=True)
        self.process.start()

    def _run(self):
        die_with_parent()
        times, why = [], None
        for ask in itertools.cycle(self.asks):
            took, why = one(self.link, ask, self.limit)
            times.append(took)
            if len(times) == min(len(self.asks), ROUND):
                self.round_done.set()
            if why or self.stopped.is_set():
                break
            time.sleep(self.pause)
        self.round_done.set()
        self.theirs.send((len(times), max(times), why, sorted(times)[len(times) * 99 // 100]))

    def await_round(self, limit=20):
        """Until everything was asked for once, or much of it."""
        assert self.round_done.wait(limit), "an honest client did not come round"

    def failed(self):
        return self.ours.poll(0)

    def finish(self):
        """The request under way is waited for. Asserts that all went well; a word about it."""
        self.stopped.set()
        assert self.ours.poll(self.limit + 10), "an honest client hangs"
        count, longest, why, self.p99 = self.ours.recv()
        self.process.join()
        assert not why, f"an honest client's request {count}: {why}"
        return f"{count} honest answers, the longest {1000 * longest:.0f} ms"

    def end(self):
        self.process.kill()
        self.process.join()


def in_background(function, *arguments):
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread
