"""What the browser and load tests share: child processes that cannot be left behind, the server
under test, and a small WebDriver client for headless Chromium through chromedriver."""

import base64
import collections
import ctypes
import http.client
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

MODELS = ["blocking", "fork", "thread", "nonblocking", "select", "poll", "epoll-lt", "epoll-et"]
SKIPPED = 77
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None)


def die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def terminate_politely():
    """SIGTERM unwinds like an exception, so that everything started here is stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def skip_without(*programs):
    missing = [p for p in programs if not shutil.which(p)]
    if missing:
        print(f"skipped: {' and '.join(missing)} not installed")
        sys.exit(SKIPPED)


def raise_descriptor_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def stat_fields(pid):
    """The fields of /proc/PID/stat from the state on, or None when the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as f:
            return f.read().rpartition(b")")[2].split()
    except OSError:
        return None


def all_stats():
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return {pid: fields for pid in pids if (fields := stat_fields(pid))}


def session_members(leader):
    """Processes in the session that `leader` began, zombies left out: they are already dead."""
    return [pid for pid, f in all_stats().items() if int(f[3]) == leader and f[0] != b"Z"]


def process_tree(root):
    """Stat fields of `root` and all that descends from it."""
    stats, tree, frontier = all_stats(), {}, [root]
    while frontier:
        pid = frontier.pop()
        if pid in stats:
            tree[pid] = stats[pid]
            frontier += [p for p, f in stats.items() if int(f[1]) == pid and p not in tree]
    return tree


def cpu_seconds(root):
    """CPU time of a process tree, that of children already waited for included."""
    ticks = sum(sum(map(int, f[11:15])) for f in process_tree(root).values())
    return ticks / os.sysconf("SC_CLK_TCK")


class Child:
    """A program in a session of its own, whose output is read for as long as it lives."""

    def __init__(self, argv, ready, limit=20, env=None):
        self.name = os.path.basename(argv[0])
        self.tail = collections.deque(maxlen=40)
        self.line_count = 0
        self.match = None
        self._seen = threading.Event()
        self.process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True, preexec_fn=die_with_parent, env=env)
        self.pid = self.process.pid
        threading.Thread(target=self._read, args=(re.compile(ready),), daemon=True).start()
        try:
            self._await_ready(limit)
        except BaseException:
            self.kill()
            raise

    def _read(self, ready):
        with self.process.stdout as out:
            for raw in out:
                line = raw.decode("utf-8", "replace").rstrip()
                self.tail.append(line)
                self.line_count += 1
                if not self.match:
                    self.match = ready.search(line)
                    if self.match:
                        self._seen.set()
        self._seen.set()

    def _await_ready(self, limit):
        self._seen.wait(limit)
        if not self.match:
            raise AssertionError(f"{self.name} not ready within {limit} s: {self.output()}")

    def output(self):
        return "\n  ".join(["", *list(self.tail)]) if self.tail else "(no output)"

    def kill(self):
        """Ends whatever is left of the session; returns how many processes that were."""
        members = session_members(self.pid)
        for pid in members:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(10)
        return len(members)


class Server(Child):
    """httpd, on a port of the kernel's choice if none is given; as a context manager it must also stop cleanly."""

    def __init__(self, binary, root, model, *options, port=0):
        self.model = model
        argv = [binary, "-l", f"127.0.0.1:{port}", "-r", str(root), "-m", model, *options]
        super().__init__(argv, r"http://127\.0\.0\.1:(\d+)/")
        self.port = int(self.match[1])
        self.url = f"http://127.0.0.1:{self.port}/"

    def stop(self, limit=10):
        os.kill(self.pid, signal.SIGTERM)
        try:
            status = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.model}: still running {limit} s after SIGTERM") from None
        assert status == 0, f"{self.model}: exit status {status} after SIGTERM: {self.output()}"
        self._await_no_children()

    def _await_no_children(self, limit=5):
        """An orphan sends us no signal when it ends, so this has to look again and again."""
        end = time.monotonic() + limit
        while left := session_members(self.pid):
            assert time.monotonic() < end, f"{self.model}: processes outlived the server: {left}"
            time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                assert self.process.poll() is None, f"{self.model}: server died: {self.output()}"
                self.stop()
        finally:
            self.kill()


class WebDriverError(Exception):
    pass


class Exchange:
    """One request and its answer as the browser's network log tells it."""

    STREAMS = ("EventSource", "WebSocket")

    def __init__(self):
        self.url = self.kind = self.failed = None
        self.frame = self.loader = None
        self.status = self.wire_status = None
        self.from_cache = self.finished = False
        self.headers, self.request_headers = {}, {}

    @property
    def ended(self):
        """Events may come in any order: the status may be told after the end."""
        told = self.sent_status and (self.finished or self.from_cache)
        return told or self.failed or self.kind in self.STREAMS

    @property
    def sent_status(self):
        return self.wire_status or self.status

    def note(self, method, params):
        handler = getattr(self, "_" + method, None)
        if handler:
            handler(params)

    def _requestWillBeSent(self, p):
        self.url, self.kind = p["request"]["url"], p.get("type")
        self.frame, self.loader = p.get("frameId"), p["loaderId"]

    def _requestWillBeSentExtraInfo(self, p):
        self.request_headers = {k.lower(): v for k, v in p["headers"].items()}

    def _requestServedFromCache(self, _):
        self.from_cache = True

    def _responseReceived(self, p):
        response = p["response"]
        self.status, self.kind = response["status"], p.get("type")
        self.from_cache |= bool(response.get("fromDiskCache"))
        self.headers = {k.lower(): v for k, v in response["headers"].items()}

    def _responseReceivedExtraInfo(self, p):
        # The status that was sent: a revalidated resource shows as 200 everywhere else.
        self.wire_status = p["statusCode"]

    def _loadingFinished(self, _):
        self.finished = True

    def _loadingFailed(self, p):
        self.failed = p.get("errorText") or "failed"

    def __repr__(self):
        what = self.failed or self.sent_status or "no answer"
        return f"{self.url}: {what}{' (cache)' if self.from_cache else ''}"


class Browser:
    """One headless Chromium with a fresh profile that is removed at the end."""

    ARGUMENTS = [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--disable-dev-shm-usage", "--no-proxy-server", "--mute-audio", "--window-size=800,700",
        "--autoplay-policy=no-user-gesture-required",
        # With a pipe Chromium ends when chromedriver does, however that came about.
        "--remote-debugging-pipe",
    ]

    def __init__(self, driver="chromedriver", chromium="chromium", arguments=()):
        self.arguments = [*self.ARGUMENTS, *arguments]
        self.home = tempfile.mkdtemp(prefix="httpd-browser-")
        self.driver = self.session = None
        self._exchanges = {}
        try:
            self._start_driver(shutil.which(driver))
            self._start_session(shutil.which(chromium))
        except BaseException:
            self.close()
            raise

    def _start_driver(self, driver):
        env = {**os.environ, "HOME": self.home, "TMPDIR": self.home,
               "XDG_CONFIG_HOME": self.home, "XDG_CACHE_HOME": self.home}
        self.driver = Child([driver, "--port=0"], r"started successfully on port (\d+)",
                            limit=60, env=env)
        self.port = int(self.driver.match[1])

    def _start_session(self, chromium):
        options = {"binary": chromium,
                   "args": [*self.arguments, f"--user-data-dir={self.home}/profile"]}
        capabilities = {"browserName": "chrome", "goog:chromeOptions": options,
                        "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
                        "timeouts": {"pageLoad": 30000, "script": 30000}}
        answer = self._call("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}},
                            limit=120)
        self.session = "/session/" + answer["sessionId"]

    def _call(self, method, path, body=None, limit=60):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=limit)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {"Content-Type": "application/json"})
            response = connection.getresponse()
            value = json.loads(response.read())["value"]
        finally:
            connection.close()
        if response.status != 200:
            raise WebDriverError(f"{value['error']}: {value['message'].splitlines()[0]}")
        return value

    def _post(self, path, body):
        return self._call("POST", self.session + path, body)

    def get(self, url):
        self._post("/url", {"url": url})

    def reload(self):
        self._post("/refresh", {})

    def current_url(self):
        return self._call("GET", self.session + "/url")

    def execute(self, script, *args):
        """Runs a function body in the page; `await` works, and what it returns comes back."""
        wrapped = "return (async (...args) => {" + script + "})(...arguments)"
        return self._post("/execute/sync", {"script": wrapped, "args": list(args)})

    def click(self, element):
        self._post(f"/element/{next(iter(element.values()))}/click", {})

    def screenshot(self):
        return base64.b64decode(self._call("GET", self.session + "/screenshot"))

    def cdp(self, command, **params):
        return self._post("/goog/cdp/execute", {"cmd": command, "params": params})

    def log(self, kind):
        """What was logged since the last call."""
        return self._post("/se/log", {"type": kind})

    def console_errors(self):
        return [entry["message"] for entry in self.log("browser") if entry["level"] == "SEVERE"]

    def exchanges(self):
        """The requests since `forget_exchanges`, without those that need no network, and without the icons of a page
        that has gone away since: the browser drops them halfway, and tells how that ended or not."""
        for entry in self.log("performance"):
            message = json.loads(entry["message"])["message"]
            domain, _, method = message["method"].partition(".")
            request_id = message["params"].get("requestId")
            if domain == "Network" and request_id:
                exchange = self._exchanges.setdefault(request_id, Exchange())
                exchange.note(method, message["params"])
        shown = {x.frame: x.loader for x in self._exchanges.values() if x.kind == "Document"}
        return [x for x in self._exchanges.values() if x.url and x.url.startswith("http")
                and not (x.kind == "Other" and x.loader != shown.get(x.frame, x.loader))]

    def settled_exchanges(self, limit=10):
        """The same once every request has ended, since an icon may come after the load event."""
        end = time.monotonic() + limit
        # What is returned is what was judged: another look at the log could find one more that has just begun.
        while True:
            exchanges = self.exchanges()
            open_ones = [x for x in exchanges if not x.ended]
            if not open_ones:
                return exchanges
            assert time.monotonic() < end, f"no end within {limit} s: {open_ones}"
            time.sleep(0.02)

    def forget_exchanges(self):
        self.exchanges()
        self._exchanges = {}

    def forget(self):
        """Empties cache and logs, so that the next page is a first visit."""
        self.get("about:blank")
        self.cdp("Network.clearBrowserCache")
        self.log("browser")
        self.forget_exchanges()

    def close(self):
        try:
            if self.session:
                self._call("DELETE", self.session, limit=20)
        except (OSError, WebDriverError, http.client.HTTPException):
            pass
        finally:
            if self.driver:
                self.driver.kill()
            shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
