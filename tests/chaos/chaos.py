#!/usr/bin/env python3
"""Everything at once, from a seed: honest and hostile clients, reloads, upgrades to other models, rotated logs, a server
that is stopped for a while, files that change; and with a library that is preloaded (../hostile/unlucky.c) memory,
threads, processes, the log's disk that fail for a moment. Every wrong byte is a failure, and so is every honest request
that fails, unless something was missing just then that it needed.

    chaos.py HTTPD [--minutes N] [--seed S] [--model MODEL...] [--unlucky SO]"""

import argparse
import os
import pathlib
import random
import re
import signal
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "hostile"), str(HERE.parent / "upgrade")]
from clients import USER, Client, Hostile
from documents import Document
from service import Service, Watched, adopt_orphans, check, failures, finish, until

# All but blocking: whoever holds its one connection holds up the rest, by its nature.
MODELS = ("fork", "thread", "nonblocking", "select", "poll", "epoll-lt", "epoll-et", "coroutine", "uring")
# Of "word".
ALICE = "alice:$6$rounds=1000$chaos$ccyB87m862NrjZozeJMAE5tQmpiDFbWFWXDELM4gTLLL5/38zDowC3trEVFdDsdhMYT14bCBGdItSmkzm4Dp/0\n"
LINE = re.compile(rb'\S+ - \S+ \[[^]]+\] "(?:[^"\\]|\\.)*" \d{3} (?:\d+|-) "(?:[^"\\]|\\.)*" "(?:[^"\\]|\\.)*"')
MORE_MEMORY = 16 << 20  # than a new server that has been asked for the same
LOADERS_MOST = 42  # threads that come when they are needed, and stay
WEATHER = ("", "accept", "signals", "short", "log", "heap", "tired", "fork")  # as unlucky.c has it
HARMLESS = ("accept", "signals", "short", "log")  # nobody honest notices
STORM = 1  # second that it lasts
CLOSED = 20  # seconds after which files that nobody asks for have been closed


class Chaos:
    def __init__(self, service, arguments):
        self.service, self.models, self.seed = service, arguments.model, arguments.seed
        self.rng, self.began = random.Random(arguments.seed), time.monotonic()
        self.logs = service.folder / "logs"
        self.logs.mkdir()
        (service.folder / "users").write_text(ALICE)
        self.documents = [Document(service.folder / "site", f"d{i}.txt", self.rng) for i in range(8)]
        self.model, self.workers, self.turn, self.rotated = self.rng.choice(self.models), 1, 0, 0
        self.left, self.pauses, self.done = [], [], {}
        self.storms, self.library = [], arguments.unlucky
        self.mark = service.folder / "weather"
        self.mark.touch()

    def say(self, text):
        print(f"{time.monotonic() - self.began:7.2f} {text}", flush=True)

    def fail(self, text):
        check(f"seed {self.seed}, second {time.monotonic() - self.began:.2f}, {self.model} with {self.workers}", False, text)

    def configure(self, wrong=""):
        self.turn += 1
        self.service.config.write_text(
            f"model {self.model}\nworkers {self.workers}\naccess-log {self.logs}/access\nauth {self.service.folder}/users\n"
            f"status\nheader-timeout 10\nidle-timeout 10\nsend-timeout 20\nheader X-Turn: {self.turn}\n{wrong}\n")

    def reload(self):
        self.configure()
        self.service.signal(signal.SIGHUP)
        self.service.await_line(r"^httpd: reloaded.*\n")

    def reload_wrong(self):
        self.configure("header-timeout never")
        self.service.signal(signal.SIGHUP)
        self.service.await_line(r"^httpd: not reloaded: .*\n")
        self.configure()

    def rotate(self):
        self.rotated += 1
        (self.logs / "access").rename(self.logs / f"access.{self.rotated}")
        self.service.signal(signal.SIGUSR1)
        if not until((self.logs / "access").exists):
            self.fail("SIGUSR1: no new access log")

    def upgrade(self):
        before = self.model, self.workers
        self.model, self.workers = self.rng.choice(self.models), self.rng.choice((1, 2, 3))
        self.say(f"{before} -> {self.model, self.workers}")
        self.configure()
        leaving = Watched(self.service.pid)
        self.service.upgrade()
        self.left.append(leaving)

    def upgrade_wrong(self):
        self.configure("header-timeout never")
        self.service.signal(signal.SIGUSR2)
        self.service.await_line(r"^httpd: SIGUSR2: .*this process goes on\n")
        self.configure()

    def stop_and_go(self):
        since = time.monotonic()
        self.pauses.append((since, since + 2))
        self.service.signal(signal.SIGSTOP)
        time.sleep(1)
        self.service.signal(signal.SIGCONT)

    def weather(self):
        kind = self.rng.randrange(1, len(WEATHER))
        self.say(f"weather: {WEATHER[kind]}")
        if WEATHER[kind] not in HARMLESS:
            self.storms.append((time.monotonic(), time.monotonic() + 2 * STORM))
        self.mark.write_bytes(bytes(kind))
        time.sleep(STORM)
        os.truncate(self.mark, 0)
        if WEATHER[kind] not in HARMLESS:
            self.storms[-1] = self.storms[-1][0], time.monotonic()

    def environment(self):
        if not self.library:
            return None
        return dict(os.environ, LD_PRELOAD=self.library, UNLUCKY="weather", UNLUCKY_MARK=str(self.mark))

    def event(self):
        if self.rng.random() < 0.85:
            return self.rng.choice(self.documents).edit()
        act = self.rng.choice((self.reload, self.reload_wrong, self.rotate, self.rotate, self.upgrade, self.upgrade,
                               self.upgrade_wrong, self.stop_and_go, *[self.weather] * (3 if self.library else 0)))
        self.done[act.__name__] = self.done.get(act.__name__, 0) + 1
        self.say(act.__name__)
        try:
            act()
        except AssertionError as error:
            self.fail(f"{act.__name__}: {error}")
            self.configure()
        return None

    def people(self):
        """Hostile clients and honest ones, who have begun."""
        port, names = self.service.port, [document.name for document in self.documents]
        villains = [Hostile(f"{self.seed} {i}", port, names, 40) for i in range(2)]
        clients = [Client(i, self.seed, port, self.documents, self.fail, self.pauses, self.storms) for i in range(6)]
        for client in clients:
            client.start()
        return villains, clients

    def run(self, minutes):
        self.configure()
        self.service.start("-p", "0", env=self.environment())
        self.say(f"seed {self.seed}: {self.model}, port {self.service.port}")
        villains, clients = self.people()
        while time.monotonic() < self.began + 60 * minutes and len(failures) < 20:
            self.event()
            time.sleep(0.05 + 0.1 * self.rng.random())
        for client in clients:
            client.stopped.set()
        for client in clients:
            client.join(100)
        for villain in villains:
            villain.end()
        asked = {word: whole for client in clients for word, whole in client.asked.items()}
        self.say(f"{len(asked)} honest requests, {self.done}")
        self.after()
        self.check_logs(asked)

    def after(self):
        """The processes that were replaced have ended well, and the last one is as a new one."""
        for process in self.left:
            if (ended := until(process.ended)) not in ((0,), (None,)):
                self.fail(f"process {process.pid}, which was replaced, ended with {ended}: {where(process.pid)}")
        with Service(self.service.real) as fresh:
            fresh.config.write_text(self.service.config.read_text().replace(f"{self.logs}/access", f"{fresh.folder}/access"))
            fresh.start("-r", str(self.service.folder / "site"), "-p", "0", env=self.environment())
            threads = state(fresh.pid)[1]  # before it has had to load anything
            for one in (fresh, self.service):
                for document in self.documents:
                    one.ask(request=f"GET /{document.name} HTTP/1.1\r\nHost: a\r\n{USER}Connection: close\r\n\r\n".encode())
            if not until(lambda: alike(state(self.service.pid), state(fresh.pid), threads), CLOSED):
                self.fail(f"descriptors, threads, children at the end: {state(self.service.pid)}, of a new server: "
                          f"{state(fresh.pid)} with at first {threads} threads\n{links(self.service.pid)}\n{links(fresh.pid)}\n"
                          f"{where(self.service.pid)}")
            memory, new = resident(self.service.pid), resident(fresh.pid)
            self.say(f"{memory >> 20} MiB, a new server {new >> 20} MiB; {state(self.service.pid)}")
            if memory > new + MORE_MEMORY:
                self.fail(f"{memory >> 20} MiB at the end, of a new server {new >> 20} MiB")

    def check_logs(self, asked):
        status = self.service.stop()
        if status != 0:
            self.fail(f"ended with {status}")
        if not until(lambda: not self.service.processes()):
            self.fail(f"processes outlived it: {[where(pid) for pid in self.service.processes()]}")
        seen = {}
        for path in self.logs.iterdir():
            lines = path.read_bytes().split(b"\n")
            if lines.pop():
                self.fail(f"{path.name} ends in the middle of a line")
            for line in lines:
                if not LINE.fullmatch(line):
                    self.fail(f"{path.name} has a torn line: {line[:300]!r}")
                for word in re.findall(rb"\?(u\d+-\d+\.) ", line):
                    seen[word.decode()] = seen.get(word.decode(), 0) + 1
        bad = [(word, seen.get(word, 0)) for word, whole in asked.items() if seen.get(word, 0) > 1 or whole and word not in seen]
        if bad:
            self.fail(f"{len(bad)} of {len(asked)} requests without their one line in the log: {bad[:10]}")


def links(pid):
    found = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            found.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
        except FileNotFoundError:  # it has just been closed
            pass
    return sorted(found)


def tasks_of(pid):
    """But for workers of io_uring's, which come and go as the kernel likes: how many children each has."""
    children = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            if not (task / "comm").read_text().startswith("iou-"):
                children.append(len((task / "children").read_text().split()))
        except OSError:  # it has just ended
            pass
    return children


def where(pid):
    """What each of its threads is at."""
    try:
        tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
        return [(task.name, *((task / name).read_text().strip() for name in ("comm", "wchan", "syscall"))) for task in tasks]
    except OSError as error:
        return [error.strerror]


def state(pid):
    """Descriptors, threads and children."""
    children = tasks_of(pid)
    return len(links(pid)), len(children), sum(children)


def alike(last, fresh, threads):
    return (last[0], last[2]) == (fresh[0], fresh[2]) and threads <= last[1] <= threads + LOADERS_MOST


def resident(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("httpd")
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--model", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--unlucky", metavar="SO", type=os.path.abspath, help="unlucky.c, built; without it nothing fails")
    arguments = parser.parse_args()
    adopt_orphans()
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # which a server that nohup has started ignores: it must reload
    with Service(arguments.httpd) as service:
        try:
            Chaos(service, arguments).run(arguments.minutes)
        except Exception:
            check(f"seed {arguments.seed}", False, traceback.format_exc())
        if failures:
            print(f"What the server said, in the end:\n{service.said()[-6000:]}\nAgain: --seed {arguments.seed}")
    finish()


if __name__ == "__main__":
    main()
