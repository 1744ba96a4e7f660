"""What the masks stand in front of: tables with a masked column of every common type, each beside clear ones, and what
PostgreSQL can put before or behind a table.

It is made twice, in two databases that differ in nothing but the secrets ("worlds"): so what a client sees of one and of
the other must be the same octets. Secrets are drawn from a seed; where a value is NULL and what a mask leaves of it are
the same in both worlds. The clear data uses small numbers, and words without six of LETTERS in a row.
"""
import random

ROWS = 5
WORLDS = ("world_a", "world_b")

# Columns of public.vault: (name, declared type, the type that the generator takes it for).
VAULT = [
    ("s_text", "text", "text"), ("s_varchar", "varchar(60)", "text"), ("s_char", "char(24)", "text"),
    ("s_domain", "code", "text"), ("s_int4", "int4", "int"), ("s_int8", "int8", "int"),
    ("s_numeric", "numeric", "numeric"), ("s_float8", "float8", "float8"), ("s_date", "date", "date"),
    ("s_ts", "timestamp", "timestamp"), ("s_tstz", "timestamptz", "timestamptz"), ("s_interval", "interval", "interval"),
    ("s_uuid", "uuid", "uuid"), ("s_bytea", "bytea", "bytea"), ("s_json", "json", "json"), ("s_jsonb", "jsonb", "jsonb"),
    ("s_xml", "xml", "xml"), ("s_inet", "inet", "inet"), ("s_texts", "text[]", "text[]"), ("s_int8s", "int8[]", "int8[]"),
    ("s_place", "place", "place"), ("s_range", "int8range", "int8range"), ("s_money", "money", "money"),
    ("s_bits", "bit varying(96)", "varbit")]
VAULT_CLEAR = [("id", "int", "int"), ("label", "text", "text"), ("c_int", "int", "int"), ("c_num", "numeric", "numeric"),
               ("c_date", "date", "date"), ("c_texts", "text[]", "text[]"), ("c_json", "jsonb", "jsonb"),
               ("c_bool", "bool", "bool")]

STRUCTURE = """
CREATE EXTENSION dblink; CREATE EXTENSION pageinspect; CREATE EXTENSION hstore;
CREATE DOMAIN code AS text CHECK (value <> '');
CREATE TYPE place AS (street text, number int8);
CREATE TABLE vault (%s);
CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL, email text UNIQUE, ssn varchar(30), city text, age int
  CHECK (age > 0), note text, vault_id int REFERENCES vault);
CREATE TABLE accounts (id int PRIMARY KEY, owner_email text REFERENCES people (email), balance int);
CREATE TABLE cards (id int PRIMARY KEY, person int REFERENCES people, brand text, number text);
CREATE TABLE gone (id int PRIMARY KEY, token text, kind text);
CREATE TABLE logs (id int PRIMARY KEY, level text, line text);
CREATE TABLE odd (id int PRIMARY KEY, "text" text, "user" text, "Mixed Case" text, "a""b" text, "date" date, "select" int);
CREATE TABLE events (id int, day date, kind text, payload text) PARTITION BY RANGE (day);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2001-01-01') TO ('2002-01-01');
CREATE TABLE events_2 (payload text, kind text, extra int, id int, day date);
ALTER TABLE events_2 DROP COLUMN extra;
ALTER TABLE events ATTACH PARTITION events_2 FOR VALUES FROM ('2002-01-01') TO ('2003-01-01');
CREATE TABLE docs (id int, title text, body text);
CREATE TABLE docs_child (extra text, pages int) INHERITS (docs);
CREATE TABLE notes (id int, title text, body text);
CREATE TABLE notes_child (pages int) INHERITS (notes);
CREATE SCHEMA other;
CREATE TABLE other.people (id int PRIMARY KEY, name text, email text, city text);
CREATE TABLE other.staff (id int PRIMARY KEY, name text, ssn text);
CREATE TABLE plain (id int PRIMARY KEY, word text, amount int, day date, tags text[], data jsonb);
CREATE VIEW v_people AS SELECT id, name, email, city FROM people;
CREATE VIEW v_renamed (key, contact, badge, town) AS SELECT id, email, ssn, city FROM people;
CREATE VIEW v_nested AS SELECT r.key, r.contact AS reach, v.s_int8 AS figure, v.label FROM v_renamed r JOIN vault v ON v.id = r.key;
CREATE VIEW v_expression AS SELECT id, upper(email) || ' of ' || name AS described, length(name) AS size, note IS NULL AS bare
  FROM people;
CREATE VIEW v_union AS SELECT id, name AS what FROM people UNION ALL SELECT id, ssn FROM people UNION ALL SELECT id, s_text FROM vault;
CREATE VIEW v_grouped AS SELECT city, count(*) AS people, string_agg(email, ';' ORDER BY id) AS addresses FROM people GROUP BY city;
CREATE VIEW v_cte AS WITH w AS (SELECT * FROM v_people) SELECT w.id, w.email AS address,
  (SELECT max(s_uuid::text) FROM vault WHERE vault.id = w.id) AS tag FROM w;
CREATE VIEW v_rows AS SELECT id, p AS person, to_jsonb(p) AS document FROM people p;
CREATE VIEW v_barrier WITH (security_barrier) AS SELECT id, email, name FROM people WHERE id < 4;
CREATE VIEW v_star AS SELECT * FROM vault;
CREATE RECURSIVE VIEW v_recursive (n, word) AS SELECT 1, email FROM people
  UNION ALL SELECT n + 1, word || '+' FROM v_recursive WHERE n < 2;
CREATE MATERIALIZED VIEW m_people AS SELECT id, name, email, ssn AS badge FROM people WITH NO DATA;
CREATE MATERIALIZED VIEW m_nested AS SELECT key, reach || '!' AS reach, label FROM v_nested WITH NO DATA;
CREATE FUNCTION f_echo(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION f_email(int) RETURNS text LANGUAGE sql STABLE AS 'SELECT email FROM people WHERE id = $1';
CREATE FUNCTION f_constant(int) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT email FROM people WHERE id = $1';
CREATE FUNCTION f_people() RETURNS SETOF people LANGUAGE sql STABLE AS 'SELECT * FROM people';
CREATE FUNCTION f_table() RETURNS TABLE (a int, b text) LANGUAGE plpgsql STABLE AS
  'BEGIN RETURN QUERY EXECUTE $q$SELECT id, email FROM people$q$; END';
CREATE FUNCTION f_notice(text) RETURNS int LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE $m$seen %%$m$, $1; RETURN 1; END';
CREATE FUNCTION f_raise(int) RETURNS int LANGUAGE plpgsql AS
  'BEGIN RAISE EXCEPTION $m$failed with %%$m$, (SELECT email FROM people WHERE id = $1)
   USING DETAIL = (SELECT ssn FROM people WHERE id = $1),
   HINT = (SELECT note FROM people WHERE id = $1), TABLE = (SELECT left(email, 20) FROM people WHERE id = $1); END';
CREATE FUNCTION f_cursor() RETURNS refcursor LANGUAGE plpgsql AS
  'DECLARE c refcursor := $c$opened$c$; BEGIN OPEN c FOR SELECT email, ssn FROM people; RETURN c; END';
CREATE FUNCTION f_out(OUT a text, OUT b int8) LANGUAGE sql STABLE AS 'SELECT s_text, s_int8 FROM vault LIMIT 1';
CREATE PROCEDURE p_out(INOUT a text) LANGUAGE plpgsql AS 'BEGIN SELECT email INTO a FROM people LIMIT 1; END';
CREATE AGGREGATE a_join(text) (SFUNC = textcat, STYPE = text, INITCOND = '');
CREATE OPERATOR ~~> (LEFTARG = text, RIGHTARG = text, FUNCTION = textcat);
CREATE FUNCTION t_tell() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN RAISE NOTICE $m$changed %% to %%$m$, OLD.email, NEW.note; RETURN NEW; END';
CREATE TRIGGER tell BEFORE UPDATE ON people FOR EACH ROW WHEN (NEW.age = 77) EXECUTE FUNCTION t_tell();
""" % ", ".join(f"{name} {kind}{' PRIMARY KEY' if name == 'id' else ''}" for name, kind, _ in VAULT_CLEAR + VAULT)

MASKS = [
    {"name": "pii", "columns": ["public.people.email", "*.ssn", "public.people.note", "public.accounts.owner_email",
                                "public.odd.text",
                                "public.odd.user", "public.odd.Mixed Case", 'public.odd.a"b', "public.odd.date"],
                                "with": "redact"},
    {"name": "vault", "columns": ["public.vault.s_*"], "with": "redact"},
    {"name": "parts", "columns": ["public.events.payload", "public.docs_child.*", "public.notes.body"], "with": "redact"},
    {"name": "cards", "columns": ["public.cards.number"], "with": {"keep_last": 4}},
    {"name": "gone", "columns": ["public.gone.token"], "with": "null"},
    {"name": "secrets", "find": ["github-token", "jwt", "email", "credit-card"], "with": "redact"}]

# Everything that is masked, as queries that give all of its values.
SECRETS = {
    **{f"vault.{name}": f"SELECT {name} FROM vault" for name, _, _ in VAULT},
    "people.email": "SELECT email FROM people", "people.ssn": "SELECT ssn FROM people", "people.note": "SELECT note FROM people",
    "odd.text": 'SELECT "text" FROM odd', "odd.user": 'SELECT "user" FROM odd', "odd.Mixed Case": 'SELECT "Mixed Case" FROM odd',
    'odd.a"b': 'SELECT "a""b" FROM odd', "odd.date": 'SELECT "date" FROM odd', "events.payload": "SELECT payload FROM events",
    "docs_child.body": "SELECT body FROM docs_child", "docs_child.extra": "SELECT extra FROM docs_child",
    "docs_child.title": "SELECT title FROM docs_child", "notes.body": "SELECT body FROM notes",
    "cards.number": "SELECT left(number, -4) FROM cards", "gone.token": "SELECT token FROM gone",
    "staff.ssn": "SELECT ssn FROM other.staff",
    # Parts, since a statement may take them out.
    "vault.s_json parts": "SELECT s_json->>'k' FROM vault UNION ALL SELECT s_json->>'n' FROM vault",
    "vault.s_jsonb parts": "SELECT s_jsonb->>'k' FROM vault UNION ALL SELECT s_jsonb->>'n' FROM vault",
    "vault.s_texts parts": "SELECT unnest(s_texts) FROM vault", "vault.s_int8s parts": "SELECT unnest(s_int8s) FROM vault",
    "vault.s_place street": "SELECT (s_place).street FROM vault", "vault.s_place number": "SELECT (s_place).number FROM vault",
    "vault.s_range parts": "SELECT lower(s_range) FROM vault UNION ALL SELECT upper(s_range) FROM vault"}
# What a detector must find, where it stands plain in a text.
FOUND = {"logs.line": "SELECT regexp_replace(line, '^[a-z ]*: ', '') FROM logs"}

WORDS = ["alder", "birch", "cedar", "elder", "maple", "olive", "poplar", "spruce"]
LETTERS = "QXZJKWVqxzjkwv"  # of secrets; six of them in a row are in no word
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


class Secrets:
    """The secrets of one world. `both` draws what is the same in the two."""

    def __init__(self, seed, world):
        self.seed, self.world = seed, world

    def of(self, name, row, world=None):
        return random.Random(f"{self.seed} {world or self.world} {name} {row}")

    def both(self, name, row):
        return self.of(name, row, "both")

    def word(self, name, row, length=16):
        """Odd rows: Ethiopic letters, of which a single one is told from anything else."""
        draw = self.of(name, row)
        if row % 2:
            return "".join(chr(0x1200 + draw.randrange(0x48)) for _ in range(length))
        # So that no order is the same in both worlds.
        first = "Jx"[(WORLDS.index(self.world) + row // 2) % 2]
        return first + "".join(draw.choice(LETTERS) for _ in range(length - 1))

    def value(self, name, kind, row):
        """An SQL literal."""
        draw = self.of(name, row)
        digits = lambda count: str(draw.randrange(10 ** (count - 1), 10 ** count))
        clock = lambda: f"{draw.randrange(13, 24)}:{draw.randrange(10, 60)}:{draw.randrange(10, 60)}.{digits(6)}"
        day = lambda first, last: f"{draw.randrange(first, last)}-{draw.randrange(1, 13)}-{draw.randrange(13, 28)}"
        if kind in ("text", "code") or kind.startswith(("varchar", "char")):
            return quoted(self.word(name, row))
        simple = {
            "int4": lambda: str(draw.randrange(1_000_000_000, 2 ** 31)), "int8": lambda: digits(18),
            "numeric": lambda: f"{digits(21)}.{digits(11)}", "float8": lambda: repr(draw.uniform(1e7, 1e9)),
            "date": lambda: f"'{day(1_000_000, 5_000_000)}'",
            "timestamp": lambda: f"'{day(100_000, 290_000)} {clock()}'",
            "timestamptz": lambda: f"'{day(100_000, 290_000)} {clock()}+00'",
            "interval": lambda: f"'{draw.randrange(10 ** 7, 10 ** 8)} days {clock()}'",
            "uuid": lambda: f"'{draw.getrandbits(128):032x}'", "bytea": lambda: f"'\\x{draw.getrandbits(160):040x}'",
            "inet": lambda: "'" + ":".join(f"{draw.randrange(0x1000, 0x10000):x}" for _ in range(8)) + "'",
            "money": lambda: f"'{digits(15)}.{digits(2)}'",
            "bit varying(96)": lambda: f"B'{draw.getrandbits(95) | 1 << 95:096b}'",
            "int8range": lambda: f"'[{digits(17)},{digits(18)})'",
            "int8[]": lambda: f"ARRAY[{digits(18)}, {digits(17)}]::int8[]" if row != 3 else
                              f"ARRAY[{', '.join(digits(18) for _ in range(2 + WORLDS.index(self.world)))}]::int8[]"}
        if kind in simple:
            return simple[kind]()
        if kind in ("json", "jsonb"):
            return f"'{{\"k\": \"{self.word(name, row)}\", \"n\": {digits(16)}}}'"
        if kind == "xml":
            return f"'<p a=\"{self.word(name + ' a', row)}\">{self.word(name, row)}</p>'"
        if kind == "text[]":
            return f"ARRAY[{quoted(self.word(name, row))}, {quoted(self.word(name + ' 2', row))}]"
        if kind == "place":
            return f"ROW({quoted(self.word(name, row))}, {digits(18)})::place"
        raise AssertionError(kind)

    # ---- what a mask leaves, and what a detector finds ----

    def card(self, row):
        """Its last four characters are the same in both worlds."""
        return f"{self.of('card', row).randrange(10 ** 15, 10 ** 16)}-{self.both('card', row).randrange(1000, 9999)}"

    def found(self, row):
        draw = self.of("found", row)
        letters = lambda count, alphabet=BASE62: "".join(draw.choice(alphabet) for _ in range(count))
        if row == 1:
            return "ghp_" + with_checksum(letters(30))
        if row == 2:
            return f"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI{letters(23)}9.{letters(43)}"
        if row == 3:
            return f"{letters(14, 'qxzjkwv')}@{letters(12, 'qxzjkwv')}.org"
        return with_luhn("4" + letters(14, "0123456789"))

    # ---- rows ----

    def script(self):
        out = []
        for row in range(1, ROWS + 1):
            word, number = WORDS[row], row % 3 + 1
            clear = [str(row), quoted(word), str(number * 10), f"{row}.5", f"'2001-0{row}-0{number}'", f"ARRAY['{word}', 'leaf']",
                     f"'{{\"k\": \"{word}\", \"n\": {row}}}'", "true" if row % 2 else "false"]
            secret = ["NULL" if row == 4 and name in ("s_text", "s_int8", "s_jsonb") else self.value(name, kind, row) for name,
                      kind, _ in VAULT]
            out.append(f"INSERT INTO vault VALUES ({', '.join(clear + secret)});")
            text = lambda name: quoted(self.word(name, row))
            town = ("north", "south")[row % 2]
            out.append(f"INSERT INTO people VALUES ({row}, '{word}', {text('email')}, {text('ssn')}, '{town}', {20 + row}, "
                       f"{text('note') if row != 2 else 'NULL'}, {row});")
            out.append(f"INSERT INTO accounts SELECT {row}, email, {row * 5} FROM people WHERE id = {row};")
            out.append(f"INSERT INTO cards VALUES ({row}, {row}, 'oak', '{self.card(row)}');")
            out.append(f"INSERT INTO gone VALUES ({row}, {text('gone')}, '{word}');")
            out.append(f"INSERT INTO logs VALUES ({row}, 'low', 'the {word} said: {self.found(row)}');")
            out.append(f"INSERT INTO odd VALUES ({row}, {text('odd text')}, {text('odd user')}, {text('odd mixed')}, {text('odd quote')}, "
                       f"{self.value('odd date', 'date', row)}, {row});")
            out.append(f"INSERT INTO events VALUES ({row}, '200{number % 2 + 1}-03-0{row}', '{word}', {text('payload')});")
            out.append(f"INSERT INTO docs VALUES ({row}, '{word}', 'clear {word}');")
            out.append(f"INSERT INTO docs_child VALUES ({row + 10}, {text('child title')}, {text('child body')}, {text('child extra')}, "
                       f"{self.of('pages', row).randrange(10 ** 9, 2 * 10 ** 9)});")
            out.append(f"INSERT INTO notes VALUES ({row}, '{word}', {text('notes body')});")
            out.append(f"INSERT INTO notes_child VALUES ({row + 10}, '{word}', {text('notes child')}, {row});")
            out.append(f"INSERT INTO other.people VALUES ({row}, '{word}', '{word} at tree', '{town}');")
            out.append(f"INSERT INTO other.staff VALUES ({row}, '{word}', {text('staff')});")
            out.append(f"INSERT INTO plain VALUES ({row}, '{word}', {number}, '2001-02-0{row}', ARRAY['{word}'], '{{\"k\": {row}}}');")
        return "\n".join([*out, "REFRESH MATERIALIZED VIEW m_people; REFRESH MATERIALIZED VIEW m_nested;",
                          "VACUUM (FREEZE); ANALYZE people, other.people; CHECKPOINT;"])


def with_checksum(letters):
    """The last six characters of a GitHub token are its CRC-32, in base 62."""
    import zlib
    value, out = zlib.crc32(letters.encode()), ""
    for _ in range(6):
        value, digit = divmod(value, 62)
        out = BASE62[digit] + out
    return letters + out


def with_luhn(digits):
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return digits + str(-total % 10)


def make(server, seed):
    """Both worlds, of one template: every OID is the same in them."""
    server.sql("CREATE DATABASE mask_template")
    server.sql(STRUCTURE, database="mask_template")
    for world in WORLDS:
        server.sql(f"CREATE DATABASE {world} TEMPLATE mask_template")
        server.sql(Secrets(seed, world).script(), database=world)
