"""Whatever a reload takes over, one thing after the other, seen on a connection that was there before."""

import base64
import os
import socket
import time

from reloaded import LIMIT, Kept, Reloaded
from site_files import OPEN, large

HTML = {"Accept": "text/html", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}


def status(code):
    return lambda reply: reply[0] == code


def body(text):
    return lambda reply: reply[0] == 200 and reply[1] == text


def field(name, value):
    return lambda reply: reply[2].get(name) == value


def login(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def table(site):
    """Lines of configuration, what is asked, and what is true of the answer with them alone."""
    return [
        ([f"root {site.path('b')}"], "/", {}, body(b"b index")),
        (["index other.html"], "/", {}, body(b"a other")),
        (["header X-New: yes"], "/", {}, field("x-new", "yes")),
        (["cache-control max-age=9"], "/", {}, field("cache-control", "max-age=9")),
        (["cors"], "/", {}, field("access-control-allow-origin", "*")),
        (["cors https://one.example"], "/", {"Origin": "https://one.example"},
         field("access-control-allow-origin", "https://one.example")),
        (["isolate"], "/", {}, field("cross-origin-opener-policy", "same-origin")),
        (["default-type text/plain"], "/data.zzz", {}, field("content-type", "text/plain; charset=utf-8")),
        ([f"mime-types {site.types}"], "/data.zzz", {}, field("content-type", "application/x-zzz")),
        (["list"], "/sub/", {}, status(200)),
        (["not-found other.html"], "/none", {}, lambda reply: reply[0] == 404 and reply[1] == b"a other"),
        (["spa other.html"], "/none", HTML, body(b"a other")),
        (["clean-urls"], "/other", {}, body(b"a other")),
        (["dotfiles"], "/.dot", {}, body(b"dot")),
        (["symlinks all"], "/link.txt", {}, body(b"outside")),
        ([f"root {site.path('hosts')}", "vhosts"], "/", {"Host": "one.example"}, body(b"host one.example")),
        (["redirect /old=/new"], "/old", {}, field("location", "/new")),
        ([f"auth {site.users}"], "/", {}, status(401)),
        ([f"root {site.path('b')}", f"auth {site.users}"], "/", login("ann", "sesame"), body(b"b index")),
    ]


def each_thing(httpd, model, site):
    base = [f"root {site.path('a')}"]
    with Reloaded(httpd, model, site.folder, base, "--no-sandbox") as server:
        kept = Kept(server.port)
        for lines, path, headers, holds in table(site):
            assert not holds(kept.ask(path, **headers)), f"{model}: {lines} before"
            said = server.reload(lines if lines[0].startswith("root ") else base + lines)
            reply = kept.ask(path, **headers)
            assert holds(reply), f"{model}: {lines}: {reply} {said}"
            names = {"--" + line.split()[0] for line in lines}
            assert all(name in said[-1] for name in names), f"{model}: {said} doesn't name {names}"
            server.reload(base)
            assert not holds(kept.ask(path, **headers)), f"{model}: {lines} after"
        kept.close()


def files_alone(httpd, model, site):
    """The same options; the files that they name have changed."""
    lines = [f"root {site.path('a')}", f"auth {site.users}", f"mime-types {site.types}"]
    users, types = site.users.read_text(), site.types.read_text()
    try:
        with Reloaded(httpd, model, site.folder, lines) as server:
            kept = Kept(server.port)
            assert kept.ask("/data.zzz", **login("ann", "sesame"))[2]["content-type"] == "application/x-zzz"
            site.users.write_text(f"ann:{OPEN}\n")
            site.types.write_text("application/x-other zzz\n")
            assert kept.ask("/data.zzz", **login("ann", "sesame"))[2]["content-type"] == "application/x-zzz"
            said = server.reload()
            assert "no option" in said[-1], said
            assert kept.ask("/data.zzz", **login("ann", "sesame"))[0] == 401, f"{model}: an old password"
            assert kept.ask("/data.zzz", **login("ann", "open"))[2]["content-type"] == "application/x-other"
            kept.close()
    finally:
        site.users.write_text(users)
        site.types.write_text(types)


def limits(httpd, model, site):
    base = [f"root {site.path('a')}"]
    with Reloaded(httpd, model, site.folder, base) as server:
        kept = Kept(server.port)
        for _ in range(2):
            assert "connection" not in kept.ask()[2]
        server.reload(base + ["max-requests 5"])
        assert "connection" not in kept.ask()[2]
        assert kept.ask()[2].get("connection") == "close", f"{model}: --max-requests"
        kept.close()
        kept = Kept(server.port)
        kept.ask()
        server.reload(base + ["header-timeout 0.3"])
        kept.http.sock.sendall(b"GET / HTTP/1.1\r\n")
        assert kept.http.sock.recv(9000).startswith(b"HTTP/1.1 408 "), f"{model}: --header-timeout"
        kept.close()
        kept = Kept(server.port)
        server.reload(base + ["idle-timeout 0.3"])
        kept.ask()
        began = time.monotonic()
        assert kept.http.sock.recv(1) == b"" and time.monotonic() - began < LIMIT / 2, f"{model}: --idle-timeout"
        kept.close()
        if model != "blocking":  # where there is never a second
            kept = Kept(server.port)
            server.reload(base + ["max-per-ip 1"])
            kept.ask()
            second = socket.create_connection(("127.0.0.1", server.port), LIMIT)
            second.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            try:
                assert second.recv(1) == b"", f"{model}: --max-per-ip"
            except ConnectionResetError:
                pass
            second.close()
            kept.close()


def counted(httpd, model, site):
    """Whom a balancer speaks for counts while he is answered, also when a limit comes or goes meanwhile."""
    base, him = [f"root {site.path('a')}", "trust 127.0.0.1"], {"X_Forwarded_For": "192.0.2.1"}
    with Reloaded(httpd, model, site.folder, base + ["max-per-ip 1"]) as server:
        kept = Kept(server.port)
        reply = kept.begin("/large.bin", **him)
        server.reload(base)
        assert reply.read() == large(b"a"), f"{model}: without --max-per-ip"
        assert body(b"a index")(kept.ask(**him))
        if model != "blocking":  # where there is never a second
            reply = kept.begin("/large.bin", **him)
            server.reload(base + ["max-per-ip 1"])
            second = Kept(server.port)
            assert second.ask(**him)[0] == 429, f"{model}: --max-per-ip"
            assert reply.read() == large(b"a") and body(b"a index")(second.ask(**him)), model
            second.close()
        kept.close()


def mistakes(httpd, model, site):
    """One line, and nothing changes; nor does it by what holds from the start on, which is named."""
    base = [f"root {site.path('a')}"]
    broken = site.folder / "broken"
    broken.write_text("nobody\n")
    with Reloaded(httpd, model, site.folder, base, "--no-sandbox") as server:
        kept = Kept(server.port)
        for lines, what in ((["root /nowhere/at/all"], "--root /nowhere/at/all: No such file"),
                            (base + ["idle-timeout x"], f"{model}.conf:2: --idle-timeout x: not a time"),
                            (base + [f"auth {broken}"], f"{broken}, line 1"),
                            (base + ["nothing"], "--nothing: no such option"),
                            (base + ["header X-New: yes", "cors x"], "--cors x")):
            said = server.reload(lines)
            assert len(said) == 1 and said[0].startswith("httpd: not reloaded: ") and what in said[0], said
            reply = kept.ask()
            assert body(b"a index")(reply) and "x-new" not in reply[2], f"{model}: {lines}: {reply}"
        said = server.reload(base + ["workers 3", "max-connections 20000", "header X-New: yes", "max-header 8k", "status",
                                     "verbose", f"access-log {site.folder}/late.log"])
        late = ("--workers", "--max-connections", "--max-header", "--status", "--verbose", "--access-log", "SIGUSR2")
        assert all(name in said[0] for name in late), said
        assert field("x-new", "yes")(kept.ask()), f"{model}: the rest"
        kept.close()


def within_reach(httpd, model, site):
    """What the sandbox was made for is taken over; for what is out of its reach the old stays."""
    base = [f"root {site.path('a')}"]
    with Reloaded(httpd, model, site.folder, base) as server:
        kept = Kept(server.port)
        if "the sandbox is without" in server.output():
            return  # which this kernel doesn't have
        server.reload([f"root {site.path('b')}"])
        assert body(b"b index")(kept.ask()), f"{model}: a neighbour of the root"
        for lines in (["root /usr/share"], base + ["symlinks all"], base + [f"auth {site.users}"]):
            said = server.reload(lines)
            assert said[0].startswith("httpd: not reloaded: ") and "SIGUSR2" in said[0], said
            assert body(b"b index")(kept.ask()), f"{model}: {lines}"
        kept.close()
    if os.geteuid() == 0:
        with Reloaded(httpd, model, site.folder, base, "--chroot", "--user=nobody") as server:
            kept = Kept(server.port)
            said = server.reload([f"root {site.path('b')}"])
            assert "not reloaded: after --chroot" in said[0] and body(b"a index")(kept.ask()), said
            kept.close()
        with Reloaded(httpd, model, site.folder, [f"root {site.path('a')}"], "--user=nobody", "--no-sandbox") as server:
            kept = Kept(server.port)
            said = server.reload([f"root {site.path('a')}", "header X-New: yes"])
            assert field("x-new", "yes")(kept.ask()), said
            kept.close()


def under_way(httpd, model, site):
    """A reply that is under way ends as it began, whatever comes to be served meanwhile, and by whatever name."""
    with Reloaded(httpd, model, site.folder, [f"root {site.path('a')}"]) as server:
        kept = Kept(server.port)
        etag = kept.ask("/large.bin")[2]["etag"]
        kept.http.request("GET", "/large.bin")
        reply = kept.http.getresponse()
        parts = [reply.read(1000)]
        for letter in "bab":
            server.reload([f"root {site.path(letter)}", f"header X-Now: {letter}"])
            parts.append(reply.read(100_000))
        parts.append(reply.read())
        assert reply.headers["etag"] == etag and not reply.headers["x-now"]
        assert b"".join(parts) == large(b"a"), f"{model}: not what was begun"
        status, content, headers = kept.ask("/large.bin")
        assert status == 200 and content == large(b"b") and headers["x-now"] == "b" and headers["etag"] != etag, model
        kept.close()
