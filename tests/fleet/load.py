"""Browsers by the dozen: wrk over HTTP/1.1 and h2load over HTTP/2, both over TLS, at the same time."""

import re
import subprocess

from webdriver import die_with_parent

WRK_CONNECTIONS, H2_CONNECTIONS, H2_STREAMS = 16, 4, 8
IN_FLIGHT_MAX = WRK_CONNECTIONS + H2_CONNECTIONS * H2_STREAMS


def number(pattern, text):
    found = re.search(pattern, text)
    return int(found[1]) if found else 0


class Load:
    """Begins at once, for `seconds`; `finish` waits for its end and counts."""

    def __init__(self, url, path, seconds):
        self.seconds = seconds
        self.wrk = self._begin("wrk", "-t1", f"-c{WRK_CONNECTIONS}", f"-d{seconds}s", "--timeout", "15s", url + path)
        self.h2load = self._begin("h2load", "-t1", f"-c{H2_CONNECTIONS}", f"-m{H2_STREAMS}", "-D", str(seconds),
                                  url + path)

    def _begin(self, *argv):
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True, preexec_fn=die_with_parent)

    def over(self):
        return self.wrk.poll() is not None or self.h2load.poll() is not None

    def finish(self):
        """Requests answered and requests failed."""
        wrk, h2load = (child.communicate(timeout=self.seconds + 60)[0] for child in (self.wrk, self.h2load))
        assert self.wrk.returncode == 0, f"wrk: {wrk}"
        assert self.h2load.returncode == 0, f"h2load: {h2load}"
        assert "Application protocol: h2" in h2load, f"no HTTP/2: {h2load}"
        socket_errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", wrk)
        failed = sum(map(int, socket_errors.groups())) if socket_errors else 0
        failed += number(r"Non-2xx or 3xx responses: (\d+)", wrk)
        # "failed" has those that were refused and those that ended early; what was answered 5xx is counted by status.
        failed += number(r"(\d+) errored", h2load) + number(r"(\d+) timeout", h2load)
        failed += number(r"(\d+) 4xx", h2load) + number(r"(\d+) 5xx", h2load)
        answered = number(r"(\d+) requests in", wrk), number(r"(\d+) done", h2load)
        assert all(answered), f"nothing was answered: {wrk} {h2load}"
        return sum(answered), failed
