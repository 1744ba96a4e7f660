#!/usr/bin/python3
"""What a rule holds waits inside the client's own live connection until people have decided, and runs exactly once."""
import asyncio
import contextlib
import json
import os
import pathlib
import signal
import ssl
import subprocess
import sys
import threading
import time

import asyncpg
import psycopg2

from stage import npm, wire
from stage.gateway import ALLOW_EVERYTHING, Gateway, target
from stage.postgres import Postgres
from stage.suite import Suite, contains, equal, wait_for
from stage.wire import FLUSH, SYNC, bind, describe, execute, parse, query

HERE = pathlib.Path(__file__).resolve().parent
HOLD_WRITES = {"name": "writes-need-a-human", "if": {"statements": ["UPDATE", "DELETE"]},
               "then": {"hold": {"approvers": {"groups": ["dba"]}, "timeout": "20s", "in_transaction_timeout": "4s"}}}
HOLD_SHORT = {"name": "short", "if": {"statements": ["INSERT"]},
              "then": {"hold": {"approvers": {"groups": ["dba"]}, "timeout": "1s"}}}
HOLD_TWO = {"name": "two-people", "if": {"statements": ["TRUNCATE"]},
            "then": {"hold": {"approvers": {"groups": ["dba"], "principals": ["mo"]}, "count": 2, "timeout": "20s"}}}
HOLD_CURSORS = {"name": "secrets", "if": {"relations": ["public.secrets"]},
                "then": {"hold": {"approvers": {"groups": ["dba"]}, "timeout": "20s", "in_transaction_timeout": "10s"}}}
PEOPLE = [{"name": "dana", "kind": "human", "groups": ["dba"]}, {"name": "erin", "kind": "human", "groups": ["dba"]},
          {"name": "mo", "kind": "human"}, {"name": "eve", "kind": "human"},
          {"name": "robot", "kind": "agent", "owner": "dana", "groups": ["dba"]},
          {"name": "agent-2", "kind": "agent", "owner": "sam"}, {"name": "agent-3", "kind": "agent", "owner": "sam"}]
SET_UP = ("DROP TABLE IF EXISTS accounts, secrets; CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL);"
          "INSERT INTO accounts SELECT i, 0 FROM generate_series(1, 1000) AS i;"
          "CREATE TABLE secrets AS SELECT i AS id FROM generate_series(1, 50) AS i")


def rules(*more):
    everything = {**ALLOW_EVERYTHING, "who": {"groups": ["ai-agents"]}}
    return [everything, HOLD_WRITES, HOLD_SHORT, HOLD_TWO, HOLD_CURSORS, *more]


class Running:
    """A function in a thread; `result()` is what it returned, or raises what it raised."""

    def __init__(self, function, *arguments):
        self.value = self.fault = None
        self.thread = threading.Thread(target=self.work, args=(function, arguments), daemon=True)
        self.thread.start()

    def work(self, function, arguments):
        try:
            self.value = function(*arguments)
        except BaseException as fault:  # handed on by result()
            self.fault = fault

    def result(self, seconds=30):
        self.thread.join(seconds)
        assert not self.thread.is_alive(), f"did not end in {seconds} s"
        if self.fault:
            raise self.fault
        return self.value


class Holds:
    """Every public function is a case."""

    def __init__(self, server, gateway):
        self.server, self.gateway = server, gateway
        self.tokens = {}

    # ---- what the cases are made of ----

    def _token(self, name):
        if name not in self.tokens:
            self.tokens[name] = self.gateway.token(name)
        return self.tokens[name]

    def _connect(self, name="agent-1", **settings):
        return self.gateway.connect(self._token(name), **settings)

    def _balance(self, number=1):
        return self._sql(f"SELECT balance FROM accounts WHERE id = {number}")

    def _sql(self, text):
        return self.server.sql(text, user="postgres").strip()

    def _pending(self, count=1, seconds=10, **wanted):
        def look():
            found = [each for each in self.gateway.lines_of("approvals", "list")
                     if all(each[key] == value for key, value in wanted.items())]
            return found if len(found) >= count else None
        return wait_for(look, seconds, f"{count} that wait {wanted}")

    def _decide(self, verdict="approve", who="dana", *more, expect=0, **wanted):
        """The one that waits is decided; its description before."""
        waiting = self._pending(**wanted)
        equal(len(waiting), 1, "how many wait")
        self.gateway.run("approvals", verdict, waiting[0]["id"], "--as", who, *more, expect=expect)
        return waiting[0]

    def _state(self, approval):
        return next(each for each in self.gateway.lines_of("approvals", "list", "--state", "all")
                    if each["id"] == approval)

    def _events(self, session):
        return self.gateway.lines_of("replay", session)

    def _no_pause(self):
        """A denial makes its principal wait; the next case shall not."""
        time.sleep(1.1)

    # ---- the ways it ends, on the wire ----

    def approved_simple(self):
        with self._connect() as client:
            client.send(query("UPDATE accounts SET balance = balance + 1 WHERE id = 1 RETURNING balance"))
            kind, body = client.read()
            equal(kind, "N", "the first thing told")
            notice = wire.fields_of(body)
            contains(notice["M"], "held by rule writes-need-a-human: approval ", "notice")
            contains(notice["D"], "1 of group dba", "notice")
            shown = self._decide()
            contains(notice["H"], shown["id"], "the notice names the approval")
            messages = client.read_until("Z")
            equal(wire.rows_of(messages), [["1"]], "the answer")
            equal([kind for kind, _ in messages], ["T", "D", "C", "Z"], "messages")
        equal(self._balance(), "1", "the target")
        equal({key: shown[key] for key in ("state", "principal", "owner", "target", "rule", "statement", "parameters")},
              {"state": "pending", "principal": "agent-1", "owner": "sam", "target": "shop", "rule": "writes-need-a-human",
               "statement": "UPDATE accounts SET balance = balance + 1 WHERE id = 1 RETURNING balance", "parameters": []},
              "what the approver sees")
        equal(self._state(shown["id"])["state"], "approved", "afterwards")
        events = self._events(shown["session"])
        kinds = [event["kind"] for event in events]
        equal(kinds, ["session_open", "hold", "approval", "request", "response", "request", "session_close"], "the trail")
        equal(events[2]["meta"]["state"], "approved", "approval event")
        equal(events[2]["meta"]["votes"][0]["by"], "dana", "who approved")
        equal((events[3]["verdict"], events[3]["rule"]), ("permit", "writes-need-a-human"), "request event")

    def denied_simple(self):
        with self._connect() as client:
            client.send(query("UPDATE accounts SET balance = 7 WHERE id = 2"))
            shown = self._decide("deny", "dana", "--reason", "not on a Friday")
            messages = client.read_until("Z")
            fields, = wire.errors(messages)
            equal(fields["C"], "42501", "its code")
            contains(fields["M"], "was denied by dana: not on a Friday", "its message")
            assert fields["H"], "there is no hint"
            equal(messages[-1][1], b"I", "the state")
            fields = wire.errors(client.ask(query("DELETE FROM accounts")))[0]
            contains(fields["M"], "was denied a moment ago", "asked again at once")
            equal(client.query("SELECT 1"), [["1"]], "the session goes on")
        equal(self._balance(2), "0", "the target")
        equal(self._state(shown["id"])["state"], "denied", "afterwards")
        self._no_pause()

    def timed_out(self):
        with self._connect() as client:
            started = time.monotonic()
            fields = wire.errors(client.ask(query("INSERT INTO accounts VALUES (2000, 1)")))[0]
            took = time.monotonic() - started
            equal(fields["C"], "42501", "its code")
            contains(fields["M"], "was not given in time", "its message")
            assert 0.9 < took < 5, f"took {took} s"
            equal(client.query("SELECT 1"), [["1"]], "the session goes on")
        equal(self._sql("SELECT count(*) FROM accounts WHERE id = 2000"), "0", "the target")

    def cancelled_by_the_client(self):
        with self._connect() as client:
            client.send(query("UPDATE accounts SET balance = 8 WHERE id = 3"))
            shown = self._pending()[0]
            with contextlib.closing(wire.Wire(("127.0.0.1", self.gateway.port), user="", database="", login=False)) as other:
                other.send(wire.cancel_request(*client.key()))
            messages = client.read_until("Z")
            fields, = wire.errors(messages)
            equal(fields["C"], "57014", "its code")
            equal(client.query("SELECT 1"), [["1"]], "the session goes on")
        equal(self._state(shown["id"])["state"], "cancelled", "afterwards")
        self.gateway.run("approvals", "approve", shown["id"], "--as", "dana", expect=1)
        equal(self._balance(3), "0", "the target")

    def client_killed(self):
        client = self._connect()
        client.send(query("UPDATE accounts SET balance = 9 WHERE id = 3"))
        shown = self._pending()[0]
        started = time.monotonic()
        client.socket.close()
        wait_for(lambda: self._state(shown["id"])["state"] == "cancelled", 5, "the hold to end")
        assert time.monotonic() - started < 3, "noticed late"
        contains(self._state(shown["id"])["why"], "client left", "why")
        wait_for(lambda: self._events(shown["session"])[-1]["kind"] == "session_close", 5, "the session to end")
        self.gateway.run("approvals", "approve", shown["id"], "--as", "dana", expect=1)
        equal(self._balance(3), "0", "the target")

    def session_ended_while_it_waits(self):
        client = self._connect()
        client.send(query("UPDATE accounts SET balance = 9 WHERE id = 3"))
        shown = self._pending()[0]
        self.gateway.run("sessions", "end", shown["session"])
        contains(wire.errors(client.rest())[-1]["M"], "ended by operator", "last words")
        equal(self._state(shown["id"])["state"], "cancelled", "afterwards")
        kinds = [event["kind"] for event in self._events(shown["session"])]
        contains(kinds, "approval", "the trail tells how it ended")
        equal(self._balance(3), "0", "the target")

    def token_revoked_while_it_waits(self):
        token = self.gateway.run("token", "--as", "agent-2", "--json")
        told = json.loads(token)
        client = self.gateway.connect(told["token"])
        client.send(query("UPDATE accounts SET balance = 9 WHERE id = 3"))
        shown = self._pending()[0]
        self.gateway.run("token", "revoke", told["id"])
        contains(wire.errors(client.rest())[-1]["M"], "revoked", "last words")
        equal(self._state(shown["id"])["state"], "cancelled", "afterwards")

    # ---- who may say yes ----

    def two_approvers(self):
        with self._connect() as client:
            client.send(query("TRUNCATE secrets"))
            shown = self._decide("approve", "dana")
            equal(self._state(shown["id"])["state"], "pending", "after the first")
            contains(self.gateway.run("approvals", "approve", shown["id"], "--as", "dana", expect=None).stderr,
                     "has said so already", "the same one again")
            contains(self.gateway.run("approvals", "approve", shown["id"], "--as", "eve", expect=None).stderr,
                     "is not among its approvers", "a stranger")
            self.gateway.run("approvals", "approve", shown["id"], "--as", "mo")
            assert not wire.errors(client.read_until("Z")), "it failed"
        equal(self._sql("SELECT count(*) FROM secrets"), "0", "the target")
        self._sql("INSERT INTO secrets SELECT generate_series(1, 50)")

    def one_no_of_two(self):
        with self._connect() as client:
            client.send(query("TRUNCATE secrets"))
            shown = self._decide("approve", "dana")
            self.gateway.run("approvals", "deny", shown["id"], "--as", "erin")
            contains(wire.errors(client.read_until("Z"))[0]["M"], "denied by erin", "refusal")
        equal(self._sql("SELECT count(*) FROM secrets"), "50", "the target")
        self._no_pause()

    def the_requester_and_its_people_approve_nothing(self):
        with self._connect() as client:
            client.send(query("UPDATE accounts SET balance = 1 WHERE id = 4"))
            shown = self._pending()[0]
            for name, reason in (("sam", "an owner counts as the requester"), ("robot", "only people approve"),
                                 ("agent-1", "only people approve"), ("eve", "is not among its approvers"),
                                 ("nobody", "there is no principal")):
                done = self.gateway.run("approvals", "approve", shown["id"], "--as", name, expect=None)
                equal(done.returncode, 1, name)
                contains(done.stderr, reason, name)
            done = self.gateway.run("approvals", "approve", shown["id"], expect=None)
            equal(done.returncode, 1, "the operator alone")
            contains(done.stderr, "--as NAME", "the operator alone")
            equal(self._state(shown["id"])["state"], "pending", "still")
            self.gateway.run("approvals", "deny", shown["id"])  # the operator may say no
            contains(wire.errors(client.read_until("Z"))[0]["M"], "denied by operator uid", "refusal")
        equal(self._balance(4), "0", "the target")
        self._no_pause()

    def a_person_asks_and_may_not_approve_it(self):
        token = self.gateway.token("erin")
        with self.gateway.connect(token) as client:
            client.send(query("UPDATE accounts SET balance = 5 WHERE id = 5"))
            shown = self._pending()[0]
            done = self.gateway.run("approvals", "approve", shown["id"], "--as", "erin", expect=None)
            contains(done.stderr, "nobody approves their own request", "own request")
            self.gateway.run("approvals", "approve", shown["id"], "--as", "dana")
            client.read_until("Z")
        equal(self._balance(5), "5", "the target")

    # ---- what approval is bound to ----

    def rules_changed_while_it_waits(self):
        with self._connect() as client:
            client.send(query("UPDATE accounts SET balance = 1 WHERE id = 6"))
            shown = self._pending()[0]
            self.gateway.configuration["rules"] = rules({"name": "another", "if": {"statements": ["LOCK"]}, "then": "deny"})
            self.gateway.write()
            self.gateway.process.send_signal(signal.SIGHUP)
            wait_for(lambda: "was reloaded" in self.gateway.errors(), 10, "the reload")
            self.gateway.run("approvals", "approve", shown["id"], "--as", "dana")
            contains(wire.errors(client.read_until("Z"))[0]["M"], "the rules changed while it waited", "refusal")
        equal(self._state(shown["id"])["state"], "cancelled", "afterwards")
        equal(self._balance(6), "0", "the target")

    def table_altered_while_it_waits(self):
        for change in ("ALTER TABLE accounts ADD COLUMN extra int", "ALTER TABLE accounts DROP COLUMN extra",
                       "ALTER TABLE accounts RENAME TO old_accounts; CREATE TABLE accounts AS TABLE old_accounts",
                       "DROP TABLE accounts; ALTER TABLE old_accounts RENAME TO accounts"):
            with self._connect() as client:
                client.send(query("UPDATE accounts SET balance = 1 WHERE id = 7"))
                shown = self._pending()[0]
                self._sql(change)
                self.gateway.run("approvals", "approve", shown["id"], "--as", "dana")
                contains(wire.errors(client.read_until("Z"))[0]["M"], "what its names mean changed", change)
        equal(self._balance(7), "0", "the target")

    def search_path_decides_what_is_shown_and_run(self):
        self._sql("CREATE SCHEMA IF NOT EXISTS other AUTHORIZATION tester; DROP TABLE IF EXISTS other.accounts;"
                  "CREATE TABLE other.accounts (id int, balance int); INSERT INTO other.accounts VALUES (8, 0)")
        self._sql("GRANT ALL ON other.accounts TO tester")
        with self._connect() as client:
            # In one piece: what the second means is certain only when the first was answered.
            client.send(query("SET search_path TO other, public") + query("UPDATE accounts SET balance = 8 WHERE id = 8"))
            shown = self._pending()[0]
            contains(shown["relations"], "other.accounts (written)", "what it touches")
            self.gateway.run("approvals", "approve", shown["id"], "--as", "dana")
            assert not wire.errors(client.read_until("ZZ"))
        equal(self._sql("SELECT balance FROM other.accounts"), "8", "the target")
        equal(self._balance(8), "0", "the other table")
        # A table that now shadows the one that was looked at makes the approval void.
        self._sql("DROP TABLE other.accounts")
        with self._connect() as client:
            client.query("SET search_path TO other, public")
            client.send(query("UPDATE accounts SET balance = 8 WHERE id = 8"))
            shown = self._pending()[0]
            self._sql("CREATE TABLE other.accounts (id int, balance int)")
            self.gateway.run("approvals", "approve", shown["id"], "--as", "dana")
            contains(wire.errors(client.read_until("Z"))[0]["M"], "what its names mean changed", "refusal")
        self._sql("DROP TABLE other.accounts")

    # ---- extended protocol ----

    def extended_with_values(self):
        with self._connect() as client:
            client.send(parse("UPDATE accounts SET balance = $1 WHERE id = $2 RETURNING balance", "u", (23, 23))
                        + bind(("41", b"\0\0\0\x09"), statement="u", formats=(0, 1)) + describe() + execute() + SYNC)
            kind, _ = client.read()
            equal(kind, "N", "nothing is answered before people decided")
            shown = self._decide()
            equal((shown["parameters"], shown["parameter_types"]), (["41", "9"], ["int4", "int4"]), "the values")
            equal(shown["in_transaction"], False, "nothing of the round trip was forwarded")
            messages = client.read_until("Z")
            equal([kind for kind, _ in messages], ["1", "2", "T", "D", "C", "Z"], "messages")
            # Approved once: the next values are another request.
            client.send(bind(("42", "9"), statement="u") + execute() + SYNC)
            self._decide("deny")
            equal([kind for kind, _ in client.read_until("Z")], ["N", "E", "Z"], "messages")
        equal(self._balance(9), "41", "the target")
        self._no_pause()

    def prepared_then_bound(self):
        """The types that the target described are known when it is bound."""
        with self._connect() as client:
            client.ask(parse("UPDATE accounts SET balance = $1 WHERE id = $2", "p") + describe("S", "p") + SYNC)
            client.send(bind((b"\0\0\0\x07", b"\0\0\0\x0a"), statement="p", formats=(1,)) + execute() + SYNC)
            shown = self._decide()
            equal((shown["parameters"], shown["parameter_types"]), (["7", "10"], ["int4", "int4"]), "the values")
            equal([kind for kind, _ in client.read_until("Z")], ["N", "2", "C", "Z"], "messages")
        equal(self._balance(10), "7", "the target")

    def pipelined(self):
        """Others of the pipeline are answered in their turn."""
        with self._connect() as client:
            client.send(parse("SELECT 1") + bind() + execute() + SYNC
                        + parse("UPDATE accounts SET balance = 11 WHERE id = 11") + bind() + execute() + SYNC
                        + parse("SELECT 3") + bind() + execute() + SYNC)
            first = client.read_until("Z")
            equal(wire.rows_of(first), [["1"]], "the one before")
            self._decide()
            second = client.read_until("Z")
            equal([kind for kind, _ in second], ["N", "1", "2", "C", "Z"], "the held one")
            equal(wire.rows_of(client.read_until("Z")), [["3"]], "the one behind")
            # One Sync for all: the refusal makes the target skip the rest.
            client.send(parse("SELECT 4") + bind() + execute()
                        + parse("UPDATE accounts SET balance = 12 WHERE id = 11") + bind() + execute()
                        + parse("SELECT 5") + bind() + execute() + SYNC)
            shown = self._decide("deny")
            equal(shown["in_transaction"], True, "a pipeline that has begun is a transaction")
            messages = client.read_until("Z")
            equal([kind for kind, _ in messages if kind != "N"], ["1", "2", "D", "C", "1", "E", "Z"], "messages")
            equal(wire.rows_of(messages), [["4"]], "rows")
        equal(self._balance(11), "11", "the target")
        self._no_pause()

    def behind_an_error_nobody_is_asked(self):
        with self._connect() as client:
            messages = client.ask(parse("SELECT 1/0") + bind() + execute() + FLUSH
                                  + parse("UPDATE accounts SET balance = 1 WHERE id = 12") + bind() + execute() + SYNC)
            equal([fields["C"] for fields in wire.errors(messages)], ["22012"], "the first error alone")
            client.query("BEGIN")
            client.ask(query("SELECT 1/0"))
            contains(wire.errors(client.ask(query("UPDATE accounts SET balance = 1")))[0]["M"], "has failed", "refusal")
            client.query("ROLLBACK")
        equal(self.gateway.lines_of("approvals", "list"), [], "who was asked")

    def portals_go_on_with_what_was_approved(self):
        with self._connect() as client:
            client.send(query("BEGIN"))
            client.read_until("Z")
            client.send(parse("SELECT id FROM secrets ORDER BY id") + bind(portal="c") + execute("c", 10) + SYNC)
            shown = self._decide()
            equal(shown["in_transaction"], True, "in a transaction")
            equal(len(wire.rows_of(client.read_until("Z"))), 10, "the first rows")
            equal(len(wire.rows_of(client.ask(execute("c", 10) + SYNC))), 10, "the next rows")
            client.query("ROLLBACK")
            client.query("BEGIN")
            client.send(query("DECLARE d CURSOR FOR SELECT id FROM secrets ORDER BY id"))
            self._decide()
            client.read_until("Z")
            equal(client.query("FETCH 3 FROM d"), [["1"], ["2"], ["3"]], "fetched")
            equal(client.query("FETCH 2 FROM d"), [["4"], ["5"]], "fetched again")
            # Altered by ourselves: what was approved is not what it was.
            client.send(query("ALTER TABLE accounts ADD COLUMN unrelated int"))
            client.read_until("Z")
            client.query("ROLLBACK")
        equal(self.gateway.lines_of("approvals", "list"), [], "who was asked more")

    def sql_prepare_is_asked_when_it_runs(self):
        with self._connect() as client:
            client.query("PREPARE q (int) AS UPDATE accounts SET balance = $1 WHERE id = 13")
            client.send(query("EXECUTE q(13)"))
            shown = self._decide()
            equal(shown["statement"], "EXECUTE q(13)", "statement")
            equal(shown["stored"], [{"name": "q", "text": " UPDATE accounts SET balance = $1 WHERE id = 13"}], "what it stands for")
            client.read_until("Z")
        equal(self._balance(13), "13", "the target")

    # ---- limits ----

    def in_a_transaction_the_time_is_short(self):
        with self._connect() as client:
            client.query("BEGIN")
            started = time.monotonic()
            client.send(query("UPDATE accounts SET balance = 1 WHERE id = 14"))
            equal(self._pending()[0]["in_transaction"], True, "what the approver sees")
            messages = client.read_until("Z")
            took = time.monotonic() - started
            assert 3 < took < 8, f"took {took} s"
            equal(messages[-1][1], b"E", "the transaction has failed, as after any error")
            client.query("ROLLBACK")

    def so_many_at_once(self):
        clients = [self._connect("agent-3") for _ in range(4)]
        for client in clients[:3]:
            client.send(query("UPDATE accounts SET balance = 1 WHERE id = 15"))
        self._pending(3)
        fields = wire.errors(clients[3].ask(query("UPDATE accounts SET balance = 1 WHERE id = 15")))[0]
        contains(fields["M"], "already has 3 requests that wait", "the fourth")
        for client in clients:
            client.socket.close()
        wait_for(lambda: not self.gateway.lines_of("approvals", "list"), 5, "all to end")

    def what_cannot_be_shown_whole_is_not_asked(self):
        with self._connect() as client:
            large = "x" * 400_000
            fields = wire.errors(client.ask(parse("UPDATE accounts SET balance = length($1) WHERE id = 16")
                                            + bind((large,)) + execute() + SYNC))[0]
            contains(fields["M"], "too long to be shown to an approver", "refusal")
            equal(fields["C"], "54000", "its code")
        equal(self._balance(16), "0", "the target")

    def hostile_text_is_shown_for_what_it_is(self):
        with self._connect() as client:
            text = "UPDATE accounts SET balance = 1 /* \u202e;olleh \x1b[2J \u200b p\u0430yments */ WHERE id = 17"
            client.send(query(text))
            shown = self._pending()[0]
            equal(shown["statement"], "UPDATE accounts SET balance = 1 /* \\u{202E};olleh \\u{001B}[2J \\u{200B} p\u0430yments */ "
                  "WHERE id = 17", "as JSON")
            equal(shown["warnings"], ["control characters", "invisible or bidirectional characters",
                                      "scripts mixed in one word: p\u0430yments"], "warnings")
            told = self.gateway.run("approvals", "show", shown["id"])
            assert "\x1b" not in told and "\u202e" not in told, f"the terminal is driven: {told!r}"
            contains(told, "WARNING", "in words")
            self.gateway.run("approvals", "approve", shown["id"], "--as", "dana")
            client.read_until("Z")
        equal(self._balance(17), "1", "the target got the text as it was sent")

    # ---- clients as they are ----

    def psql(self):
        environment = self.gateway.client_environment(self._token("agent-1"))

        def run(*statements):
            arguments = [part for text in statements for part in ("-c", text)]
            return subprocess.run(["psql", "-XAt", *arguments], env=environment, text=True, capture_output=True, timeout=60)

        going = Running(run, "UPDATE accounts SET balance = 21 WHERE id = 21 RETURNING balance", "SELECT 'on'")
        self._decide()
        done = going.result()
        contains(done.stdout, "21\n", "psql's rows")
        contains(done.stdout, "on", "psql goes on")
        contains(done.stderr, "NOTICE:  held by rule writes-need-a-human", "psql's notice")
        contains(done.stderr, "HINT:  An approver runs: sallyport approvals approve", "psql's hint")
        going = Running(run, "UPDATE accounts SET balance = 22 WHERE id = 21")
        self._decide("deny")
        done = going.result()
        equal(done.returncode, 1, "psql's status")
        contains(done.stderr, "ERROR:  refused by rule writes-need-a-human", "psql's error")
        self._no_pause()
        # Ctrl-C in psql is a cancel request.
        program = subprocess.Popen(["psql", "-XAt", "-c", "UPDATE accounts SET balance = 23 WHERE id = 21"], env=environment,
                                   text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._pending()
        program.send_signal(signal.SIGINT)
        _, told = program.communicate(timeout=30)
        contains(told, "canceling statement due to user request", "psql's error")
        equal(self._balance(21), "21", "the target")

    def _psycopg2(self, statement, values=()):
        how = {"host": "127.0.0.1", "port": self.gateway.port, "user": "anyone", "dbname": "shop",
               "password": self._token("agent-1"), "sslmode": "verify-full", "sslrootcert": str(self.gateway.ca)}
        with contextlib.closing(psycopg2.connect(**how)) as database:
            database.autocommit = True
            with database.cursor() as cursor:
                cursor.execute(statement, values)
                return cursor.rowcount, list(database.notices)

    def psycopg2(self):
        going = Running(self._psycopg2, "UPDATE accounts SET balance = %s WHERE id = %s", (31, 31))
        self._decide()
        count, notices = going.result()
        equal(count, 1, "rows")
        contains(notices[0], "held by rule", "notices")
        going = Running(self._psycopg2, "UPDATE accounts SET balance = 32 WHERE id = 31")
        self._decide("deny")
        self._raises(going, psycopg2.errors.InsufficientPrivilege, "was denied by dana")
        self._no_pause()
        going = Running(self._psycopg2, "INSERT INTO accounts VALUES (3000, 1)")
        self._raises(going, psycopg2.errors.InsufficientPrivilege, "not given in time")
        equal(self._balance(31), "31", "the target")

    def _raises(self, going, kind, part):
        try:
            going.result()
        except kind as fault:
            contains(str(fault), part, "the driver's error")
        else:
            raise AssertionError("the driver raised nothing")

    def _asyncpg(self, work):
        async def run():
            secure = ssl.create_default_context(cafile=str(self.gateway.ca))
            secure.check_hostname = False
            database = await asyncpg.connect(host="127.0.0.1", port=self.gateway.port, user="anyone", database="shop",
                                             password=self._token("agent-1"), ssl=secure)
            try:
                return await work(database)
            finally:
                await database.close(timeout=5)
        return asyncio.run(run())

    def asyncpg(self):
        going = Running(self._asyncpg, lambda it: it.fetch("UPDATE accounts SET balance = $1 WHERE id = $2 RETURNING balance", 41, 41))
        shown = self._decide()
        equal(shown["parameters"], ["41", "41"], "values that came in binary")
        equal([tuple(row) for row in going.result()], [(41,)], "rows")
        going = Running(self._asyncpg, lambda it: it.execute("UPDATE accounts SET balance = 42 WHERE id = 41"))
        self._decide("deny")
        self._raises(going, asyncpg.InsufficientPrivilegeError, "was denied by dana")
        self._no_pause()

        async def many(database):
            await database.executemany("UPDATE accounts SET balance = balance + $1 WHERE id = $2", [(1, 42), (1, 43)])

        going = Running(self._asyncpg, many)
        self._decide()
        wait_for(lambda: self._pending(parameters=["1", "43"]), 10, "the second")
        self._decide(parameters=["1", "43"])
        going.result()
        equal((self._balance(42), self._balance(43)), ("1", "1"), "the target")

        async def impatient(database):
            await database.execute("UPDATE accounts SET balance = 44 WHERE id = 44", timeout=1)

        going = Running(self._asyncpg, impatient)
        self._pending()
        self._raises(going, asyncio.TimeoutError, "")
        wait_for(lambda: not self.gateway.lines_of("approvals", "list"), 5, "the hold to end with its client's patience")

    def jdbc(self):
        jar = next(pathlib.Path("/usr/share/java").glob("postgresql-[0-9]*.jar"), pathlib.Path("/usr/share/java/postgresql.jar"))
        url = f"jdbc:postgresql://localhost:{self.gateway.port}/shop?sslmode=verify-full&sslrootcert={self.gateway.ca}"

        def run(number, *more):
            return subprocess.run(["java", "-cp", jar, HERE / "drivers/HeldJdbc.java", url, str(number), *more], text=True,
                                  capture_output=True, timeout=120,
                                  env={**os.environ, "SALLYPORT_TEST_TOKEN": self._token("agent-1")})

        going = Running(run, 51)
        shown = self._decide(seconds=60)
        equal(shown["parameters"], ["51", "51"], "values")
        done = going.result(60)
        equal((done.returncode, done.stdout.strip()), (0, "1 row; notice: held by rule writes-need-a-human"), done.stderr)
        going = Running(run, 52)
        self._decide("deny", seconds=60)
        done = going.result(60)
        contains(done.stdout, "42501", done.stderr)
        self._no_pause()
        # A batch is a pipeline: each of its updates is asked for, the second one inside what the first began.
        going = Running(run, 53, "batch")
        self._decide(seconds=60)
        second = wait_for(lambda: [each for each in self.gateway.lines_of("approvals", "list") if each["parameters"][1] == "54"],
                          10, "the second of the batch")
        self.gateway.run("approvals", "approve", second[0]["id"], "--as", "dana")
        done = going.result(60)
        contains(done.stdout, "2 updates", done.stderr)
        equal((self._balance(51), self._balance(52), self._balance(53), self._balance(54)), ("51", "0", "53", "53"), "the target")

    def node_pg(self):
        node, modules = npm.pg()

        def run(number, *more):
            host = {"PGHOST": "localhost", "PGPORT": str(self.gateway.port), "PGUSER": "anyone", "PGDATABASE": "shop"}
            return subprocess.run([node, HERE / "drivers/held_pg.js", str(number), *more], text=True, capture_output=True,
                                  timeout=60, env={**os.environ, **host, "NODE_PATH": str(modules),
                                       "PGPASSWORD": self._token("agent-1"), "SALLYPORT_TEST_CA": str(self.gateway.ca)})

        for number, how in ((61, "simple"), (62, "extended"), (63, "named")):
            going = Running(run, number, how)
            self._decide()
            done = going.result()
            equal((done.returncode, done.stdout.strip()), (0, "1 row; notice: held by rule writes-need-a-human"), done.stderr)
            equal(self._balance(number), str(number), "the target")
        going = Running(run, 64, "extended")
        self._decide("deny")
        contains(going.result().stdout, "42501", "npm pg's error")
        self._no_pause()

    # ---- last: the gateway dies ----

    def gateway_killed(self):
        client = self._connect()
        client.send(query("UPDATE accounts SET balance = 9 WHERE id = 18"))
        shown = self._pending()[0]
        self.gateway.stop(signal.SIGKILL)
        self.gateway.start()
        equal(self.gateway.lines_of("approvals", "list", "--state", "all"), [], "what is forgotten")
        kinds = [event["kind"] for event in self._events(shown["session"])]
        equal(kinds, ["session_open", "hold", "session_abort"], "the trail tells how it ended")
        equal(self._balance(18), "0", "the target")
        client.socket.close()


def people(gateway):
    principals = gateway.configuration["identity"]["principals"]
    principals += [dict(each) for each in PEOPLE]
    for principal in principals:
        principal["groups"] = sorted({*principal.get("groups", []), "ai-agents"})
    return gateway


def without_break_glass(server):
    """Nobody can be spoken for on the local socket unless the configuration says so."""
    with people(Gateway(targets=[target(server)], rules=rules())) as gateway, gateway.connect(gateway.token()) as client:
        client.send(query("UPDATE accounts SET balance = 1 WHERE id = 19"))
        shown = wait_for(lambda: gateway.lines_of("approvals", "list"), 10, "the hold")[0]
        done = gateway.run("approvals", "approve", shown["id"], "--as", "dana", expect=None)
        equal(done.returncode, 1, "status")
        contains(done.stderr, "break_glass", "what to do")
        gateway.run("approvals", "deny", shown["id"])
        equal(wire.errors(client.read_until("Z"))[0]["C"], "42501", "denied by the operator")


def main():
    suite = Suite("holds", sys.argv[1:])
    with Postgres() as server:
        server.sql(SET_UP, user="tester")
        server.sql("GRANT ALL ON ALL TABLES IN SCHEMA public TO tester", user="postgres")
        gateway = Gateway(targets=[target(server)], rules=rules(), break_glass=True,
                          limits={"holds_per_principal": 3, "pause_after_denial": "1s"})
        with people(gateway):
            holds = Holds(server, gateway)
            for name in [name for name in vars(Holds) if not name.startswith("_")]:
                suite.run(getattr(holds, name), title=name)
            suite.run(gateway.check_trail, title="the trail verifies")
        suite.run(without_break_glass, server)
    sys.exit(suite.close())


if __name__ == "__main__":
    main()
