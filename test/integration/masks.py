#!/usr/bin/python3
"""No octet of a masked column leaves, whatever is asked.

Random secrets are planted in masked columns of every type (mask_schema.py); statements of every form are drawn from a seed
(mask_queries.py, mask_asked.py, mask_statements.sql) and asked in two databases that differ in the secrets alone. What
comes may hold no part of a secret (mask_checker.py) and may not differ between the two (mask_play.py). Afterwards what the
gateway keeps and shows otherwise is searched too, and native clients ask (mask_clients.py).

First the same statements are asked directly, without a gateway: each family must leak there, else it would show nothing.

    masks.py [direct] [CASE...]

SALLYPORT_MASK_QUERIES: how many statements, SALLYPORT_SEED: of which seed; SALLYPORT_NO_MASKS=1: without masks, so it must fail.
"""
import os
import pathlib
import random
import sys
import time

import mask_checker
import mask_clients
import mask_asked
import mask_rest
import mask_schema
from mask_play import Player, answers_of
from stage import wire
from stage.gateway import Gateway, target
from stage.postgres import Postgres
from stage.suite import Suite, shorten

COUNT = int(os.environ.get("SALLYPORT_MASK_QUERIES", 20_200))
SEED = int(os.environ.get("SALLYPORT_SEED", 20_261_125))  # of every run alike, unless another is asked for
MASKED = not os.environ.get("SALLYPORT_NO_MASKS")  # without them the suite must fail
DIRECT_COUNT = min(COUNT, 6000)
CLEAR_COUNT = min(2000, COUNT)
SHOWN = 12  # faults of one kind that are printed whole
SETTINGS = """
autovacuum = off
jit = off
max_parallel_workers_per_gather = 0
log_statement = none
log_min_messages = panic
statement_timeout = 15s
lock_timeout = 250ms
"""
TARGETS = dict(zip(mask_schema.WORLDS, ("shop_a", "shop_b")))


class Masks:
    """Every public function is a case."""

    def __init__(self, suite, server):
        self.suite, self.server = suite, server
        mask_schema.make(server, SEED)
        self.address = f"{server.socket_folder}/.s.PGSQL.{server.port}"
        self.checkers = mask_checker.checkers(self.connect_directly)
        with self.connect_directly(mask_schema.WORLDS[0]) as session:
            oids = {name: int(session.query(f"SELECT '{name}'::regproc::oid")[0][0]) for name in ("f_email", "f_constant")}
        self.scripts = mask_asked.Scripts({"socket": str(server.socket_folder), "port": str(server.port)}, oids)

    def connect_directly(self, world):
        return wire.Wire(self.address, user="tester", database=world, application_name="masks")

    def queries(self, count):
        return mask_asked.queries(random.Random(SEED), self.scripts, count)

    def tell(self, fault):
        return f"{fault.kind}: {fault.told}\n    family {fault.query.family}, seed {SEED}\n    {fault.query.text}"

    # ---- without a gateway ----

    def the_checker_finds(self):
        """In each rendering, a part of it, and nothing in what is clear."""
        checker = self.checkers[mask_schema.WORLDS[0]][0]
        for part in ("substr({}, 2, 7)", "reverse({})", "md5({})", "upper({})", "lower({})", "encode({}::bytea, 'hex')",
                     "encode(('.' || {})::bytea, 'base64')", "encode(('..' || {})::bytea, 'base64')",
                     "upper(encode({}::bytea, 'hex'))",
                     "encode({}::bytea, 'base64')", "encode(sha256({}::bytea), 'hex')", "to_json({})::text", "'x' || {}"):
            with self.connect_directly(mask_schema.WORLDS[0]) as session:
                for row, in session.query(f"SELECT {part.format('email')} FROM people"):
                    assert checker.found(row), f"{part}: {row}"
        for clear in ("nothing", "1234567", "2001-01-01 00:00:00", "[masked:pii]", '{"k": "cedar", "n": 3}',
                      "00000000-0000-0000-0000"):
            assert not checker.found(clear), clear

    def every_family_leaks_directly(self):
        player = Player(self.connect_directly, mask_schema.WORLDS, self.checkers)
        started = time.monotonic()
        player.play(self.queries(DIRECT_COUNT))
        player.close()
        self.report(player, "directly", started)
        self.suite.count(not [f for f in player.faults if f.kind == "ended"], "no session ends directly",
                         "\n".join(self.tell(f) for f in player.faults if f.kind == "ended"))
        shapes = [fault for fault in player.faults if fault.kind == "shape"]
        self.suite.count(not shapes, "what is said only to show values decides nothing",
                         f"{len(shapes)}\n" + "\n".join(self.tell(fault) for fault in chosen(shapes)))
        for name, tally in sorted(player.families.items()):
            self.suite.count(tally.leaked, f"family leaks directly: {name}", str(tally))
        for name in sorted(mask_asked.WORKS):
            tally = player.features[name]
            self.suite.count(tally.leaked, f"feature leaks directly: {name}", str(tally))
        self.suite.count(player.total.answered >= 0.7 * player.total.asked, "most statements are right", str(player.total))
        should_work = sum(1 for f in player.families.values() for _ in range(f.must))
        self.suite.count(should_work >= 0.5 * player.total.asked, "half of the statements only show values", str(should_work))
        lonely = [name for name, tally in player.features.items() if tally.must > 20 and not tally.answered]
        self.suite.count(not lonely, "every production is right at times", str(lonely))
        if os.environ.get("SALLYPORT_VERBOSE"):
            for name, tally in sorted(player.features.items()):
                print(f"  feature {name}: {tally}")

    def clear_shows_nothing(self):
        """Neither the checker nor the grammar takes for a secret what is none."""
        player, draw = Player(self.connect_directly, mask_schema.WORLDS, self.checkers), random.Random(SEED + 3)
        player.play(mask_asked.drawn_select(draw, only_clear=True) for _ in range(CLEAR_COUNT))
        player.close()
        assert not player.faults, f"{len(player.faults)}\n" + "\n".join(self.tell(fault) for fault in chosen(player.faults))

    def every_script_leaks_directly(self):
        """One that does not proves nothing."""
        silent = []
        for family in self.scripts.families:
            for index, script in enumerate(family.scripts):
                player = Player(self.connect_directly, mask_schema.WORLDS, self.checkers)
                draw = random.Random(SEED)
                for _ in range(6):
                    player.play(self.scripts.drawn(draw, family, index) for _ in range(6))
                    if player.total.leaked:
                        break
                player.close()
                if not player.total.leaked and not script.startswith("@quiet"):
                    silent.append(f"{family.name}: {script} ({player.total})")
        assert not silent, "\n    ".join(["these do not leak directly:", *silent])

    # ---- through the gateway ----

    def through(self, gateway):
        token = gateway.token()
        player = Player(lambda world: gateway.connect(token, database=TARGETS[world], application_name="masks"),
                        mask_schema.WORLDS,
                        self.checkers)
        started = time.monotonic()
        # What masks do not promise is asked directly only: what it shows would be in the trail, too.
        player.play(query for query in self.queries(COUNT) if not query.is_beyond)
        player.close()
        self.report(player, "through the gateway", started)
        for kind, title in (("leak", "no octet of a secret leaves"), ("difference", "no answer depends on a secret"),
                            ("ended", "no session ends")):
            faults = [fault for fault in player.faults if fault.kind == kind]
            self.suite.count(not faults, title,
                             f"{len(faults)} of {player.total.asked}\n" + "\n".join(self.tell(fault) for fault in chosen(faults)))
        self.works(player)

    def works(self, player):
        """A gateway that refuses everything leaks nothing, either."""
        refused = player.must_refused
        print(f"masks: refused though they only show values: {sum(refused.values())} {dict(refused.most_common(40))}")
        for reason, text in list(player.refused_texts.items())[:SHOWN]:
            print(f"  {shorten(reason, 300)}\n    {shorten(text, 500)}")
        total = player.total
        self.suite.count(total.answered >= 0.4 * total.asked, "40 of 100 statements are answered with rows", str(total))
        for family in self.scripts.families:
            if family.works:
                self.suite.count(player.families[family.name].must_answered, f"family works: {family.name}",
                                 str(player.families[family.name]))
        for name, _, _ in mask_asked.WAYS:
            self.suite.count(player.families[name].must_answered, f"family works: {name}", str(player.families[name]))
        for name in sorted(mask_asked.WORKS):
            self.suite.count(player.features[name].must_answered, f"feature works: {name}", str(player.features[name]))

    def clear_is_clear(self, gateway):
        """What only clear columns are in comes through as it is."""
        draw, token, world = random.Random(SEED + 1), gateway.token(), mask_schema.WORLDS[0]
        # column(row) is no function that is known, so that what names mean is not certain after it, and more is masked.
        drawn = (mask_asked.drawn_select(draw, only_clear=True) for _ in range(10 * CLEAR_COUNT))
        asked = [one for one in drawn if "whole row: c(t)" not in one.features][:CLEAR_COUNT]
        direct, through = self.connect_directly(world), gateway.connect(token, database=TARGETS[world], application_name="masks")
        parted, failed = [], 0
        for at in range(0, len(asked), 40):
            batch = asked[at:at + 40]
            answers = []
            for session in (direct, through):
                session.send(b"".join(one.octets for one in batch))
                answers.append(answers_of(session, batch))
            for one, first, second in zip(batch, *answers):
                is_same = first.octets == second.octets
                if first.codes:  # texts of errors may be masked where a table has a masked column
                    is_same = (first.codes, first.kinds) == (second.codes, second.kinds)
                failed += bool(first.codes)
                if not is_same:
                    parted.append(f"{one.text}\n    {Player.difference(first, second)} features {sorted(one.features)}")
        direct.close()
        through.close()
        assert failed < 0.2 * len(asked), f"{failed} of {len(asked)} are wrong directly"
        assert not parted, f"{len(parted)} of {len(asked)} differ, seed {SEED}:\n" + "\n".join(parted[:SHOWN])

    def some_secrets(self):
        with self.connect_directly(mask_schema.WORLDS[0]) as session:
            return [(name, row[0]) for name in ("people.email", "people.ssn", "vault.s_uuid", "vault.s_int8", "gone.token")
                    for row in session.query(mask_schema.SECRETS[name]) if row[0]]

    def report(self, player, how, started):
        print(f"masks: {how}: {player.total}; {player.octets >> 20} MiB in {time.monotonic() - started:.0f} s", flush=True)
        for name, tally in sorted(player.families.items()):
            print(f"  {name}: {tally}", flush=True)


def chosen(faults):
    """The shortest of each family, a few in all: the plainest tell most."""
    best = {}
    for fault in sorted(faults, key=lambda fault: len(fault.query.text)):
        best.setdefault(fault.query.family, []).append(fault)
    return [fault for each in best.values() for fault in each[:2]][:3 * SHOWN]


def main():
    arguments = sys.argv[1:]
    is_direct = "direct" in arguments
    suite = Suite("masks", [argument for argument in arguments if argument != "direct"])
    print(f"masks: SALLYPORT_SEED={SEED} SALLYPORT_MASK_QUERIES={COUNT}", flush=True)
    with Postgres(settings=SETTINGS) as server:
        masks = Masks(suite, server)
        suite.run(masks.the_checker_finds)
        suite.run(masks.clear_shows_nothing)
        suite.run(masks.every_family_leaks_directly)
        if is_direct:
            suite.run(masks.every_script_leaks_directly)
        else:
            targets = [target(server, name=TARGETS[world], database=world) for world in mask_schema.WORLDS]
            with Gateway(targets=targets, masks=mask_schema.MASKS if MASKED else None) as gateway:
                suite.run(masks.through, gateway)
                suite.run(masks.clear_is_clear, gateway)
                for case in mask_clients.Clients(server, gateway, masks.checkers, TARGETS, SEED).cases() + \
                        mask_rest.Rest(gateway, masks.checkers, masks.some_secrets()).cases():
                    suite.run(case)
                suite.run(gateway.check_trail)
    for path in pathlib.Path("/tmp").glob("sallyport_masks_*"):
        path.unlink()
    return suite.close()


if __name__ == "__main__":
    sys.exit(main())
