"""Reloads under load: no request fails, no connection is closed, nothing is left behind."""

import os
import re
import socket
import subprocess
import threading
import time

from reloaded import LIMIT, Kept, Reloaded
from webdriver import session_members

ANSWERS = {(letter, b"%s index" % letter.encode()) for letter in "ab"}


class Asker(threading.Thread):
    """Asks until it is told to stop: on one connection that must stay, or on a new one each time."""

    def __init__(self, port, keep):
        super().__init__(daemon=True)
        self.port, self.keep, self.count, self.failure = port, keep, 0, None
        self.stopping = threading.Event()
        self.start()

    def run(self):
        try:
            kept = Kept(self.port, asked=False)
            while not self.stopping.is_set():
                headers = {} if self.keep else {"Connection": "close"}
                status, content, fields = kept.ask(**headers)
                assert status == 200 and (fields["x-now"], content) in ANSWERS, (status, content, fields)
                assert not self.keep or "connection" not in fields, fields
                self.count += 1
                if not self.keep:
                    kept.close()
                    kept = Kept(self.port, asked=False)
            kept.close()
        except Exception as error:  # whatever it is, the test fails for it
            self.failure = error

    def finish(self):
        self.stopping.set()
        self.join(LIMIT)
        assert not self.is_alive() and not self.failure, f"after {self.count} requests: {self.failure!r}"
        return self.count


class Wrk:
    """Requests in numbers."""

    def __init__(self, port, connections, keep):
        close = [] if keep else ["-H", "Connection: close"]
        self.process = subprocess.Popen(
            ["wrk", "-t1", f"-c{connections}", "-d3600", "--timeout", f"{LIMIT}", *close, f"http://127.0.0.1:{port}/"],
            stdout=subprocess.PIPE, text=True)

    def finish(self):
        self.process.send_signal(2)
        out = self.process.communicate(timeout=LIMIT)[0]
        assert "Socket errors" not in out and "Non-2xx" not in out, out
        return int(re.search(r"(\d+) requests in", out)[1])


def lines(site, turn):
    letter = "ab"[turn % 2]
    return [f"root {site.path(letter)}", f"header X-Now: {letter}", f"mime-types {site.types}"]


def reloads(httpd, model, site, count, least, workers, keep, wrk):
    """At least `count` reloads and `least` requests. Returns how many requests there were."""
    askers_count = 1 if model == "blocking" else 4
    with Reloaded(httpd, model, site.folder, lines(site, 0), f"--workers={workers}") as server:
        askers = [Asker(server.port, keep) for _ in range(askers_count if not (wrk and model == "blocking") else 0)]
        flood = Wrk(server.port, 1 if model == "blocking" else 8, keep) if wrk else None
        began, turn = time.monotonic(), 0
        try:
            while turn < count:
                turn += 1
                said = server.reload(lines(site, turn))
                assert said[-1].startswith("httpd: reloaded: --root, --header"), said
                pause = least / 40_000 / count  # spread over the time that so many requests take
                time.sleep(max(pause, 0.01))
        finally:
            asked = [asker.finish() for asker in askers]
            flooded = flood.finish() if flood else 0
        assert all(asked) and (flooded or not flood), f"{model}: somebody was never answered"
        print(f"{model}, {'kept' if keep else 'closed'}: {turn} reloads, {sum(asked) + flooded} requests, "
              f"{time.monotonic() - began:.1f} s", flush=True)
        return sum(asked) + flooded


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return int(re.search(r"Pss:\s+(\d+)", file.read())[1])  # KiB


def threads_of(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def settled(read, most):
    """What is given back, is so within a second or two."""
    end = time.monotonic() + LIMIT
    while (value := read()) > most and time.monotonic() < end:
        time.sleep(0.05)
    return value


def nothing_left(httpd, model, site, count=50, sanitized=False):
    with Reloaded(httpd, model, site.folder, lines(site, 0), "--workers=2") as server:
        kept = Kept(server.port)

        def round_of(turns):
            for turn in turns:
                server.reload(lines(site, turn))
                assert kept.ask()[2]["x-now"] == "ab"[turn % 2]
                assert kept.ask("/large.bin")[0] == 200

        round_of(range(1, 9))
        members = session_members(server.pid)
        time.sleep(1.2)  # twice what it takes to look after what was replaced
        before = {pid: (descriptors(pid), resident(pid), threads_of(pid)) for pid in members}
        round_of(range(9, 9 + count))
        for pid, (fds, memory, threads) in before.items():
            assert settled(lambda: descriptors(pid), fds) <= fds, f"{model}: {fds} descriptors, then {descriptors(pid)}"
            assert settled(lambda: threads_of(pid), threads) <= threads, f"{model}: threads"
            most = memory + 600  # the heap has its ways; a cache left behind would be 130 KiB each time
            if not sanitized:
                now = settled(lambda: resident(pid), most)
                assert now <= most, f"{model}: {memory} KiB, then {now}"
                print(f"{model}: {fds} descriptors, {memory} KiB, after {count} reloads {now}", flush=True)
        kept.close()
