#!/usr/bin/env python3
"""Upgrades under load: not one request may fail.

    upgrades.py HTTPD [--upgrades 10] [--pause 0] [--model M ...] [--across] [--workers N]

Each model is upgraded to itself; with --across, each to the next. wrk asks all the while, with connections that are kept
and with new ones; an upgrade begins when the one before has ended, and --pause seconds later. Exits 77 without wrk."""

import argparse
import re
import shutil
import signal
import subprocess
import sys
import time

from service import LIMIT, Service, adopt_orphans, check, exit_status, failures, finish


class Load:
    """wrk, until it is told to stop."""

    def __init__(self, port, keep):
        argv = ["wrk", "-t1", "-c8", "-d3600s", "--timeout", "30s"]
        argv += [] if keep else ["-H", "Connection: close"]
        self.how = "kept" if keep else "new"
        self.process = subprocess.Popen([*argv, f"http://127.0.0.1:{port}/file.txt"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        text = self.process.communicate(timeout=LIMIT)[0]
        wrong = re.findall(r"^\s*((?:Socket errors|Non-2xx or 3xx responses):.*)$", text, re.M)
        done = int(re.search(r"(\d+) requests in", text)[1])
        return done, wrong


def upgrade_under_load(options, models):
    name = " > ".join(models)
    with Service(options.httpd) as service:
        service.config.write_text(f"model {models[0]}\n")
        service.start("-l", "127.0.0.1:0", "-w", str(options.workers))
        loads = [Load(service.port, True), Load(service.port, False)]
        began, count = time.monotonic(), 0
        try:
            while count < options.upgrades:
                count += 1
                service.config.write_text(f"model {models[count % len(models)]}\n")
                before = service.upgrade()
                status = exit_status(before)
                check(f"{name}: process {before} ends with 0", status == 0, f"{status}, {service.said()[-500:]}")
                if failures:
                    break
                time.sleep(options.pause)
            took = time.monotonic() - began
        finally:
            results = [load.stop() for load in loads]
        for load, (done, wrong) in zip(loads, results):
            check(f"{name}: {load.how} connections", done > 0 and not wrong, f"{wrong} of {done}")
        check(f"{name}: the last one ends with 0", service.stop() == 0, service.said()[-500:])
        odd = [line for line in service.said().splitlines()
               if not re.match(r"  http://|httpd: (serving|SIGUSR2: process |stopped|running as root: |the sandbox is)", line)]
        check(f"{name}: nothing else is said", not odd, odd[:60])
        total = sum(done for done, _ in results)
        print(f"{name}: {count} upgrades in {took:.1f} s, {results[0][0]} requests on kept connections, "
              f"{results[1][0]} on new ones", flush=True)
        return total


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("httpd")
    parser.add_argument("--upgrades", type=int, default=10)
    parser.add_argument("--pause", type=float, default=0)
    parser.add_argument("--model", nargs="+", default=["epoll", "thread", "uring"])
    parser.add_argument("--across", action="store_true")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    if not shutil.which("wrk"):
        print("wrk is not installed")
        sys.exit(77)
    adopt_orphans()
    rounds = [options.model] if options.across else [[model] for model in options.model]
    total = sum(upgrade_under_load(options, models) for models in rounds)
    print(f"{total} requests in all")
    finish()


if __name__ == "__main__":
    main()
