-- The database that test/bypass is about. capture_catalogue.py makes it in an empty database and stores what
-- sql/catalogue_queries.h reads of it in catalogue.txt, which the tests load.
CREATE ROLE sallyport_test LOGIN;
GRANT ALL ON SCHEMA public TO sallyport_test;
CREATE EXTENSION citext SCHEMA public;
CREATE EXTENSION hstore SCHEMA public;
CREATE EXTENSION pg_trgm SCHEMA public;
CREATE EXTENSION dblink SCHEMA public;
CREATE EXTENSION tablefunc SCHEMA public;
CREATE EXTENSION file_fdw;

CREATE TABLE public.customers (id serial PRIMARY KEY, name text, email text, ssn text, born date);
CREATE TABLE public.orders (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer_id int REFERENCES public.customers ON DELETE CASCADE,
  total numeric CHECK (total >= 0), note text, placed timestamptz DEFAULT now());
CREATE TABLE public.order_lines (order_id bigint REFERENCES public.orders ON DELETE CASCADE, item text, count int);
CREATE TABLE public.labels (id int, label citext, attributes hstore);

CREATE SCHEMA secret;
CREATE TABLE secret.keys (id int, key text);
-- The same name in two schemas.
CREATE TABLE secret.orders (id int, total numeric);

CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE public.audited (id int, note text);
CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON public.audited FOR EACH ROW EXECUTE FUNCTION public.touch();

CREATE FUNCTION public.shred(int) RETURNS int LANGUAGE plpgsql VOLATILE AS 'BEGIN DELETE FROM public.orders; RETURN 1; END';
-- It says IMMUTABLE, and it is not.
CREATE FUNCTION public.liar(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN DELETE FROM public.orders; RETURN 1; END';
-- Takes the place of length(text) where the argument is varchar and public is in the path.
CREATE FUNCTION public.length(varchar) RETURNS int LANGUAGE sql AS 'SELECT public.shred(1)';
CREATE FUNCTION public.peek(public.customers) RETURNS text LANGUAGE sql AS 'SELECT ($1).ssn';
CREATE FUNCTION public.wipe(a int, b int) RETURNS bool LANGUAGE sql AS 'SELECT public.shred(1) = 1';
CREATE OPERATOR public.<~> (LEFTARG = int, RIGHTARG = int, FUNCTION = public.wipe);
-- The name of one of PostgreSQL's own operators, for two of its own types.
CREATE FUNCTION public.textmod(text, int) RETURNS bool LANGUAGE sql AS 'SELECT public.shred($2) = 1';
CREATE OPERATOR public.% (LEFTARG = text, RIGHTARG = int, FUNCTION = public.textmod);
CREATE PROCEDURE public.purge() LANGUAGE sql AS 'DELETE FROM public.orders';
CREATE FUNCTION secret.lower(text) RETURNS text LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION public.is_even(int) RETURNS bool LANGUAGE sql AS 'SELECT public.shred($1) = 1';

CREATE DOMAIN public.positive AS int CHECK (VALUE > 0);
CREATE DOMAIN public.trapped AS int CHECK (public.is_even(VALUE));
CREATE TYPE public.mood AS ENUM ('happy', 'sad');
CREATE TYPE public.pair AS (a int, b public.trapped);
CREATE TABLE public.moods (id int, mood public.mood, level public.positive);
CREATE TABLE public.traps (id int, value public.trapped);

CREATE VIEW public.order_totals AS
  SELECT c.name, sum(o.total) AS total FROM public.customers c JOIN public.orders o ON o.customer_id = c.id GROUP BY c.name;
CREATE VIEW public.nested_totals AS SELECT * FROM public.order_totals WHERE total > 10;
CREATE VIEW public.plain_orders AS SELECT id, total, note FROM public.orders;
CREATE VIEW public.shredding AS SELECT public.shred(id::int) AS done FROM public.orders;
CREATE VIEW public.secret_view AS SELECT key FROM secret.keys;
CREATE VIEW public.logins AS SELECT rolname, rolpassword FROM pg_authid;
CREATE MATERIALIZED VIEW public.shredded AS SELECT 1 AS one FROM public.customers WHERE public.length(name::varchar) > 0 WITH NO DATA;

CREATE TABLE public.ruled (id int);
CREATE RULE wipe AS ON INSERT TO public.ruled DO ALSO DELETE FROM public.orders;
CREATE TABLE public.guarded (id int, owner name);
ALTER TABLE public.guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON public.guarded USING (owner = current_user);
CREATE TABLE public.trapped_rows (id int);
ALTER TABLE public.trapped_rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY trap ON public.trapped_rows USING (public.is_even(id));
CREATE TABLE public.parts (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE public.parts_2025 PARTITION OF public.parts FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TRIGGER touch BEFORE INSERT ON public.parts_2025 FOR EACH ROW EXECUTE FUNCTION public.touch();
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE public.passwd (line text) SERVER files OPTIONS (filename '/etc/passwd');
CREATE TABLE "Weird ""Name" (id int);

-- What verdicts/ is about besides.
CREATE TABLE public.regions (id int PRIMARY KEY, name text);
-- A foreign key without an action: only TRUNCATE … CASCADE follows it.
CREATE TABLE secret.visits (region int REFERENCES public.regions, who text);
-- A protected table with a partition in public, and a protected partition of a table in public.
CREATE TABLE secret.events (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE public.events_2025 PARTITION OF secret.events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE public.readings (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE secret.readings_2025 PARTITION OF public.readings FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE public.animals (id int, name text);
CREATE TABLE secret.cats (lives int) INHERITS (public.animals);
-- The server's file is a partition.
CREATE TABLE public.mixed (line text) PARTITION BY LIST (line);
CREATE FOREIGN TABLE public.mixed_rest PARTITION OF public.mixed DEFAULT SERVER files OPTIONS (filename '/etc/passwd');
-- Says IMMUTABLE, calls what is not, and so can write.
CREATE FUNCTION public.sly(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM public.shred($1); RETURN $1; END';
CREATE TABLE public.split (id int) PARTITION BY RANGE ((public.sly(id)));
CREATE TABLE public.split_1 PARTITION OF public.split FOR VALUES FROM (0) TO (1000);
CREATE TABLE public.indexed (id int);
CREATE INDEX indexed_sly ON public.indexed ((public.sly(id)));
CREATE TABLE public.generated (id int, twice int GENERATED ALWAYS AS (public.sly(id)) STORED);
CREATE TABLE public.defaulted (id int, made int DEFAULT public.shred(1));
CREATE TABLE public.checked (id int CHECK (public.is_even(id)));
CREATE SEQUENCE secret.counter;
CREATE SCHEMA "public.secret";
CREATE TABLE "public.secret".keys (id int, key text);
CREATE FUNCTION public.wipe_state(int, int) RETURNS int LANGUAGE sql AS 'SELECT public.shred($2)';
CREATE AGGREGATE public.devour(int) (SFUNC = public.wipe_state, STYPE = int, INITCOND = '0');
CREATE TYPE public.temper AS ENUM ('calm', 'wild');
CREATE TABLE public.tempers (id int, temper public.temper);
CREATE FUNCTION public.json_of(public.temper) RETURNS json LANGUAGE sql AS 'SELECT to_json(public.shred(1))';
CREATE CAST (public.temper AS json) WITH FUNCTION public.json_of(public.temper);
CREATE TABLE public.watched (id int);
CREATE VIEW public.watched_view AS SELECT id FROM public.watched;
CREATE FUNCTION public.divert() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DELETE FROM public.orders; RETURN NULL; END';
CREATE TRIGGER divert INSTEAD OF DELETE ON public.watched_view FOR EACH ROW EXECUTE FUNCTION public.divert();
CREATE TABLE public.ruled_delete (id int);
CREATE RULE divert AS ON DELETE TO public.ruled_delete DO INSTEAD DELETE FROM public.orders;

-- What masks/ is about besides. Every value that is masked there is unmistakable in rows.sql.
CREATE SCHEMA other;
CREATE DOMAIN public.card_number AS text CHECK (VALUE ~ '^[0-9 ]+$');
CREATE TYPE public.address AS (street text, city text);
CREATE TABLE public.people (
  id int PRIMARY KEY, name text, email text, ssn text, card public.card_number, salary numeric, pin int, born date,
  document jsonb, phones text[], photo bytea, home public.address);
CREATE UNIQUE INDEX people_email ON public.people (email);
-- The same names in another schema: its email is nobody's secret, its ssn is.
CREATE TABLE other.people (id int PRIMARY KEY, name text, email text, ssn text);
-- An heir, and partitions of which one has a secret of its own.
CREATE TABLE public.former_people (left_at date) INHERITS (public.people);
CREATE TABLE public.accounts (id int, iban text, token text, at date) PARTITION BY RANGE (at);
CREATE TABLE public.accounts_2025 PARTITION OF public.accounts FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE public.accounts_2026 PARTITION OF public.accounts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE public.notes (id int PRIMARY KEY, body text);

CREATE VIEW public.people_plain AS SELECT id, name, email FROM public.people;
CREATE VIEW public.people_nested AS SELECT email, id FROM public.people_plain;
CREATE VIEW public.people_renamed (number, reached_at) AS SELECT id, email FROM public.people;
CREATE VIEW public.people_swapped (id, email, name) AS SELECT id, name, email FROM public.people;
CREATE VIEW public.people_barrier WITH (security_barrier) AS SELECT id, name, email FROM public.people WHERE id > 0;
CREATE VIEW public.people_computed AS
  SELECT id, upper(email) AS shout, length(email) AS size, name || '!' AS cheer, row_to_json(p.*) AS whole FROM public.people p;
CREATE VIEW public.people_joined AS
  SELECT p.id, p.name, c.email AS contact FROM public.people p JOIN public.customers c ON c.id = p.id;
CREATE VIEW public.people_filtered AS SELECT id, name FROM public.people WHERE email LIKE '%@private.example';
CREATE VIEW public.people_grouped AS SELECT email, count(*) AS times FROM public.people GROUP BY email;
CREATE VIEW public.people_all AS SELECT * FROM public.people;
CREATE VIEW public.people_united AS SELECT name AS said FROM public.people UNION ALL SELECT email FROM public.customers;
CREATE VIEW public.people_recursive AS
  WITH RECURSIVE r(id, rest) AS (SELECT id, email FROM public.people UNION ALL SELECT id, right(rest, -1) FROM r WHERE rest <> '')
  SELECT id, rest FROM r;
CREATE MATERIALIZED VIEW public.people_kept AS SELECT id, name, email AS kept FROM public.people;

-- What comes out of these cannot be traced.
CREATE FUNCTION public.email_of(int) RETURNS text LANGUAGE sql STABLE AS 'SELECT email FROM public.people WHERE id = $1';
CREATE FUNCTION public.email_as_owner(int) RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER AS
  'BEGIN RETURN (SELECT email FROM public.people WHERE id = $1); END';
CREATE FUNCTION public.everybody() RETURNS SETOF public.people LANGUAGE sql STABLE AS 'SELECT * FROM public.people';
CREATE FUNCTION public.contacts() RETURNS TABLE (number int, contact text) LANGUAGE sql STABLE AS
  'SELECT id, email FROM public.people';
CREATE FUNCTION public.echo(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END';
CREATE FUNCTION public.email_by_operator(int, int) RETURNS text LANGUAGE sql STABLE AS
  'SELECT email FROM public.people WHERE id = $1 + $2';
CREATE OPERATOR public.<+> (LEFTARG = int, RIGHTARG = int, FUNCTION = public.email_by_operator);
CREATE TYPE public.person_number AS (number int);
CREATE FUNCTION public.email_by_cast(public.person_number) RETURNS text LANGUAGE sql STABLE AS
  'SELECT email FROM public.people WHERE id = ($1).number';
CREATE CAST (public.person_number AS text) WITH FUNCTION public.email_by_cast(public.person_number);
CREATE FUNCTION public.gather(text, int) RETURNS text LANGUAGE sql STABLE AS
  'SELECT $1 || email FROM public.people WHERE id = $2';
CREATE AGGREGATE public.emails_of(int) (SFUNC = public.gather, STYPE = text, INITCOND = '');
CREATE PROCEDURE public.write_down(text) LANGUAGE sql AS 'INSERT INTO public.notes VALUES (900, $1)';
CREATE VIEW public.people_called AS SELECT id, public.email_of(id) AS found FROM public.people;
