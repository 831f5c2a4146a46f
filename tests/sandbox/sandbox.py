#!/usr/bin/env python3
"""What a server may not do once it serves, in one model, seen from within: sandbox.py HTTPD INJECT_LIBRARY MODEL."""
import os, re, shutil, signal, socket, subprocess, sys, tempfile

httpd, library, model = sys.argv[1:4]
SKIPPED = 77
failures = 0


def check(ok, what):
    global failures
    if not ok:
        failures += 1
        print("FAILED:", what, file=sys.stderr)


def status_of(pid):
    with open(f"/proc/{pid}/status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def steward_fds(folder):
    """What the steward of the server in that folder has open."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm") as name, open(f"/proc/{pid}/cmdline") as command:
                if name.read() == "httpd-steward\n" and folder in command.read():
                    return sorted(os.listdir(f"/proc/{pid}/fd"))
        except OSError:  # it has ended meanwhile
            pass
    return None


LOADING = model not in ("blocking", "fork", "thread")  # else loads are done by whoever needs them


class Server:
    def __init__(self, folder, *options, **variables):
        self.trigger = os.path.join(folder, "inject")
        self.reader, writer = os.pipe()
        environment = dict(os.environ, LD_PRELOAD=library, INJECT_FD=str(writer), INJECT_FILE=self.trigger, **variables)
        self.process = subprocess.Popen(
            [httpd, "-q", "-l", "127.0.0.1:0", "-r", os.path.join(folder, "root"), "--list", "-m", model, *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, pass_fds=[writer])
        os.close(writer)
        line = self.process.stdout.readline()
        self.port = int(re.search(r":(\d+)", line).group(1)) if line else None
        self.reports = os.fdopen(self.reader, buffering=1)

    def get(self, path, connection="close"):
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: {connection}\r\n\r\n".encode())
            answer = b""
            while chunk := client.recv(65536):
                answer += chunk
            return answer

    def inject(self, role, path="/file0"):
        """What the attempts of that role came to, by name."""
        with open(f"{self.trigger}.{role}", "w"):
            pass
        self.get(path)
        self.get(path)
        results = {}
        for line in self.reports:
            role, name, error = line.split()
            if name == "end":
                return results
            results[name] = int(error)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        out, error = self.process.communicate(timeout=20)
        self.reports.close()
        return self.process.returncode, error


def check_refused(results, role, but=()):
    check(len(results) > 15, f"{role}: tried")
    for name, error in results.items():
        if name not in but:
            check(error in (1, 13), f"{role}: {name} is refused ({os.strerror(error) if error else 'it succeeded'})")


def main():
    folder = tempfile.mkdtemp(prefix="httpd-sandbox-")
    root = os.path.join(folder, "root")
    os.mkdir(root)
    for number in range(40):
        with open(os.path.join(root, f"file{number}"), "w") as file:
            file.write("content\n" * 1000)
    try:
        server = Server(folder)
        status = status_of(server.process.pid)
        if status.get("Seccomp") != "2":
            print("no seccomp here: skipped")
            server.stop()
            sys.exit(SKIPPED)
        check(status["NoNewPrivs"] == "1", "no_new_privs")
        check(server.get("/file0").startswith(b"HTTP/1.1 200"), "serves")
        before = steward_fds(folder)
        check(before, "a steward")
        if model == "thread":  # whose accept loop closes nothing: its clients' threads, which have the same rights
            check_refused(server.inject("loader"), "worker", but=("accept", "send", "shutdown"))
        else:
            check_refused(server.inject("worker"), "worker", but=("fork",) if model == "fork" else ())
        if model == "fork":
            check_refused(server.inject("child"), "child")
        check(steward_fds(folder) == before, f"the steward has what it had, {before}: {steward_fds(folder)}")
        if LOADING:
            check_refused(server.inject("loader", "/"), "loader")
        check(server.get("/file1").startswith(b"HTTP/1.1 200"), "goes on")
        code, error = server.stop()
        check(code == 0 and error == "", f"ends with 0, and nothing to say ({code}, {error!r})")

        for name in os.listdir(folder):
            if name.startswith("inject"):
                os.unlink(os.path.join(folder, name))
        free = Server(folder, "--no-sandbox", INJECT_SOME="1")
        check(status_of(free.process.pid)["Seccomp"] == "0", "--no-sandbox goes without")
        results = free.inject("loader" if model == "thread" else "worker")
        check(results["socket"] == results["mprotect"] == results["open_passwd"] == 0, f"these can succeed: {results}")
        free.stop()
    finally:
        shutil.rmtree(folder)
        if os.path.exists("/tmp/httpd-injected"):
            os.unlink("/tmp/httpd-injected")
    print(f"{model}: {failures} failed")
    sys.exit(1 if failures else 0)


main()
