"""A throwaway PostgreSQL 15: TLS, SCRAM, md5 and password users, trust on its Unix socket only."""
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile

from . import certificates
from .suite import wait_for

BINARIES = pathlib.Path("/usr/lib/postgresql/15/bin")
PASSWORD = "correct horse battery"  # of every role below

ROLES = """
SET password_encryption = 'scram-sha-256';
CREATE ROLE tester SUPERUSER LOGIN PASSWORD '{password}';
CREATE ROLE plain_reader LOGIN PASSWORD '{password}';
SET password_encryption = 'md5';
CREATE ROLE md5_user LOGIN PASSWORD '{password}';
CREATE ROLE clear_user LOGIN PASSWORD '{password}';
"""

ACCESS = """
local   all all                          trust
host    all md5_user   127.0.0.1/32      md5
host    all clear_user 127.0.0.1/32      password
host    all all        127.0.0.1/32      scram-sha-256
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def as_nobody():
    """PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return []
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]


def give_to_nobody(folder):
    if os.getuid() != 0:
        return
    nobody = pwd.getpwnam("nobody")
    for path in [folder, *pathlib.Path(folder).rglob("*")]:
        os.chown(path, nobody.pw_uid, nobody.pw_gid)


class Postgres:
    """`with Postgres() as target:` runs it. `socket_folder` and `port` name it for libpq; `ca` verifies its TLS."""

    def __init__(self, *, settings="", is_durable=False, access=ACCESS):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-pg-"))
        self.folder.chmod(0o755)
        self.port = free_port()
        self.socket_folder = self.folder / "socket"
        self.certificates = certificates.Certificates(self.folder / "tls")
        self.ca = self.certificates.ca
        self.data = self.folder / "data"
        self.settings = settings + ("" if is_durable else "\nfsync = off\nfull_page_writes = off\n")
        self.access = access
        self.process = None

    def __enter__(self):
        try:
            self.create()
            self.start()
            self.sql(ROLES.format(password=PASSWORD), user="postgres")
        except BaseException:
            self.__exit__()
            raise
        return self

    def create(self):
        self.socket_folder.mkdir()
        give_to_nobody(self.folder)
        subprocess.run([*as_nobody(), BINARIES / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                        "--locale=C.UTF-8", "--no-sync"], check=True, capture_output=True, cwd="/")
        with open(self.data / "postgresql.conf", "a") as out:
            out.write(f"""
listen_addresses = '127.0.0.1'
port = {self.port}
unix_socket_directories = '{self.socket_folder}'
ssl = on
ssl_cert_file = '{self.certificates.certificate}'
ssl_key_file = '{self.certificates.key}'
max_connections = 1200
shared_buffers = 64MB
logging_collector = off
log_statement = all
log_line_prefix = '%p %u '
timezone = 'UTC'
{self.settings}""")
        (self.data / "pg_hba.conf").write_text(self.access)

    def start(self):
        self.log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen([*as_nobody(), BINARIES / "postgres", "-D", self.data], stdout=self.log,
                                        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd="/", start_new_session=True)
        wait_for(lambda: subprocess.run([BINARIES / "pg_isready", "-q", "-h", self.socket_folder, "-p", str(self.port)],
                                        check=False).returncode == 0, 30, "PostgreSQL to start")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)  # immediate: nothing here is kept
            self.process.wait(30)

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self, user="tester", database="postgres"):
        """For libpq programs that go to PostgreSQL directly, by its Unix socket."""
        return {**clean_environment(), "PGHOST": str(self.socket_folder), "PGPORT": str(self.port), "PGUSER": user,
                "PGDATABASE": database}

    def sql(self, text, *, user="tester", database="postgres"):
        """Runs a script directly; returns unaligned rows."""
        run = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1"], input=text, text=True, capture_output=True,
                             env=self.environment(user, database))
        assert run.returncode == 0, run.stderr
        return run.stdout.strip()

    def statements(self):
        """Every statement that the server was asked to run so far, as its log has them."""
        text = (self.folder / "log").read_text(errors="replace")
        return [line for line in text.splitlines() if "LOG:  statement:" in line or "LOG:  execute " in line]


def clean_environment():
    """Ours without what would steer libpq, the gateway or the command line."""
    return {name: value for name, value in os.environ.items()
            if not name.startswith("PG") and name not in ("SALLYPORT_URL", "SALLYPORT_TOKEN", "SALLYPORT_CONFIG")}
