"""The productions of mask_queries.Grammar for values: how an expression of a type is made of others.

Each is (SQL, types of its arguments, what it is called, may it fail on what it is given?). In SQL `{T}` is the type that is
made, `{q}` and `{w}` new names, `{n}` a small number. In the types of GENERIC "T" is the type that is made, "=" the same
where it can be compared.
"""

ANY = ["text"] * 6 + ["int", "int", "numeric", "float8", "bool", "date", "timestamp", "timestamptz", "interval", "uuid", "bytea", "json",
                      "jsonb", "jsonb", "xml", "inet", "text[]", "text[]", "int8[]", "place", "int8range", "money", "varbit"]
SORTABLE = {"text", "int", "numeric", "float8", "bool", "date", "timestamp", "timestamptz", "interval", "uuid", "bytea", "jsonb", "inet",
            "text[]", "int8[]", "int8range", "money", "varbit"}
LITERALS = {"text": "'fir'", "int": "7", "numeric": "1.5", "float8": "0.5::float8", "bool": "true", "date": "DATE '2001-01-02'",
            "timestamp": "TIMESTAMP '2001-01-02 03:04'", "timestamptz": "TIMESTAMPTZ '2001-01-02 03:04+00'", "interval": "INTERVAL '2 days'",
            "uuid": "'00000000-0000-0000-0000-000000000001'::uuid", "bytea": "'\\x0102'::bytea", "json": "'{\"k\": \"fir\"}'::json",
            "jsonb": "'{\"k\": \"fir\"}'::jsonb", "xml": "'<p>fir</p>'::xml", "inet": "'10.0.0.1'::inet", "text[]": "ARRAY['fir', 'ash']",
            "int8[]": "ARRAY[1, 2]::int8[]", "place": "ROW('lane', 3)::place", "int8range": "int8range(1, 5)", "money": "'2.50'::money",
            "varbit": "B'0101'::varbit"}


def listed(*lines, risky=False):
    """"SQL | types | name" each; without a name the SQL is it."""
    out = []
    for line in lines:
        sql, kinds, *name = [part.strip() for part in line.split(" | ")]
        arguments = [kind for kind in kinds.split(", ") if kind]
        out.append((sql, arguments, name[0] if name else sql.replace("{}", "_"), risky))
    return out


TEXT = listed(
    "lower({}) | text", "upper({}) | text", "substr({}, 2, 11) | text", "left({}, 9) | text", "right({}, 9) | text", "reverse({}) | text",
    "md5({}) | text", "btrim({}) | text", "lpad({}, 40, '.') | text", "rpad({}, 40, '.') | text", "repeat({}, 2) | text",
    "replace({}, 'Q', 'oo') | text", "translate({}, 'QX', 'oo') | text", "initcap({}) | text", "{} || {} | text, text | concatenation",
    "({} || {}) | text, any | concatenation with any", "concat({}, '-', {}) | any, any | concat", "concat_ws('/', {}, {}) | any, text | concat_ws",
    "format('%s=%L', {}, {}) | any, any | format", "format('%I', {}) | text | format %I", "quote_literal({}) | text", "quote_nullable({}) | text", "quote_ident({}) | text",
    "({})::text | any | cast to text", "CAST(({}) AS varchar) | any | cast to varchar", "({})::varchar(30) | text | cast to varchar(n)", "({})::char(30) | text | cast to char(n)",
    "({})::name::text | text | cast to name", "encode({}, 'hex') | bytea | encode hex", "encode({}, 'base64') | bytea | encode base64",
    "encode({}, 'escape') | bytea | encode escape", "encode(sha256({}), 'hex') | bytea | sha256", "to_json({})::text | any | to_json", "({}) ->> 'k' | jsonb | ->>",
    "({}) ->> 'k' | json | json ->>", "({}) #>> '{{k}}' | jsonb | #>>", "jsonb_extract_path_text({}, 'k') | jsonb | jsonb_extract_path_text",
    "({})['k']::text | jsonb | jsonb subscript", "jsonb_pretty({}) | jsonb", "jsonb_path_query_first({}, '$.k')::text | jsonb | jsonb_path_query",
    "array_to_string({}, ',') | text[] | array_to_string", "({})[1] | text[] | array element", "split_part({}, ' ', 1) | text | split_part",
    "regexp_replace({}, 'o', '0', 'g') | text | regexp_replace", "substring({} from 3) | text | substring from", "overlay({} placing 'oo' from 2) | text | overlay",
    "xmlserialize(content {} AS text) | xml | xmlserialize", "ROW({}, {})::text | any, text | row to text", "to_hex(({})::int8) | int | to_hex", "host({}) | inet", "text({}) | inet | text(inet)",
    "to_char({}, 'YYYY-MM-DD') | date | to_char date", "to_char({}, 'YYYY-MM-DD HH24:MI:SS.US') | timestamp | to_char timestamp", "to_char({}, 'FM999999999999999999') | int | to_char number",
    "({}).street | place | composite field", "normalize({}) | text", "unistr(replace({}, '\\', '')) | text | unistr", "coalesce({}, 'none') | text | coalesce text",
    "array_to_json({})::text | text[] | array_to_json", "jsonb_build_object('v', {})::text | any | jsonb_build_object", "json_build_array({}, {})::text | any, any | json_build_array",
    "json_object(ARRAY['k', coalesce({}, '')])::text | text | json_object", "row_to_json(ROW({}))::text | any | row_to_json of ROW",
    "(SELECT string_agg({q}.v, '+') FROM (VALUES ({}), ({})) AS {q}(v)) | text, text | string_agg over VALUES",
    "array_to_string(regexp_split_to_array({}, 'o'), '~') | text | regexp_split_to_array", "array_to_string(string_to_array({}, 'a'), '~') | text | string_to_array",
    "(SELECT e FROM json_to_record(json_build_object('e', {})) AS {q}(e text)) | text | json_to_record", "convert_from(convert_to({}, 'UTF8'), 'UTF8') | text | convert",
    "text '' || ({}) | any | typed concatenation", "chr(ascii({})) | text | ascii, chr", "to_char({}, 'DD HH24:MI:SS') | interval | to_char interval", "strpos({}, 'o')::text | text | strpos",
    "ltrim({}, 'ab') | text", "trim(both 'x' from {}) | text | trim from", "querytree(plainto_tsquery('simple', {})) | text | tsquery",
    "to_tsvector('simple', {})::text | text | tsvector", "parse_ident(quote_ident(left({}, 20)))::text | text | parse_ident", "{} COLLATE \"C\" | text | COLLATE") + listed(
    "(SELECT {} FROM plain WHERE id = 1) | text | subquery with a table") + listed(
    "f_echo({}) | text | user function", "{} ~~> {} | text, text | user operator", "hstore('k', {})::text | text | user type hstore",
    "({})::int::text | text | text to int", "({})::date::text | text | text to date", "({})::code::text | text | cast to a domain",
    "(1 / (length({}) - 16))::text | text | division by a length", "(xpath('//p/text()', {}))[1]::text | xml | xpath", "({})::jsonb::text | text | text to jsonb",
    "(10 / nullif(ascii({}) - 4609, 0))::text | text | division by a letter", risky=True)

FUNCTIONS = {
    "text": TEXT,
    "int": listed("length({}) | text", "octet_length({}) | bytea", "ascii({}) | text", "hashtext({}) | text", "cardinality({}) | text[]", "({}).number | place | composite field",
                  "({})[1] | int8[] | array element", "extract(year FROM {})::int8 | date | extract", "date_part('day', {})::int8 | timestamp | date_part", "bit_length({}) | text",
                  "position('o' in {}) | text | position", "abs({}) | int", "array_length({}, 1) | text[] | array_length", "array_position({}, 'leaf') | text[] | array_position",
                  "pg_column_size({}) | any | pg_column_size", "masklen({}) | inet", "num_nulls({}, {}) | any, any | num_nulls", "get_byte({}, 1) | bytea | get_byte",
                  "strpos({}, 'a') | text | strpos") +
    listed("({})::int4 | int | int4 of int8", "{} + {} | int, int | addition", "({})::int8 | numeric | numeric to int8", "({} * 2) | int | multiplication", "mod({}, 7) | int | mod",
           "lower({}) | int8range | lower of a range", "(({}) ->> 'n')::int8 | jsonb | ->> and cast", "({})::int8 | float8 | float8 to int8", risky=True),
    "numeric": listed("({})::numeric | int | int to numeric", "round({}, 3) | numeric | round", "trunc({}) | numeric", "abs({}) | numeric", "extract(epoch FROM {}) | interval | extract epoch",
                      "-({}) | numeric | minus", "scale({})::numeric | numeric | scale", "extract(epoch FROM {}) | date | extract epoch of a date") +
    listed("{} + {} | numeric, numeric | numeric addition", "({})::numeric | money | money to numeric", "(({}) -> 'n')::numeric | jsonb | -> and cast", "sqrt({}) | numeric | sqrt", risky=True),
    "float8": listed("({})::float8 | int | int to float8", "abs({}) | float8", "trunc({}) | float8", "date_part('epoch', {}) | date | date_part of a date") +
    listed("({})::float8 | numeric | numeric to float8", "ln({}) | float8 | ln", "{} * 2 | float8 | float8 multiplication", risky=True),
    "bool": listed("{} = 'fir' | text | equals", "{} IS NULL | any | IS NULL", "{} > 5 | int | greater", "{} LIKE 'Q%' | text | LIKE", "{} ~ '^[0-9]' | text | regular expression", "{} IN ('a', 'b') | text | IN",
                   "{} BETWEEN 1 AND 9 | int | BETWEEN", "NOT ({}) | bool | NOT", "({}) AND ({}) | bool, bool | AND", "{} @> '{{\"k\": 1}}' | jsonb | @>", "{} ? 'k' | jsonb | ?", "'leaf' = ANY ({}) | text[] | ANY",
                   "{} IS DISTINCT FROM {} | text, text | IS DISTINCT FROM", "starts_with({}, 'Q') | text | starts_with", "EXISTS (SELECT WHERE {} > 5) | int | EXISTS", "({} > 5) IS TRUE | int | IS TRUE",
                   "({}, 1) < ({}, 2) | text, text | row comparison", "{} && ARRAY['leaf'] | text[] | overlap", "xmlexists('//p' PASSING ({})) | xml | xmlexists", "({}) @> 5::int8 | int8range | range contains",
                   "7 IN (SELECT {}) | int | IN SELECT", "isempty({}) | int8range | isempty", "{} SIMILAR TO 'Q%' | text | SIMILAR TO"),
    "date": listed("({})::date | timestamp | timestamp to date", risky=True) + listed("make_date(2001, 1, 1) + (0 * length({}))::int | text | date and length", risky=True),
    "timestamp": listed("({})::timestamp | date | date to timestamp", "{} + {} | timestamp, interval | timestamp and interval", "date_trunc('hour', {}) | timestamp | date_trunc",
                        "({}) AT TIME ZONE 'UTC' | timestamptz | AT TIME ZONE", risky=True),
    "timestamptz": listed("({})::timestamptz | timestamp | timestamp to timestamptz", "({}) AT TIME ZONE 'UTC' | timestamp | AT TIME ZONE", risky=True),
    "interval": listed("justify_hours({}) | interval", "{} * 2 | interval | interval product", "{} + {} | interval, interval | interval sum", "age({}, {}) | timestamp, timestamp | age", risky=True),
    "bytea": listed("convert_to({}, 'UTF8') | text | convert_to", "sha256({}) | bytea", "sha512({}) | bytea", "{} || {} | bytea, bytea | bytea concatenation", "substr({}, 2) | bytea | substr of bytea",
                    "uuid_send({}) | uuid", "int8send({}) | int | int8send", "numeric_send({}) | numeric", "textsend({}) | text", "date_send({}) | date", "overlay({} placing '\\x01' from 1) | bytea | overlay of bytea",
                    "array_send({}) | text[] | array_send", "jsonb_send({}) | jsonb | jsonb_send", "byteacat({}, '\\x00') | bytea | byteacat") +
    listed("decode(md5({}), 'hex') | text | decode", "({})::bytea | text | text to bytea", risky=True),
    "json": listed("to_json({}) | any | to_json", "json_build_object('k', {}, 'l', {}) | any, any | json_build_object", "json_build_array({}, {}) | any, any | json_build_array", "({})::json | jsonb | jsonb to json",
                   "({}) -> 'k' | json | json ->", "array_to_json({}) | int8[] | array_to_json", "row_to_json(ROW({}, {})) | any, any | row_to_json", "json_strip_nulls({}) | json", "json_object(ARRAY['k'], ARRAY[{}]) | text | json_object of arrays"),
    "jsonb": listed("to_jsonb({}) | any | to_jsonb", "jsonb_build_object('k', {}, 'l', {}) | any, any | jsonb_build_object", "jsonb_build_array({}, {}) | any, any | jsonb_build_array", "({})::jsonb | json | json to jsonb",
                    "({}) -> 'k' | jsonb | ->", "jsonb_set(jsonb_build_object('k', 1), '{{k}}', to_jsonb({})) | text | jsonb_set", "jsonb_strip_nulls({}) | jsonb", "jsonb_build_object('a', {}) || jsonb_build_object('b', {}) | any, any | jsonb concatenation",
                    "jsonb_path_query_array({}, '$.*') | jsonb | jsonb_path_query_array", "jsonb_build_object(coalesce({}, 'k'), 1) | text | a key of an object"),
    "xml": listed("xmlelement(name e, {}) | text | xmlelement", "xmlforest({} AS f, {} AS g) | text, any | xmlforest", "xmlconcat({}, {}) | xml, xml | xmlconcat", "xmlelement(name e, xmlattributes({} AS a), 'x') | text | xmlattributes",
                  "xmlelement(name e, {}) | xml | nested xmlelement", "xmlroot({}, version '1.0') | xml | xmlroot") + listed("xmlcomment(replace({}, '-', '')) | text | xmlcomment", "xmlparse(content {}) | text | xmlparse", "xmlpi(name p, {}) | text | xmlpi", risky=True),
    "inet": listed("network({})::inet | inet | network", "broadcast({}) | inet", "set_masklen({}, 20) | inet | set_masklen", risky=True),
    "text[]": listed("ARRAY[{}, {}] | text, text | ARRAY of text", "array_append({}, {}) | text[], text | array_append", "{} || {} | text[], text[] | array concatenation", "({})[1:2] | text[] | slice", "string_to_array({}, 'o') | text | string_to_array",
                     "array_remove({}, 'leaf') | text[] | array_remove", "regexp_match({}, '.+') | text | regexp_match", "ARRAY(SELECT {}) | text | ARRAY of a SELECT", "array_fill({}, ARRAY[2]) | text | array_fill", "regexp_split_to_array({}, 'o') | text | regexp_split_to_array",
                     "ARRAY(SELECT {q} FROM unnest({}) AS {q}) | text[] | ARRAY of unnest", "array_replace({}, 'leaf', 'x') | text[] | array_replace", "ARRAY(SELECT {q}.value FROM jsonb_each_text({}) AS {q}) | jsonb | jsonb_each_text") +
    listed("akeys(hstore({}, 'v')) | text | user type hstore, akeys", risky=True),
    "int8[]": listed("ARRAY[{}, {}]::int8[] | int, int | ARRAY of int", "array_append({}, 1::int8) | int8[] | array_append", "({})[1:1] | int8[] | slice", "array_cat({}, {}) | int8[], int8[] | array_cat"),
    "place": listed("ROW({}, {})::place | text, int | ROW to a composite type"),
    "int8range": listed("int8range({}, NULL) | int | int8range", "range_merge({}, {}) | int8range, int8range | range_merge", "{} + {} | int8range, int8range | range union", risky=True),
    "money": listed("({})::numeric::money | numeric | numeric to money", "{} + {} | money, money | money addition", "{} * 2 | money | money product", risky=True),
    "varbit": listed("{} || {} | varbit, varbit | bit concatenation", "substring({} from 3) | varbit | bits from", "~({}) | varbit | bits turned")}

GENERIC = listed(
    "coalesce({}, {}) | T, T | coalesce", "CASE WHEN {} THEN {} ELSE {} END | bool, T, T | CASE", "CASE {} WHEN 'fir' THEN {} ELSE {} END | text, T, T | simple CASE", "(SELECT {}) | T | scalar subquery",
    "(SELECT {q}.v FROM (SELECT {} AS v) AS {q}) | T | nested scalar subquery", "(WITH {w} AS (SELECT {} AS v) SELECT v FROM {w}) | T | WITH in an expression", "(WITH {w}(v) AS MATERIALIZED (VALUES ({})) SELECT {w}.v FROM {w}) | T | WITH VALUES in an expression",
    "(SELECT {q}.v FROM (VALUES ({}), ({})) AS {q}(v) LIMIT 1) | T, T | VALUES in an expression", "(ARRAY[{}, {}])[{n}] | T, T | element of ARRAY", "(SELECT (array_agg({q}.v))[1] FROM (SELECT {} AS v) AS {q}) | T | array_agg of one",
    "nullif({}, {}) | =, = | nullif", "greatest({}, {}) | =, = | greatest", "least({}, {}) | =, = | least", "(({})) | T | parentheses",
    "(SELECT {q}.v FROM (SELECT {} UNION ALL SELECT {}) AS {q}(v) LIMIT 1) | T, T | UNION ALL in an expression", "(SELECT v FROM (SELECT 1) AS {q}, LATERAL (SELECT {}) AS {w}(v)) | T | LATERAL in an expression",
    "(SELECT first_value({}) OVER ()) | T | window in an expression", "(({})::{T}) | T | cast to itself", "(SELECT v FROM ROWS FROM (generate_series(1, 1)) AS {q}(i), LATERAL (VALUES ({})) AS {w}(v)) | T | ROWS FROM in an expression",
    "(SELECT any_row.v FROM (SELECT {} AS v, 1 AS n) AS any_row) | T | derived row in an expression")

# (SQL, types of arguments, type made, name); {order} is a clear column.
AGGREGATES = [
    ("max({})", ["text"], "text", "max"), ("min({})", ["text"], "text", "min"), ("string_agg({}, ',')", ["text"], "text", "string_agg"),
    ("string_agg({}, {})", ["text", "text"], "text", "string_agg by a column"), ("string_agg({}, ',' ORDER BY {order})", ["text"], "text", "string_agg ORDER BY"),
    ("array_agg({})", ["text"], "text[]", "array_agg"), ("array_agg({} ORDER BY {order} DESC)", ["text"], "text[]", "array_agg ORDER BY"), ("json_agg({})", ["any"], "json", "json_agg"),
    ("jsonb_agg({})", ["any"], "jsonb", "jsonb_agg"), ("jsonb_object_agg({order}::text || 'k', {})", ["any"], "jsonb", "jsonb_object_agg"), ("json_object_agg(coalesce({}, 'k'), 1)", ["text"], "json", "json_object_agg of keys"),
    ("count({})", ["any"], "int", "count"), ("count(*)", [], "int", "count(*)"), ("count(DISTINCT {})", ["text"], "int", "count DISTINCT"), ("max({})", ["int"], "int", "max of int"), ("min({})", ["date"], "date", "min of date"),
    ("max({})", ["numeric"], "numeric", "max of numeric"), ("max({})", ["timestamptz"], "timestamptz", "max of timestamptz"), ("max({})", ["money"], "money", "max of money"), ("max({})", ["inet"], "inet", "max of inet"),
    ("sum({})", ["numeric"], "numeric", "sum"), ("avg({})", ["int"], "numeric", "avg"), ("bool_or({})", ["bool"], "bool", "bool_or"), ("every({})", ["bool"], "bool", "every"), ("bit_and({})", ["int"], "int", "bit_and"),
    ("xmlagg({})", ["xml"], "xml", "xmlagg"), ("mode() WITHIN GROUP (ORDER BY {})", ["text"], "text", "mode"), ("percentile_disc(0.5) WITHIN GROUP (ORDER BY {})", ["int"], "int", "percentile_disc"),
    ("(array_agg({}))[1]", ["uuid"], "uuid", "element of array_agg"), ("string_agg({}, '\\x00'::bytea)", ["bytea"], "bytea", "string_agg of bytea"), ("array_agg({})", ["int"], "int8[]", "array_agg of int"), ("range_agg({})::text", ["int8range"], "text", "range_agg"),
    ("stddev({})", ["int"], "numeric", "stddev"), ("string_agg(DISTINCT {}, ',')", ["text"], "text", "string_agg DISTINCT"), ("a_join({})", ["text"], "text", "user aggregate")]
