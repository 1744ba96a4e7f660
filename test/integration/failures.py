#!/usr/bin/python3
"""What goes wrong has a clear protocol error and a recorded end, and others go on."""
import contextlib
import json
import os
import pathlib
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

from stage import wire
from stage.gateway import ALLOW_EVERYTHING, BINARIES, Gateway, target
from stage.postgres import PASSWORD, Postgres, clean_environment, free_port
from stage.suite import Suite, contains, equal, wait_for
from stage.trail import Trail
from stage.wire import SYNC, bind, execute, parse, query, refusal_of

READS = {"name": "reads", "who": {"principals": ["agent-1"]}, "if": {"effects": ["read"]}, "then": "allow"}


def raw(gateway):
    """A socket on which nothing was said yet."""
    return wire.Wire(("127.0.0.1", gateway.port), user="", database="", login=False)


def is_closed(session, seconds=3):
    session.socket.settimeout(seconds)
    try:
        while session.socket.recv(4096):
            pass
        return True
    except ConnectionError:
        return True
    except (TimeoutError, ssl.SSLError):
        return False


# ---- configuration ----

def configuration_errors(server):
    """All errors at once, with file, line and column, and nothing listens. (Each kind: src/config/testdata.)"""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "bad.yaml"
        path.write_text("""data: /nonexistent/sallyport
nonsense: true
listen:
  postgres: {address: 127.0.0.1:0}
targets:
  - {name: shop, kind: oracle, address: nowhere}
rules:
  - {name: r, on: {targets: [missing]}, then: perhaps}
masks:
  - {name: m, columns: [email], with: redact}
""")
        for command in ("check", "gateway"):
            arguments = ["check", path] if command == "check" else ["gateway", "--config", path]
            done = subprocess.run([BINARIES / "sallyport", *arguments], text=True, capture_output=True, timeout=30,
                                  env=clean_environment())
            equal(done.returncode, 1, f"{command}'s status")
            told = done.stdout + done.stderr
            assert "listening" not in told, told
            for part in ("bad.yaml:2:", "nonsense", "bad.yaml:4:", "bad.yaml:6:", "oracle", "missing", "perhaps", "bad.yaml:10:"):
                contains(told, part, command)
        done = subprocess.run([BINARIES / "sallyport", "gateway", "--config", "/no/such/file"], text=True, capture_output=True, timeout=30)
        equal(done.returncode, 1, "status for a missing file")
        done = subprocess.run([BINARIES / "sallyport", "nonsense"], text=True, capture_output=True, timeout=30)
        equal(done.returncode, 2, "status for wrong usage")


def missing_secret(server):
    gateway = Gateway(targets=[target(server, password="${env:NOBODY_SET_THIS}")])
    gateway.write()
    done = subprocess.run([BINARIES / "sallyport", "gateway", "--config", gateway.file], text=True, capture_output=True, timeout=30)
    gateway.__exit__()
    equal(done.returncode, 1, "status")
    contains(done.stdout + done.stderr, "NOBODY_SET_THIS")


def address_in_use(server):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        gateway = Gateway(targets=[target(server)])
        gateway.configuration["listen"]["postgres"]["address"] = f"127.0.0.1:{taken.getsockname()[1]}"
        gateway.write()
        done = subprocess.run([BINARIES / "sallyport", "gateway", "--config", gateway.file], text=True, capture_output=True,
                              timeout=30, env=gateway.environment())
        gateway.__exit__()
        equal(done.returncode, 1, "status")
        contains((done.stdout + done.stderr).lower(), "in use")


# ---- the target ----

def targets_that_fail(server):
    """Dead, wrong password, wrong certificate, no TLS, unwanted kinds of password; then what is allowed works."""
    without_tls = Postgres(settings="ssl = off\n")
    with without_tls, Gateway(targets=[
            target(server, "shop"), target(server, "dead", address=f"127.0.0.1:{free_port()}"),
            target(server, "unresolved", address="no-such-host.invalid:5432"),
            target(server, "wrong-password", password="${env:WRONG_PASSWORD}"), target(server, "wrong-user", user="nobody_there"),
            target(server, "wrong-ca", ca=str(server.certificates.other_ca)), target(without_tls, "no-tls", ca=str(server.ca)),
            target(server, "md5", user="md5_user"), target(server, "clear", user="clear_user"),
            target(server, "md5-allowed", user="md5_user", auth=["scram", "md5"]),
            target(server, "clear-allowed", user="clear_user", auth=["cleartext"]),
            target(server, "no-database", database="not_there"), target(without_tls, "plain", tls="disable", ca=None),
            target(server, "require", tls="require", ca=None), target(server, "verify-ca", tls="verify-ca")],
            rules=[ALLOW_EVERYTHING]) as gateway:
        token = gateway.token()
        for name in ("shop", "md5-allowed", "clear-allowed", "plain", "require", "verify-ca"):
            with gateway.connect(token, name) as session:
                equal(session.query("SELECT 1"), [["1"]], name)
        for name in ("dead", "unresolved", "wrong-password", "wrong-user", "wrong-ca", "no-tls", "md5", "clear"):
            fields = refusal_of(lambda: gateway.connect(token, name))
            equal((name, fields["S"], fields["C"]), (name, "FATAL", "08006"), "error")
            for secret in (PASSWORD, "md5_user", "clear_user", "nobody_there", "tester"):
                assert secret not in str(fields), f"{name}: {secret} shows in {fields}"
        contains(str(refusal_of(lambda: gateway.connect(token, "wrong-password"))).lower(), "credential", "wrong password")
        assert refusal_of(lambda: gateway.connect(token, "no-database"))["C"] in ("08006", "3D000")
        gateway.stop()
        trail = Trail(gateway.data)
        told = [trail.meta(event).get("target") for event in trail.of_type("session_open")]
        for name in ("dead", "wrong-password"):
            opened = name in told
            noted = any(name in str(trail.meta(event)) for event in trail.events if event.entry[2] not in ("config", "session_open"))
            assert opened or noted, f"the failed session on {name} is not recorded"
        gateway.check_trail()


def unknown_target(server):
    with Gateway(targets=[target(server)]) as gateway:
        token = gateway.token()
        fields = refusal_of(lambda: gateway.connect(token, "not-there"))
        equal((fields["S"], fields["C"]), ("FATAL", "3D000"), "unknown target")
        equal(gateway.connect(token, "shop/postgres").query("SELECT current_database()"), [["postgres"]], "TARGET/DATABASE")
        assert refusal_of(lambda: gateway.connect(token, "shop/not_there"))["C"] in ("08006", "3D000", "42501")
        only_other = gateway.run("token", "--as", "agent-1", "--target", "nowhere", expect=None)
        assert only_other.returncode != 0, "a token for a target that does not exist"


def target_session_killed(server):
    """The client gets the target's own last words; the end is recorded; others go on."""
    with Gateway(targets=[target(server)]) as gateway:
        token = gateway.token()
        with gateway.connect(token) as other:
            session = gateway.connect(token)
            process = session.query("SELECT pg_backend_pid()")[0][0]
            server.sql(f"SELECT pg_terminate_backend({process})")
            messages = session.rest()
            equal([fields["C"] for fields in wire.errors(messages)], ["57P01"], "last words")
            killed = gateway.connect(token)
            process = killed.query("SELECT pg_backend_pid()")[0][0]
            os.kill(int(process), signal.SIGTERM)
            killed.rest()
            equal(other.query("SELECT 7"), [["7"]], "another session")
        gateway.stop()
        trail = Trail(gateway.data)
        for events in trail.sessions().values():
            if events[0].entry[2] == "session_open":
                assert events[-1].entry[2] in ("session_close", "session_abort"), events[-1].entry
        gateway.check_trail()


def target_stops(server):
    """The whole server goes away under open sessions, comes back, and new sessions work."""
    own = Postgres()
    with own, Gateway(targets=[target(own)]) as gateway:
        token = gateway.token()
        sessions = [gateway.connect(token) for _ in range(5)]
        own.stop()
        for session in sessions:
            assert is_closed(session), "a session outlived its target"
        equal(refusal_of(lambda: gateway.connect(token))["C"], "08006", "while it is down")
        own.start()
        with gateway.connect(token) as session:
            equal(session.query("SELECT 1"), [["1"]], "after it came back")


# ---- the client ----

def tokens(server):
    """Wrong, expired, revoked, for another target: FATAL 28000 or 28P01; a revoked token's live session ends within a second."""
    with Gateway(targets=[target(server), target(server, "other")]) as gateway:
        good = gateway.token()
        assert good.startswith("sp_") and len(good) >= 36 and "\n" not in good, good
        for wrong in ("", "wrong", "sp_" + "A" * 37, good[:-1] + ("a" if good[-1] != "a" else "b"), good + "x", "x" * 5000):
            fields = refusal_of(lambda: gateway.connect(wrong))
            assert fields["S"] == "FATAL" and fields["C"] in ("28000", "28P01", "08P01"), fields
            assert good not in str(fields)
        one_target = gateway.token(target="other")
        gateway.connect(one_target, "other").close()
        assert refusal_of(lambda: gateway.connect(one_target, "shop"))["C"] in ("28000", "42501"), "a token for another target"
        brief = gateway.token(ttl="2s")
        session = gateway.connect(brief)
        started = time.monotonic()
        messages = session.rest()
        assert wire.errors(messages) and time.monotonic() - started < 4.5, "a session outlived its token"
        equal(refusal_of(lambda: gateway.connect(brief))["C"][:3], "280", "an expired token")
        revoked = revoke(gateway)
        with gateway.connect(good) as session:
            equal(session.query("SELECT 1"), [["1"]], "another token")
        gateway.stop()
        gateway.check_trail()
        whole = b"".join(path.read_bytes() for path in gateway.data.rglob("*") if path.is_file())
        for token in (good, one_target, brief, revoked):
            assert token.encode() not in whole, "a token lies in the data folder"


def revoke(gateway):
    """Returns the token that was revoked."""
    issued = admin(gateway, "POST", "/api/v1/tokens", {"principal": "agent-1", "reason": "to be revoked"})
    token = issued["token"]
    session, idle = gateway.connect(token), gateway.connect(token)
    threading.Timer(0.5, lambda: admin(gateway, "DELETE", f"/api/v1/tokens/{issued['id']}")).start()
    started = time.monotonic()
    try:
        session.ask(query("SELECT pg_sleep(30)"))
        raise AssertionError("a session outlived its revoked token")
    except wire.Closed as ended:
        contains(str([fields["C"] for fields in wire.errors(ended.messages)]), "57P01", "its last words")
    assert time.monotonic() - started < 1.5, f"it took {time.monotonic() - started - 0.5:.1f} s"
    assert is_closed(idle, 1), "an idle session outlived its revoked token"
    equal(refusal_of(lambda: gateway.connect(token))["C"][:3], "280", "a revoked token")
    return token


def admin(gateway, method, path, body=None):
    """One request on the local socket; its JSON."""
    import http.client

    class Local(http.client.HTTPConnection):
        def connect(self):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(20)
            self.sock.connect(str(gateway.data / "admin.sock"))

    client = Local("localhost")
    client.request(method, path, body=json.dumps(body) if body is not None else None,
                   headers={"Content-Type": "application/json"} if body is not None else {})
    answer = client.getresponse()
    text = answer.read().decode()
    assert answer.status < 300, f"{method} {path}: {answer.status} {text}"
    lines = [json.loads(line) for line in text.splitlines() if line.strip()] if text.strip() else []
    return lines[0] if len(lines) == 1 else lines


def plain_text(server):
    """A login without TLS is refused before a password is asked; GSS is declined; early octets behind SSLRequest are fatal."""
    with Gateway(targets=[target(server)]) as gateway:
        session = raw(gateway)
        session.send(wire.startup({"user": "x", "database": "shop"}))
        kind, body = session.read()
        equal((kind, wire.fields_of(body)["S"], wire.fields_of(body)["C"]), ("E", "FATAL", "28000"), "plain text")
        assert is_closed(session), "still open"
        session = raw(gateway)
        session.send(wire.GSS_REQUEST)
        equal(session.socket.recv(1), b"N", "GSSENCRequest")
        session.secure(gateway.tls())
        session.log_in({"user": "x", "database": "shop"}, gateway.token())
        equal(session.query("SELECT 1"), [["1"]], "TLS behind GSSENCRequest")
        session.close()
        session = raw(gateway)
        session.send(wire.SSL_REQUEST + wire.startup({"user": "x", "database": "shop"}))
        answer = session.socket.recv(1)
        assert answer in (b"", b"E"), f"octets behind SSLRequest were answered by {answer!r}"
        session.socket.close()
        for twice in (wire.SSL_REQUEST, wire.GSS_REQUEST):
            session = raw(gateway)
            session.secure(gateway.tls())
            session.send(wire.SSL_REQUEST if twice == wire.SSL_REQUEST else wire.GSS_REQUEST)
            session.socket.settimeout(5)
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                assert session.socket.recv(1) in (b"", b"E", b"N"), "inside TLS"
            session.socket.close()


def startup_packets(server):
    """Old, newer and malformed ones."""
    def answer(octets, tls=True):
        session = raw(gateway)
        if tls:
            session.secure(gateway.tls())
        session.send(octets)
        messages = session.rest() if octets[4:8] != struct.pack("!HH", 3, 9) else [session.read()]
        session.socket.close()
        return messages

    with Gateway(targets=[target(server)]) as gateway:
        names = {"user": "x", "database": "shop"}
        equal([f["C"] for f in wire.errors(answer(wire.startup(names, 2 << 16)))], ["0A000"], "protocol 2.0")
        equal([f["C"] for f in wire.errors(answer(wire.startup(names, 4 << 16)))], ["0A000"], "protocol 4.0")
        equal(answer(wire.startup(names, (3 << 16) + 9))[0][0], "v", "protocol 3.9 is negotiated")
        equal([f["C"] for f in wire.errors(answer(wire.startup({**names, "replication": "database"})))], ["0A000"], "replication")
        for bad in (struct.pack("!II", 7, 196608), struct.pack("!II", 20000, 196608) + b"x" * 19992, struct.pack("!II", 0xFFFFFFFF, 196608),
                    struct.pack("!II", 12, 196608) + b"user"):
            errors = wire.errors(answer(bad))
            assert all(fields["S"] == "FATAL" for fields in errors), errors
        with gateway.connect(gateway.token()) as session:
            equal(session.query("SELECT 1"), [["1"]], "others")


def limits(server):
    """A message over its limit ends the session; a statement over its limit is refused and the session goes on."""
    with Gateway(targets=[target(server)]) as gateway:
        token = gateway.token()
        with gateway.connect(token) as session:
            messages = session.ask(query("SELECT '" + "x" * 70_000 + "'"))
            equal([fields["C"] for fields in wire.errors(messages)], ["54000"], "a statement of 70 KB")
            messages = session.ask(parse("SELECT '" + "x" * 70_000 + "'") + bind() + execute() + SYNC)
            equal([fields["C"] for fields in wire.errors(messages)], ["54000"], "the same, extended")
            equal(session.query("SELECT 1"), [["1"]], "the session goes on")
        for octets in (query("SELECT '" + "x" * 2_000_000 + "'"), b"Q" + struct.pack("!I", 0x7FFFFFFF) + b"SELECT",
                       b"Q" + struct.pack("!I", 2), b"Q" + struct.pack("!I", 9) + b"no NUL"[:5], wire.message("?"),
                       wire.message("p", b"x\0"), query(b"SELECT 1\0; DROP TABLE x")):
            with gateway.connect(token) as session:
                with contextlib.suppress(ConnectionError, ssl.SSLError):
                    session.send(octets)
                errors = wire.errors(session.rest())
                assert errors and errors[-1]["S"] == "FATAL", f"{octets[:20]!r}: {errors}"
                assert errors[-1]["C"] in ("54000", "08P01", "0A000"), errors
        with gateway.connect(token) as session:
            messages = session.ask(query(b"SELECT '\xff\xfe'"))
            equal([fields["C"] for fields in wire.errors(messages)], ["22021"], "invalid UTF-8")
            for text in ("SET client_encoding = 'LATIN1'", "SET standard_conforming_strings = off", "SET NAMES 'LATIN1'"):
                assert wire.errors(session.ask(query(text))), text
            equal(session.query("SHOW client_encoding"), [["UTF8"]], "still")
        gateway.stop()
        gateway.check_trail()


def cancel_requests(server):
    """The right one cancels; a wrong one does nothing; both are over TLS or plain."""
    with Gateway(targets=[target(server)]) as gateway:
        token = gateway.token()
        session, other = gateway.connect(token), gateway.connect(token)
        process, key = session.key()
        assert (process, key) != other.key(), "two sessions share a key"

        def cancel(process, key, tls):
            asker = raw(gateway)
            if tls:
                asker.secure(gateway.tls())
            asker.send(wire.cancel_request(process, key))
            assert is_closed(asker), "a cancel request was not closed"

        for tls in (True, False):
            threading.Timer(0.5, cancel, (process, key ^ 1, tls)).start()  # wrong
            threading.Timer(1.5, cancel, (process, key, tls)).start()
            started = time.monotonic()
            messages = session.ask(query("SELECT pg_sleep(20)"))
            took = time.monotonic() - started
            equal([fields["C"] for fields in wire.errors(messages)], ["57014"], "cancelled")
            assert 1.3 < took < 5, f"after {took:.1f} s"
        cancel(process, key, True)  # nothing is outstanding: nothing may happen
        time.sleep(0.3)
        equal(session.query("SELECT 1"), [["1"]], "a late cancel request")
        equal(other.query("SELECT 1"), [["1"]], "the other session")
        gateway.stop()
        assert Trail(gateway.data).of_type("cancel"), "cancel requests are not recorded"


def silent_clients(server):
    """1,000 half-open and silent clients; others go on; each is ended by the handshake's limit of 10 seconds."""
    with Gateway(targets=[target(server)]) as gateway:
        token = gateway.token()
        silent = []
        for number in range(1000):
            held = socket.create_connection(("127.0.0.1", gateway.port), timeout=10)
            if number % 3 == 1:
                held.sendall(wire.SSL_REQUEST)
            elif number % 3 == 2:
                held.sendall(b"\0\0\0")
            silent.append(held)
        started = time.monotonic()
        with gateway.connect(token) as session:
            equal(session.query("SELECT 1"), [["1"]], "meanwhile")
        took = time.monotonic() - started
        assert took < 5, f"a login took {took:.1f} s beside silent clients"
        deadline = started + 25
        ended = 0
        for held in silent:
            held.settimeout(max(0.1, deadline - time.monotonic()))
            try:
                while held.recv(4096):
                    pass
                ended += 1
            except ConnectionError:
                ended += 1
            except TimeoutError:
                pass
            held.close()
        equal(ended, 1000, "silent clients that were ended")


def slow_reader(server):
    """A client that does not read makes the gateway hold little, and gets everything when it reads."""
    with Gateway(targets=[target(server)]) as gateway:
        token = gateway.token()
        session = gateway.connect(token)
        session.send(query("SELECT repeat('s', 1000) FROM generate_series(1, 200000)"))
        time.sleep(3)
        status = pathlib.Path(f"/proc/{gateway.process.pid}/status").read_text()
        resident = int(status.split("VmRSS:")[1].split()[0]) // 1024
        assert resident < 300, f"{resident} MiB while a client does not read 200 MB"
        with gateway.connect(token) as other:
            equal(other.query("SELECT 1"), [["1"]], "another session")
        messages = session.read_until("Z")
        equal(sum(kind == "D" for kind, _ in messages), 200000, "rows")
        session.close()


def client_leaves(server):
    """In the middle of a query, of a COPY, of a message: the target's session ends, the trail has an end."""
    with Gateway(targets=[target(server)]) as gateway:
        token = gateway.token()
        setup = gateway.connect(token)
        setup.query("CREATE TABLE IF NOT EXISTS leaving (id int)")
        mark = "client_leaves"
        for octets, ends in ((query("SELECT pg_sleep(8)"), ""), (query("COPY leaving FROM STDIN"), "G"),
                             (query("SELECT 1")[:-3], ""), (query("SELECT generate_series(1, 50000000)"), "T"), (b"", "")):
            session = gateway.connect(token, application_name=mark)
            session.send(octets)
            session.read_until(ends)
            session.socket.close()
        wait_for(lambda: setup.query(f"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{mark}'") == [["0"]], 15,
                 "the target's sessions to end")
        setup.close()
        gateway.stop()
        for events in Trail(gateway.data).sessions().values():
            if events[0].entry[2] == "session_open":
                equal(events[-1].entry[2], "session_close", "a session's last event")
        gateway.check_trail()


def reloaded_rules(server):
    """SIGHUP: the next command of an open session is judged by the new rules; a broken file changes nothing."""
    with Gateway(targets=[target(server)]) as gateway:
        with gateway.connect(gateway.token()) as session:
            equal(session.query("SELECT 1"), [["1"]], "before")
            gateway.configuration["rules"] = [{"name": "nobody-reads", "if": {"effects": ["read"]}, "then": {"deny": "Closed."}}]
            gateway.write()
            gateway.process.send_signal(signal.SIGHUP)
            wait_for(lambda: wire.errors(session.ask(query("SELECT 1"))), 5, "the new rules")
            gateway.file.write_text("nonsense: true\n")
            gateway.process.send_signal(signal.SIGHUP)
            time.sleep(0.5)
            contains(wire.errors(session.ask(query("SELECT 1")))[0]["M"] + str(wire.errors(session.ask(query("SELECT 1")))), "nobody-reads")
        gateway.write()
        gateway.stop()
        equal(len({event.index for event in Trail(gateway.data).of_type("config")}) >= 2, True, "configurations in the trail")


def orderly_stop(server):
    """SIGTERM ends idle sessions with a reason and the trail with log_end; status 0."""
    with Gateway(targets=[target(server)]) as gateway:
        session = gateway.connect(gateway.token())
        equal(session.query("SELECT 1"), [["1"]])
        equal(gateway.stop(), 0, "exit status")
        equal([fields["C"] for fields in wire.errors(session.rest())], ["57P01"], "last words")
        equal(Trail(gateway.data).events[-1].entry[2], "log_end", "the last event")
        gateway.check_trail()
        gateway.start()
        equal(refusal_of(lambda: gateway.connect("wrong"))["C"][:2], "28", "after a restart")
        gateway.stop()
        gateway.check_trail()


def main():
    suite = Suite("failures", sys.argv[1:])
    with Postgres() as server:
        for case in (configuration_errors, missing_secret, address_in_use, targets_that_fail, unknown_target, target_session_killed,
                     target_stops, tokens, plain_text, startup_packets, limits, cancel_requests, silent_clients, slow_reader,
                     client_leaves, reloaded_rules, orderly_stop):
            suite.run(case, server)
    return suite.close()


if __name__ == "__main__":
    sys.exit(main())
