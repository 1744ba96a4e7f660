"""A grammar of SELECTs over mask_schema, drawn from a seed: every production may hold any other, to a depth.

A production says what it is (`features`) and keeps count of what it does with masked values: `sinks` are the places besides
the result list that a masked value decides or may make fail, `is_untraced` that a value goes where it cannot be followed. So
the suite knows of each query whether it must be answered. Types are few: "int" and "text" stand for all that PostgreSQL
casts to them by itself.
"""
import collections

from mask_expressions import AGGREGATES, ANY, FUNCTIONS, GENERIC, LITERALS, SORTABLE
from mask_schema import VAULT, VAULT_CLEAR

Column = collections.namedtuple("Column", "sql type masked")  # of a scope: how it is written there
Output = collections.namedtuple("Output", "name type masked")  # of a SELECT; name "": not one that can be referred to
Value = collections.namedtuple("Value", "sql masked")


def columns(text):
    """"id int, email! text": a `!` is masked."""
    out = []
    for part in text.split(", "):
        name, kind = part.rsplit(" ", 1)
        out.append(Output(name.rstrip("!"), kind, name.endswith("!")))
    return out


PERSON = "id int, name text, email! text, ssn! text, city text, age int, note! text, vault_id int"
STAR = [Output(name, kind, False) for name, _, kind in VAULT_CLEAR] + [Output(name, kind, True) for name, _, kind in VAULT]
TABLES = {
    "vault": STAR, "public.vault": STAR, "people": columns(PERSON), "public.people": columns(PERSON),
    "accounts": columns("id int, owner_email! text, balance int"),
    "cards": columns("id int, person int, brand text, number! text"),
    "gone": columns("id int, token! text, kind text"),
    "odd": columns('id int, "text"! text, "user"! text, "Mixed Case"! text, "a""b"! text, "date"! date, "select" int'),
    "events": columns("id int, day date, kind text, payload! text"),
    "events_1": columns("id int, day date, kind text, payload! text"),
    "events_2": columns("payload! text, kind text, id int, day date"),
    "docs_child": columns("id! int, title! text, body! text, extra! text, pages! int"),
    "docs": columns("id! int, title! text, body! text"), "ONLY docs": columns("id int, title text, body text"),
    "notes": columns("id int, title text, body! text"), "notes_child": columns("id int, title text, body! text, pages int"),
    "other.people": columns("id int, name text, email text, city text"), "other.staff": columns("id int, name text, ssn! text"),
    "plain": columns("id int, word text, amount int, day date, tags text[], data jsonb")}
VIEWS = {
    "v_people": columns("id int, name text, email! text, city text"),
    "v_renamed": columns("key int, contact! text, badge! text, town text"),
    "v_nested": columns("key int, reach! text, figure! int, label text"),
    "v_expression": columns("id int, described! text, size int, bare! bool"),
    "v_union": columns("id int, what! text"), "v_grouped": columns("city text, people int, addresses! text"),
    "v_cte": columns("id int, address! text, tag! text"), "v_barrier": columns("id int, email! text, name text"),
    "v_rows": columns("id int, person! people, document! jsonb"), "v_star": STAR, "v_recursive": columns("n int, word! text"),
    "m_people": columns("id int, name text, email! text, badge! text"), "m_nested": columns("key int, reach! text, label text")}
# Masked by a mask on their parent, or on their child: a family of their own, since that is a decision.
RELATED = {"events_1", "events_2", "notes_child", "docs"}
CLEAR_TABLES = {"plain", "other.people", "ONLY docs"}

# A row as a value, and what can be made of it: {a} is its alias, {c} a column, {k} the column's name as a key of JSON.
WHOLE = [("{a}", "record"), ("{a}::text", "text"), ("row_to_json({a})", "json"), ("to_jsonb({a})", "jsonb"), ("to_json({a})", "json"),
         ("ROW({a}.*)", "record"), ("({a}).{c}", "part"), ("({a}.*)::text", "text"), ("format('%s', {a})", "text"),
         ("concat({a})", "text"), ("to_jsonb({a})->>'{k}'", "text"), ("(ARRAY[{a}])[1]::text", "text"), ("{c}({a})", "part"),
         ("hstore({a})::text", "text"), ("(SELECT {a}::text)", "text"), ("coalesce({a})::text", "text"),
         ("row({a}, 1)::text", "text"), ("(row_to_json({a})#>>'{{}}')", "text"), ("to_jsonb({a}) - 'id'", "jsonb"),
         ("xmlforest({a} AS r)", "xml")]

NO_KEY = "(SELECT 1)"  # where there is nothing clear to order by; a bare 1 would be the first column of the result


class Grammar:
    def __init__(self, draw, *, only_clear=False, sinks=0.04):
        self.draw, self.only_clear, self.sink_chance = draw, only_clear, sinks
        self.features, self.sinks, self.is_untraced = set(), set(), False
        self.names = 0
        self.recursion = 0

    # ---- chance ----

    def chance(self, probability):
        return self.draw.random() < probability

    def pick(self, weighted):
        """Of [(weight, value)...]."""
        return self.draw.choices([value for _, value in weighted], [weight for weight, _ in weighted])[0]

    def name(self, letter="q"):
        self.names += 1
        return f"{letter}{self.names}"

    def feature(self, name):
        self.features.add(name)

    # ---- expressions ----

    def value(self, scope, kind, depth, clear=False):
        """An expression of a type. `clear`: no masked column is in it."""
        if kind == "any":
            kind = self.draw.choice(ANY)
        if clear or self.only_clear:
            scope = [column for column in scope if not column.masked]
        candidates = [column for column in scope if column.type == kind]
        productions = FUNCTIONS.get(kind, ())
        if self.only_clear:  # what a user's function returns is masked, whatever it is
            productions = [production for production in productions if not production[2].startswith("user")]
        if depth > 0 and self.chance(0.65):
            sql, arguments, feature, is_risky = self.draw.choice(productions if productions and self.chance(0.75) else GENERIC)
            if "=" in arguments and kind not in SORTABLE:
                return self.value(scope, kind, depth - 1)
            values = [self.value(scope, kind if argument in "T=" else argument, depth - 1) for argument in arguments]
            masked = any(value.masked for value in values)
            if is_risky and masked:
                self.sinks.add(f"may fail: {feature}")
            self.feature(feature)
            return Value(self.fill(sql, [value.sql for value in values], kind), masked)
        if candidates:
            hidden = [column for column in candidates if column.masked]
            column = self.draw.choice(hidden if hidden and self.chance(0.7) else candidates)
            return Value(column.sql, column.masked)
        if scope and kind == "text" and self.chance(0.6):
            column = self.draw.choice(scope)
            if column.type not in ("record", "people"):
                self.feature("cast to text")
                return Value(f"{column.sql}::text", column.masked)
        return Value(LITERALS[kind], False)

    def fill(self, template, values, kind):
        return template.format(*values, T=kind if kind != "int" else "int8", n=self.draw.randrange(1, 9), q=self.name("x"),
                               w=self.name("w"))

    def condition(self, scope, depth):
        """A boolean that decides: over clear columns, seldom over masked ones."""
        hidden = [column for column in scope if column.masked]
        if hidden and not self.only_clear and self.chance(self.sink_chance):
            self.sinks.add("condition")
            self.feature("condition on a masked column")
            return self.value(hidden, "bool", max(depth, 1)).sql
        clear = [column for column in scope if not column.masked]
        numbers = [column for column in clear if column.type == "int"]
        if numbers and self.chance(0.6):
            return f"{self.draw.choice(numbers).sql} {self.draw.choice(['<', '<=', '<>'])} {self.draw.randrange(3, 30)}"
        return self.value(clear, "bool", min(depth, 1), clear=True).sql

    def key(self, scope):
        """What rows are ordered or grouped by."""
        hidden = [column for column in scope if column.masked and column.type in SORTABLE]
        if hidden and not self.only_clear and self.chance(self.sink_chance):
            self.sinks.add("key")
            self.feature("key on a masked column")
            return self.draw.choice(hidden).sql
        clear = [column for column in scope if not column.masked and column.type in SORTABLE]
        return self.draw.choice(clear).sql if clear else NO_KEY

    # ---- FROM ----

    def scope_of(self, alias, outputs):
        names = collections.Counter(output.name for output in outputs)
        return [Column(f"{alias}.{output.name}", output.type, output.masked) for output in outputs
                if output.name and names[output.name] == 1]

    def aliased(self, sql, outputs, feature=None):
        """(FROM item, scope, [(alias, outputs)]): with column aliases half of the time."""
        if feature:
            self.feature(feature)
        alias = self.name("t")
        if all(output.name for output in outputs) and self.chance(0.4):
            self.feature("column alias list")
            renamed = [Output(self.name("c") if index < 7 else output.name, output.type, output.masked)
                       for index, output in enumerate(outputs)]
            names = ", ".join(output.name for output in renamed[:7])
            return f"{sql} AS {alias}({names})", self.scope_of(alias, renamed), [(alias, renamed)]
        return f"{sql} AS {alias}", self.scope_of(alias, outputs), [(alias, outputs)]

    def relation(self, depth, withs, outer=()):
        kinds = [(34, self.table), (10, self.view), (5, self.sample), (4, self.values), (4, self.series), (3, self.function)]
        if depth > 0:
            kinds += [(16, self.subquery), (14, self.common), (16, self.join), (3, self.set_of_rows), (2, self.untraced)]
        return self.pick(kinds)(depth, withs, outer)

    def table(self, *_):
        if self.only_clear:
            names = list(TABLES) if self.chance(0.4) else sorted(CLEAR_TABLES)
        else:
            names = list(TABLES)
        name = self.draw.choice(names)
        if name in RELATED:
            self.feature("masked by a relative")
        if self.chance(0.1) and not name.startswith("ONLY") and name not in ("docs", "notes", "events"):
            return self.aliased(f"ONLY {name}", TABLES[name], "only")
        return self.aliased(name, TABLES[name])

    def view(self, *_):
        name = self.draw.choice(list(VIEWS))
        return self.aliased(name, VIEWS[name], "materialized view" if name[0] == "m" else "view")

    def sample(self, *_):
        name = self.draw.choice(["vault", "people", "cards", "plain"])
        sql, scope, aliases = self.aliased(name, TABLES[name], "tablesample")
        how = self.draw.choice(["SYSTEM", "BERNOULLI"])
        return f"{sql} TABLESAMPLE {how} (90) REPEATABLE ({self.draw.randrange(9)})", scope, aliases

    def values(self, *_):
        self.feature("values")
        return self.aliased("(VALUES (1, 'larch', 2.5), (2, 'yew', NULL))", columns("column1 int, column2 text, column3 numeric"))

    def series(self, *_):
        self.feature("generate_series")
        alias = self.name("g")
        return f"generate_series(1, 3) AS {alias}", [Column(alias, "int", False)], []

    def function(self, *_):
        """Of rows, over masked values beside it."""
        self.feature("function in FROM")
        table = self.draw.choice(["people", "vault"])
        alias, made = self.name("t"), self.name("f")
        inner = self.scope_of(alias, TABLES[table])
        text, document = self.value(inner, "text", 1), self.value(inner, "jsonb", 0)
        call, kind, masked = self.draw.choice([
            (f"CAST(jsonb_build_array({text.sql}, 'x') AS text)", "text", text.masked),
            (f"concat('<', {text.sql}, '>')", "text", text.masked),
            (f"jsonb_build_object('a', {document.sql})", "jsonb", document.masked), (f"upper({text.sql})", "text", text.masked)])
        scope = inner + [Column(f"{made}.v", kind, masked)]
        return f"{table} AS {alias} CROSS JOIN LATERAL {call} AS {made}(v)", scope, [(alias, TABLES[table])]

    def set_of_rows(self, depth, withs, outer):
        """How many rows come depends on a masked value."""
        table, alias, made = "vault", self.name("t"), self.name("f")
        call, kind = self.draw.choice([(f"unnest({alias}.s_texts)", "text"), (f"unnest({alias}.s_int8s)", "int"),
                                       (f"regexp_split_to_table({alias}.s_text, '[A-Z]')", "text"),
                                       (f"jsonb_each_text({alias}.s_jsonb)", None)])
        if self.only_clear:
            call, kind = f"unnest({alias}.c_texts)", "text"
        else:
            self.sinks.add("rows of a masked value")
        self.feature("unnest in FROM")
        scope = self.scope_of(alias, TABLES[table])
        if kind:
            scope = scope + [Column(f"{made}.v", kind, not self.only_clear)]
            return f"{table} AS {alias} CROSS JOIN LATERAL {call} AS {made}(v)", scope, [(alias, TABLES[table])]
        return (f"{table} AS {alias} CROSS JOIN LATERAL {call} AS {made}(k, v)", scope + [Column(f"{made}.v", "text", True)],
                [(alias, TABLES[table])])

    def untraced(self, *_):
        if self.only_clear:
            return self.table()
        self.is_untraced = True
        call, outputs = self.draw.choice([("f_people()", columns(PERSON)), ("f_table()", columns("a int, b! text")),
                                          ("f_out()", columns("a! text, b! int"))])
        return self.aliased(call, [Output(output.name, output.type, True) for output in outputs], "user function in FROM")

    def subquery(self, depth, withs, outer):
        sql, outputs = self.select(depth - 1, outer=outer)
        return self.aliased(f"({sql})", outputs, "subquery in FROM")

    def common(self, depth, withs, outer):
        """A WITH query, named at this SELECT; at times one that is there already."""
        if withs and self.chance(0.4):
            name, _, outputs = self.draw.choice(withs)
            return self.aliased(name, outputs)
        name = self.name("w")
        how = self.draw.choice(["", " MATERIALIZED", " NOT MATERIALIZED"])
        if self.chance(0.25):
            return self.recursive(depth, withs, name)
        sql, outputs = self.select(depth - 1)
        listed = ""
        if self.chance(0.4):
            self.feature("column alias list")
            outputs = [Output(self.name("c"), output.type, output.masked) for output in outputs]
            listed = "(" + ", ".join(output.name for output in outputs) + ")"
        withs.append((name, f"{name}{listed} AS{how} ({sql})", outputs))
        return self.aliased(name, outputs, f"WITH{how}")

    def recursive(self, depth, withs, name):
        self.feature("WITH RECURSIVE")
        table, scope, _ = self.table()
        seed = self.value(scope, "text", 1)
        again = f"SELECT n + 1, v || '.' FROM {name} WHERE n < 3"
        withs.append((name, f"{name}(n, v) AS (SELECT 1, ({seed.sql})::text FROM {table} UNION ALL {again})",
                      [Output("n", "int", False), Output("v", "text", seed.masked)]))
        return self.aliased(name, withs[-1][2])

    def join(self, depth, withs, outer):
        left, left_scope, left_aliases = self.relation(depth - 1, withs)
        right, right_scope, right_aliases = self.relation(depth - 1, withs)
        how = self.draw.choice(["JOIN", "LEFT JOIN", "RIGHT JOIN", "CROSS JOIN", "USING", "NATURAL", "LATERAL"])
        a, b = self.name("t"), self.name("t")
        if how == "USING":
            self.feature("USING")
            using = self.name("u")
            scope = [Column(f"{a}.email", "text", True), Column(f"{b}.s_text", "text", True), Column(f"{b}.s_json", "json", True),
                     Column(f"{using}.id" if self.chance(0.5) else "id", "int", False)]
            sql = f"people AS {a} {self.draw.choice(['', 'LEFT ', 'FULL '])}JOIN vault AS {b} USING (id) AS {using}"
            return sql, self.visible(scope), []
        if how == "NATURAL":
            self.feature("NATURAL")
            scope = [Column(f"{a}.number", "text", True), Column(f"{b}.token", "text", True), Column("id", "int", False)]
            return f"cards AS {a} NATURAL {self.draw.choice(['', 'LEFT '])}JOIN gone AS {b}", self.visible(scope), []
        if how == "LATERAL":
            self.feature("LATERAL")
            sql, outputs = self.select(depth - 1, outer=tuple(left_scope))
            item, scope, aliases = self.aliased(f"({sql})", outputs)
            kind = self.draw.choice(["JOIN", "LEFT JOIN"])
            return f"{left} {kind} LATERAL {item} ON true", left_scope + scope, left_aliases + aliases
        self.feature(how)
        both = left_scope + right_scope
        left = f"({left})" if " JOIN " in left else left
        right = f"({right})" if " JOIN " in right else right
        on = "" if how == "CROSS JOIN" else f" ON {self.condition(both, 1)}"
        return f"{left} {how} {right}{on}", both, left_aliases + right_aliases

    def visible(self, scope):
        return [column for column in scope if not (self.only_clear and column.masked)]

    # ---- SELECT ----

    def select(self, depth, want=None, outer=()):
        """(sql, outputs). `want`: the types of its columns; `outer`: columns of what stands around it."""
        if depth > 0 and self.chance(0.12):
            return self.set_operation(depth, want)
        withs = []
        items, scope, aliases = self.relation(depth, withs, outer)
        if outer and self.chance(0.6):
            self.feature("outer reference")
            scope = scope + list(outer)
        if want is None and self.chance(0.16):
            sql, outputs = self.grouped(items, scope, depth)
        else:
            listed, outputs = self.result_list(scope, aliases, depth, want)
            distinct = ""
            if self.chance(0.05):
                distinct = f"DISTINCT ON ({self.key(scope)}) "
                self.feature("DISTINCT ON")
            elif self.chance(0.04) and (not any(output.masked for output in outputs) or self.chance(self.sink_chance * 2)):
                if any(output.masked for output in outputs):
                    self.sinks.add("DISTINCT")
                distinct = "DISTINCT "
            sql = f"SELECT {distinct}{listed} FROM {items}" + self.tail(scope, depth, bool(distinct))
        if withs:
            texts = ", ".join(text for _, text, _ in withs)
            sql = f"WITH {'RECURSIVE ' if 'UNION ALL SELECT n + 1' in texts else ''}{texts} {sql}"
        return sql, outputs

    def tail(self, scope, depth, is_distinct=False):
        out = ""
        if self.chance(0.3):
            out += f" WHERE {self.condition(scope, depth)}"
        is_ordered = not is_distinct and self.chance(0.25)
        if is_ordered:
            out += f" ORDER BY {self.key(scope)}{self.draw.choice(['', ' DESC', ' NULLS FIRST'])}"
        if is_ordered and self.chance(0.3):
            self.feature("WITH TIES")
            return out + " FETCH FIRST 3 ROWS WITH TIES"
        return out + self.draw.choice([" LIMIT 6", " LIMIT 9 OFFSET 1", " FETCH FIRST 7 ROWS ONLY", " LIMIT 5"])

    def result_list(self, scope, aliases, depth, want):
        if want is not None:
            outputs = []
            texts = []
            for kind in want:
                value = self.value(scope, kind, depth)
                outputs.append(Output(self.name("o"), kind, value.masked))
                texts.append(f"({value.sql})::{'int8' if kind == 'int' else kind} AS {outputs[-1].name}")
            return ", ".join(texts), outputs
        texts, outputs = [], []
        for _ in range(self.draw.randrange(1, 4)):
            text, made = self.pick([(60, self.computed), (14, self.star), (14, self.whole), (8, self.window),
                                    (4, self.bare)])(scope, aliases, depth)
            texts.append(text)
            outputs += made
        return ", ".join(texts), outputs

    def computed(self, scope, aliases, depth):
        kind = self.kind(scope)
        value = self.value(scope, kind, self.draw.choice([0, 1, depth + 1]))
        name = self.name("o")
        return f"{value.sql} AS {name}", [Output(name, kind, value.masked)]

    def kind(self, scope):
        """Half of the time one of which there is a masked column."""
        hidden = [column.type for column in scope if column.masked and column.type in LITERALS]
        return self.draw.choice(hidden) if hidden and self.chance(0.5) else self.draw.choice(ANY)

    def bare(self, scope, aliases, depth):
        value = self.value(scope, self.kind(scope), 1)
        return value.sql, [Output("", "", value.masked)]

    def star(self, scope, aliases, depth):
        if not aliases or self.only_clear and any(output.masked for _, outputs in aliases for output in outputs):
            return self.computed(scope, aliases, depth)
        self.feature("star")
        alias, outputs = self.draw.choice(aliases)
        return f"{alias}.*", outputs

    def whole(self, scope, aliases, depth):
        """A row as a value, and its parts."""
        if not aliases or self.only_clear and any(output.masked for _, outputs in aliases for output in outputs):
            return self.computed(scope, aliases, depth)
        alias, outputs = self.draw.choice(aliases)
        masked = any(output.masked for output in outputs)
        name = self.name("o")
        named = [output for output in outputs if output.name and sum(each.name == output.name for each in outputs) == 1]
        how, kind = self.draw.choice(WHOLE)
        if kind == "part" and (not named or how.startswith("{c}") and '"' in named[-1].name):
            how, kind = "{a}::text", "text"
        if "hstore" in how:
            self.is_untraced = True
            self.sinks.add("hstore")
        self.feature("whole row: " + how.replace("{a}", "t").replace("{c}", "c").replace("{k}", "k"))
        column = self.draw.choice(named) if named else None
        if kind == "part":
            return f"{how.format(a=alias, c=column.name)} AS {name}", [Output(name, column.type, column.masked)]
        key = column.name.strip('"').replace('""', '"').replace("'", "''") if column else "id"
        return f"{how.format(a=alias, c='', k=key)} AS {name}", [Output(name, kind, masked)]

    def window(self, scope, aliases, depth):
        kind = self.draw.choice(["text", "int", "numeric", "text[]", "date"])
        value = self.value(scope, kind, max(depth - 1, 0))
        clear = self.key([column for column in scope if not column.masked])
        call = self.draw.choice(["first_value({})", "last_value({})", "lag({})", "lead({}, 1)", "nth_value({}, 1)", "max({})",
                                 "min({})"])
        if kind == "text" and self.chance(0.3):
            call = "string_agg({}, '/')"
        self.feature("window")
        name = self.name("o")
        frame = self.draw.choice(["", " ROWS UNBOUNDED PRECEDING"])
        return f"{call.format(value.sql)} OVER (ORDER BY {clear}{frame}) AS {name}", [Output(name, kind, value.masked)]

    def grouped(self, items, scope, depth):
        texts, outputs = [], []
        key = self.key(scope)
        how = self.draw.choice(["{}", "{}", "ROLLUP ({})", "CUBE ({})", "GROUPING SETS (({}), ())"])
        if key == NO_KEY or self.chance(0.25):
            how = ""
        if how and how != "{}":
            self.feature("grouping sets")
        for _ in range(self.draw.randrange(1, 4)):
            sql, arguments, kind, feature = self.draw.choice(AGGREGATES[:-1] if self.only_clear else AGGREGATES)
            values = [self.value(scope, argument, 1) for argument in arguments]
            name = self.name("o")
            if feature == "user aggregate":
                self.is_untraced = True
                if any(value.masked for value in values):
                    self.sinks.add(feature)
            text = sql.format(*[value.sql for value in values], order=key)
            if self.chance(0.2) and "WITHIN" not in text and "::" not in text:
                text += f" FILTER (WHERE {self.condition(scope, 1)})"
                self.feature("FILTER")
            self.feature(feature)
            texts.append(f"{text} AS {name}")
            outputs.append(Output(name, kind, any(value.masked for value in values)))
        sql = f"SELECT {', '.join(texts)} FROM {items}"
        if self.chance(0.3):
            sql += f" WHERE {self.condition(scope, depth)}"
        return sql + (f" GROUP BY {how.format(key)}" if how else ""), outputs

    def set_operation(self, depth, want):
        want = want or [self.draw.choice(["text", "text", "int", "date", "text[]",
                                          "numeric"]) for _ in range(self.draw.randrange(1, 3))]
        left, a = self.select(depth - 1, want)
        right, b = self.select(depth - 1, want)
        outputs = [Output(x.name, x.type, x.masked or y.masked) for x, y in zip(a, b)]
        how = "UNION ALL"
        if not any(output.masked for output in outputs) or self.chance(self.sink_chance * 2):
            how = self.draw.choice(["UNION", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL", "UNION ALL"])
            if how != "UNION ALL" and any(output.masked for output in outputs):
                self.sinks.add(how)
        self.feature(how)
        return f"({left}) {how} ({right})", outputs
