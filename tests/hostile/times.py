"""Clocks that jump, and time in which the server doesn't run."""

import email.utils
import os
import re
import signal
import socket
import threading
import time

from faults import BUSY, asked
from honest import Ask, Link, one
from luck import LIMIT, await_true
from target import HUGE_SIZE, Attacked
from unlucky import HOT, Unlucky
from webdriver import cpu_seconds, session_members

YEAR = 365 * 86400
JUMPS = (0, -10 * YEAR, 30 * YEAR)  # as unlucky.c has it
TRUST = 1.0  # seconds after which an edit is seen at the latest
EDIT = 1.2  # each has a second of its own, as dates tell no more


def is_now(seconds):
    return any(abs(seconds - (time.time() + jump)) < 3 for jump in JUMPS)


class Edited:
    """A file that is replaced now and then: what it holds, its date, and from when on."""

    def __init__(self, path):
        self.path, self.versions = path, []
        self.next()

    def next(self):
        body = f"version {len(self.versions)} ".encode() * 500
        draft = self.path.with_name("draft")
        draft.write_bytes(body)
        draft.rename(self.path)
        self.versions.append((body, int(self.path.stat().st_mtime), time.monotonic()))

    def legal(self, asked_at):
        """As answers to what was asked then: the last, and those that were so within the time that an edit may take."""
        return [version for version, after in zip(self.versions, [*self.versions[1:], None])
                if after is None or after[2] > asked_at - TRUST]


def jumps(httpd, model, site):
    """Each second the clock of the day goes ten years back, or thirty on: Date is that clock's, Last-Modified the file's
    or none of a real day, nobody is told 304 who has another version, and what waits does so by another clock."""
    log, edited = site.folder / "jumps.log", Edited(site.root / "edited.txt")
    log.unlink(missing_ok=True)
    with Unlucky(httpd, model, site, "clock", 0, "--access-log", str(log), "--header-timeout", "2") as server:
        idle, late = Link(server.port), socket.socket()
        if model != "blocking":  # where they would keep the others waiting
            idle.exchange(HOT, LIMIT)
            kept = idle.socket
            late.connect(("127.0.0.1", server.port))
            late.sendall(b"GET / HTTP/1.1\r\n")
            waiting = threading.Thread(target=await_late, args=(late, took := []))
            waiting.start()
        before, began = cpu_seconds(server.pid), time.monotonic()
        count, unchanged = conditions(server, edited, began + 5)
        used = (cpu_seconds(server.pid) - before) / (time.monotonic() - began)
        assert used < BUSY, f"{100 * used:.0f} % of a processor"
        if model != "blocking":
            waiting.join(LIMIT)
            assert took and 1.9 < took[0] < 4, f"a head that never came was waited for {took} s"
            idle.exchange(HOT, LIMIT)
            assert kept and idle.socket is kept, "an idle connection was cut"
            idle.close()
            count += 3
        await_true(lambda: log.read_bytes().count(b"\n") == count, lambda: f"{log.read_bytes().count(10)} lines of {count}")
        for stamp in re.findall(r"\[(.*?)\]", log.read_text()):
            seconds = time.mktime(time.strptime(stamp[:20], "%d/%b/%Y:%H:%M:%S"))
            assert any(-10 < seconds - (time.time() + jump) + 10 < 13 for jump in JUMPS), f"a line of {stamp}"
    return f"{count} answers, {unchanged} of them 304, {100 * used:.0f} % of a processor"


def await_late(late, took):
    began = time.monotonic()
    late.settimeout(LIMIT)
    if late.recv(1000).startswith(b"HTTP/1.1 408"):
        took.append(time.monotonic() - began)
    late.close()


def conditions(server, edited, end):
    """Asks, with the validators of the last answer or none. How many answers, how many of them 304."""
    link, have, count, unchanged = Link(server.port), None, 0, 0
    while time.monotonic() < end:
        if time.monotonic() > edited.versions[-1][2] + EDIT:
            edited.next()
        fields = ""
        if have and count % 3 < 2:
            fields = f"If-None-Match: {have[1]}\r\n" if count % 3 else have[2] and f"If-Modified-Since: {have[2]}\r\n"
        at = time.monotonic()
        status, head, body = link.exchange(Ask("/edited.txt", fields=fields or ""), LIMIT)
        count += 1
        legal = [version[:2] for version in edited.legal(at)]
        assert is_now(date_of(head, "date")), head
        if status == 304:
            assert fields and have[0] in [version[0] for version in legal], f"304 to {fields!r} of an older version"
            unchanged += 1
        else:
            dates = [date for version, date in legal if version == body]
            assert status == 200 and dates, f"{status} with {body[:12]}"
            modified = date_of(head, "last-modified")
            assert modified is None or modified < 2**30 or dates[0] - 1 <= modified <= dates[0], head
            have = body, re.search(r"^etag: (\S+)", head, re.I | re.M)[1], field(head, "last-modified")
        time.sleep(0.02)
    link.close()
    assert unchanged > 5, f"{unchanged} of {count} answers were 304"
    return count, unchanged


def field(head, name):
    found = re.search(rf"^{name}: (.*?)\r?$", head, re.I | re.M)
    return found and found[1]


def date_of(head, name):
    value = field(head, name)
    return value and email.utils.parsedate_to_datetime(value).timestamp()


# ---- A gap


GAP = 2.5  # seconds: longer than any time that anything may take
SHORT = ("--header-timeout", "1", "--idle-timeout", "1", "--send-timeout", "1")


def signal_all(server, number):
    for pid in session_members(server.pid):
        os.kill(pid, number)


def gap(httpd, model, site):
    """The server is stopped for longer than all its timeouts (a container that is paused, a machine that is), and the
    clock counts that. Who has sent, or received, something meanwhile hasn't been idle: what has come is served before
    anybody is told that he is late, as nginx does it. Only who has been silent throughout is closed."""
    download = Ask("/huge/2499.bin", bytes(HUGE_SIZE))
    with Attacked(httpd, site.root, model, *SHORT) as server:
        links = {name: Link(server.port) for name in ("idle", "half", "download", "silent")}
        if model == "blocking":
            links = {"idle": links["idle"]}
        for name, link in links.items():
            if name != "download":
                link.exchange(HOT, LIMIT)
        sockets = {name: link.socket for name, link in links.items()}
        end = time.monotonic() + LIMIT
        if model != "blocking":
            links["download"].send(download, end)
            sockets["half"].sendall(b"GET /hot.txt HTTP/1.1\r\nHo")
            time.sleep(0.3)  # the download has filled the sockets
        signal_all(server, signal.SIGSTOP)
        time.sleep(GAP / 2)
        body = []
        if model != "blocking":
            reader = threading.Thread(target=lambda: body.append(links["download"].answer(download, end)))
            reader.start()
            sockets["half"].sendall(b"st: a\r\n\r\n")
        newcomer = Link(server.port)
        newcomer.open(end)
        newcomer.send(HOT, end)
        sockets["idle"].sendall(b"GET /hot.txt HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(GAP / 2)
        before = cpu_seconds(server.pid)
        signal_all(server, signal.SIGCONT)
        for name in sorted({"idle", "half"} & set(links)):
            status, _, got = links[name].answer(HOT, end)
            assert (status, got) == (200, HOT.body), f"{name}: {status}"
        if model != "blocking":
            reader.join(LIMIT)
            assert body and body[0][0] == 200 and body[0][2] == download.body, "the download was cut"
        links["idle"].close()
        status, _, got = newcomer.answer(HOT, end)
        assert (status, got) == (200, HOT.body), f"a newcomer: {status}"
        for link in (*links.values(), newcomer):
            link.close()
        asked(server)
        used = cpu_seconds(server.pid) - before
        assert used < 1, f"{used:.2f} s of a processor"
    return "who had sent or received something was served, on the same connection"


LONG = {
    "fault-jumps": (jumps, ()),
    "fault-gap": (gap, ()),
}
