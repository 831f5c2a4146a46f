"""What hostile clients send: a table that the tests and the bench share. Each attack is one for which a client needs no
more than a home connection, 1 Mbit/s and 200 connections; where there are more, it says so."""

import base64
from dataclasses import dataclass
from typing import Callable

import target

BYTES_PER_SECOND = 125_000
ALL = ("blocking", "fork", "thread", "nonblocking", "select", "poll", "epoll-lt", "epoll-et", "coroutine", "uring")
EXPENSIVE = 200_000  # rounds of SHA-512: some 0.1 s for a password


@dataclass(frozen=True)
class Attack:
    name: str
    about: str
    connections: int
    payload: Callable  # (connection, round) -> bytes: whole requests
    status: int = 200  # of an answer
    reads: bool = True  # and goes on; otherwise holds what its first round asked for and reads none of it
    rate: int = BYTES_PER_SECOND
    options: tuple = ("--list",)
    # In blocking whoever holds the one connection holds up the rest, by its nature.
    without: tuple = ("blocking",)
    tick: Callable = None  # what goes on in the site meanwhile, some fifty times a second


def request(path, method="GET", fields=""):
    return f"{method} {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n".encode()


def huge_heads(connection, turn, count=1_200):
    first = (2 * turn + connection) * count
    return b"".join(request(f"/huge/{(first + i) % target.HUGE}.bin", "HEAD") for i in range(count))


def guess(connection, turn):
    word = base64.b64encode(f"alice:guess {connection} {turn}".encode()).decode()
    return request("/hot.txt", fields=f"Authorization: Basic {word}\r\n")


def ranges(size=10, count=16):
    step = target.LOG_SIZE // count
    return "Range: bytes=" + ",".join(f"{step * i}-{step * i + size - 1}" for i in range(count)) + "\r\n"


def missing_names(connection, turn):
    return b"".join(request(f"/{connection}.{turn}.{number}") for number in range(1_000))


def files(folder, suffix, there, count):
    """Each connection asks for its own."""
    def payload(connection, turn):
        wanted = range(count * connection, count * (connection + 1))
        return b"".join(request(f"/{folder}/{number % (there - target.PAGES)}.{suffix}") for number in wanted)
    return payload


ATTACKS = {attack.name: attack for attack in (
    Attack("listing-heads", "HEAD of a listing of 40,000 entries, 1,000 pipelined on one connection", 1,
           lambda *_: request("/list/", "HEAD") * 1_000),
    Attack("listing-conditions", "the same listing under If-None-Match: *, 1,000 pipelined on one connection", 1,
           lambda *_: request("/list/", fields="If-None-Match: *\r\n") * 1_000, 304),
    Attack("huge-heads", "HEAD of distinct files of 16 MiB, 1,200 pipelined on each of two connections", 2, huge_heads),
    Attack("listings-unread", "16 connections ask for the listing and read nothing", 16,
           lambda *_: request("/list/"), reads=False),
    Attack("listings-piped-unread", "3 connections ask for it 12 times each and read nothing", 3,
           lambda *_: request("/list/") * 12, reads=False),
    Attack("small-unread", "170 connections ask for 4 files of 100 KiB each and read nothing", 170,
           files("small", "txt", target.SMALL, 4), reads=False),
    Attack("large-unread", "80 connections ask for 8 files of 1 MiB each and read nothing", 80,
           files("large", "bin", target.LARGE, 8), reads=False),
    # More than fork's 512 places: who takes them all holds up the rest, by its nature.
    Attack("large-unread-600", "600 connections ask for a file of 1 MiB each and read nothing", 600,
           files("large", "bin", target.LARGE, 1), reads=False, without=("blocking", "fork")),
    Attack("log-ranges", "16 ranges of a log file of 15 MiB that grows, 100 pipelined on each of 4 connections", 4,
           lambda *_: request("/" + target.LOG, fields=ranges()) * 100, 206, tick=target.Site.append_line),
    Attack("missing-names", "names that aren't there, none of them twice, 1,000 pipelined on each of 4 connections", 4,
           missing_names, 404),
    Attack("guesses", "45 wrong passwords a second on 8 connections", 8, guess, 401, rate=5_000),
)}
