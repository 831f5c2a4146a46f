#!/usr/bin/env python3
"""Many machines: Debian's HAProxy in front of three nodes, as README.md sets them up, in network namespaces where that
is allowed. Under load over HTTP/1.1 and HTTP/2 a node is drained, one is replaced by a new binary, all are given a new
deploy, one is killed, one loses its cable; the requests that fail are counted. And Chromium opens the site.

    fleet.py HTTPD [--rounds N] [--seconds N]

Exits 0 when all is well, 1 when something failed, 77 when a program is missing."""

import argparse
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from load import IN_FLIGHT_MAX, Load
from machines import ADDRESSES, Balancer, Fleet, await_true, enter_namespace
from webdriver import Browser, skip_without, terminate_politely

SITE = HERE.parents[1] / "html"
LARGE = 5 << 20  # beyond what is hashed whole
PAGE = "page.html"
NO_RETRIES = ("retry-on conn-failure empty-response", "retry-on conn-failure")


def make_deploy(folder, name):
    deploy = folder / name
    shutil.copytree(SITE, deploy)
    (deploy / PAGE).write_text(f"<p>{name}</p>\n" + "x" * 2000)
    (deploy / "large.bin").write_bytes(name.encode() * (LARGE // len(name)))
    return deploy


def check(fleet, cause, event, seconds, changes=(), allowed=0):
    """Load from before `event` until after it; at most `allowed` requests may fail."""
    balancer = Balancer(fleet, *changes)
    load = Load(balancer.url, PAGE, seconds)
    try:
        await_true("load on every node", lambda: all(int(balancer.stats()[name]["hrsp_2xx"]) for name in ADDRESSES))
        event(fleet, balancer)
        answered, failed = load.finish()
        print(f"{cause:<34} {answered:8} answered, {failed:4} failed, {balancer.retried():4} sent again", flush=True)
        assert failed <= allowed, f"{cause}: {failed} requests failed (at most {allowed})"
    finally:
        load.ending.set()
        balancer.stop()


# ---- What happens to machines


def drain(fleet, balancer):
    """SIGTERM: the health check turns, the balancer sees it, and then it ends."""
    node = fleet.nodes["two"]
    node.signal(signal.SIGTERM)
    await_true("it is seen to go", lambda: balancer.status("two").startswith("DOWN"))
    assert node.processes(), "the node was gone before the balancer knew"
    assert node.child.process.wait(30) == 0, f"exit status {node.child.process.returncode}"
    node.start()
    await_true("it is back", lambda: balancer.up("two"))


def upgrade(fleet, balancer):
    node = fleet.nodes["three"]
    node.signal(signal.SIGUSR2)
    assert node.child.process.wait(30) == 0, f"exit status {node.child.process.returncode}"
    assert node.processes(), "there is no new process"
    assert node.answers("/up") and balancer.up("three"), "the new process doesn't serve"


def repoint(fleet, _):
    fleet.deploy = make_deploy(fleet.folder, f"deploy-{time.monotonic_ns()}")
    for node in fleet.nodes.values():
        node.deploy(fleet.deploy)
    new = (fleet.deploy / PAGE).read_bytes()
    for node in fleet.nodes.values():
        await_true("the new page is served", lambda: node.get("/" + PAGE)[2] == new, limit=5)


def kill(fleet, balancer):
    node = fleet.nodes["one"]
    node.child.kill()
    await_true("it is missed", lambda: balancer.status("one").startswith("DOWN"))
    node.start()
    await_true("it is back", lambda: balancer.up("one"))


def pull_cable(fleet, balancer):
    node = fleet.nodes["one"]
    node.pull_cable()
    await_true("it is missed", lambda: balancer.status("one").startswith("DOWN"))
    node.pull_cable(False)
    await_true("it is back", lambda: balancer.up("one"))


# ---- What is served


def check_same(fleet):
    """Every file, from every node: the same bytes under the same tag."""
    paths = [path.relative_to(fleet.deploy) for path in fleet.deploy.rglob("*") if path.is_file()]
    for path in paths:
        answers = [node.get(f"/{path}") for node in fleet.nodes.values()]
        assert all(status == 200 for status, _, _ in answers), f"{path}: {[a[0] for a in answers]}"
        assert len({body for _, _, body in answers}) == 1, f"{path}: the nodes differ"
        assert answers[0][2] == (fleet.deploy / path).read_bytes(), f"{path}: not what is on the disk"
        tags = {(fields["etag"], fields.get("last-modified")) for _, fields, _ in answers}
        assert len(tags) == 1, f"{path}: {tags}"
    print(f"{len(paths)} files: the same bytes, ETag and Last-Modified from each node", flush=True)


def check_browser(fleet):
    balancer = Balancer(fleet)
    try:
        with Browser(arguments=["--ignore-certificate-errors"]) as browser:
            browser.get(balancer.url)
            protocols = browser.execute(
                "return performance.getEntries().filter(e => e.nextHopProtocol !== undefined)"
                ".map(e => [e.name, e.nextHopProtocol, e.responseStatus]);")
            exchanges = browser.settled_exchanges()
            errors = browser.console_errors()
        assert len(protocols) > 3, f"hardly anything was loaded: {protocols}"
        others = [entry for entry in protocols if entry[1] != "h2"]
        assert not others, f"not over HTTP/2: {others}"
        bad = [x for x in exchanges if x.failed or x.sent_status != 200]
        assert not bad, f"requests that went wrong: {bad}"
        assert not errors, f"console errors: {errors}"
        print(f"Chromium: {len(protocols)} resources over HTTP/2", flush=True)
    finally:
        balancer.stop()


def events(fleet, seconds):
    check(fleet, "drained", drain, seconds)
    check(fleet, "upgraded", upgrade, seconds)
    fleet.nodes["three"].start_again()
    check(fleet, "re-pointed", repoint, seconds)
    check_same(fleet)
    check(fleet, "killed, in flight not sent again", kill, seconds, [NO_RETRIES], IN_FLIGHT_MAX)
    check(fleet, "killed", kill, seconds)
    if fleet.networks:
        check(fleet, "cable pulled", pull_cable, seconds)


def test(options, folder):
    fleet = Fleet(options.httpd, folder, make_deploy(folder, "deploy"))
    print(f"nodes {'in network namespaces' if fleet.networks else 'on the loopback'}", flush=True)
    try:
        check_same(fleet)
        for _ in range(options.rounds):
            events(fleet, options.seconds)
        if shutil.which("chromium") and shutil.which("chromedriver"):
            check_browser(fleet)
        else:
            print("not opened by Chromium: it is not installed")
    finally:
        fleet.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("httpd")
    parser.add_argument("--rounds", type=int, default=1, help="of all events (%(default)s)")
    parser.add_argument("--seconds", type=int, default=3, help="of load, again and again until an event is over (%(default)s)")
    options = parser.parse_args()
    terminate_politely()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    skip_without("haproxy", "h2load", "wrk", "openssl")
    enter_namespace()
    with tempfile.TemporaryDirectory(prefix="httpd-fleet-") as folder:
        try:
            test(options, pathlib.Path(folder))
        except AssertionError as error:
            print(f"FAILED: {error}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
