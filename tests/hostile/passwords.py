"""--auth: guesses cost who guesses, and nobody else."""

import base64
import dataclasses
import time

from arsenal import ATTACKS, EXPENSIVE
from attacker import Attacker
from honest import Ask, Honest, Link, one
from target import Attacked, page_content

LIMIT = 2  # as in hostile.py; a password itself takes a tenth of a second
ELSEWHERE = "127.0.0.2"
NEWCOMERS = 4
DEAREST = 6_000_000  # rounds: some 3 s for one password, more than anybody may wait who isn't asked for one


def with_password(user, password):
    word = base64.b64encode(f"{user}:{password}".encode()).decode()
    return Ask("/hot.txt", page_content(999_999), fields=f"Authorization: Basic {word}\r\n")


def guesses(httpd, model, site):
    """Who is remembered is served at once; who logs in from another address is let in at the first attempt: users whom
    nobody guesses at, and at last the one whose password is being guessed."""
    users = ["carol", "alice", *(f"user{i}" for i in range(NEWCOMERS))]
    path = site.passwords("users", users, "the right one", EXPENSIVE)
    with Attacked(httpd, site.root, model, f"--auth={path}") as server:
        remembered = Honest(server.port, [with_password("carol", "the right one")], LIMIT)
        attacker = None
        try:
            remembered.await_round()
            attacker = Attacker(ATTACKS["guesses"], server.port, site)
            attacker.ready()
            time.sleep(0.5)  # whatever is rationed has been used up by then
            for user in (*users[2:], "alice"):
                took, why = one(Link(server.port, ELSEWHERE), with_password(user, "the right one"), LIMIT)
                assert not why, f"{user} from {ELSEWHERE}: {why}"
            told = remembered.finish()
        finally:
            remembered.end()
            if attacker:
                attacker.end()
    return told


def dear_password(httpd, model, site):
    """While one password is being checked, nobody waits who has none to be checked."""
    path = site.folder / "dear"
    if not path.exists():
        site.passwords("dear", ["alice"], "the right one", DEAREST)
    attack = dataclasses.replace(ATTACKS["guesses"], connections=1, rate=400)
    with Attacked(httpd, site.root, model, f"--auth={path}") as server:
        stranger = Honest(server.port, [Ask("/hot.txt", status=401)], LIMIT)
        attacker = None
        try:
            stranger.await_round()
            attacker = Attacker(attack, server.port, site)
            attacker.ready()
            time.sleep(0.5)
            told = stranger.finish()
        finally:
            stranger.end()
            if attacker:
                attacker.end()
    return told


SCENARIOS = {"guesses": (guesses, ("blocking",)), "dear-password": (dear_password, ("blocking",))}
