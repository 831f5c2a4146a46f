#!/usr/bin/env python3
"""Debian's HAProxy in front, as an operator sets it up: it says whom it speaks for by PROXY v1, PROXY v2 with what it
can add, X-Forwarded-For or Forwarded, over IPv4, IPv6 and a unix socket; and it notices by its health check that a
server is to be stopped, before anybody's request fails.

    balancer.py HTTPD --model M ..."""

import argparse
import contextlib
import http.client
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from webdriver import Child, Server, skip_without, terminate_politely

ALICE, BOB = "127.0.0.2", "127.0.0.3"  # clients; HAProxy itself comes from 127.0.0.1, ::1 or a socket
WAIT = 15
DELAY = 3  # --drain-delay: HAProxy below takes half a second to notice

COMMON = """
global
    stats socket {folder}/stats level admin
    maxconn 200
defaults
    mode http
    timeout connect 5s
    timeout client 20s
    timeout server 20s
    timeout check 2s
"""

# A way to say it: how HAProxy is told, and httpd.
WAYS = {
    "v1": ("send-proxy", "", ["--proxy-protocol"]),
    "v2": ("send-proxy-v2 proxy-v2-options unique-id,crc32c", "unique-id-format %Ts-%rt", ["--proxy-protocol"]),
    "x-forwarded-for": ("", "option forwardfor", []),
    "forwarded": ("", "http-request set-header Forwarded for=%[src];proto=http", ["--trust-field", "forwarded"]),
}


def free_port(host="127.0.0.1"):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def listens(family, address):
    with socket.socket(family) as probe:
        return probe.connect_ex(address) == 0


@contextlib.contextmanager
def haproxy(folder, port, text):
    path = pathlib.Path(folder, "haproxy.cfg")
    path.write_text(COMMON.format(folder=folder) + text)
    process = Child(["sh", "-c", 'echo begins; exec haproxy -db -f "$1"', "haproxy", str(path)], "^begins$")
    try:
        # It doesn't begin to do so at once everywhere, and the stats' socket of the one before lies there still.
        await_true("haproxy listens" + process.output(), lambda: listens(socket.AF_INET, ("127.0.0.1", port)) and
                   listens(socket.AF_UNIX, f"{folder}/stats"))
        yield
    finally:
        process.kill()


def ask(port, path="/page.txt", source=ALICE, connection=None):
    """The status of one request, and its connection, kept."""
    connection = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT, source_address=(source, 0))
    connection.request("GET", path)
    reply = connection.getresponse()
    body = reply.read()
    assert reply.status != 200 or body, "an empty body"
    return reply.status, connection


def begin(port, source, receive=4096):
    """A client who asks for much, and reads a little of it."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    client.settimeout(WAIT)
    client.bind((source, 0))
    client.connect(("127.0.0.1", port))
    client.sendall(b"GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.recv(1000).startswith(b"HTTP/1.1 200 "), "no 200"
    return client


def await_true(what, condition, limit=WAIT):
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.02)


def check_way(httpd, model, root, folder, way):
    """Whom HAProxy speaks for is who counts: two of one client's downloads are one too many, another's is not."""
    server_words, lines, options = WAYS[way]
    port6, path = free_port("::1"), f"{folder}/{way}.sock"
    with Server(httpd, root, model, "-l", f"[::1]:{port6}", "-l", f"unix:{path}", "--trust", "127.0.0.1",
                "--trust", "::1", "--trust", "unix", "--max-per-ip", "1", "--workers", "2", *options) as server:
        for to in (f"127.0.0.1:{server.port}", f"[::1]:{port6}", f"unix@{path}"):
            port = free_port()
            text = f"listen front\n    bind 127.0.0.1:{port}\n    {lines}\n    server one {to} {server_words}\n"
            with haproxy(folder, port, text):
                first = begin(port, ALICE)
                # PROXY: the connection is closed, which HAProxy tells as 502; a field: the request is answered 429
                refused = 502 if server_words else 429
                status, connection = ask(port)
                connection.close()
                assert status == refused, f"{way}, {to}: {status} to one too many"
                status, connection = ask(port, source=BOB)
                assert status == 200, f"{way}, {to}: {status} to another client"
                connection.close()
                first.close()

                def let_in():
                    status, connection = ask(port)
                    connection.close()
                    return status == 200

                await_true(f"{way}, {to}: a free place", let_in)


class Going(Server):
    """Is told to stop before the end."""

    def wait_gone(self, limit):
        assert self.process.wait(limit) == 0, f"exit status {self.process.returncode}"

    def __exit__(self, *_):
        self.kill()


def haproxy_status(folder):
    """Server by server, what HAProxy thinks of it."""
    with socket.socket(socket.AF_UNIX) as admin:
        admin.settimeout(WAIT)
        admin.connect(f"{folder}/stats")
        admin.sendall(b"show stat -1 4 -1\n")
        text = b""
        while got := admin.recv(65536):
            text += got
    return {row.split(",")[1]: row.split(",")[17] for row in text.decode().splitlines()[1:] if row}


def check_drain(httpd, model, root, folder):
    """One of two servers is stopped under load: no request fails, as HAProxy knows before the door is shut."""
    options = ["--health", "/up", "--drain-delay", str(DELAY), "--trust", "127.0.0.1", "--proxy-protocol"]
    port, stop, failures, counts = free_port(), threading.Event(), [], [0] * 4
    with Going(httpd, root, model, *options) as one, Server(httpd, root, model, *options) as two:
        check = "check check-send-proxy inter 100ms fall 2 rise 1 send-proxy-v2"
        text = (f"listen front\n    bind 127.0.0.1:{port}\n    option httpchk GET /up\n    balance roundrobin\n"
                f"    server one 127.0.0.1:{one.port} {check}\n    server two 127.0.0.1:{two.port} {check}\n")

        def load(lane):
            connection = None
            while not stop.is_set():
                try:
                    status, connection = ask(port, connection=connection)
                except (OSError, http.client.HTTPException) as error:
                    status, connection = repr(error), None
                if status != 200:
                    failures.append(status)
                counts[lane] += 1

        with haproxy(folder, port, text):
            await_true("both are up", lambda: all(haproxy_status(folder).get(name, "").startswith("UP")
                                                  for name in ("one", "two")))
            lanes = [threading.Thread(target=load, args=(lane,)) for lane in range(len(counts))]
            for lane in lanes:
                lane.start()
            try:
                await_true("load", lambda: sum(counts) > 100)
                os.kill(one.pid, signal.SIGTERM)
                await_true("it is seen to go", lambda: haproxy_status(folder)["one"].startswith("DOWN"))
                assert one.process.poll() is None, "it has gone before the delay was over"
                one.wait_gone(DELAY + WAIT)
                before = sum(counts)
                await_true("the other serves on", lambda: sum(counts) > before + 100)
            finally:
                stop.set()
                for lane in lanes:
                    lane.join()
        assert not failures, f"{len(failures)} of {sum(counts)} failed: {failures[:3]}"
    return sum(counts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("httpd")
    parser.add_argument("--model", nargs="+", required=True)
    options = parser.parse_args()
    skip_without("haproxy")
    terminate_politely()
    httpd, failed = os.path.abspath(options.httpd), 0
    with tempfile.TemporaryDirectory(prefix="httpd-balancer-") as folder:
        root = pathlib.Path(folder, "root")
        root.mkdir()
        (root / "page.txt").write_text("page\n" * 20)
        with open(root / "large.bin", "wb") as file:
            file.truncate(64 << 20)
        for model in options.model:
            checks = [(way, lambda way=way: check_way(httpd, model, root, folder, way)) for way in WAYS]
            checks.append(("drain", lambda: check_drain(httpd, model, root, folder)))
            for name, check in checks if model != "blocking" else []:  # which serves one connection at a time
                try:
                    told = check()
                    print(f"ok     {model:12} {name}" + (f": {told} requests, none failed" if told else ""), flush=True)
                except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
                    print(f"FAILED {model:12} {name}: {error}", flush=True)
                    failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
