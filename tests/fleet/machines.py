"""The machines of the fleet: a balancer and three nodes, set up as README.md says, each in a network namespace of its
own where the kernel lets us, else on ports of the loopback."""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

from webdriver import Child, session_members

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"
BALANCER = "10.0.0.1"
ADDRESSES = {"one": "10.0.0.11", "two": "10.0.0.12", "three": "10.0.0.13"}
MODELS = {"one": "epoll", "two": "thread", "three": "uring"}
IN_NAMESPACE = "HTTPD_FLEET_IN_NAMESPACE"
WAIT = 20


def await_true(what, condition, limit=WAIT):
    end = time.monotonic() + limit
    while not (result := condition()):
        assert time.monotonic() < end, f"not within {limit} s: {what}"
        time.sleep(0.02)
    return result


def run(*argv):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stdout}"


# ---- The network


def enter_namespace():
    """Begins again in a namespace of networks and mounts, which ends with this process, and all in it."""
    if os.environ.get(IN_NAMESPACE) or not shutil.which("unshare") or not shutil.which("ip"):
        return
    kinds = ["unshare", "--net", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]
    probe = subprocess.run([*kinds, "sh", "-c", "mount -t tmpfs run /run && ip netns add probe && "
                            "ip link add probe type veth"], capture_output=True)
    if probe.returncode == 0:
        os.environ[IN_NAMESPACE] = "yes"
        os.execvp("unshare", [*kinds, sys.executable, *sys.argv])


def make_networks():
    """A cable from the balancer, which is here, to each node. False: there are none."""
    if not os.environ.get(IN_NAMESPACE):
        return False
    run("mount", "-t", "tmpfs", "run", "/run")
    run("ip", "link", "set", "lo", "up")
    for name, address in ADDRESSES.items():
        run("ip", "netns", "add", name)
        run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "address", "add", BALANCER, "peer", address, "dev", name)
        run("ip", "link", "set", name, "up")
        run("ip", "-n", name, "address", "add", address, "peer", BALANCER, "dev", "eth0")
        for link in ("lo", "eth0"):
            run("ip", "-n", name, "link", "set", link, "up")
    return True


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def readme_block(first_line):
    """The lines of README.md that are indented as code, from `first_line` on."""
    lines = README.read_text().splitlines()
    at = lines.index("    " + first_line)
    end = next(i for i in range(at, len(lines)) if lines[i] and not lines[i].startswith("    "))
    return "\n".join(line[4:] for line in lines[at:end]) + "\n"


def substitute(text, *pairs):
    """What differs here from what README.md says; each must be there to be replaced."""
    for old, new in pairs:
        assert old in text, f"README.md's configuration has no {old!r}"
        text = text.replace(old, new)
    return text


# ---- The nodes


class Node:
    """A machine with a copy of the site, and httpd."""

    def __init__(self, fleet, name):
        self.name, self.fleet = name, fleet
        self.host = ADDRESSES[name] if fleet.networks else "127.0.0.1"
        self.port = 80 if fleet.networks else free_port()
        self.folder = fleet.folder / name
        self.folder.mkdir()
        self.current = self.folder / "current"
        self.config = self.folder / "httpd.conf"
        listen = f":{self.port}" if fleet.networks else f"127.0.0.1:{self.port}"
        trusted = BALANCER if fleet.networks else "127.0.0.1"
        self.config.write_text(substitute(
            readme_block("# /etc/httpd/httpd.conf"), ("/srv/www/current", str(self.current)),
            ("listen :80", f"listen {listen}\nmodel {MODELS[name]}"), (f"trust {BALANCER}", f"trust {trusted}")))
        self.child = None

    def deploy(self, source):
        """A new folder, and the link to it turned over in one step."""
        folder = self.folder / source.name
        shutil.copytree(source, folder, copy_function=shutil.copy2)
        new = self.folder / "new"
        new.symlink_to(folder)
        new.rename(self.current)

    def start(self):
        inside = ["ip", "netns", "exec", self.name] if self.fleet.networks else []
        self.child = Child([*inside, self.fleet.httpd, "--config", str(self.config)], r"https?://|^httpd: .*listen")
        await_true(f"{self.name} answers", lambda: self.answers("/up"))

    def start_again(self):
        """As our child, which a process that has taken another's place is not."""
        self.child.kill()
        self.start()

    def processes(self):
        return session_members(self.child.pid)

    def signal(self, number):
        os.kill(self.child.pid, number)

    def answers(self, path):
        try:
            return self.get(path)[0] == 200
        except OSError:
            return False

    def get(self, path):
        """Asks this node as the balancer does, past it: status, fields and body."""
        with socket.create_connection((self.host, self.port), timeout=10) as connection:
            # PROXY version 2, from the documentation's address: 198.51.100.7:1234 to 203.0.113.1:443.
            connection.sendall(b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes([198, 51, 100, 7, 203, 0, 113, 1])
                               + (1234).to_bytes(2, "big") + (443).to_bytes(2, "big")
                               + f"GET {path} HTTP/1.1\r\nHost: www.example\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        if len(lines[0].split()) < 2:
            raise OSError(f"{self.name}: no answer")
        fields = dict(line.lower().split(": ", 1) for line in lines[1:])
        return int(lines[0].split()[1]), fields, body

    def pull_cable(self, pulled=True):
        run("ip", "link", "set", self.name, "down" if pulled else "up")


# ---- The balancer


class Balancer:
    """HAProxy with README.md's configuration, and `lines` taken out or changed: pairs of old and new."""

    def __init__(self, fleet, *changes):
        self.port = 443 if fleet.networks else free_port()
        self.url = f"https://localhost:{self.port}/"
        self.socket = fleet.folder / "haproxy.sock"
        text = readme_block("# /etc/haproxy/haproxy.cfg")
        plain = 80 if fleet.networks else free_port()
        pairs = [("/run/haproxy/admin.sock", str(self.socket)), ("/etc/haproxy/site.pem", str(fleet.certificate)),
                 ("user haproxy\n", ""), ("group haproxy\n", ""), ("log /dev/log local0", ""), ("option httplog\n", "\n"),
                 ("maxconn 20000", "maxconn 1000"), ("bind :80", f"bind :{plain}"),
                 ("bind :443", f"bind :{self.port}")]
        if not fleet.networks:
            pairs += [(f"{ADDRESSES[node.name]}:80", f"{node.host}:{node.port}") for node in fleet.nodes.values()]
        path = fleet.folder / "haproxy.cfg"
        path.write_text(substitute(text, *pairs, *changes))
        self.child = Child(["sh", "-c", 'echo begins; exec haproxy -db -f "$1"', "haproxy", str(path)], "^begins$")
        try:
            await_true("all nodes are up", lambda: all(self.up(name) for name in ADDRESSES))
        except AssertionError as error:
            self.child.kill()
            raise AssertionError(f"{error}: {self.stats()} {self.child.output()}") from None

    def stats(self):
        """Its figures by server; {} while it doesn't answer."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(5)
                connection.connect(str(self.socket))
                connection.sendall(b"show stat\n")
                text = b"".join(iter(lambda: connection.recv(1 << 16), b"")).decode()
        except OSError:
            return {}
        names, *rows = [line.split(",") for line in text.lstrip("# ").splitlines() if line]
        rows = [dict(zip(names, row)) for row in rows]
        return {row["svname"]: row for row in rows if row["pxname"] == "nodes"}

    def status(self, name):
        return self.stats().get(name, {}).get("status", "")

    def up(self, name):
        return self.status(name) == "UP"

    def retried(self):
        """Requests sent a second time: to the same node, and to another."""
        row = self.stats()["BACKEND"]
        return int(row["wretr"]) + int(row["wredis"])

    def stop(self):
        assert self.child.process.poll() is None, f"haproxy died: {self.child.output()}"
        self.child.kill()


class Fleet:
    def __init__(self, httpd, folder, deploy):
        self.httpd, self.folder, self.deploy = os.path.abspath(httpd), folder, deploy
        self.networks = make_networks()
        self.certificate = folder / "site.pem"
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(folder / "key"), "-out",
            str(folder / "crt"))
        self.certificate.write_text((folder / "crt").read_text() + (folder / "key").read_text())
        self.nodes = {name: Node(self, name) for name in ADDRESSES}
        for node in self.nodes.values():
            node.deploy(deploy)
            node.start()

    def stop(self):
        for node in self.nodes.values():
            if node.child:
                node.child.kill()
