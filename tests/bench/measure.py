"""Figures of one server: throughput and latency from wrk, CPU time and memory from /proc, calls from strace."""

import os
import re
import resource
import signal
import socket
import subprocess
import time
import urllib.request

import servers
import works

WRK_SECONDS = 3600  # unless interrupted
TICKS = os.sysconf("SC_CLK_TCK")
BYTES = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
UNITS = {"us": 1, "ms": 1e3, "s": 1e6, "m": 60e6, "h": 3600e6}
IDLE = 4000
TRACED = 64  # connections, all of which ask at once
TRACED_ROUNDS = 40
SETTLE_SECONDS = 1.5
SETTLED = 0.002  # CPU seconds in two looks


# ---- /proc


def processes(group):
    """(pid, seconds of its own, seconds of its reaped children) of each process in the group."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group:
            user, system, children_user, children_system = (int(field) / TICKS for field in fields[11:15])
            yield int(pid), max(user + system, threads_seconds(pid)), children_user + children_system


def members(group):
    return [pid for pid, _, _ in processes(group)]


def threads_seconds(pid):
    """Of the threads that live, to the nanosecond. stat has the others, too, but drops what is below a tick: with a
    process per connection that can be nearly all."""
    total = 0
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
                total += int(file.read().split()[0])
    except OSError:
        pass
    return total / 1e9


def cpu_seconds(group):
    return sum(own + children for _, own, children in processes(group))


def settled_cpu_seconds(group):
    """Once next to nothing is going on any more. A child may be reaped between the looks at its parent and at itself,
    and would be missing from a single sum."""
    highest, until = 0, time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < until:
        now = cpu_seconds(group)
        if abs(now - highest) < SETTLED:
            return max(now, highest)
        highest = max(highest, now)
        time.sleep(0.04)
    return highest


def pss_bytes(group):
    total = 0
    for pid in members(group):
        try:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                total += 1024 * int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M)[1])
        except (OSError, TypeError):
            continue
    return total


# ---- Load


def wrk_argv(bench, server, work):
    threads = min(len(bench.cpus_of(work.cpus)[1]), work.connections)
    argv = ["wrk", f"-t{threads}", f"-c{work.connections}", f"-d{WRK_SECONDS}s", "--timeout", "10s", "--latency"]
    lua = works.lua_of(work)
    if lua:
        argv += ["-s", bench.write(f"{work.name}.lua", lua)]
    return [*argv, f"http://127.0.0.1:{server.port}{work.path}"]


def client(bench, argv, cpus=1):
    """A process on the clients' CPUs, of which we want what it says."""
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            errors="replace", preexec_fn=lambda: servers.bind_child(bench.cpus_of(cpus)[1]))


def run_wrk(bench, server, work, seconds, beside=None):
    """Figures of wrk, and of another one beside it if there is another work. It knows whole seconds only, but tells
    what it has got when it is interrupted."""
    began = time.monotonic()
    running = [client(bench, wrk_argv(bench, server, each), each.cpus) for each in (beside, work) if each]
    try:
        for process in running:
            await_handler(process)
        time.sleep(max(began + seconds - time.monotonic(), 0))
        for process in running:
            process.send_signal(signal.SIGINT)
        figures = [read_wrk(process.communicate(timeout=60)[0]) for process in running]
    finally:
        for process in running:
            process.kill()
            process.communicate()
    return (figures[1], figures[0]) if beside else figures[0]


def await_handler(process):
    """Returns when SIGINT would no longer end the process, or when it has ended."""
    until = time.monotonic() + SETTLE_SECONDS * 4
    while time.monotonic() < until and process.poll() is None:
        with open(f"/proc/{process.pid}/status") as file:
            caught = re.search(r"^SigCgt:\s+(\w+)", file.read(), re.M)
        if caught and int(caught[1], 16) >> (signal.SIGINT - 1) & 1:
            return
        time.sleep(0.005)


def read_wrk(text):
    requests = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s|m|h)", text)
    if not requests:
        raise OSError(f"wrk: {text.strip()[-200:]}")
    percentile = {part: float(value) * UNITS[unit]
                  for part, value, unit in re.findall(r"^\s+(\d+)%\s+([\d.]+)(us|ms|s|m|h)\s*$", text, re.M)}
    wrong = dict(zip(("connect", "read", "write", "timeout"),
                     map(int, re.findall(r"\b(?:connect|read|write|timeout) (\d+)", text))))
    status = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    wrong["status"] = int(status[1]) if status else 0
    return {"requests": int(requests[1]),
            "lasted": float(requests[2]) * UNITS[requests[3]] / 1e6,
            "rps": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
            "bytes_each_second": read_bytes(text),
            "failed": wrong["status"] / max(int(requests[1]), 1) or None,
            "p50_us": percentile.get("50") or None,
            "p99_us": percentile.get("99") or None,
            "errors": {kind: count for kind, count in wrong.items() if count}}


def read_bytes(text):
    found = re.search(r"Transfer/sec:\s+([\d.]+)([KMGT]?B)", text)
    return float(found[1]) * BYTES[found[2]] if found else None


def children_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Account:
    """The CPU time of a server and of the clients, from now on."""

    def __init__(self, server, clients=children_seconds):
        self.group, self.clients = server.process.pid, clients
        self.before, self.clients_before = cpu_seconds(self.group), clients()

    def add_to(self, figures, each=True):
        lasted = figures["lasted"]
        client_used = self.clients() - self.clients_before
        used = settled_cpu_seconds(self.group) - self.before
        if each and not figures["requests"]:
            raise OSError(f"no request was answered in {lasted:.1f} s")
        return figures | {"server_busy": used / lasted, "client_busy": client_used / lasted,
                          "cpu_us": 1e6 * used / figures["requests"] if each else None,
                          "both_us": 1e6 * (used + client_used) / figures["requests"] if each else None}


# ---- One exchange, to see that the server does what is measured


def read_answer(connection, size):
    answer = b""
    while b"\r\n\r\n" not in answer or len(answer) < answer.index(b"\r\n\r\n") + 4 + size:
        part = connection.recv(1 << 20)
        if not part:
            raise OSError("closed within an answer")
        answer += part
    return answer


def check(server, work):
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(works.request_of(work))
        answer = read_answer(connection, work.size)
    expect(work, answer)


def expect(work, answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    if head.split(b" ")[1:2] != [str(work.status).encode()] or len(body) != work.size:
        raise OSError(f"answers {head.splitlines()[0].decode(errors='replace')!r} with {len(body)} bytes")


def check_listing(server, work):
    """It is there, and whole: names come once or twice each, as the text and in the link."""
    url = f"http://127.0.0.1:{server.port}{work.path}"
    with urllib.request.urlopen(url, timeout=20) as answer:
        named = set(re.findall(rb"entry-\d+", answer.read()))
    if len(named) < works.LISTED:
        raise OSError(f"lists {len(named):,} of {works.LISTED:,} files")


# ---- Connections of our own


def open_connections(server, count, into):
    """Each has made a request and got its answer."""
    work = works.SMALL
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", server.port), 10)
        into.append(connection)
        ask([connection], work)


def ask(connections, work):
    request = works.request_of(work)
    for connection in connections:
        connection.sendall(request)
    for connection in connections:
        read_answer(connection, work.size)


# ---- System calls


def count_syscalls(bench, server):
    """Calls a request, in all and by name, on connections that were open before and stay open."""
    connections = []
    try:
        open_connections(server, min(TRACED, server.limit()[1] or TRACED), connections)
        rounds = TRACED_ROUNDS * TRACED // len(connections)
        calls = trace(bench, server, lambda: [ask(connections, works.SMALL) for _ in range(rounds)])
    finally:
        for connection in connections:
            connection.close()
    requests = rounds * len(connections)
    total = calls.pop("total", 0)
    if not total:
        raise OSError("strace counted nothing")
    each = {name: count / requests for name, count in calls.items() if count / requests >= 0.005}
    return {"all": total / requests, "requests": requests, "connections": len(connections),
            "each": dict(sorted(each.items(), key=lambda item: -item[1]))}


def trace(bench, server, action):
    """The calls by name that the server makes during the action."""
    report = f"{bench.folder}/strace"
    argv = ["strace", "-c", "-f", "-U", "name,calls", "-o", report]
    for pid in members(server.process.pid):
        argv += ["-p", str(pid)]
    tracer = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              start_new_session=True, preexec_fn=lambda: servers.bind_child(bench.cpus_of(1)[1]))
    try:
        await_tracer(server, tracer)
        action()
        os.kill(tracer.pid, signal.SIGINT)
        tracer.wait(10)
    finally:
        if tracer.poll() is None:
            tracer.kill()
            tracer.wait()
    with open(report) as file:
        return {name: int(count) for name, count in re.findall(r"^(\w+)\s+(\d+)\s*$", file.read(), re.M)}


def await_tracer(server, tracer):
    """Returns when all threads of the server are being traced."""
    until = time.monotonic() + SETTLE_SECONDS * 4
    while time.monotonic() < until and tracer.poll() is None:
        try:
            if all(is_traced(f"/proc/{pid}/task/{thread}/status") for pid in members(server.process.pid)
                   for thread in os.listdir(f"/proc/{pid}/task")):
                return
        except OSError:
            pass
        time.sleep(0.02)
    raise OSError("strace did not get hold of it")


def is_traced(status):
    with open(status) as file:
        return re.search(r"^TracerPid:\s+0$", file.read(), re.M) is None


# ---- Memory


def memory(server):
    """What the server holds at rest, and what each of many idle connections adds to it."""
    _, held, why = server.limit()
    if held == 1:
        raise OSError(why)
    count = min(held or IDLE, IDLE)
    first, idle = [], []
    try:
        open_connections(server, 3, first)  # what is made once is made by now
        for connection in first:
            connection.close()
        time.sleep(0.3)
        before = pss_bytes(server.process.pid)
        open_connections(server, count, idle)
        time.sleep(0.3)
        after = pss_bytes(server.process.pid)
        ask(idle[::max(1, count // 100)], works.SMALL)  # they are still open
    finally:
        for connection in idle:
            connection.close()
    return {"at_rest": before, "each": (after - before) / count, "connections": count}
