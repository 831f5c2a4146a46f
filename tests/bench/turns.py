"""The servers take turns at a work, and what a turn is: wrk alone, or a hot file by itself and then in company."""

import contextlib
import os
import signal
import socket
import statistics
import subprocess
import time

import columns
import files
import measure
import works

CONNECT_SECONDS = 10
YOUNG_SECONDS = 6  # a server may treat a large file with more care while it has just changed
LARGE = 64 * works.KIB
PATIENCE = 5


# ---- Turns


def able(bench, everyone, work):
    """The servers that can take so many connections, and why the others can't."""
    chosen, left_out = [], {}
    connections = work.all_connections()
    for server in everyone:
        most, _, why = server.limit()
        if server.kind == "floor" and not work.floor:
            continue
        if work.cpus > len(bench.cpus):
            left_out[server.name] = f"this machine gives {len(bench.cpus)} CPU"
        elif most and connections > most:
            left_out[server.name] = why
        elif connections + 100 > bench.descriptors:
            left_out[server.name] = f"only {bench.descriptors} descriptors are allowed here"
        else:
            chosen.append(server)
    return chosen, left_out


def take(bench, everyone, group, progress):
    """Works over one set of files. Yields what was measured of each."""
    group = list(group)
    results = [describe(bench, everyone, work) for work in group]
    try:
        if progress.over():
            raise OSError("the time was over before it was its turn: say more --minutes")
        progress.say(group[0].name, "files")
        with files.placed(bench.root, group[0].files, bench.sizes):
            made_at = time.monotonic()
            if group[0].files:
                progress.placed()
            for work, (result, chosen) in zip(group, results):
                all_turns(bench, chosen, result, work, made_at, progress)
                progress.work_done(work)
                yield result
    except OSError as error:  # nobody can do these works here
        for work, (result, chosen) in zip(group, results):
            if not result["cells"]:
                result["left_out"] |= {server.name: str(error) for server in chosen}
                progress.work_done(work)
                yield result


def describe(bench, everyone, work):
    chosen, left_out = able(bench, everyone, work)
    result = {key: getattr(work, key) for key in ("name", "title", "about", "why", "shown", "connections", "size",
                                                  "cold", "cpus", "point")}
    return result | {"cells": {}, "left_out": left_out}, chosen


def all_turns(bench, chosen, result, work, made_at, progress):
    left_out, turns = result["left_out"], {server.name: [] for server in chosen}
    rounds, seconds = progress.plan()
    try:
        for server in list(chosen):
            progress.say(work.name, f"{server.name} begins")
            attempt(chosen, left_out, server, prepare, bench, server, work, seconds)
        if work.largest() > LARGE:
            time.sleep(max(max(made_at, bench.made_at) + YOUNG_SECONDS - time.monotonic(), 0))
        for number in range(rounds):
            for server in list(chosen if number % 2 == 0 else reversed(chosen)):
                progress.say(work.name, f"{server.name}, round {number + 1} of {rounds}")
                figures = attempt(chosen, left_out, server, turn, bench, server, work, seconds)
                if figures:
                    turns[server.name].append(figures)
                progress.turn_done(work)
    finally:
        for server in chosen:
            server.stop()
    result["rounds"], result["seconds"] = rounds, round(seconds * work.longer, 2)
    result["cells"] = {server.name: summary(turns[server.name]) for server in chosen}


def attempt(chosen, left_out, server, action, *arguments):
    """A server that can't do a work is left out of it, and it is said why."""
    try:
        return action(*arguments)
    except (OSError, subprocess.SubprocessError) as error:
        left_out[server.name] = str(error)
        chosen.remove(server)
        server.stop()
        return None


def prepare(bench, server, work, seconds):
    server.start(work)
    measure.check(server, work)
    if work.files == "listing":
        measure.check_listing(server, work.company)
    elif work.company:
        measure.check(server, work.company)
    if work.warm:
        measure.run_wrk(bench, server, work, min(2 * seconds, 1))
    measure.settled_cpu_seconds(server.process.pid)
    pause(server, work)


def pause(server, work):
    if work.fresh:
        server.stop()
    else:
        server.hold()


def turn(bench, server, work, seconds):
    if work.cold:
        files.evict(f"{bench.root}/{work.files}")
    if work.fresh:
        server.start(work)
    else:
        server.go_on()
    figures = TURNS[work.turn](bench, server, work, seconds)
    pause(server, work)
    return figures


def summary(turns):
    """Of each figure the median, and of those that are compared the least and the most; the sums of the errors."""
    cell = {"errors": {}}
    for key, column in columns.COLUMNS.items():
        values = [figures[key] for figures in turns if figures.get(key) is not None]
        if values:
            cell[key] = rounded(statistics.median(values))
            if column.caption:
                cell[key + "_range"] = [rounded(min(values)), rounded(max(values))]
    for figures in turns:
        for kind, count in figures["errors"].items():
            cell["errors"][kind] = cell["errors"].get(kind, 0) + count
    return cell


def rounded(value):
    value = float(f"{value:.4g}")
    return int(value) if value.is_integer() else value


def run_pass(everyone, action, name, progress):
    """Something that each server does once, by itself."""
    cells, left_out, chosen = {}, {}, list(everyone)
    for server in everyone:
        progress.say(name, server.name)
        try:
            attempt(chosen, left_out, server, server.start, works.SMALL)
            if server in chosen:
                figures = attempt(chosen, left_out, server, action, server)
                if figures:
                    cells[server.name] = figures
        finally:
            server.stop()
    progress.pass_done()
    return {"cells": cells, "left_out": left_out}


# ---- What a turn is


def wrk_alone(bench, server, work, seconds):
    for length in (seconds, PATIENCE * seconds):  # who answers nobody in the time may be slow, or not have been let run
        account, before = measure.Account(server), files.disk_bytes()
        figures = measure.run_wrk(bench, server, work, length * work.longer)
        if figures["requests"]:
            break
    if work.cold:
        figures["from_disk"] = (files.disk_bytes() - before) / figures["lasted"]
        again = int(figures["requests"] * work.cold) - bench.sizes[work.files]
        if again > 0:
            figures["errors"]["cold files asked for twice"] = again
    return account.add_to(figures)


def each_once(bench, server, work, _):
    """Each file of the set once, over one connection, from here."""
    account, waits = measure.Account(server, time.process_time), []
    with socket.create_connection(("127.0.0.1", server.port), CONNECT_SECONDS) as connection:
        connection.settimeout(CONNECT_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for n in range(bench.sizes[work.files]):
            work_of_file = works.Work("", "", "", path=f"/{work.files}/{n}.bin", size=1, status=206,
                                      headers=work.headers)
            began = time.perf_counter()
            connection.sendall(works.request_of(work_of_file))
            answer = measure.read_answer(connection, 1)
            waits.append(1e6 * (time.perf_counter() - began))
            measure.expect(work_of_file, answer)
    waits.sort()
    seconds = sum(waits) / 1e6
    return account.add_to({"requests": len(waits), "lasted": seconds, "rps": len(waits) / seconds, "errors": {},
                           "p50_us": statistics.median(waits), "p99_us": waits[len(waits) * 99 // 100]})


def beside(bench, server, work, seconds):
    """The hot file alone, then in company: of other requests, or of a crowd."""
    alone = measure.run_wrk(bench, server, work, seconds)
    if not alone["requests"]:
        alone = measure.run_wrk(bench, server, work, PATIENCE * seconds)
    seconds = max(seconds, work.least)
    account = measure.Account(server)
    if work.crowd:
        figures = amid_crowd(bench, server, work, seconds)
    else:
        figures = beside_work(bench, server, work, seconds)
    if not figures["requests"]:  # they have waited all the time, at least; that is no reason to be left out
        figures["p99_us"] = 1e6 * seconds
        figures["errors"]["turns without any answer"] = 1
    return compared(account.add_to(figures, each=False), alone)


def compared(figures, alone):
    if not alone["requests"]:
        raise OSError("no request was answered, even alone")
    added = {"alone_rps": alone["rps"], "alone_p99_us": alone["p99_us"], "rate_share": None, "p99_times": None}
    added["rate_share"] = figures["rps"] / alone["rps"]
    if alone["p99_us"] and figures["p99_us"]:
        added["p99_times"] = figures["p99_us"] / alone["p99_us"]
    return figures | added


def beside_work(bench, server, work, seconds):
    before = files.disk_bytes()
    with files.kept_cold(f"{bench.root}/cold") if work.files == "cold" else contextlib.nullcontext():
        figures, other = measure.run_wrk(bench, server, work, seconds, work.company)
    if work.files == "cold":
        figures["from_disk"] = (files.disk_bytes() - before) / figures["lasted"]
    for kind, count in other["errors"].items():
        figures["errors"][f"{kind} ({work.company.name})"] = count
    return figures | {"beside_rps": other["rps"], "beside_bytes": other["bytes_each_second"]}


def amid_crowd(bench, server, work, seconds):
    """Both begin at once. What the server holds is looked at while all of them are there."""
    before = measure.pss_bytes(server.process.pid)
    crowd = measure.client(bench, [bench.tool("crowd"), str(server.port),
                                   *(f"{kind}:{count}" for kind, count in works.STORM.items())])
    try:
        figures = measure.run_wrk(bench, server, work, seconds)
        figures["memory_more"] = measure.pss_bytes(server.process.pid) - before
        os.kill(crowd.pid, signal.SIGTERM)
        said = crowd.communicate(timeout=CONNECT_SECONDS)[0]
    finally:
        crowd.kill()
        crowd.communicate()
    if crowd.returncode:
        raise OSError(f"crowd: {said.strip()[-200:]}")
    for kind, connected, closed in (line.split() for line in said.splitlines()):
        missing = works.STORM[kind] - int(connected)
        if missing:
            figures["errors"][f"{kind} not connected"] = missing
        figures[f"{kind}_closed"] = int(closed)
    return figures


TURNS = {"wrk": wrk_alone, "each_once": each_once, "beside": beside}
