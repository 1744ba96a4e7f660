"""Where else a secret could lie once the statements were asked: what the command line shows, bundles, the search index, the
gateway's log and the trail itself."""
import pathlib
import sqlite3
import tarfile
import tempfile

from mask_checker import union
from stage.suite import shorten
from stage.trail import Trail

PIECE = 1 << 20


class Rest:
    """Every public function is a case. `checkers` are mask_checker.checkers(): all that left holds is searched for the
    secrets of both worlds."""

    def __init__(self, gateway, checkers, secrets):
        self.gateway, self.secrets = gateway, secrets
        self.checker = union([checker for each in checkers.values() for checker in each])

    def search(self, octets, what):
        """In pieces that overlap, so that a large file costs no more memory."""
        assert octets, f"{what} is empty"
        if isinstance(octets, str):
            octets = octets.encode(errors="surrogateescape")
        for at in range(0, len(octets), PIECE):
            piece = octets[at:at + PIECE + 64]
            found = self.checker.found(piece)
            assert not found, f"{what}, at {at}: {shorten(found)} in {shorten(self.beside(piece, found))}"

    @staticmethod
    def beside(piece, found):
        part = next(iter(found.values()))
        at = max(0, piece.lower().find(part.lower()))
        return piece[max(0, at - 200):at + 100]

    def sessions(self):
        listed = self.gateway.lines_of("sessions", "list")
        return [one["session"] for one in listed if str(one.get("target", "")).startswith("shop_")]

    def replay(self):
        for number, session in enumerate(self.sessions()):
            self.search(self.gateway.run("replay", session, "--json"), f"replay {session}")
            if number < 4:
                self.search(self.gateway.run("replay", session), f"replay {session}, for people")

    def search_command(self):
        hits = self.gateway.run("search", "people", "--json")
        self.search(hits, "search people")
        for name, secret in self.secrets:
            told = self.gateway.run("search", secret, "--json", expect=None)
            assert not told.stdout.strip() or told.returncode, f"search finds a secret of {name}: {shorten(told.stdout)}"

    def bundle(self):
        sessions = self.sessions()
        assert sessions, "no session"
        for session in sessions[:6]:
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder) / "bundle.tar"
                self.gateway.run("export", "--session", session, "-o", path)
                with tarfile.open(path) as bundle:
                    for member in bundle:
                        self.search(bundle.extractfile(member).read(), f"bundle of {session}, {member.name}")

    def trail(self):
        """Every payload, opened with the gateway's own key: also what nobody is shown."""
        waiting, size, payloads = [], 0, 0

        def search_waiting():
            if not self.checker.is_clean(b"\n".join(octets for _, octets in waiting)):
                for what, octets in waiting:
                    self.search(octets, what)
        for event in Trail(self.gateway.data).events:
            waiting.append((f"trail, entry {event.index}", event.octets))
            for slot, octets in event.payloads.items():
                if octets:
                    payloads += 1
                    waiting.append((f"trail, {event.entry[2]} {event.index}, slot {slot}", octets))
                    size += len(octets)
            if size > PIECE:
                search_waiting()
                waiting, size = [], 0
        search_waiting()
        assert payloads > 100, payloads

    def index(self):
        names = list(self.gateway.data.rglob("search.db*"))
        assert names, f"no search index in {list(self.gateway.data.iterdir())}"
        for path in names:
            if path.stat().st_size:
                self.search(path.read_bytes(), path.name)
        with sqlite3.connect(f"file:{next(path for path in names if path.name == 'search.db')}?mode=ro", uri=True) as database:
            assert database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0], "the index is empty"

    def files(self):
        """Whatever else lies in the data folder in plain text."""
        for path in self.gateway.data.rglob("*"):
            is_read = path.suffix != ".seg" and path.name != "detectors.db"  # compiled patterns hold no values
            if path.is_file() and path.stat().st_size and is_read:
                self.search(path.read_bytes(), str(path.relative_to(self.gateway.data)))

    def log(self):
        self.search(self.gateway.errors() + "\n" + "\n".join(self.gateway.lines) + "\n", "the gateway's log")

    def cases(self):
        # The last puts secrets into the trail itself, as what was searched for.
        return [self.replay, self.bundle, self.trail, self.index, self.files, self.log, self.search_command]
