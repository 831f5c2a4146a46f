#!/usr/bin/env python3
"""How a server begins, is replaced and ends: upgrades that fail, what is handed over, sockets from a service manager and
what that is told, --pid-file and --daemon.

    life.py HTTPD [TEST...]"""

import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import traceback

from service import LIMIT, Service, adopt_orphans, check, exit_status, finish, libc, until

HTTPD = sys.argv[1]
GOES_ON = r"^httpd: SIGUSR2: .*this process goes on$"
REQUEST = b"GET /file.txt HTTP/1.1\r\nHost: a\r\n\r\n"


def connect(port):
    client = socket.create_connection(("127.0.0.1", port), LIMIT)
    client.settimeout(LIMIT)
    return client


def is_refused(port):
    try:
        connect(port).close()
    except ConnectionRefusedError:
        return True
    return False


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(*arguments, **more):
    return Service(HTTPD).start(*arguments, **more)


# ---- Upgrades


def test_failures():
    """Whatever is wrong with the new program or its configuration, the old process goes on, and says why."""
    with start("-l", "127.0.0.1:0") as service:
        text = service.real.read_bytes()
        broken = {
            "a script that fails": lambda: service.install("#!/bin/sh\necho broken >&2\nexit 3\n"),
            "no program": lambda: service.install("no program"),
            "half a program": lambda: (service.install("#!"), service.binary.write_bytes(text[:len(text) // 2])),
            "nothing": service.binary.unlink,
            "a folder": service.binary.mkdir,
        }
        for what, break_it in broken.items():
            break_it()
            service.signal(signal.SIGUSR2)
            service.await_line(GOES_ON)
            check(f"{what}: the old process serves", service.ask() == 200)
        service.binary.rmdir()
        service.install()
        for line, why in (("model none", "no such model"), ("workers 0", "not a number of workers"), ("auth /none", "No such file")):
            service.config.write_text(line + "\n")
            service.signal(signal.SIGUSR2)
            service.await_line(why)
            service.await_line(GOES_ON)
            check(f"{line}: the old process serves", service.ask() == 200)
        service.config.write_text("")
        check("then it succeeds", exit_status(service.upgrade()) == 0 and service.ask() == 200)
        check("and ends with 0", service.stop() == 0)


def test_late():
    """One that doesn't come to serve is killed; meanwhile SIGUSR2 is ignored, and said to be."""
    with start("-l", "127.0.0.1:0") as service:
        service.install("#!/bin/sh\necho starting $$ >&2\nexec sleep 600\n")
        service.signal(signal.SIGUSR2)
        late = int(service.await_line(r"^starting (\d+)\n")[1])
        service.signal(signal.SIGUSR2)
        service.await_line(r"^httpd: SIGUSR2 is ignored: a new process is being started already\n")
        check("it serves meanwhile", service.ask() == 200)
        service.await_line(r"^httpd: SIGUSR2: .* did not serve within 30 seconds: it is killed, and this process goes on\n")
        check("it is killed", until(lambda: not pathlib.Path(f"/proc/{late}/exe").exists()))
        check("the old one serves", service.ask() == 200)
        service.install()
        check("then it succeeds", exit_status(service.upgrade()) == 0 and service.ask() == 200)
        check("and ends with 0", service.stop() == 0)


def children_of(pid):
    return {int(child) for task in pathlib.Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()}


def test_forked_meanwhile():
    """Who is forked for a client while a new process starts has no part in it: an end that he kept open would hide that
    the new one has ended."""
    with start("-l", "127.0.0.1:0", "-m", "fork") as service:
        others = children_of(service.pid)

        def descriptors_of_child():
            with connect(service.port) as client:
                client.sendall(REQUEST)
                client.recv(65536)
                (child,) = children_of(service.pid) - others
                return len(descriptors(child))

        before = descriptors_of_child()
        check("the child ends", until(lambda: children_of(service.pid) == others))
        service.install("#!/bin/sh\necho starting >&2\nexec sleep 600\n")
        service.signal(signal.SIGUSR2)
        service.await_line(r"^starting\n")
        others = children_of(service.pid)  # without a steward the new process is one, too
        check("a child has what it always has", descriptors_of_child() == before)
        check("the old one ends with 0", service.stop() == 0)


def test_stop_meanwhile():
    """SIGTERM while the new process starts: both end."""
    with start("-l", "127.0.0.1:0") as service:
        service.install("#!/bin/sh\necho starting $$ >&2\nexec sleep 600\n")
        service.signal(signal.SIGUSR2)
        late = int(service.await_line(r"^starting (\d+)\n")[1])
        check("the old one ends with 0", service.stop() == 0)
        check("the new one ends", until(lambda: not pathlib.Path(f"/proc/{late}/exe").exists()))


SERVES_AS_IT_STOPS = """#!{python}
import os, signal, struct, time
os.kill({pid}, signal.SIGTERM)
time.sleep(0.01)
os.write(int(os.environ["HTTPD_UPGRADE"].split(":")[0]), struct.pack("iI", os.getpid(), 1))
signal.pause()
"""


def test_stop_as_it_serves():
    """SIGTERM just before the new process says that it serves: both end, and no name is left behind."""
    for _ in range(4):  # what comes first is a matter of luck
        with Service(HTTPD) as service:
            path = service.folder / "socket"
            service.start("-l", f"unix:{path}")
            service.install(SERVES_AS_IT_STOPS.format(python=sys.executable, pid=service.pid))
            service.signal(signal.SIGUSR2)
            check("the old one ends with 0", exit_status(service.pid) == 0)
            if "SIGUSR2: process" not in service.said():  # with which the name is the new one's, who goes on
                check("the new one ends", until(lambda: not service.processes()))
                check("the name is gone", not path.exists())


def test_stop_twice():
    """SIGTERM while the new process starts, and another before that is told to stop: it goes on, and is at the door."""
    with start("-l", "127.0.0.1:0") as service:
        service.install(f'#!/bin/sh\necho starting $$ >&2\nsleep 1\nexec {service.real} "$@"\n')
        service.signal(signal.SIGUSR2)
        late = int(service.await_line(r"^starting (\d+)\n")[1])
        service.signal(signal.SIGTERM)
        time.sleep(0.02)
        status = service.stop()
        service.pid = late

        def ended():
            return not pathlib.Path(f"/proc/{late}/exe").exists()

        decided = until(lambda: ended() or "stopped" in service.said() or service.said().count("serving") == 2)
        check("the new one has ended, or serves", decided and (ended() or service.ask() == 200), status)


def test_stop_new():
    """SIGTERM to the new process before it serves: the old one goes on."""
    with Service(HTTPD) as service:
        path = service.folder / "pid"
        # Without a steward there is one new process; with so many workers it takes a while.
        service.start("-l", "127.0.0.1:0", "-w", "64", "--no-sandbox", "--pid-file", path)

        def new():
            """Once SIGTERM asks it to stop."""
            for children in pathlib.Path(f"/proc/{service.pid}/task").glob("*/children"):
                for pid in children.read_text().split():
                    status = pathlib.Path(f"/proc/{pid}/status").read_text()
                    held_back, caught = (int(re.search(rf"^{what}:\s*(\w+)", status, re.M)[1], 16)
                                         for what in ("SigBlk", "SigCgt"))
                    if (caught & ~held_back) >> (signal.SIGTERM - 1) & 1:
                        return int(pid)
            return None

        for _ in range(20):
            before = service.pid
            service.signal(signal.SIGUSR2)
            while not (late := new()):
                pass
            os.kill(late, signal.SIGSTOP)
            time.sleep(0.2)
            if "USR2" not in service.said()[service.seen:]:
                break
            os.kill(late, signal.SIGCONT)  # that was too late
            service.pid = late
            exit_status(before)
            service.await_banner()
        os.kill(late, signal.SIGTERM)
        os.kill(late, signal.SIGCONT)
        service.await_line(r"^httpd: stopped before it served\n")
        service.await_line(GOES_ON)
        check("the old one serves", service.ask() == 200)
        check("and the file has its number", path.read_text() == f"{service.pid}\n")
        check("then it succeeds", exit_status(service.upgrade()) == 0 and service.ask() == 200)
        check("and ends with 0", service.stop() == 0)


def test_kept_models():
    """A kept connection is answered once more, and told that this was the last; a download goes on to its end."""
    for model in ("epoll", "thread", "fork", "uring", "coroutine"):
        with Service(HTTPD) as service:
            size = 8 << 20
            (service.folder / "site" / "large").write_bytes(bytes(size))
            service.start("-l", "127.0.0.1:0", "-m", model)
            with connect(service.port) as slow:
                slow.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
                got = len(slow.recv(1024))
                before = service.upgrade()
                check(f"{model}: new clients are answered", service.ask() == 200)
                while part := slow.recv(1 << 20):
                    got += len(part)
                check(f"{model}: the download is whole", size < got < size + 1024, got)
            check(f"{model}: the old process ends with 0", exit_status(before) == 0)
            check(f"{model}: the new one, too", service.stop() == 0)


def test_queue():
    """Who waits at a full server's door when it is replaced is let in by the successor."""
    for model in ("epoll", "uring", "select", "blocking"):
        with start("-l", "127.0.0.1:0", "-m", model, "--max-connections", "1") as service:
            with connect(service.port) as first, connect(service.port) as second:
                first.sendall(b"GET ")  # half a request holds the place
                second.sendall(REQUEST)
                before = service.upgrade()
                check(f"{model}: it is answered", read_one(second) == 200)
            check(f"{model}: the old one ends with 0", exit_status(before) == 0)  # till then it is the new one's parent
            check(f"{model}: the new one ends with 0", service.stop() == 0)


def read_one(client):
    answer = b""
    while b"a file\n" not in answer and (part := client.recv(4096)):
        answer += part
    return int(answer.split()[1]) if answer else 0


def test_addresses():
    """Addresses are handed over where the new configuration has them, opened where it is new, shut where it isn't."""
    ports = [free_port() for _ in range(3)]
    with Service(HTTPD) as service:
        path = service.folder / "socket"

        def listen(*numbers):
            service.config.write_text("".join(f"listen 127.0.0.1:{ports[i]}\n" for i in numbers) + f"listen unix:{path}\n")

        listen(0, 1)
        service.start()
        inode = path.stat().st_ino
        listen(1, 2)
        check("it ends with 0", exit_status(service.upgrade()) == 0)
        check("dropped: refused", is_refused(ports[0]))
        check("kept: answers", service.ask(("127.0.0.1", ports[1])) == 200)
        check("new: answers", service.ask(("127.0.0.1", ports[2])) == 200)
        check("the unix socket answers", service.ask(str(path)) == 200)
        check("and is the same", path.stat().st_ino == inode)
        check("it ends with 0", service.stop() == 0)
        check("the unix socket is gone", not path.exists())
        check("nobody listens", is_refused(ports[1]) and is_refused(ports[2]))


def test_chosen_port():
    with start("-p", "0") as service:
        port = service.port
        service.upgrade()
        service.await_banner()
        check("the port that the kernel picked stays", service.port == port)
        check("it answers", service.ask() == 200)
        service.stop()


# ---- Socket activation


def listening(family=socket.AF_INET, address=("127.0.0.1", 0)):
    door = socket.socket(family)
    door.bind(address)
    door.listen()
    return door


def start_with(service, doors, *arguments, names=None, pid="$$", count=None, wait=True):
    """As systemd starts it: the sockets are descriptors 3 and up, and LISTEN_PID is the process' own."""
    lines = [f"exec {3 + i}<&{door.fileno() + 100}" for i, door in enumerate(doors)]
    moved = [os.dup2(door.fileno(), door.fileno() + 100) for door in doors]
    exports = f"LISTEN_PID={pid} LISTEN_FDS={len(doors) if count is None else count}"
    exports += f" LISTEN_FDNAMES={names}" if names else ""
    closing = " ".join(f"{fd}<&-" for fd in moved)
    real = service.real
    service.install(f"#!/bin/bash\n" + "\n".join(lines) + f"\nexport {exports}\nexec -a {service.binary} {real} \"$@\" {closing}\n")
    service.start(*arguments, pass_fds=moved, wait=False)
    for fd in moved:
        os.close(fd)
    if wait:
        service.await_banner()
        service.install()


def descriptors(pid):
    return [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd") if os.path.exists(f"/proc/{pid}/fd/{fd}")]


def test_activation():
    with Service(HTTPD) as service, listening() as web, listening() as admin:
        ports = [door.getsockname()[1] for door in (web, admin)]
        start_with(service, [web, admin], "-p", "1", names="web:admin")
        check("both answer", [service.ask(("127.0.0.1", port)) for port in ports] == [200, 200])
        environment = pathlib.Path(f"/proc/{service.pid}/environ").read_bytes()
        before = service.upgrade()
        check("it ends with 0", exit_status(before) == 0)
        left = pathlib.Path(f"/proc/{service.pid}/environ").read_bytes()
        check("it was told by LISTEN_FDS", b"LISTEN_FDS=2" in environment)
        check("which is not passed on", b"LISTEN_" not in left)
        check("both answer after an upgrade", [service.ask(("127.0.0.1", port)) for port in ports] == [200, 200])
        check("it ends with 0", service.stop() == 0)
        with connect(ports[0]) as client:  # the sockets are the manager's: they are neither shut nor deaf
            web.settimeout(LIMIT)
            web.accept()[0].close()
            check("who comes afterwards waits for the next", client.recv(1) == b"")
        check("it has said nothing else", "goes on" not in service.said())


def test_activation_by_name():
    with Service(HTTPD) as service, listening() as web, listening() as admin, listening() as more:
        ports = [door.getsockname()[1] for door in (web, admin, more)]
        start_with(service, [web, admin, more], "-l", "fd:web", "-l", "127.0.0.1:0", names="web:admin:web")
        own = service.port
        check("those of the name answer", [service.ask(("127.0.0.1", ports[i])) for i in (0, 2)] == [200, 200])
        admin.settimeout(0)
        check("the other does not", until(lambda: len(doors_of(service.pid)) == 3))
        before = service.upgrade()
        check("it ends with 0", exit_status(before) == 0)
        check("an upgrade has the same", len(doors_of(service.pid)) == 3)
        check("all answer", [service.ask(("127.0.0.1", port)) for port in (ports[0], ports[2], own)] == [200] * 3)
        check("it ends with 0", service.stop() == 0)


def doors_of(pid):
    """The inodes of the TCP sockets that a process listens at."""
    lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
    listening_inodes = {line.split()[9] for line in lines if line.split()[3] == "0A"}
    held = {match[1] for name in descriptors(pid) if (match := re.fullmatch(r"socket:\[(\d+)\]", name))}
    return held & listening_inodes


def test_activation_unix():
    with Service(HTTPD) as service:
        path = str(service.folder / "socket")
        with listening(socket.AF_UNIX, path) as door:
            start_with(service, [door])
            check("it answers", service.ask(path) == 200)
            check("it ends with 0", service.stop() == 0)
            check("the path is the manager's", os.path.exists(path))


def test_activation_mistakes():
    def complains(pattern, doors, *arguments, **more):
        with Service(HTTPD) as service:
            start_with(service, doors, *arguments, wait=False, **more)
            pid, service.pid = service.pid, None
            status = exit_status(pid)
            check(f"{pattern}: one line, exit 1", status == 1 and re.fullmatch(pattern, service.said()), f"{status} {service.said()}")

    with listening() as door, socket.socket() as deaf, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams, \
            open("/dev/null") as nothing:
        complains(r"httpd: LISTEN_FDS: descriptor 4 \(b\) is not a listening stream socket .*\n", [door, deaf], names="a:b")
        complains(r"httpd: LISTEN_FDS: descriptor 3 \(unknown\) is not a listening stream socket .*\n", [datagrams])
        complains(r"httpd: LISTEN_FDS: descriptor 3 \(unknown\) is not a socket\n", [nothing])
        complains(r"httpd: LISTEN_FDS: descriptor 4 \(unknown\) is not open\n", [door], count=2)
        for count in ("17", "x", "-1", "1x"):
            complains(rf"httpd: LISTEN_FDS={count}: not a number of sockets \(0 to 16\)\n", [door], count=count)
        complains(r"httpd: -l fd:b: no socket of that name was handed over: .*\n", [door], "-l", "fd:b", names="a")
    with Service(HTTPD) as service, listening() as door:
        start_with(service, [door], "-l", "127.0.0.1:0", pid="1")
        check("what is for another process is left alone", service.port != door.getsockname()[1] and service.ask() == 200)
        service.stop()


# ---- What a service manager is told


class Manager:
    """NOTIFY_SOCKET's other end."""

    def __init__(self, folder, abstract=False):
        self.name = f"@{folder}/notify" if abstract else f"{folder}/notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + self.name[1:] if abstract else self.name)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.settimeout(LIMIT)

    def hear(self):
        """Who has said what."""
        text, ancillary, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(12))
        pid = int.from_bytes(ancillary[0][2][:4], sys.byteorder)
        return pid, text.decode()

    def environment(self, **more):
        return {**os.environ, "NOTIFY_SOCKET": self.name, **more}


def test_notify():
    for abstract in (False, True):
        with Service(HTTPD) as service:
            manager = Manager(service.folder, abstract)
            service.start("-l", "127.0.0.1:0", env=manager.environment())
            pid, text = manager.hear()
            check("READY and STATUS", pid == service.pid and re.fullmatch(r"READY=1\nSTATUS=serving /.* with epoll-et, 1 worker.*", text), text)
            before = service.upgrade()
            pid, text = manager.hear()
            check("RELOADING", pid == before and re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", text), text)
            check("with the time", abs(int(text.split("=")[-1]) / 1e6 - time.monotonic()) < LIMIT)
            check("MAINPID by the old one", manager.hear() == (before, f"MAINPID={service.pid}"))
            pid, text = manager.hear()
            check("then READY by the new one", pid == service.pid and text.startswith("READY=1\nSTATUS=serving "), text)
            exit_status(before)
            last = service.pid
            service.stop()
            pid, text = manager.hear()
            check("STOPPING by the last one alone", pid == last and text.startswith("STOPPING=1\n"), (pid, text))
            manager.socket.close()


def test_notify_failure():
    with Service(HTTPD) as service:
        manager = Manager(service.folder)
        service.start("-l", "127.0.0.1:0", env=manager.environment())
        manager.hear()
        service.binary.unlink()
        service.signal(signal.SIGUSR2)
        check("RELOADING", manager.hear()[1].startswith("RELOADING=1\n"))
        check("READY again", manager.hear() == (service.pid, "READY=1"))
        service.stop()


def test_watchdog():
    """A ping for each quarter of the time, as long as all workers turn, in the successor, too; idle ones are woken."""
    for model in ("epoll", "uring", "thread", "fork", "poll", "nonblocking", "coroutine"):
        with Service(HTTPD) as service:
            manager = Manager(service.folder)
            service.start("-l", "127.0.0.1:0", "-m", model, "-w", "2", env=manager.environment(WATCHDOG_USEC="400000"))
            texts = [manager.hear() for _ in range(4)]
            check(f"{model}: WATCHDOG", texts[1:] == [(service.pid, "WATCHDOG=1")] * 3, texts)
            before = service.upgrade()
            while manager.hear() != (service.pid, "WATCHDOG=1"):
                pass
            exit_status(before)
            service.stop()
            manager.socket.close()
    with Service(HTTPD) as service:
        manager = Manager(service.folder)
        service.start("-l", "127.0.0.1:0", env=manager.environment(WATCHDOG_USEC="100000", WATCHDOG_PID="1"))
        manager.hear()
        manager.socket.settimeout(1)
        try:
            check("another's watchdog isn't fed", False, manager.hear())
        except TimeoutError:
            pass
        service.stop()


def test_watchdog_stall():
    """One worker that stands still is enough: the watchdog hears nothing until it moves again."""
    seize, interrupt, detach = 0x4206, 0x4207, 17
    with Service(HTTPD) as service:
        manager = Manager(service.folder)
        service.start("-l", "127.0.0.1:0", "-w", "3", env=manager.environment(WATCHDOG_USEC="400000"))
        thread = max(int(tid) for tid in os.listdir(f"/proc/{service.pid}/task"))
        if libc.ptrace(seize, thread, None, None) != 0:
            print("watchdog_stall: left out: no right to trace")
            return
        libc.ptrace(interrupt, thread, None, None)
        os.waitpid(thread, 0x40000000)  # __WALL
        manager.socket.settimeout(1)
        try:
            for _ in range(20):
                manager.hear()
            check("it is silent", False)
        except TimeoutError:
            pass
        libc.ptrace(detach, thread, None, None)
        manager.socket.settimeout(LIMIT)
        check("it is heard again", manager.hear() == (service.pid, "WATCHDOG=1"))
        check("and ends with 0", service.stop() == 0)


# ---- --pid-file, --daemon


def test_pid_file():
    with Service(HTTPD) as service:
        path = service.folder / "pid"

        def refuses(what, pattern, *options):
            other = subprocess.run([HTTPD, "-r", service.folder / "site", "-l", "127.0.0.1:0", "--pid-file", path, *options],
                                   stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
            check(what, other.returncode == 1 and re.fullmatch(pattern, other.stderr), f"{other.returncode} {other.stderr}")

        path.write_text(f"{os.getpid()}\n")  # that process lives, but is no server that runs with it
        service.start("-l", "127.0.0.1:0", "--pid-file", path)
        check("the file of one that has ended is replaced", path.read_text() == f"{service.pid}\n")
        refuses("the file of one that runs is not", rf"httpd: --pid-file .*/pid: a server \(pid {service.pid}\) runs with it: .*\n")
        before = service.upgrade()
        check("an upgrade ends with 0", exit_status(before) == 0)
        check("the successor's number", until(lambda: path.read_text() == f"{service.pid}\n"))
        refuses("nor is the successor's", rf"httpd: --pid-file .*/pid: a server \(pid {service.pid}\) runs with it: .*\n")
        check("it ends with 0", service.stop() == 0)
        check("the file is gone", not path.exists())
        check("and no draft is left", not list(service.folder.glob("pid.*")))
        path.write_text("precious\n")
        refuses("another's file stays", r"httpd: --pid-file .*/pid: exists and holds no process number: .*\n")
        check("as it was", path.read_text() == "precious\n")
        path.unlink()
        service.start("-l", "127.0.0.1:0", "--pid-file", path)
        path.unlink()
        path.write_text("1\n")
        service.stop()
        check("what somebody else has put there stays", path.read_text() == "1\n")
        path.unlink()
        path.mkdir()
        refuses("a folder is none", r"httpd: --pid-file .*/pid: exists and holds no process number: .*\n")
        path = service.folder / "none" / "pid"
        refuses("no folder", r"httpd: --pid-file .*/pid: No such file or directory\n")
        log = service.folder / "errors"
        refuses("nothing on stderr, where there is an error log", "", "--error-log", log)
        check("but there", re.fullmatch(r".* \[error\] \d+: --pid-file .*/pid: No such file or directory\n", log.read_text()), log.read_text())


def test_daemon():
    with Service(HTTPD) as service:
        command = [service.binary, "--daemon", "-r", "site", "--pid-file", "pid"]

        def run(*arguments, **more):
            return subprocess.run([*command, *arguments], cwd=service.folder, stdin=subprocess.DEVNULL, timeout=LIMIT, text=True, **more)

        done = run("-l", "127.0.0.1:0", capture_output=True)  # which ends only when nobody holds the pipes any more
        service.pid = int((service.folder / "pid").read_text())
        match = re.search(r"http://127\.0\.0\.1:(\d+)/", done.stderr)
        if check("the command ends with 0, having said where", done.returncode == 0 and match, done.stderr):
            service.port = int(match[1])
            check("it serves", service.ask() == 200)
        check("in a session that it doesn't lead", os.getsid(service.pid) not in (service.pid, os.getsid(0)))
        check("with nothing of the terminal's", {os.readlink(f"/proc/{service.pid}/fd/{i}") for i in range(3)} == {"/dev/null"})
        other = run("-l", f"127.0.0.1:{service.port}", capture_output=True)
        check("one that can't serve ends with 1 and says why", other.returncode == 1 and "is in use by" in other.stderr, other.stderr)
        other = run("-p", "x", capture_output=True)
        check("a mistake with 2", other.returncode == 2 and other.stderr.count("\n") == 1, other.stderr)
        before = service.pid
        service.signal(signal.SIGUSR2)
        check("it ends with 0 for a successor", exit_status(before) == 0)
        service.pid = int((service.folder / "pid").read_text())
        check("whose number is in the file", service.pid != before)
        check("which serves", service.ask() == 200)
        check("and ends with 0", service.stop() == 0)
        check("the file is gone", not (service.folder / "pid").exists())
        with open(service.log, "ab") as log:
            done = run("-l", "127.0.0.1:0", stdout=log, stderr=log)
        service.pid = int((service.folder / "pid").read_text())
        service.await_banner()
        before = service.upgrade()
        check("what goes to a file goes on there", done.returncode == 0 and exit_status(before) == 0)
        check("and ends with 0", service.stop() == 0)


def test_container():
    """As process 1 it can't be replaced, and says so."""
    with Service(HTTPD) as service:
        service.install(f"#!/bin/sh\nexec unshare --pid --fork --mount-proc --kill-child {service.real} \"$@\"\n")
        service.start("-l", "127.0.0.1:0", wait=False)
        if not until(lambda: "serving" in service.said() or "unshare:" in service.said()) or "unshare:" in service.said():
            print("container: left out: no right to make a name space")
            pid, service.pid = service.pid, None
            exit_status(pid)
            return
        service.await_banner()
        children = pathlib.Path(f"/proc/{service.pid}/task/{service.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGUSR2)
        service.await_line(r"^httpd: SIGUSR2 is ignored: with process 1 its container ends: .*\n")
        check("it goes on", service.ask() == 200)


def main():
    adopt_orphans()
    tests = {name[5:]: test for name, test in globals().items() if name.startswith("test_")}
    for name in sys.argv[2:] or tests:
        try:
            tests[name]()
        except Exception:  # the others are run all the same
            check(name, False, traceback.format_exc())
        print(f"{name}: done", flush=True)
    finish()


if __name__ == "__main__":
    main()
