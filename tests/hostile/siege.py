"""Every hostile kind, one by one or all at once, beside honest clients that verify every byte: what these notice of it,
and whether the server stays within the memory that it has said."""

import re
import time

from arsenal import ATTACKS, Attack, request
from attacker import Attacker
from clients import Hostile
from honest import Honest
from luck import LIMIT
from target import SMALL, Attacked, honest_asks
from webdriver import session_members

ALONE = 1.5  # seconds
BESIDE = 3
SAMPLE = 0.1
READY = 0.5
# As many connections as leave room for the honest, where the model has few places.
PLACES = {"fork": 400, "thread": 900, "select": 800}
CONNECTIONS = 1_500  # as many as may be: what is promised is the less
PATIENCE = 60  # seconds: with fork, each of hundreds of processes gets its share of a processor
MEDIUM, MEDIUM_SIZE = 1_200, 60_000  # more than the cache holds
CHUNKED = "Transfer-Encoding: chunked\r\n"


def held(payload):
    """A request that never ends."""
    return lambda *_: payload


MORE = {attack.name: attack for attack in (
    Attack("heads-unfinished", "200 connections send 15 KiB of a head that never ends", 200,
           held(b"GET / HTTP/1.1\r\n" + b"".join(b"X-%03d: %s\r\n" % (i, b"x" * 140) for i in range(99))), reads=False,
           rate=5_000_000),
    Attack("drips", "100 connections, on each of which a byte of a head comes now and then", 100,
           held(b"GET / HTTP/1.1\r\nX: " + b"x" * 5_000), reads=False, rate=10_000),
    Attack("pipelines", "50 connections ask for a page 5,000 times and read nothing", 50,
           lambda *_: request("/page/1.txt") * 5_000, reads=False, rate=5_000_000),
    Attack("pipelines-read", "4 connections ask for a page as often as they can", 4,
           lambda *_: request("/page/1.txt") * 5_000, rate=200_000),
    Attack("chunks", "20 connections send bodies in chunks of a byte", 20,
           lambda *_: request("/hot.txt", "POST", CHUNKED) + b"1\r\nx\r\n" * 5_000 + b"0\r\n\r\n", 405),
    Attack("crawls", "8 connections ask for more files of 60 KB than the cache holds", 8,
           lambda connection, turn: b"".join(request(f"/medium/{(150 * connection + 300 * turn + i) % MEDIUM}.bin", "HEAD")
                                             for i in range(300))),
    Attack("small-names", "40 connections ask for files of 100 KiB, each for others, and read them", 40,
           lambda connection, turn: b"".join(request(f"/small/{(37 * connection + 11 * turn + i) % (SMALL - 50)}.txt")
                                             for i in range(4))),
)}
KINDS = {**{name: attack for name, attack in ATTACKS.items() if name != "guesses"}, **MORE}


def make_medium(site):
    folder = site.root / "medium"
    if not folder.exists():
        folder.mkdir()
        for number in range(MEDIUM):
            (folder / f"{number}.bin").write_bytes(b"%05d " % number * (MEDIUM_SIZE // 6))


class Mob:
    """Who does what the chaos test's hostile clients do: tiny windows, half-closes, resets, floods of connects, noise."""

    def __init__(self, port, count):
        self.members = [Hostile(f"siege {i}", port, ["hot.txt", "page/1.txt", "small/1.txt"], 40) for i in range(count)]

    def end(self):
        for member in self.members:
            member.end()


def memory(server):
    """MiB of all its processes, what they share counted once."""
    total = 0
    for pid in session_members(server.pid):
        try:
            with open(f"/proc/{pid}/smaps_rollup") as rollup:
                total += int(re.search(r"^Pss:\s+(\d+)", rollup.read(), re.M)[1])
        except (OSError, TypeError):  # it has just ended
            pass
    return total / 1024


def besiege(httpd, model, site, kinds, mobs):
    """p99 alone and beside, in seconds; MiB at most, and as promised; how many honest answers."""
    make_medium(site)
    with Attacked(httpd, site.root, model, "--list", "-v", "--max-connections", str(CONNECTIONS)) as server:
        promised = int(re.search(r"memory stays within (\d+) MiB", server.output())[1])
        alone, beside, attackers, most = Honest(server.port, honest_asks(), LIMIT), None, [], 0
        try:
            alone.await_round()
            time.sleep(ALONE)
            alone.finish()
            attackers = [Attacker(attack, server.port, site) for attack in kinds]
            attackers.append(Mob(server.port, mobs))
            for attacker in attackers[:-1]:
                attacker.ready(limit=READY)
            beside = Honest(server.port, honest_asks(), PATIENCE)
            end = time.monotonic() + BESIDE
            while time.monotonic() < end and not beside.failed():
                most = max(most, memory(server))
                time.sleep(SAMPLE)
            told = beside.finish()
            most = max(most, memory(server))
        finally:
            for process in (alone, beside, *attackers):
                if process:
                    process.end()
        assert most <= promised, f"{most:.0f} MiB, where {promised} were promised"
    return alone.p99, beside.p99, most, promised, told


def siege(httpd, model, site):
    """All kinds at once: nobody honest gets a wrong byte or none, and memory stays within what is promised."""
    kinds, places = [], PLACES.get(model, 5_000)
    for attack in sorted(KINDS.values(), key=lambda attack: attack.connections):
        if model not in attack.without and sum(kind.connections for kind in kinds) + attack.connections < places:
            kinds.append(attack)
    alone, beside, most, promised, told = besiege(httpd, model, site, kinds, 2)
    return (f"{len(kinds)} kinds with {sum(kind.connections for kind in kinds)} connections and a mob; {told}; p99 "
            f"{1000 * alone:.1f} ms alone, {1000 * beside:.1f} ms then; {most:.0f} MiB of {promised}")


def one_kind(name):
    def action(httpd, model, site):
        alone, beside, most, _, _ = besiege(httpd, model, site, [KINDS[name]] if name in KINDS else [], name == "mob")
        return f"{beside / alone:.1f}x, 0 errors, {most:.0f} MiB"
    action.__doc__ = KINDS[name].about if name in KINDS else Mob.__doc__
    return action


SIEGE = {"siege": (siege, ("blocking",))}
ONE_BY_ONE = {f"kind-{name}": (one_kind(name), ("blocking", *(KINDS[name].without if name in KINDS else ())))
              for name in (*KINDS, "mob")}
