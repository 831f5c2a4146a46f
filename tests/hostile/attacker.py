"""A process that makes an attack at the rate it is allowed, over as many connections as it has, again and again."""

import collections
import random
import select
import socket
import time

from honest import FORK
from webdriver import die_with_parent

TICK = 0.02
SEGMENT = 536  # small segments keep the server's socket buffer small, so that it is the server that holds the reply
SHARE = 2048  # of the budget, that one connection takes at once
CONNECT_BYTES = 3 * 60  # what a connection costs on the wire


class Lane:
    """One connection of the attack."""

    def __init__(self, attack, number, port):
        self.attack, self.number, self.port = attack, number, port
        self.socket, self.pending, self.turn = None, b"", 0

    def open(self):
        self.socket = socket.socket()
        self.socket.setblocking(False)
        if not self.attack.reads:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
        self.socket.connect_ex(("127.0.0.1", self.port))
        self.pending = self.attack.payload(self.number, self.turn)
        self.turn += 1

    def events(self):
        return (select.POLLOUT if self.pending else 0) | (select.POLLIN if self.attack.reads else 0)

    def send(self, most):
        sent = self.socket.send(self.pending[:most])
        self.pending = self.pending[sent:]
        if not self.pending and self.attack.reads:
            self.pending = self.attack.payload(self.number, self.turn)
            self.turn += 1
        return sent


class Attacker:
    """Attacks from the moment it is made; `ready` once each connection has sent what it holds."""

    def __init__(self, attack, port, site):
        self.attack, self.port, self.site = attack, port, site
        self.all_sent, self.stopped = FORK.Event(), FORK.Event()
        self.ours, self.theirs = FORK.Pipe(duplex=False)
        self.process = FORK.Process(target=self._run, daemon=True)
        self.process.start()

    def ready(self, failed=lambda: False, limit=3):
        """Returns when it is under way: a server that is busy with its beginning may take long to take all of it."""
        end = time.monotonic() + limit
        while time.monotonic() < end and not failed() and not self.all_sent.wait(TICK):
            pass

    def stop(self):
        """Bytes sent and received, connections made, and for how many seconds."""
        self.stopped.set()
        assert self.ours.poll(10), "the attacker hangs"
        figures = self.ours.recv()
        self.end()
        return figures

    def end(self):
        self.process.kill()
        self.process.join()

    def _run(self):
        die_with_parent()
        self.count = collections.Counter(sent=0, received=0, connections=0)
        self.poller, self.by_fd, self.closed = select.poll(), {}, []
        began = self.last = self.ticked = time.monotonic()
        self.budget = self.attack.rate / 2
        self.closed = [Lane(self.attack, number, self.port) for number in range(self.attack.connections)]
        while not self.stopped.is_set():
            self._pay()
            self._open_closed()
            moving = self.poller.poll(TICK * 1000)
            random.shuffle(moving)  # the budget is for all
            for fd, events in moving:
                self._move(self.by_fd[fd], events)
        self.theirs.send({**self.count, "seconds": time.monotonic() - began})

    def _pay(self):
        """The budget grows with time, by half a second's at most."""
        now = time.monotonic()
        self.budget = min(self.budget + self.attack.rate * (now - self.last), self.attack.rate / 2)
        self.last = now
        if self.attack.tick and now - self.ticked >= TICK:
            self.ticked = now
            self.attack.tick(self.site)
        if self.budget < 1:
            time.sleep(TICK / 4)

    def _open_closed(self):
        while self.closed and self.budget > 0:
            lane = self.closed.pop()
            lane.open()
            self.budget -= CONNECT_BYTES
            self.count["connections"] += 1
            self.by_fd[lane.socket.fileno()] = lane
            self.poller.register(lane.socket, lane.events())

    def _close(self, lane):
        self.poller.unregister(lane.socket)
        del self.by_fd[lane.socket.fileno()]
        lane.socket.close()
        self.closed.append(lane)

    def _move(self, lane, events):
        try:
            if events & (select.POLLHUP | select.POLLERR):
                raise ConnectionResetError
            if events & select.POLLIN:
                got = len(lane.socket.recv(1 << 18))
                self.count["received"] += got
                if not got:
                    raise ConnectionResetError
            if events & select.POLLOUT and self.budget >= 1:
                sent = lane.send(min(int(self.budget), SHARE))
                self.budget -= sent
                self.count["sent"] += sent
                self._mark(lane)
        except BlockingIOError:
            pass
        except OSError:
            self._close(lane)

    def _mark(self, lane):
        self.poller.modify(lane.socket, lane.events())
        if not self.all_sent.is_set() and not self.closed and all(
                other.turn > 1 or not other.pending for other in self.by_fd.values()):
            self.all_sent.set()
