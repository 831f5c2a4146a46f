"""A server with a life of its own: its processes replace each other, so they are followed, not waited for as children."""

import ctypes
import fcntl
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

LIMIT = 60  # seconds that nothing here takes, however loaded the machine is
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
failures = []


def check(what, ok, more=""):
    """Counts a failure, and tells it, unless ok."""
    if not ok:
        failures.append(what)
        print(f"FAILED: {what}{': ' if more else ''}{more}", flush=True)
    return ok


def adopt_orphans():
    """What a server's process leaves behind becomes a child of this test, which so learns how it ends."""
    assert libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def until(condition, seconds=LIMIT):
    """Looks again and again; the last answer."""
    end = time.monotonic() + seconds
    while not (answer := condition()) and time.monotonic() < end:
        time.sleep(0.005)
    return answer


def exit_status(pid, seconds=LIMIT):
    """Of a process that is a child of this one, or becomes one; None: it doesn't end."""
    def ended():
        try:
            done, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:  # its parent has still to end
            return None
        return (os.waitstatus_to_exitcode(status),) if done else None

    answer = until(ended, seconds)
    return answer[0] if answer else None


class Watched:
    """A process of which it will be known how it ended, whoever reaps it: from Linux 6.15 on. Before, of who is reaped by
    another than this test it isn't."""
    GET_INFO, EXITED, INFO = 0xC040FF0B, 8, "QQ11Ii"

    def __init__(self, pid):
        self.pid, self.fd = pid, os.pidfd_open(pid)

    def ended(self):
        """None: not yet. Else (status,), which is None where it isn't known."""
        status = exit_status(self.pid, 0)
        if status is not None:
            return (status,)
        info = bytearray(struct.pack(self.INFO, self.EXITED, *[0] * 13))
        try:
            fcntl.ioctl(self.fd, self.GET_INFO, info)
        except OSError:  # it was reaped, or the kernel can't tell
            return None if os.path.exists(f"/proc/{self.pid}") else (None,)
        mask, *_, code = struct.unpack(self.INFO, info)
        return (os.waitstatus_to_exitcode(code),) if mask & self.EXITED else None


class Service:
    """A folder with a program that can be replaced, a site and a server's output."""

    def __init__(self, binary):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="upgrade."))
        self.binary = self.folder / "httpd"
        self.real = pathlib.Path(binary).resolve()
        self.log = self.folder / "log"
        self.config = self.folder / "config"
        (self.folder / "site").mkdir()
        (self.folder / "site" / "index.html").write_text("a page\n")
        (self.folder / "site" / "file.txt").write_text("a file\n")
        self.config.write_text("")
        self.pid = self.port = None
        self.seen = 0  # characters of the log
        self.install()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        while left := self.processes():
            for pid in left:  # a steward ends with its server
                os.kill(pid, signal.SIGKILL)
                exit_status(pid)
        shutil.rmtree(self.folder)

    def processes(self):
        """Those that were started with this folder; where a test has failed, others than self.pid. Orphans are children of
        this test's."""
        children = pathlib.Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        return [int(pid) for pid in children if self.is_ours(pid)]

    def is_ours(self, pid):
        try:
            return str(self.folder) in pathlib.Path(f"/proc/{pid}/cmdline").read_text()
        except OSError:
            return False

    def install(self, script=None):
        """Puts the program, or a script, in its place at once, as a package manager does."""
        draft = self.folder / "draft"
        if script is None:
            os.link(self.real, draft) if self.real.stat().st_dev == self.folder.stat().st_dev else shutil.copy(self.real, draft)
        else:
            draft.write_text(script)
            draft.chmod(0o755)
        draft.rename(self.binary)

    def start(self, *arguments, env=None, pass_fds=(), wait=True):
        self.log.touch()
        self.seen = len(self.said())
        with open(self.log, "ab") as log:
            process = subprocess.Popen(
                [self.binary, "-r", self.folder / "site", "--config", self.config, *arguments], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=env, pass_fds=pass_fds,
                preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))
        self.pid = process.pid
        process.returncode = 0  # it is waited for here
        if wait:
            self.await_banner()
        return self

    def said(self):
        return self.log.read_text()

    def await_line(self, pattern, seconds=LIMIT):
        """The first match behind what was awaited before."""
        match = until(lambda: re.search(pattern, self.said()[self.seen:], re.M), seconds)
        assert match, f"nothing like {pattern!r} in: {self.said()[self.seen:]!r}"
        self.seen += match.end()
        return match

    def await_banner(self):
        self.await_line(r"^httpd: serving .*\n")
        self.port = int(self.await_line(r"^  (?:http://\S*:(\d+)/.*|unix:.*)\n")[1] or 0)

    def signal(self, number):
        os.kill(self.pid, number)

    def upgrade(self):
        """The pid of the process that is left behind."""
        before = self.pid
        self.signal(signal.SIGUSR2)
        self.pid = int(self.await_line(r"^httpd: SIGUSR2: process (\d+) serves; .*\n")[1])
        return before

    def stop(self):
        pid, self.pid = self.pid, None
        os.kill(pid, signal.SIGTERM)
        return exit_status(pid)

    def ask(self, address=None, request=b"GET /file.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"):
        """The status of a whole exchange; 0: nobody is there, or answers."""
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        with socket.socket(family) as client:
            client.settimeout(LIMIT)
            try:
                client.connect(address or ("127.0.0.1", self.port))
                client.sendall(request)
                return read_status(client)
            except OSError:
                return 0


def read_status(client):
    answer = b""
    while part := client.recv(4096):
        answer += part
    return int(answer.split()[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def finish():
    print(f"{len(failures)} failed", flush=True)
    sys.exit(1 if failures else 0)
