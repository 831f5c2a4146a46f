"""What fails in the system beneath (by unlucky.c), and what a process inherits from who starts it: the server goes on,
serves again when it can, keeps no processor busy meanwhile, and says so once."""

import ctypes
import json
import os
import re
import resource
import select
import signal
import socket
import subprocess
import time
import urllib.request

import unlucky
from arsenal import request
from honest import Ask, Link, one
from luck import LIMIT, await_true
from target import LINE, LOG, LOG_SIZE, Attacked, page_content
from unlucky import Unlucky
from webdriver import cpu_seconds, session_members

HOT = Ask("/hot.txt", page_content(999_999))
BUSY = 0.5  # of a processor, while next to nothing is asked for: who spins takes a whole one
CALM = 0.2  # the same where nobody is served
LASTS = 2  # seconds
PIDFD_GETFD = 438  # a system call that Python has no name for


def asked(server):
    took, why = one(Link(server.port), HOT, LIMIT)
    assert not why, f"{why}: {server.output()}"


def said(server, what):
    return server.output().count(what)


# ---- While it serves


def asked_while_it_lasts(server):
    """Somebody asks over new connections, now and then. How often, and the part of a processor that it took."""
    before, end, count = cpu_seconds(server.pid), time.monotonic() + LASTS, 0
    while time.monotonic() < end:
        asked(server)
        count += 1
        time.sleep(0.02)
    used = (cpu_seconds(server.pid) - before) / LASTS
    assert used < BUSY, f"{100 * used:.0f} % of a processor"
    return count, used


def at_ease(httpd, model, site, kind, what=None):
    """Who asks meanwhile is answered, and it is said once."""
    with Unlucky(httpd, model, site, kind) as server:
        count, used = asked_while_it_lasts(server)
        times = said(server, what) if what else 0
        assert times <= 1, f"said {times} times: {server.output()}"
    return f"{count} answers, {100 * used:.0f} % of a processor, said {times} times"


def accepts(httpd, model, site):
    """Each other accept fails, for all the reasons that it has."""
    return at_ease(httpd, model, site, "accept", "can't accept")


def signals(httpd, model, site):
    """Each other receive and send is interrupted."""
    return at_ease(httpd, model, site, "signals")


def all_told(server):
    """Whether of each connection that was accepted it is told that it is open, or why it ended."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/_httpd/status.json") as reply:
        told = json.load(reply)["connections"]
    return told["accepted"] == told["open"] + sum(told["ended"].values())


def no_fork(httpd, model, site):
    """Who comes meanwhile is turned away; afterwards he is served."""
    with Unlucky(httpd, model, site, "fork", 0, "--status") as server:
        asked(server)
        server.mark.touch()
        before, end = cpu_seconds(server.pid), time.monotonic() + LASTS
        while time.monotonic() < end:
            took, why = one(Link(server.port), HOT, 0.2)
            assert why, "it was served without a process"
            time.sleep(0.02)
        used = (cpu_seconds(server.pid) - before) / LASTS
        server.mark.unlink()
        asked(server)
        assert used < BUSY, f"{100 * used:.0f} % of a processor"
        assert said(server, "can't fork") == 1, server.output()
        await_true(lambda: all_told(server), "connections of which nothing is told")
    return "served afterwards, said once"


def while_it_lasts(httpd, model, site, kind, what):
    """Who comes meanwhile isn't served, which keeps no processor busy, and is said once (`what`); afterwards he is."""
    with Unlucky(httpd, model, site, kind) as server:
        asked(server)
        server.mark.touch()
        before, end = cpu_seconds(server.pid), time.monotonic() + LASTS
        while time.monotonic() < end:
            one(Link(server.port), HOT, 0.2)
        used = (cpu_seconds(server.pid) - before) / LASTS
        server.mark.unlink()
        asked(server)
        assert used < CALM, f"{100 * used:.0f} % of a processor"
        assert not what or said(server, what) == 1, server.output()
    return f"served afterwards, {100 * used:.0f} % of a processor"


def no_watch(httpd, model, site):
    """An epoll set takes neither clients nor, after the rest that this brings, the door."""
    return while_it_lasts(httpd, model, site, "watch", "can't watch")


def starved_ring(httpd, model, site):
    """The kernel has no memory for what a ring is asked."""
    return while_it_lasts(httpd, model, site, "starved", None)


def no_sendfile(httpd, model, site):
    """A file system whose files can't be sent by reference: they are copied."""
    site.await_still_log()
    with Unlucky(httpd, model, site, "copies") as server:
        took, why = one(Link(server.port), Ask(f"/{LOG}", LINE * (LOG_SIZE // len(LINE))), LIMIT)
        assert not why, why
    return f"copied in {1000 * took:.0f} ms"


def listener_of(server, path=None):
    """A descriptor of ours for the socket that it listens on: its port, or the unix socket at `path`."""
    with open("/proc/net/unix" if path else "/proc/net/tcp") as table:
        rows = [line.split() for line in list(table)[1:]]
    inode = next(fields[6] for fields in rows if fields[7:] == [str(path)]) if path else next(
        fields[9] for fields in rows if fields[3] == "0A" and int(fields[1].split(":")[1], 16) == server.port)
    fd = next(int(entry.name) for entry in os.scandir(f"/proc/{server.pid}/fd")
              if os.readlink(entry.path) == f"socket:[{inode}]")
    process = os.pidfd_open(server.pid)
    try:
        ours = ctypes.CDLL(None, use_errno=True).syscall(PIDFD_GETFD, process, fd, 0)
        if ours < 0:
            raise OSError(ctypes.get_errno(), "pidfd_getfd")
        return socket.socket(fileno=ours)
    finally:
        os.close(process)


def calm_when_shut(server, path=None):
    """Another process that has a listening socket, too, shuts it: that is said once, and keeps no processor busy."""
    asked(server)
    with listener_of(server, path) as listener:
        listener.shutdown(socket.SHUT_RD)
    before, end = cpu_seconds(server.pid), time.monotonic() + LASTS
    await_true(lambda: said(server, "can't accept connections"), lambda: f"it says nothing: {server.output()}")
    time.sleep(max(0, end - time.monotonic()))
    used = (cpu_seconds(server.pid) - before) / LASTS
    assert used < CALM, f"{100 * used:.0f} % of a processor"
    assert said(server, "can't accept connections") == 1, server.output()
    return f"{100 * used:.0f} % of a processor, said once"


def shut(httpd, model, site):
    """Nobody can come any more."""
    with Attacked(httpd, site.root, model) as server:
        return calm_when_shut(server)


def shut_local(httpd, model, site):
    """A unix socket that is shut rings, too, though accept(2) says that nobody is there; others can come."""
    path = site.folder / "local.sock"
    with Attacked(httpd, site.root, model, "-l", f"unix:{path}") as server:
        told = calm_when_shut(server, path)
        asked(server)
    return told


def hung(httpd, model, site):
    """A folder whose files can't be opened for long, eight of which are asked for: others wait for none of them."""
    folder = site.root / "hung"
    folder.mkdir(exist_ok=True)
    for number in range(8):
        (folder / f"{number}.txt").write_text("at last")
    with Unlucky(httpd, model, site, "hung") as server:
        links = []
        for number in range(8):
            links.append(Link(server.port))
            links[-1].send(Ask(f"/hung/{number}.txt", b"at last"), time.monotonic() + LIMIT)
        slowest = 0
        for number in range(20):
            took, why = one(Link(server.port), Ask(f"/page/{number}.txt", page_content(number)), unlucky.FAST)
            assert not why, f"page {number}: {why}"
            slowest = max(slowest, took)
        for number, link in enumerate(links):
            status, _, body = link.answer(Ask(f"/hung/{number}.txt", b"at last"), time.monotonic() + LIMIT)
            assert status == 200 and body == b"at last", f"{status}"
            link.close()
    return f"cold files elsewhere in at most {1000 * slowest:.0f} ms"


def paused(httpd, model, site):
    """A server that is stopped between its look at the clock and an accept, for longer than a client may say nothing:
    who has just come isn't taken for one who has been silent for all that time."""
    short = ("--idle-timeout", "3", "--header-timeout", "3", "--no-sandbox")  # which would let it make no mark
    with Unlucky(httpd, model, site, "pause", 0, *short) as server:
        with socket.create_connection(("127.0.0.1", server.port), LIMIT) as client:
            await_true(server.mark.exists, "nobody is accepted")
            assert not select.select([client], [], [], 1)[0], "it was closed"
            client.sendall(request("/hot.txt"))
            client.settimeout(LIMIT)
            assert client.recv(15) == b"HTTP/1.1 200 OK"
    return "served"


def stopped(httpd, model, site):
    """SIGSTOP for longer than any wait of a loop, then SIGCONT: whoever was idle is there still."""
    with Attacked(httpd, site.root, model) as server:
        link = Link(server.port)
        link.exchange(HOT, LIMIT)
        for name in (signal.SIGSTOP, signal.SIGCONT):
            for pid in session_members(server.pid):
                os.kill(pid, name)
            time.sleep(3 if name == signal.SIGSTOP else 0)
        was = link.socket
        status, _, body = link.exchange(HOT, LIMIT)
        assert status == 200 and body == HOT.body, f"{status}"
        assert was and was is link.socket, "it was cut"
        link.close()
    return "the same connection goes on"


# ---- At start


def starts(httpd, model, site):
    """One allocation after the other fails, until all that the start takes have: it serves none the less, or says in
    one line why not."""
    refused, number, last = 0, 0, 0
    while number < last + 20:  # twenty in a row that it does without, or never comes to
        if start_without(httpd, model, site, "memory", number):
            refused, last = refused + 1, number
        number += 1
    assert refused, "no allocation matters"
    return f"{refused} times refused in one line, {number - refused} times it served"


def start_without(httpd, model, site, kind, number):
    """None: it serves; else the line that it said."""
    environment = dict(os.environ, LD_PRELOAD=unlucky.library, UNLUCKY=kind, UNLUCKY_SIZE=str(number))
    process = subprocess.Popen([httpd, "-l", "127.0.0.1:0", "-r", str(site.root), "-m", model], env=environment,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)
    lines = []
    for line in process.stderr:
        lines.append(line)
        if re.search(r"http://127", line):
            process.terminate()
    status = process.wait(LIMIT)
    told = "".join(lines)
    if "http://127" in told:
        assert status == 0, f"allocation {number}: {status}: {told}"
        return None
    assert status in (1, 2) and len(lines) == 1, f"allocation {number}: exit status {status}: {told!r}"
    return told


def no_ring(httpd, model, site):
    """There is no memory for an io_uring, or no leave to use it: it says so in one line."""
    told = [start_without(httpd, model, site, kind, 0) for kind in ("ring", "unentered")]
    assert all(told), f"it serves without a ring: {told}"
    return "".join(told).strip()


def no_grandchild(httpd, model, site):
    """The process outside of the sandbox is made by one that is made for it: where that can't, it says so in one line."""
    told = start_without(httpd, model, site, "orphan", 0)
    assert told and "sandbox" in told, told
    return told.strip()


def no_limits(httpd, model, site):
    """A policy forbids to ask for the limits of resources: it serves."""
    told = start_without(httpd, model, site, "unasked", 0)
    assert not told, told
    return "it serves"


# ---- What is inherited


def burden():
    """In the child that becomes the server."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR1])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 1)
    signal.setitimer(signal.ITIMER_PROF, 0.3)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0o077)
    for number in range(3, 21):
        os.dup2(0, number)
        os.set_inheritable(number, True)
    os.mkdir("gone")
    os.chdir("gone")
    os.rmdir("../gone")


def inherited(httpd, model, site):
    """All at once: blocked and ignored signals, timers, a limit of file sizes, descriptors, a folder that is gone."""
    log = site.folder / "limited.log"
    log.unlink(missing_ok=True)
    wrapper = site.folder / "burdened"
    wrapper.write_text("#!/usr/bin/env python3\nimport os, sys\n"
                       f"sys.path[:0] = {[os.path.dirname(__file__), os.path.dirname(os.path.dirname(__file__))]}\n"
                       f"import faults\nos.chdir({str(site.folder)!r})\nfaults.burden()\n"
                       f"os.environ.update(TZ='Nowhere/At_all', LC_ALL='xx_XX')\n"
                       f"os.execv({httpd!r}, [{httpd!r}, *sys.argv[1:]])\n")
    wrapper.chmod(0o755)
    with Attacked(str(wrapper), site.root, model, "--access-log", str(log)) as server:
        began = time.monotonic()
        while time.monotonic() < began + LASTS:  # beyond the timers, and more lines than the log may hold
            for _ in range(10):
                asked(server)
        await_true(lambda: said(server, "File too large") >= 1, lambda: f"the log is full, unsaid: {server.output()}")
        assert said(server, "File too large") == 1, server.output()
        assert log.stat().st_size <= 4096
    return "served, log at its limit said once, ended by SIGTERM"


def no_room(httpd, model, site):
    """So many descriptors are inherited that none is left which a set of select's could hold: it says so in one line."""
    taken = [os.open("/dev/null", os.O_RDONLY) for _ in range(SETS_HOLD)]
    try:
        started = subprocess.run([httpd, "-p", "0", "-r", site.root, "-m", model], pass_fds=taken, text=True, timeout=LIMIT,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    finally:
        for fd in taken:
            os.close(fd)
    assert started.returncode == 1 and started.stderr.count("\n") == 1 and "inherit" in started.stderr, started
    return started.stderr.strip()


SETS_HOLD = 1000  # of 1,024, but for some that are the server's
EACH_ITS_OWN = ("blocking", "fork", "thread")
EPOLL = ("epoll-lt", "epoll-et", "coroutine")
LOOPS = ("nonblocking", "select", "poll", "epoll-lt", "epoll-et", "coroutine", "uring")
SCENARIOS = {
    "fault-accept": (accepts, ()),
    "fault-signals": (signals, ("uring",)),  # what goes through a ring doesn't pass by the C library
    "fault-fork": (no_fork, (*LOOPS, "blocking", "thread")),
    "fault-shut": (shut, ()),
    "fault-shut-local": (shut_local, ()),
    "fault-watch": (no_watch, tuple(model for model in (*EACH_ITS_OWN, *LOOPS) if model not in EPOLL)),
    "fault-starved": (starved_ring, (*EACH_ITS_OWN, *LOOPS[:-1])),
    "fault-sendfile": (no_sendfile, ()),
    "fault-hung": (hung, ("blocking",)),
    "fault-memory": (starts, ()),
    "fault-ring": (no_ring, (*EACH_ITS_OWN, *LOOPS[:-1])),
    "fault-grandchild": (no_grandchild, (*EACH_ITS_OWN, *LOOPS[1:])),
    "fault-limits": (no_limits, (*EACH_ITS_OWN, *LOOPS[1:])),
    "fault-inherited": (inherited, ()),
    "fault-no-room": (no_room, (*EACH_ITS_OWN, *(model for model in LOOPS if model != "select"))),
}
LONG = {"fault-stopped": (stopped, ()), "fault-paused": (paused, ())}
