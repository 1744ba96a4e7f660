#!/usr/bin/python3
"""Rules where the wire and the target matter: read-only sessions, patterns over the texts that Parse and EXECUTE bring,
filters by the target's own catalogue, and what a refusal tells a real client."""
import sys

from stage import wire
from stage.gateway import Gateway, target
from stage.postgres import Postgres
from stage.suite import Suite, contains, equal
from stage.wire import SYNC, bind, execute, parse, query

RULES = [
    {"name": "reads", "on": {"targets": ["looked-at"]}, "if": {"effects": ["read", "session"]}, "then": "allow"},
    {"name": "works", "on": {"targets": ["shop"]}, "if": {"effects": ["read", "write", "session"]}, "then": "allow"},
    {"name": "no-lorem", "if": {"pattern": "(?i)lorem"}, "then": {"deny": "No test data."}},
    {"name": "no-notes", "if": {"filters_on": ["items.note"]}, "then": {"deny": "Not by note."}},
    {"name": "whole-tables", "if": {"missing_where": True}, "then": {"deny": "Say which rows."}},
]
LIFTING = ["SET default_transaction_read_only = off", "BEGIN READ WRITE", "START TRANSACTION READ WRITE",
           "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", "SET LOCAL transaction_read_only TO 0",
           "SELECT set_config('transaction_read_only', 'off', false)"]


def refusal_of(session, octets):
    refusals = wire.errors(session.ask(octets))
    assert refusals, "nothing was refused"
    return refusals[0]


def main():
    suite = Suite("rules")
    with Postgres() as server:
        server.sql("CREATE TABLE items (id int, note text); INSERT INTO items VALUES (1, 'one'), (2, 'two')")
        with Gateway(targets=[target(server), target(server, "looked-at")], rules=RULES) as gateway:
            token = gateway.token()

            def connect(database, **settings):
                return gateway.connect(token, database=database, **settings)

            with suite.case("who may only read has a read-only session at the target"), connect("looked-at") as session:
                equal(session.query("SHOW default_transaction_read_only"), [["on"]], "the setting")
                for lifting in LIFTING:
                    contains(refusal_of(session, query(lifting))["M"], "may only read", lifting)
                    contains(refusal_of(session, parse(lifting) + bind() + execute() + SYNC)["M"], "may only read", lifting)
                session.query("RESET ALL")
                session.query("DISCARD ALL")
                equal(session.query("SHOW transaction_read_only"), [["on"]], "behind RESET and DISCARD")
            with suite.case("such a session cannot begin with the opposite"):
                fields = wire.refusal_of(lambda: connect("looked-at", default_transaction_read_only="off"))
                contains(fields["M"], "may only read", "the login's error")
                fields = wire.refusal_of(lambda: connect("looked-at", options="-c default_transaction_read_only=off"))
                contains(fields["M"], "may only read", "the login's error, by options")
                with connect("looked-at", default_transaction_read_only="on") as session:
                    equal(session.query("SHOW default_transaction_read_only"), [["on"]], "the setting")
            with suite.case("who may write has none"), connect("shop") as session:
                equal(session.query("SHOW default_transaction_read_only"), [["off"]], "the setting")
                session.query("BEGIN READ WRITE")
                session.query("ROLLBACK")
            with suite.case("a refusal names the target where it would be allowed"), connect("looked-at") as session:
                fields = refusal_of(session, query("UPDATE items SET note = 'x' WHERE id = 1"))
                contains(fields["H"], "On shop you may do this: connect there instead.", "the hint")
                contains(fields["D"], "Rule reads allows read, session, not write.", "the detail")
            with suite.case("a missing WHERE is told, and with one it is done"), connect("shop") as session:
                contains(refusal_of(session, query("DELETE FROM items"))["H"], "Add a WHERE", "the hint")
                session.query("DELETE FROM items WHERE id = 2")
            with suite.case("a pattern sees the text, however it comes"), connect("shop") as session:
                session.query("PREPARE p AS SELECT 1")
                for octets in [query("INSERT INTO items VALUES (3, 'Lorem')"), parse("SELECT 'lorem'", "s") + SYNC,
                               query("PREPARE q AS SELECT 'lorem'"), query("SELECT 1; SELECT 'LOREM'"),
                               query("EXECUTE p; SELECT 'lorem'"), query("DECLARE c CURSOR WITH HOLD FOR SELECT 'lorem'")]:
                    equal(refusal_of(session, octets)["M"], "refused by rule no-lorem: No test data.", str(octets))
                equal(session.query("EXECUTE p"), [["1"]], "rows")
            with suite.case("filters_on knows the target's columns"), connect("shop") as session:
                contains(refusal_of(session, query("SELECT id FROM items WHERE note = 'one'"))["D"], "public.items.note", "the detail")
                equal(session.query("SELECT note FROM items WHERE id = 1"), [["one"]], "rows")
            with suite.case("nothing was changed that was refused"):
                equal(server.sql("SELECT string_agg(id || note, ',' ORDER BY id) FROM items"), "1one", "rows")
            suite.run(gateway.check_trail)
    return suite.close()


if __name__ == "__main__":
    sys.exit(main())
