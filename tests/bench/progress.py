"""How long turns may be for all to be done in time; how far it is, and how long it may still take. That is said on
stderr, so that stdout is the figures."""

import sys
import time

OVERHEAD = 0.12  # seconds of a turn besides its length
STARTING = 0.15  # a server
PLACING = 5  # to make a large set
PASS = 1.2  # of one server, by itself
SHORTEST = 0.15  # a turn; wrk looks each 0.1 s whether it is over
STEPS = 50
LENIENCE = 0.1


class Progress:
    """servers: how many take part in each of the works. minutes: how long it may take in all, or None: then rounds and
    seconds are as given, else they are the most. each_pass: how many servers are in each pass that comes after."""

    def __init__(self, works, servers, rounds, seconds, minutes, each_pass=()):
        self.works, self.servers, self.rounds, self.seconds = works, dict(zip(works, servers)), rounds, seconds
        self.passes = list(each_pass)
        self.began, self.expected, self.expected_of_work, self.last = time.monotonic(), 0, 0, None
        self.until = self.began + 60 * minutes if minutes is not None else None
        self.line = sys.stderr.isatty()
        self.current = self.choose()

    # ---- The plan

    def turn(self, work, seconds):
        """What a turn is expected to take."""
        length = {"wrk": seconds * work.longer, "beside": seconds + max(seconds, work.least), "each_once": 0.2}
        return length[work.turn] + OVERHEAD + work.fresh * STARTING

    def cost(self, work, rounds, seconds):
        return self.servers[work] * (rounds * self.turn(work, seconds) + STARTING + work.warm * min(2 * seconds, 1))

    def needs(self, rounds, seconds):
        """All that is still to do. Works that follow each other share their files."""
        before, total = None, PASS * sum(self.passes)
        for work in self.works:
            total += self.cost(work, rounds, seconds) + PLACING * (work.files not in (None, before))
            before = work.files
        return total

    def choose(self):
        """The most rounds, and then the longest turns, that what is left of the time allows."""
        if self.until is None:
            return self.rounds, self.seconds
        left = (self.until - time.monotonic()) / self.pace()
        for rounds in range(self.rounds, 0, -1):
            for step in range(STEPS, -1, -1):
                seconds = SHORTEST + step / STEPS * max(self.seconds - SHORTEST, 0)
                if self.needs(rounds, seconds) <= left:
                    return rounds, seconds
        return 1, SHORTEST

    def over(self):
        """The time is, by more than a little."""
        return self.until is not None and time.monotonic() > self.until + LENIENCE * (self.until - self.began)

    def least_minutes(self):
        return self.needs(1, SHORTEST) / 60

    def plan(self):
        """(rounds, seconds) of the work that is next."""
        self.current = self.choose()
        return self.current

    # ---- What is said

    def pace(self):
        """How many times longer than expected it takes; as expected, while there is nothing to go by."""
        done = self.expected + self.expected_of_work
        return min(max((time.monotonic() - self.began) / done, 0.3), 3) if done > 20 else 1

    def left(self):
        return max(self.needs(*self.current) - self.expected_of_work, 0) * self.pace()

    def say(self, name, what):
        """A line that is renewed on a terminal, elsewhere a line for each work."""
        if not self.line and name == self.last:
            return
        self.last = name
        left, passed = self.left(), time.monotonic() - self.began
        text = f"{passed / max(passed + left, 1):4.0%}  {name}{': ' + what if self.line else ''}; about " + (
            f"{left / 60:.0f} min left" if left >= 90 else f"{left:.0f} s left")
        print(f"\r\033[K{text}" if self.line else text, end="" if self.line else "\n", file=sys.stderr, flush=True)

    def placed(self):
        self.expected += PLACING

    def turn_done(self, work):
        self.expected_of_work += self.turn(work, self.current[1])

    def work_done(self, work):
        self.expected, self.expected_of_work = self.expected + self.cost(work, *self.current), 0
        self.works = self.works[1:]
        self.clear()

    def pass_done(self):
        self.expected += PASS * self.passes.pop()
        self.clear()

    def clear(self):
        if self.line:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
