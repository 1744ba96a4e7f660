#!/usr/bin/python3
"""A refusal at every position of a pipeline and of a transaction leaves the state that an error at the same place leaves
directly: the same messages (but for the error itself), transaction status, rows, statements and portals.

Directly, the place of what the gateway refuses is taken by a statement that no server can parse, since that is what the
gateway has the target do. The target never sees the refused text.
"""
import itertools
import sys

from stage import wire
from stage.gateway import ALLOW_EVERYTHING, Gateway, target
from stage.postgres import Postgres
from stage.suite import Suite, contains, equal, shorten
from stage.wire import COPY_DONE, FLUSH, SYNC, bind, close, copy_data, describe, execute, function_call, parse, query

REFUSED = "TRUNCATE kept"  # by the rule never-truncate
REFUSED_COPY = "COPY t FROM PROGRAM 'cat /dev/null'"  # by the rule no-server
FAILS = "this is what no server can parse"
RULES = [ALLOW_EVERYTHING,
         {"name": "never-truncate", "if": {"statements": ["TRUNCATE"]}, "then": {"deny": "Tables are not emptied here."}},
         {"name": "no-server", "if": {"effects": ["server"]}, "then": {"deny": "Nothing outside the database."}}]
PROBES = ["SELECT count(*), sum(id) FROM t", "SELECT count(*) FROM kept", "SELECT name, statement FROM pg_prepared_statements ORDER BY name",
          "SELECT name FROM pg_cursors WHERE name <> '' ORDER BY name", "SHOW application_name"]
SET_UP = "CREATE TABLE t (id int, v text); CREATE TABLE kept AS SELECT 1 AS x; INSERT INTO t VALUES (0, 'there')"


def run(sql, values=(), **options):
    return parse(sql) + bind(values, **options) + describe() + execute()


def insert(number):
    return run(f"INSERT INTO t VALUES ({number}, 'x') RETURNING id")


# A scenario is (name, [(octets, kinds to read until)...]); it is built for each side with that side's statement.

def pipelines(bad):
    ok = [insert(n) for n in range(1, 6)]
    for at in range(5):
        parts = [*ok[:at], run(bad), *ok[at + 1:]]
        yield f"pipeline, refused at {at}, one sync", [(b"".join(parts) + SYNC, "Z")]
        yield f"pipeline, refused at {at}, a sync each", [(b"".join(part + SYNC for part in parts), "ZZZZZ")]
        yield f"pipeline, refused at {at}, in a transaction", [
            (query("BEGIN"), "Z"), (b"".join(parts) + SYNC, "Z"), (query("SELECT 1"), "Z"), (query("COMMIT"), "Z")]
        yield f"pipeline, refused at {at}, BEGIN and COMMIT inside", [
            (run("BEGIN") + b"".join(parts) + run("COMMIT") + SYNC, "Z"), (query("ROLLBACK"), "Z")]
        yield f"pipeline, refused at {at}, a sync each, in a transaction", [
            (query("BEGIN"), "Z"), (b"".join(part + SYNC for part in parts), "ZZZZZ"), (query("ROLLBACK"), "Z")]
        yield f"pipeline, refused at {at}, parsed first", [
            (b"".join(parse(f"INSERT INTO t VALUES ({n}, 'p')" if n != at else bad, f"s{n}") for n in range(5))
             + b"".join(bind(statement=f"s{n}") + execute() for n in range(5)) + SYNC, "Z"),
            (b"".join(bind(statement=f"s{n}") + execute() + SYNC for n in range(5)), "ZZZZZ")]
    for first, second in itertools.combinations(range(4), 2):
        parts = [run(bad) if n in (first, second) else ok[n] for n in range(4)]
        yield f"pipeline, refused at {first} and {second}, one sync", [(b"".join(parts) + SYNC, "Z")]
        yield f"pipeline, refused at {first} and {second}, a sync each", [(b"".join(p + SYNC for p in parts), "ZZZZ")]
    yield "every one refused", [(run(bad) * 5 + SYNC, "Z"), ((run(bad) + SYNC) * 5, "ZZZZZ")]
    yield "refused behind an error of the target", [(insert(1) + run("SELECT 1/0") + run(bad) + SYNC, "Z")]
    yield "an error of the target behind a refusal", [(insert(1) + run(bad) + run("SELECT 1/0") + SYNC, "Z")]
    yield "refused, flushed, then sync", [(insert(1) + run(bad) + FLUSH, "E"), (insert(2) + FLUSH + SYNC, "Z")]
    yield "only the parse, flushed", [(parse(bad) + FLUSH, "E"), (SYNC, "Z")]


def simple(bad):
    ok = [query(f"INSERT INTO t VALUES ({n}, 'q')") for n in range(1, 6)]
    for at in range(5):
        parts = [*ok[:at], query(bad), *ok[at + 1:]]
        yield f"queries in one piece, refused at {at}", [(b"".join(parts), "ZZZZZ")]
        yield f"queries one by one, refused at {at}", [(part, "Z") for part in parts]
        yield f"queries in a transaction, refused at {at}", [
            (query("BEGIN"), "Z"), *((part, "Z") for part in parts), (query("COMMIT"), "Z")]
        yield f"queries in a transaction in one piece, refused at {at}", [
            (query("BEGIN") + b"".join(parts) + query("COMMIT"), "ZZZZZZZ")]
        yield f"transaction with savepoints, refused at {at}", [
            (query("BEGIN"), "Z"), *((query(f"SAVEPOINT s{n}") + part + query(f"ROLLBACK TO s{n}" if n == at else f"RELEASE s{n}"), "ZZZ")
                                     for n, part in enumerate(parts)), (query("COMMIT"), "Z")]
        texts = [f"INSERT INTO t VALUES ({n}, 'm')" for n in range(5)]
        texts[at] = bad
        yield f"several statements in one string, refused at {at}", [(query("; ".join(texts)), "Z")]
        yield f"several statements with BEGIN and COMMIT, refused at {at}", [(query("BEGIN; " + "; ".join(texts) + "; COMMIT"), "Z")]
    yield "refused in a failed transaction", [
        (query("BEGIN"), "Z"), (query("SELECT 1/0"), "Z"), (query(bad), "Z"), (query("ROLLBACK"), "Z")]
    yield "simple behind a refused, unsynced extended", [(run(bad) + query("SELECT 2") + SYNC, "Z")]


def names(bad):
    yield "refused parse leaves no name", [(parse(bad, "n") + SYNC, "Z"), (bind(statement="n") + execute() + SYNC, "Z")]
    yield "refused parse leaves the old name", [
        (parse("SELECT 'old'", "n") + SYNC, "Z"), (parse(bad, "n") + SYNC, "Z"), (bind(statement="n") + execute() + SYNC, "Z")]
    yield "refused unnamed parse forgets the unnamed statement", [
        (parse("SELECT 'old'") + SYNC, "Z"), (parse(bad) + SYNC, "Z"), (bind() + execute() + SYNC, "Z")]
    yield "names made before the refusal in its pipeline", [
        (parse("SELECT 1", "before") + run(bad) + parse("SELECT 2", "after") + SYNC, "Z"),
        (bind(statement="before") + execute() + SYNC, "Z"), (bind(statement="after") + execute() + SYNC, "Z")]
    yield "a close behind the refusal is skipped", [
        (parse("SELECT 1", "c") + SYNC, "Z"), (run(bad) + close("S", "c") + SYNC, "Z"), (describe("S", "c") + SYNC, "Z")]
    yield "open portals die with the transaction", [
        (query("BEGIN"), "Z"), (parse("SELECT generate_series(1, 9)", "g") + bind(portal="p", statement="g") + execute("p", 2) + SYNC, "Z"),
        (run(bad) + SYNC, "Z"), (execute("p", 2) + SYNC, "Z"), (query("ROLLBACK"), "Z"), (execute("p", 2) + SYNC, "Z")]
    yield "cursor before a refusal inside a savepoint", [
        (query("BEGIN; DECLARE c CURSOR FOR SELECT generate_series(1, 9); FETCH 2 FROM c; SAVEPOINT s"), "Z"), (query(bad), "Z"),
        (query("ROLLBACK TO s"), "Z"), (query("FETCH 2 FROM c"), "Z"), (query("COMMIT"), "Z")]
    yield "SET before a refusal rolls back with it", [
        (query("BEGIN; SET application_name = 'changed'"), "Z"), (query(bad), "Z"), (query("ROLLBACK"), "Z")]
    yield "SQL PREPARE before a refusal stays", [
        (query("BEGIN; PREPARE kept_name AS SELECT 5"), "Z"), (query(bad), "Z"), (query("ROLLBACK"), "Z"), (query("EXECUTE kept_name"), "Z")]


def copies(bad, bad_copy):
    data = copy_data(b"1\tone\n") + copy_data(b"2\ttwo\n") + COPY_DONE
    yield "a COPY is refused, its data is dropped", [(query(bad_copy) + data, "Z")]
    yield "a COPY is refused, extended, its data is dropped", [(run(bad_copy) + SYNC + data + SYNC, "ZZ")]
    yield "refused between two COPYs", [
        (query("COPY t FROM STDIN"), "G"), (data, "Z"), (query(bad), "Z"), (query("COPY t FROM STDIN"), "G"), (data, "Z")]
    yield "refused behind a COPY, pipelined", [(query("COPY t FROM STDIN"), "G"), (data + query(bad) + query("SELECT 3"), "ZZZ")]
    yield "refused behind COPY out, pipelined", [(query("COPY (SELECT 1) TO STDOUT") + query(bad) + query("SELECT 3"), "ZZZ")]


def calls(function):
    yield "FunctionCall refused", [(function, "Z")]
    yield "FunctionCall refused in a transaction", [
        (query("BEGIN"), "Z"), (function, "Z"), (query("SELECT 1"), "Z"), (query("ROLLBACK"), "Z")]


def scenarios(is_direct, reload_oid):
    bad = FAILS if is_direct else REFUSED
    yield from pipelines(bad)
    yield from simple(bad)
    yield from names(bad)
    yield from copies(bad, FAILS if is_direct else REFUSED_COPY)
    yield from calls(function_call(0) if is_direct else function_call(reload_oid))


def shown(messages, refusals):
    """Messages as they are compared; the errors in a refused place are kept aside."""
    out = []
    for kind, body in messages:
        fields = wire.fields_of(body) if kind == "E" else {}
        if fields.get("C") in ("42501", "42601") or (fields.get("C") == "42883" and "OID 0" in fields.get("M", "")):
            refusals.append(fields)
            out.append(("E", "refused"))
        else:
            out.append((kind, fields.get("C", "") + fields.get("M", "") if kind == "E" else body))
    return out


def play(connect, steps, refusals):
    with connect() as session:
        session.query(SET_UP)
        out = []
        for octets, ends in steps:
            out += shown(session.ask(octets, ends), refusals)
        for probe in PROBES:
            out += [("probe", probe), *shown(session.ask(query(probe)), [])]
        session.query("ROLLBACK")
        session.query("DROP TABLE IF EXISTS t, kept")
    return [message for message in out if message[0] not in "NT"]


def compare(connect_directly, connect_through, direct_steps, through_steps):
    refusals = []
    direct = play(connect_directly, direct_steps, [])
    through = play(connect_through, through_steps, refusals)
    for at, (a, b) in enumerate(zip(direct, through)):
        assert a == b, f"message {at}: direct {shorten(a)}, through {shorten(b)}; before it {shorten(direct[max(0, at - 4):at])}"
    equal(len(through), len(direct), "number of messages")
    for fields in refusals:
        equal((fields["S"], fields["V"], fields["C"]), ("ERROR", "ERROR", "42501"), "the refusal's error")
        told = fields["M"] + fields.get("D", "") + fields.get("H", "")
        assert "never-truncate" in told or "no-server" in told, f"the rule is not named: {fields}"
        assert fields.get("D") and fields.get("H"), f"no DETAIL or no HINT: {fields}"
    return len(refusals)


def main():
    suite = Suite("refusals")
    with Postgres() as server:
        server.sql("CREATE DATABASE direct")
        server.sql("CREATE DATABASE through")
        reload_oid = int(server.sql("SELECT 'pg_reload_conf'::regproc::oid"))
        address = f"{server.socket_folder}/.s.PGSQL.{server.port}"

        def connect_directly():
            return wire.Wire(address, user="tester", database="direct", application_name="refusals")

        if "--direct" in sys.argv:  # the scenarios themselves, without a gateway
            for name, steps in scenarios(True, reload_oid):
                with suite.case(name):
                    play(connect_directly, steps, [])
            return suite.close()
        with Gateway(targets=[target(server, database="through")], rules=RULES) as gateway:
            token = gateway.token()

            def connect_through():
                return gateway.connect(token, application_name="refusals")

            refused = 0
            for (name, direct), (_, through) in zip(scenarios(True, reload_oid), scenarios(False, reload_oid)):
                with suite.case(name):
                    refused += compare(connect_directly, connect_through, direct, through)
            with suite.case("refusals were seen"):
                assert refused > 100, refused
            with suite.case("the target never saw a refused text"):
                seen = (server.folder / "log").read_text(errors="replace")
                assert "TRUNCATE" not in seen and "FROM PROGRAM" not in seen
                contains(seen, "INSERT INTO t", "the log that was searched")
            suite.run(gateway.check_trail)
    return suite.close()


if __name__ == "__main__":
    sys.exit(main())
