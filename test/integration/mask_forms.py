#!/usr/bin/python3
"""Every entry of test/bypass/masks is run for real.

First directly, in two databases that differ in nothing but the masked values (other_rows.sql): columns that an entry calls
clear give the same in both, a masked one and what is refused give something else. An entry that shows nothing is a defect.

Then through a gateway with the entry's masks, in every way that its form allows: simple, extended in text and in binary,
named, through PREPARE, in a cursor, in COPY (query). What is refused is refused by 42501 with its place; masked columns
hold `[masked:NAME]` or NULL and nothing else, clear ones hold what the target says directly, and no planted secret is in
any octet. Each runs in a transaction that is rolled back.

    mask_forms.py [--direct] [TITLE...]      --direct: only the first half, without a gateway
"""
import re
import struct
import sys

from bypass import CASES, PRINCIPALS, QUERIES, expanded, read_entries
from stage import wire
from stage.gateway import Gateway, target
from stage.postgres import Postgres
from stage.suite import Suite, contains, equal, shorten
from stage.wire import SYNC, bind, describe, execute, parse, query

SAME, OTHER = "bypass", "bypass_other"
# Of rows.sql: what no client may see where everything is masked.
SECRETS = [b"hush", b"@example.com", b"911-55-", b"111-11-1111", b"222-22-2222", b"333-33-3333", b"4929 1111",
           b"918273.25", b"918274.25", b"918275.25", b"73510001", b"73510002", b"73510003"]
SECRETS += [struct.pack("!i", pin) for pin in (73510001, 73510002, 73510003)]
SECRETS += [secret.hex().encode() for secret in SECRETS if len(secret) > 4] + [secret[::-1] for secret in SECRETS]
# Of a text that PostgreSQL does not run.
WRONG = re.compile(r"42(601|P01|703|883|P02|702|804|809|725|P10|P18|846|803)|0A000|26000|34000|25P02")


# ---- what an entry says ----

def columns_of(entry):
    """For each statement a list of words, one a column; None when the entry is refused."""
    stated = entry.field("columns")
    if not stated:
        return None
    return [[] if part.strip() == "none" else [word.strip() for word in part.split(",")] for part in stated.split(";")]


def masks_of(word):
    """The masks that a column may have; empty: it is clear. None: not checked."""
    names = word.removeprefix("many:").split("/")
    return None if "-" in names else [name for name in names if name != "clear"]


def spread(words, count):
    """The words of `count` columns: `many:` stands for any number."""
    many = [at for at, word in enumerate(words) if word.startswith("many:")]
    if many:
        at, = many
        words = words[:at] + [words[at]] * (count - len(words) + 1) + words[at + 1:]
    assert len(words) == count, f"{count} columns came, the entry has {len(words)}"
    return words


# ---- answers ----

class Answer:
    """What one statement gave: rows of values, or COPY data."""

    def __init__(self):
        self.rows, self.copy, self.count, self.types = [], b"", None, []

    def width(self):
        return self.count if self.count is not None else len(self.rows[0]) if self.rows else 0


def types_of(body):
    """The OIDs of a RowDescription."""
    count, = struct.unpack_from("!H", body)
    at, out = 2, []
    for _ in range(count):
        at = body.index(b"\0", at) + 1
        out.append(struct.unpack_from("!I", body, at + 6)[0])
        at += 18
    return out


def answers_of(messages):
    """One Answer for each statement that ended."""
    out, now = [], Answer()
    for kind, body in messages:
        if kind == "T":
            now.types = types_of(body)
            now.count = len(now.types)
        elif kind == "H":
            now.count, = struct.unpack_from("!H", body, 1)
        elif kind == "D":
            now.rows.append(wire.values_of(body))
        elif kind == "d":
            now.copy += body
        elif kind in "CI":
            out.append(now)
            now = Answer()
    return out


def joined(answers):
    """What the parts of one portal gave."""
    for other in answers[1:]:
        answers[0].rows += other.rows
    return answers[:1]


def copy_options(text):
    """How this COPY writes: of csv module's words, or None in binary."""
    words = re.sub(r".*\bSTDOUT\b", "", text, flags=re.S | re.I)
    def option(pattern, default):
        found = re.search(pattern + r"\s+(?:AS\s+)?'(.*?)'", words, re.I)
        return found.group(1) if found else default
    is_csv = re.search(r"\bcsv\b", words, re.I)
    return {"is_csv": bool(is_csv), "delimiter": option("DELIMITERS?", "," if is_csv else "\t"), "quote": option("QUOTE", '"'),
            "escape": option("ESCAPE", option("QUOTE", '"')), "null": option("NULL", "" if is_csv else "\\N"),
            "has_header": bool(re.search(r"\bheader\b", words, re.I))}


def csv_rows(data, options):
    """PostgreSQL's CSV: an unquoted field that is the null text is NULL."""
    rows, row, field, quoted, inside, at = [], [], "", False, False, 0
    while at < len(data):
        c = data[at]
        if inside and c == options["escape"] and data[at + 1:at + 2] in (options["quote"], options["escape"]):
            field, at = field + data[at + 1], at + 1
        elif c == options["quote"]:
            inside, quoted = not inside, True
        elif not inside and c in (options["delimiter"], "\n"):
            row.append(None if not quoted and field == options["null"] else field)
            field, quoted = "", False
            if c == "\n":
                rows.append(row)
                row = []
        else:
            field += c
        at += 1
    return rows[1:] if options["has_header"] else rows


def text_rows(data, options):
    def value(field):
        if field == options["null"]:
            return None
        return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t", "r": "\r"}.get(m.group(1), m.group(1)), field, flags=re.S)
    fields = re.escape(options["delimiter"])
    return [[value(field) for field in re.split(rf"(?<!\\){fields}", line)] for line in data.split("\n")[:-1]]


def binary_rows(data):
    assert data.startswith(b"PGCOPY\n\xff\r\n\0"), data[:20]
    at, rows = 19 + struct.unpack_from("!I", data, 15)[0], []
    while (count := struct.unpack_from("!h", data, at)[0]) >= 0:
        rows.append(wire.values_of(data[at:]))
        at += 2 + sum(4 + len(value or b"") for value in wire.values_of(data[at:]))
        assert count == len(rows[-1])
    return rows


def copied(answer, form, text):
    """The values of COPY data."""
    if form == "binary":
        return binary_rows(answer.copy)
    options = copy_options(text)
    rows = (csv_rows if form == "csv" else text_rows)(answer.copy.decode(), options)
    return [[None if value is None else value.encode() for value in row] for row in rows]


def shown(messages):
    """Everything of an answer that a client can see."""
    out = []
    for kind, body in messages:
        if kind == "E":
            fields = wire.fields_of(body)
            out.append((kind, fields["C"], fields["M"], fields.get("D")))
        elif kind in "DdCAN":
            out.append((kind, body))
    return out


# ---- directly, in both databases ----

class Twins:
    def __init__(self, server):
        self.server = server
        self.address = f"{server.socket_folder}/.s.PGSQL.{server.port}"
        server.sql(f"CREATE DATABASE {SAME}")
        for name in ("schema.sql", "rows.sql"):
            server.sql((CASES / name).read_text(), database=SAME, user="postgres")
        server.sql(f"CREATE DATABASE {OTHER} TEMPLATE {SAME}")
        server.sql((CASES / "other_rows.sql").read_text(), database=OTHER, user="postgres")

    def connect(self, database=SAME):
        return wire.Wire(self.address, user="tester", database=database, jit="off")

    def types(self, names):
        with self.connect() as session:
            return [int(session.query(f"SELECT '{name}'::regtype::oid")[0][0]) for name in names]

    def run(self, entry, database, octets=None, ends="Z"):
        """(what the text gave, what `reveals` gave), rolled back."""
        octets = octets or sent(entry, self.types(entry.all("parameter_type")))
        with self.connect(database) as session:
            begin(session, entry)
            messages = session.ask(octets, ends)
            revealed = session.ask(query(entry.field("reveals"))) if entry.field("reveals") else []
            session.ask(query("ROLLBACK"))
        return messages, revealed


def sent(entry, types):
    if entry.all("parameter"):
        return parse(entry.text, types=types) + bind(entry.all("parameter")) + describe() + execute() + SYNC
    return query(entry.text)


def begin(session, entry):
    session.query("BEGIN")
    for statement in setups(entry):
        told = session.ask(query(statement))
        assert not wire.errors(told), f"setup: {statement}: {wire.errors(told)}"


def setups(entry):
    """What makes the session what the entry says that it is."""
    made = [f"PREPARE {name.strip()} AS {text.strip()}".encode() for name, text in split(entry.all("prepared"))]
    made += [f"DECLARE {name.strip()} CURSOR FOR {text.strip()}".encode() for name, text in split(entry.all("cursor"))]
    return made + [expanded(statement) for statement in entry.all("setup")]


def split(values):
    return [value.split("=", 1) for value in values]


def witness(twins, entry):
    """The entry is right about PostgreSQL: what it calls clear does not depend on a masked value, and the rest does."""
    (here, revealed), (there, revealed_there) = (twins.run(entry, database) for database in (SAME, OTHER))
    told = wire.errors(here)
    assert not told or not WRONG.match(told[0]["C"]) or entry.field("witness") == "no", f"PostgreSQL does not run it: {told[0]}"
    words = columns_of(entry)
    if words is None:
        assert not wire.errors(revealed), f"reveals: {wire.errors(revealed)}"
        differs = (shown(here), shown(revealed)) != (shown(there), shown(revealed_there))
        if entry.field("witness") != "no":
            assert differs, f"it tells nothing about a masked value: {shorten(shown(here))}"
        return
    if told and entry.field("witness") == "no":
        return
    assert not told, f"PostgreSQL: {told}"
    untraced = []  # too much may be called untraced, but not everything for nothing
    for stated, a, b in zip(words, answers_of(here), answers_of(there), strict=True):
        if a.copy:
            form = entry.field("copy")
            a.rows, b.rows = copied(a, form, "\n".join(entry.lines)), copied(b, form, "\n".join(entry.lines))
        for at, word in enumerate(spread(stated, a.width())):
            masks = masks_of(word)
            if masks is None or entry.field("witness") == "no":
                continue
            values = [[row[at] for row in answer.rows] for answer in (a, b)]
            if masks == ["untraced"]:
                untraced.append(values[0] != values[1])
            elif masks:
                untraced.append(True)
                assert values[0] != values[1], f"column {at + 1} tells nothing about a masked value: {shorten(values[0])}"
            else:
                equal(*values, f"column {at + 1} is called clear, and tells about a masked value")
    assert not untraced or any(untraced), "nothing that is called untraced tells about a masked value"


# ---- through the gateway ----

def ways_of(entry, types):
    """(name, octets, what to read until, is it binary)."""
    text, values = entry.text, entry.all("parameter")
    first = entry.first_word()
    is_one = ";" not in "\n".join(entry.lines)
    ways = [] if values else [("simple", query(text), "Z", False)]
    if is_one:
        for name, formats in (("extended", ()), ("binary", (1,))):
            ways.append((name, parse(text, types=types) + bind(values, results=formats) + describe() + execute() + SYNC, "Z",
                         bool(formats)))
        # In two parts, where rows come: the second Execute of another portal is an error.
        parts = [execute("door", 1)] if columns_of(entry) not in (None, [[]]) and not entry.field("copy") else []
        ways.append(("named", parse(text, "way", types=types) + SYNC + bind(values, portal="door", statement="way")
                     + describe("P", "door") + b"".join([*parts, execute("door")]) + wire.close("S", "way") + SYNC, "ZZ", False))
    plain = re.sub(rb"'[^']*'|\$\$.*?\$\$", b"", text, flags=re.S)
    writes = re.search(rb"\b(INSERT|UPDATE|DELETE|INTO)\b", plain, re.I)
    if is_one and first in QUERIES and not values and entry.field("wraps") != "no":
        ways.append(("prepare", query(b"PREPARE forms_p AS " + text) + query("EXECUTE forms_p"), "ZZ", False))
        if not writes:
            ways.append(("cursor", query(b"DECLARE forms_c CURSOR FOR " + text) + query("FETCH ALL FROM forms_c"), "ZZ", False))
            ways.append(("copy", query(b"COPY (" + text + b"\n) TO STDOUT"), "Z", False))
    stated = entry.field("ways").split()
    return [way for way in ways if not stated or way[0] in stated]


class Forms:
    def __init__(self, twins, gateway, token):
        self.twins, self.gateway, self.token = twins, gateway, token

    def run(self, entry):
        types = self.twins.types(entry.all("parameter_type"))
        words = columns_of(entry)
        for way, octets, ends, is_binary in ways_of(entry, types):
            with self.gateway.connect(self.token) as session:
                begin(session, entry)
                try:
                    messages = session.ask(octets, ends)
                finally:
                    session.send(query("ROLLBACK"))
            for kind, body in messages:
                for secret in SECRETS:
                    assert secret.lower() not in body.lower(), f"{way}: LEAKED {secret!r}: {kind} {shorten(body)}"
            if words is None:
                self.refused(entry, way, messages)
            else:
                direct, _ = self.twins.run(entry, SAME, octets, ends)
                self.masked(entry, way, words, is_binary, messages, direct)

    @staticmethod
    def refused(entry, way, messages):
        told = wire.errors(messages)
        assert told, f"{way}: it was not refused: {shorten(messages)}"
        equal(told[0]["C"], "42501", f"{way}: {told[0]}")
        if way in ("simple", "extended", "binary", "named"):  # around it another place may come first
            contains(told[0]["M"] + told[0].get("D", ""), entry.field("refused"), f"{way}: the place")
        if len(entry.text.split(b";")) == 1:
            assert not wire.rows_of(messages), f"{way}: rows came: {shorten(wire.rows_of(messages))}"

    def masked(self, entry, way, words, is_binary, messages, direct):
        told = [fields["C"] for fields in wire.errors(messages)]
        equal(told, [fields["C"] for fields in wire.errors(direct)], f"{way}: errors: {wire.errors(messages)}")
        if told:
            return
        here, there = answers_of(messages), answers_of(direct)
        if way in ("prepare", "cursor"):
            here, there = here[1:], there[1:]
        if way == "named":
            here, there = joined(here), joined(there)
        for stated, mine, theirs in zip(words, here, there, strict=True):
            if mine.copy:
                form, text = (entry.field("copy"), "\n".join(entry.lines)) if way != "copy" else ("text", "")
                mine.rows, theirs.rows = (copied(answer, form, text) for answer in (mine, theirs))
            equal(len(mine.rows), len(theirs.rows), f"{way}: rows")
            for at, word in enumerate(spread(stated, theirs.width())):
                masks = masks_of(word)
                for row, expected in zip(mine.rows, theirs.rows):
                    self.value(f"{way}: column {at + 1}", masks, row[at], expected[at])

    @staticmethod
    def value(where, masks, value, direct):
        if masks is None:
            return
        if not masks:
            equal(value, direct, f"{where} is clear")
        elif direct is None:
            assert value is None, f"{where}: NULL became {value!r}"
        elif masks == ["tail"]:
            assert value is None or (value != direct and len(value) <= max(len(direct), 64)), f"{where}: {value!r}"
        else:
            told = [b"[masked:" + name.encode() + b"]" for name in masks]
            # Of JSON it is a string, of an array its one element.
            bare = None if value is None else value.removeprefix(b"\x01").strip(b'{}"')
            if bare and bare[:4] == b"\0\0\0\1":  # one dimension, in binary form
                bare = bare[24:]
            assert bare is None or bare in told, f"{where}: {value!r} for {direct!r}"


def play_file(suite, twins, path, is_direct):
    head, entries = read_entries(path)
    for entry in entries:
        if entry.field("ways") != "none":
            suite.run(witness, twins, entry, title=f"{path.stem}: directly: {entry.title}")
    if is_direct:
        return len(entries)
    shop = target(twins.server, database=SAME, tls="disable")
    shop.pop("ca")
    gateway = Gateway(targets=[shop], insecure=True, durability="batch")
    gateway.configuration["masks"] = head["masks"]
    gateway.configuration["identity"]["principals"] = PRINCIPALS
    with gateway:
        forms = Forms(twins, gateway, gateway.token())
        for entry in entries:
            suite.run(forms.run, entry, title=f"{path.stem}: {entry.title}")
        suite.run(gateway.check_trail, title=f"{path.stem}: the trail")
    return len(entries)


def main():
    wanted = [name for name in sys.argv[1:] if not name.startswith("--")]
    suite = Suite("mask_forms", wanted)
    with Postgres() as server:
        twins = Twins(server)
        entries = sum(play_file(suite, twins, path, "--direct" in sys.argv) for path in sorted((CASES / "masks").glob("*.txt")))
        if not wanted:
            suite.count(entries >= 160, "at least 160 entries", f"{entries}")
    print(f"mask_forms: {entries} entries")
    return suite.close()


if __name__ == "__main__":
    sys.exit(main())
