"""Plays queries in both worlds at once and tells what came of each: an answer, a refusal, an error; a leak, a difference.

A leak is a part of a secret in any octet that was received. A difference is any octet that is not the same in both worlds
(they differ in secrets alone): a row less, another order, another SQLSTATE.
"""
import collections
import struct

from stage import wire
from stage.suite import shorten

BATCH = 48  # queries that are under way at once

Answer = collections.namedtuple("Answer", "octets kinds codes")
Fault = collections.namedtuple("Fault", "kind query told")  # kind: leak, difference, ended, beyond, shape


class Ended(Exception):
    """The session ended; `answers` came before."""

    def __init__(self, answers, why):
        super().__init__(str(why))
        self.answers = answers


def answers_of(session, queries):
    """One Answer a query."""
    out = []
    try:
        for one in queries:
            octets, kinds, codes, left = [], [], [], one.syncs
            while left:
                kind, body = session.read()
                kinds.append(kind)
                octets.append(kind.encode() + struct.pack("!I",
                                                          len(body) + 4) + (body if kind != "A" else b"\0\0\0\0" + body[4:]))
                if kind == "E":
                    codes.append(wire.fields_of(body).get("C", ""))
                left -= kind == "Z"
            out.append(Answer(b"".join(octets), "".join(kinds), codes))
    except (wire.Closed, OSError) as why:
        raise Ended(out, f"{type(why).__name__} {why}; of the unfinished answer came {shorten(b''.join(octets))}") from None
    return out


def same(octets):
    """Neither the names of the worlds are what is looked for, nor the OIDs of tables that were made a moment ago."""
    out = bytearray()
    for kind, body in messages_of(octets):
        if kind == "T":
            body, at = bytearray(body), 2
            for _ in range(struct.unpack_from("!H", body)[0]):
                at = body.index(0, at) + 1
                body[at:at + 4] = bytes(4)
                at += 18
        out += kind.encode("latin-1") + body
    return bytes(out).replace(b"world_b", b"world_a").replace(b"shop_b", b"shop_a")


class Tally:
    """What became of the queries of a family, or with a feature."""

    def __init__(self):
        self.asked = self.answered = self.empty = self.refused = self.failed = self.leaked = self.must = self.must_answered = 0

    def count(self, query, what, has_leaked):
        self.asked += 1
        setattr(self, what, getattr(self, what) + 1)
        self.leaked += has_leaked
        self.must += query.must_work
        self.must_answered += query.must_work and what == "answered"

    def __str__(self):
        return (f"{self.asked} asked, {self.answered} answered with rows, {self.empty} without, {self.refused} refused, "
                f"{self.failed} failed, {self.leaked} leaked")


def outcome(answer):
    """An error of the target behind a refusal is the refusal's."""
    if "42501" in answer.codes:
        return "refused"
    if answer.codes:
        return "failed"
    return "answered" if "D" in answer.kinds or "d" in answer.kinds or "A" in answer.kinds else "empty"


class Player:
    """`connect(world)` opens a session; `checkers` are mask_checker.checkers()."""

    def __init__(self, connect, worlds, checkers):
        self.connect, self.worlds, self.checkers = connect, worlds, checkers
        self.sessions = {world: connect(world) for world in worlds}
        self.total, self.families, self.features = Tally(), collections.defaultdict(Tally), collections.defaultdict(Tally)
        self.faults, self.must_refused = [], collections.Counter()
        self.refused_texts = {}
        self.octets = 0

    def play(self, queries):
        batch = []
        for one in queries:
            batch.append(one)
            if len(batch) == BATCH:
                self.play_batch(batch)
                batch = []
        if batch:
            self.play_batch(batch)

    def play_batch(self, batch):
        octets = b"".join(one.octets for one in batch)
        answers, ended = {}, {}
        for world in self.worlds:
            try:
                self.sessions[world].send(octets)
            except OSError:
                pass  # what came before it is read below
        for world in self.worlds:
            try:
                answers[world] = answers_of(self.sessions[world], batch)
            except Ended as why:
                answers[world], ended[world] = why.answers, str(why)
        complete = min(len(each) for each in answers.values())
        for at in range(complete):
            self.judge(batch[at], {world: answers[world][at] for world in self.worlds})
        if ended:
            for world in self.worlds:
                self.sessions[world].socket.close()
                self.sessions[world] = self.connect(world)
            self.faults.append(Fault("ended", batch[complete], f"the session ended: {ended}"))
            if complete + 1 < len(batch):
                self.play_batch(batch[complete + 1:])

    def judge(self, query, answers):
        leaks = {}
        for world, answer in answers.items():
            self.octets += len(answer.octets)
            for checker in self.checkers[world]:
                for name, part in checker.found(answer.octets).items():
                    leaks[name] = f"{part!r} of {world}"
        first, *others = answers.values()
        what = outcome(first)
        differs = self.difference(first, others[0]) if others else None
        if leaks:
            self.faults.append(Fault("beyond" if query.is_beyond else "leak", query,
                                     f"{leaks} in {where(first.octets, self.checkers[self.worlds[0]])}"))
        if differs:
            self.faults.append(Fault("beyond" if query.is_beyond else "difference", query, differs))
            if query.must_work and (first.kinds, first.codes) != (others[0].kinds, others[0].codes):
                self.faults.append(Fault("shape", query, f"{first.kinds} {first.codes} and {others[0].kinds} {others[0].codes}; {differs}"))
        for tally in (self.total, self.families[query.family], *(self.features[feature] for feature in query.features)):
            tally.count(query, what, bool(leaks or differs))
        if query.must_work and what == "refused":
            self.must_refused[query.family] += 1
            self.refused_texts.setdefault(reason(first), query.text)

    @staticmethod
    def difference(first, other):
        """A refusal may carry a number of its own; that it is one, and where, must be the same."""
        if outcome(first) == "refused" and outcome(other) == "refused":
            return None if (first.kinds, first.codes) == (other.kinds, other.codes) else f"{first.kinds} and {other.kinds}"
        a, b = same(first.octets), same(other.octets)
        if a == b:
            return None
        at = next((index for index, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
        return f"from octet {at} on {shorten(a[max(0, at - 24):at + 60])} and {shorten(b[max(0, at - 24):at + 60])}"

    def close(self):
        for session in self.sessions.values():
            session.close()


def messages_of(octets):
    at = 0
    while at < len(octets):
        length, = struct.unpack_from("!I", octets, at + 1)
        yield chr(octets[at]), octets[at + 5:at + 1 + length]
        at += 1 + length


def where(octets, checkers):
    """The kinds of the messages that hold it, and the first of them."""
    guilty = [(kind, body) for kind, body in messages_of(octets) if any(checker.found(body) for checker in checkers)]
    return f"{''.join(kind for kind, _ in guilty)}: {shorten(guilty[0][1], 300)}" if guilty else "more than one message"


def reason(answer):
    """The refusal's words, for a list of what is refused that should work."""
    for kind, body in messages_of(answer.octets):
        if kind == "E":
            fields = wire.fields_of(body)
            return " / ".join(fields.get(name, "") for name in "MD")
    return ""
