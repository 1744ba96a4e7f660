#!/usr/bin/python3
"""The trail of a day's work, checked by code that is not ours: Go's tlog and note, openssl, cbor2 and hashlib; then by
sallyport-verify, over the folder and an exported bundle, whole and damaged; then searched and replayed by the command line."""
import base64
import hashlib
import hmac
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import time

import cbor2

from stage import wire
from stage.gateway import BINARIES, Gateway, target
from stage.postgres import Postgres
from stage.suite import Suite, contains, equal
from stage.trail import META, Trail
from stage.wire import COPY_DONE, SYNC, bind, copy_data, describe, execute, parse, query

HERE = pathlib.Path(__file__).resolve().parent
RULES = [{"name": "work", "who": {"principals": ["agent-1"]},
          "if": {"effects": ["read", "write", "schema", "session", "call", "server", "unknown"]}, "then": "allow"},
         {"name": "never-drop", "if": {"statements": ["DROP TABLE", "TRUNCATE"]}, "then": {"deny": "Data is never dropped through here."}}]
SLOTS = {11: 0, 12: 1, 13: 2, 14: 3}
MARK = "a-mark-that-only-this-suite-writes"


def work(gateway, token):
    """Something of everything, and more events than one tile holds."""
    with gateway.connect(token, application_name="trail") as session:
        session.query("CREATE TABLE work (id int PRIMARY KEY, v text)")
        for number in range(200):
            session.query(f"INSERT INTO work VALUES ({number}, '{MARK}')")
        refused = wire.errors(session.ask(query("DROP TABLE work")))
        equal(refused[0]["C"], "42501", "refused")
        session.ask(b"".join(parse("SELECT v FROM work WHERE id = $1") + bind([str(n)]) + describe() + execute() + SYNC for n in range(100)), "Z" * 100)
        session.ask(query("SELECT repeat('large', 400000)"))
        session.ask(query("COPY work FROM STDIN"), "G")
        session.ask(copy_data(b"".join(b"%d\tcopied %s\n" % (n, b"c" * 300) for n in range(1000, 3000))) + COPY_DONE)
        session.ask(query("SELECT 1/0"))
        session.query("LISTEN l")
        session.query("NOTIFY l, 'unasked'")
    sessions = [gateway.connect(token) for _ in range(20)]
    for session in sessions:
        session.query("SELECT count(*) FROM work")
    for session in sessions[:10]:
        session.close()
    for session in sessions[10:]:
        session.socket.close()
    time.sleep(1.2)  # a checkpoint


class Checks:
    def __init__(self, gateway, heads):
        self.gateway, self.heads = gateway, heads
        self.folder = gateway.data / "trail"
        self.trail = Trail(gateway.data, check_crc=True)

    def program(self, *arguments, expect=0, **options):
        done = subprocess.run([str(part) for part in arguments], text=True, capture_output=True, timeout=300, **options)
        assert done.returncode == expect, f"{arguments[0]}: status {done.returncode}, not {expect}: {done.stdout[-2000:]} {done.stderr[-2000:]}"
        return done.stdout + done.stderr

    # ---- by code that is not ours ----

    def go_tlog(self):
        environment = {**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": "",
                       "GOCACHE": str(pathlib.Path.home() / ".cache/sallyport/go")}
        print(self.program("go", "run", HERE / "tlog/main.go", self.folder, self.folder / "log.vkey", env=environment).strip())

    def openssl_signature(self):
        text, signatures = (self.folder / "checkpoint").read_text().split("\n\n")
        signature = base64.b64decode(signatures.split()[-1])[4:]
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            der = bytes.fromhex("302a300506032b6570032100") + self.trail.public_key()
            (folder / "key.der").write_bytes(der)
            (folder / "note").write_bytes(text.encode() + b"\n")
            (folder / "signature").write_bytes(signature)
            command = ("openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", folder / "key.der", "-rawin", "-in",
                       folder / "note", "-sigfile", folder / "signature")
            contains(self.program(*command), "Signature Verified Successfully")
            (folder / "note").write_bytes(text.encode() + b" \n")
            self.program(*command, expect=1)

    def encoding_is_deterministic(self):
        for event in self.trail.events:
            equal(cbor2.dumps(event.entry, canonical=True), event.octets, f"entry {event.index}")
            for slot, octets in event.payloads.items():
                if slot == META:
                    equal(cbor2.dumps(cbor2.loads(octets), canonical=True), octets, f"meta of {event.index}")
        assert len(self.trail.events) > 600, len(self.trail.events)

    def chains(self):
        ended = 0
        for session, events in self.trail.sessions().items():
            previous = b"\0" * 32
            for seq, event in enumerate(events):
                equal((event.entry[4], event.entry[5]), (seq, previous), f"session {session.hex()}, seq {seq}")
                previous = hashlib.sha256(b"\0" + event.octets).digest()
                assert event.entry[2] not in ("session_close", "session_abort", "log_end") or event is events[-1], "an event behind the end"
            last = events[-1].entry
            if last[2] in ("session_close", "session_abort"):
                equal(last[17], [last[4], last[5]], "the end's count and head")
                ended += 1
        assert ended >= 21, ended

    def commitments(self):
        checked = 0
        for event in self.trail.events:
            for key, slot in SLOTS.items():
                if key not in event.entry or slot not in event.payloads:
                    continue
                length, commitment = event.entry[key]
                octets = event.payloads[slot]
                salt_key = self.trail.session_key(event.entry[16])[1 + slot]
                salt = hmac.digest(salt_key, event.entry[3] + struct.pack("!QB", event.entry[4], slot), "sha256")
                equal(length, len(octets), f"length of slot {slot} of {event.index}")
                equal(hashlib.sha256(b"audit-commit/v1\0" + bytes([slot]) + salt + struct.pack("!Q", len(octets)) + octets).digest(),
                      commitment, f"commitment of slot {slot} of {event.index}")
                checked += 1
        assert checked > 1000, checked

    def nothing_in_plain_text(self):
        for path in self.folder.rglob("*"):
            if path.is_file():
                octets = path.read_bytes()
                assert MARK.encode() not in octets and b"agent-1" not in octets, f"content or identity in {path}"
        for path in (self.gateway.data / "keys").iterdir():
            equal(path.stat().st_mode & 0o777, 0o600, f"mode of {path}")
        equal((self.gateway.data / "keys").stat().st_mode & 0o777, 0o700, "mode of keys")

    def what_was_recorded(self):
        statements = self.trail.statements()
        for number in range(200):
            assert (f"INSERT INTO work VALUES ({number}, '{MARK}')", "permit") in statements, number
        assert ("DROP TABLE work", "deny") in statements
        equal(sum(text == "SELECT v FROM work WHERE id = $1" for text, _ in statements) >= 100, True, "extended statements")
        rows = sum(self.trail.meta(event).get("rows", 0) for event in self.trail.of_type("response"))
        assert rows >= 120, rows
        opened = [self.trail.meta(event) for event in self.trail.of_type("session_open")]
        mine = [meta for meta in opened if meta.get("target") == "shop" and meta.get("principal", {}).get("name") == "agent-1"]
        assert len(mine) >= 21 and mine[0]["target_session"].isdigit(), mine[:1]
        copied = sum(self.trail.meta(event).get("chunk_octets", 0) for event in self.trail.of_type("request"))
        assert copied > 600_000, copied

    # ---- by sallyport-verify ----

    def verify(self, path, *arguments, expect):
        return self.program(BINARIES / "sallyport-verify", path, "--key", self.folder / "log.vkey", *arguments, expect=expect)

    def verified(self):
        contains(self.verify(self.folder, expect=4).upper(), "UNANCHORED")
        self.verify(self.folder, "--unanchored-ok", expect=0)
        contains(self.verify(self.folder, "--known-head", self.heads, expect=0).upper(), "VERIFIED")
        self.program(BINARIES / "sallyport-verify", expect=1)

    def another_gateways_head(self):
        with Gateway(targets=self.gateway.configuration["targets"], rules=RULES) as other:
            other.connect(other.token()).close()
            time.sleep(1.2)
            other.stop()
            done = self.verify_status(self.folder, "--known-head", other.data / "trail/checkpoint")
            assert done in (1, 2, 5), done  # 1: it is not this log's key that signed it

    def verify_status(self, path, *arguments):
        return subprocess.run([BINARIES / "sallyport-verify", path, "--key", self.folder / "log.vkey", *map(str, arguments)],
                              capture_output=True, timeout=300).returncode

    def damaged_folder(self):
        """Every kind of file, changed or gone."""
        segment = "segments/00000000.seg"
        whole = (self.folder / segment).read_bytes()
        commit = [at for at in range(0, len(whole.rstrip(b"\0")) - 16, 8) if whole[at:at + 5] == b"\0\0\0\x50\x04"]
        changes = {
            "an octet of the first event": (segment, lambda octets: flip(octets, octets.index(b"log_start"))),
            "an octet in the middle": (segment, lambda octets: flip(octets, commit[len(commit) // 2] + 30)),
            "a group removed": (segment, lambda octets: octets[:commit[3]] + octets[commit[4]:] + b"\0" * (commit[4] - commit[3])),
            "the tail cut": (segment, lambda octets: octets[:commit[len(commit) // 2]]),
            "the tail zeroed": (segment, lambda octets: octets[:commit[len(commit) // 2]] + b"\0" * (len(octets) - commit[len(commit) // 2])),
            "a tile": ("tile/0/000", lambda octets: flip(octets, 40)),
            "an entry bundle": ("tile/entries/000", lambda octets: flip(octets, 40)),
            "the checkpoint's size": ("checkpoint", lambda octets: octets.replace(b"\n", b"\n1", 1)),
            "the signature": ("checkpoint", lambda octets: octets[:-6] + bytes([octets[-6] ^ 1]) + octets[-5:]),
        }
        for name, (path, change) in changes.items():
            with tempfile.TemporaryDirectory() as copy:
                copy = pathlib.Path(copy)
                shutil.copytree(self.folder, copy / "trail")
                shutil.copytree(self.gateway.data / "keys", copy / "keys")
                changed = bytearray((copy / "trail" / path).read_bytes())
                (copy / "trail" / path).write_bytes(bytes(change(changed)))
                status = self.verify_status(copy / "trail", "--unanchored-ok")
                assert status in (2, 3), f"{name}: status {status}"
        with tempfile.TemporaryDirectory() as copy:
            copy = pathlib.Path(copy)
            shutil.copytree(self.folder, copy / "trail")
            shutil.copytree(self.gateway.data / "keys", copy / "keys")
            records = copy / "trail/keys/00000000.keys"
            octets = bytearray(records.read_bytes())
            session = next(iter(event.entry for event in self.trail.of_type("session_open")))
            octets[session[16] * 256:session[16] * 256 + 256] = b"\0" * 256
            records.write_bytes(octets)
            equal(self.verify_status(copy / "trail", "--unanchored-ok"), 3, "a session's keys are gone")

    # ---- the command line ----

    def command_line(self):
        self.gateway.start()
        try:
            sessions = self.gateway.lines_of("sessions", "list")
            mine = [one for one in sessions if one.get("target") == "shop" and one.get("principal") == "agent-1"]
            assert len(mine) >= 21, sessions[:2]
            hits = self.gateway.lines_of("search", MARK)
            assert hits and any(MARK in str(hit.get("statement")) for hit in hits), hits[:2]
            busy = next(hit["session"] for hit in hits if MARK in str(hit.get("statement")))
            lines = self.gateway.lines_of("replay", busy)
            for key in ("session", "seq", "time", "principal", "target", "kind"):
                assert all(key in line for line in lines), f"{key} is missing: {lines[:2]}"
            equal([line["seq"] for line in lines], sorted(line["seq"] for line in lines), "the order of replay")
            denied = [line for line in lines if line.get("verdict") == "deny"]
            equal([(line["statement"], line["rule"]) for line in denied], [("DROP TABLE work", "never-drop")], "what was denied")
            assert any(line["kind"] == "response" and line.get("error") for line in lines), "an error in replay"
            self.gateway.run("verify", expect=None)
            self.bundle(busy)
        finally:
            self.gateway.stop()
        acts = [self.trail.meta(event) for event in Trail(self.gateway.data).of_type("admin")]
        for act in ("export", "replay", "search"):
            assert any(act in str(meta.get("act")) for meta in acts), f"{act} is not recorded: {acts}"
        assert any(f"uid {os.getuid()}" in str(meta.get("by")) for meta in acts), acts[:3]

    def bundle(self, session):
        """Whole, flipped, cut: 300 places each."""
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "bundle.tar"
            self.gateway.run("export", "--session", session, "-o", path)
            self.verify(path, "--unanchored-ok", expect=0)
            self.verify(path, "--known-head", self.heads, expect=0)
            contains(self.program("tar", "-tf", path), "MANIFEST", "an ordinary tar reads it")
            octets = path.read_bytes()
            missed = []
            for number in range(150):
                at = (number * 7919 * 512 + number * 37) % len(octets)
                path.write_bytes(bytes(flip(bytearray(octets), at)))
                if self.verify_status(path, "--unanchored-ok") not in (2, 3):
                    missed.append(f"octet {at}")
                path.write_bytes(octets[:at])
                if self.verify_status(path, "--unanchored-ok") not in (1, 2, 3):
                    missed.append(f"cut at {at}")
            assert not missed, f"not found: {missed[:10]}"


def flip(octets, at):
    octets[at] ^= 0x10
    return octets


def main():
    suite = Suite("trail", sys.argv[1:])
    with Postgres() as server, tempfile.TemporaryDirectory() as other:
        heads = f"{other}/heads"
        with Gateway(targets=[target(server)], rules=RULES, trail={"push": [{"file": heads}]}) as gateway:
            work(gateway, gateway.token())
            equal(gateway.stop(), 0, "the gateway's exit status")
            checks = Checks(gateway, heads)
            for case in (checks.go_tlog, checks.openssl_signature, checks.encoding_is_deterministic, checks.chains, checks.commitments,
                         checks.nothing_in_plain_text, checks.what_was_recorded, checks.verified, checks.another_gateways_head,
                         checks.damaged_folder, checks.command_line):
                suite.run(case)
            suite.run(gateway.check_trail)
    return suite.close()


if __name__ == "__main__":
    sys.exit(main())
