"""What is seen of a server, and whom it believes, after a reload: logs, status pages, balancers, places."""

import json
import os
import signal
import socket
import time

from reloaded import LIMIT, Kept, Reloaded


def holds(path, text, what):
    """Once it does: lines are written a moment later."""
    end = time.monotonic() + LIMIT
    while not path.exists() or text not in path.read_text():
        assert time.monotonic() < end, f"{what}: no {text} in {path.read_text() if path.exists() else path}"
        time.sleep(0.005)
    return path.read_text()


def access_log(httpd, model, site):
    """To another file, in another form, to none, and back; a reply that is under way gets its line in its own form."""
    base = [f"root {site.path('a')}"]
    one, two = (site.folder / f"{model}-{name}.log" for name in ("one", "two"))
    with Reloaded(httpd, model, site.folder, base + [f"access-log {one}"]) as server:
        kept = Kept(server.port)
        kept.ask("/?first")
        holds(one, '"GET /?first HTTP/1.1" 200', model)
        kept.http.request("GET", "/large.bin?begun")
        reply = kept.http.getresponse()
        said = server.reload(base + [f"access-log {two}", "log-format {\"uri\":\"$request_uri\"}"])
        assert "--access-log, --log-format" in said[-1], said
        reply.read()
        kept.ask("/?second")
        holds(two, '{"uri":"/?second"}\n', model)
        lines = (one.read_text() + two.read_text()).split("\n")
        begun = [line for line in lines if "?begun" in line]
        assert len(begun) == 1 and '"GET /large.bin?begun HTTP/1.1" 200' in begun[0], f"{model}: {begun}"
        server.reload(base)
        kept.ask("/?third")
        os.kill(server.pid, signal.SIGUSR1)
        server.reload(base + [f"access-log {one}", "log-format $request_uri"])
        kept.ask("/?fourth")
        text = holds(one, "\n/?fourth\n", model)
        assert "?third" not in text + two.read_text(), f"{model}: a line that nobody wants"
        said = server.reload(base + ["access-log /nowhere/at/all"])
        assert "not reloaded: --access-log /nowhere/at/all" in said[0], said
        kept.ask("/?fifth")
        holds(one, "/?fifth\n", model)
        kept.close()


def error_log(httpd, model, site):
    base = [f"root {site.path('a')}", f"access-log {site.folder}/{model}-any.log"]
    one, two = (site.folder / f"{model}-{name}.errors" for name in ("one", "two"))
    with Reloaded(httpd, model, site.folder, base, "--no-sandbox") as server:
        for path in (one, two):
            server.write(base + [f"error-log {path}", "verbose"])
            os.kill(server.pid, signal.SIGHUP)
            holds(path, "[notice]", model)
            kept = Kept(server.port)
            kept.close()
            holds(path, " ended: left; 1 request,", model)
        assert "reloaded: --error-log" in two.read_text(), two.read_text()
        assert "reloaded: --error-log, --verbose" in server.reload(base)[-1]  # on stderr again
        before = one.stat().st_size + two.stat().st_size
        server.reload(base + ["quiet", "header X-New: yes", "nonsense"])
        server.write(base + ["quiet", "header X-New: yes"])
        count = server.line_count
        os.kill(server.pid, signal.SIGHUP)
        end = time.monotonic() + LIMIT
        while "x-new" not in Kept(server.port).ask()[2]:
            assert time.monotonic() < end, server.output()
        assert server.said_since(count) == [] and one.stat().st_size + two.stat().st_size == before, server.output()


def balancer(httpd, model, site):
    """Whom a request is from, on a connection that was there before; and PROXY headers, on those that come after."""
    log = site.folder / f"{model}-from.log"
    base = [f"root {site.path('a')}", f"access-log {log}", "log-format $request_uri $remote_addr"]
    with Reloaded(httpd, model, site.folder, base) as server:
        kept = Kept(server.port)
        for turn, (lines, client) in enumerate((([], "127.0.0.1"), (["trust 127.0.0.0/8"], "203.0.113.7"),
                                                (["trust 127.0.0.0/8", "trust-field forwarded"], "203.0.113.8"),
                                                (["trust 192.0.2.1"], "127.0.0.1"))):
            said = server.reload(base + lines)
            assert "--trust" in said[-1] or not lines, said
            kept.ask(f"/?{turn}", X_Forwarded_For="203.0.113.7", Forwarded="for=203.0.113.8")
            holds(log, f"/?{turn} {client}\n", model)
        kept.close()
        server.reload(base + ["trust 127.0.0.1", "proxy-protocol"])
        with socket.create_connection(("127.0.0.1", server.port), LIMIT) as client:
            client.sendall(b"PROXY TCP4 203.0.113.9 192.0.2.1 1 80\r\nGET /?last HTTP/1.0\r\n\r\n")
            assert client.recv(9).startswith(b"HTTP/1.1 "), f"{model}: a PROXY header"
        holds(log, "/?last 203.0.113.9\n", model)


def status(httpd, model, site):
    base = [f"root {site.path('a')}"]
    with Reloaded(httpd, model, site.folder, base + ["status"]) as server:
        kept = Kept(server.port)
        for lines, path, host, found in ((["status"], "/_httpd", "localhost", 200), (["status"], "/_httpd", "a", 404),
                                         (["status", "status-allow 127.0.0.1"], "/_httpd", "a", 200),
                                         (["status=/ops/seen"], "/_httpd", "localhost", 404),
                                         (["status=/ops/seen", "max-connections 5"], "/ops/seen", "localhost", 200),
                                         (["header X-New: yes"], "/ops/seen", "localhost", 404)):
            said = server.reload(base + lines)
            code, text, _ = kept.ask(path + "/status.json", Host=host)
            assert code == found, f"{model}: {lines}: {code}, {said}"
            if "max-connections 5" in lines:
                assert json.loads(text)["connections"]["max"] == 5, text
        kept.close()
    with Reloaded(httpd, model, site.folder, base, "--lab", "--status-allow=192.0.2.1") as server:
        server.reload(base + ["header X-New: yes"])
        assert Kept(server.port, asked=False).ask("/_httpd/lab", Host="localhost")[0] == 200, f"{model}: the lab"


def places(httpd, model, site):
    """With fewer than there are, who is idle goes to make room; never more than at first."""
    base = [f"root {site.path('a')}"]
    if model == "blocking":  # where there is never a second
        return
    with Reloaded(httpd, model, site.folder, base, "--max-connections=3") as server:
        first, second = Kept(server.port), Kept(server.port)
        said = server.reload(base)  # the command line's holds
        assert "no option" in said[-1], said
        first.close()
        second.close()
    with Reloaded(httpd, model, site.folder, base + ["max-connections 3"]) as server:
        first = Kept(server.port)
        Kept(server.port).close()
        first.ask()
        said = server.reload(base + ["max-connections 1"])
        assert "reloaded: --max-connections" in said[-1], said
        Kept(server.port).close()
        assert first.http.sock.recv(1) == b"", f"{model}: one place for two"
        assert "--max-connections: taken over by an upgrade" in server.reload(base + ["max-connections 4"])[0]
        first = Kept(server.port)
        Kept(server.port)
        first.ask()


ALL = [access_log, error_log, balancer, status, places]
