#!/usr/bin/env python3
"""A day in small: logs, somebody who looks at the status all the time, a reload each 10 seconds, a rotation of the log each
30, files that change, hostile clients and honest ones. At the end all is accounted for: descriptors, memory, threads and
children, and each line of the log. By hand: nothing here that isn't tested alone elsewhere.

    soak.py HTTPD [--minutes N] [--seed S] [--model MODEL...]"""

import argparse
import json
import pathlib
import random
import re
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "chaos"), str(HERE / "hostile"), str(HERE / "upgrade")]
from chaos import LINE, MODELS, Chaos, links
from clients import USER
from honest import Ask, Link
from service import Service, adopt_orphans, failures, finish, until

RELOAD_S, ROTATE_S, POLL_S = 10, 30, 0.5
GROWTH = 12 << 20  # what is edited comes in sizes of up to 3 MB
STATUS = Ask("/_httpd/status.json", fields=USER)


def own_memory(pid):
    """In bytes, without what is shared: lines of a forked child's lie in memory that is kept for the next one."""
    return int(re.search(r"RssAnon:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) << 10


class Watcher(threading.Thread):
    """Looks at the status, on a connection that is kept. `tell` is called with what is wrong."""

    def __init__(self, port, tell):
        super().__init__(daemon=True)
        self.link, self.tell, self.stopped, self.polls, self.last = Link(port), tell, threading.Event(), 0, None

    def look(self):
        code, _, body = self.link.exchange(STATUS, 60)
        assert code == 200, f"status {code}"
        self.polls += 1
        return json.loads(body)

    def run(self):
        while not self.stopped.wait(POLL_S):
            try:
                told = self.look()
            except (OSError, AssertionError, ValueError) as error:
                self.tell(f"status page: {error!r}")
                return
            last = self.last or told
            if told["requests"]["total"] < last["requests"]["total"] or told["log"]["lines"] < last["log"]["lines"]:
                self.tell(f"a figure fell: {self.last} {told}")
            self.last = told


class Soak(Chaos):
    """The day's events are on a schedule, but for edits; one process has it all."""

    def __init__(self, service, arguments):
        super().__init__(service, arguments)
        self.workers, self.memory = 2, []

    def configure(self, wrong=""):
        """What a reload takes over changes each time, the form of lines included."""
        super().configure(wrong)
        odd = self.turn % 2
        with open(self.service.config, "a", encoding="ascii") as file:
            file.write(f"log-format {'json' if odd else 'combined'}\nmax-requests {1000 + odd}\n"
                       f"status-allow 10.{self.turn % 200}.0.0/16\ntrust 192.0.2.{self.turn % 200}\n"
                       f"max-connections {9000 + odd}\n")

    def start(self):
        self.configure()
        self.service.start("-p", "0")
        self.say(f"seed {self.seed}: {self.model}, port {self.service.port}")
        self.watcher = Watcher(self.service.port, self.fail)
        self.watcher.start()
        self.villains, self.clients = self.people()

    def act(self, act):
        self.done[act.__name__] = self.done.get(act.__name__, 0) + 1
        try:
            act()
        except AssertionError as error:
            self.fail(f"{act.__name__}: {error}")

    def run(self, minutes):
        self.start()
        end, reload_at, rotate_at = self.began + 60 * minutes, self.began + RELOAD_S, self.began + ROTATE_S
        while (now := time.monotonic()) < end and len(failures) < 20:
            self.rng.choice(self.documents).edit()
            if now >= reload_at:
                reload_at += RELOAD_S
                self.act(self.reload)
                self.memory.append(own_memory(self.service.pid))
            if now >= rotate_at:
                rotate_at += ROTATE_S
                self.act(self.rotate)
            time.sleep(0.05 + 0.1 * self.rng.random())
        self.leave()
        until(self.none_deleted)
        self.after()
        self.check_memory()
        self.check_lines()

    def leave(self):
        for thread in (*self.clients, self.watcher):
            thread.stopped.set()
        for thread in (*self.clients, self.watcher):
            thread.join(100)
        for villain in self.villains:
            villain.end()
        self.asked = {word: whole for client in self.clients for word, whole in client.asked.items()}
        self.say(f"{len(self.asked)} honest requests, {self.watcher.polls} looks at the status, {self.done}")

    def none_deleted(self):
        """A worker lets go of a file that has been replaced when it is asked for it: so each is asked for each."""
        all_links = [Link(self.service.port) for _ in range(16)]
        for link in all_links:
            for document in self.documents:
                link.exchange(Ask(f"/{document.name}", fields=USER), 60)
        for link in all_links:
            link.close()
        site = str(self.service.folder / "site")
        return not any(link.startswith(site) and "(deleted)" in link for link in links(self.service.pid))

    def check_memory(self):
        middle = max(self.memory[:len(self.memory) // 2 + 1], default=0)
        last = own_memory(self.service.pid)
        self.say(f"memory, in KiB: {[size >> 10 for size in self.memory]}, at the end {last >> 10}")
        if middle and last > middle + GROWTH:
            self.fail(f"{middle >> 10} KiB in the middle, {last >> 10} at the end")

    def quiet(self):
        """The status once nobody else is there, and what they asked for is counted."""
        time.sleep(0.2)  # it is made ten times a second
        told = self.watcher.look()
        return told if told["connections"]["open"] == 1 else None

    def check_lines(self):
        """As many as were counted, each whole, and one for each honest request."""
        told = until(self.quiet)
        if not told:
            self.fail(f"not quiet at the end: {self.watcher.look()['connections']}")
            return
        counted = told["requests"]["total"] + 1  # this look
        self.watcher.link.close()
        if (status := self.service.stop()) != 0:
            self.fail(f"ended with {status}")
        lines, seen = 0, {}
        for path in sorted(self.logs.iterdir()):
            with open(path, "rb") as file:
                for line in file:
                    lines += 1
                    if not is_line(line):
                        self.fail(f"{path.name} has a torn line: {line[:300]!r}")
                    for word in re.findall(rb"\?(u\d+-\d+\.)[ \"]", line):
                        seen[word.decode()] = seen.get(word.decode(), 0) + 1
        self.say(f"{lines} lines, {counted} requests counted, {told['log']['lost']} lines lost; "
                 f"{told['connections']['accepted']} connections")
        if lines != counted or told["log"]["lost"] or "lines were lost" in self.service.said():
            self.fail(f"{lines} lines of {counted} requests: {told['log']}")
        bad = [word for word, whole in self.asked.items() if seen.get(word, 0) > 1 or whole and word not in seen]
        if bad:
            self.fail(f"{len(bad)} of {len(self.asked)} requests without their one line: {bad[:10]}")


def is_line(line):
    if not line.endswith(b"\n"):
        return False
    if not line.startswith(b"{"):
        return bool(LINE.fullmatch(line[:-1]))
    try:
        return "status" in json.loads(line)
    except ValueError:
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("httpd")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--model", nargs="+", choices=MODELS, default=["epoll-et", "thread", "fork", "uring"])
    parser.set_defaults(unlucky=None)  # no weather: each line is to be accounted for
    arguments = parser.parse_args()
    adopt_orphans()
    for model in arguments.model:
        one = argparse.Namespace(**{**vars(arguments), "model": [model]})
        with Service(arguments.httpd) as service:
            Soak(service, one).run(arguments.minutes)
            if failures:
                print(service.said()[-6000:])
    finish()


if __name__ == "__main__":
    main()
