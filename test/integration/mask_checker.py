"""Tells whether octets hold a part of a secret, in any of its renderings: as text and in binary form, backwards, in
capital and small letters, in hexadecimal, base64 (wherever in the encoded octets it begins), as an MD5 or SHA-256 digest.

A rendering is cut in windows; octets are searched by taking each of their windows and looking it up. Six octets are a
window where six cannot come by chance: of the letters that secrets are made of, or of octets that no text holds. Numbers
and dates: nine digits in a row, or eight of ten characters; hexadecimal and base64: sixteen; bits: twenty. Two Ethiopic
letters are enough, which nothing else holds (mask_schema.Secrets.word). What the other world's secrets or the clear data
have in common with a secret (a brace, a century) is no secret.
"""
import base64
import hashlib
import re

from stage import wire
from stage.wire import SYNC, bind, execute, parse

import mask_schema

LETTERS = frozenset(mask_schema.LETTERS.encode())
PRINTABLE = frozenset(range(0x20, 0x7f))
DIGITS = frozenset(b"0123456789")
RUNS = {9: re.compile(rb"[0-9]{9,}"), 10: re.compile(rb"[0-9.,:/ +-]{10,}"), 16: re.compile(rb"[0-9A-Za-z+/=]{16,}"),
        20: re.compile(rb"[01]{20,}")}
WIDTHS = (6, *RUNS)
BITS = frozenset(b"01")
MARK = re.compile(rb"(?:\xe1[\x88\x89][\x80-\xbf]){2}")


def windows(octets, width):
    return {octets[at:at + width] for at in range(len(octets) - width + 1)}


def is_telling(part):
    """Could not be there by chance."""
    if len(part) == 6:
        if PRINTABLE.issuperset(part):
            return sum(octet in LETTERS for octet in part) >= 5
        return len(set(part)) >= 4 and part.count(0) <= 1
    if len(part) == 10:
        return sum(octet in DIGITS for octet in part) >= 8
    return len(set(part)) >= 5 or len(part) == 20


def folded(octets):
    return {octets, octets.lower(), octets.upper()}


def plain(octets, is_text):
    """The value itself, and backwards; the text by letters."""
    out = folded(octets) if is_text else {octets}
    out |= {each[::-1] for each in out}
    if is_text:
        text = octets.decode()
        out |= {text.lower().encode(), text.upper().encode(), text[::-1].encode(), text[::-1].lower().encode()}
    return out


def encoded(octets):
    """Hexadecimal of eight octets, base64 of twelve, which is the same wherever in the encoded octets they stand; only of
    those that tell."""
    out = set()
    for part in windows(octets, 8):
        if is_strong(part, 5):
            out |= folded(part.hex().encode())
    for part in windows(octets, 12):
        if is_strong(part, 7):
            out.add(base64.b64encode(part))
    return out


def digests(octets):
    out = set()
    for digest in (hashlib.md5(octets).digest(), hashlib.sha256(octets).digest()):
        out |= folded(digest.hex().encode())
        out.add(base64.b64encode(digest)[:-4])
    return out


def is_strong(part, least):
    """So many octets are of secrets' letters or none of a text, or all but one are digits."""
    return (sum(octet in LETTERS or octet not in PRINTABLE and octet != 0 for octet in part) >= least and len(set(part)) >= 4
            or sum(octet in DIGITS for octet in part) >= len(part) - 1)


class Renderings:
    """The windows of values; each by its width, with what it came from."""

    def __init__(self):
        self.of = {width: {} for width in WIDTHS}

    def add(self, name, octets, is_text):
        whole = plain(octets, is_text)
        if not is_text and len(octets) < 6:  # behind its length, as a row has it
            whole = {len(octets).to_bytes(6 - len(octets), "big") + octets}
        for each in whole:
            self.add_windows(name, each, 6)
            if not BITS.issuperset(each):
                self.add_runs(name, each, 9, 10, 16)
            else:
                self.add_runs(name, each, 20)
        for each in encoded(octets) | digests(octets):
            self.add_runs(name, each, 16)
        if not is_text:
            for digest in (hashlib.md5(octets).digest(), hashlib.sha256(octets).digest()):
                self.add_windows(name, digest, 6)

    def add_runs(self, name, octets, *widths):
        for width in widths:
            for run in RUNS[width].findall(octets):
                self.add_windows(name, run, width)

    def add_windows(self, name, octets, width):
        known = self.of[width]
        for part in windows(octets, width):
            if is_telling(part):
                known.setdefault(part, name)

    def without(self, *others):
        """Less what `others` (sets of windows by width) have too."""
        out = Renderings()
        for width, known in self.of.items():
            out.of[width] = {part: name for part, name in known.items() if not any(part in other[width] for other in others)}
        return out


class Checker:
    """`found(octets)` names the secrets that octets hold: {name: the window}."""

    def __init__(self, renderings, has_marks=True):
        self.of = renderings.of
        self.six = frozenset(self.of[6])
        self.has_marks = has_marks

    def is_clean(self, octets):
        """Fast."""
        count = len(octets)
        if not self.six.isdisjoint([octets[at:at + 6] for at in range(count - 5)]):
            return False
        if self.has_marks and MARK.search(octets):
            return False
        for width, runs in RUNS.items():
            known = self.of[width]
            for run in runs.findall(octets):
                if not known.keys().isdisjoint(windows(run, width)):
                    return False
        return True

    def found(self, octets):
        if isinstance(octets, str):
            octets = octets.encode(errors="surrogateescape")
        if self.is_clean(octets):
            return {}
        out = {self.of[6][part]: part for part in windows(octets, 6) & self.six}
        mark = self.has_marks and MARK.search(octets)
        if mark and not out:
            out["two letters"] = octets[max(0, mark.start() - 12):mark.end() + 12]
        for width, runs in RUNS.items():
            for run in runs.findall(octets):
                for part in windows(run, width) & self.of[width].keys():
                    out.setdefault(self.of[width][part], part)
        return out


def union(checkers):
    """One that finds what any of them finds."""
    out = Renderings()
    for checker in checkers:
        for width, known in checker.of.items():
            out.of[width].update(known)
    return Checker(out)


# ---- what the worlds hold ----

def values(session, sql, result_format):
    out = []
    messages = session.ask(parse(sql) + bind(results=(result_format,)) + execute() + SYNC)
    assert not wire.errors(messages), (sql, wire.errors(messages))
    for kind, body in messages:
        if kind == "D":
            out += [value for value in wire.values_of(body) if value]
    return out


def renderings_of(session, queries):
    out, count = Renderings(), 0
    for name, sql in queries.items():
        for octets in values(session, sql, 0):
            out.add(name, octets.rstrip(b" "), True)
            count += 1
        for octets in values(session, sql, 1):
            try:
                is_text = octets.decode().isprintable() or name.startswith("logs")
            except UnicodeDecodeError:
                is_text = False
            if not is_text:
                out.add(name, octets, False)
    assert count >= len(queries), f"{count} secrets"
    return out


CLEAR = ["SELECT id, label, c_int, c_num, c_date, c_texts, c_json, c_bool FROM vault", "SELECT id, name, city, age FROM people",
         "SELECT * FROM plain", "SELECT * FROM other.people", "SELECT id, day, kind FROM events", "SELECT * FROM ONLY docs",
         "SELECT id, brand FROM cards", "SELECT attname, atttypid::regtype::text FROM pg_attribute WHERE attrelid > 16384",
         "SELECT pg_get_viewdef(oid) FROM pg_class WHERE relkind = 'v'", "SELECT generate_series(1, 3000)",
         "SELECT oid, relname FROM pg_class"]


def clear_windows(session):
    out = {width: set() for width in WIDTHS}
    for sql in CLEAR:
        for result_format in (0, 1):
            messages = session.ask(parse(sql) + bind(results=(result_format,)) + execute() + SYNC)
            assert not wire.errors(messages), (sql, wire.errors(messages))
            for _, body in messages:
                for width in out:
                    out[width] |= windows(body, width)
    return out


def checkers(connect):
    """{world: (of the masked columns, of what detectors find)}; `connect(world)` goes directly to PostgreSQL."""
    made = {}
    for world in mask_schema.WORLDS:
        with connect(world) as session:
            made[world] = (renderings_of(session, mask_schema.SECRETS), renderings_of(session, mask_schema.FOUND),
                clear_windows(session))
    out = {}
    for world, other in (mask_schema.WORLDS, mask_schema.WORLDS[::-1]):
        clear = made[world][2]
        # A single common window of the worlds is chance in what is drawn, and the rule in what is punctuation.
        columns = made[world][0].without(clear, made[other][0].of)
        found = made[world][1].without(clear, made[other][1].of)
        for name in mask_schema.SECRETS:
            assert any(name in known.values() for known in columns.of.values()), f"{name} would not be found"
        out[world] = (Checker(columns), Checker(found, has_marks=False))
    return out
