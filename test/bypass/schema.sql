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
