#!/usr/bin/env python3
"""The status pages: what they count, exactly, in every model; who may see them; promtool on the metrics.

    status.py HTTPD [--model M ...]

Exits 0 when all is well, 1 when something failed."""

import argparse
import contextlib
import http.client
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import traceback

from webdriver import MODELS, Server, terminate_politely

LIMIT = 10
SHARED = 90
ALONE = "/_httpd"


def get(server, path, method="GET", headers=None, limit=LIMIT):
    """One request on a connection of its own: status, fields, body."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=limit)
    try:
        connection.request(method, path, headers={"Connection": "close", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def status_of(server, path=ALONE):
    answer = raw(server, f"GET {path}/status.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    server.told = getattr(server, "told", []) + [len(answer)]
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ") and b"Cache-Control: no-store" in head, head
    assert b"Content-Type: application/json\r\n" in head, head
    return json.loads(body)


def awaits(server, what, check):
    """Counting may come a moment after the answer, and an answer be a tenth of a second old."""
    end = time.monotonic() + LIMIT
    while not check(status := status_of(server)):
        assert time.monotonic() < end, f"{what}: {json.dumps(status)}"
        time.sleep(0.02)
    return status


def raw(server, data):
    with socket.create_connection(("127.0.0.1", server.port), LIMIT) as s:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        got = b""
        while piece := s.recv(65536):
            got += piece
        return got


def metrics_of(server):
    code, fields, body = get(server, ALONE + "/metrics")
    assert code == 200 and fields["Content-Type"].startswith("text/plain; version=0.0.4"), fields
    found = {}
    for line in body.decode().splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            assert name not in found, f"twice: {name}"
            found[name] = float(value)
    return body, found


# ---- What is counted


def counts(server):
    """Known requests, on kept connections and on new ones, so in several children: each is counted once, and no other
    but those for the status."""
    asked = {"GET 2xx": 0, "HEAD 2xx": 0, "GET 4xx": 0, "OPTIONS 2xx": 0, "other 4xx": 0, "unknown 4xx": 0}
    sent = 0
    for _ in range(5):
        sent += len(raw(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 20))
        sent += len(raw(server, b"GET /none HTTP/1.1\r\nHost: x\r\n\r\nHEAD / HTTP/1.1\r\nHost: x\r\n\r\n"))
        sent += len(raw(server, b"OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\nPOST / HTTP/1.1\r\nHost: x\r\n\r\n"))
        sent += len(raw(server, b"nonsense\r\n\r\n"))
        for what, more in (("GET 2xx", 20), ("GET 4xx", 1), ("HEAD 2xx", 1), ("OPTIONS 2xx", 1), ("other 4xx", 1),
                           ("unknown 4xx", 1)):
            asked[what] += more
    big = len(raw(server, b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n"))
    asked["GET 2xx"] += 1
    total = sum(asked.values())

    # Its own are counted when they have left, and the connection when it is closed: of those before it, all.
    def settled(status):
        own = status["requests"]["total"] - total
        return own >= 0 and status["latency"]["count"] == total + own and \
            status["connections"]["accepted"] >= sum(status["connections"]["ended"].values()) >= 21 + own - 1 and \
            status["connections"]["open"] == 1
    first = awaits(server, "everything settles", settled)
    own = first["requests"]["by_status"]["2xx"] - asked["GET 2xx"] - asked["HEAD 2xx"] - asked["OPTIONS 2xx"]
    assert first["requests"]["total"] == total + own, first
    assert first["requests"]["by_status"] == {"1xx": 0, "2xx": 5 * 22 + 1 + own, "3xx": 0, "4xx": 15, "5xx": 0}, first
    assert first["requests"]["by_method"] == {"GET": 5 * 21 + 1 + own, "HEAD": 5, "OPTIONS": 5, "other": 5,
                                              "unknown": 5}, first
    assert first["bytes"]["sent"] == sent + big + sum(server.told[:own]), (first, sent, big, server.told)
    assert first["bytes"]["received"] > 0, first
    ended = first["connections"]["ended"]
    assert ended["refused"] == 5 and ended["idle-timeout"] == 0, ended
    assert ended["left"] + ended["asked"] + ended["refused"] == sum(ended.values()), ended
    assert first["connections"]["accepted"] == sum(ended.values()) + first["connections"]["open"], first
    cache = first["cache"]
    assert cache["misses"] > 0 and (cache["hits"] > 0 or server.model == "fork"), cache
    assert first["loads"]["count"] > 0 and first["loads"]["seconds"] > 0, first["loads"]
    assert first["log"] == {"lines": 0, "lost": 0}
    assert sum(first["latency"]["counts"]) == first["latency"]["count"] and first["latency"]["seconds"] > 0
    assert len(first["latency"]["counts"]) == len(first["latency"]["least_us"])
    assert sum(w["requests"] for w in first["workers"]) == first["requests"]["total"]
    assert first["model"].startswith(server.model), first["model"]


def metrics(server):
    """The metrics say what the JSON does, in the shape that Prometheus wants."""
    raw(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 7)
    body, found = metrics_of(server)
    name = "httpd_request_duration_seconds"
    buckets = [(k, v) for k, v in found.items() if k.startswith(name + "_bucket")]
    bounds = [float(re.search(r'le="(.*)"', k)[1]) for k, _ in buckets]
    assert bounds == sorted(bounds) and bounds[-1] == float("inf") and len(set(bounds)) == len(bounds), bounds
    values = [v for _, v in buckets]
    assert values == sorted(values) and values[-1] == found[name + "_count"] >= 7, values
    assert found[name + "_sum"] > 0
    families = set(re.findall(rb"^# TYPE (\S+)", body, re.M))
    assert families == set(re.findall(rb"^# HELP (\S+)", body, re.M)) and len(families) > 15
    assert sum(v for k, v in found.items() if k.startswith("httpd_requests_total")) >= 7
    if promtool := shutil.which("promtool"):
        done = subprocess.run([promtool, "check", "metrics"], input=body, capture_output=True, timeout=30)
        assert done.returncode == 0 and not done.stdout + done.stderr, done


def phases(server):
    """What open connections do shows; in blocking there is but one."""
    if server.model == "blocking":
        return
    with contextlib.ExitStack() as stack:
        def connect(data):
            s = stack.enter_context(socket.socket())
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.settimeout(LIMIT)
            s.connect(("127.0.0.1", server.port))
            s.sendall(data)
            return s
        for _ in range(3):
            connect(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").recv(1)
        for _ in range(2):
            connect(b"GET / HTTP/1.1\r\nHos")
        connect(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n").recv(1)
        awaits(server, "phases", lambda status: status["connections"]["phases"] == {
            "idle": 4, "reading": 2, "loading": 0, "replying": 1, "in-line": 0, "leaving": 0})
    awaits(server, "all gone", lambda status: status["connections"]["open"] == 1)
    assert status_of(server)["connections"]["ended"]["gone"] == 3


def shared(server):
    """Connections that come one after the other, while both workers wait, are not one's alone: they may all be kept. A
    worker that gets no processor in all that time has none, so there are some tries."""
    if server.model == "blocking":
        return
    for _ in range(5):
        with contextlib.ExitStack() as stack:
            for _ in range(SHARED):
                s = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), LIMIT))
                s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                s.recv(1)
            status = awaits(server, "as many as came", lambda status: status["connections"]["open"] == SHARED + 1)
            counts_of_workers = [worker["open"] for worker in status["workers"]]
        if min(counts_of_workers) >= SHARED // 6:
            return
        awaits(server, "all gone", lambda status: status["connections"]["open"] == 1)
    raise AssertionError(f"shared out as {counts_of_workers}")


# ---- Who sees what


def answers(server):
    """The page, its parts, and what HTTP asks of them; nothing of what is said of the site is said of them."""
    code, fields, page = get(server, ALONE)
    assert code == 200 and fields["Content-Type"] == "text/html; charset=utf-8", fields
    assert "default-src 'none'" in fields["Content-Security-Policy"] and fields["Cache-Control"] == "no-store"
    assert fields["X-Mine"] is None and fields["Access-Control-Allow-Origin"] is None, fields
    for name in re.findall(rb'(?:href|src)="([^"d][^"]*)"', page):
        code, _, body = get(server, "/" + name.decode())
        assert code == 200 and body, name
    assert b"http:" not in page and b"https:" not in page and b"@HERE@" not in page
    for headers, path in (({"Accept": "application/json"}, ALONE), ({}, ALONE + "?format=json")):
        code, fields, body = get(server, path, headers=headers)
        assert fields["Content-Type"] == "application/json" and json.loads(body)["pid"], (path, fields)
    code, fields, body = get(server, ALONE, "HEAD")
    assert (code, body, int(fields["Content-Length"])) == (200, b"", len(page)), fields
    code, fields, body = get(server, ALONE, headers={"If-None-Match": fields["ETag"]})
    assert (code, body) == (304, b""), code
    assert get(server, ALONE, "POST")[0] == 405
    for path in (ALONE + "/", ALONE + "/none", ALONE + "x", "/x" + ALONE, ALONE + "/status.json/", ALONE.upper()):
        assert get(server, path)[0] == 404, path
    for path in ("/%5fhttpd/status.json", "/x/../_httpd/status.json", ALONE + "/status.json?" + "x" * 3000):
        assert get(server, path)[0] == 200, path


def strangers(server):
    """Who isn't on this machine, or says that he speaks for somebody else, gets what he would without --status."""
    seen = get(server, "/none")[2]
    for headers in ({"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"}, {"Host": "example.org"},
                    {"Host": "localhost.example.org"}, {"Host": "127.0.0.1.example.org"}, {"Host": "localhost.."},
                    {"Host": "localhosts"}):
        for path in (ALONE, ALONE + "/status.json", ALONE + "/metrics", ALONE + "/page.js"):
            code, _, body = get(server, path, headers=headers)
            assert (code, body) == (404, seen), (headers, path, code)
    for host in ("localhost", "localhost:80", "127.0.0.1:1", "127.9.9.9", "[::1]", "[::1]:7890", "LOCALHOST",
                 "LocalHost.", "localhost.:80", "127.0.0.1."):
        assert get(server, ALONE, headers={"Host": host})[0] == 200, host


def through_balancers(binary, root, model):
    """Of a balancer that is trusted, it is the client's address that counts."""
    far, near = {"X-Forwarded-For": "192.0.2.7"}, {"X-Forwarded-For": "198.51.100.9"}
    with Server(binary, root, model, "--status=/x/y", "--trust", "127.0.0.1", "--status-allow", "198.51.100.0/24",
                "--status-allow", "10.0.0.1") as server:
        assert get(server, "/x/y/metrics", headers={**near, "Host": "example.org"})[0] == 200
        for headers in (far, {"X-Forwarded-For": "127.0.0.1, 192.0.2.7"}, {"X-Forwarded-For": "198.51.100.9, 192.0.2.7"},
                        {"X-Forwarded-For": "nonsense"}, {"Host": "example.org"}):
            assert get(server, "/x/y/metrics", headers=headers)[0] == 404, headers
        assert get(server, "/x/y")[0] == 200
    with Server(binary, root, model, "--status", "--trust", "127.0.0.1", "--proxy-protocol") as server:
        ask = b"GET /_httpd/metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        for sender, status in ((b"192.0.2.7", b"404"), (b"127.0.0.1", b"200")):
            got = raw(server, b"PROXY TCP4 " + sender + b" 127.0.0.1 1 2\r\n" + ask)
            assert got.split(b" ")[1] == status, (sender, got[:100])


def behind_all_else(binary, root, model, folder):
    """No redirect, host's folder or application stands before it; a password does."""
    users = folder / "users"
    users.write_text("me:$5$salt$Gcm6FsVtF/Qa77ZKD.iwsCIlCPY0XSMgLJL0Hnww/c1\n")
    with Server(binary, root, model, "--status", "--vhosts", "--spa", "--redirect", "/*=http://elsewhere/") as server:
        assert get(server, ALONE)[0] == 200 and get(server, "/a")[0] == 301
    with Server(binary, root, model, "--status", "--auth", str(users)) as server:
        assert get(server, ALONE)[0] == 401
    with Server(binary, root, model) as server:
        assert get(server, ALONE)[0] == 404


# ---- Run


def run(binary, model):
    with tempfile.TemporaryDirectory(prefix="httpd-status-") as name:
        folder = pathlib.Path(name)
        root = folder / "root"
        root.mkdir()
        (root / "index.html").write_text("hello\n")
        with open(root / "big", "wb") as f:
            f.truncate(16 << 20)
        for test in (counts, shared, metrics, phases, answers, strangers):
            with Server(binary, root, model, "--status", "-w", "2" if test in (counts, shared) else "1", "--cors", "-H",
                        "X-Mine: 1", "--max-connections", "200") as server:
                test(server)
        through_balancers(binary, root, model)
        behind_all_else(binary, root, model, folder)


def main():
    terminate_politely()
    parser = argparse.ArgumentParser()
    parser.add_argument("httpd")
    parser.add_argument("--model", nargs="+", default=MODELS)
    options = parser.parse_args()
    failures = 0
    for model in options.model:
        try:
            run(options.httpd, model)
            print(f"{model}: ok", flush=True)
        except Exception:
            failures += 1
            print(f"{model}: FAILED", flush=True)
            traceback.print_exc()
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
