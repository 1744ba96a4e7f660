#!/usr/bin/python3
"""Holds by the thousand, with random decisions, deaths and races: what was told to run ran exactly once, all else never.

SALLYPORT_HOLDS (2000) is their number. Meant for a gateway built with a sanitizer: SALLYPORT_BIN=build/tsan/bin.
"""
import http.client
import json
import os
import random
import signal
import socket
import sys
import threading
import time

from stage import wire
from stage.gateway import ALLOW_EVERYTHING, Gateway, target
from stage.postgres import Postgres
from stage.suite import Suite, equal
from stage.wire import SYNC, bind, execute, parse, query

HOLDS = int(os.environ.get("SALLYPORT_HOLDS", "2000"))
CLIENTS, DECIDERS = 24, 3
SEED = int(os.environ.get("SALLYPORT_SEED", str(random.randrange(1 << 30))))
PEOPLE = ["dana", "erin", "mo"]


def hold(name, statement, timeout, **more):
    return {"name": name, "if": {"statements": [statement]},
            "then": {"hold": {"approvers": {"groups": ["dba"]}, "timeout": timeout, "in_transaction_timeout": timeout, **more}}}


RULES = [ALLOW_EVERYTHING, hold("one", "INSERT", "60s"), hold("two", "UPDATE", "60s", count=2), hold("brief", "DELETE", "1s")]


class Api(http.client.HTTPConnection):
    """The gateway's API on its local socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(self.path)

    def ask(self, method, where, body=None):
        self.request(method, "/api/v1" + where, body=None if body is None else json.dumps(body))
        answer = self.getresponse()
        octets = answer.read()
        self.close()
        return answer.status, json.loads(octets) if octets else None


class Stress:
    def __init__(self, gateway, server):
        self.gateway, self.server = gateway, server
        self.token = gateway.token()
        self.lock = threading.Lock()
        self.next = 0
        self.outcomes = {}  # number -> True (told that it ran), False (told that it did not), None (nobody was told)
        self.faults = []
        self.is_over = False
        self.decisions = {"approve": 0, "deny": 0, "lost": 0}

    def take(self):
        with self.lock:
            if self.next >= HOLDS:
                return None
            self.next += 1
            return self.next - 1

    # One held statement each; a number marks its row, so that running twice or not at all shows.
    def statement(self, number, kind):
        return {0: f"INSERT INTO ledger VALUES ({number}, 1)",
                1: f"UPDATE ledger_two SET times = times + 1 WHERE id = {number}",
                2: f"DELETE FROM ledger_three WHERE id = {number} RETURNING id"}[kind]

    def client(self, seed):
        chance = random.Random(seed)
        session = None
        try:
            while (number := self.take()) is not None:
                if session is None:
                    session = self.gateway.connect(self.token, limit=120)
                text = self.statement(number, number % 3)
                octets = query(text) if chance.random() < 0.5 else parse(text) + bind() + execute() + SYNC
                self.outcomes[number] = None
                session.send(octets)
                fate = chance.random()
                if fate < 0.08:  # it dies
                    time.sleep(chance.random() * 0.3)
                    session.socket.close()
                    session = None
                    continue
                if fate < 0.16:  # it changes its mind
                    time.sleep(chance.random() * 0.3)
                    self.cancel(session)
                messages = session.read_until("Z")
                self.outcomes[number] = not wire.errors(messages)
        except Exception as fault:  # told at the end
            self.faults.append(f"client: {type(fault).__name__}: {fault}")
        finally:
            if session:
                session.close()

    def cancel(self, session):
        other = wire.Wire(("127.0.0.1", self.gateway.port), user="", database="", login=False)
        other.send(wire.cancel_request(*session.key()))
        other.socket.close()

    def decider(self, seed):
        chance = random.Random(seed)
        api = Api(self.gateway.data / "admin.sock")
        try:
            while not self.is_over:
                _, listed = api.ask("GET", "/approvals?state=pending&limit=1000")
                waiting = listed["approvals"]
                if not waiting:
                    time.sleep(0.01)
                chance.shuffle(waiting)
                for each in waiting[:8]:
                    verdict = "deny" if chance.random() < 0.15 else "approve"
                    status, _ = api.ask("POST", f"/approvals/{each['id']}/decision",
                                        {"verdict": verdict, "as": chance.choice(PEOPLE)})
                    with self.lock:
                        self.decisions[verdict if status == 200 else "lost"] += 1
        except Exception as fault:  # told at the end
            self.faults.append(f"decider: {type(fault).__name__}: {fault}")

    def disturber(self):
        """New rules a few times: what waits is void."""
        for _ in range(5):
            time.sleep(3)
            if not self.is_over:
                self.gateway.process.send_signal(signal.SIGHUP)

    def run(self):
        threads = [threading.Thread(target=self.client, args=(SEED + n,)) for n in range(CLIENTS)]
        others = [threading.Thread(target=self.decider, args=(SEED - 1 - n,)) for n in range(DECIDERS)]
        others.append(threading.Thread(target=self.disturber))
        for thread in threads + others:
            thread.start()
        for thread in threads:
            thread.join()
        self.is_over = True
        for thread in others:
            thread.join()
        equal(self.faults, [], "faults")

    def check(self):
        rows = lambda text: [tuple(map(int, line.split("|"))) for line in self.server.sql(text, user="postgres").split()]
        ran = {number: 0 for number in range(HOLDS)}
        for number, times in rows("SELECT id, sum(times) FROM ledger GROUP BY id"):
            ran[number] = times
        for number, times in rows("SELECT id, times FROM ledger_two"):
            ran[number] = times
        left = {number for number, in rows("SELECT id FROM ledger_three")}
        for number in range(2, HOLDS, 3):
            ran[number] = 0 if number in left else 1
        for number, told in self.outcomes.items():
            if told is not None:
                equal(ran[number], int(told), f"how often statement {number} ran, which was told {told}")
            assert ran[number] <= 1, f"statement {number} ran {ran[number]} times"
        told = list(self.outcomes.values())
        equal(len(told), HOLDS, "statements")
        print(f"holds_stress: seed {SEED}: {HOLDS} holds: {told.count(True)} ran, {told.count(False)} refused, "
              f"{told.count(None)} left by their client; votes: {self.decisions}", flush=True)
        for outcome in (True, False, None):
            assert told.count(outcome) >= HOLDS // 40, f"too few were told {outcome}: the test shows nothing"
        self.unknown_ones_agree_with_the_trail(ran)

    def unknown_ones_agree_with_the_trail(self, ran):
        """Whose client died: it ran when, and only when, the trail has it as permitted."""
        for number in [number for number, told in self.outcomes.items() if told is None][:40]:
            text = self.statement(number, number % 3)
            hits = [event for event in self.gateway.lines_of("search", text) if event.get("statement") == text]
            permitted = [event for event in hits if event["verdict"] == "permit" and not event.get("error")]
            assert ran[number] <= len(permitted), f"statement {number} ran and the trail does not say so: {hits}"


def main():
    suite = Suite("holds_stress", sys.argv[1:])
    with Postgres() as server:
        server.sql("CREATE TABLE ledger (id int, times int);"
                   f"CREATE TABLE ledger_two AS SELECT i AS id, 0 AS times FROM generate_series(1, {HOLDS}, 3) AS i;"
                   f"CREATE TABLE ledger_three AS SELECT i AS id FROM generate_series(2, {HOLDS}, 3) AS i;", user="tester")
        gateway = Gateway(targets=[target(server)], rules=RULES, break_glass=True,
                          limits={"holds_per_principal": 1000, "pause_after_denial": "0s"})
        gateway.configuration["identity"]["principals"] += [{"name": name, "kind": "human", "groups": ["dba"]} for name in PEOPLE]
        with gateway:
            stress = Stress(gateway, server)
            started = time.monotonic()
            suite.run(stress.run, title=f"{HOLDS} holds end")
            print(f"holds_stress: {time.monotonic() - started:.0f} s", flush=True)
            suite.run(stress.check, title="exactly once")
            suite.run(gateway.check_trail, title="the trail verifies")
    sys.exit(suite.close())


if __name__ == "__main__":
    main()
