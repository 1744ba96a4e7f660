"""The productions of mask_queries.Grammar for values: what mask_expressions.txt says."""
import pathlib

# Types that the generator makes values of, as often as they stand here.
ANY = ["text"] * 6 + ["int", "int", "numeric", "float8", "bool", "date", "timestamp", "timestamptz", "interval", "uuid", "bytea",
                      "json", "jsonb", "jsonb", "xml", "inet", "text[]", "text[]", "int8[]", "place", "int8range", "money", "varbit"]
SORTABLE = {"text", "int", "numeric", "float8", "bool", "date", "timestamp", "timestamptz", "interval", "uuid", "bytea", "jsonb",
            "inet", "text[]", "int8[]", "int8range", "money", "varbit"}
LITERALS = {
    "text": "'fir'", "int": "7", "numeric": "1.5", "float8": "0.5::float8", "bool": "true", "date": "DATE '2001-01-02'",
    "timestamp": "TIMESTAMP '2001-01-02 03:04'", "timestamptz": "TIMESTAMPTZ '2001-01-02 03:04+00'", "interval": "INTERVAL '2 days'",
    "uuid": "'00000000-0000-0000-0000-000000000001'::uuid", "bytea": "'\\x0102'::bytea", "json": "'{\"k\": \"fir\"}'::json",
    "jsonb": "'{\"k\": \"fir\"}'::jsonb", "xml": "'<p>fir</p>'::xml", "inet": "'10.0.0.1'::inet", "text[]": "ARRAY['fir', 'ash']",
    "int8[]": "ARRAY[1, 2]::int8[]", "place": "ROW('lane', 3)::place", "int8range": "int8range(1, 5)", "money": "'2.50'::money",
    "varbit": "B'0101'::varbit"}


def read():
    """(values by type, values of every type, aggregates). A value: (SQL, types of arguments, name, may it fail?); an
    aggregate: (SQL, types of arguments, type, name)."""
    functions, generic, aggregates = {}, [], []
    for line in (pathlib.Path(__file__).resolve().parent / "mask_expressions.txt").read_text().splitlines():
        if line.startswith("== "):
            is_risky = line.endswith(" may fail")
            kind = line[3:].removesuffix(" may fail")
        elif line and not line.startswith("# "):
            sql, types, *rest = [part.strip() for part in line.split(" | ")]
            arguments = types.split(", ") if types else []
            if kind == "aggregates":
                aggregates.append((sql, arguments, *rest))
            else:
                productions = generic if kind == "generic" else functions.setdefault(kind, [])
                productions.append((sql, arguments, rest[0] if rest else sql.replace("{}", "_"), is_risky))
    return functions, generic, aggregates


FUNCTIONS, GENERIC, AGGREGATES = read()
