"""Browsers by the dozen: wrk over HTTP/1.1 and h2load over HTTP/2, both over TLS, at the same time."""

import re
import subprocess
import threading

from webdriver import die_with_parent

WRK_CONNECTIONS, H2_CONNECTIONS, H2_STREAMS = 16, 4, 8
IN_FLIGHT_MAX = WRK_CONNECTIONS + H2_CONNECTIONS * H2_STREAMS


def number(pattern, text):
    found = re.search(pattern, text)
    return int(found[1]) if found else 0


class Round:
    """Both for `seconds`, from now on."""

    def __init__(self, url, path, seconds):
        self.wrk = self._begin("wrk", "-t1", f"-c{WRK_CONNECTIONS}", f"-d{seconds}s", "--timeout", "15s", url + path)
        self.h2load = self._begin("h2load", "-t1", f"-c{H2_CONNECTIONS}", f"-m{H2_STREAMS}", "-D", str(seconds),
                                  url + path)

    def _begin(self, *argv):
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True, preexec_fn=die_with_parent)

    def finish(self):
        """Requests answered and requests failed."""
        wrk, h2load = (child.communicate(timeout=60)[0] for child in (self.wrk, self.h2load))
        assert self.wrk.returncode == 0, f"wrk: {wrk}"
        assert self.h2load.returncode == 0, f"h2load: {h2load}"
        assert "Application protocol: h2" in h2load, f"no HTTP/2: {h2load}"
        socket_errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", wrk)
        failed = sum(map(int, socket_errors.groups())) if socket_errors else 0
        failed += number(r"Non-2xx or 3xx responses: (\d+)", wrk)
        failed += number(r"(\d+) failed", h2load) # what ended early, or was answered with an error
        answered = number(r"(\d+) requests in", wrk), number(r"(\d+) succeeded", h2load)
        assert all(answered), f"nothing was answered: {wrk} {h2load}"
        return sum(answered), failed


class Load(threading.Thread):
    """Round after round, from now on until it is told to end: how long an event takes is not known before."""

    def __init__(self, url, path, seconds):
        super().__init__(daemon=True)
        self.round = lambda: Round(url, path, seconds)
        self.answered = self.failed = 0
        self.wrong = None
        self.ending = threading.Event()
        self.start()

    def run(self):
        try:
            while not self.ending.is_set():
                answered, failed = self.round().finish()
                self.answered += answered
                self.failed += failed
        except (AssertionError, subprocess.TimeoutExpired) as error:
            self.wrong = error

    def finish(self):
        self.ending.set()
        self.join()
        if self.wrong:
            raise AssertionError(self.wrong)
        return self.answered, self.failed
