#!/usr/bin/env python3
"""The logs of each model, from outside: every request is a line, whole, and no client forges one; goaccess and jq read
them all; they are opened again by SIGUSR1 under load; and what can't be written keeps nobody.

    logs.py HTTPD [--model M ...]

Exits 0 when all is well, 1 when something failed, 77 when goaccess or jq is missing."""

import argparse
import contextlib
import json
import os
import pathlib
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

from webdriver import MODELS, die_with_parent, skip_without

LIMIT = 30  # seconds that anything may take that is waited for
BODY = b"x" * 500
COMBINED = re.compile(r'^(\S+) - (\S+) \[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] '
                      r'"([^"]*)" (\d{3}) (\d+) "([^"]*)" "([^"]*)"$')


class Failed(Exception):
    pass


def check(truth, what):
    if not truth:
        raise Failed(what)


def until(condition, what):
    """Its value, once that is true."""
    limit = time.monotonic() + LIMIT
    while not (value := condition()):
        if time.monotonic() > limit:
            raise Failed(f"not within {LIMIT} s: {what}")
        time.sleep(0.02)
    return value


class Server:
    """With -q and a port that the kernel picks. `stdout`: of the server; its first line, the URL, is read from a pipe
    elsewhere, so that it may be anything."""

    def __init__(self, httpd, folder, model, *options, stdout=None, quiet=True, env=None):
        self.errors = open(folder / "stderr", "w+", encoding="utf-8")
        (folder / "site").mkdir(exist_ok=True)
        (folder / "site" / "a.txt").write_bytes(BODY)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [httpd, *(["-q"] if quiet else []), "-l", f"127.0.0.1:{self.port}", "-r", str(folder / "site"), "-m", model,
             *map(str, options)], stdout=subprocess.DEVNULL if stdout is None else stdout, stderr=self.errors,
            preexec_fn=die_with_parent, env=env)
        until(self.answers, "the server answers")

    def answers(self):
        check(self.process.poll() is None, f"the server has ended: {self.said()}")
        try:
            with self.connect() as client:
                client.sendall(b"GET /ready HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
                return client.recv(100).startswith(b"HTTP/1.1 404")
        except OSError:
            return False

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), LIMIT)

    def said(self):
        return pathlib.Path(self.errors.name).read_text(encoding="utf-8")

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        self.process.terminate()
        check(self.process.wait(LIMIT) == 0, "exit 0")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.errors.close()


def get(client, path=b"/a.txt", fields=b""):
    """One exchange on a connection that stays. Returns the status."""
    client.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: h\r\n" + fields + b"\r\n")
    got = b""
    while b"\r\n\r\n" not in got:
        more = client.recv(65536)
        check(more, f"an answer to {path!r}")
        got += more
    head, body = got.split(b"\r\n\r\n", 1)
    length = int(re.search(rb"Content-Length: (\d+)", head)[1])
    while len(body) < length:
        body += client.recv(65536)
    return int(head[9:12])


def send(server, request):
    """On a connection of its own, to the end of the stream. Returns the status; 0: none."""
    with server.connect() as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        got = b""
        try:
            while more := client.recv(65536):
                got += more
        except ConnectionResetError:
            pass
        return int(got[9:12]) if got else 0


HOSTILE = [
    b"GET /\x01\x1b[31m\x7f\x80\xff\"\\ HTTP/1.1\r\n\r\n",
    b"GET /a HTTP/1.1\r\nHost: h\r\n User-Agent: folded\r\n\r\n",
    b"GET /forged\n127.0.0.1 - - [01/Jan/2026:00:00:00 +0000] \"GET /forged HTTP/1.1\" 200 1 \"-\" \"-\"\n\r\n\r\n",
    b"\r\n\r\nGET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /" + b"%41" * 3000 + b" HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: " + b"y" * 20000 + b"\r\n\r\n",
    b"BREW /pot HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n",
]
HOSTILE_FIELDS = [
    b"User-Agent: \"quoted\" \\x22 \\\\ \xc3\xa4\xff\xc0\xaf\xed\xa0\x80 \xc2\x9b31m $status ${x}\r\n",
    b"Referer: http://x/\" 200 1 \"-\" \"-\r\nUser-Agent: \t\r\n",
    b"Authorization: Basic dSBbeF0gIjEiOnB3\r\n",  # u [x] "1":pw
    b"Authorization: Basic AQoNIjpwdw==\r\nUser-Agent: " + b"\x80" * 12000 + b"\r\n",
]


def be_hostile(server, rounds):
    """Returns how many lines that makes."""
    count = 0
    for _ in range(rounds):
        for request in HOSTILE:
            check(send(server, request) in (400, 405, 414, 431, 501, 505, 413), f"refused: {request[:40]!r}")
            count += 1
        with server.connect() as client:
            for fields in HOSTILE_FIELDS:
                check(get(client, b"/a.txt?q=\xc3\xa4\xfe", fields) == 200, f"answered: {fields[:40]!r}")
                count += 1
    return count


def requests_beside(server, stop, counts, index):
    with server.connect() as client:
        while not stop.is_set():
            check(get(client) == 200, "200 under load")
            counts[index] += 1


class Load:
    """Clients in threads, each with a connection that stays (-m blocking: one)."""

    def __init__(self, server, model):
        self.stop, self.counts = threading.Event(), [0] * (1 if model == "blocking" else 4)
        self.threads = [threading.Thread(target=requests_beside, args=(server, self.stop, self.counts, i))
                        for i in range(len(self.counts))]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def total(self):
        return sum(self.counts)


def lines_of(path):
    text = path.read_bytes()
    check(text.endswith(b"\n"), f"{path.name} ends with a whole line")
    return text[:-1].split(b"\n")


def lost_of(errors):
    """The sum of what the error log says."""
    return sum(map(int, re.findall(r"(\d+) lines were lost", errors)))


# ---- what is tested


def test_combined(httpd, folder, model):
    log = folder / "access.log"
    with Server(httpd, folder, model, "--access-log", log) as server:
        count = be_hostile(server, 3)
        if model != "blocking":
            with Load(server, model) as load:
                count += be_hostile(server, 5)
            count += load.total()
        server.stop()
    lines = [line.decode("ascii") for line in lines_of(log) if b"/ready" not in line]
    lost = lost_of(server.said())  # where its thread gets no processor for so long: none in silence
    check(len(lines) + lost == count, f"{count} requests, {len(lines)} lines; {server.said()}")
    for line in lines:
        check(COMBINED.match(line), f"combined: {line[:200]}")
        check(line.isprintable(), f"printable: {line[:200]}")
    forged = [line for line in lines if "/forged" in line]
    check(all(COMBINED.match(line)[5] == "400" for line in forged) and forged, "nothing is forged")
    check(any(COMBINED.match(line)[2] == r"u\x20\x5Bx\x5D\x20\x221\x22" for line in lines), "the user's name, escaped")
    report = folder / "report.json"
    subprocess.run(["goaccess", log, "--log-format=COMBINED", "--no-global-config", "--no-progress", "-o", report],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                   timeout=LIMIT)
    general = json.loads(report.read_text(encoding="utf-8", errors="replace"))["general"]
    check(general["failed_requests"] == 0 and general["valid_requests"] >= len(lines), f"goaccess: {general}")


def test_json(httpd, folder, model):
    log = folder / "access.log"
    with Server(httpd, folder, model, "--access-log", log, "--log-format", "json") as server:
        count = be_hostile(server, 3)
        server.stop()
    read = subprocess.run(["jq", "-c", "[.status,.method,.uri]"], stdin=open(log, "rb"), capture_output=True,
                          check=False, timeout=LIMIT)
    check(read.returncode == 0, f"jq: {read.stderr[:200]}")
    lines = [line for line in lines_of(log) if b"/ready" not in line]
    check(len(lines) == count, f"{count} requests, {len(lines)} lines; {server.said()}")
    for line in lines:
        entry = json.loads(line.decode("utf-8"))
        check(isinstance(entry["status"], int) and isinstance(entry["request_time"], float), f"numbers: {entry}")
    check(sum(json.loads(line)["remote_user"] == 'u [x] "1"' for line in lines) == 3, "the user's name")


def test_own_format(httpd, folder, model):
    """Names one by one; a cut reply and one that its client did not wait for."""
    log = folder / "access.log"
    form = "$status|$body_bytes_sent|$request_completion|$connection_requests|${args}|$http_x_own|$$|$request_length"
    with open(folder / "site_big", "wb") as file:
        file.truncate(64 << 20)
    with Server(httpd, folder, model, "--access-log", log, "--log-format", form) as server:
        (folder / "site" / "big.bin").hardlink_to(folder / "site_big")
        with server.connect() as client:
            get(client, b"/a.txt?k=v", b"X-Own:  mine \r\n")
            get(client, b"/a.txt")
        with server.connect() as client:
            client.sendall(b"GET /big.bin HTTP/1.1\r\nHost: h\r\n\r\n")
            check(client.recv(1000), "a beginning")
        until(lambda: log.read_bytes().count(b"\n") >= 4, "four lines")
        server.stop()
    lines = [line.decode() for line in lines_of(log)]
    check("200|500|OK|1|k=v|mine|$|51" in lines, f"own format: {lines}")
    check("200|500|OK|2|-|-|$|32" in lines, f"own format, the second: {lines}")
    cut = [line.split("|") for line in lines if line.split("|")[2] == "-"]
    check(len(cut) == 1 and 0 < int(cut[0][1]) < 64 << 20, f"cut: {cut}")


def test_rotation(httpd, folder, model):
    log, count = folder / "access.log", 0
    with Server(httpd, folder, model, "--access-log", log, "--error-log", folder / "error.log") as server:
        with Load(server, model) as load:
            for turn in range(10):
                log.rename(folder / f"access.log.{turn}")
                (folder / "error.log").rename(folder / f"error.log.{turn}")
                server.signal(signal.SIGHUP if turn % 3 == 2 else signal.SIGUSR1)
                until(log.exists, "the log is there again")
                until((folder / "error.log").exists, "the error log is there again")
                seen = load.total()
                until(lambda: load.total() > seen + 20, "load goes on")  # pylint: disable=cell-var-from-loop
        server.stop()
        count = load.total()
    lines = [line for path in folder.glob("access.log*") if path.stat().st_size for line in lines_of(path)]
    check(all(COMBINED.match(line.decode()) for line in lines), "no line is torn")
    lines = [line for line in lines if b"/ready" not in line]
    lost = sum(lost_of(path.read_text()) for path in folder.glob("error.log*"))  # none, unless the disk stands still
    check(len(lines) + lost == count, f"{count} requests, {len(lines)} lines in all files, {lost} lost")


def test_linked(httpd, folder, model):
    """A log whose name is a link to another folder is opened again there."""
    links, there = folder / "links", folder / "there"
    links.mkdir()
    there.mkdir()
    for name in ("access.log", "error.log"):
        (links / name).symlink_to(there / name)
    with Server(httpd, folder, model, "--access-log", links / "access.log", "--error-log", links / "error.log") as server:
        for name in ("access.log", "error.log"):
            (there / name).rename(there / f"{name}.1")
        server.signal(signal.SIGUSR1)
        for name in ("access.log", "error.log"):
            until((there / name).exists, f"{name} is there again")
        server.stop()


def test_stopped_reader(httpd, folder, model):
    """Of a FIFO that nobody reads, and of a pipe that is our standard output, by either name."""
    fifo = folder / "fifo"
    os.mkfifo(fifo)
    reading, writing = os.pipe()
    form = "$status " + "x" * 2000
    for name, options, stdout in (("fifo", ["--access-log", fifo], None), ("pipe", ["--access-log", "-"], writing),
                                  ("/dev/stdout", ["--access-log", "/dev/stdout"], writing)):
        with Server(httpd, folder, model, *options, "--log-format", form, stdout=stdout) as server:
            with Load(server, model) as load:
                until(lambda: "stopped" in server.said(), f"{name}: it is said that nobody reads")
                seen = load.total()
                until(lambda: load.total() > seen + 3000, f"{name}: requests are answered")
            check(server.said().count("\n") == 1, f"{name}: said once: {server.said()}")
            began = time.monotonic()
            server.stop()
            check(time.monotonic() - began < 10, f"{name}: the end is not waited for")
    os.close(reading)
    os.close(writing)


@contextlib.contextmanager
def small_disk(folder, model):
    """A disk of 64 KiB, mounted in the folder; None where there is no right to mount one."""
    disk = folder / "disk"
    disk.mkdir(exist_ok=True)
    if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk],
                                          capture_output=True, check=False).returncode:
        print(f"{model}: no right to mount a small disk: left out")
        yield None
        return
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=False)


LONG_FORM = "$status $connection_requests " + "x" * 1000


def check_whole(lines):
    check(all(re.fullmatch(rb"\d{3} \d+ x{1000}", line) for line in lines), "no line is torn")


def test_full_disk(httpd, folder, model):
    """Lines wait, and are lost when there are too many; nobody else is kept, and the log goes on when there is room."""
    with small_disk(folder, model) as disk:
        if not disk:
            return
        log = disk / "access.log"
        with Server(httpd, folder, model, "--access-log", log, "--log-format", LONG_FORM) as server:
            with Load(server, model) as load:
                until(lambda: "No space left" in server.said(), "it is said that the disk is full")
                seen = load.total()
                until(lambda: load.total() > seen + 100, "requests are answered")
            subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
            said = until(lambda: re.search(r"is written again; (\d+) lines were lost", server.said()), "it is over")
            server.stop()
        lines = lines_of(log)
        check_whole(lines)
        count = len(lines) + int(said[1]) - 1  # but for /ready
        check(count == load.total(), f"{load.total()} requests, {len(lines)} lines, {said[1]} lost")


def test_full_disk_rotated(httpd, folder, model):
    """The file that was left on a full disk ends with a whole line, also when the server has opened it itself, within
    the sandbox."""
    with small_disk(folder, model) as disk:
        if not disk:
            return
        log = disk / "access.log"
        with Server(httpd, folder, model, "--access-log", log, "--log-format", LONG_FORM) as server:
            log.rename(disk / "first.log")
            server.signal(signal.SIGUSR1)
            until(log.exists, "the log is opened again")
            with server.connect() as client:
                until(lambda: get(client) and "No space left" in server.said(), "it is said that the disk is full")
            log.rename(disk / "full.log")
            server.signal(signal.SIGUSR1)
            until(log.exists, "the log is opened again")
            subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
            until(lambda: "is written again" in server.said(), "it is over")
            server.stop()
        check_whole(lines_of(disk / "full.log") + lines_of(log))


def test_terminal(httpd, folder, model):
    for environment, coloured in (({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False),
                                  ({"TERM": "dumb"}, False)):
        ours, theirs = pty.openpty()
        with Server(httpd, folder, model, "--access-log", "-", stdout=theirs, env=environment) as server:
            with server.connect() as client:
                get(client, b"/a.txt?\xc2\x9b")
            shown = b""
            while b"a.txt" not in shown or not shown.endswith(b"\n"):
                check(select.select([ours], [], [], LIMIT)[0], f"a line on the terminal: {shown}")
                shown += os.read(ours, 4096)
            server.stop()
        os.close(ours)
        os.close(theirs)
        status = rb"\x1b\[32m200\x1b\[m" if coloured else b"200"
        line = rb"^\d\d:\d\d:\d\d  " + status + rb"  GET /a\.txt\?\\xC2\\x9B  500  \d+(us|ms|\.\ds)\r$"
        check(re.search(line, shown, re.M), f"{environment}: {shown}")


def test_errors(httpd, folder, model):
    """With -v each connection's end is told, with its reason, in lines of one form."""
    log = folder / "error.log"
    with Server(httpd, folder, model, "-v", "--error-log", log, "--idle-timeout", "0.3", quiet=False) as server:
        with server.connect() as client:
            get(client)
            get(client)
            check(client.recv(1) == b"", "idle for too long")
        send(server, b"nonsense\r\n\r\n")
        until(lambda: "refused" in log.read_text(), "a refusal is told")
        server.stop()
    form = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4} \[(error|warning|notice|info)\] \d+: \S.*")
    lines = [line.decode() for line in lines_of(log)]
    check(all(form.fullmatch(line) for line in lines), f"one form: {lines}")
    check(any(re.search(r"\[notice\] \d+: serving ", line) for line in lines), "the start")
    check(lines[-1].endswith(": stopped"), "the end")
    check(any(re.search(r"\[info\] \d+: connection \d+ from 127\.0\.0\.1 ended: idle-timeout; 2 requests, "
                        r"\d{4} bytes sent, 0\.\d{3} s$", line) for line in lines), f"idle-timeout: {lines}")


def children_of(pid):
    return [int(child) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()]


def test_killed_child(httpd, folder, model):
    """It takes the line of the request that it was at with it, and nothing else."""
    if model != "fork":
        return
    log = folder / "access.log"
    with Server(httpd, folder, model, "--access-log", log) as server:
        with open(folder / "site" / "big.bin", "wb") as file:
            file.truncate(64 << 20)
        with Load(server, model) as load:
            until(lambda: len(children_of(server.process.pid)) == len(load.counts), "the children of the load")
            for _ in range(10):
                before = set(children_of(server.process.pid))
                with server.connect() as client:
                    get(client, b"/a.txt?before")
                    client.sendall(b"GET /big.bin HTTP/1.1\r\nHost: h\r\n\r\n")
                    check(client.recv(1000), "a beginning")
                    for child in set(children_of(server.process.pid)) - before:
                        os.kill(child, signal.SIGKILL)
                    try:
                        while client.recv(1 << 20):
                            pass
                    except ConnectionResetError:
                        pass
        server.stop()
    lines = [line for line in lines_of(log) if b"/ready" not in line]
    check(all(COMBINED.match(line.decode()) for line in lines), "no line is torn")
    check(sum(b"?before" in line for line in lines) == 10, "lines from before are there")
    check(not any(b"big.bin" in line for line in lines), "those of the killed are not")
    check(len(lines) == load.total() + 10, f"{load.total()} + 10 requests, {len(lines)} lines")


TESTS = [test_combined, test_json, test_own_format, test_rotation, test_linked, test_stopped_reader, test_full_disk,
         test_full_disk_rotated, test_terminal, test_errors, test_killed_child]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("httpd")
    parser.add_argument("--model", nargs="+", default=MODELS)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    skip_without("goaccess", "jq")
    failures = 0
    for model in arguments.model:
        for test in TESTS:
            if arguments.only not in test.__name__:
                continue
            with tempfile.TemporaryDirectory() as folder:
                try:
                    test(os.path.abspath(arguments.httpd), pathlib.Path(folder), model)
                    print(f"{model}: {test.__name__}: ok", flush=True)
                except (Failed, OSError, subprocess.SubprocessError, ValueError) as error:
                    failures += 1
                    print(f"{model}: {test.__name__}: FAILED: {error}", flush=True)
                    if not isinstance(error, Failed):
                        traceback.print_exc()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
