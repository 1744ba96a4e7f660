#!/usr/bin/python3
"""Checks sallyport-verify on trails by the real writer, and the trail itself by code that is not ours: Go's sumdb/tlog and
sumdb/note, openssl, python3-cbor2.

    verify_checks.py               makes its own samples
    verify_checks.py NAME…         only these of its checks
    verify_checks.py TRAIL_DIR     the checks by other people's code on a trail that is there
"""
import base64
import json
import os
import pathlib
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

import cbor2

from stage.suite import Suite

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARIES = pathlib.Path(os.environ.get("SALLYPORT_BIN", ROOT / "build/release/bin"))
VERIFIED, USAGE, TAMPERED, MISSING, UNANCHORED, ROLLBACK = range(6)
FOUND = (TAMPERED, MISSING)


def verify(path, key, *options):
    """(exit code, what was printed)"""
    done = subprocess.run([BINARIES / "sallyport-verify", path, "--key", key, *options], text=True, capture_output=True,
                          timeout=120)
    assert done.returncode in range(7), f"ended with {done.returncode}: {done.stderr[-2000:]}"
    return done.returncode, done.stdout


def expect(wanted, path, key, *options):
    code, out = verify(path, key, *options)
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    assert code in wanted, f"exit {code}, not {wanted}:\n{out}"
    words = {0: "VERIFIED", 2: "TAMPERED", 3: "MISSING", 4: "CONSISTENT BUT UNANCHORED", 5: "ROLLBACK OR FORK", 6: "TIME"}
    if "--json" not in options and "--unanchored-ok" not in options:
        assert out.splitlines()[0] == words[code], out
    return out


class Sample:
    """A data folder by sample-trail."""

    def __init__(self, folder):
        self.data = pathlib.Path(folder)
        self.data.mkdir(exist_ok=True)
        self.trail = self.data / "trail"
        self.key = self.trail / "log.vkey"
        self.heads = self.data / "heads"

    def append(self, sessions, requests):
        subprocess.run([BINARIES / "sample-trail", self.data, str(sessions), str(requests)], check=True, timeout=300)
        return self

    def start(self, sessions, requests, pause_ms):
        return subprocess.Popen([BINARIES / "sample-trail", self.data, str(sessions), str(requests), str(pause_ms)])

    def bundle(self, out, count):
        subprocess.run([BINARIES / "sample-trail", "--bundle", self.data, out, str(count)], check=True, timeout=300)
        return pathlib.Path(out)

    def copy(self, folder):
        shutil.copytree(self.data, folder)
        return Sample(folder)


# ---- other people's code ----

def checkpoint_parts(trail):
    body, signatures = (trail / "checkpoint").read_text().split("\n\n")
    signature = base64.b64decode(signatures.strip().split(" ")[2])
    return body + "\n", signature[4:]


def openssl_verifies_the_signature(trail, key, scratch):
    body, signature = checkpoint_parts(trail)
    public = base64.b64decode(key.read_text().strip().split("+", 2)[2])[1:]
    (scratch / "key.der").write_bytes(bytes.fromhex("302a300506032b6570032100") + public)  # RFC 8410
    (scratch / "signature").write_bytes(signature)

    def check(text):
        (scratch / "body").write_text(text)
        return subprocess.run(["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey",
                               scratch / "key.der", "-in", scratch / "body", "-sigfile", scratch / "signature"],
                              capture_output=True).returncode
    assert check(body) == 0
    assert check(body.replace("\n", "\n1", 1)) != 0


def entries_of(trail):
    size = int((trail / "checkpoint").read_text().split("\n")[1])
    for number in range((size + 255) // 256):
        width = min(256, size - number * 256)
        groups = [f"{number // 1000 ** i % 1000:03}" for i in range(10) if i == 0 or number >= 1000 ** i]
        name = "/".join(["x" + group for group in reversed(groups[1:])] + groups[:1])
        path = trail / "tile/entries" / name
        if width < 256 and not path.exists():
            path = pathlib.Path(f"{path}.p/{width}")
        data = path.read_bytes()
        for _ in range(width):
            length, = struct.unpack(">H", data[:2])
            yield data[2:2 + length]
            data = data[2 + length:]


def cbor2_decodes_the_entries(trail):
    count = 0
    for index, entry in enumerate(entries_of(trail)):
        event = cbor2.loads(entry)
        assert cbor2.dumps(event, canonical=True) == entry, f"entry {index} is not canonical"
        assert list(event) == sorted(event) and event[1] == 1 and len(event[3]) == 16, f"entry {index}: {event}"
        count += 1
    assert count > 0


def go_proves_inclusion_and_consistency(trail, key, scratch, old=None):
    program = scratch / "tlog"
    if not program.exists():
        environment = dict(os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode", GOCACHE=str(scratch / "gocache"),
                           CGO_ENABLED="0", GOFLAGS="")
        subprocess.run(["go", "build", "-o", program, ROOT / "test/integration/tlog/main.go"], check=True, env=environment)
    command = [program, trail, key] + ([old] if old else [])
    done = subprocess.run(command, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert re.search(r"inclusion of [1-9]\d* entries", done.stdout), done.stdout


def go_finds_a_changed_entry(sample, scratch):
    changed = sample.copy(scratch / "changed-for-go")
    bundle = next(path for path in sorted((changed.trail / "tile/entries").rglob("*")) if path.is_file())
    octets = bytearray(bundle.read_bytes())
    octets[40] ^= 1
    bundle.write_bytes(octets)
    done = subprocess.run([scratch / "tlog", changed.trail, changed.key], capture_output=True)
    assert done.returncode == 1


# ---- the verifier on trails by the real writer ----

def exit_codes(sample, scratch):
    expect(VERIFIED, sample.trail, sample.key, "--known-head", sample.heads)
    expect(UNANCHORED, sample.trail, sample.key)
    expect(VERIFIED, sample.trail, sample.key, "--unanchored-ok")
    (scratch / "nothing").write_text("")
    for options in (["--unanchored-ok", "--known-head", sample.heads], ["--known-head", scratch / "nothing"], ["--wrong"],
                    ["--known-head", scratch / "absent"], ["--known-head"]):
        assert verify(sample.trail, sample.key, *options)[0] == USAGE, options
    assert verify(scratch / "absent", sample.key)[0] == USAGE
    assert verify(sample.trail, scratch / "nothing")[0] == USAGE


def json_says_the_same(sample):
    told = json.loads(expect(VERIFIED, sample.trail, sample.key, "--known-head", sample.heads, "--json"))
    assert told["verdict"] == "VERIFIED" and told["first_fault"] is None
    assert told["entries"] == told["signed"] == told["anchored"] == sum(1 for _ in entries_of(sample.trail))
    assert told["payloads"] > told["entries"] and told["payloads_not_opened"] == 0


def without_keys_it_says_so(sample, scratch):
    away = sample.copy(scratch / "no-key")
    shutil.rmtree(away.data / "keys")
    assert "NOT OPENED" in expect(VERIFIED, away.trail, away.key, "--known-head", away.heads)
    given = sample.data / "keys/content.key"
    assert "NOT OPENED" not in expect(VERIFIED, away.trail, away.key, "--known-head", away.heads, "--content-key", given)


def mirror(sample, scratch):
    away = scratch / "mirror"
    away.mkdir()
    for name in ("log.vkey", "checkpoint"):
        shutil.copy(sample.trail / name, away)
    shutil.copytree(sample.trail / "tile", away / "tile")
    expect(VERIFIED, away, sample.key, "--mirror", "--known-head", sample.heads)
    expect(MISSING, away, sample.key, "--known-head", sample.heads)


def files_deleted(sample, scratch):
    for number, path in enumerate(sorted(path for path in sample.trail.rglob("*") if path.is_file())):
        if path.name in ("reserve", "tile-durable") or not any(path.read_bytes()):
            continue
        if "tile" in path.parts and ".p" in str(path) and not is_needed(sample.trail, path):
            continue
        away = sample.copy(scratch / f"less-{number}")
        (away.trail / path.relative_to(sample.trail)).unlink()
        out = expect(MISSING, away.trail, sample.key, "--known-head", sample.heads)
        assert "first fault" in out
        shutil.rmtree(away.data)


def is_needed(trail, path):
    """Partial tiles of earlier checkpoints may still be there."""
    size = int((trail / "checkpoint").read_text().split("\n")[1])
    level = path.relative_to(trail / "tile").parts[0]
    return int(path.name) == (size if level == "entries" else size >> 8 * int(level)) % 256


def bits_flipped_in_the_folder(sample, scratch):
    dice = random.Random(5)
    away = sample.copy(scratch / "flipped")
    used = {}
    for path in sorted(path for path in away.trail.rglob("*") if path.is_file()):
        octets = path.read_bytes().rstrip(b"\0")
        if octets and path.name not in ("reserve", "tile-durable") and not (
                "tile" in path.parts and ".p" in str(path) and not is_needed(away.trail, path)):
            used[path] = len(octets)
    for path, length in used.items():
        if path.suffix == ".keys":
            length = length // 256 * 256 or 220
        for _ in range(40 if path.suffix in (".seg", ".keys") else 4):
            bit = dice.randrange(length * 8)
            flip(path, bit)
            code, out = verify(away.trail, sample.key, "--known-head", sample.heads)
            flip(path, bit)
            assert code in FOUND, f"{path} bit {bit}: {out}"
            assert str(path.relative_to(away.trail)) in out.splitlines()[1], f"{path} bit {bit}: {out}"
    expect(VERIFIED, away.trail, sample.key, "--known-head", sample.heads)


def flip(path, bit):
    with open(path, "r+b") as file:
        file.seek(bit // 8)
        octet = file.read(1)[0]
        file.seek(bit // 8)
        file.write(bytes([octet ^ 1 << bit % 8]))


def bundles(sample, scratch):
    for count in (1, 3):
        out = sample.bundle(scratch / f"{count}.tar", count)
        told = json.loads(expect(VERIFIED, out, sample.key, "--known-head", sample.heads, "--json"))
        assert told["sessions"] == count and told["payloads"] > 10, told
        expect(UNANCHORED, out, sample.key)
        listed = subprocess.run(["tar", "tf", out], text=True, capture_output=True, check=True).stdout.split()
        assert listed[0] == "MANIFEST" and listed[1:] == sorted(listed[1:]), listed
    dice = random.Random(6)
    whole = out.read_bytes()
    for _ in range(60):
        bit = dice.randrange(len(whole) * 8)
        flip(out, bit)
        expect(FOUND, out, sample.key, "--known-head", sample.heads)
        flip(out, bit)
    for _ in range(20):
        out.write_bytes(whole[:dice.randrange(len(whole))])
        expect(FOUND, out, sample.key)
    out.write_bytes(whole + b"\0")
    expect(FOUND, out, sample.key)


def rollback_and_fork(sample, scratch):
    old = sample.copy(scratch / "old")
    new = sample.copy(scratch / "new").append(1, 5)
    expect(VERIFIED, new.trail, sample.key, "--known-head", old.heads)
    expect(ROLLBACK, old.trail, sample.key, "--known-head", new.heads)
    other = sample.copy(scratch / "other").append(1, 5)
    expect(ROLLBACK, other.trail, sample.key, "--known-head", new.heads)
    # A head that is not larger than the fork's root is no evidence against it.
    expect(VERIFIED, other.trail, sample.key, "--known-head", old.heads)


def a_live_trail_gives_no_false_alarm(sample, scratch):
    live = Sample(scratch / "live").append(1, 1)
    writer = live.start(6, 400, 2)
    try:
        seen, runs = set(), 0
        while writer.poll() is None and runs < 60:
            told = json.loads(expect(VERIFIED, live.trail, live.key, "--known-head", live.heads, "--json"))
            seen.add(told["entries"])
            runs += 1
        assert runs >= 5 and len(seen) >= 3, f"{runs} runs saw {len(seen)} different sizes: nothing was shown"
    finally:
        writer.terminate()
        writer.wait()


def killed_and_opened_again(sample, scratch):
    killed = Sample(scratch / "killed").append(1, 1)
    for pause in (0.7, 1.3, 1.6):
        writer = killed.start(4, 100_000, 0)
        time.sleep(pause)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        expect(VERIFIED, killed.trail, killed.key, "--known-head", killed.heads)
    killed.append(1, 1)
    told = json.loads(expect(VERIFIED, killed.trail, killed.key, "--known-head", killed.heads, "--json"))
    assert told["open_sessions"] == 0 and told["entries"] == told["signed"], told


def by_others(suite, trail, key, scratch, old=None):
    suite.run(openssl_verifies_the_signature, trail, key, scratch)
    suite.run(cbor2_decodes_the_entries, trail)
    suite.run(go_proves_inclusion_and_consistency, trail, key, scratch, old)


def main():
    is_path = len(sys.argv) > 1 and pathlib.Path(sys.argv[1]).is_dir()
    suite = Suite("verify", () if is_path else sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="sallyport-verify-") as folder:
        scratch = pathlib.Path(folder)
        if is_path:
            trail = pathlib.Path(sys.argv[1])
            by_others(suite, trail, trail / "log.vkey", scratch)
            return suite.close()
        subprocess.run(["cmake", "--build", BINARIES.parent, "--target", "sample-trail", "sallyport-verify"], check=True,
                       stdout=subprocess.DEVNULL)
        sample = Sample(scratch / "sample").append(3, 20)
        shutil.copy(sample.trail / "checkpoint", scratch / "old-checkpoint")
        sample.append(4, 30)
        by_others(suite, sample.trail, sample.key, scratch, scratch / "old-checkpoint")
        suite.run(go_finds_a_changed_entry, sample, scratch)
        suite.run(exit_codes, sample, scratch)
        suite.run(json_says_the_same, sample)
        for check in (without_keys_it_says_so, mirror, files_deleted, bits_flipped_in_the_folder, bundles, rollback_and_fork,
                      a_live_trail_gives_no_false_alarm, killed_and_opened_again):
            suite.run(check, sample, scratch)
    return suite.close()


if __name__ == "__main__":
    sys.exit(main())
