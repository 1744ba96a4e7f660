#!/usr/bin/python3
"""One script, run directly and through the gateway with everything allowed and no mask: the server's messages are the same
octets, but for what docs/protocols/postgres.md lists: BackendKeyData, a notification's process, OIDs of what the script made.

The script is differential.sql by simple query, by extended query with text and with binary results, and the cases below.
Before it is believed, part of it is run directly twice (so what differs is the gateway's doing), and an answer with one
octet changed is compared (so a difference is found).
"""
import collections
import pathlib
import random
import re
import struct
import sys

from stage import wire
from stage.gateway import Gateway, target
from stage.postgres import Postgres
from stage.suite import Suite, shorten
from stage.wire import (COPY_DONE, FLUSH, SYNC, bind, close, copy_data, copy_fail, describe, execute, function_call,
                        parse, query)

HERE = pathlib.Path(__file__).resolve().parent
FIRST_USER_OID = 16384
MASKS_ELSEWHERE = [{"name": "elsewhere", "columns": ["vault.secrets.*", "vault.keys.password"], "with": "redact"}]
# Users' code, what reaches other sessions, and their notices: not traced, so masked where any column of the target is.
UNTRACED = re.compile(r"twice\(|loud\(|fails\(|rows_of\(|CALL |DO \$|NOTIFY|pg_notify|COMMIT$|pg_advisory|pg_sleep|query_to_xml|"
                      r"pg_cancel_backend|EXECUTE p2|DDL in a pipeline|many notices|FunctionCall, no such")


def is_untraced(name):
    return UNTRACED.search(name) is not None

# Sends `octets` (in one piece, or cut in pieces of `cut`), then reads until the kinds in `ends` came, in order.
Step = collections.namedtuple("Step", "octets ends cut", defaults=("Z", 0))
Case = collections.namedtuple("Case", "name steps")


def entries():
    """(sql, is it for simple query only?)"""
    for line in (HERE / "differential.sql").read_text().splitlines():
        if line.startswith("-- ") or not line:
            continue
        yield (line[len("@simple "):], True) if line.startswith("@simple ") else (line, False)


def simple_cases():
    for sql, _ in entries():
        yield Case(f"simple: {sql[:70]}", [Step(query(sql))])


def extended_cases(result_format):
    for sql, is_simple in entries():
        if not is_simple:
            octets = parse(sql) + bind(results=(result_format,)) + describe() + execute() + SYNC
            yield Case(f"extended, format {result_format}: {sql[:70]}", [Step(octets)])


def one(name, octets, ends="Z", cut=0):
    return Case(name, [Step(octets, ends, cut)])


def run(sql, values=(), **options):
    return parse(sql) + bind(values, **options) + describe() + execute()


def protocol_cases():
    """What only the extended protocol can do."""
    series = "SELECT i FROM generate_series(1, 10) AS i"
    yield one("make a table", query("CREATE TABLE t (id int PRIMARY KEY, v text)"))
    yield one("empty query, extended", run("") + SYNC)
    yield one("sync alone", SYNC)
    yield one("three syncs", SYNC * 3, "ZZZ")
    yield Case("flush alone, then a query", [Step(FLUSH, ""), Step(query("SELECT 1"))])
    yield one("named statement, twice", parse("SELECT $1::int + 1", "s1") + bind(["1"], statement="s1") + execute()
              + bind(["2"], statement="s1") + execute() + SYNC)
    yield one("named statement again later", bind(["3"], statement="s1") + describe() + execute() + SYNC)
    yield one("describe statement", describe("S", "s1") + SYNC)
    yield one("name in use", parse("SELECT 2", "s1") + SYNC)
    yield one("close and parse again", close("S", "s1") + parse("SELECT 2", "s1") + describe("S", "s1") + SYNC)
    yield one("close what is not there", close("S", "nope") + close("P", "nope") + SYNC)
    yield one("bind to what is not there", bind(statement="nope") + execute() + SYNC)
    yield one("describe what is not there", describe("S", "nope") + SYNC)
    yield one("describe no portal", describe("P", "nope") + SYNC)
    yield one("execute no portal", execute("nope") + SYNC)
    yield one("unnamed statement replaced", parse("SELECT 1") + parse("SELECT 2") + bind() + execute() + SYNC)
    yield one("unnamed statement stays over sync", parse("SELECT 'kept'") + SYNC, "Z")
    yield one("unnamed statement, kept", bind() + describe() + execute() + SYNC)
    yield one("simple query drops the unnamed statement", query("SELECT 1"))
    yield one("unnamed statement, dropped", bind() + execute() + SYNC)
    yield one("declared types", parse("SELECT $1, $2", types=(23, 25)) + describe("S") + bind(["7", "x"]) + execute() + SYNC)
    yield one("undeclared types", parse("SELECT $1 || 'x', $2 + 1") + describe("S") + bind(["7", "8"]) + execute() + SYNC)
    yield one("NULL parameter", run("SELECT $1::text IS NULL, $1::text", [None]) + SYNC)
    yield one("binary parameters", run("SELECT $1::int, $2::bytea", [struct.pack("!i", 42), b"\0\1\2"], formats=(1,)) + SYNC)
    yield one("mixed formats", run("SELECT $1::int, $2::text, $1::int8", [struct.pack("!i", 42), "t"], formats=(1, 0),
                                   results=(1, 0, 1)) + SYNC)
    yield one("wrong count of formats", run("SELECT $1::int, $2::int", ["1", "2"], formats=(0, 0, 0)) + SYNC)
    yield one("too few parameters", run("SELECT $1::int, $2::int", ["1"]) + SYNC)
    yield one("bad binary value", run("SELECT $1::int", [b"\0"], formats=(1,)) + SYNC)
    yield one("bad text value", run("SELECT $1::int", ["seven"]) + SYNC)
    yield one("invalid UTF-8 in a value", run("SELECT $1::text", [b"\xff\xfe"]) + SYNC)
    yield one("empty string is not NULL", run("SELECT $1::text = ''", [""]) + SYNC)
    yield one("large parameter", run("SELECT length($1::text), md5($1::text)", ["v" * 3_000_000]) + SYNC)
    yield one("large parameter comes back", run("SELECT $1::text", ["w" * 1_200_000]) + SYNC)
    yield one("many parameters", run("SELECT " + ",".join(f"${n}::int" for n in range(1, 501)), [str(n) for n in range(500)])
              + SYNC)
    yield one("row limit", run(series)[:-len(execute())] + execute(rows=3) + execute(rows=3) + execute(rows=3)
              + execute(rows=3) + execute(rows=3) + SYNC)
    yield Case("row limit over several reads", [
        Step(parse(series) + bind(portal="") + execute(rows=4) + FLUSH, "s"), Step(execute(rows=4) + FLUSH, "s"),
        Step(execute(rows=4) + FLUSH, "C"), Step(SYNC)])
    yield one("portal dies at sync outside a transaction", parse(series, "sp") + bind(portal="p", statement="sp")
              + execute("p", 2) + SYNC + execute("p", 2) + SYNC, "ZZ")
    yield Case("named portals in a transaction", [
        Step(query("BEGIN")),
        Step(bind(portal="p1", statement="sp") + bind(portal="p2", statement="sp") + execute("p1", 2) + execute("p2", 3)
             + execute("p1", 2) + SYNC),
        Step(describe("P", "p2") + execute("p2", 0) + SYNC), Step(query("FETCH 2 FROM p1")), Step(query("CLOSE p1")),
        Step(execute("p1", 1) + SYNC), Step(query("ROLLBACK")), Step(execute("p2", 1) + SYNC)])
    yield Case("portal name in use", [Step(query("BEGIN")), Step(bind(portal="p", statement="sp")
               + bind(portal="p", statement="sp") + SYNC), Step(query("ROLLBACK"))])
    yield Case("SQL cursor by protocol", [
        Step(query("BEGIN; DECLARE cur CURSOR FOR SELECT generate_series(1, 5)")), Step(describe("P", "cur")
             + execute("cur", 2) + execute("cur", 0) + SYNC), Step(close("P", "cur") + SYNC), Step(query("FETCH cur")),
        Step(query("ROLLBACK"))])
    yield Case("SQL PREPARE by protocol", [
        Step(query("PREPARE byname AS SELECT $1::text || '!'")), Step(describe("S", "byname") + bind(["hi"],
             statement="byname") + execute() + SYNC), Step(close("S", "byname") + SYNC), Step(query("EXECUTE byname('x')"))])
    yield Case("protocol statement by SQL EXECUTE", [
        Step(parse("SELECT $1::int * 3", "proto") + SYNC), Step(query("EXECUTE proto(5)")), Step(query("DEALLOCATE proto")),
        Step(bind(["1"], statement="proto") + SYNC)])
    yield Case("DISCARD ALL forgets statements", [
        Step(parse("SELECT 1", "gone") + SYNC), Step(query("DISCARD ALL")), Step(bind(statement="gone") + execute() + SYNC)])
    yield Case("a failed parse leaves no name", [
        Step(query("BEGIN")), Step(parse("SELEC", "bad") + SYNC), Step(query("ROLLBACK")),
        Step(bind(statement="bad") + SYNC)])
    yield Case("a statement outlives its transaction", [
        Step(query("BEGIN")), Step(parse("SELECT 'outlives'", "keep") + SYNC), Step(query("ROLLBACK")),
        Step(bind(statement="keep") + execute() + SYNC)])
    yield from pipeline_cases()
    yield from copy_cases()
    yield from function_cases()
    yield from shape_cases()


def pipeline_cases():
    insert = parse("INSERT INTO t VALUES ($1::int, $2) RETURNING id", "ins")
    yield one("pipeline of ten", b"".join(run(f"SELECT {n}") for n in range(10)) + SYNC)
    yield one("pipeline with ten syncs", b"".join(run(f"SELECT {n}") + SYNC for n in range(10)), "Z" * 10)
    yield one("pipeline, error in the middle", run("SELECT 1") + run("SELECT 1/0") + run("SELECT 3") + SYNC + run("SELECT 4")
              + SYNC, "ZZ")
    for position in range(5):
        parts = [bind([str(100 + n), "x"], statement="ins") + execute() for n in range(5)]
        parts[position] = bind(["not a number", "x"], statement="ins") + execute()
        yield Case(f"pipeline of inserts, error at {position}", [
            Step(insert + b"".join(parts) + SYNC), Step(query("SELECT count(*) FROM t")), Step(query("DELETE FROM t")),
            Step(query("DEALLOCATE ALL"))])
    yield Case("pipeline with BEGIN and COMMIT", [
        Step(run("BEGIN") + run("INSERT INTO t VALUES (1, 'a')") + run("COMMIT") + run("SELECT * FROM t") + SYNC)])
    yield Case("pipeline, failed transaction", [
        Step(run("BEGIN") + run("INSERT INTO t VALUES (1, 'again')") + run("COMMIT") + SYNC), Step(query("SELECT 1")),
        Step(query("ROLLBACK"))])
    yield one("simple between extended", run("SELECT 1") + SYNC + query("SELECT 2") + run("SELECT 3") + SYNC, "ZZZ")
    yield one("simple queries in one piece", b"".join(query(f"SELECT {n}") for n in range(30)), "Z" * 30)
    yield one("simple right behind unsynced extended", run("SELECT 1") + query("SELECT 2"), "Z")
    yield one("simple behind a failed extended is skipped", run("SELECT 1/0") + query("SELECT 2") + SYNC, "Z")
    yield Case("error, then flush, then sync", [
        Step(run("SELECT 1/0") + FLUSH, "E"), Step(run("SELECT 'ignored'") + FLUSH + SYNC)])
    yield Case("flush step by step", [
        Step(parse("SELECT $1::int") + FLUSH, "1"), Step(describe("S") + FLUSH, "T"), Step(bind(["5"]) + FLUSH, "2"),
        Step(describe() + FLUSH, "T"), Step(execute() + FLUSH, "C"), Step(SYNC)])
    yield Case("implicit transaction over a pipeline", [
        Step(run("INSERT INTO t VALUES (50, 'x')") + run("SELECT 1/0") + SYNC), Step(query("SELECT count(*) FROM t WHERE id = 50"))])
    yield one("DDL in a pipeline, used in it", run("CREATE TABLE piped (x int)") + run("INSERT INTO piped VALUES (1)")
              + run("SELECT * FROM piped") + run("DROP TABLE piped") + SYNC)
    yield one("SET in a pipeline", run("SET application_name = 'piped'") + run("SHOW application_name") + SYNC)
    yield one("LISTEN and NOTIFY in a pipeline", run("LISTEN l") + SYNC + run("NOTIFY l, 'p'") + SYNC + run("UNLISTEN l") + SYNC,
              "ZZZ")
    yield one("PREPARE and EXECUTE in a pipeline", run("PREPARE pp AS SELECT 11") + run("EXECUTE pp") + run("DEALLOCATE pp") + SYNC)
    yield one("five hundred in one pipeline", b"".join(run("SELECT $1::int", [str(n)]) for n in range(500)) + SYNC)


def copy_cases():
    rows = b"".join(b"%d\tvalue %d\n" % (n, n) for n in range(1000, 1100))
    signature = b"PGCOPY\n\xff\r\n\0" + struct.pack("!II", 0, 0)
    row = struct.pack("!hii", 2, 4, 2000) + struct.pack("!i", 3) + b"bin"
    copy_in = query("COPY t FROM STDIN")

    def load(name, sql, pieces, end=COPY_DONE, ends="Z"):
        return Case(name, [Step(query(sql), "G"), Step(b"".join(map(copy_data, pieces)) + end, ends)])

    yield load("COPY in, text", "COPY t FROM STDIN", [rows])
    yield load("COPY in, many small pieces", "COPY t (id, v) FROM STDIN", [b"%d\tx\n" % n for n in range(3000, 3300)])
    yield load("COPY in, cut inside rows", "COPY t FROM STDIN", [b"40", b"00\tcu", b"t\n4001", b"\t\\N\n"])
    yield load("COPY in, CSV", "COPY t FROM STDIN WITH (FORMAT csv, HEADER)", [b'id,v\n5000,"a ""quoted"" value"\n5001,\n'])
    yield load("COPY in, binary", "COPY t FROM STDIN WITH (FORMAT binary)", [signature + row + struct.pack("!h", -1)])
    yield load("COPY in, nothing", "COPY t FROM STDIN", [])
    yield load("COPY in, end marker", "COPY t FROM STDIN", [b"6000\tx\n\\.\n"])
    yield load("COPY in, bad row", "COPY t FROM STDIN", [b"7000\tx\nseven\ty\n7002\tz\n"])
    yield load("COPY in, duplicate key", "COPY t FROM STDIN", [b"1000\tx\n"])
    yield load("COPY in, client gives up", "COPY t FROM STDIN", [b"8000\tx\n"], copy_fail())
    yield load("COPY in, large", "COPY t FROM STDIN", [b"%d\t%s\n" % (n, b"y" * 2000) for n in range(9000, 9500)])
    yield load("COPY in, one piece over the frame limit", "COPY t FROM STDIN", [b"9990\t" + b"q" * 2_500_000 + b"\n"])
    yield load("COPY in, flush and sync inside get no answer", "COPY t FROM STDIN", [b"9991\ta\n"],
               FLUSH + SYNC + copy_data(b"9992\tb\n") + COPY_DONE)
    yield one("stray CopyData is dropped", copy_data(b"stray") + COPY_DONE + query("SELECT 1"))
    yield load("stray data behind a failed COPY", "COPY t FROM STDIN", [b"bad\tx\n"], copy_data(b"9\tmore\n") + COPY_DONE)
    yield one("COPY in where the table is missing", query("COPY no_such FROM STDIN"))
    yield Case("COPY in, extended", [Step(parse("COPY t FROM STDIN") + bind() + execute() + SYNC, "G"),
                                     Step(copy_data(b"9993\tc\n") + COPY_DONE + SYNC)])
    yield Case("COPY in, extended, without the early sync", [Step(parse("COPY t FROM STDIN") + bind() + execute() + FLUSH, "G"),
               Step(copy_data(b"9994\tc\n") + COPY_DONE + SYNC)])
    yield Case("COPY in, extended, bad row", [Step(parse("COPY t FROM STDIN") + bind() + execute() + FLUSH, "G"),
               Step(copy_data(b"bad\tc\n") + COPY_DONE + SYNC)])
    yield Case("COPY in between statements", [Step(query("SELECT 1; COPY t FROM STDIN; SELECT count(*) FROM t WHERE id = 9995"), "G"),
               Step(copy_data(b"9995\tc\n") + COPY_DONE)])
    yield Case("two COPYs in one string", [Step(query("COPY t FROM STDIN; COPY t FROM STDIN"), "G"),
               Step(copy_data(b"9996\tc\n") + COPY_DONE, "G"), Step(copy_data(b"9997\tc\n") + COPY_DONE)])
    yield Case("COPY in inside a transaction that fails", [Step(query("BEGIN")), Step(copy_in, "G"),
               Step(copy_data(b"bad\n") + COPY_DONE), Step(query("SELECT 1")), Step(query("ROLLBACK"))])
    for options in ("", " WITH (FORMAT csv, HEADER)", " WITH (FORMAT binary)", " WITH (DELIMITER '|', NULL 'nil')"):
        yield one(f"COPY out{options}", query(f"COPY (SELECT * FROM t ORDER BY id) TO STDOUT{options}"))
    yield one("COPY out, extended", run("COPY (SELECT id FROM t ORDER BY id LIMIT 5) TO STDOUT") + SYNC)
    yield one("COPY out, then more", query("COPY (SELECT 1) TO STDOUT; SELECT 2"))
    yield one("COPY out fails in the middle", query("COPY (SELECT 1/(50-i) FROM generate_series(1, 100) AS i) TO STDOUT"))
    yield one("COPY out, large", query("COPY (SELECT repeat('c', 1000) FROM generate_series(1, 3000)) TO STDOUT"))
    yield one("COPY from a program", query("COPY t FROM PROGRAM 'echo 9998'"))
    yield one("how many", query("SELECT count(*), sum(length(v)) FROM t"))


def function_cases():
    yield one("FunctionCall int4pl", function_call(177, [struct.pack("!i", 2), struct.pack("!i", 3)], 1, 1))
    yield one("FunctionCall, text", function_call(177, ["2", "3"]))
    yield one("FunctionCall, NULL argument", function_call(177, ["2", None]))
    yield one("FunctionCall, no such function", function_call(999999))
    yield one("FunctionCall, wrong arguments", function_call(177, ["x", "3"]))
    yield one("FunctionCall, version", function_call(89))
    yield Case("FunctionCall in a failed transaction", [Step(query("BEGIN")), Step(query("SELECT 1/0")),
               Step(function_call(177, ["2", "3"])), Step(query("ROLLBACK"))])


def shape_cases():
    """The same octets cut in other places, and results that are large in some way."""
    batch = run("SELECT $1::text, i FROM generate_series(1, 20) AS i", ["cut"]) + SYNC + query("SELECT 'x'; SELECT 'y'")
    for cut in (1, 2, 3, 5, 7, 64):
        yield one(f"cut in pieces of {cut}", batch, "ZZ", cut)
    yield one("a wide row", query("SELECT " + ", ".join(f"{n} AS column_{n}" for n in range(1600))))
    yield one("many rows", query("SELECT i, 'row ' || i FROM generate_series(1, 50000) AS i"))
    yield one("many notices", query("DO $$ BEGIN FOR i IN 1..2000 LOOP RAISE NOTICE 'n %', i; END LOOP; END $$"))
    yield one("one value of 40 MB", query("SELECT repeat('v', 40000000)"))
    yield one("one value of 20 MB, binary", run("SELECT decode(repeat('ff', 20000000), 'hex')", results=(1,)) + SYNC)
    yield one("a statement of 60 KB", query("SELECT length('" + "s" * 60_000 + "')"))
    yield one("long names", query('SELECT 1 AS "' + "n" * 200 + '"'))
    generator = random.Random(7)  # the same every time
    parts = [run(f"SELECT {n}, repeat('r', {generator.randrange(3000)})") + (SYNC if n % 7 == 6 else b"") for n in range(70)]
    yield one("seventy of random size", b"".join(parts), "Z" * 10)


# ---- running and comparing ----

class Normal:
    """Replaces what may differ, and only that: the first new OID in a session becomes FIRST_USER_OID, and so on."""

    def __init__(self):
        self.oids = {}

    def oid(self, value):
        if value < FIRST_USER_OID:
            return value
        return self.oids.setdefault(value, FIRST_USER_OID + len(self.oids))

    def __call__(self, kind, body):
        if kind == "K":
            return kind, b"the gateway's own"
        if kind == "A":
            return kind, b"process" + body[4:]
        if kind == "T":
            return kind, self.row_description(body)
        if kind == "t":
            count, = struct.unpack_from("!H", body)
            return kind, struct.pack(f"!H{count}I", count, *map(self.oid, struct.unpack_from(f"!{count}I", body, 2)))
        return kind, body

    def row_description(self, body):
        out, offset = body[:2], 2
        while offset < len(body):
            end = body.index(b"\0", offset) + 1
            relation, column, kind = struct.unpack_from("!IhI", body, end)
            out += body[offset:end] + struct.pack("!IhI", self.oid(relation), column, self.oid(kind)) + body[end + 10:end + 18]
            offset = end + 18
        return out


def play(connect, cases):
    """Every case's messages: [(name, [(kind, body)...] or the fault as text)...]."""
    session, normal, out = connect(), Normal(), []
    out.append(("greeting", [normal(*one_message) for one_message in session.greeting]))
    for case in cases:
        messages = []
        try:
            for step in case.steps:
                pieces = [step.octets[at:at + step.cut] for at in range(0, len(step.octets), step.cut)] if step.cut \
                    else [step.octets]
                for piece in pieces:
                    session.send(piece)
                messages += session.read_until(step.ends)
            out.append((case.name, [normal(*one_message) for one_message in messages]))
        except (wire.Closed, OSError, struct.error) as fault:
            out.append((case.name, f"{type(fault).__name__}: {fault}"))
            session.socket.close()
            session = connect()
    # Nothing may be left over: the very next answer is to this.
    out.append(("nothing left over", session.ask(query("SELECT 'the end'"))))
    session.close()
    return out


def difference(direct, through):
    """None when both are the same, else where they part."""
    if isinstance(direct, str) or isinstance(through, str):
        return None if direct == through and not isinstance(direct, str) else f"direct {shorten(direct)}, through {shorten(through)}"
    if direct == through:
        return None
    for at, (a, b) in enumerate(zip(direct, through)):
        if a != b:
            return f"message {at}: direct {shorten(a)}, through {shorten(b)}"
    return f"{len(direct)} messages directly, {len(through)} through: {shorten((direct + through)[min(len(direct), len(through)):])}"


def rounds():
    return {"simple": list(simple_cases()), "extended, text": list(extended_cases(0)),
            "extended, binary": list(extended_cases(1)), "protocol": list(protocol_cases())}


def direct_connection(server, database):
    return lambda: wire.Wire(f"{server.socket_folder}/.s.PGSQL.{server.port}", user="tester", database=database,
                             application_name="differential")


def prove_the_comparison(suite, server, cases):
    """Run directly twice nothing differs; with one octet changed something does."""
    server.sql("CREATE DATABASE once")
    once = play(direct_connection(server, "once"), cases)
    server.sql("CREATE DATABASE twice")
    twice = play(direct_connection(server, "twice"), cases)
    for (name, first), (_, second) in zip(once, twice):
        told = difference(first, second)
        suite.count(told is None, f"direct twice: {name}", told)
    rows = next(messages for _, messages in once[1:] if any(kind == "D" for kind, _ in messages))
    changed = [(kind, body[:-1] + bytes([body[-1] ^ 1]) if kind == "D" else body) for kind, body in rows]
    suite.count(difference(rows, changed) is not None, "a changed octet is found")
    suite.count(difference(rows, rows[:-1]) is not None, "a missing message is found")


def main():
    suite = Suite("differential")
    only_direct = "--direct" in sys.argv
    every = rounds()
    count = sum(len(cases) for cases in every.values())
    suite.count(count >= 300, "at least 300 statements", str(count))
    with Postgres() as server:
        if only_direct:
            for cases in every.values():
                prove_the_comparison(suite, server, cases)
                server.sql("DROP DATABASE once")
                server.sql("DROP DATABASE twice")
            return suite.close()
        prove_the_comparison(suite, server, every["protocol"])
        for masks in (None, MASKS_ELSEWHERE):
            compare(suite, server, every, masks)
    return suite.close()


def compare(suite, server, every, masks):
    """`masks`: of tables that the script does not touch. What nobody can trace is masked all the same, and not compared."""
    with Gateway(targets=[target(server, database="through")], masks=masks, limits=masks and {"masked_row": "64MiB"}) as gateway:
        token = gateway.token()
        for label, cases in every.items():
            server.sql("CREATE DATABASE direct")
            server.sql("CREATE DATABASE through")
            direct = play(direct_connection(server, "direct"), cases)
            through = play(lambda: gateway.connect(token, application_name="differential"), cases)
            for (name, first), (_, second) in zip(direct, through):
                if masks and is_untraced(name):
                    continue
                told = difference(first, second)
                suite.count(told is None, f"{label}{' beside masks' if masks else ''}: {name}", told)
            server.sql("DROP DATABASE direct WITH (FORCE)")
            server.sql("DROP DATABASE through WITH (FORCE)")
        suite.run(gateway.check_trail)


if __name__ == "__main__":
    sys.exit(main())
