#!/usr/bin/env python3
"""Chromium watches the lab in every model: clients stand where the model has them wait, and are explained with a line of
source that exists; time stops, steps and goes on, by keyboard too; and nobody but this machine sees any of it. Each
experiment is started on the page, with the models given: it comes as it was expected, and is saved, loaded and drawn.

    lab_browser.py HTTPD SOURCE [--model M ...] [--experiments M ...] [--shots FOLDER]

Exits 0 when all is well, 1 when something failed, 77 when Chromium or its driver is missing."""

import argparse
import contextlib
import glob
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import struct
import sys
import tempfile
import time
import traceback
import xml.etree.ElementTree

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
MOVES = """
return [...new Set([...document.querySelectorAll('*')].map(node => getComputedStyle(node).animationName))];
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
    script = get(server, "/_httpd/lab_words.js")[1]
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
        for what in (".zone.read .client", ".loop", ".zone.load h3 button", ".zone.turn h3 button"):
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


def check_busy(browser, server):
    """What came too fast to be seen leaves nobody in the last that was seen of him: a load, of the page's own."""
    ahead = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 1000 + b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    end = time.monotonic() + LIMIT
    while "too fast" not in "".join((shown := browser.execute(SHOWN))["loops"]):
        assert time.monotonic() < end, shown
        for _ in range(10):
            with connect(server, ahead) as s:
                while s.recv(65536):
                    pass
    awaits(browser, "calm again", lambda shown: WAITS[server.model] in "".join(shown["loops"]))


def shoot(browser, folder, name):
    """Light and dark, wide and narrow."""
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    for scheme in "light", "dark":
        for width in 1200, 380:
            browser.cdp("Emulation.setEmulatedMedia",
                        features=[{"name": "prefers-color-scheme", "value": scheme},
                                  {"name": "prefers-reduced-motion", "value": "reduce"}])
            browser.cdp("Emulation.setDeviceMetricsOverride", width=width, height=1000, deviceScaleFactor=1,
                        mobile=False)
            time.sleep(0.2)
            assert browser.execute(SHOWN)["overflow"] <= 0, (name, width)
            assert browser.execute(MOVES) == ["none"], "what moves is still where motion is to be reduced"
            if folder:
                (folder / f"{name}-{scheme}-{width}.png").write_bytes(browser.screenshot())
    browser.cdp("Emulation.clearDeviceMetricsOverride")


def names(browser):
    """Whatever can be focused has a name for who can't see it."""
    nodes = browser.cdp("Accessibility.getFullAXTree")["nodes"]
    roles = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]
    assert all(name for role, name in roles if role in ("button", "combobox", "heading")), roles
    assert any(role == "button" and name.startswith("client ") for role, name in roles), roles


RUN = """
const text = id => document.getElementById(id).textContent, all = query => [...document.querySelectorAll(query)];
return {
  progress: text('progress'), title: text('title'), expected: text('expected'), focused: document.activeElement.id,
  models: all('#models :checked').map(box => box.value), current: all('#choices [aria-current]').map(link => link.hash),
  rows: all('#rows tr').map(row => [...row.cells].map(cell => cell.textContent)),
  figure: document.querySelector('#figure svg')?.ariaLabel, watching: all('#watching option').map(one => one.textContent),
  clients: all('.client').length, last: text('last'), hidden: document.getElementById('result').hidden,
  busy: text('busy'),
};
"""


def press(browser, key, code, text="", shift=False):
    for kind in "keyDown", "keyUp":
        browser.cdp("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, text=text,
                    modifiers=8 if shift else 0)


def tab_to(browser, what, back=False):
    for _ in range(60):
        if browser.execute("return document.activeElement.id") == what:
            return
        press(browser, "Tab", 9, shift=back)
    raise AssertionError(f"{what} can't be reached by keyboard")


def await_run(browser, what, check):
    end = time.monotonic() + 120
    while not check(shown := browser.execute(RUN)):
        assert time.monotonic() < end, f"{what}: {shown}"
        time.sleep(0.1)
    return shown


def run_experiment(browser, name, models):
    """From the choice to the result, by keyboard alone. Once more where it says that other programs may be the cause."""
    tab_to(browser, f"choose-{name}", back=name != "slow")
    press(browser, "Enter", 13, "\r")
    await_run(browser, name, lambda shown: shown["current"] == [f"#{name}"] and shown["models"] == models)
    for left in 2, 1, 0:
        tab_to(browser, "start")
        press(browser, "Enter", 13, "\r")
        await_run(browser, f"{name} begins", lambda shown: "the others are there" in shown["progress"])
        shown = await_run(browser, name, lambda shown: not shown["hidden"] and shown["progress"].startswith("Done"))
        met = "all came as expected" in shown["progress"]
        if met or not left or not shown["busy"]:
            break
        print(f"{name}, once more: {shown['busy']}", *(row[:4] for row in shown["rows"]), sep="\n  ", flush=True)
        tab_to(browser, f"choose-{name}", back=True)
    assert met, shown
    assert [row[0] for row in shown["rows"]] == models and not any("wasn’t" in row[1] for row in shown["rows"]), shown
    assert all(model in shown["figure"] for model in models), shown
    assert all(f"{model}, in the experiment" in shown["watching"] for model in models), shown
    return shown


def check_foreign(server):
    """Who hasn't read the token starts nothing; nor does who asks otherwise than a page of this origin does."""
    told = json.loads(get(server, "/_httpd/experiments.json")[1])
    ask = f"/_httpd/start.json?run=1&experiment=slow&models=epoll-et&token="
    assert len(told["token"]) == 32 and len(told["experiments"]) == 7, told
    assert get(server, ask)[0] == get(server, ask + "0" * 32)[0] == 404
    assert get(server, ask + told["token"], "rebound.example")[0] == 404
    for page in "experiments.json", "experiment.json", "trial.json":
        assert get(server, f"/_httpd/{page}", "rebound.example")[0] == 404
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=LIMIT)
    connection.request("POST", ask + told["token"], headers={"Origin": "http://evil.example"})
    assert connection.getresponse().status >= 400
    connection.close()
    time.sleep(0.2)
    assert json.loads(get(server, "/_httpd/experiment.json")[1])["run"] == 0
    # Nonsense from who may ask begins nothing, and what is asked for twice is begun once.
    for query in "run=1&experiment=none&models=poll", "run=9&experiment=slow&models=poll", "run=1", "experiment=stop":
        assert get(server, f"/_httpd/start.json?token={told['token']}&{query}")[0] == 200
    time.sleep(0.2)
    assert json.loads(get(server, "/_httpd/experiment.json")[1])["run"] == 0


def check_share(browser, folder, models):
    """What was saved is what is loaded; the figure is a picture."""
    before = browser.execute(RUN)
    for button in "save-run", "save-svg", "save-png":
        browser.execute(CLICK, f"#{button}")
    names = [folder / f"httpd-lab-stopped.{kind}" for kind in ("json", "svg", "png")]
    end = time.monotonic() + LIMIT
    while not all(name.exists() for name in names):
        assert time.monotonic() < end, list(folder.iterdir())
        time.sleep(0.05)
    run, svg, png = (name.read_bytes() for name in names)
    run = json.loads(run)
    assert all(trial["ticks"] and trial["end"] and len(trial["events"]) > 20 for trial in run["trials"]), run
    figure = xml.etree.ElementTree.fromstring(svg)
    assert figure.attrib["viewBox"] == "0 0 1280 720" and "style" not in svg.decode()
    assert png[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", png[16:24]) == (2560, 1440)
    load = """
const transfer = new DataTransfer();
transfer.items.add(new File([args[0]], 'run.json'));
const input = document.getElementById('load');
input.files = transfer.files;
input.dispatchEvent(new Event('change'));
"""
    browser.execute("location.hash = 'idle';")
    await_run(browser, "another one", lambda shown: shown["hidden"])
    for broken in {}, {**run, "trials": [{"model": models[0], "events": []}]}:
        browser.execute("document.getElementById('progress').textContent = '';" + load, json.dumps(broken))
        shown = await_run(browser, "no run", lambda shown: "can’t be loaded" in shown["progress"])
        assert shown["hidden"] and "undefined" not in shown["progress"], shown
    browser.execute(load, json.dumps(run))
    after = await_run(browser, "loaded", lambda shown: shown["progress"].startswith("Loaded"))
    assert browser.execute("return document.getElementById('load').value") == "", "it couldn't be chosen again"
    assert (after["rows"], after["figure"]) == (before["rows"], before["figure"]), (before, after)
    assert browser.execute("return document.getElementById('watching').selectedOptions[0].textContent").startswith(models[-1])
    await_run(browser, "its events play", lambda shown: shown["clients"] > 5 and shown["last"])


def check_tree(browser, models):
    """What who can't see it is told: where one is, what there is to press, what it is that changes."""
    nodes = browser.cdp("Accessibility.getFullAXTree")["nodes"]
    tree = {(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]}
    roles = {role for role, _ in tree}
    assert {"main", "navigation", "article", "status", "table", "rowheader", "columnheader", "group"} <= roles, roles
    for role, name in (("region", "Experiments"), ("region", "The model at work"), ("link", "A slow client"),
                       ("checkbox", "blocking"), ("button", "Save the run"), ("combobox", "Watching")):
        assert (role, name) in tree, (role, name, sorted(tree))
    assert any(role == "term" and name.startswith(models[0]) and name.endswith(("answered", "late", "held up"))
               for role, name in tree), sorted(tree)
    assert any(role in ("image", "img") and "latency over time" in name for role, name in tree), sorted(tree)


def experiment(browser, options, root):
    models = [name for name in browser_models(options) if name in options.experiments]
    with tempfile.TemporaryDirectory() as folder, Server(options.httpd, root, "epoll", "--lab") as server:
        check_foreign(server)
        browser.cdp("Browser.setDownloadBehavior", behavior="allow", downloadPath=folder)
        browser.get(server.url + f"_httpd/lab#slow:{','.join(models)}")
        await_run(browser, "linked", lambda shown: shown["title"] == "A slow client" and shown["models"] == models)
        for name in "slow", "idle", "bulk", "cold", "folder", "flood", "stopped":
            run_experiment(browser, name, models)
            if options.shots:
                shoot(browser, options.shots, f"experiment-{name}")
            print(f"{name}: ok", flush=True)
        check_tree(browser, models)
        check_share(browser, pathlib.Path(folder), models)
        browser.execute("location.hash = 'slow';")
        browser.execute(CLICK, "#start")
        await_run(browser, "begins", lambda shown: "honest client is alone" in shown["progress"])
        browser.execute(CLICK, "#stop")
        await_run(browser, "stops", lambda shown: shown["progress"] == "Stopped.")
        errors = browser.console_errors()
        assert not errors, errors
        browser.execute(CLICK, "#start")  # and the server ends in the midst of it
        await_run(browser, "begins", lambda shown: "honest client is alone" in shown["progress"])
        browser.get("about:blank")
    browser.console_errors()
    await_swept(options)


def await_swept(options):
    """Who sweeps up may outlive the server for a moment."""
    end = time.monotonic() + LIMIT
    while left := set(glob.glob("/var/tmp/httpd-lab-*")) - options.before:
        assert time.monotonic() < end, left
        time.sleep(0.05)


def replaced(browser, options, root):
    """Another server takes the place of one that ends in the midst of a run: the page goes on with it."""
    with contextlib.ExitStack() as stack:
        first = Server(options.httpd, root, "epoll", "--lab")
        stack.callback(first.kill)
        browser.get(first.url + "_httpd/lab#slow:blocking")
        await_run(browser, "linked", lambda shown: shown["title"] == "A slow client")
        browser.execute(CLICK, "#start")
        await_run(browser, "begins", lambda shown: "honest client is alone" in shown["progress"])
        assert browser.execute("return document.getElementById('load').disabled"), "what is loaded would be overwritten"
        os.kill(first.pid, signal.SIGKILL)  # and nobody else: the lab's process sweeps up
        first.process.wait(LIMIT)
        awaits(browser, "gone", lambda shown: "is gone" in shown["state"])
        second = Server(options.httpd, root, "poll", "--lab", port=first.port)
        stack.callback(second.kill)
        await_run(browser, "told", lambda shown: "the server has ended" in shown["progress"])
        await_run(browser, "met", lambda shown: shown["watching"][0].startswith("poll"))
        browser.execute(CLICK, "#own")
        browser.execute(CLICK, "#start")
        shown = await_run(browser, "done", lambda shown: shown["progress"].startswith("Done"))
        assert [row[0] for row in shown["rows"]] == ["poll"], shown
        browser.get("about:blank")
    browser.console_errors()
    await_swept(options)


def browser_models(options):
    with Server(options.httpd, ".", "epoll", "--lab") as server:
        return json.loads(get(server, "/_httpd/experiments.json")[1])["models"]


@contextlib.contextmanager
def judged(name, browser, failed):
    """What goes wrong within is told and counted, and the page is left, so that the rest can be tried."""
    try:
        yield
    except Exception:
        failed.append(name)
        print(f"{name}: FAILED", flush=True)
        traceback.print_exc()
        browser.get("about:blank")
        browser.console_errors()


def main():
    terminate_politely()
    parser = argparse.ArgumentParser()
    parser.add_argument("httpd")
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("--model", nargs="+", default=MODELS)
    parser.add_argument("--experiments", nargs="+", default=["blocking", "epoll-et"])
    parser.add_argument("--shots", type=pathlib.Path)
    options = parser.parse_args()
    options.before = set(glob.glob("/var/tmp/httpd-lab-*"))
    skip_without("chromium", "chromedriver")
    failed = []
    with tempfile.TemporaryDirectory() as folder, Browser() as browser:
        root = pathlib.Path(folder)
        (root / "index.html").write_text("<!doctype html><title>here</title>")
        (root / "big").write_bytes(os.urandom(20 << 20))
        check_closed(options.httpd, root)
        for check in experiment, replaced:
            with judged(check.__name__, browser, failed):
                check(browser, options, root)
        for model in options.model:
            with judged(model, browser, failed):
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
                    if model == "epoll-et":
                        check_busy(browser, server)
                    errors = browser.console_errors()
                    assert not errors, errors
                    browser.get("about:blank")
                print(f"{model}: ok", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
