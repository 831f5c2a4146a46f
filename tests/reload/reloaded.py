"""A server whose configuration is a file that is rewritten and read again, and a client that keeps its connection."""

import http.client
import os
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from webdriver import Server, Child  # noqa: E402

LIMIT = 20  # seconds that anything may take


class Reloaded(Server):
    """`lines`: of its configuration file."""

    def __init__(self, binary, model, folder, lines, *options, **how):
        self.model, self.config = model, pathlib.Path(folder, f"{model}.conf")
        self.write(lines)
        argv = [binary, "-l", "127.0.0.1:0", "-m", model, "--config", str(self.config), *options]
        Child.__init__(self, argv, r"http://127\.0\.0\.1:(\d+)/", **how)
        self.port = int(self.match[1])

    def write(self, lines):
        fresh = self.config.with_suffix(".fresh")
        fresh.write_text("".join(f"{line}\n" for line in lines))
        fresh.rename(self.config)

    def said_since(self, count):
        return list(self.tail)[len(self.tail) - (self.line_count - count):]

    def reload(self, lines=None):
        """Until it says what came of it; returns all that it said."""
        if lines is not None:
            self.write(lines)
        count, end = self.line_count, time.monotonic() + LIMIT
        os.kill(self.pid, signal.SIGHUP)
        while not any(line.startswith(("httpd: reloaded: ", "httpd: not reloaded: ")) for line in self.said_since(count)):
            assert self.process.poll() is None, f"{self.model}: it ended: {self.output()}"
            assert time.monotonic() < end, f"{self.model}: nothing said: {self.output()}"
            time.sleep(0.002)
        return self.said_since(count)


class Kept:
    """A connection that must not be closed: there is never another in its place. It has been asked something once:
    ThreadSanitizer keeps a signal to itself that comes while a thread is being made."""

    def __init__(self, port, asked=True):
        self.http = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
        self.http.connect()
        self.http.auto_open = 0
        if asked:
            self.ask()

    def begin(self, path, **headers):
        """Until the answer's head is there."""
        self.http.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        return self.http.getresponse()

    def ask(self, path="/", **headers):
        reply = self.begin(path, **headers)
        body = reply.read()
        return reply.status, body, {k.lower(): v for k, v in reply.getheaders()}

    def close(self):
        self.http.close()
