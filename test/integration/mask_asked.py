"""Queries as they are sent: SELECTs of the grammar in the ways of the protocol, and the scripts of mask_statements.sql."""
import pathlib
import re

from mask_queries import TABLES, Grammar
from stage.wire import SYNC, bind, close, describe, execute, function_call, parse, query

HERE = pathlib.Path(__file__).resolve().parent
PROTECTED = ["email", "ssn", "note"]

# What a masked column must be able to go through: the masks that refuse all of one of them refuse too much.
WORKS = {
    "lower(_)", "upper(_)", "substr(_, 2, 11)", "left(_, 9)", "md5(_)", "concatenation", "concat", "format", "cast to text",
    "cast to varchar(n)",
    "encode hex", "encode base64", "to_json", "to_jsonb", "->>", "to_char date", "json_build_object", "jsonb_build_object",
    "array_to_string",
    "array element", "ARRAY of text", "length(_)", "coalesce", "CASE", "nullif", "greatest", "least", "scalar subquery",
    "nested scalar subquery",
    "WITH in an expression", "WITH VALUES in an expression", "VALUES in an expression", "LATERAL in an expression",
    "UNION ALL in an expression",
    "max", "min", "string_agg", "string_agg ORDER BY", "array_agg", "array_agg ORDER BY", "json_agg", "jsonb_agg", "count",
    "count(*)",
    "jsonb_object_agg", "FILTER", "grouping sets", "window", "star", "column alias list", "view", "materialized view",
    "tablesample", "values",
    "generate_series", "subquery in FROM", "WITH", "WITH MATERIALIZED", "WITH NOT MATERIALIZED", "WITH RECURSIVE", "JOIN",
    "LEFT JOIN",
    "RIGHT JOIN", "USING", "NATURAL", "LATERAL", "outer reference", "only", "DISTINCT ON", "WITH TIES", "UNION ALL", "xmlelement",
    "xmlforest", "whole row: t", "whole row: t::text", "whole row: row_to_json(t)", "whole row: to_jsonb(t)", "whole row: (t).c",
    "whole row: c(t)", "whole row: ROW(t.*)", "function in FROM"}
# "function in FROM" is concat(), upper() … there: one row, whatever the value.


class Query:
    """`syncs`: how many ReadyForQuery end it. `must_work`: it does nothing but show values, so it may not be refused for
    what it does with them (a function may still be one that the masks do not know)."""

    def __init__(self, family, text, octets, syncs=1, features=(), must_work=False, is_beyond=False):
        self.family, self.text, self.octets, self.syncs = family, text, octets, syncs
        self.features, self.must_work, self.is_beyond = frozenset(features), must_work, is_beyond


# ---- SELECTs ----

def as_simple(draw, sql):
    return query(sql), 1


def as_extended(draw, sql, result_format):
    return parse(sql) + bind(results=(result_format,)) + describe() + execute() + SYNC, 1


def as_named(draw, sql):
    """Prepared and described in one round trip, run twice in the next, once in each format."""
    return (parse(sql, "n") + describe("S", "n") + SYNC + bind(statement="n") + execute() + bind(statement="n", portal="o",
                                                                                                 results=(1,))
            + execute("o") + SYNC + close("S", "n") + SYNC), 3


def undescribed(draw, sql):
    return parse(sql) + bind(results=(draw.choice([0, 1]),)) + execute() + SYNC, 1


def in_pieces(draw, sql):
    pieces = execute("p", 1) + execute("p", 2) + execute("p")
    return query("BEGIN") + parse(sql) + bind(portal="p") + describe("P", "p") + pieces + SYNC + query("ROLLBACK"), 3


def with_parameters(draw, sql):
    text = f"SELECT * FROM ({sql}) AS outermost WHERE $1::int > 0 LIMIT $2"
    return parse(text) + describe("S") + bind(["7", "50"]) + execute() + SYNC, 1


WAYS = [("select, simple", 30, as_simple), ("select, extended", 16, lambda draw, sql: as_extended(draw, sql, 0)),
        ("select, binary", 26, lambda draw, sql: as_extended(draw, sql, 1)), ("select, named", 6, as_named),
        ("select, undescribed", 6, undescribed), ("select, in pieces", 6, in_pieces), ("select, parameters", 6, with_parameters)]


def drawn_select(draw, only_clear=False):
    grammar = Grammar(draw, only_clear=only_clear)
    sql, outputs = grammar.select(draw.choice([0, 0, 1, 1, 2, 2, 3, 4]))
    if draw.random() < 0.1 and len(sql) < 4000:
        sql = f"({sql})" if draw.random() < 0.5 else f"/* email */ {sql} -- end"
    family, _, way = draw.choices(WAYS, [weight for _, weight, _ in WAYS])[0]
    octets, syncs = way(draw, sql)
    return Query(family, sql, octets, syncs, grammar.features, not grammar.sinks and not grammar.is_untraced)


# ---- scripts ----

class Family:
    def __init__(self, name, words):
        self.name, self.is_raw, self.works, self.scripts = name, "raw" in words, "works" in words, []


def read_families():
    out = []
    for line in (HERE / "mask_statements.sql").read_text().splitlines():
        if line.startswith("== "):
            words = line[3:].split()
            marks = [word for word in words if word in ("raw", "works")]
            out.append(Family(" ".join(word for word in words if word not in ("raw", "works")), marks))
        elif line and not line.startswith("-- "):
            out[-1].scripts.append(line)
    return out


class Scripts:
    """`places`: what <<socket>> and <<port>> stand for; `oids`: of functions, by name."""

    def __init__(self, places, oids):
        self.families, self.places, self.oids = read_families(), places, oids

    def fill(self, draw, script, grammar):
        scope = {"p": grammar.scope_of("p", TABLES["people"]), "v": grammar.scope_of("v", TABLES["vault"])}
        depth = draw.choice([0, 0, 1, 2])

        def one(match):
            mark = match.group(1)
            if mark == "S":
                return grammar.select(draw.choice([0, 1, 2]))[0]
            if mark == "p":
                return grammar.value(scope["p"], "text", depth).sql
            if mark in "va":
                return grammar.value(scope["v" if mark == "v" else "p"], "any", depth).sql
            if mark == "c":
                return grammar.condition([column for column in scope["p"] if not column.masked], 1)
            return {"P": draw.choice(PROTECTED), "n": str(draw.randrange(1, 6)), "h": draw.choice("3456789abcd"),
                    **self.places}[mark]
        return re.sub("<<([a-zA-Z]+)>>", one, script)

    def message(self, draw, statement):
        how, _, rest = statement.partition(" ")
        if how == "@b" or how == "@x":
            return as_extended(draw, rest, int(how == "@b"))[0]
        if how == "@c":  # a cursor is a portal
            return describe("P", rest) + execute(rest) + SYNC
        if how == "@s":
            return describe("S", rest) + bind(statement=rest, results=(1,)) + execute() + SYNC
        if how == "@f":
            name, argument = rest.split()
            return function_call(self.oids[name], [argument])
        if draw.random() < 0.25 and ";" not in statement and re.match("SELECT|TABLE|WITH|UPDATE|DELETE|INSERT|FETCH|EXECUTE",
                                                                      statement):
            return as_extended(draw, statement, draw.choice([0, 1]))[0]
        return query(statement)

    def drawn(self, draw, family=None, index=None):
        """One script; of that family and place if they are given."""
        family = family or draw.choice(self.families)
        script = family.scripts[index] if index is not None else draw.choice(family.scripts)
        grammar = Grammar(draw)
        text = self.fill(draw, re.sub("^@(quiet|beyond) ", "", script), grammar)
        messages = [self.message(draw, part.strip().replace("\\;", ";")) for part in text.split(" ;; ")]
        if not family.is_raw:
            messages = [query("BEGIN"), *messages, query("ROLLBACK")]
        if "PREPARE " in text:
            messages.append(query("DEALLOCATE ALL"))
        return Query(family.name, text, b"".join(messages), len(messages), grammar.features,
                     family.works and not grammar.sinks and not grammar.is_untraced, script.startswith("@beyond"))


def queries(draw, scripts, count):
    """Every script once, then drawn: about three in ten are scripts."""
    made = 0
    for family in scripts.families:
        for index in range(len(family.scripts)):
            yield scripts.drawn(draw, family, index)
            made += 1
    # What changes definitions is asked once: it has the catalogue read again each time.
    others = [family for family in scripts.families if family.name not in ("definitions", "names")]
    works = [family for family in others if family.works]
    while made < count:
        made += 1
        if draw.random() < 0.7:
            yield drawn_select(draw)
        else:
            yield scripts.drawn(draw, draw.choice(works if draw.random() < 0.55 else others))
