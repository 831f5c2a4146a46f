#!/usr/bin/env python3
"""The classic mistakes that belong to the models, each made on purpose, and how it isn't made: a few lines each.

    bugs.py [NAME ...]

Prints what was seen. Exits 0 when all is as the course says, 1 when something isn't."""

import ctypes
import errno
import mmap
import os
import resource
import select
import signal
import socket
import struct
import sys
import tempfile
import time

EPOLLEXCLUSIVE = 1 << 28


def herd():
    """Eight processes wait at one door, and one client comes."""
    def in_epoll(flags):
        def prepare(door):
            door_set = select.epoll()
            door_set.register(door, select.EPOLLIN | flags)
            return lambda: door_set.poll(10)
        return prepare

    def woken(prepare):
        with socket.create_server(("127.0.0.1", 0)) as door:
            told, tell = os.pipe()
            children = []
            for _ in range(8):
                pid = os.fork()
                if pid == 0:
                    wait = prepare(door)
                    os.write(tell, b"r")
                    if wait():
                        os.write(tell, b"w")
                    signal.pause()
                children.append(pid)
            ready = 0
            while ready < 8:
                ready += len(os.read(told, 8))
            with socket.create_connection(door.getsockname()):
                count, end = 0, time.monotonic() + 0.3  # to be sure that nobody else is woken
                while (left := end - time.monotonic()) > 0 and count < 8:
                    if select.select([told], [], [], left)[0]:
                        count += len(os.read(told, 8))
            for pid in children:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            os.close(told)
            os.close(tell)
            return count
    plain, exclusive, accepting = woken(in_epoll(0)), woken(in_epoll(EPOLLEXCLUSIVE)), woken(lambda door: door.accept)
    assert plain == 8 and 1 <= exclusive < 8 and accepting == 1, (plain, exclusive, accepting)
    return f"one client wakes {plain} of 8 processes in epoll_wait, with EPOLLEXCLUSIVE {exclusive}; in accept {accepting}"


def edge():
    """Ten bytes come, four are read, and the program waits for the rest."""
    def told_again(flags):
        ours, theirs = socket.socketpair()
        with ours, theirs, select.epoll() as ours_set:
            ours_set.register(ours, select.EPOLLIN | flags)
            theirs.send(b"0123456789")
            assert ours_set.poll(1)
            ours.recv(4)
            return bool(ours_set.poll(0.05))
    level, edge_triggered = told_again(0), told_again(select.EPOLLET)
    assert level and not edge_triggered
    return "six bytes are left: level-triggered epoll says so again, edge-triggered never does"


def writable():
    """A socket that has room, which is nearly always, is watched for room."""
    def times(flags):
        ours, theirs = socket.socketpair()
        with ours, theirs, select.epoll() as ours_set:
            ours_set.register(ours, select.EPOLLOUT | flags)
            return sum(bool(ours_set.poll(0.001)) for _ in range(100))
    level, edge_triggered = times(0), times(select.EPOLLET)
    assert level == 100 and edge_triggered == 1, (level, edge_triggered)
    return f"of 100 waits {level} return at once level-triggered, {edge_triggered} edge-triggered"


def setsize():
    """A descriptor beyond FD_SETSIZE, in a set."""
    low, other = os.pipe()
    high = os.dup2(low, 1024)
    try:
        select.select([high], [], [], 0)
        refused = False
    except ValueError:  # Python looks; FD_SET in C writes beyond the set
        refused = True
    poll = select.poll()
    poll.register(high, select.POLLIN)
    os.write(other, b"x")
    by_poll = poll.poll(0)
    for fd in (low, other, high):
        os.close(fd)
    assert refused and by_poll == [(1024, select.POLLIN)]
    return "descriptor 1024 fits in no fd_set; poll takes it"


def scan():
    """One of very many connections has something to say."""
    count = 4000
    low, other = os.pipe()
    idle, idle_end = os.pipe()
    fds = [os.dup(idle) for _ in range(count)]
    os.write(other, b"x")

    def least(wait):
        best = 1.0
        for _ in range(20):
            began = time.perf_counter()
            assert len(wait(0)) == 1
            best = min(best, time.perf_counter() - began)
        return 1e6 * best

    def both(watched):
        poll, in_kernel = select.poll(), select.epoll()
        for fd in (low, *watched):
            poll.register(fd, select.POLLIN)
            in_kernel.register(fd, select.EPOLLIN)
        with in_kernel:
            return least(poll.poll), least(in_kernel.poll)
    few, many = both(fds[:40]), both(fds)
    for fd in (low, other, idle, idle_end, *fds):
        os.close(fd)
    assert many[0] > 10 * few[0] and many[1] < 5 * few[1], (few, many)
    return f"40 idle ones and {count}: poll {few[0]:.1f} and {many[0]:.1f} µs, epoll {few[1]:.1f} and {many[1]:.1f} µs"


def zombie():
    """A child ends, and nobody asks how."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # it has ended; that is all we want to know
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        state = stat.read().rsplit(")", 1)[1].split()[0]
    os.waitpid(pid, 0)
    assert state == "Z" and not os.path.exists(f"/proc/{pid}")
    return "until it is waited for, it is a zombie, and holds its number"


def file():
    """A file on a disk is asked whether it is ready."""
    with tempfile.TemporaryFile() as ours, select.epoll() as ours_set:
        poll = select.poll()
        poll.register(ours, select.POLLIN)
        always = poll.poll(0)
        try:
            ours_set.register(ours, select.EPOLLIN)
            refused = 0
        except OSError as error:
            refused = error.errno
    assert always and refused == errno.EPERM
    return "poll says always, wherever its bytes are; epoll refuses it: EPERM"


def overflow():
    """More is completed than the completion ring holds."""
    libc, setup, enter, sq_count, cq_count = ctypes.CDLL(None, use_errno=True), 425, 426, 4, 8
    params = bytearray(120)
    struct.pack_into("III", params, 0, 0, cq_count, 1 << 3)  # IORING_SETUP_CQSIZE
    buffer = (ctypes.c_char * 120).from_buffer(params)
    fd = libc.syscall(setup, sq_count, buffer)
    if fd < 0:
        return f"left out: io_uring can't be had here ({os.strerror(ctypes.get_errno())})"
    features = struct.unpack_from("I", params, 20)[0]
    sq = struct.unpack_from("6I", params, 40)  # head, tail, mask, entries, flags, dropped
    array = struct.unpack_from("I", params, 64)[0]
    cq = struct.unpack_from("6I", params, 80)  # head, tail, mask, entries, overflow, cqes
    rings = mmap.mmap(fd, max(array + 4 * sq_count, cq[5] + 16 * cq_count), mmap.MAP_SHARED)
    sqes = mmap.mmap(fd, 64 * sq_count, mmap.MAP_SHARED, offset=0x10000000)

    def word(offset):
        return struct.unpack_from("I", rings, offset)[0]

    def submit(count):
        for i in range(count):  # entries of zeroes are IORING_OP_NOP
            struct.pack_into("I", rings, array + 4 * i, i)
        struct.pack_into("I", rings, sq[1], word(sq[1]) + count)
        assert libc.syscall(enter, fd, count, 0, 0, None, 0) == count

    def reap():
        count = word(cq[1]) - word(cq[0])
        struct.pack_into("I", rings, cq[0], word(cq[1]))
        return count

    for _ in range(4):
        submit(sq_count)
    flagged, first = bool(word(sq[4]) & 2), reap()  # IORING_SQ_CQ_OVERFLOW
    libc.syscall(enter, fd, 0, 0, 1, None, 0)  # IORING_ENTER_GETEVENTS: what was kept for us
    second = reap()
    os.close(fd)
    assert features & 2 and flagged and (first, second) == (8, 8), (features, flagged, first, second)
    return f"16 done, {cq_count} places: {first} are found there, a flag is up, and {second} come at the next call"


BUGS = {bug.__name__: bug for bug in (herd, edge, writable, setsize, scan, zombie, file, overflow)}


def main():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit, 65536), limit))
    failed = False
    for name in sys.argv[1:] or BUGS:
        try:
            print(f"{name}: {BUGS[name]()}", flush=True)
        except AssertionError as error:
            failed = True
            print(f"{name}: not as the course says: {error}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
