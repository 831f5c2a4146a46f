"""SIGHUP where it isn't a request to reload: nohup's, and a terminal's that goes away."""

import os
import pty
import signal
import subprocess
import time

from reloaded import LIMIT, Kept, Reloaded


def nohup(httpd, model, site):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # which the server inherits
    try:
        server = Reloaded(httpd, model, site.folder, [f"root {site.path('a')}"])
    finally:
        signal.signal(signal.SIGHUP, before)
    with server:
        kept = Kept(server.port)
        count = server.line_count
        server.write([f"root {site.path('b')}"])
        os.kill(server.pid, signal.SIGHUP)
        for _ in range(3):
            assert kept.ask()[1] == b"a index", f"{model}: reloaded"
        assert server.line_count == count, server.output()
        kept.close()


def terminal(httpd, model, site):
    """In the foreground of a terminal that is closed: it ends, as whatever runs there does."""
    pid, master = pty.fork()
    if pid == 0:
        os.execv(httpd, [httpd, "-l", "127.0.0.1:0", "-m", model, "-r", str(site.path("a"))])
    said = b""
    while b"/\r\n" not in said:
        said += os.read(master, 1000)
    os.close(master)
    end = time.monotonic() + LIMIT
    while (ended := os.waitpid(pid, os.WNOHANG))[0] == 0:
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise AssertionError(f"{model}: outlived its terminal")
        time.sleep(0.01)
    assert os.waitstatus_to_exitcode(ended[1]) == 0, f"{model}: {ended}"
