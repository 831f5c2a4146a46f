"""Every kind of request, and what one of it costs the server."""

import base64
import re
import socket
from dataclasses import dataclass
from typing import Callable

import target
from arsenal import ranges, request

import measure


@dataclass(frozen=True)
class Kind:
    name: str
    make: Callable  # number -> bytes of one request
    count: int = 400
    method: str = "GET"
    auth: bool = False
    grows: bool = False  # a line is appended to the log before each
    warm: bool = True  # one is made before it counts


def fields_of(length):
    """A hundred fields that fill a head of so many bytes."""
    return "".join(f"X-{i:02}: {'v' * (length // 96 - 8)}\r\n" for i in range(96))


def tags(length):
    return "If-None-Match: " + ", ".join(f'"{i:016x}"' for i in range(length // 20)) + "\r\n"


def guess(number):
    word = base64.b64encode(f"alice:wrong {number}".encode()).decode()
    return request("/hot.txt", fields=f"Authorization: Basic {word}\r\n")


def body_of(number):
    return request("/hot.txt", fields="Content-Length: 65536\r\n") + b"x" * 65536


def chunked(number):
    return request("/hot.txt", fields="Transfer-Encoding: chunked\r\n") + b"1\r\nx\r\n" * 10_000 + b"0\r\n\r\n"


HOT, LIST = "/hot.txt", "/list/"
STAR = "If-None-Match: *\r\n"
KINDS = (
    Kind("file of 2 KiB", lambda n: request(HOT), 4_000),
    Kind("HEAD of a file of 2 KiB", lambda n: request(HOT, "HEAD"), 4_000, "HEAD"),
    Kind("304 of a file of 2 KiB", lambda n: request(HOT, fields=STAR), 4_000),
    Kind("file of 2 KiB, a connection each", lambda n: request(HOT, fields="Connection: close\r\n")),
    Kind("OPTIONS", lambda n: request(HOT, "OPTIONS"), 2_000),
    Kind("DELETE: 405", lambda n: request(HOT, "DELETE"), 1_000),
    Kind("folder without slash: 301", lambda n: request("/list"), 1_000),
    Kind("missing, the same again", lambda n: request("/missing"), 2_000),
    Kind("missing, another each", lambda n: request(f"/missing-{n}"), 2_000),
    Kind("missing, 100 folders deep", lambda n: request("/a" * 100 + f"/{n}"), 1_000),
    Kind("target of 4,000 bytes", lambda n: request("/" + "%61" * 1_300 + f"{n}"), 1_000),
    Kind("target of dots", lambda n: request("/list/.." * 400 + HOT), 1_000),
    Kind("head of 96 fields, 15 KiB", lambda n: request(HOT, fields=fields_of(15_000)), 1_000),
    Kind("If-None-Match of 15 KiB", lambda n: request(HOT, fields=tags(15_000)), 1_000),
    Kind("Accept-Encoding of 15 KiB",
         lambda n: request(HOT, fields="Accept-Encoding: " + "a;q=0.1, " * 1_600 + "br\r\n"), 1_000),
    Kind("body of 64 KiB", body_of, 200),
    Kind("body of 10,000 chunks", chunked, 100),
    Kind("file of 100 KiB, known", lambda n: request("/small/0.txt"), 1_000),
    Kind("file of 100 KiB, another each", lambda n: request(f"/small/{n + 1}.txt"), 400),
    Kind("HEAD of 100 KiB, another each", lambda n: request(f"/small/{n + 401}.txt", "HEAD"), 300, "HEAD"),
    Kind("file of 1 MiB, known", lambda n: request("/large/0.bin"), 200),
    Kind("file of 1 MiB, another each", lambda n: request(f"/large/{n + 1}.bin"), 400),
    Kind("HEAD of 16 MiB, known", lambda n: request("/huge/0.bin", "HEAD"), 1_000, "HEAD"),
    Kind("HEAD of 16 MiB, another each", lambda n: request(f"/huge/{n + 1}.bin", "HEAD"), 200, "HEAD"),
    Kind("first byte of 16 MiB, another each", lambda n: request(f"/huge/{n + 301}.bin", fields="Range: bytes=0-0\r\n"),
         200),
    Kind("16 ranges", lambda n: request("/" + target.LOG, fields=ranges()), 1_000),
    Kind("16 ranges of a log that grows", lambda n: request("/" + target.LOG, fields=ranges()), 50, grows=True),
    Kind("listing of 40,000", lambda n: request(LIST), 20),
    Kind("HEAD of that listing", lambda n: request(LIST, "HEAD"), 20, "HEAD"),
    Kind("304 of that listing", lambda n: request(LIST, fields=STAR), 20),
    Kind("that listing as JSON", lambda n: request(LIST + "?format=json"), 20),
    Kind("listing of 48", lambda n: request("/page/"), 400),
    Kind("wrong password", guess, 8, auth=True, warm=False),
    Kind("no password: 401", lambda n: request(HOT), 1_000, auth=True),
)


class Connection:
    """Reads answers whole, and as cheaply as it can."""

    def __init__(self, port):
        self.port, self.socket, self.rest = port, None, b""

    def exchange(self, kind, message):
        if not self.socket:
            self.socket, self.rest = socket.create_connection(("127.0.0.1", self.port), 30), b""
        self.socket.sendall(message)
        while b"\r\n\r\n" not in self.rest:
            self.receive()
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        length = re.search(rb"^content-length: (\d+)", head, re.I | re.M)
        left = int(length[1]) if length and kind.method != "HEAD" and status != 304 else 0
        while len(self.rest) < left:
            left -= len(self.rest)
            self.rest = b""
            self.receive()
        self.rest = self.rest[left:]
        if re.search(rb"^connection:.*close", head, re.I | re.M):
            self.close()
        return status

    def receive(self):
        part = self.socket.recv(1 << 20)
        if not part:
            raise ConnectionResetError("closed within an answer")
        self.rest += part

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None


def first_thread(server):
    with open(f"/proc/{server.pid}/task/{server.pid}/schedstat") as file:
        return int(file.read().split()[0]) / 1e9


def measure_kind(server, kind, site):
    """Bytes of a request, status of the last answer, microseconds of all and of the first thread."""
    connection = Connection(server.port)
    if kind.warm:
        connection.exchange(kind, kind.make(0))
    before, loop_before, status = measure.settled_cpu_seconds(server.pid), first_thread(server), 0
    for number in range(kind.count):
        if kind.grows:
            site.append_line()
        status = connection.exchange(kind, kind.make(number))
    loop, used = first_thread(server) - loop_before, measure.settled_cpu_seconds(server.pid) - before
    connection.close()
    return len(kind.make(1)), status, 1e6 * used / kind.count, 1e6 * loop / kind.count
