"""How far it is, and how long it may still take; on stderr, so that stdout is the figures."""

import sys
import time

OVERHEAD = 0.6  # seconds of a turn besides its length
PLACING = 4  # seconds to make a large set


class Progress:
    def __init__(self, works, servers, rounds, seconds):
        self.rounds, self.seconds, self.servers = rounds, seconds, len(servers)
        self.planned = sum(self.cost(work) for work in works)
        self.done, self.done_of_work, self.began = 0, 0, time.monotonic()
        self.line, self.last = sys.stderr.isatty(), None

    def turn_cost(self, work):
        length = {"wrk": self.seconds * work.longer, "beside": 2 * self.seconds, "each_once": 0.5}[work.turn]
        return length + OVERHEAD

    def cost(self, work):
        """What a work is expected to take, in seconds."""
        return (self.turn_cost(work) * self.rounds * self.servers + self.servers * (OVERHEAD + work.warm)
                + PLACING * bool(work.files))

    def left(self):
        """As fast as so far; as planned, while there is nothing to go by."""
        done = self.done + self.done_of_work
        pace = (time.monotonic() - self.began) / done if done > 20 else 1
        return max(self.planned - done, 0) * max(pace, 0.3)

    def say(self, work, what):
        """A line that is renewed on a terminal, elsewhere a line for each work."""
        if not self.line and work is self.last:
            return
        self.last = work
        left = self.left()
        share = min((self.done + self.done_of_work) / max(self.planned, 1), 1)
        text = f"{share:4.0%}  {work.name}{': ' + what if self.line else ''}; about " + (
            f"{left / 60:.0f} min left" if left >= 90 else f"{left:.0f} s left")
        print(f"\r\033[K{text}" if self.line else text, end="" if self.line else "\n", file=sys.stderr, flush=True)

    def turn_done(self, work):
        self.done_of_work += self.turn_cost(work)

    def work_done(self, work):
        self.done, self.done_of_work = self.done + self.cost(work), 0
        if self.line:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
