"""What runs out, or fails, while the server serves, and comes back: memory, threads, processes, the log's disk, ops of a
ring; reads that are done in part; and what the processes that it starts are left with."""

import collections
import os
import re
import resource
import signal
import time

import unlucky
from faults import BUSY, EACH_ITS_OWN, LASTS, LOOPS, asked, asked_while_it_lasts, said
from honest import Ask, Link, wrong
from luck import LIMIT, await_true, connections
from service import Service, adopt_orphans, exit_status
from target import LOG, SMALL, small_content
from unlucky import HOT, Unlucky, honest_round
from webdriver import cpu_seconds, process_tree, session_members


def once(server):
    """Nothing is said twice but what is said of each signal."""
    lines = collections.Counter(line for line in server.tail if "SIGUSR2" not in line and "reloaded" not in line)
    assert not lines or max(lines.values()) == 1, f"said more than once: {server.output()}"


def tolerated(server, ask, limit=LIMIT):
    """One request, of which not more is wanted than that what comes is true. What came: a status, or "cut"."""
    link, end = Link(server.port), time.monotonic() + limit
    try:
        link.send(ask, end)
        status, _, body = link.answer(ask, end)
    except TimeoutError:
        raise AssertionError(f"{ask.path}: neither an answer nor an end") from None
    except OSError:
        return "cut"
    finally:
        link.close()
    assert status in (500, 503) or not wrong(ask, status, body), f"{ask.path}: {wrong(ask, status, body)}"
    return status


def while_it_lasts(server, names, signals=()):
    """Somebody asks for cold files and hot ones; what came of it, and the part of a processor that it took."""
    seen, before, end = collections.Counter(), cpu_seconds(server.pid), time.monotonic() + LASTS
    for number in signals:
        os.kill(server.pid, number)
    while time.monotonic() < end:
        number = next(names)
        seen[tolerated(server, Ask(f"/small/{number}.txt", small_content(number)))] += 1
        seen[tolerated(server, HOT)] += 1
        time.sleep(0.02)
    used = (cpu_seconds(server.pid) - before) / LASTS
    assert used < BUSY, f"{100 * used:.0f} % of a processor"
    return ", ".join(f"{count} x {what}" for what, count in seen.items()) + f", {100 * used:.0f} % of a processor"


def afterwards(server, names):
    number = next(names)
    await_true(lambda: tolerated(server, Ask(f"/small/{number}.txt", small_content(number))) == 200,
               lambda: f"it serves no more: {server.output()}")
    for number in range(10):
        asked(server)
    once(server)


def no_heap(httpd, model, site):
    """No memory is to be had: nor are a reload and an upgrade meanwhile, and both are afterwards."""
    with Unlucky(httpd, model, site, "heap") as server:
        names = iter(range(SMALL))
        asked(server)
        server.mark.touch()
        told = while_it_lasts(server, names, (signal.SIGHUP, signal.SIGUSR2))
        await_true(lambda: said(server, "not reloaded") == 1 and said(server, "SIGUSR2: can't") == 1,
                   lambda: f"a reload and an upgrade that failed, unsaid: {server.output()}")
        server.mark.unlink()
        afterwards(server, names)
        os.kill(server.pid, signal.SIGHUP)
        await_true(lambda: said(server, "httpd: reloaded") == 1, server.output)
    return told


def no_threads(httpd, model, site):
    """No thread can be made."""
    with Unlucky(httpd, model, site, "tired") as server:
        names = iter(range(SMALL))
        server.mark.touch()
        told = while_it_lasts(server, names, (signal.SIGUSR2,))
        assert said(server, "SIGUSR2: can't start a thread") == 1, server.output()
        if model == "thread":
            assert said(server, "can't start a thread: ") == 2, server.output()
        server.mark.unlink()
        afterwards(server, names)
    return told


def no_processes(httpd, model, site):
    """No program can be started for an upgrade: this process goes on. What the successor of the next one has open is what a new server has."""
    adopt_orphans()
    with Service(httpd) as service, Service(httpd) as fresh:
        mark, large = service.folder / "mark", service.folder / "site" / "large.bin"
        large.write_bytes(bytes(1 << 20))
        mark.touch()
        faulty = dict(os.environ, LD_PRELOAD=unlucky.library, UNLUCKY="spawn", UNLUCKY_MARK=str(mark))
        service.start("-p", "0", "-m", model, env=faulty)
        link, ask = Link(service.port), Ask("/large.bin", bytes(1 << 20))
        link.exchange(ask, LIMIT)
        service.signal(signal.SIGUSR2)
        service.await_line(r"^httpd: SIGUSR2: can't start .*this process goes on\n")
        assert link.exchange(ask, LIMIT)[0] == 200
        mark.unlink()
        before = service.upgrade()
        fresh.start("-p", "0", "-m", model, env=faulty)
        left = kinds(service.pid) - kinds(fresh.pid)
        assert not left, f"a successor has {left}"
        link.close()
        assert exit_status(before) == 0  # it takes its children's with it, the successor being one
        assert Link(service.port).exchange(ask, LIMIT)[0] == 200
        assert service.stop() == 0 and fresh.stop() == 0
    return "it went on; later its successor had no descriptor but what a new server has"


def kinds(pid):
    return collections.Counter(re.sub(r"\d+|/tmp/[^/]*", "*", os.readlink(f"/proc/{pid}/fd/{fd}"))
                               for fd in os.listdir(f"/proc/{pid}/fd"))


def children(httpd, model, site):
    """Each child has its own client's socket, and none of another's."""
    with Unlucky(httpd, model, site, "") as server:
        links, seen, before = [], [], set(session_members(server.pid))
        for _ in range(4):
            links.append(Link(server.port))
            links[-1].exchange(HOT, LIMIT)
            child = (set(session_members(server.pid)) - before).pop()
            before.add(child)
            seen.append(kinds(child))
        assert all(each == seen[0] for each in seen), f"{seen}"
        for link in links:
            link.close()
    return f"{len(seen)} children, each with as many descriptors"


def full_log(httpd, model, site):
    """The log can't be written, from the start on, for one reason after the other: said once, and once that it is over. Its lines come then."""
    log = site.folder / "full.log"
    log.unlink(missing_ok=True)
    with Unlucky(httpd, model, site, "log", 0, "--access-log", str(log), marked=True) as server:
        count, used = asked_while_it_lasts(server)
        assert said(server, "access log") == 1 and log.stat().st_size == 0, server.output()
        server.mark.unlink()
        await_true(lambda: log.read_bytes().count(b"\n") == count, "not all lines came when there was room")
        await_true(lambda: said(server, "is written again; 0 lines were lost") == 1, server.output)
        assert said(server, "access log") == 2, server.output()
    return f"{count} answers, {100 * used:.0f} % of a processor, said once; {count} lines came afterwards"


def no_start(httpd, model, site):
    """A start gets no thread, or no process: it says in one line that it isn't to be had."""
    told = []
    for kind, options in (("threads", ("-w", "2")), ("threads", ("--access-log", str(site.folder / "none.log"))),
                          ("fork", ())):
        told.append(refusal(httpd, model, site, kind, options))
    return "; ".join(told)


def refusal(httpd, model, site, kind, options):
    try:
        with Unlucky(httpd, model, site, kind, 0, *options, marked=True):
            raise AssertionError(f"{kind}: it serves")
    except AssertionError as error:
        lines = re.findall(r"httpd: (.*)", str(error))
        assert "not ready" in str(error) and len(lines) == 1, f"{kind}: {error}"
        return lines[0]


BEGUN = 64 << 10  # bytes: more than a head


def short(httpd, model, site):
    """Files small and large, and what is made of them, are read and sent in parts; of one that grows meanwhile it is
    found out by reading that it still begins as it did."""
    log = site.root / LOG
    with Unlucky(httpd, model, site, "short", 0, "--list") as server:
        link, ask, end = Link(server.port), Ask("/" + LOG), time.monotonic() + LIMIT
        link.send(ask, end)
        while len(link.rest) < BEGUN:
            link.rest += link.receive(end)
        before = log.read_bytes()
        site.append_line()
        _, _, body = link.answer(ask, end)
        link.close()
        assert body == before, f"of {len(before)} bytes of a file that has grown, {len(body)} came"
        return honest_round(server)


def results(httpd, model, site):
    """Every third op of the ring fails, so that it is tried again or ends a connection: no answer is wrong, nothing is left behind."""
    with Unlucky(httpd, model, site, "results") as server:
        names = iter(range(SMALL))
        told = while_it_lasts(server, names)
        assert "x 200" in told and "x cut" in told, told
        await_true(lambda: connections(server) == 0, lambda: f"{connections(server)} connections are left")
        once(server)
    return told


def none_for_workers(httpd, model, site):
    """Descriptors run out for several workers: that is said once, and served again when there are some."""
    with Unlucky(httpd, model, site, "", 0, "-w", "4") as server:
        before = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
        most = max(int(name) for name in os.listdir(f"/proc/{server.pid}/fd"))
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (most + 1, before[1]))
        links, end = [Link(server.port) for _ in range(8)], time.monotonic() + LASTS
        for link in links:
            link.open(end)
        time.sleep(LASTS)
        for link in links:
            link.close()
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, before)
        asked(server)
        assert said(server, "can't accept connections: Too many open files") == 1, server.output()
    return "said once"


def no_narrower(httpd, model, site):
    """The kernel has no memory for a narrower filter, when a loader or a process begins: the server's own holds."""
    with Unlucky(httpd, model, site, "narrow") as server:
        server.mark.touch()
        for number in range(10):
            assert tolerated(server, Ask(f"/small/{number}.txt", small_content(number))) == 200, server.output()
            assert tolerated(server, Ask(f"/nothing-{number}", status=404)) == 404, server.output()
    return "20 answers"


SCENARIOS = {
    "fault-workers": (none_for_workers, ("blocking",)),
    "fault-narrow": (no_narrower, ()),
    "fault-spawn": (no_processes, ()),
    "fault-children": (children, ("blocking", "thread", *LOOPS)),
    "fault-start": (no_start, ()),
    "fault-short": (short, ()),
}
LONG = {  # of which ctest has a few models
    "fault-heap": (no_heap, ()),
    "fault-tired": (no_threads, ()),
    "fault-log": (full_log, ()),
    "fault-results": (results, (*EACH_ITS_OWN, *LOOPS[:-1])),
}
