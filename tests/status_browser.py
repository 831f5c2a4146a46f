#!/usr/bin/env python3
"""Chromium watches the status page while wrk loads the server, in every model: the numbers move, agree with wrk's, and
nothing is complained of.

    status_browser.py HTTPD [--model M ...]

Exits 0 when all is well, 1 when something failed, 77 when Chromium, its driver or wrk is missing."""

import argparse
import pathlib
import re
import subprocess
import sys
import time
import traceback

from webdriver import MODELS, Browser, Server, skip_without, terminate_politely

ROOT = pathlib.Path(__file__).resolve().parent.parent / "html"
LIMIT = 20

SHOWN = """
const text = id => document.getElementById(id).textContent;
const rows = id => Object.fromEntries([...document.querySelectorAll(`#${id} tr`)].map(
  row => [row.cells[0].textContent, Number(row.cells[1].textContent.replaceAll(',', '')) || 0]));
return {
  state: text('state'), what: text('what'),
  tiles: [...document.querySelectorAll('.tile p')].map(p => p.textContent),
  lanes: document.querySelectorAll('.lane').length,
  curves: [...document.querySelectorAll('#quantiles .curve')].map(p => p.getAttribute('d').length),
  bars: document.querySelectorAll('#histogram .bar').length,
  answers: rows('answers'), ended: rows('ended'), phases: rows('phases'), files: rows('files'),
  overflow: document.documentElement.scrollWidth - innerWidth,
};
"""


def awaits(browser, what, check):
    end = time.monotonic() + LIMIT
    while not check(shown := browser.execute(SHOWN)):
        assert time.monotonic() < end, f"{what}: {shown}"
        time.sleep(0.2)
    return shown


def watch(browser, server, model):
    browser.get(server.url + "_httpd")
    before = awaits(browser, "live", lambda shown: shown["state"] == "live" and shown["lanes"] == 2)
    assert model in before["what"] and "2 workers" in before["what"], before["what"]
    wrk = subprocess.Popen(["wrk", "-t1", "-c4", "-d4s", server.url + "favicon.svg"], stdout=subprocess.PIPE, text=True)
    try:
        moving = awaits(browser, "moves", lambda shown: shown["answers"]["2xx"] > 200 and shown["bars"] > 3 and
                        len(shown["curves"]) == 3 and min(shown["curves"]) > 20)
        assert moving["tiles"][0] != before["tiles"][0], (before["tiles"], moving["tiles"])
        told = wrk.communicate(timeout=30)[0]
    finally:
        wrk.kill()
    count = int(re.search(r"(\d+) requests in", told)[1])
    # wrk counts what it has read when its time is up: up to one more on each connection has been answered then; and
    # the page's own polls are counted too.
    polls = 60
    end = awaits(browser, f"as many as wrk's {count}", lambda shown: count <= shown["answers"]["2xx"])
    time.sleep(1.5)
    end = browser.execute(SHOWN)
    assert count <= end["answers"]["2xx"] <= count + 4 + polls, (count, end)
    assert end["overflow"] <= 0, end


def check_quiet(browser):
    errors = browser.console_errors()
    assert not errors, errors


def survives_restart(browser, binary):
    """A server started anew at the same port is a new beginning, not a rate below zero."""
    with Server(binary, ROOT, "epoll", "--status") as server:
        browser.get(server.url + "_httpd")
        awaits(browser, "live", lambda shown: shown["state"] == "live" and shown["lanes"] == 1)
        port = server.port
    awaits(browser, "lost", lambda shown: "trying" in shown["state"])
    with Server(binary, ROOT, "poll", "--status", "-l", f"127.0.0.1:{port}"):
        awaits(browser, "live again", lambda shown: shown["state"] == "live" and "poll" in shown["what"])
        awaits(browser, "no rate below zero", lambda shown: "-" not in "".join(shown["tiles"]))
    browser.console_errors()  # that it was gone is one


def main():
    terminate_politely()
    parser = argparse.ArgumentParser()
    parser.add_argument("httpd")
    parser.add_argument("--model", nargs="+", default=MODELS)
    options = parser.parse_args()
    skip_without("chromium", "chromedriver", "wrk")
    failures = 0
    browser = Browser()
    try:
        for model in options.model:
            try:
                with Server(options.httpd, ROOT, model, "--status", "-w", "2") as server:
                    watch(browser, server, model)
                    check_quiet(browser)
                    browser.get("about:blank")
                print(f"{model}: ok", flush=True)
            except Exception:
                failures += 1
                print(f"{model}: FAILED", flush=True)
                traceback.print_exc()
        survives_restart(browser, options.httpd)
        print("restart: ok")
    finally:
        browser.close()
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
