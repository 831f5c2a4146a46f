#!/usr/bin/env python3
"""Load from wrk against every model: not one request may fail. Speed is told, never judged.

    load.py [HTTPD] [--model M ...] [--connections 64] [--seconds 2] [--idle N]

Exits 0 when all is well, 1 when something failed, 77 when wrk is missing."""

import argparse
import os
import pathlib
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import traceback

from webdriver import (MODELS, Server, cpu_seconds, die_with_parent, raise_descriptor_limit,
                       skip_without, terminate_politely)

HERE = pathlib.Path(__file__).resolve().parent
FILE, SIZE = "1k.bin", 1024
CONTENT = bytes(i & 255 for i in range(SIZE))
SAMPLE = 200
HEADING = f"{'':7} {'model':<12} {'how':<22} {'req/s':>9} {'requests':>9} {'CPU us/req':>11}"


# ---- wrk


def wrk_report(text):
    """Number of requests and what went wrong, from what wrk prints."""
    done = re.search(r"(\d+) requests in", text)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    wrong = re.findall(r"^\s*((?:Socket errors|Non-2xx or 3xx responses):.*)$", text, re.M)
    return int(done[1]) if done else 0, float(rate[1]) if rate else 0.0, wrong


def run_wrk(options, server, *headers):
    argv = [shutil.which("wrk"), "-t1", f"-c{options.connections}", f"-d{options.seconds}s"]
    for header in headers:
        argv += ["-H", header]
    done = subprocess.run([*argv, server.url + FILE], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=options.seconds + 60, preexec_fn=die_with_parent)
    assert done.returncode == 0, f"wrk: exit status {done.returncode}: {done.stdout}"
    return done.stdout


def measure(options, server, how, *headers):
    before = cpu_seconds(server.pid)
    text = run_wrk(options, server, *headers)
    used = cpu_seconds(server.pid) - before
    requests, rate, wrong = wrk_report(text)
    assert not wrong, f"{how}: {'; '.join(wrong)} in {requests} requests"
    assert requests > 0, f"{how}: no request was answered: {text}"
    print(f"{'ok load':7} {server.model:<12} {how:<22} {rate:9.0f} {requests:9} "
          f"{1e6 * used / requests:11.2f}", flush=True)


# ---- Connections that do nothing


def exchange(connection):
    """One request over a connection that stays open; asserts the whole answer."""
    connection.sendall(f"GET /{FILE} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    answer = b""
    while b"\r\n\r\n" not in answer or len(answer) < answer.index(b"\r\n\r\n") + 4 + SIZE:
        part = connection.recv(8192)
        assert part, f"closed after {len(answer)} bytes of an answer"
        answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), f"answered {head.splitlines()[0]!r}"
    assert not re.search(rb"\r\nconnection:.*close", head, re.I), "answered with Connection: close"
    assert body == CONTENT, "the wrong content"


def open_idle(server, count, into):
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        into.append(connection)
        exchange(connection)


def check_still_open(connections):
    """An idle connection that has something to say is one that was closed."""
    watch = select.poll()
    for connection in connections:
        watch.register(connection, select.POLLIN)
    closed = watch.poll(0)
    assert not closed, f"{len(closed)} of {len(connections)} idle connections were closed"


def check_sample(connections):
    for connection in connections[::max(1, len(connections) // SAMPLE)]:
        exchange(connection)


def check_idle(options, server):
    idle = []
    try:
        open_idle(server, options.idle, idle)
        check_still_open(idle)
        measure(options, server, f"beside {options.idle} idle")
        check_still_open(idle)
        check_sample(idle)
    finally:
        for connection in idle:
            connection.close()


# ---- Running


def check_model(options, root, model):
    with Server(options.httpd, root, model, *options.option) as server:
        measure(options, server, "keep-alive")
        measure(options, server, "Connection: close", "Connection: close")
    if options.idle:
        room = options.idle + options.connections + 100
        more = [f"--max-connections={room}", *options.option]
        with Server(options.httpd, root, model, *more) as server:
            check_idle(options, server)


def run(options, root, model):
    try:
        check_model(options, root, model)
    except Exception as error:
        print(f"FAILED load {model}: {error}", flush=True)
        if not isinstance(error, AssertionError):
            traceback.print_exc()
        return False
    return True


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("httpd", nargs="?",
                        default=os.environ.get("HTTPD", str(HERE.parent / "build" / "httpd")))
    parser.add_argument("--model", nargs="+", action="extend", metavar="M")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--option", action="append", default=[], metavar="OPT",
                        help="one more option for the server, such as --option=--workers=2")
    parser.add_argument("--idle", type=int, default=0, metavar="N",
                        help="also run beside N idle keep-alive connections")
    return parser.parse_args()


def main():
    options = arguments()
    terminate_politely()
    skip_without("wrk")
    limit = raise_descriptor_limit()
    if options.idle + options.connections + 100 > limit:
        sys.exit(f"--idle {options.idle} needs more than the {limit} descriptors allowed here")
    print(HEADING)
    with tempfile.TemporaryDirectory(prefix="httpd-load-") as root:
        pathlib.Path(root, FILE).write_bytes(CONTENT)
        results = [run(options, root, model) for model in options.model or MODELS]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
