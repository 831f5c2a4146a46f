#!/usr/bin/env python3
"""What is left of root's rights: rights.py HTTPD. Run by root; else what can be told without is."""
import os, pwd, re, shutil, signal, socket, subprocess, sys, tempfile

httpd = sys.argv[1]
failures = 0


def check(ok, what):
    global failures
    if not ok:
        failures += 1
        print("FAILED:", what, file=sys.stderr)


def start(*options):
    process = subprocess.Popen([httpd, "-q", "-l", "127.0.0.1:0", *options], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    return process, int(re.search(r":(\d+)", line).group(1)) if line else None


def get(port, path):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while chunk := client.recv(65536):
            answer += chunk
        return int(answer[9:12])


def status_of(pid):
    with open(f"/proc/{pid}/status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def stop(process):
    process.send_signal(signal.SIGTERM)
    out, error = process.communicate(timeout=20)
    return process.returncode, error


def fails(wanted, status, *options):
    process, port = start(*options)
    code, error = stop(process) if port else (process.wait(), process.stderr.read())
    check(code == status and re.search(wanted, error) and error.count("\n") == 1, f"{options}: {code} {error!r}")


def check_user(root):
    nobody = pwd.getpwnam("nobody")
    for model in ("epoll", "thread", "fork", "uring"):
        pid_file = os.path.join(root, "..", "pid")
        process, port = start("-r", root, "-m", model, "--user", "nobody", "--pid-file", pid_file)
        status = status_of(process.pid)
        check(status["Uid"].split() == [str(nobody.pw_uid)] * 4, f"{model}: uids {status['Uid']}")
        check(status["Gid"].split() == [str(nobody.pw_gid)] * 4, f"{model}: gids {status['Gid']}")
        check("0" not in status["Groups"].split(), f"{model}: groups {status['Groups']}")
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            check(int(status[name], 16) == 0, f"{model}: {name} {status[name]}")
        check(get(port, "/file") == 200, f"{model}: serves")
        check(get(port, "/secret") == 403, f"{model}: what only root may read isn't served")
        with open(pid_file) as file:
            check(int(file.read()) == process.pid, f"{model}: pid file")
        check(stop(process) == (0, ""), f"{model}: ends well")
        check(not os.path.exists(pid_file), f"{model}: the pid file is gone, from a folder that is root's")
    fails("no user nobody-of-that-name", 2, "-r", root, "--user", "nobody-of-that-name")
    fails("is root", 2, "-r", root, "--user", "root")
    process, port = start("-r", root, "--user", "54321")
    check(status_of(process.pid)["Uid"].split()[0] == "54321", "a number will do")
    stop(process)


def check_chroot(root):
    process, port = start("-r", root, "--chroot", "--user", "nobody")
    check(os.readlink(f"/proc/{process.pid}/root") == os.path.realpath(root), "--chroot")
    check(get(port, "/file") == 200, "--chroot: serves")
    check(stop(process) == (0, ""), "--chroot: ends well")


def main():
    folder = tempfile.mkdtemp(prefix="httpd-rights-")
    os.chmod(folder, 0o755)
    root = os.path.join(folder, "root")
    os.mkdir(root, 0o755)
    for name, mode in (("file", 0o644), ("secret", 0o600)):
        with open(os.path.join(root, name), "w") as file:
            file.write("content\n")
        os.chmod(os.path.join(root, name), mode)
    try:
        if os.geteuid() == 0:
            check_user(root)
            check_chroot(root)
        else:
            fails("only root", 1, "-r", root, "--user", "daemon")
            fails("only root", 1, "-r", root, "--chroot")
    finally:
        shutil.rmtree(folder)
    print(f"{failures} failed")
    sys.exit(1 if failures else 0)


main()
