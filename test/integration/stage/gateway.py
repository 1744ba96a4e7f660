"""A gateway of the release build with a generated configuration, its tokens, and its verifier."""
import json
import os
import pathlib
import queue
import resource
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading

import yaml

from . import certificates, postgres, wire
from .suite import contains

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARIES = pathlib.Path(os.environ.get("SALLYPORT_BIN", ROOT / "build/release/bin"))
EVERY_EFFECT = ["read", "write", "schema", "session", "privilege", "server", "call", "unknown"]
ALLOW_EVERYTHING = {"name": "everything", "who": {"principals": ["agent-1"]}, "if": {"effects": EVERY_EFFECT},
                    "then": "allow"}


def target(server, name="shop", **changes):
    """The configuration of a target: `server` by TLS and SCRAM unless `changes` says otherwise."""
    return {"name": name, "kind": "postgres", "address": f"127.0.0.1:{server.port}", "database": "postgres",
            "user": "tester", "password": "${env:SHOP_PASSWORD}", "tls": "verify-full", "ca": str(server.ca), **changes}


class Gateway:
    """`with Gateway(targets=[target(server)], rules=[...]) as gateway:` runs it; the data folder dies with the block."""

    def __init__(self, *, targets, rules=(ALLOW_EVERYTHING,), durability="strict", data=None, insecure=False, trail=None,
                 limits=None, token_lifetime="15m", break_glass=False, masks=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-gw-"))
        self.certificates = certificates.Certificates(self.folder / "tls")
        self.ca = self.certificates.ca
        self.data = pathlib.Path(data) if data else self.folder / "data"
        self.file = self.folder / "sallyport.yaml"
        self.insecure = insecure
        listener = {"address": "127.0.0.1:0"}
        if insecure:
            listener["insecure"] = True
        else:
            listener |= {"certificate": str(self.certificates.certificate), "key": str(self.certificates.key)}
        self.configuration = {
            "data": str(self.data),
            "listen": {"postgres": listener},
            "trail": {"durability": durability, **(trail or {})},
            "identity": {"token_lifetime": token_lifetime,
                         "principals": [{"name": "agent-1", "kind": "agent", "owner": "sam", "groups": ["ai-agents"]},
                                        {"name": "sam", "kind": "human", "groups": ["dba"]}]},
            "targets": list(targets),
            "rules": list(rules),
        }
        if break_glass:
            self.configuration["break_glass"] = True
        if limits:
            self.configuration["limits"] = limits
        if masks:
            self.configuration["masks"] = list(masks)
        self.process = None
        self.port = None
        self.lines = []

    def environment(self):
        return {**postgres.clean_environment(), "SHOP_PASSWORD": postgres.PASSWORD, "WRONG_PASSWORD": "wrong", "HOME": str(self.folder)}

    def write(self):
        self.file.write_text(yaml.safe_dump(self.configuration, sort_keys=False))

    def __enter__(self):
        try:
            self.write()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self, *, file_size_limit=None, open_files=8192):
        """Returns when it said `ready`."""
        def limit():
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(open_files, hard), hard))
            if file_size_limit:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_size_limit, file_size_limit))

        self.log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen([BINARIES / "sallyport", "gateway", "--config", self.file], text=True,
                                        env=self.environment(), stdout=subprocess.PIPE, stderr=self.log,
                                        stdin=subprocess.DEVNULL, preexec_fn=limit, cwd=self.folder)
        self.lines = []
        told = queue.Queue()
        threading.Thread(target=self.listen, args=(self.process.stdout, told), daemon=True).start()
        while True:
            try:
                line = told.get(timeout=60)
            except queue.Empty:
                raise AssertionError(f"the gateway was not ready in 60 s: {self.lines} {self.errors()[-2000:]}") from None
            if line is None:
                status = self.process.wait()
                raise AssertionError(f"the gateway ended with {status} before it was ready: {self.errors()[-2000:]}")
            if line.startswith("listening postgres "):
                self.port = int(line.rsplit(":", 1)[1])
            if line == "ready":
                assert self.port, f"no listener was told: {self.lines}"
                return self

    def listen(self, stream, told):
        for line in stream:
            self.lines.append(line.rstrip("\n"))
            told.put(line.rstrip("\n"))
        told.put(None)

    def errors(self):
        return (self.folder / "log").read_text(errors="replace")

    def stop(self, number=signal.SIGTERM, seconds=30):
        """Ends it and returns its exit status."""
        if not self.process or self.process.poll() is not None:
            return self.process.returncode if self.process else None
        self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the gateway did not end within {seconds} s of signal {number}") from None

    def __exit__(self, kind=None, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        told = self.errors() if (self.folder / "log").exists() else ""
        reports = [line for line in told.splitlines() if "Sanitizer: " in line or "runtime error: " in line]
        keep = os.environ.get("SALLYPORT_KEEP")
        if keep:
            print(f"kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        if reports:  # also when a case has failed already: this is why
            print(told[:20000])
            if kind is None:
                raise AssertionError(f"the gateway's sanitizer reported {reports[:3]}")

    # ---- its command line ----

    def run(self, *arguments, expect=0, **options):
        """`sallyport ARGUMENTS --config FILE`; returns what it printed."""
        done = subprocess.run([BINARIES / "sallyport", *map(str, arguments), "--config", self.file], text=True,
                              capture_output=True, env=self.environment(), cwd=self.folder, timeout=120,
                              stdin=subprocess.DEVNULL, **options)
        assert expect is None or done.returncode == expect, \
            f"sallyport {' '.join(map(str, arguments))}: status {done.returncode}: {done.stdout} {done.stderr}"
        return done.stdout if expect is not None else done

    def lines_of(self, *arguments):
        """A command's JSON, one object a line."""
        return [json.loads(line) for line in self.run(*arguments, "--json").splitlines() if line.strip()]

    def token(self, name="agent-1", **options):
        arguments = [part for key, value in options.items() for part in (f"--{key}", value)]
        return self.run("token", "--as", name, *arguments).strip()

    def verify(self, *arguments):
        """sallyport-verify over the trail in place: its finished process."""
        trail = self.data / "trail"
        return subprocess.run([BINARIES / "sallyport-verify", trail, "--key", trail / "log.vkey", *map(str, arguments)],
                              text=True, capture_output=True, timeout=600)

    def check_trail(self):
        """The trail verifies and, having no head from outside, is said to be unanchored."""
        done = self.verify("--unanchored-ok")
        assert done.returncode == 0, f"sallyport-verify: status {done.returncode}: {done.stdout} {done.stderr}"
        contains((done.stdout + done.stderr).upper(), "UNANCHORED", "sallyport-verify")

    # ---- ways in ----

    def tls(self):
        if self.insecure:
            return None
        return ssl.create_default_context(cafile=str(self.ca))

    def connect(self, token, database="shop", user="anyone", **settings):
        """A raw protocol session through the gateway."""
        return wire.Wire(("127.0.0.1", self.port), user=user, database=database, password=token, tls=self.tls(), **settings)

    def client_environment(self, token, database="shop"):
        """For libpq programs that go through the gateway; the token lies in a 0600 file."""
        passfile = self.folder / "passfile"
        passfile.touch(0o600)
        passfile.write_text(f"*:*:*:*:{token}\n")
        secure = {"PGSSLMODE": "disable"} if self.insecure else {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(self.ca)}
        return {**postgres.clean_environment(), "PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": "anyone",
                "PGDATABASE": database, "PGPASSFILE": str(passfile), **secure}
