#!/usr/bin/env python3
"""Chromium watches the lab in every model: clients stand where the model has them wait, and are explained with a line of
source that exists; time stops, steps and goes on, by keyboard too; and nobody but this machine sees any of it.

    lab_browser.py HTTPD SOURCE [--model M ...] [--shots FOLDER]

Exits 0 when all is well, 1 when something failed, 77 when Chromium or its driver is missing."""

import argparse
import contextlib
import http.client
import os
import pathlib
import re
import socket
import sys
import tempfile
import time
import traceback

from webdriver import MODELS, Browser, Server, skip_without, terminate_politely

LIMIT = 20
SHOWN = """
const text = id => document.getElementById(id).textContent;
const zone = name => [...document.querySelectorAll(`.zone.${name} .client`)].map(button => button.ariaLabel);
return {
  state: text('state'), model: text('model'), why: text('why'), time: text('time'),
  read: zone('read'), write: zone('write'), served: zone('served'), load: zone('load'), turn: zone('turn'),
  loops: [...document.querySelectorAll('.loop')].map(loop => loop.textContent),
  last: [...document.querySelectorAll('#last li')].map(line => line.textContent),
  overflow: document.documentElement.scrollWidth - innerWidth,
};
"""
CLICK = "document.querySelector(args[0]).click();"
KEY = "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: args[0], bubbles: true}));"
WAITS = {"blocking": "poll", "fork": "poll", "thread": "poll", "nonblocking": "ppoll", "select": "select",
         "poll": "poll", "epoll-lt": "epoll_wait", "epoll-et": "epoll_wait", "coroutine": "epoll_wait",
         "uring": "io_uring_enter"}


def awaits(browser, what, check):
    end = time.monotonic() + LIMIT
    while not check(shown := browser.execute(SHOWN)):
        assert time.monotonic() < end, f"{what}: {shown}"
        time.sleep(0.1)
    return shown


def source_line(source, why):
    """What is explained names a line of source, which is there."""
    found = re.search(r"Source: (src/[a-z_/]+\.c):(\d+)$", why)
    assert found, why
    lines = (source / found[1]).read_text().splitlines()
    assert 0 < int(found[2]) <= len(lines) and len(lines[int(found[2]) - 1].strip()) > 5, why


def check_sources(source, server):
    """Those of the table that is embedded, all of them: file, line, and the words by which it was found."""
    script = get(server, "/_httpd/lab.js")[1]
    table = dict(re.findall(r'^  "([a-z-]+)": "(src/[a-z_/]+\.c:\d+)",$', script, re.M))
    rows = (source / "src/observe/page/lab.sources").read_text().splitlines()
    assert len(rows) == len(table) > 20, table
    for row in rows:
        key, path, words = row.split(None, 2)
        where, line = table[key].split(":")
        assert where == f"src/{path}", (row, table[key])
        assert words in (source / where).read_text().splitlines()[int(line) - 1], (row, table[key])
    assert not set(re.findall(r"^  '[a-z_4]+': \['([a-z-]+)', ", script, re.M)) - set(table)


def get(server, path, host="localhost"):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=LIMIT)
    try:
        connection.request("GET", path, headers={"Host": host, "Connection": "close"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def check_closed(binary, root):
    """There is no lab that wasn't asked for, and none for others, whatever --status-allow says."""
    paths = ("/_httpd/lab", "/_httpd/lab.js", "/_httpd/lab.css", "/_httpd/events.json")
    with Server(binary, root, "epoll", "--status", "--status-allow", "127.0.0.1") as server:
        assert get(server, "/_httpd")[0] == 200
        for path in paths:
            assert get(server, path)[0] == 404, path
    with Server(binary, root, "epoll", "--lab", "--status-allow", "127.0.0.1") as server:
        for path in paths:
            assert get(server, path)[0] == 200, path
            assert get(server, path, "rebound.example")[0] == 404, path
        assert get(server, "/_httpd", "rebound.example")[0] == 200


def connect(server, data, buffer=None):
    s = socket.socket()
    if buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    s.settimeout(LIMIT)
    s.connect(("127.0.0.1", server.port))
    s.sendall(data)
    return s


def watch_blocking(browser, server):
    """One slow client stops it all, the page included; when that one goes, the page is answered."""
    slow = connect(server, b"GET / HT")
    awaits(browser, "stuck", lambda shown: "no answer for" in shown["state"])
    yield "slow"
    slow.close()
    awaits(browser, "goes on", lambda shown: shown["state"].startswith("live"))


def watch(browser, server, source):
    """An idle client waits to be read from; one that stops reading, for room."""
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(connect(server, b""))
        reader = stack.enter_context(connect(server, b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n", 4096))
        awaits(browser, "idle ones", lambda shown: len(shown["read"]) >= 5)
        if server.model != "nonblocking":
            awaits(browser, "the loop waits", lambda shown: WAITS[server.model] in "".join(shown["loops"]))
        awaits(browser, "one that stopped reading", lambda shown: len(shown["write"]) == 1)
        browser.execute(CLICK, ".zone.write .client")
        shown = awaits(browser, "is explained", lambda shown: "descriptor" in shown["why"])
        if server.model != "nonblocking":  # whose sweeps may be more than a page can follow
            assert "kB" in shown["why"] or "MB" in shown["why"], shown
        source_line(source, shown["why"])
        for what in (".zone.read .client", ".loop", ".zone.load h2 button", ".zone.turn h2 button"):
            browser.execute(CLICK, what)
            source_line(source, awaits(browser, "explained", lambda shown: "Source" in shown["why"])["why"])
        browser.execute(CLICK, ".zone.write .client")
        yield "clients"
        reader.close()
        awaits(browser, "that one is gone", lambda shown: not shown["write"])
    awaits(browser, "gone", lambda shown: len(shown["read"]) <= 4)


def check_time(browser):
    browser.execute(KEY, "p")
    before = awaits(browser, "stands still", lambda shown: "paused" in shown["time"])
    end = time.monotonic() + LIMIT
    while (after := browser.execute(SHOWN))["last"] == before["last"]:
        browser.execute(KEY, "s")
        assert time.monotonic() < end, after
    assert "paused" in after["time"] and after["time"] != before["time"], after
    browser.execute("const s = document.getElementById('speed'); s.value = '0.01'; s.onchange();" + CLICK, "#pause")
    awaits(browser, "slowed", lambda shown: "slowed" in shown["time"])
    browser.execute(CLICK, "#live")
    awaits(browser, "back", lambda shown: "slowed" not in shown["time"] and "paused" not in shown["time"])


def shoot(browser, folder, name):
    """Light and dark, wide and narrow."""
    for scheme in "light", "dark":
        for width in 1200, 380:
            browser.cdp("Emulation.setEmulatedMedia",
                        features=[{"name": "prefers-color-scheme", "value": scheme},
                                  {"name": "prefers-reduced-motion", "value": "reduce"}])
            browser.cdp("Emulation.setDeviceMetricsOverride", width=width, height=1000, deviceScaleFactor=1,
                        mobile=False)
            time.sleep(0.2)
            assert browser.execute(SHOWN)["overflow"] <= 0, (name, width)
            if folder:
                (folder / f"{name}-{scheme}-{width}.png").write_bytes(browser.screenshot())
    browser.cdp("Emulation.clearDeviceMetricsOverride")


def names(browser):
    """Whatever can be focused has a name for who can't see it."""
    nodes = browser.cdp("Accessibility.getFullAXTree")["nodes"]
    roles = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]
    assert all(name for role, name in roles if role in ("button", "combobox", "heading")), roles
    assert any(role == "button" and name.startswith("client ") for role, name in roles), roles


def main():
    terminate_politely()
    parser = argparse.ArgumentParser()
    parser.add_argument("httpd")
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("--model", nargs="+", default=MODELS)
    parser.add_argument("--shots", type=pathlib.Path)
    options = parser.parse_args()
    skip_without("chromium", "chromedriver")
    failures = 0
    with tempfile.TemporaryDirectory() as folder, Browser() as browser:
        root = pathlib.Path(folder)
        (root / "index.html").write_text("<!doctype html><title>here</title>")
        (root / "big").write_bytes(os.urandom(20 << 20))
        check_closed(options.httpd, root)
        for model in options.model:
            try:
                with Server(options.httpd, root, model, "--lab") as server:
                    check_sources(options.source, server)
                    browser.get(server.url + "_httpd/lab")
                    awaits(browser, "live", lambda shown: shown["state"] == "live" and model in shown["model"])
                    steps = watch_blocking(browser, server) if model == "blocking" else \
                        watch(browser, server, options.source)
                    for name in steps:
                        shoot(browser, options.shots, f"{model}-{name}")
                        if model != "blocking":
                            names(browser)
                    check_time(browser)
                    errors = browser.console_errors()
                    assert not errors, errors
                    browser.get("about:blank")
                print(f"{model}: ok", flush=True)
            except Exception:
                failures += 1
                print(f"{model}: FAILED", flush=True)
                traceback.print_exc()
                browser.get("about:blank")
                browser.console_errors()
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
