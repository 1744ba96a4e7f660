-- Statements of every other form, for masks.py. A line is a script; `;;` parts its messages, which stand in a transaction
-- that is rolled back, but in a family that is `raw`. `== FAMILY WORD...`: `works` says that the masks must let it through.
-- <<S>> is any SELECT of the grammar, <<p>> a text over public.people AS p, <<v>> any value over public.vault AS v,
-- <<a>> any value over people AS p, <<P>> a masked column of people, <<n>> 1 to 5, <<h>> 3 to d, <<c>> a clear
-- condition on p. @x, @b:
-- by extended query, with results as text, in binary form; @f: FunctionCall; @quiet: shows
-- nothing by itself; @beyond: masks do not promise it (docs/masks.md, what they cannot do): counted, not a failure.

== plain columns works
SELECT id, email, ssn FROM people
SELECT p.*, <<p>> AS extra FROM people AS p
TABLE people
TABLE vault
SELECT * FROM vault
@b SELECT * FROM vault
@b SELECT v.* FROM vault AS v WHERE id = <<n>>
SELECT id, <<P>> FROM people WHERE id = <<n>>
SELECT <<p>>, <<p>> FROM public.people AS p
@b SELECT <<v>>, <<v>> FROM vault AS v
SELECT <<v>>, <<v>> FROM vault AS v
SELECT name, number FROM cards JOIN people ON person = people.id
SELECT reverse(number), number || '', left(number, 12), substr(number, 3), lpad(number, 40), number FROM cards
SELECT number AS n, token FROM cards JOIN gone USING (id)
SELECT "text", "user", "Mixed Case", "a""b", "date", odd.text, odd.user FROM odd
SELECT "date"::text, "date" FROM odd
SELECT email FROM people FOR UPDATE
SELECT email FROM ONLY people FOR NO KEY UPDATE SKIP LOCKED
SELECT ssn FROM other.staff
SELECT postgres.x FROM (SELECT email AS x FROM people) AS postgres

== whole rows works
SELECT p FROM people AS p
@b SELECT v FROM vault AS v
SELECT people FROM people
SELECT (people).email FROM people
SELECT (people.*).ssn FROM people
SELECT email(people), people.note FROM people
SELECT row_to_json(p), to_jsonb(p), json_agg(p) OVER () FROM people AS p
SELECT (SELECT p), ROW(p), ROW(p.*), p::text, (p.*)::text FROM people AS p
SELECT array_agg(p) FROM people AS p
SELECT (array_agg(p))[1].email FROM people AS p
SELECT x.p FROM (SELECT p FROM people AS p) AS x
SELECT (x.p).email FROM (SELECT p FROM people AS p) AS x
SELECT (x.p).* FROM (SELECT p FROM people AS p) AS x
SELECT x FROM (SELECT id, email FROM people) AS x
SELECT x.* FROM (SELECT p.*, p FROM people AS p) AS x
WITH w AS (SELECT * FROM people) SELECT w, w.email, row_to_json(w) FROM w
SELECT (person).email, person, document->>'email' FROM v_rows
SELECT coalesce(p, p), CASE WHEN true THEN p END FROM people AS p
SELECT p IS NULL, p::text FROM people AS p
SELECT j FROM people AS p JOIN LATERAL to_jsonb(p) AS j ON true
SELECT (v).s_place, ((v).s_place).street, (v.s_place).number FROM vault AS v
SELECT (s_place).* FROM vault
SELECT ROW(s_place), ARRAY[s_place] FROM vault
SELECT e FROM events AS e
SELECT d, d.body FROM docs AS d
SELECT n FROM notes AS n

== detected forms works
SELECT line FROM logs
@b SELECT id, line FROM logs
SELECT l.* FROM logs AS l WHERE id = <<n>>
SELECT 'so: ' || line || ' that was it' FROM logs ORDER BY id
SELECT line::varchar, line::xml, array_agg(line) OVER (), to_json(line) FROM logs
COPY logs TO STDOUT
COPY logs TO STDOUT (FORMAT csv)
COPY (SELECT line FROM logs) TO STDOUT (FORMAT binary)
DECLARE c CURSOR FOR SELECT line FROM logs ;; FETCH ALL FROM c
UPDATE logs SET level = 'high' RETURNING line
DO $$ BEGIN RAISE NOTICE 'it said %', (SELECT line FROM logs WHERE id = <<n>>); END $$

== records made again
SELECT (json_populate_record(NULL::people, to_json(p))).email FROM people AS p
SELECT (jsonb_populate_record(p, '{}')).* FROM people AS p
SELECT r.* FROM people AS p, jsonb_to_record(to_jsonb(p)) AS r(email text, ssn text)
SELECT r.* FROM (SELECT jsonb_agg(p) AS a FROM people AS p) AS q, jsonb_to_recordset(a) AS r(email text)
SELECT (p #= hstore('id', '9')).email FROM people AS p
SELECT (each(hstore(p))).* FROM people AS p
SELECT hstore(p) -> 'email', svals(hstore(p)) FROM people AS p
SELECT r.email FROM (SELECT (p.*)::people AS r FROM people AS p) AS q, LATERAL (SELECT (q.r).email) AS r
SELECT (x).email FROM (SELECT '(1,a,b,c,d,1,e,1)'::people AS x UNION ALL SELECT p FROM people AS p) AS q
SELECT e.* FROM people AS p, jsonb_each_text(to_jsonb(p)) AS e
SELECT jsonb_path_query(to_jsonb(p), '$.email') FROM people AS p
SELECT jsonb_object_keys(jsonb_build_object(p.email, 1)) FROM people AS p
SELECT xmltable.* FROM people AS p, xmltable('/r/e' PASSING xmlelement(name r, xmlelement(name e, email)) COLUMNS x text PATH '.')
SELECT unnest(xpath('//text()', xmlforest(email))) FROM people
SELECT unnest(ARRAY[email, ssn]) FROM people
SELECT u.* FROM people, unnest(ARRAY[email], ARRAY[id]) WITH ORDINALITY AS u(a, b, n)
SELECT unnest(s_texts), unnest(s_int8s) FROM vault
SELECT regexp_matches(email, '(.)(.)', 'g'), regexp_split_to_table(ssn, '[0-9]') FROM people
SELECT string_to_table(email, 'Q') FROM people
SELECT ts_headline('simple', email, to_tsquery('simple', 'x')) FROM people
SELECT (ts_debug('simple', email)).token FROM people

== views works
SELECT * FROM v_people
SELECT contact, badge FROM v_renamed
SELECT reach, figure FROM v_nested
SELECT described FROM v_expression
SELECT what FROM v_union
SELECT addresses FROM v_grouped
SELECT address, tag FROM v_cte
SELECT email FROM v_barrier
SELECT v FROM v_star AS v
@b SELECT * FROM v_star
SELECT word FROM v_recursive
SELECT * FROM m_people
SELECT reach FROM m_nested
COPY (TABLE v_renamed) TO STDOUT
COPY (TABLE m_people) TO STDOUT
WITH v_people AS (SELECT id, ssn AS name FROM people) SELECT name FROM v_people

== relatives
SELECT payload FROM events_1
SELECT * FROM events_2
COPY events_1 (payload) TO STDOUT
SELECT title, body FROM docs
SELECT docs FROM docs
SELECT body, extra FROM docs_child
SELECT body FROM notes_child
SELECT tableoid::regclass, body FROM docs

== returning works
UPDATE people AS p SET age = age + 1 WHERE <<c>> RETURNING id, email, <<p>>
UPDATE people SET city = 'east' RETURNING *
@b UPDATE vault AS v SET c_int = c_int + 1 RETURNING v.*, <<v>>
UPDATE people AS p SET age = 30 FROM vault AS v WHERE v.id = p.id RETURNING v.s_text, p.ssn
DELETE FROM gone WHERE id = <<n>> RETURNING *
DELETE FROM cards AS p USING people AS q WHERE q.id = p.person RETURNING q.email, p.number
INSERT INTO people (id, name) VALUES (1, 'larch') ON CONFLICT (id) DO UPDATE SET age = 50 RETURNING email, people, id
INSERT INTO plain (id) VALUES (90) RETURNING id, (SELECT email FROM people WHERE id = <<n>>)
INSERT INTO plain (id) SELECT 100 + id FROM people RETURNING id, (SELECT max(ssn) FROM people)
UPDATE events SET kind = 'kind' RETURNING payload
UPDATE notes SET title = 'x' RETURNING body
UPDATE v_people SET city = 'west' RETURNING email, v_people

== changes in WITH works
WITH d AS (DELETE FROM gone RETURNING *) SELECT token, kind FROM d
WITH u AS (UPDATE people SET age = 40 RETURNING id, email AS e, people AS r) SELECT id, upper(e), (r).ssn FROM u
WITH u AS (UPDATE people AS p SET age = 40 RETURNING id, <<p>> AS e) SELECT e || '!' FROM u UNION ALL SELECT name FROM people
WITH i AS (INSERT INTO plain (id) VALUES (91) RETURNING (SELECT email FROM people WHERE id = 1) AS e) SELECT e FROM i
WITH u AS (UPDATE people SET age = 41 RETURNING *) , x AS (SELECT u.email, c.number FROM u JOIN cards AS c ON c.person = u.id) SELECT * FROM x

== stores
CREATE TEMP TABLE kept AS <<S>> ;; SELECT * FROM kept
CREATE TEMP TABLE kept AS SELECT <<p>> AS x FROM people AS p ;; SELECT x FROM kept
SELECT <<p>> AS x INTO TEMP kept FROM people AS p ;; TABLE kept
CREATE TEMP TABLE kept (x text) ;; INSERT INTO kept SELECT <<p>> FROM people AS p ;; SELECT * FROM kept
INSERT INTO plain (id, word) SELECT 100 + p.id, <<p>> FROM people AS p RETURNING word
INSERT INTO other.people (id, email) SELECT 100 + id, email FROM people ;; SELECT email FROM other.people
UPDATE plain SET word = <<P>> FROM people AS p WHERE p.id = plain.id RETURNING word
UPDATE plain SET (word, amount) = (SELECT email, length(ssn) FROM people AS p WHERE p.id = plain.id) ;; SELECT * FROM plain
UPDATE people SET name = email ;; SELECT name FROM people
UPDATE people SET city = ssn RETURNING city
UPDATE people SET name = p2.email FROM people AS p2 WHERE p2.id = people.id RETURNING people.name
MERGE INTO plain USING people AS p ON p.id = plain.id WHEN MATCHED THEN UPDATE SET word = <<p>> ;; SELECT word FROM plain
MERGE INTO plain USING (SELECT id + 50 AS id, email FROM people) AS p ON p.id = plain.id WHEN NOT MATCHED THEN INSERT (id, word) VALUES (p.id, p.email) ;; TABLE plain
MERGE INTO people USING plain ON plain.id = people.id WHEN MATCHED AND email LIKE 'Q%' THEN DO NOTHING WHEN MATCHED THEN UPDATE SET name = ssn ;; SELECT name FROM people
WITH w AS (SELECT id, email FROM people), u AS (UPDATE plain SET word = w.email FROM w WHERE w.id = plain.id RETURNING word) SELECT * FROM u
CREATE MATERIALIZED VIEW kept AS SELECT email AS x FROM people ;; SELECT x FROM kept
INSERT INTO plain (id, word) VALUES (92, (SELECT email FROM people WHERE id = <<n>>)) RETURNING word
INSERT INTO plain (id, word) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET word = (SELECT ssn FROM people WHERE id = 1) RETURNING word
PREPARE kept AS SELECT email AS x FROM people ;; CREATE TEMP TABLE kept2 AS EXECUTE kept ;; SELECT x FROM kept2 ;; DEALLOCATE kept
@beyond CREATE TEMP TABLE kept (x text DEFAULT f_email(1)) ;; INSERT INTO kept DEFAULT VALUES RETURNING x
COPY people TO PROGRAM 'cat > /tmp/sallyport_masks_$PPID' ;; CREATE TEMP TABLE kept (x text) ;; COPY kept FROM PROGRAM 'cat /tmp/sallyport_masks_$PPID; rm /tmp/sallyport_masks_$PPID' ;; SELECT x FROM kept
SELECT lo_from_bytea(424242, convert_to(email, 'UTF8')) FROM people WHERE id = 1 ;; SELECT lo_get(424242)
SELECT lo_from_bytea(424242, textsend(ssn)) FROM people WHERE id = 1 ;; SELECT data FROM pg_largeobject WHERE loid = 424242

== definitions
CREATE TEMP VIEW mine AS <<S>> ;; SELECT * FROM mine
CREATE VIEW mine AS SELECT <<p>> AS x FROM people AS p ;; SELECT x FROM mine
CREATE VIEW mine AS SELECT word AS x FROM plain ;; CREATE OR REPLACE VIEW mine AS SELECT email AS x FROM people ;; SELECT x FROM mine
CREATE VIEW mine AS SELECT word AS x FROM plain ;; PREPARE mine AS SELECT x FROM mine ;; CREATE OR REPLACE VIEW mine AS SELECT email AS x FROM people ;; EXECUTE mine ;; DEALLOCATE mine
ALTER TABLE people RENAME COLUMN email TO e2 ;; SELECT e2 FROM people
ALTER TABLE people RENAME COLUMN name TO old ;; ALTER TABLE people RENAME COLUMN email TO name ;; SELECT name FROM people
ALTER TABLE people RENAME TO folk ;; SELECT email, ssn FROM folk
ALTER TABLE accounts SET SCHEMA other ;; SELECT owner_email FROM other.accounts
ALTER TABLE other.people RENAME TO old ;; ALTER TABLE other.old RENAME CONSTRAINT people_pkey TO old_pkey ;; ALTER TABLE people SET SCHEMA other ;; SELECT email FROM other.people
ALTER TABLE people ADD COLUMN copied text GENERATED ALWAYS AS (email) STORED ;; SELECT copied FROM people
ALTER TABLE accounts ALTER COLUMN balance TYPE text USING owner_email ;; SELECT balance FROM accounts
@beyond ALTER TABLE plain ALTER COLUMN word SET DEFAULT f_email(2) ;; INSERT INTO plain (id) VALUES (93) RETURNING word
CREATE FUNCTION mine() RETURNS text LANGUAGE sql AS 'SELECT email FROM people LIMIT 1' ;; SELECT mine()
CREATE FUNCTION public.lower(people) RETURNS text LANGUAGE sql AS 'SELECT $1.email' ;; SELECT lower(p) FROM people AS p ;; SELECT p.lower FROM people AS p
CREATE TABLE mine (LIKE people) ;; ALTER TABLE people INHERIT mine ;; SELECT email FROM mine
CREATE TABLE mine (id int, day date, kind text, payload text) PARTITION BY LIST (id) ;; ALTER TABLE events DETACH PARTITION events_1 ;; ALTER TABLE mine ATTACH PARTITION events_1 DEFAULT ;; SELECT payload FROM mine
CREATE RULE mine AS ON INSERT TO plain DO INSTEAD SELECT email FROM people ;; INSERT INTO plain (id) VALUES (94)
CREATE RULE mine AS ON UPDATE TO plain DO ALSO SELECT ssn AS word FROM people ;; UPDATE plain SET amount = 1
@beyond CREATE FUNCTION mine() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.word := (SELECT email FROM people LIMIT 1); RETURN NEW; END' ;; CREATE TRIGGER mine BEFORE UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION mine() ;; UPDATE plain SET amount = 2 RETURNING word
CREATE FUNCTION mine(people) RETURNS text LANGUAGE sql AS 'SELECT $1.ssn' ;; CREATE CAST (people AS text) WITH FUNCTION mine(people) AS IMPLICIT ;; SELECT left(p, 30) FROM people AS p
CREATE OPERATOR ?? (LEFTARG = text, RIGHTARG = text, FUNCTION = textcat) ;; SELECT email ?? 'x' FROM people
CREATE AGGREGATE mine(text) (SFUNC = textcat, STYPE = text, INITCOND = '') ;; SELECT mine(email) FROM people
ALTER VIEW v_people RENAME COLUMN email TO clear ;; SELECT clear FROM v_people
CREATE TABLE mine (x) AS SELECT email FROM people WITH NO DATA ;; INSERT INTO mine SELECT email FROM people ;; SELECT x FROM mine
CREATE STATISTICS mine ON email, ssn FROM people ;; ANALYZE people ;; SELECT * FROM pg_stats_ext
CREATE INDEX mine ON people (lower(email)) ;; ANALYZE people ;; SELECT most_common_vals, histogram_bounds::text FROM pg_stats WHERE tablename = 'mine'
CREATE TYPE mine AS (a text) ;; SELECT ROW(email)::mine, (ROW(email)::mine).a FROM people
CREATE FOREIGN DATA WRAPPER mine ;; SELECT email FROM people

== names
SET LOCAL search_path = other, public ;; SELECT email, name FROM people ;; SELECT ssn FROM staff
SET LOCAL search_path = other ;; SELECT p.ssn FROM public.people AS p
PREPARE mine AS SELECT email FROM people ;; SET LOCAL search_path = other ;; EXECUTE mine ;; SET LOCAL search_path = public ;; EXECUTE mine ;; DEALLOCATE mine
SET LOCAL search_path = other ;; PREPARE mine AS SELECT email FROM people ;; SET LOCAL search_path = public ;; EXECUTE mine ;; DEALLOCATE mine
CREATE TEMP TABLE people AS SELECT 1 AS id, 'clear'::text AS email ;; SELECT email FROM people ;; SELECT email FROM public.people ;; DROP TABLE people ;; SELECT email FROM people
CREATE TEMP VIEW plain AS SELECT id, email AS word FROM public.people ;; SELECT word FROM plain
CREATE TEMP TABLE staff (id int, ssn text) ;; SELECT ssn FROM staff ;; SELECT ssn FROM other.staff
CREATE TEMP TABLE beside (id int) ;; INSERT INTO beside VALUES (1), (2) ;; SELECT b.id, p.email FROM beside AS b JOIN people AS p USING (id)
SELECT plain.email FROM people AS plain
SELECT other.email, people.email FROM people AS other JOIN other.people USING (id)
SELECT email, other FROM (SELECT 'clear' AS email) AS people, LATERAL (SELECT ssn FROM public.people LIMIT 1) AS other
SELECT "people"."email", PEOPLE.EMAIL, U&"em\0061il" FROM PUBLIC.People
SET LOCAL ROLE plain_reader ;; RESET ROLE ;; SELECT email FROM people
SAVEPOINT a ;; ALTER TABLE people RENAME COLUMN email TO e2 ;; ROLLBACK TO a ;; SELECT email FROM people

== cursors works
DECLARE c CURSOR FOR <<S>> ;; FETCH 2 FROM c ;; FETCH ALL FROM c
DECLARE c SCROLL CURSOR FOR SELECT id, <<p>> FROM people AS p ;; MOVE 2 IN c ;; FETCH BACKWARD 1 FROM c ;; FETCH ABSOLUTE 3 FROM c ;; FETCH LAST FROM c
DECLARE c BINARY CURSOR FOR SELECT <<v>>, v.s_int8, v.s_date FROM vault AS v ;; FETCH ALL FROM c
DECLARE c CURSOR FOR SELECT * FROM people ;; @b FETCH ALL FROM c
DECLARE c CURSOR FOR SELECT <<p>> FROM people AS p ;; @x FETCH FORWARD 3 FROM c
DECLARE c CURSOR FOR SELECT id FROM people FOR UPDATE ;; FETCH 1 FROM c ;; UPDATE people SET age = 22 WHERE CURRENT OF c RETURNING email
DECLARE c CURSOR FOR SELECT email FROM people ;; @c c

== cursors that are kept raw works
BEGIN ;; DECLARE c CURSOR WITH HOLD FOR <<S>> ;; COMMIT ;; FETCH ALL FROM c ;; CLOSE c
BEGIN ;; DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT <<p>> FROM people AS p ;; COMMIT ;; FETCH 2 FROM c ;; FETCH FIRST FROM c ;; CLOSE ALL
DECLARE c CURSOR WITH HOLD FOR SELECT email FROM people ;; FETCH 2 FROM c ;; @b FETCH 2 FROM c ;; CLOSE c

== cursors of functions
SELECT f_cursor() ;; FETCH ALL FROM opened
SELECT f_cursor() ;; SELECT cursor_to_xml('opened', 5, true, false, '')
SELECT f_cursor() ;; @c opened

== prepared statements raw works
PREPARE s AS <<S>> ;; EXECUTE s ;; DEALLOCATE s
PREPARE s AS SELECT <<p>> FROM people AS p WHERE id < 4 ;; @b EXECUTE s ;; DEALLOCATE s
PREPARE s (int) AS SELECT id, <<p>> FROM people AS p WHERE id = $1 ;; EXECUTE s (<<n>>) ;; DEALLOCATE s
PREPARE s (text) AS SELECT $1 || <<p>> FROM people AS p ;; EXECUTE s ('x') ;; DEALLOCATE ALL
PREPARE s AS SELECT email FROM people ;; @s s ;; DEALLOCATE s
PREPARE s AS UPDATE people SET age = age RETURNING email ;; BEGIN ;; EXECUTE s ;; ROLLBACK ;; DEALLOCATE s
PREPARE s AS SELECT email FROM people ;; EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF) EXECUTE s ;; COPY (SELECT ssn FROM people) TO STDOUT ;; DEALLOCATE s

== several statements works
SELECT 1; SELECT email FROM people; SELECT name FROM people
SELECT name FROM people; SELECT <<p>> FROM people AS p; COPY (SELECT ssn FROM people) TO STDOUT
SELECT email FROM people\; SELECT ssn FROM people
UPDATE people SET age = 33; SELECT note, id FROM people; SELECT 'done'

== copy works
COPY (<<S>>) TO STDOUT
COPY people TO STDOUT
COPY people (id, email) TO STDOUT (FORMAT csv, HEADER, FORCE_QUOTE *)
COPY people (note, email, id, ssn) TO STDOUT (FORMAT binary)
COPY vault TO STDOUT
COPY vault TO STDOUT (FORMAT csv)
COPY vault TO STDOUT (FORMAT binary)
COPY other.staff TO STDOUT WITH DELIMITER '|' NULL 'none'
COPY cards TO STDOUT (FORMAT csv, DELIMITER ';', QUOTE '''', ESCAPE '\', NULL '-')
COPY odd TO STDOUT (FORMAT csv, HEADER true, FORCE_QUOTE ("text"))
COPY notes_child TO STDOUT
COPY (SELECT <<p>>, id FROM people AS p) TO STDOUT (FORMAT csv, HEADER)
COPY (SELECT <<v>>, <<v>> FROM vault AS v) TO STDOUT (FORMAT binary)
COPY (SELECT v, v.s_json FROM vault AS v) TO STDOUT
COPY (UPDATE people SET age = 60 RETURNING email, people) TO STDOUT
COPY (WITH d AS (DELETE FROM gone RETURNING *) SELECT * FROM d) TO STDOUT (FORMAT csv)
COPY (SELECT email || E'\n\t\\,"' || ssn FROM people) TO STDOUT
COPY (SELECT email || E'\n\t\\,"' || ssn, name FROM people) TO STDOUT (FORMAT csv)
COPY (SELECT * FROM v_renamed) TO STDOUT (FORMAT csv, NULL 'cedar')
@x COPY (SELECT email FROM people) TO STDOUT
@b COPY (SELECT email FROM people) TO STDOUT

== copy in another encoding
COPY people TO STDOUT (ENCODING 'UTF8')
COPY (SELECT ssn, id FROM people WHERE id = 2) TO STDOUT (ENCODING 'LATIN1')
COPY (SELECT email FROM people WHERE id = 2) TO STDOUT (FORMAT csv, ENCODING 'WIN1252')

== XML of tables
SELECT query_to_xml('SELECT email FROM people', true, false, '')
SELECT table_to_xml('people', true, false, '')
SELECT table_to_xml('vault', false, true, '')
SELECT schema_to_xml('public', false, false, '')
SELECT database_to_xml(true, false, '')
SELECT query_to_xml_and_xmlschema('TABLE gone', true, false, '')
SELECT xpath('//email/text()', query_to_xml('SELECT email FROM people', true, false, ''))

== SQL in strings
SELECT * FROM ts_stat('SELECT to_tsvector(''simple'', email) FROM people')
SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, plainto_tsquery(''simple'', email) FROM people')
SELECT * FROM dblink('host=<<socket>> port=<<port>> user=tester dbname=' || current_database(), 'SELECT email FROM people') AS d(e text)
DO $$ DECLARE r record; BEGIN FOR r IN SELECT email FROM people LOOP RAISE NOTICE 'found %', r.email; END LOOP; END $$
DO $$ BEGIN RAISE EXCEPTION 'found %', (SELECT ssn FROM people WHERE id = 1); END $$
@beyond DO $$ BEGIN PERFORM set_config('application_name', (SELECT ssn FROM people WHERE id = 2), false); END $$ ;; SHOW application_name
@beyond DO $$ BEGIN EXECUTE 'CREATE TEMP TABLE kept AS SELECT email FROM people'; END $$ ;; SELECT * FROM kept
DO $$ BEGIN PERFORM f_notice(note) FROM people; END $$
CALL p_out('x')
SELECT f_email(<<n>>), f_people(), f_out()
SELECT (f_people()).email, (f_out()).*
SELECT * FROM f_people() ;; @b SELECT * FROM f_table() ;; SELECT f_table()
SELECT f_echo(email), 'a' ~~> ssn, a_join(note) OVER () FROM people
SELECT f_constant(<<n>>)
EXPLAIN (VERBOSE, COSTS OFF) SELECT f_constant(<<n>>)
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM plain WHERE word = f_constant(<<n>>)

== storage of tables
SELECT pg_read_binary_file(pg_relation_filepath('people'))
SELECT t_data FROM heap_page_items(get_raw_page('people', 0))
@b SELECT get_raw_page('people', 0)
SELECT encode(get_raw_page('people', 0), 'hex')
SELECT data FROM bt_page_items('people_email_key', 1)
SELECT tuple_data_split('people'::regclass, t_data, t_infomask, t_infomask2, t_bits) FROM heap_page_items(get_raw_page('people', 0))

== statistics
SELECT * FROM pg_stats WHERE tablename = 'people'
SELECT histogram_bounds FROM pg_stats WHERE attname = 'email'
SELECT histogram_bounds::text FROM pg_stats WHERE tablename = 'people' AND attname = 'ssn'
SELECT stavalues1::text, stavalues2::text FROM pg_statistic WHERE starelid = 'people'::regclass
COPY (SELECT * FROM pg_stats WHERE schemaname = 'public') TO STDOUT
SELECT s FROM pg_stats AS s WHERE tablename = 'people'
SELECT row_to_json(s) FROM pg_statistic AS s WHERE starelid = 'people'::regclass

== side effects
SELECT set_config('application_name', ssn, false) FROM people WHERE id = 2 ;; SHOW application_name
SELECT set_config('mine.kept', email, true) FROM people WHERE id = <<n>> ;; SHOW mine.kept ;; SELECT current_setting('mine.kept')
SELECT count(set_config('mine.kept', <<p>>, true)) FROM people AS p ;; SELECT current_setting('mine.kept')
SELECT f_notice(email) FROM people
SELECT 1 FROM people WHERE f_notice(ssn) = 1
SELECT f_notice(<<p>>) FROM people AS p
UPDATE people SET age = 77 WHERE id = <<n>>
SELECT pg_advisory_xact_lock(hashtext(email)) FROM people ;; SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() ORDER BY objid
SELECT setseed(1.0 / s_int4) FROM vault WHERE id = <<n>> ;; SELECT random()
SELECT dblink_connect(ssn, 'host=<<socket>> port=<<port>> user=tester dbname=postgres') FROM people WHERE id = 2 ;; SELECT dblink_get_connections() ;; SELECT dblink_disconnect(c) FROM unnest(dblink_get_connections()) AS c
CREATE SEQUENCE mine ;; SELECT setval('mine', s_int8) FROM vault WHERE id = 1 ;; SELECT last_value FROM mine

== notifications raw
LISTEN mine ;; SELECT pg_notify('mine', email) FROM people ;; UNLISTEN *
@beyond LISTEN mine ;; DO $$ BEGIN PERFORM pg_notify('mine', ssn) FROM people; END $$ ;; UNLISTEN *
LISTEN mine ;; WITH w AS (SELECT <<p>> AS x FROM people AS p) SELECT pg_notify('mine', x) FROM w ;; UNLISTEN *

== function calls
@f f_email 1
@f f_constant 2

== errors with values
UPDATE people SET age = -1 WHERE id = <<n>>
UPDATE people SET name = NULL WHERE id = <<n>>
INSERT INTO people (id, name, email) SELECT 100 + id, name, email FROM people
INSERT INTO people (id, name, email, age) SELECT 100 + id, name, ssn, -1 FROM people
DELETE FROM people WHERE id = <<n>>
UPDATE people SET email = 'mine' WHERE id = <<n>>
UPDATE events_1 SET day = '2005-05-05'
UPDATE cards SET id = NULL
INSERT INTO accounts (id, owner_email) SELECT 100 + id, ssn FROM people
SELECT <<P>>::int FROM people WHERE id <> 2
SELECT email::date, ssn::inet FROM people
SELECT ('{' || email)::jsonb FROM people
SELECT ssn::regclass FROM people
SELECT note::regtype FROM people WHERE id = 1
SELECT to_date(email, 'YYYY'), to_number(ssn, '9G9') FROM people
SELECT date_trunc(email, now()) FROM people
SELECT encode('x', ssn) FROM people
SELECT convert_from(s_bytea, 'UTF8') FROM vault
SELECT nextval(email) FROM people
SELECT set_config(email, 'x', true) FROM people
SELECT xmlparse(document '<p>' || email) FROM people
SELECT s_text::"char"::int, s_text::bool FROM vault
SELECT currval(ssn) FROM people WHERE id = 2
SELECT f_raise(<<n>>)
SELECT has_table_privilege(email, 'people', 'select') FROM people
SELECT json_object_agg(name, 1), (email || '}')::json FROM people GROUP BY email
SELECT to_tsquery('simple', email || ' &') FROM people
SELECT email::bit(3), s_bits::bit(3) FROM people, vault
ALTER TABLE cards ALTER COLUMN number TYPE int USING ('x' || number)::int
ALTER TABLE gone ALTER COLUMN token TYPE uuid USING token::uuid
ALTER TABLE people ADD CHECK (id <> <<n>> OR md5(email) < '<<h>>')
ALTER TABLE vault ADD COLUMN mine int GENERATED ALWAYS AS (s_text::int) STORED
CREATE INDEX ON people ((email::int))
CREATE UNIQUE INDEX ON docs_child (pages, (pages))  ;; INSERT INTO docs_child SELECT * FROM docs_child
ALTER TABLE gone ADD UNIQUE (token) ;; ALTER TABLE accounts ADD FOREIGN KEY (owner_email) REFERENCES gone (token)
ALTER TABLE accounts DROP CONSTRAINT accounts_owner_email_fkey ;; UPDATE accounts SET owner_email = 'x' || owner_email ;; ALTER TABLE accounts ADD FOREIGN KEY (owner_email) REFERENCES people (email)
CREATE TEMP TABLE mine (x int) ;; INSERT INTO mine SELECT email::int FROM people
DECLARE c CURSOR FOR SELECT email::int FROM people ;; FETCH ALL FROM c
COPY (SELECT email::int FROM people) TO STDOUT
PREPARE mine AS SELECT ssn::int FROM people ;; EXECUTE mine ;; DEALLOCATE mine

== probes
SELECT id FROM people WHERE <<P>> < 'h'
SELECT id, name FROM people ORDER BY <<P>>
SELECT id FROM people ORDER BY length(ssn), md5(email)
SELECT city, id FROM people ORDER BY 1, email DESC
SELECT id FROM vault WHERE id <> <<n>> ORDER BY md5(s_int8::text) USING >
SELECT id FROM vault ORDER BY s_uuid, s_date FETCH FIRST 2 ROWS WITH TIES
SELECT count(*) FROM vault WHERE id = <<n>> AND md5(s_int8::text) < '<<h>>'
SELECT count(*) FROM vault WHERE id = <<n>> AND s_int4 % <<n>> = 0
SELECT c_int FROM vault WHERE s_numeric::text < '<<n>>'
SELECT p.id, v.id FROM people AS p JOIN vault AS v ON p.email < v.s_text
SELECT p.id, q.id FROM people AS p JOIN people AS q ON md5(p.email) < md5(q.email)
SELECT name, row_number() OVER (ORDER BY email) FROM people
SELECT name, lag(id) OVER (ORDER BY ssn), rank() OVER (ORDER BY email) FROM people
SELECT id, row_number() OVER w FROM people WINDOW w AS (ORDER BY md5(email))
SELECT id, count(*) OVER (PARTITION BY left(md5(email), 1)) FROM people
SELECT string_agg(name, ',' ORDER BY email), array_agg(id ORDER BY ssn) FROM people
SELECT (array_agg(id ORDER BY md5(s_uuid::text || '<<h>>')))[1] FROM vault
SELECT max(id) FILTER (WHERE email < 'h'), count(*) FILTER (WHERE md5(ssn) < '<<h>>') FROM people
SELECT count(*) FROM people GROUP BY left(md5(email), 1) HAVING min(md5(ssn)) < '<<h>>'
SELECT DISTINCT ON (left(md5(email), 1)) id FROM people
SELECT id FROM people LIMIT (SELECT ('x' || left(md5(email), 1))::bit(4)::int % 6 FROM people WHERE id = <<n>>)
SELECT id FROM people OFFSET (SELECT ascii(md5(ssn)) % 5 FROM people WHERE id = <<n>>)
SELECT generate_series(1, s_int4 % 7) FROM vault
SELECT g FROM vault, generate_series(1, s_int4 % 7) AS g
SELECT id FROM people AS p WHERE EXISTS (SELECT FROM vault AS v WHERE v.id = <<n>> AND md5(v.s_text) < md5(p.email))
SELECT id FROM people WHERE email IN (SELECT s_text FROM vault UNION ALL SELECT email FROM people WHERE md5(email) < '<<h>>')
SELECT name FROM people WHERE md5(email) < '<<h>>' UNION SELECT 'x'
SELECT id, md5(email) < '<<h>>' FROM people INTERSECT SELECT id, true FROM people
SELECT name FROM people WHERE CASE WHEN md5(email) < '<<h>>' THEN true ELSE false END
UPDATE people SET age = 50 WHERE id = <<n>> AND md5(email) < '<<h>>'
UPDATE people SET city = 'x' WHERE md5(ssn) < '<<h>>' RETURNING id
DELETE FROM gone WHERE md5(token) < '<<h>>' RETURNING id
UPDATE people SET age = CASE WHEN md5(email) < '<<h>>' THEN 1 ELSE 2 END RETURNING age
MERGE INTO plain USING people AS p ON p.id = plain.id AND p.id = <<n>> AND md5(p.email) < '<<h>>' WHEN MATCHED THEN DELETE
WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < (SELECT ascii(md5(email)) % 7 FROM people WHERE id = <<n>>)) SELECT n FROM r
SELECT 1 / (ascii(md5(email)) % 3) FROM people WHERE id = <<n>>
SELECT CASE WHEN md5(email) < '<<h>>' THEN 1 / (id - id) ELSE 1 END FROM people WHERE id = <<n>>
SELECT id FROM v_renamed JOIN people ON key = id WHERE md5(contact) < '<<h>>'
SELECT size FROM v_expression WHERE id = <<n>> AND md5(described) < '<<h>>'
SELECT city, people FROM v_grouped WHERE md5(addresses) < '<<h>>'
SELECT p.id FROM people AS p ORDER BY ROW(p.email, p.*)
SELECT id FROM people AS p WHERE md5(p::text) < '<<h>>'
SELECT id FROM vault AS v WHERE to_jsonb(v) ->> 's_uuid' < '<<h>>'
SELECT max(p::text), count(DISTINCT left(md5(p::text), 1)) FROM people AS p
COPY (SELECT id FROM people ORDER BY md5(email)) TO STDOUT
DECLARE c CURSOR FOR SELECT id FROM people WHERE md5(email) < '<<h>>' ;; FETCH ALL FROM c ;; MOVE ALL IN c
PREPARE mine (text) AS SELECT id FROM people WHERE md5(email) < $1 ;; EXECUTE mine ('<<h>>') ;; DEALLOCATE mine
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT id FROM people WHERE id = <<n>> AND md5(email) < '<<h>>'
CREATE TEMP TABLE mine AS SELECT id FROM people WHERE md5(email) < '<<h>>' ;; SELECT * FROM mine
SELECT nullif(md5(email) < '<<h>>', true), md5(ssn) < '<<h>>', email < 'h' FROM people
SELECT length(s_texts::text), cardinality(s_texts), array_length(s_int8s, 1) FROM vault
SELECT hashtext(email), ascii(ssn), s_int4 % 10 FROM people JOIN vault USING (id)
SELECT id FROM people ORDER BY email IS NULL, left(md5(note), 1)
SELECT a.id FROM people AS a NATURAL JOIN (SELECT id, left(md5(email), 0) AS x, email FROM people WHERE md5(email) < '<<h>>') AS b
SELECT id FROM accounts JOIN (SELECT id AS i, email AS owner_email FROM people) AS p USING (owner_email) WHERE md5(owner_email) < '<<h>>'

== explained works
EXPLAIN (ANALYZE, VERBOSE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT email, f_constant(1) FROM people
EXPLAIN (COSTS OFF, FORMAT json) SELECT id FROM people WHERE name = f_constant(<<n>>)
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, VERBOSE, FORMAT xml) SELECT f_constant(<<n>>), email FROM people
@quiet EXPLAIN (VERBOSE, COSTS OFF) <<S>>
@quiet EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT <<p>> FROM people AS p
