"""The servers: how each is configured, started, held still and ended. A worker for each CPU, logs off, caches on."""

import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import works

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT_USER = os.geteuid() == 0
PR_SET_PDEATHSIG = 1
START_SECONDS = 8

# How many connections a model of httpd takes in a work, how many it holds open at once, and why no more.
LIMITS = {
    "blocking": (64, 1, "it holds one connection at a time, the others wait at the door"),
    "fork": (500, 500, "it takes 512 connections at most, a process for each"),
    "thread": (1000, 1000, "it makes a thread per connection, which is for hundreds of them"),
    "select": (900, 900, "its set ends at 1,024 descriptors"),
}


def nginx(bench, port, workers):
    user = "user root;" if ROOT_USER else ""
    temporary = " ".join(f"{kind}_temp_path {bench.folder}/nginx-{kind};"
                         for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    name = bench.write("nginx.conf", f"""daemon off; worker_processes {workers}; {user}
worker_rlimit_nofile {bench.descriptors};
pid {bench.folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections {bench.descriptors - 100}; use epoll; multi_accept on; }}
http {{
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; etag on; {temporary}
  keepalive_timeout 65; keepalive_requests 1000000000;
  open_file_cache max={works.CACHED} inactive=60s; open_file_cache_valid 60s;
  types {{ text/html html; }} default_type application/octet-stream;
  autoindex on;
  server {{ listen 127.0.0.1:{port} backlog=4096; root {bench.root};
    location = /tiles.bin {{ tcp_nopush off; }} # with it the end of each range waits 40 ms for an acknowledgement
  }}
}}
""")
    return ["nginx", "-p", bench.folder, "-e", "stderr", "-c", name]


def lighttpd(bench, port, workers):
    name = bench.write("lighttpd.conf", f"""server.document-root = "{bench.root}"
server.bind = "127.0.0.1"
server.max-worker = {workers if workers > 1 else 0}
server.port = {port}
server.max-fds = {bench.descriptors}
server.max-connections = {bench.descriptors // 2}
server.listen-backlog = 4096
server.max-keep-alive-requests = 1000000000
server.max-keep-alive-idle = 65
mimetype.assign = ( ".html" => "text/html" )
index-file.names = ( "index.html" )
dir-listing.activate = "enable"
""")
    return ["lighttpd", "-D", "-f", name]


def h2o(bench, port, workers):
    name = bench.write("h2o.conf", f"""num-threads: {workers}
max-connections: {bench.descriptors - 100}
http1-request-timeout: 65
{"user: root" if ROOT_USER else ""}
listen:
  host: 127.0.0.1
  port: {port}
hosts:
  default:
    paths:
      /:
        file.dir: {bench.root}
        file.dirlisting: ON
""")
    return ["h2o", "-c", name]


def caddy(bench, port, workers):
    name = bench.write("Caddyfile", f"""{{
    admin off
    auto_https off
}}
:{port} {{
    bind 127.0.0.1
    root * {bench.root}
    file_server browse
}}
""")
    return ["env", f"GOMAXPROCS={workers}", f"HOME={bench.folder}", f"XDG_DATA_HOME={bench.folder}",
            f"XDG_CONFIG_HOME={bench.folder}", "caddy", "run", "--adapter", "caddyfile", "--config", name]


def apache2(bench, port, workers):
    modules = "/usr/lib/apache2/modules"
    load = "\n".join(f"LoadModule {module}_module {modules}/mod_{module}.so"
                     for module in ("mpm_event", "authz_core", "mime", "dir", "autoindex"))
    user = "User www-data\nGroup www-data" if ROOT_USER else ""
    name = bench.write("apache2.conf", f"""{load}
{user}
ServerRoot {bench.folder}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
ListenBackLog 4096
PidFile {bench.folder}/apache2.pid
ErrorLog {bench.folder}/apache2.error
LogLevel crit
StartServers {workers}
ServerLimit {workers}
ThreadLimit 64
ThreadsPerChild 64
MaxRequestWorkers {64 * workers}
AsyncRequestWorkerFactor 200
KeepAlive On
KeepAliveTimeout 65
MaxKeepAliveRequests 0
EnableMMAP On
EnableSendfile On
TypesConfig /dev/null
AddType text/html .html
DocumentRoot {bench.root}
<Directory {bench.root}>
  AllowOverride None
  Options +Indexes
  Require all granted
</Directory>
""")
    return ["apache2", "-D", "FOREGROUND", "-f", name]


PEERS = {
    "nginx": (nginx, ["nginx", "-v"]),
    "lighttpd": (lighttpd, ["lighttpd", "-v"]),
    "h2o": (h2o, ["h2o", "-v"]),
    "caddy": (caddy, ["caddy", "version"]),
    "apache2": (apache2, ["apache2", "-v"]),
}


def version_of(argv):
    if not shutil.which(argv[0]):
        return None
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=20, errors="replace")
    found = re.search(r"\d+\.\d+[\w.+~-]*", done.stdout)
    return found[0] if found else done.stdout.strip().splitlines()[0][:60]


def models_of(httpd):
    """The models that this binary lists in its help."""
    text = subprocess.run([httpd, "--help"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=10,
                          check=True).stdout
    known = ("blocking", "fork", "thread", "nonblocking", "select", "poll", "epoll-lt", "epoll-et", "coroutine",
             "uring")
    words = {line.split()[0] for line in text.splitlines() if line.startswith("        ") and line.split()}
    return [name for name in known if name in words]


class Server:
    """kind: floor, model (of httpd) or peer."""

    def __init__(self, bench, name, kind):
        self.bench, self.name, self.kind = bench, name, kind
        self.process = None

    def argv(self, work):
        if self.kind == "peer":
            return PEERS[self.name][0](self.bench, self.port, work.cpus)
        if self.kind == "floor":
            name = self.bench.write("response", works.response_of(work))
            once = ["close"] if work.headers.get("Connection") == "close" else []
            return [self.bench.tool("floor"), str(self.port), name, *once]
        more = ["--list"] if work.files == "listing" else []
        return [self.bench.httpd, "-q", "-m", self.name, "-w", str(work.cpus), "-r", self.bench.root,
                "-l", f"127.0.0.1:{self.port}", *more]

    def limit(self):
        """The most connections it takes, the most it holds, and why."""
        return LIMITS[self.name] if self.kind == "model" and self.name in LIMITS else (None, None, None)

    def start(self, work):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        log, cpus = f"{self.bench.folder}/{self.name}.log", self.bench.cpus_of(work.cpus)[0]
        with open(log, "wb") as output:
            self.process = subprocess.Popen(self.argv(work), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            cwd=self.bench.folder, start_new_session=True,
                                            preexec_fn=lambda: bind_child(cpus))
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.01)
        self.stop()
        with open(log, errors="replace") as text:
            said = text.read().strip().splitlines()
        raise OSError("did not start" + (f": {said[-1].replace(self.bench.folder + '/', '')[:200]}" if said else ""))

    def signal(self, number):
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def hold(self):
        self.signal(signal.SIGSTOP)

    def go_on(self):
        if self.process.poll() is not None:
            raise OSError(f"ended by itself, status {self.process.returncode}")
        self.signal(signal.SIGCONT)

    def stop(self):
        if self.process:
            self.signal(signal.SIGKILL)
            self.process.wait()
            self.process = None


def bind_child(cpus):
    """In a child: keeps it on these CPUs, and from outliving the benchmark."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.sched_setaffinity(0, cpus)
