-- One entry a line. Run by simple query, and by extended query with text and with binary results; `@simple` lines, which
-- hold several statements or cannot be prepared, by simple query only. Answers must not depend on the time, the backend or
-- an object's OID. Lines share one session each round, so what one makes, the next may use.
SELECT 1
SELECT 1 AS one, 'two' AS two, NULL AS three
SELECT
SELECT NULL
SELECT true, false, 1::smallint, 2::int, 3::bigint, 4.5::numeric, 6.5::real, 7.25::double precision
SELECT 'a'::text, 'b'::varchar(10), 'c'::char(4), 'd'::name, '\x0102ff'::bytea
SELECT '2001-02-03'::date, '04:05:06.789'::time, '2001-02-03 04:05:06'::timestamp, '2001-02-03 04:05:06+00'::timestamptz
SELECT '1 day 2 hours'::interval, '01:02:03:04:05:06'::macaddr, '10.0.0.0/8'::cidr, '10.0.0.1'::inet
SELECT '{"a": [1, 2, {"b": null}]}'::json, '{"b": 1, "a": 2}'::jsonb
SELECT ARRAY[1, 2, 3], ARRAY['x', NULL, 'z'], '{{1,2},{3,4}}'::int[]
SELECT '[1,10)'::int4range, '{[1,2),[5,6)}'::int4multirange
SELECT ROW(1, 'x', NULL), (1, 2)::text
SELECT 'a fat cat'::tsvector, 'fat & cat'::tsquery
SELECT '(1,2)'::point, '((0,0),(1,1))'::box
SELECT '12345678-1234-1234-1234-123456789012'::uuid, B'1010', 12.34::money
SELECT 'naïve café 漢字 🐘'
SELECT E'line\nbreak\ttab\\ quote\''
SELECT $$dollar 'quoted'$$, $tag$with $$ inside$tag$
SELECT U&'d\0061t\+000061', U&"n\0061me" FROM (SELECT 1 AS name) AS t
SELECT 'it''s', "weird ""name""" FROM (SELECT 2 AS "weird ""name""") AS t
SELECT /* a comment */ 1 -- and another
SELECT /* nested /* comment */ */ 2
SELECT 1 + 2 * 3, 7 / 2, 7 % 2, 2 ^ 10, -5 @ 3
SELECT 1 + 2 * 3, 7 / 2, 7 % 2, 2 ^ 10, @ -5
SELECT 0.1 + 0.2, 1e100::float8, 'NaN'::float8, 'Infinity'::float8
SELECT 99999999999999999999999999999999.123456789::numeric
SELECT CASE WHEN 1 > 0 THEN 'yes' ELSE 'no' END, COALESCE(NULL, 3), NULLIF(1, 1), GREATEST(1, 9), LEAST(4, 2)
SELECT generate_series(1, 20)
SELECT i, i * i AS square, repeat('x', i) FROM generate_series(1, 100) AS i
SELECT i FROM generate_series(1, 0) AS i
SELECT string_agg(i::text, ',' ORDER BY i DESC), count(*), sum(i), avg(i), min(i), max(i) FROM generate_series(1, 10) AS i
SELECT i % 3 AS k, count(*) FROM generate_series(1, 10) AS i GROUP BY 1 ORDER BY 1
SELECT i % 3 AS k, count(*) FROM generate_series(1, 10) AS i GROUP BY 1 HAVING count(*) > 3 ORDER BY 1
SELECT i, row_number() OVER (ORDER BY i DESC), lag(i) OVER (ORDER BY i) FROM generate_series(1, 5) AS i ORDER BY i
WITH t AS (SELECT 1 AS a UNION ALL SELECT 2) SELECT * FROM t ORDER BY a
WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 10) SELECT sum(n) FROM t
VALUES (1, 'a'), (2, 'b'), (3, NULL)
TABLE pg_catalog.pg_database LIMIT 0
SELECT 1 UNION SELECT 1 UNION ALL SELECT 2 ORDER BY 1
SELECT 1 INTERSECT SELECT 1 EXCEPT SELECT 2
SELECT * FROM (VALUES (1), (2)) AS a(x) CROSS JOIN (VALUES ('p'), ('q')) AS b(y) ORDER BY 1, 2
SELECT a.x, b.y FROM (VALUES (1), (2)) AS a(x) LEFT JOIN (VALUES (2, 'two')) AS b(x, y) USING (x) ORDER BY 1
SELECT x FROM (VALUES (3), (1), (2)) AS t(x) ORDER BY x DESC LIMIT 2 OFFSET 1
SELECT DISTINCT ON (k) k, v FROM (VALUES (1, 'b'), (1, 'a'), (2, 'c')) AS t(k, v) ORDER BY k, v
SELECT EXISTS (SELECT 1 WHERE false), 3 IN (1, 2, 3), 3 = ANY (ARRAY[1, 2]), 3 > ALL (ARRAY[1, 2])
SELECT repeat('long ', 20000)
SELECT length(repeat('x', 5000000))
SELECT repeat('y', 300000), repeat('z', 300000)
SELECT md5('abc'), sha256('abc'), encode('abc', 'base64'), upper('é'), initcap('hello world')
SELECT regexp_replace('foobar', 'o+', '0'), regexp_matches('a1b2', '[0-9]', 'g'), 'abc' ~ 'b', 'abc' LIKE 'a%'
SELECT to_char(1234567.891, '9,999,999.99'), to_date('05 Dec 2000', 'DD Mon YYYY'), extract(year FROM '2001-02-03'::date)
SELECT jsonb_path_query('{"a": [1, 2, 3]}', '$.a[*] ? (@ > 1)'), '{"a": {"b": 1}}'::jsonb #> '{a,b}'
SELECT current_database() IS NOT NULL, current_user, session_user, current_schema
SHOW server_version
SHOW client_encoding
SHOW standard_conforming_strings
SHOW transaction_isolation
SELECT current_setting('search_path'), current_setting('no.such.setting', true)
EXPLAIN (COSTS OFF) SELECT 1
EXPLAIN (COSTS OFF, FORMAT JSON) SELECT generate_series(1, 2)
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT 1
CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL, born date, notes text DEFAULT 'none', CHECK (id > 0))
CREATE TABLE IF NOT EXISTS people (id int)
CREATE TABLE people (id int)
CREATE INDEX people_name ON people (name)
CREATE UNIQUE INDEX people_lower ON people (lower(name))
CREATE SEQUENCE numbers START 5
CREATE VIEW elders AS SELECT id, name FROM people WHERE born < '1970-01-01'
CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM people
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')
CREATE TYPE pair AS (a int, b text)
CREATE DOMAIN positive AS int CHECK (VALUE > 0)
CREATE TABLE moods (id serial PRIMARY KEY, m mood, p pair, d positive, parent int REFERENCES people (id))
CREATE SCHEMA annex
CREATE TABLE annex.people (other text)
COMMENT ON TABLE people IS 'some people'
INSERT INTO people (id, name, born) VALUES (1, 'Ada', '1815-12-10'), (2, 'Grace', '1906-12-09'), (3, 'Linus', '1969-12-28')
INSERT INTO people VALUES (4, 'Guido', '1956-01-31', NULL) RETURNING *
INSERT INTO people VALUES (4, 'Again')
INSERT INTO people VALUES (4, 'Guido van', '1956-01-31') ON CONFLICT (id) DO UPDATE SET name = excluded.name RETURNING id, name
INSERT INTO people VALUES (4, 'No') ON CONFLICT DO NOTHING
INSERT INTO people VALUES (-1, 'Negative')
INSERT INTO people (id) VALUES (9)
INSERT INTO people SELECT i, 'p' || i FROM generate_series(100, 149) AS i
INSERT INTO moods (m, p, d) VALUES ('ok', ROW(1, 'one'), 5) RETURNING id, m, p, (p).b, d
INSERT INTO moods (m) VALUES ('angry')
INSERT INTO moods (d) VALUES (0)
INSERT INTO moods (parent) VALUES (99999)
INSERT INTO annex.people VALUES ('over there')
SELECT * FROM people WHERE id < 10 ORDER BY id
SELECT id, name FROM people WHERE name LIKE 'p1%' ORDER BY id
SELECT p.*, m.m FROM people p LEFT JOIN moods m ON m.parent = p.id WHERE p.id < 4 ORDER BY p.id
SELECT * FROM elders ORDER BY id
SELECT people FROM people WHERE id = 1
SELECT p FROM people p WHERE id < 3 ORDER BY id
SELECT name FROM annex.people, people WHERE id = 2
SELECT nextval('numbers'), nextval('numbers'), currval('numbers')
SELECT setval('numbers', 100), lastval()
UPDATE people SET notes = 'pioneer' WHERE id IN (1, 2) RETURNING id, notes
UPDATE people SET notes = NULL WHERE id = 77777
UPDATE people SET id = 1 WHERE id = 2
UPDATE people p SET notes = m.m::text FROM moods m WHERE m.id = p.id
DELETE FROM people WHERE id = 149 RETURNING *
DELETE FROM people WHERE id > 140
WITH gone AS (DELETE FROM people WHERE id = 139 RETURNING id) SELECT * FROM gone
WITH new AS (INSERT INTO people VALUES (200, 'cte') RETURNING id) UPDATE moods SET parent = 1 RETURNING parent
MERGE INTO people USING (VALUES (200, 'merged'), (201, 'new')) AS s(id, name) ON people.id = s.id WHEN MATCHED THEN UPDATE SET name = s.name WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.name)
REFRESH MATERIALIZED VIEW counted
SELECT * FROM counted
ALTER TABLE people ADD COLUMN email text
ALTER TABLE people ALTER COLUMN email SET DEFAULT 'x@example.com'
ALTER TABLE people RENAME COLUMN email TO mail
ALTER TABLE people DROP COLUMN nothing_like_it
SELECT * FROM people WHERE id = 3
SELECT attname, attnum FROM pg_attribute WHERE attrelid = 'people'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
SELECT relname, relkind FROM pg_class WHERE relname IN ('people', 'moods', 'elders') ORDER BY 1, 2
SELECT 'pg_class'::regclass, 'int4'::regtype
CREATE FUNCTION twice(x int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT x * 2'
CREATE FUNCTION loud(t text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'heard %', t USING HINT = 'be quiet'; RETURN upper(t); END $$
CREATE FUNCTION fails() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = 'P1234', DETAIL = 'a detail', HINT = 'a hint'; END $$
CREATE PROCEDURE proc(INOUT x int) LANGUAGE plpgsql AS $$ BEGIN x := x + 1; COMMIT; END $$
CREATE FUNCTION rows_of(n int) RETURNS TABLE (a int, b text) LANGUAGE sql AS 'SELECT i, i::text FROM generate_series(1, n) AS i'
SELECT twice(21), twice(NULL)
SELECT loud('hello')
SELECT fails()
SELECT * FROM rows_of(3)
CALL proc(41)
DO $$ BEGIN RAISE NOTICE 'from do'; RAISE WARNING 'a warning'; PERFORM 1; END $$
DO $$ BEGIN RAISE INFO 'info'; RAISE EXCEPTION 'do failed'; END $$
CREATE TRIGGER touch BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()
CREATE RULE quiet AS ON DELETE TO annex.people DO INSTEAD NOTHING
DELETE FROM annex.people
GRANT SELECT ON people TO plain_reader
REVOKE SELECT ON people FROM plain_reader
SET ROLE plain_reader
SELECT current_user
SELECT * FROM people
RESET ROLE
SET application_name = 'differential'
SHOW application_name
SET DateStyle = 'German, DMY'
SELECT '2001-02-03'::date
RESET DateStyle
SET TimeZone = 'Asia/Tokyo'
SELECT '2001-02-03 04:05:06+00'::timestamptz
SET TIME ZONE 'UTC'
SET IntervalStyle = 'iso_8601'
SELECT '1 day 2 hours'::interval
SET IntervalStyle TO DEFAULT
SET bytea_output = 'escape'
SELECT '\x00ff41'::bytea
RESET bytea_output
SET extra_float_digits = 0
SELECT 0.1::float8 + 0.2::float8
RESET extra_float_digits
SET no_such_setting = 1
SET search_path = annex, public
SELECT count(*) FROM people
SHOW search_path
RESET search_path
SELECT count(*) FROM people
SELECT set_config('work_mem', '5MB', false)
SHOW work_mem
SET LOCAL work_mem = '6MB'
SET client_encoding = 'UTF8'
SET standard_conforming_strings = on
SELECT no_such_column FROM people
SELECT * FROM no_such_table
SELECT no_such_function(1)
SELEC 1
SELECT 1 FROM
SELECT 'unterminated
SELECT 1/0
SELECT 1/0 FROM generate_series(1, 3)
SELECT 1/(3-i) FROM generate_series(1, 5) AS i
SELECT 'x'::int
SELECT 99999999999
SELECT 99999999999::int
SELECT ''::json
INSERT INTO no_such_table VALUES (1)
SELECT * FROM people WHERE id = 'abc'
SELECT $1
SELECT (SELECT id FROM people)
DROP TABLE no_such_table
DROP TABLE IF EXISTS no_such_table
CREATE TABLE pg_catalog.forbidden (x int)
BEGIN
SELECT 1
INSERT INTO people VALUES (300, 'in transaction')
SAVEPOINT one
INSERT INTO people VALUES (301, 'after savepoint')
SELECT 1/0
SELECT 2
ROLLBACK TO one
SELECT count(*) FROM people WHERE id >= 300
RELEASE one
RELEASE one
ROLLBACK
SELECT count(*) FROM people WHERE id >= 300
COMMIT
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY
INSERT INTO people VALUES (302, 'read only')
COMMIT
START TRANSACTION ISOLATION LEVEL REPEATABLE READ
SHOW transaction_isolation
COMMIT AND CHAIN
SHOW transaction_isolation
ROLLBACK
BEGIN
BEGIN
END
BEGIN
SELECT no_such_column
COMMIT
ROLLBACK
BEGIN
SET LOCAL DateStyle = 'SQL'
SHOW DateStyle
COMMIT
SHOW DateStyle
BEGIN
DECLARE c CURSOR FOR SELECT i FROM generate_series(1, 10) AS i
FETCH 3 FROM c
FETCH NEXT FROM c
MOVE 2 IN c
FETCH ALL FROM c
FETCH BACKWARD 2 FROM c
CLOSE c
CLOSE c
ROLLBACK
BEGIN
DECLARE h SCROLL CURSOR WITH HOLD FOR SELECT name FROM people WHERE id < 4 ORDER BY id
COMMIT
FETCH FIRST FROM h
FETCH LAST FROM h
FETCH ABSOLUTE 2 FROM h
SELECT name, is_holdable FROM pg_cursors WHERE name = 'h'
CLOSE ALL
FETCH h
DECLARE outside CURSOR FOR SELECT 1
PREPARE p1 (int) AS SELECT name FROM people WHERE id = $1
PREPARE p1 AS SELECT 1
EXECUTE p1(2)
EXECUTE p1(12345)
EXECUTE p1
EXPLAIN (COSTS OFF) EXECUTE p1(1)
SELECT name, statement, from_sql FROM pg_prepared_statements WHERE name = 'p1'
DEALLOCATE p1
EXECUTE p1(2)
DEALLOCATE p1
PREPARE p2 AS UPDATE people SET notes = 'again' WHERE id = 1 RETURNING id, notes
EXECUTE p2
DEALLOCATE ALL
LISTEN channel
NOTIFY channel, 'payload'
NOTIFY channel
NOTIFY deaf, 'nobody'
SELECT pg_notify('channel', 'by function')
BEGIN
NOTIFY channel, 'late'
SELECT 'the notification comes at commit'
COMMIT
UNLISTEN channel
NOTIFY channel, 'nobody hears'
UNLISTEN *
CREATE TEMPORARY TABLE scratch (x int) ON COMMIT DROP
CREATE TEMPORARY TABLE scratch AS SELECT i FROM generate_series(1, 3) AS i
SELECT * FROM scratch ORDER BY 1
CREATE TABLE copied (LIKE people INCLUDING ALL)
SELECT 5 AS into_column INTO TABLE made_by_into
SELECT * FROM made_by_into
TRUNCATE copied
LOCK TABLE copied
BEGIN
LOCK TABLE copied IN ACCESS EXCLUSIVE MODE
COMMIT
ANALYZE people
VACUUM people
REINDEX TABLE people
CLUSTER people USING people_pkey
CHECKPOINT
SELECT pg_advisory_lock(7), pg_advisory_unlock(7), pg_advisory_unlock(8)
SELECT pg_sleep(0.01)
SELECT lo_create(424242)
SELECT lo_unlink(424242)
SELECT query_to_xml('SELECT 1 AS a', true, false, '')
DISCARD PLANS
DISCARD SEQUENCES
DISCARD TEMP
DISCARD ALL
SELECT pg_cancel_backend(pg_backend_pid())
SELECT 1
SET statement_timeout = 50
SELECT pg_sleep(5)
RESET statement_timeout
DROP VIEW elders
DROP TABLE people
DROP TABLE people CASCADE
DROP TYPE mood CASCADE
DROP FUNCTION twice(int), loud(text), fails(), rows_of(int)
DROP SCHEMA annex
DROP SCHEMA annex CASCADE
DROP SEQUENCE numbers
@simple 
@simple ;
@simple ;;;
@simple -- only a comment
@simple SELECT 1; SELECT 2; SELECT 3
@simple SELECT 1;; SELECT 'two'::text;
@simple SELECT 1; SELECT 1/0; SELECT 3
@simple SELECT 1; SELEC 2; SELECT 3
@simple CREATE TABLE several (x int); INSERT INTO several VALUES (1); SELECT * FROM several; DROP TABLE several
@simple BEGIN; SELECT 1; COMMIT
@simple BEGIN; SELECT 1
@simple SELECT 'still inside'; ROLLBACK; SELECT 'outside'
@simple BEGIN; CREATE TABLE undone (x int); SELECT 1/0; COMMIT
@simple ROLLBACK
@simple SELECT * FROM undone
@simple INSERT INTO made_by_into VALUES (6); SELECT 1/0
@simple SELECT count(*) FROM made_by_into
@simple INSERT INTO made_by_into VALUES (6); COMMIT; SELECT 1/0
@simple SELECT count(*) FROM made_by_into
@simple SET application_name = 'a'; SET application_name = 'b'; SHOW application_name
@simple VACUUM; SELECT 1
@simple PREPARE q AS SELECT $1::int + 1; EXECUTE q(1); EXECUTE q(2); DEALLOCATE q
@simple BEGIN; DECLARE d CURSOR FOR SELECT generate_series(1, 3); FETCH 1 FROM d; FETCH ALL FROM d; COMMIT
@simple LISTEN a; NOTIFY a, 'x'; UNLISTEN *
@simple SELECT 1; ; -- trailing comment
@simple DROP TABLE made_by_into, copied, moods
