#!/usr/bin/env python3
"""`httpd lab`: each experiment has a row for each model that was asked for; a slow client stops blocking and nobody else;
a machine that is busy with something else is named; nothing is left behind.

    lab.py HTTPD

Exits 0 when all is well, 1 when something failed."""

import contextlib
import glob
import os
import re
import signal
import subprocess
import sys

ROW = re.compile(r"^(\S+) +(\d+) +(\d+) +([\d.]+) +([\d.]+) +([\d.]+) +(\d+) +(\d+) +([\d.]+)  (.+)$", re.M)
MODELS = "blocking", "fork", "thread", "nonblocking", "select", "poll", "epoll-lt", "epoll-et", "coroutine", "uring"
EXPERIMENTS = "slow", "idle", "bulk", "cold", "folder", "flood", "stopped"


def lab(binary, *words):
    return subprocess.run([binary, "lab", *words], capture_output=True, text=True, timeout=120)


def rows(done):
    assert done.returncode == 0 and done.stderr == "", done
    assert "Expected of\n" in done.stdout, done
    assert all(len(line.partition(", which wasn't")[0]) <= 80 for line in done.stdout.splitlines()), done.stdout
    return {row[0]: ([float(figure) for figure in row[1:-1]], row[-1]) for row in ROW.findall(done.stdout)}


@contextlib.contextmanager
def busy_processors():
    with contextlib.ExitStack() as stack:
        for _ in range(os.cpu_count()):
            spinner = stack.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            stack.callback(spinner.kill)
        yield


@contextlib.contextmanager
def begun(*command):
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        while not running.stdout.readline().startswith("model"):
            assert running.poll() is None
        yield running
    finally:
        running.kill()
        running.wait()
        running.stdout.close()


def main():
    binary = sys.argv[1]
    before = set(glob.glob("/var/tmp/httpd-lab-*"))
    done = lab(binary, "slow", "blocking", "thread", "epoll")
    table = rows(done)
    expected = re.findall(r"^  ([\w, -]+): (answered|late|held up)\. ", done.stdout, re.M)
    assert expected == [("blocking", "held up"), ("thread", "answered"), ("epoll-et", "answered")], done.stdout
    assert list(table) == ["blocking", "thread", "epoll-et"], table
    assert table["blocking"][0][:2] == [0, 1] and table["blocking"][1] == "held up", table
    for model in "thread", "epoll-et":
        (answered, unanswered, *_, calls, memory), fate = table[model]
        assert answered > 0 and unanswered == 0 and fate in ("answered", "late"), table
        assert calls >= 3 * answered and memory > 0, table  # accept, recv, send at least
    # What it costs shows: a process each takes memory; whoever tries all of them in turn calls often.
    table = rows(lab(binary, "idle", "fork", "nonblocking", "epoll"))
    memory, calls = ({model: figures[at] for model, (figures, _) in table.items()} for at in (7, 6))
    assert memory["fork"] > memory["epoll-et"] + 5 and calls["nonblocking"] > 5 * calls["epoll-et"], table
    assert rows(lab(binary, "cold", "coroutine"))["coroutine"][0][0] > 0
    with busy_processors():
        others = re.search(r"^Other programs had up to (\d+) %", lab(binary, "slow", "epoll").stdout, re.M)
        assert others and 50 <= int(others[1]) <= 100, others
    for words in ("slow", "nonsense"), ("slow", "idle"):
        done = lab(binary, *words)
        assert done.returncode == 2 and done.stderr.count("\n") == 1 and words[1] in done.stderr, done
    done = lab(binary, "slow", "--help")
    assert done.returncode == 0 and all(name in done.stdout for name in (*EXPERIMENTS, *MODELS)), done
    assert max(map(len, done.stdout.splitlines())) <= 80, done
    # Interrupted, or without a reader, it ends soon, as the signal has it, and cleans up.
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT:
        with begun(binary, "lab") as running:
            running.send_signal(number)
            assert running.wait(10) == -number, number
    with begun("nohup", binary, "lab", "slow", "epoll") as running:
        running.send_signal(signal.SIGHUP)
        assert running.wait(10) == 0
    with begun(binary, "lab", "slow", "blocking", "epoll") as running:
        running.stdout.close()
        assert running.wait(10) in (1, -signal.SIGPIPE)
    with open("/dev/full", "w") as full:
        assert subprocess.run([binary, "lab", "slow", "epoll"], stdout=full, check=False, timeout=10).returncode == 1
    left = set(glob.glob("/var/tmp/httpd-lab-*")) - before
    assert not left, left
    print("ok")


if __name__ == "__main__":
    main()
