#!/usr/bin/env python3
"""--trace, in every model: the file is valid JSON and says what was done, begin and end match, nothing overlaps on a
track that is drawn as slices, and it is whole after SIGTERM and after SIGKILL, and where more happened than is written.

    trace.py HTTPD [--model M ...]

Exits 0 when all is well, 1 when something failed."""

import argparse
import collections
import contextlib
import errno
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

from webdriver import MODELS, Server, terminate_politely

LIMIT = 10
WAITS = {"blocking": "poll", "fork": "poll", "thread": "poll", "nonblocking": "ppoll", "select": "select",
         "poll": "poll", "epoll-lt": "epoll_wait", "epoll-et": "epoll_wait", "coroutine": "epoll_wait",
         "uring": "io_uring_enter"}
WHY = {"left", "asked", "gone", "drained", "made-room", "the trace ends"}


def structure(told):
    """What the format asks of each event, and that spans match. Returns the events by phase."""
    events = told["traceEvents"]
    phases = collections.defaultdict(list)
    spans = {}
    pid = events[0]["pid"]
    for event in events:
        assert event["ph"] in "XMbenstfCi", event
        assert event["pid"] == pid and isinstance(event["tid"], int) and event["ts"] >= 0, event
        assert event["name"], event
        phases[event["ph"]].append(event)
        if event["ph"] == "X":
            assert event["dur"] >= 0, event
        if event["ph"] in "ben":
            key = event["cat"], event["id"], event["name"]
            if event["ph"] == "b":
                assert key not in spans, event
                spans[key] = event["ts"]
            else:
                assert key in spans and event["ts"] >= spans[key], event
                if event["ph"] == "e":
                    del spans[key]
    assert not spans, spans
    return phases


def flows(phases):
    """Each arrow begins, and ends, in a slice of its track."""
    slices = collections.defaultdict(list)
    for event in phases["X"]:
        slices[event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
    begun = {event["id"] for event in phases["s"]}
    for phase in "stf":
        for event in phases[phase]:
            assert any(a <= event["ts"] <= b + 0.002 for a, b in slices[event["tid"]]), event
    assert {event["id"] for event in phases["t"]} <= begun
    assert begun == {event["id"] for event in phases["f"]}


def nests(phases):
    """Slices of one track lie in each other, or apart: what viewers can draw. Times are rounded to a nanosecond."""
    tracks = collections.defaultdict(list)
    for event in phases["X"]:
        tracks[event["tid"]].append((event["ts"], -event["dur"], event["name"]))
    for track, slices in tracks.items():
        open_ends = []
        for begin, minus, name in sorted(slices):
            while open_ends and open_ends[-1] <= begin + 0.0015:
                open_ends.pop()
            assert not open_ends or begin - minus <= open_ends[-1] + 1.1, (track, begin, minus, name, open_ends)
            open_ends.append(begin - minus)


def loads(phases):
    """What a load asks the system for lies in it: a file is opened, looked at and closed."""
    load = [(event["tid"], event["ts"], event["ts"] + event["dur"]) for event in phases["X"] if event["name"] == "load"]
    inside = collections.Counter(
        event["name"] for event in phases["X"]
        if any(tid == event["tid"] and a <= event["ts"] and event["ts"] + event["dur"] <= b + 0.002 for tid, a, b in load))
    assert load and inside["openat2"] >= 2 and inside["fstat"] >= 2 and inside["close"] >= 1, (load, inside)
    opened = [event["args"]["result"] for event in phases["X"] if event["name"] == "openat2"]
    assert -errno.ENOENT in opened and any(result >= 0 for result in opened), opened


def ask(server, count):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=LIMIT)
    for i in range(count):
        connection.request("GET", ("/", "/big", "/none")[i % 3])
        connection.getresponse().read()
    connection.close()


def use(server):
    """Three clients in turn, and one that sends ahead. How many connections, requests."""
    for _ in range(3):
        ask(server, 6)
    with socket.create_connection(("127.0.0.1", server.port), LIMIT) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 9 + b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        while s.recv(65536):
            pass
    return 4, 28


def read(path, until=LIMIT):
    """Of a server that was killed, the writer is told a moment later."""
    end = time.monotonic() + until
    while True:
        text = path.read_text()
        if text.endswith("}\n") and "otherData" in text[-400:]:
            return json.loads(text)
        assert time.monotonic() < end, text[-300:]
        time.sleep(0.02)


def check(binary, root, model, hard):
    path = root / "trace.json"
    path.write_text("an older one")
    options = ["--trace", str(path)]
    server = Server(binary, root, model, *options)
    try:
        connections, requests = use(server)
        if hard:
            time.sleep(0)
            os.kill(server.pid, signal.SIGKILL)
            server.process.wait(LIMIT)
            told = read(path)
        else:
            server.stop()
            told = json.loads(path.read_text())
    finally:
        server.kill()
    assert told["otherData"]["model"] == model and told["otherData"]["events_lost"] == 0, told["otherData"]
    phases = structure(told)
    flows(phases)
    nests(phases)
    names = collections.Counter(event["name"] for event in phases["X"])
    spans = collections.Counter(event["name"] for event in phases["b"])
    statuses = collections.Counter(event["args"]["status"] for event in phases["b"] if event["name"] == "reply")
    assert spans["connection"] == connections, spans
    assert spans["reply"] == requests, spans
    assert statuses == {200: requests - 6, 404: 6}, statuses
    assert names[WAITS[model]] > 0 and names["accept4"] >= connections, names
    assert names["closed"] == connections and names["served"] >= connections, names
    why = {event["args"]["why"] for event in phases["X"] if event["name"] == "closed"}
    assert why <= WHY, why
    received = spans["recv"] if model == "uring" else names["recv"]
    assert received >= connections, (names, spans)
    assert names["sendfile"] >= 6, names
    tracks = {event["args"]["name"] for event in phases["M"] if event["name"] == "thread_name"}
    assert "worker 0" in tracks and "client 0" in tracks, tracks
    assert names["close"] >= connections - hard, names  # a client's own process ends without it
    assert (names["epoll_ctl"] > 0) == (model in ("epoll-lt", "epoll-et", "coroutine")), names
    loads(phases)
    # System calls are on the track of whoever makes them.
    on = {event["tid"] for event in phases["X"] if event["name"] == "sendfile"}
    assert (on == {1}) == (model not in ("fork", "thread")), on


def check_lost(binary, root, model):
    """Of more than can be written, what is written is whole: in the midst of long connections, and among short ones."""
    path = root / "lost.json"
    last = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with Server(binary, root, model, "--trace", str(path)) as server:
        for ahead in (200, *[0] * 10) * 200:
            with socket.create_connection(("127.0.0.1", server.port), LIMIT) as s:
                s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * ahead + last)
                while s.recv(65536):
                    pass
    told = json.loads(path.read_text())
    phases = structure(told)
    assert bool(told["otherData"]["events_lost"]) == any(event["name"] == "events lost" for event in phases["i"])
    flows(phases)
    nests(phases)


def check_workers(binary, root):
    """Clients of several workers are told apart."""
    path = root / "workers.json"
    with Server(binary, root, "epoll", "--trace", str(path), "-w", "2") as server, contextlib.ExitStack() as stack:
        for _ in range(32):
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=LIMIT)
            stack.callback(connection.close)
            connection.request("GET", "/")
            connection.getresponse().read()
    names = [event["args"]["name"] for event in json.loads(path.read_text())["traceEvents"] if event["name"] == "thread_name"]
    assert {"client 0.0", "client 1.0"} <= set(names) and len(set(names)) == len(names), names


def check_errors(binary, root):
    said = subprocess.run([binary, "-p", "0", "-r", str(root), "--trace", str(root / "no" / "file")],
                          capture_output=True, text=True, timeout=LIMIT)
    assert said.returncode == 1 and said.stderr.startswith("httpd: --trace "), said


def main():
    terminate_politely()
    parser = argparse.ArgumentParser()
    parser.add_argument("httpd")
    parser.add_argument("--model", nargs="+", default=MODELS)
    options = parser.parse_args()
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "index.html").write_text("<!doctype html><title>here</title>")
        (root / "big").write_bytes(os.urandom(1 << 20))
        for model in options.model:
            for hard in False, True:
                try:
                    check(options.httpd, root, model, hard)
                    print(f"{model}{', killed' if hard else ''}: ok", flush=True)
                except Exception:
                    failures += 1
                    print(f"{model}{', killed' if hard else ''}: FAILED", flush=True)
                    traceback.print_exc()
            try:
                check_lost(options.httpd, root, model)
                print(f"{model}, overloaded: ok", flush=True)
            except Exception:
                failures += 1
                print(f"{model}, overloaded: FAILED", flush=True)
                traceback.print_exc()
        check_workers(options.httpd, root)
        check_errors(options.httpd, root)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
