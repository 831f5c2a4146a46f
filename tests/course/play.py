"""The scene that the course's traces are taken of: a server under strace(1), and what its clients do."""

import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import time

SCENES = "connects", "asks", "again", "leaves", "returns", "stalls"
REQUEST = b"GET /probe.txt HTTP/1.1\r\nHost: localhost\r\n\r\n"
MUCH = REQUEST.replace(b"probe", b"page") * 64  # of 30 KiB
LIMIT = 10  # seconds for each thing that is waited for


class CantServe(Exception):
    """It has said why."""


class Server:
    """Under strace, which writes a file for each thread and process."""

    def __init__(self, httpd, model, folder):
        self.folder, self.model, self.settled = folder, model, None
        (folder / "root").mkdir()
        (folder / "root" / "probe.txt").write_bytes(b"x" * 1024)
        (folder / "root" / "page.txt").write_bytes(b"x" * 30 * 1024)
        self.ring = folder / "ring.json" if model == "uring" else None
        self.strace = subprocess.Popen(
            ["strace", "-ff", "-o", folder / "calls", httpd, "-q", "-l", "127.0.0.1:0", "-r", folder / "root", "-m", model,
             "--no-sandbox", *(["--trace", self.ring] if self.ring else [])],
            stdout=subprocess.PIPE, text=True)
        url = self.strace.stdout.readline()
        if not url:
            self.strace.wait(LIMIT)
            raise CantServe(f"{model} can't be had here")
        self.port = int(url.strip().rstrip("/").rsplit(":", 1)[1])
        self.pid = int(pathlib.Path(f"/proc/{self.strace.pid}/task/{self.strace.pid}/children").read_text().split()[0])

    def stop(self):
        os.kill(self.pid, 15)
        self.strace.wait(LIMIT)
        self.strace.stdout.close()

    def kill(self):
        if self.strace.poll() is None:
            os.kill(self.pid, 9)
            self.stop()

    def logs(self):
        return {int(path.suffix[1:]): path for path in self.folder.glob("calls.*")}

    def serving(self):
        """Its threads, and the processes of clients; not the steward's and the tracer's."""
        tasks = {int(path.name) for path in pathlib.Path(f"/proc/{self.pid}/task").iterdir()}
        if self.model == "fork":
            children = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
            tasks |= {int(child) for child in children}
        return tasks

    def done(self):
        """What each has done so far; of nonblocking's naps, those that come after something has moved."""
        if self.model == "nonblocking":
            return self.logs()[self.pid].read_bytes().count(b"tv_nsec=50000}")
        return {pid: path.stat().st_size for pid, path in self.logs().items() if pid in self.serving()}

    def asleep(self):
        """Each thread sleeps in a call that strace has told the beginning of."""
        if self.model == "nonblocking":
            naps = re.findall(rb"^ppoll\(.*tv_nsec=(\d+)", self.logs()[self.pid].read_bytes(), re.M)
            return naps[-3:] == [b"10000000"] * 3  # the longest
        logs = self.logs()
        for pid in self.serving():
            text = logs[pid].read_bytes() if pid in logs else b""
            if not text or text.endswith(b"\n") or state_of(pid) != "S":
                return False
        return True

    def settle(self):
        """Waits until it has done something since the last time, and has nothing to do for a moment."""
        end, before = time.monotonic() + LIMIT, None
        while True:
            now = self.done()
            if self.asleep() and now == before != self.settled:
                self.settled = now
                return
            assert time.monotonic() < end and self.strace.poll() is None, f"{self.model} doesn't come to rest"
            before = now
            time.sleep(0.02)  # the moment

    def connect(self):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # what isn't read fills it soon
        client.settimeout(LIMIT)
        client.connect(("127.0.0.1", self.port))
        self.settle()
        return client


def state_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return None  # it has ended


def ask(client, request=REQUEST, size=1024):
    client.sendall(request)
    answer = b""
    while not answer.endswith(b"x" * size):
        piece = client.recv(65536)
        assert piece, answer
        answer += piece


def marks(server):
    """Of each log, where the call begins that is under way, and what is told of it so far. nonblocking never sleeps for
    long: there it is the nap."""
    def mark(text):
        at = text.rfind("\nppoll(" if server.model == "nonblocking" else "\n") + 1
        return at, text[at:]
    return {pid: mark(path.read_text(errors="replace")) for pid, path in server.logs().items()}


class Play:
    """What was seen: all that strace wrote by process, where the scenes begin and end in it, and who is who."""

    def __init__(self, httpd, model):
        self.model = model
        with tempfile.TemporaryDirectory() as name:
            server = Server(httpd, model, pathlib.Path(name))
            try:
                self._act(server)
                server.stop()
                self.ring = json.loads(server.ring.read_text())["traceEvents"] if server.ring else []
            finally:
                server.kill()

    def _act(self, server):
        with socket.create_connection(("127.0.0.1", server.port), LIMIT) as earlier:
            ask(earlier)  # from now on the files are in the cache
            ask(earlier, MUCH[:len(MUCH) // 64], 30 * 1024)
        server.settle()
        clients = {name: server.connect() for name in ("" if self.model == "blocking" else "AC")}
        self.cuts = [marks(server)]
        clients["B"] = speaker = server.connect()
        self.cuts.append(marks(server))
        for _ in range(2):
            ask(speaker)
            server.settle()
            self.cuts.append(marks(server))
        names = {client.getsockname()[1]: name for name, client in clients.items()}
        self.main, serving = server.pid, server.serving()
        speaker.close()
        end = time.monotonic() + LIMIT
        while self.model in ("fork", "thread") and serving == server.serving():  # who served it ends
            assert time.monotonic() < end
            time.sleep(0.01)
        server.settle()
        self.cuts.append(marks(server))
        speaker = server.connect()
        self.cuts.append(marks(server))
        speaker.sendall(MUCH)
        server.settle()
        self.cuts.append(marks(server))
        self.ports = {**names, speaker.getsockname()[1]: "B"}
        serving |= server.serving()
        self.texts = {pid: path.read_text(errors="replace") for pid, path in server.logs().items() if pid in serving}
        for client in (speaker, *clients.values()):
            client.close()
