#!/usr/bin/python3
"""Every entry of test/bypass/verdicts is run for real: against PostgreSQL, through a gateway that has the entry's rules, as
a role that may do everything, so that the gateway alone is in the way. What the database holds and how it is defined is
digested by a direct session after each; nothing that was denied or held may change it, or give a row.

Each entry that must not run is also run directly once: it has to do the harm, else it would show nothing. Each statement of
test/bypass/innocent.txt, and each entry that is allowed, gives the same rows as directly.

    bypass.py [--no-harms] [TITLE...]
"""
import hashlib
import os
import pathlib
import re
import sys

import yaml

from stage import wire
from stage.gateway import Gateway, target
from stage.postgres import Postgres
from stage.suite import Suite, equal, shorten, wait_for
from stage.wire import SYNC, bind, describe, execute, parse, query
import bypass_scenarios

CASES = pathlib.Path(__file__).resolve().parents[1] / "bypass"
PROBE = "/tmp/sallyport_bypass_probe"  # what the entries that write files write
DATABASE = "bypass"
PREPARABLE = {"SELECT", "TABLE", "VALUES", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE"}
QUERIES = {"SELECT", "TABLE", "VALUES", "WITH"}
PRINCIPALS = [{"name": "agent-1", "kind": "agent", "owner": "sam", "groups": ["ai-agents"]},
              {"name": "sam", "kind": "human", "groups": ["dba"]}, {"name": "dana", "kind": "human", "groups": ["dba"]}]


# ---- entries ----

class Entry:
    def __init__(self, title):
        self.title, self.lines, self.fields = title, [], {}

    def all(self, name):
        return self.fields.get(name, [])

    def field(self, name, default=""):
        return self.fields.get(name, [default])[0]

    @property
    def text(self):
        return expanded("\n".join(self.lines).strip("\n"))

    def first_word(self):
        return re.match(r"[A-Za-z]*", "\n".join(self.lines)).group().upper()

    def is_one(self):
        """One statement that can be prepared."""
        return ";" not in "\n".join(self.lines) and self.first_word() in PREPARABLE and self.field("wraps") != "no"


def expanded(text):
    """{{x41}} is an octet, {{3 * ab}} is ababab. Octets."""
    out = b""
    for part in re.split(r"(\{\{.*?\}\})", text, flags=re.S):
        if not part.startswith("{{"):
            out += part.encode()
        elif part[2] == "x":
            out += bytes([int(part[3:-2], 16)])
        else:
            count, repeated = part[2:-2].split(" * ", 1)
            out += int(count) * repeated.encode()
    return out


def read_entries(path):
    """(what stands before the first entry, the entries)."""
    head, entries, in_text = [], [], False
    for line in path.read_text().splitlines():
        if line.startswith("=== "):
            entries.append(Entry(line[4:]))
            in_text = True
        elif not entries:
            head.append(line)
        elif line == "---":
            in_text = False
        elif in_text:
            entries[-1].lines.append(line)
        elif line.strip():
            name, value = line.split(":", 1)
            entries[-1].fields.setdefault(name, []).append(value.strip())
    return yaml.safe_load("\n".join(head)) or {}, entries


# ---- what must stay as it is ----

DEFINITIONS = """
SELECT string_agg(line, E'\\n' ORDER BY line) FROM (
  SELECT concat_ws(' ', 'relation', n.nspname, c.relname, c.relkind, c.relowner, c.relacl, c.relrowsecurity, c.relpersistence,
    c.relispartition, pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid),
    CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END) AS line
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ '^pg_(toast|temp)' AND c.relpersistence <> 't'
  UNION ALL SELECT concat_ws(' ', 'column', a.attrelid, a.attnum, a.attname, a.atttypid, a.attnotnull, a.attacl, pg_get_expr(d.adbin, d.adrelid))
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE c.oid >= 16384 AND c.relpersistence <> 't' AND c.relkind NOT IN ('t', 'i') AND a.attnum > 0
  UNION ALL SELECT concat_ws(' ', 'constraint', oid, conname, conrelid, pg_get_constraintdef(oid)) FROM pg_constraint WHERE oid >= 16384
    AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = conrelid AND c.relpersistence = 't')
  UNION ALL SELECT concat_ws(' ', 'inherits', inhrelid, inhparent) FROM pg_inherits
  UNION ALL SELECT concat_ws(' ', 'trigger', oid, tgenabled, pg_get_triggerdef(oid)) FROM pg_trigger
  UNION ALL SELECT concat_ws(' ', 'rule', oid, ev_class, pg_get_ruledef(oid)) FROM pg_rewrite WHERE oid >= 16384
  UNION ALL SELECT concat_ws(' ', 'policy', t.*::text) FROM pg_policy t
  UNION ALL SELECT concat_ws(' ', 'function', oid, proname, pronamespace, prosrc, proowner, prosecdef, proacl) FROM pg_proc WHERE oid >= 16384
  UNION ALL SELECT concat_ws(' ', 'operator', oid, oprname, oprcode) FROM pg_operator WHERE oid >= 16384
  UNION ALL SELECT concat_ws(' ', 'cast', t.*::text) FROM pg_cast t WHERE oid >= 16384
  UNION ALL SELECT concat_ws(' ', 'type', oid, typname, typnamespace, typtype, typowner) FROM pg_type y WHERE oid >= 16384
    AND NOT EXISTS (SELECT FROM pg_namespace n WHERE n.oid = typnamespace AND nspname ~ '^pg_(toast|temp)')
  UNION ALL SELECT concat_ws(' ', 'schema', oid, nspname, nspowner, nspacl) FROM pg_namespace WHERE nspname !~ '^pg_(toast|temp)'
  UNION ALL SELECT concat_ws(' ', 'role', t.*::text) FROM pg_authid t
  UNION ALL SELECT concat_ws(' ', 'member', t.*::text) FROM pg_auth_members t
  UNION ALL SELECT concat_ws(' ', 'setting', t.*::text) FROM pg_db_role_setting t
  UNION ALL SELECT concat_ws(' ', 'default privileges', t.*::text) FROM pg_default_acl t
  UNION ALL SELECT concat_ws(' ', 'extension', t.*::text) FROM pg_extension t
  UNION ALL SELECT concat_ws(' ', 'event trigger', t.*::text) FROM pg_event_trigger t
  UNION ALL SELECT concat_ws(' ', 'publication', t.*::text) FROM pg_publication t
  UNION ALL SELECT concat_ws(' ', 'server', t.*::text) FROM pg_foreign_server t
  UNION ALL SELECT concat_ws(' ', 'statistics', oid, stxname, stxrelid) FROM pg_statistic_ext
  UNION ALL SELECT concat_ws(' ', 'slot', slot_name) FROM pg_replication_slots
  UNION ALL SELECT concat_ws(' ', 'prepared', gid) FROM pg_prepared_xacts
  UNION ALL SELECT concat_ws(' ', 'database', datname, datacl) FROM pg_database
  UNION ALL SELECT concat_ws(' ', 'file setting', name, setting) FROM pg_file_settings
  UNION ALL SELECT concat_ws(' ', 'large object', loid, pageno, md5(data)) FROM pg_largeobject
  UNION ALL SELECT concat_ws(' ', 'large object of', oid, lomowner) FROM pg_largeobject_metadata
) all_lines"""
TABLES = """SELECT n.nspname, c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'S') AND c.oid >= 16384 AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' ORDER BY 1, 2"""


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


class Unharmed:
    """Digests of the database, by a direct session of the superuser."""

    def __init__(self, connect):
        self.session = connect()
        tables = self.session.query(TABLES)
        assert len(tables) > 30, tables
        self.contents = "SELECT " + " || E'\\n' || ".join(self.rows_of(*table) for table in tables)
        self.open(self.session)
        self.whole = self.digest()

    def open(self, session):
        """A session of its own, which plans once."""
        self.session = session
        session.query(f"PREPARE definitions AS {DEFINITIONS}")
        session.query(f"PREPARE contents AS {self.contents}")

    @staticmethod
    def rows_of(schema, name, kind):
        table = f"{quoted(schema)}.{quoted(name)}"
        row = "t::text" if kind == "r" else "concat(last_value, is_called)"
        return (f"(SELECT 'rows of {table.replace(chr(39), chr(39) * 2)} ' || coalesce(md5(string_agg({row}, ',' ORDER BY {row})), '') "
                f"FROM ONLY {table} t)")

    def digest(self, session=None):
        """Of rows, definitions, roles, settings, large objects, and of the file that entries try to write; as `session`
        sees them."""
        texts = (DEFINITIONS, self.contents) if session else ("EXECUTE definitions", "EXECUTE contents")
        told = [*((session or self.session).query(each)[0][0] or "" for each in texts), str(os.path.exists(PROBE))]
        return hashlib.sha256("\0".join(told).encode()).hexdigest(), told

    def same(self, session=None):
        try:
            return self.digest(session)[0] == self.whole[0]
        except wire.Refused:  # a table is gone
            return False

    def oid_of(self, type_name):
        return int(self.session.query(f"SELECT '{type_name}'::regtype::oid")[0][0])

    def difference(self):
        try:
            now = self.digest()[1]
        except wire.Refused as why:
            return str(why)
        out = []
        for before, after in zip(self.whole[1], now):
            for a, b in zip(before.split("\n"), after.split("\n")):
                if a != b:
                    out.append(f"{shorten(a, 200)} -> {shorten(b, 200)}")
                    break
        return out


class Database:
    """The database that the entries attack; put back when one that is allowed has changed it."""

    def __init__(self, server):
        self.server = server
        self.address = f"{server.socket_folder}/.s.PGSQL.{server.port}"
        server.sql(f"CREATE DATABASE {DATABASE}")
        server.sql((CASES / "schema.sql").read_text(), database=DATABASE, user="postgres")
        server.sql((CASES / "rows.sql").read_text(), database=DATABASE, user="postgres")
        server.sql(f"CREATE DATABASE untouched TEMPLATE {DATABASE} STRATEGY file_copy")
        self.unharmed = Unharmed(self.connect)
        self.direct = self.connect()

    def connect(self, database=DATABASE, user="tester"):
        return wire.Wire(self.address, user=user, database=database, jit="off")

    def put_back(self):
        self.unharmed.session.close()
        self.direct.close()
        if os.path.exists(PROBE):
            os.unlink(PROBE)
        with self.connect("postgres") as admin:
            admin.query(f"DROP DATABASE {DATABASE} WITH (FORCE)")
            admin.query(f"CREATE DATABASE {DATABASE} TEMPLATE untouched STRATEGY file_copy")
        self.unharmed.open(self.connect())
        self.direct = self.connect()
        # What a program that the server started leaves behind may come late.
        wait_for(self.unharmed.same, 5, f"the database to be put back: {self.unharmed.difference()}")


# ---- ways to send a text ----

# Each gives the octets to send and the kinds to read until.

def simple(text, _, __):
    return query(text), "Z"


def extended(text, values, types):
    return parse(text, types=types) + bind(values) + describe() + execute() + SYNC, "Z"


def extended_by_name(text, values, types):
    return (parse(text, "way", types=types) + SYNC + bind(values, portal="door", statement="way") + execute("door") + SYNC
            + wire.close("S", "way") + SYNC), "ZZZ"


def around(before, after=b""):
    return lambda text, *_: (query(before + text + after), "Z")


def prepared(text, *_):
    return query(b"PREPARE bypass_p AS " + text) + query("EXECUTE bypass_p") + query("DEALLOCATE ALL"), "ZZZ"


def in_block(text, *_):
    return query("BEGIN") + query("SAVEPOINT a") + query(text) + query("ROLLBACK TO a") + query("COMMIT"), "ZZZZZ"


WAYS = {"simple": simple, "extended": extended, "named": extended_by_name, "block": in_block, "prepare": prepared,
        "explain": around(b"EXPLAIN ANALYZE "), "cursor": around(b"DECLARE bypass_c CURSOR WITH HOLD FOR "),
        "create": around(b"CREATE TEMP TABLE bypass_t AS "), "copy": around(b"COPY (", b") TO STDOUT")}
WHOLE = ["simple", "extended", "named", "block"]


def ways_of(entry, verdict):
    stated = entry.field("ways").split()
    if stated:
        return [way for way in stated if way != "none"]
    if verdict == "allowed":
        return ["simple", *(["extended"] if entry.is_one() else [])]
    if verdict.startswith("held"):
        return ["simple"]  # each waits for its time to be over
    out = list(WHOLE)
    if entry.is_one():
        out += ["prepare", "explain"]
        if entry.first_word() in QUERIES:
            out += ["cursor", "create", "copy"]
    return out


# ---- the entries ----

class Runner:
    def __init__(self, suite, database, gateway, tokens):
        self.suite, self.database, self.gateway, self.tokens = suite, database, gateway, tokens
        self.sessions = {}

    def session(self, entry, is_new):
        key = (entry.field("principal", "agent-1"), entry.field("target", "shop"))
        if is_new:
            return self.gateway.connect(self.tokens[key[0]], database=key[1])
        if key not in self.sessions:
            self.sessions[key] = self.gateway.connect(self.tokens[key[0]], database=key[1])
        return self.sessions[key]

    def run(self, entry):
        verdict = entry.field("verdict")
        unharmed = self.database.unharmed
        types = [unharmed.oid_of(name) for name in entry.all("parameter_type")]
        for way in ways_of(entry, verdict):
            octets, ends = WAYS[way](entry.text, entry.all("parameter"), types)
            is_new = bool(entry.all("setup")) or verdict == "allowed"
            try:
                session = self.session(entry, is_new)
            except wire.Refused as why:  # nothing at all is allowed there
                assert verdict == "no rule" and why.fields["C"] == "42501", why
                continue
            for statement in entry.all("setup"):
                told = session.ask(query(expanded(statement)))
                assert not wire.errors(told), f"setup: {statement}: {wire.errors(told)}"
            messages = session.ask(octets, ends)
            if is_new:
                session.close()
            if verdict == "allowed":
                self.allowed(entry, way, messages)
            else:
                self.refused(entry, verdict, way, messages)
        if verdict != "allowed":
            assert unharmed.same(), f"HARMED: {unharmed.difference()}"

    def refused(self, entry, verdict, way, messages):
        told = wire.errors(messages)
        assert told, f"{way}: no error came: {shorten(messages)}"
        allowed_codes = {"42501", "0A000", "54000", "22021"} if verdict == "refused" else {"42501"}
        first = told[0]
        assert first["C"] in allowed_codes, f"{way}: {first}"
        rule = verdict.rsplit(" ", 1)[1] if verdict.startswith(("denied by", "held by")) else ""
        if verdict.startswith("denied by built-in: "):
            rule = "a built-in rule"
        if way in WHOLE:  # around it another reason may come first
            assert rule in first["M"], f"{way}: the rule is not named: {first}"
        assert not wire.rows_of(messages), f"{way}: rows came: {shorten(wire.rows_of(messages))}"

    def allowed(self, entry, way, messages):
        told = wire.errors(messages)
        assert not told, f"{way}: {told}"
        if way == "simple":
            with self.database.connect() as direct:
                for statement in entry.all("setup"):
                    direct.ask(query(expanded(statement)))
                if not entry.field("changes"):
                    equal(wire.rows_of(messages), wire.rows_of(direct.ask(query(entry.text))), "rows through and directly")
        if entry.field("changes"):
            for session in self.sessions.values():
                session.close()
            self.sessions = {}
            self.database.put_back()
        else:
            assert self.database.unharmed.same(), f"{way}: HARMED: {self.database.unharmed.difference()}"

    def close(self):
        for session in self.sessions.values():
            session.close()


def harms(database, entry):
    """Directly, the text does what it is refused for. It is rolled back where that can be."""
    unharmed = database.unharmed
    values, types = entry.all("parameter"), [unharmed.oid_of(name) for name in entry.all("parameter_type")]
    octets, ends = (extended if values else simple)(entry.text, values, types)

    def harmed_by(begin):
        session = database.direct
        for statement in [*begin, *entry.all("setup")]:
            session.ask(query(expanded(statement)))
        status = session.ask(octets, ends)[-1][1]
        is_harmed = status == b"T" and not unharmed.same(session)
        session.query("ROLLBACK")
        session.query("DISCARD ALL")
        session.query("SET jit = off")
        return is_harmed or not unharmed.same()

    is_harmed = harmed_by(["BEGIN"]) or harmed_by([])
    if not unharmed.same():
        database.put_back()
    assert is_harmed, "run directly it harms nothing: the entry shows nothing"


def play_file(suite, database, path, wants_harms):
    head, entries = read_entries(path)
    targets = head.get("targets", [{"name": "shop"}])
    gateway = Gateway(targets=[target(database.server, database=DATABASE, tls="disable", **one) for one in targets],
                      rules=head["rules"], insecure=True, durability="batch")
    for one in gateway.configuration["targets"]:
        one.pop("ca", None)
    gateway.configuration["identity"]["principals"] = head.get("principals", PRINCIPALS)
    with gateway:
        names = [one["name"] for one in gateway.configuration["identity"]["principals"]]
        runner = Runner(suite, database, gateway, {name: gateway.token(name) for name in names})
        for entry in entries:
            suite.run(runner.run, entry, title=f"{path.stem}: {entry.title}")
            if not database.unharmed.same():  # said already; the next entry is to be judged by itself
                runner.close()
                runner.sessions = {}
                database.put_back()
        runner.close()
        suite.run(gateway.check_trail, title=f"{path.stem}: the trail")
    for entry in entries if wants_harms else []:
        if entry.field("verdict") != "allowed" and entry.field("harms") != "no":
            suite.run(harms, database, entry, title=f"{path.stem}: harms directly: {entry.title}")
    return len(entries)


def innocents(suite, database):
    """What only looks dangerous runs, and gives the same rows as directly."""
    _, entries = read_entries(CASES / "innocent.txt")
    rules = [{"name": "reading", "who": {"principals": ["agent-1"]}, "if": {"effects": ["read"]}, "then": "allow"}]
    compared = 0
    gateway = Gateway(targets=[target(database.server, database=DATABASE, tls="disable")], rules=rules, insecure=True,
                      durability="batch")
    gateway.configuration["targets"][0].pop("ca", None)

    def compare(entry):
        nonlocal compared
        for statement in entry.all("setup"):
            for session in (through, direct):
                session.ask(query(expanded(statement)))
        a, b = (session.ask(query(entry.text)) for session in (through, direct))
        codes = [[fields["C"] for fields in wire.errors(messages)] for messages in (a, b)]
        equal(codes[0], codes[1], f"errors through and directly: {wire.errors(a)} {wire.errors(b)}")
        rows = [[row for row in wire.rows_of(messages)] for messages in (a, b)]
        equal(rows[0], rows[1], "rows through and directly")
        compared += not codes[0]

    with gateway:
        with gateway.connect(gateway.token()) as through, database.connect() as direct:
            for entry in entries:
                if entry.field("effects") in ("read", "none", "session") and not entry.all("path") and entry.field("catalogue") != "none":
                    suite.run(compare, entry, title=f"innocent: {entry.title}")
    return compared


def main():
    wanted = [name for name in sys.argv[1:] if not name.startswith("--")]
    suite = Suite("bypass", wanted)
    if os.path.exists(PROBE):
        os.unlink(PROBE)
    with Postgres(settings="max_prepared_transactions = 4") as server:
        database = Database(server)
        entries = bypass_scenarios.play(suite, database)
        compared = innocents(suite, database)
        entries += sum(play_file(suite, database, path, "--no-harms" not in sys.argv)
                       for path in sorted((CASES / "verdicts").glob("*.txt")))
        if not wanted:
            suite.count(entries >= 150, "at least 150 entries", f"{entries}")
            suite.count(compared >= 40, "at least 40 innocents gave rows", f"{compared}")
    print(f"bypass: {entries} entries, {compared} innocents")
    return suite.close()


if __name__ == "__main__":
    sys.exit(main())
