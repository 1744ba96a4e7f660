#!/usr/bin/python3
"""What was acknowledged is in the trail, and the target ran nothing that is not: after kill -9, on a full disk, on a changed or
rolled back trail."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from stage import wire
from stage.gateway import Gateway, target
from stage.postgres import Postgres
from stage.suite import Skip, Suite, contains, equal, wait_for
from stage.trail import Trail
from stage.wire import query, refusal_of

def load(gateway, token, number, acknowledged, stop, failures):
    """Marked statements, one after another; what was answered is added to `acknowledged`."""
    try:
        with gateway.connect(token) as session:
            count = 0
            while not stop.is_set():
                mark = f"mark-{number}-{count}-{os.urandom(4).hex()}"
                messages = session.ask(query(f"INSERT INTO marks VALUES ('{mark}')"))
                found = wire.errors(messages)
                if found:
                    failures.append(found[0])
                    return
                acknowledged.append(mark)
                count += 1
    except wire.Closed as ended:
        failures.extend(wire.errors(ended.messages))
    except (OSError, wire.Refused, AssertionError):
        pass


def marks_of(trail):
    return {text.split("'")[1] for text, _ in trail.statements() if isinstance(text, str) and "mark-" in text}


def kill_under_load(server, kills=None):
    """kill -9 under load, SALLYPORT_KILLS times: what was acknowledged is in the trail, and the target ran nothing that is not."""
    kills = kills or int(os.environ.get("SALLYPORT_KILLS", "5"))
    server.sql("DROP TABLE IF EXISTS marks; CREATE TABLE marks (mark text)")
    acknowledged = []
    with Gateway(targets=[target(server)], insecure=True, token_lifetime="1h") as gateway:
        token = gateway.token()
        for number in range(kills):
            stop, failures = threading.Event(), []
            threads = [threading.Thread(target=load, args=(gateway, token, f"{number}-{n}", acknowledged, stop, failures)) for n in range(8)]
            before = len(acknowledged)
            for thread in threads:
                thread.start()
            wait_for(lambda: len(acknowledged) > before + 10 or failures, 30, "acknowledged statements")
            time.sleep((number * 37 % 50) / 100)
            gateway.process.kill()
            gateway.process.wait()
            stop.set()
            for thread in threads:
                thread.join(30)
            assert len(acknowledged) > before, f"round {number}: nothing was acknowledged {failures[:1]}"
            gateway.start()
            if number % 25 == 24 or number == kills - 1:
                gateway.check_trail()
        gateway.stop()
        gateway.check_trail()
        trail = Trail(gateway.data)
        recorded = marks_of(trail)
        lost = set(acknowledged) - recorded
        assert not lost, f"{len(lost)} of {len(acknowledged)} acknowledged statements are not recorded, e.g. {sorted(lost)[:3]}"
        ran = set(server.sql("SELECT mark FROM marks").split())
        assert not ran - recorded, f"{len(ran - recorded)} statements ran unrecorded"
        equal(len(trail.of_type("recovery")), kills, "recoveries")
        print(f"durability: kill_under_load: {kills} kills, {len(acknowledged)} acknowledged, none lost", flush=True)


def full_disk(server):
    """The data folder's file system fills up under load: sessions end with 53100, and the target ran nothing that is not recorded."""
    if os.getuid() != 0:
        raise Skip("needs root for a small tmpfs")
    server.sql("DROP TABLE IF EXISTS marks; CREATE TABLE marks (mark text)")
    folder = tempfile.mkdtemp(prefix="sallyport-disk-")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600m,mode=700", "tmpfs", folder], capture_output=True).returncode != 0:
        os.rmdir(folder)
        raise Skip("no right to mount a tmpfs")
    try:
        with Gateway(targets=[target(server)], data=f"{folder}/data", insecure=True) as gateway:
            token = gateway.token()
            with gateway.connect(token) as session:
                equal(session.query("SELECT 1"), [["1"]], "before")
            usage = shutil.disk_usage(folder)
            stop, acknowledged, failures = threading.Event(), [], []
            threads = [threading.Thread(target=load, args=(gateway, token, n, acknowledged, stop, failures)) for n in range(4)]
            for thread in threads:
                thread.start()
            time.sleep(0.5)
            filler = pathlib.Path(folder) / "filler"
            with open(filler, "wb") as file, contextlib.suppress(OSError):
                while True:
                    file.write(b"\0" * min(1 << 20, usage.free))
                    file.flush()
            fill(gateway, token, acknowledged, failures)
            stop.set()
            for thread in threads:
                thread.join(60)
            codes = {fields["C"] for fields in failures}
            assert "53100" in codes, f"no session ended with 53100: {failures[:3]}"
            refused = refusal_of(lambda: gateway.connect(token))
            equal(refused["C"], "53100", "a new session on a full disk")
            ran = set(server.sql("SELECT mark FROM marks").split())
            filler.unlink()
            gateway.stop(seconds=60)
            gateway.start()
            with gateway.connect(gateway.token()) as session:
                equal(session.query("SELECT 2"), [["2"]], "with room again")
            gateway.stop()
            gateway.check_trail()
            recorded = marks_of(Trail(gateway.data))
            assert not ran - recorded, f"{len(ran - recorded)} of {len(ran)} statements ran unrecorded"
            assert not set(acknowledged) - recorded, "acknowledged statements are not recorded"
    finally:
        subprocess.run(["umount", "-l", folder], check=False)
        os.rmdir(folder)


def fill(gateway, token, acknowledged, failures):
    """Segments are preallocated: large statements until the trail has no room. Each is acknowledged or fails."""
    until = time.monotonic() + 90
    while time.monotonic() < until:
        try:
            with gateway.connect(token) as session:
                while time.monotonic() < until:
                    mark = f"mark-fill-{os.urandom(8).hex()}"
                    messages = session.ask(query(f"INSERT INTO marks VALUES ('{mark}') -- {os.urandom(25000).hex()}"))
                    if wire.errors(messages):
                        failures.extend(wire.errors(messages))
                        return
                    acknowledged.append(mark)
        except wire.Closed as ended:
            failures.extend(wire.errors(ended.messages))
            return
        except wire.Refused as refused:
            failures.append(refused.fields)
            return
        except OSError:
            return


def tampered_trail(server):
    """A changed octet in a segment: the gateway refuses to start and names the segment; the verifier says TAMPERED."""
    with Gateway(targets=[target(server)]) as gateway:
        with gateway.connect(gateway.token()) as session:
            for number in range(50):
                session.query(f"SELECT {number}")
        gateway.stop()
        gateway.check_trail()
        path = sorted((gateway.data / "trail/segments").glob("*.seg"))[0]
        octets = bytearray(path.read_bytes())
        at = octets.index(b"session_open")  # inside an entry, with commits behind it
        octets[at] ^= 1
        path.write_bytes(octets)
        done = gateway.verify("--unanchored-ok")
        equal(done.returncode, 2, f"sallyport-verify {done.stdout} {done.stderr}")
        try:
            gateway.start()
        except AssertionError as refused:
            contains(str(refused), "00000000", "what it says")
        else:
            raise AssertionError("the gateway started on a changed trail")


def rolled_back_trail(server):
    """The trail of yesterday put back: refused at start, because a head was pushed elsewhere."""
    with tempfile.TemporaryDirectory() as other:
        heads = f"{other}/heads"
        with Gateway(targets=[target(server)], trail={"push": [{"file": heads}]}) as gateway:
            token = gateway.token()
            gateway.connect(token).close()
            gateway.stop()
            yesterday = f"{other}/yesterday"
            shutil.copytree(gateway.data, yesterday, symlinks=True, ignore=shutil.ignore_patterns("*.sock"))
            gateway.start()
            with gateway.connect(token) as session:
                session.query("SELECT 'today'")
            time.sleep(1.5)
            gateway.stop()
            done = gateway.verify("--known-head", heads)
            equal(done.returncode, 0, f"against the pushed head: {done.stdout} {done.stderr}")
            shutil.rmtree(gateway.data)
            shutil.copytree(yesterday, gateway.data)
            done = gateway.verify("--known-head", heads)
            equal(done.returncode, 5, f"a rolled back trail: {done.stdout} {done.stderr}")
            try:
                gateway.start()
            except AssertionError:
                pass
            else:
                raise AssertionError("the gateway started on yesterday's trail")


def main():
    suite = Suite("durability", sys.argv[1:])
    with Postgres() as server:
        for case in (kill_under_load, full_disk, tampered_trail, rolled_back_trail):
            suite.run(case, server)
    return suite.close()


if __name__ == "__main__":
    sys.exit(main())
