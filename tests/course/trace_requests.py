#!/usr/bin/env python3
"""The system calls of one connection in a model, as strace(1) sees them, made readable.

    trace_requests.py HTTPD [MODEL ...]

A and C are connected and idle (not with blocking, which has one place). B connects, asks for a file of 1 KiB, asks again,
and leaves; returns, and stalls: asks for much and reads nothing. Each scene lasts from when the server wakes to when it
sleeps again. The files are in the cache by then, of a worker; a process of -m fork has its own, which is empty.
Descriptors are given names, what differs from run to run is "…", and what every call on a line has in common is left out.
With uring, what the ring is told and tells stands between the calls; strace can't see it: it is from --trace. The sandbox
is off: its calls at the start of a process are another subject."""

import re
import sys

sys.dont_write_bytecode = True
from play import SCENES, Play

MODELS = "blocking fork thread nonblocking select poll epoll-lt epoll-et coroutine uring".split()

# ---- What was seen, made readable

C_LIBRARY = "set_robust_list rseq rt_sigprocmask madvise futex mmap munmap mprotect gettid".split()
LOADING = "openat2 openat newfstatat fstat statx getdents64 pread64 preadv2 readlinkat cachestat".split()


class Names:
    """Of descriptors, as they are opened and closed in one process, and of what epoll gives back."""

    def __init__(self, ports, before=None):
        self.ports = ports
        self.by_fd = dict(before.by_fd) if before else {}
        self.by_data = dict(before.by_data) if before else {}

    def learn(self, call, arguments, result):
        opens = {"epoll_create1": "set", "io_uring_setup": "ring", "eventfd2": "wake"}
        if call == "accept4" and result.isdigit():
            port = re.search(r"sin_port=htons\((\d+)\)", arguments)
            self.by_fd[result] = self.ports.get(int(port[1]), "W") if port else "W"
        elif call in opens and result.isdigit():
            self.by_fd[result] = opens[call]
        elif call == "listen":
            self.by_fd[arguments.split(",")[0]] = "door"
        elif call == "epoll_ctl" and "data={" in arguments:
            self.by_data[re.search(r"u64=(\d+)", arguments)[1]] = self.name(arguments.split(", ")[2])

    def name(self, fd):
        return self.by_fd.get(fd, fd)


def short(call, arguments, names):
    """A call's arguments."""
    text = arguments
    text = re.sub(r'"((?:[^"\\]|\\.)*?)(?:\\r\\n[^"]*)?"(?:\.\.\.)?',
                  lambda found: f'"{found[1].split(" HTTP/1.1")[0]}"' + ("…" if len(found[0]) > len(found[1]) + 2 else ""),
                  text)
    text = re.sub(r"\{fd=(\d+), r?events=POLLIN\}", lambda found: names.name(found[1]), text)
    text = re.sub(r"\{fd=(\d+),", lambda found: f"{{fd={names.name(found[1])},", text)
    text = re.sub(r'"xxxx+"…, \d+', "…", text)  # what is left of a file
    text = re.sub(r"data=\{u32=\d+, u64=(\d+)\}", lambda found: "data=" + names.by_data.get(found[1], "?"), text)
    if call == "ppoll":
        text = re.sub(r"tv_sec=0, |, NULL, 8", "", text)
    if call == "io_uring_enter":
        text = re.sub(r"IORING_ENTER_|, 24$", "", text)
    if call in ("poll", "epoll_wait"):
        text = re.sub(r", (?:-1|\d+)$", ", …", text)
    if call == "pselect6":
        text = re.sub(r"\[([\d ]+)\]", lambda found: "[" + " ".join(map(names.name, found[1].split())) + "]", text)
        text = re.sub(r"\{tv_sec=[^}]*\}", "…", re.sub(r"^\d+", "highest+1", text))
    if call == "accept4":
        text = re.sub(r", .*, (SOCK_)", r", …, \1", text)
    if call in ("recvfrom", "sendto"):
        text = re.sub(r", NULL, (NULL|0)$", "", text)
    if call in ("clone", "clone3"):
        return "…" + ("SIGCHLD" if "SIGCHLD" in text else "CLONE_THREAD") + "…"
    if call == "getsockopt":
        return re.sub(r"^(\d+), (\w+), (\w+), .*", lambda f: f"{names.name(f[1])}, {f[2]}, {f[3]}, …", text)
    if call == "setsockopt":
        return re.sub(r"^(\d+), SOL_SOCKET, (\w+?)(_OLD)?, .*", lambda f: f"{names.name(f[1])}, SOL_SOCKET, {f[2]}, …", text)
    text = re.sub(r"\b0x[0-9a-f]+\b", "…", text)
    return re.sub(r"^\d+(?=$|, )", lambda found: names.name(found[0]),
                  re.sub(r"(EPOLL_CTL_\w+), (\d+)", lambda found: f"{found[1]}, {names.name(found[2])}", text))


def outcome(call, result, names):
    result = re.sub(r" \((?!in |\[)[^)]*\)$", "", result)  # what EAGAIN means
    result = re.sub(r"\{fd=(\d+), revents=POLLIN\}", lambda found: names.name(found[1]), result)
    if call in ("accept4", "eventfd2"):
        return names.name(result)
    if call in ("clone", "clone3", "wait4", "getppid") and result.split(" ")[0].isdigit() and result != "0":
        return "pid"
    if call in ("clone3",):
        return "pid"
    if call == "pselect6":
        result = re.sub(r"\[(\d+)\]", lambda found: f"[{names.name(found[1])}]", result)
        result = re.sub(r", left \{[^}]*\}", "", result)
    return result.replace("? ERESTART_RESTARTBLOCK", "interrupted").replace("?", "")


def lines_of(play, pid, before=None, born=None):
    """Of one process (offset in its log, call, text); notes in born what was known of descriptors when each child began."""
    names, offset, lines, known = Names(play.ports, before), 0, [], []
    for line in play.texts[pid].splitlines(keepends=True):
        found = re.match(r"(\w+)\((.*)\)\s+= (.*)\n", line)
        if found:
            call, arguments, result = found[1], found[2], found[3].replace(" (Timeout)", "")
            names.learn(call, arguments, result)
            if call in ("clone", "clone3") and born is not None:
                born[int(result.split(" ")[-1])] = Names(play.ports, names)
            text = f"{call}({short(call, arguments, names)})"
            told = outcome(call, result, names)
            lines.append((offset, call, text + (f" = {told}" if told else "")))
            if call == "close":
                names.by_fd.pop(arguments, None)
            known.append((offset, dict(names.by_fd)))
        elif line.startswith("--- SIGCHLD"):
            lines.append((offset, "signal", "--- SIGCHLD ---"))
        offset += len(line)
    return lines, known


def without_noise(lines):
    """Leaves out what the C library does for itself, and tells in a line what it takes to load a file."""
    kept, loading = [], False
    for call, text in lines:
        if call in LOADING or (call == "close" and loading):
            loading = True
            continue
        if loading:
            kept.append(("load", "… the file is found, looked at and read: openat2, newfstatat, and others"))
            loading = False
        if call not in C_LIBRARY:
            kept.append((call, text))
    return kept


def sweeps(lines):
    """The nap before something happens, what happens, and the next two naps."""
    chunks, chunk = [], []
    for call, text in lines:
        chunk.append((call, text))
        if call == "ppoll":
            chunks.append(chunk)
            chunk = []
    longest = "tv_nsec=10000000"
    busy = next(i for i, chunk in enumerate(chunks) if i > 0 and longest not in chunk[-1][1])
    return [chunks[busy - 1][-1], *chunks[busy], *chunks[busy + 1], ("", "… each nap twice as long, up to 10 ms")]


def last_sweep(lines):
    naps = [i for i, (call, _) in enumerate(lines) if call == "ppoll"]
    return lines[naps[-2] + 1:naps[-1] + 1]


def stalled(lines):
    """What follows on the last that is sent; with uring, that it is under way."""
    last = max(i for i, (call, _) in enumerate(lines) if call in ("sendto", "sendmsg", "submit"))
    return [("", "… as much is sent as the socket takes"), *lines[last + (lines[last][0] != "submit"):]]


def under_way(play, cut, known):
    """The call that it sleeps in."""
    offset, text = cut
    names = Names(play.ports)
    names.by_fd = next((by_fd for at, by_fd in reversed(known) if at < offset), {})
    call, _, arguments = text.partition("(")
    if not arguments and not call:
        return []
    told = short(call, arguments.rstrip(", "), names) if arguments else ""
    if call == "poll":
        told = re.sub(r"(\], \d+).*", r"\1, …", told)
    elif call in ("epoll_wait", "recvfrom"):
        told += ", …"
    return [("waits", f"{call}({told})")]


def ring_told(play):
    """What the ring is told and tells of B, before each io_uring_enter and after it: [(told, heard)], by its number."""
    events = [event for event in play.ring if "ts" in event]
    enters = sorted((event["ts"], event["ts"] + event["dur"]) for event in events if event["name"] == "io_uring_enter")
    track = {}
    heard = [[] for _ in range(len(enters) + 1)]
    for event in sorted(events, key=lambda event: event["ts"]):
        if event.get("cat") != "ring" or event["ph"] not in "bne":
            continue
        number = sum(end <= event["ts"] for _, end in enters)
        what, result = event["name"], event.get("args", {}).get("result")
        track.setdefault(event["tid"], len(track))
        client = "ACB"[track[event["tid"]]]  # by the places that they take; A has that of whoever was there before
        what = what.replace("sendmsg", "send")
        submits = event["ph"] == "b"
        text = f"submit: {what} {client}" if submits else f"done:   {what} {client} = {result}"
        heard[number].append(("submit" if submits else "done", "    " + text))
    return heard


def scenes(httpd, model):
    """{scene: [(who, [(call, text)])]}: the process or thread that has the door comes first where it is the first to do
    something."""
    play = Play(httpd, model)
    born, told = {}, {}
    told[play.main] = lines_of(play, play.main, None, born)
    for pid in play.texts:
        if pid != play.main:
            told[pid] = lines_of(play, pid, born.get(pid))
    heard, entered = ring_told(play) if model == "uring" else [], 0
    result = {}
    for number, scene in enumerate(SCENES):
        parts = []
        for pid in sorted(play.texts, key=lambda pid: (pid == play.main) == (scene != "connects")):
            if pid not in play.cuts[number + 1]:
                continue  # isn't born yet
            first = play.cuts[number].get(pid, (0, ""))[0]
            last = play.cuts[number + 1][pid]
            lines, known = told[pid]
            seen = [(call, text) for offset, call, text in lines if first <= offset < last[0]]
            if not seen:
                continue
            if model == "nonblocking" and scene == "stalls":
                seen = [("", "… as much is sent as the socket takes"), *last_sweep(seen)]
            elif model == "nonblocking":
                seen = sweeps(seen)
            elif model == "uring":
                before = sum(call == "io_uring_enter" for offset, call, _ in lines if offset < first)
                seen = with_ring(seen, heard, before)
            seen = without_noise(seen)
            if scene == "stalls" and model != "nonblocking":
                seen = stalled(seen)
            if not model == "nonblocking":
                seen += under_way(play, last, known)
            who = "" if len(play.texts) == 1 or model not in ("fork", "thread") else \
                {"fork": ("the parent", "B’s process"), "thread": ("the accepting thread", "B’s thread")}[model][pid != play.main]
            parts.append((who, seen))
        result[scene] = parts
    return result


def with_ring(lines, heard, entered):
    """What is done is heard when a call returns; what is submitted goes with the next."""
    told, submitted = [], []
    for call, text in lines:
        if call == "io_uring_enter":
            told += submitted
            submitted = [line for line in heard[entered + 1] if line[0] == "submit"]
            told += [(call, text)] + [line for line in heard[entered + 1] if line[0] == "done"]
            entered += 1
        else:
            told.append((call, text))
    return told + submitted


def as_text(parts):
    """A scene in lines; who sleeps at its end, and where, is marked by a `~`."""
    lines = []
    for who, calls in parts:
        lines += [f"# {who}"] if who else []
        lines += [("~" if call == "waits" else "") + text for call, text in calls]
    return "\n".join(lines)


def main():
    for model in sys.argv[2:] or MODELS:
        for scene, parts in scenes(sys.argv[1], model).items():
            print(f"== {model}: B {scene}\n{as_text(parts)}\n")


if __name__ == "__main__":
    main()
