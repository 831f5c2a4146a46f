#!/usr/bin/env python3
"""What attacks of up to 1 Mbit/s do to an honest client, and what each kind of request costs; prints Markdown.

    attacks.py HTTPD [OTHER_HTTPD] [--models A,B] [--attacks A,B] [--seconds N] [--costs-only | --no-costs]

With two binaries each figure is there twice, as before and after. The server has one CPU, clients have another. The
honest client is wrk with four connections on a file of 2 KiB; the longest wait is that of one more, which asks for all
sorts of files. An attack may begin with what half a second allows. Needs wrk."""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[1:1] = [str(HERE.parent), str(HERE.parent / "hostile")]

import costs
import measure
from arsenal import ALL, ATTACKS, EXPENSIVE
from attacker import Attacker
from honest import Honest
from passwords import with_password
from target import Site, honest_asks
from webdriver import Server, die_with_parent, raise_descriptor_limit, terminate_politely

DEFAULT = "epoll-et,thread,uring,coroutine"
PATIENCE = 10  # seconds for an answer
WARM = 0.5
UNITS = {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}


class Held:
    """A server on its own CPU; the rest of us on the others."""

    def __init__(self, httpd, site, model, options):
        cpus = sorted(os.sched_getaffinity(0))
        try:
            os.sched_setaffinity(0, cpus[:1])
            self.server = Server(httpd, site.root, model, "--workers=1", *options)
        finally:
            os.sched_setaffinity(0, cpus)
        self.before, self.others = cpus, cpus[1:] or cpus

    def __enter__(self):
        os.sched_setaffinity(0, self.others)
        return self.server

    def __exit__(self, *_):
        self.server.kill()  # whether it stops as it should isn't what is asked here
        os.sched_setaffinity(0, self.before)


# ---- Attacks


def wrk(port, seconds, fields):
    argv = ["wrk", "-t1", "-c4", f"-d{seconds}s", "--timeout", f"{PATIENCE}s", "--latency", *fields,
            f"http://127.0.0.1:{port}/hot.txt"]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=seconds + 60, preexec_fn=die_with_parent)
    figures = measure.read_wrk(done.stdout)
    longest = re.search(r"Latency\s+\S+\s+\S+\s+([\d.]+)(us|ms|s|m)\b", done.stdout)
    figures["rps"] *= 1 - figures["errors"].get("status", 0) / max(1, figures["requests"])
    figures["longest_ms"] = float(longest[1]) * UNITS[longest[2]] if longest else 0
    return figures


def against(httpd, site, model, attack, seconds):
    """Figures of honest clients alone and beside the attack, and the attack's bytes a second."""
    options, asks, fields = list(attack.options), honest_asks(), []
    if attack.name == "guesses":
        options = [f"--auth={site.passwords('users', ['carol', 'alice'], 'the right one', EXPENSIVE)}"]
        asks = [with_password("carol", "the right one")]
        fields = ["-H", asks[0].fields.strip()]
    with Held(httpd, site, model, options) as server:
        sorts = Honest(server.port, asks, PATIENCE)
        attacker = None
        try:
            sorts.await_round()
            alone = wrk(server.port, seconds, fields)
            attacker = Attacker(attack, server.port, site)
            attacker.ready()
            time.sleep(WARM)
            beside = wrk(server.port, seconds, fields)
            sent = attacker.stop()
            wrong = ending(sorts)
        finally:
            sorts.end()
            if attacker:
                attacker.end()
    beside["errors_all"] = sum(beside["errors"].values()) + (1 if wrong["why"] else 0)
    beside["longest_ms"] = max(beside["longest_ms"], wrong["longest_ms"])
    return alone, beside, sent["sent"] / sent["seconds"]


def ending(honest):
    honest.stopped.set()
    if not honest.ours.poll(PATIENCE + 5):
        return {"why": "hangs", "longest_ms": 1000 * PATIENCE}
    _, longest, why, _ = honest.ours.recv()
    return {"why": why, "longest_ms": 1000 * longest}


def cell(httpd, site, model, attack, seconds):
    try:
        alone, beside, rate = against(httpd, site, model, attack, seconds)
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        return ["", f"({str(error).splitlines()[0][:60]})", "", "", ""]
    p99 = f"{beside['p99_us'] / 1000:.1f}" if beside["p99_us"] else "–"
    share = beside["rps"] / alone["rps"] if alone["rps"] else 0
    return [f"{rate:,.0f}", f"{beside['rps']:,.0f} ({share:.0%})", p99, f"{beside['longest_ms']:,.0f}",
            str(beside["errors_all"])]


def row(cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def show_attacks(options, site):
    heads = ["attack B/s", "req/s (of alone)", "p99 ms", "longest ms", "errors"]
    names = ["before", "after"] if len(options.httpd) == 2 else [""]
    print(f"## Attacks\n\nHonest clients beside each of them, for {options.seconds} s.\n")
    row(["attack", "model", *(f"{head} {name}".strip() for name in names for head in heads)])
    row(["---", "---", *["--:"] * (len(heads) * len(names))])
    for name in options.attacks:
        for model in options.models:
            if model not in ATTACKS[name].without:
                cells = [cell(httpd, site, model, ATTACKS[name], options.seconds) for httpd in options.httpd]
                row([name, model, *(figure for part in cells for figure in part)])
    print()
    for name in options.attacks:
        print(f"- {name}: {ATTACKS[name].about}.")


# ---- Costs


def show_costs(options, site):
    names = ["before", "after"] if len(options.httpd) == 2 else [""]
    heads = ["CPU us", "of the loop"]
    print("\n## Costs\n\nA request of each kind, on one connection: CPU time of the whole server, and of its first "
          "thread, which is the loop in the models that have one.\n")
    row(["request", "model", "bytes", "status", *(f"{head} {name}".strip() for name in names for head in heads)])
    row(["---", "---", "--:", "--:", *["--:"] * (len(heads) * len(names))])
    password = site.passwords("costs", ["alice"], "the right one", EXPENSIVE)
    for kind in costs.KINDS:
        for model in options.models:
            figures = []
            for httpd in options.httpd:
                extra = [f"--auth={password}"] if kind.auth else []
                with Held(httpd, site, model, ["--list", *extra]) as server:
                    figures.append(costs.measure_kind(server, kind, site))
            size, status = figures[0][:2]
            row([kind.name, model, f"{size:,}", str(status), *(f"{us:,.1f}" for part in figures for us in part[2:])])


# ---- Running


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    some = {"type": lambda text: [word for word in text.split(",") if word]}
    parser.add_argument("httpd", nargs="+", metavar="HTTPD")
    parser.add_argument("--models", **some, default=DEFAULT.split(","), metavar="A,B")
    parser.add_argument("--attacks", **some, default=list(ATTACKS), metavar="A,B", help=",".join(ATTACKS))
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--costs-only", action="store_true")
    parser.add_argument("--no-costs", action="store_true")
    options = parser.parse_args()
    unknown = [name for name in options.attacks if name not in ATTACKS] + [m for m in options.models if m not in ALL]
    if unknown or len(options.httpd) > 2 or options.seconds < 1:
        parser.error(f"unknown: {', '.join(unknown)}" if unknown else "one or two binaries, and at least a second")
    options.httpd = [os.path.abspath(httpd) for httpd in options.httpd]
    return options


def main():
    options = arguments()
    for tool in ("wrk", *options.httpd):
        if not shutil.which(tool):
            sys.exit(f"attacks: {tool} is missing")
    terminate_politely()
    raise_descriptor_limit()
    with tempfile.TemporaryDirectory(prefix="httpd-attacks-") as folder:
        site = Site(folder)
        if not options.costs_only:
            show_attacks(options, site)
        if not options.no_costs:
            show_costs(options, site)


if __name__ == "__main__":
    main()
