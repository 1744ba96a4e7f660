"""Native clients in front of the masks: a part of the statements through each, and what they ask to know the schema."""
import asyncio
import io
import pathlib
import random
import shutil
import ssl
import subprocess
import tempfile

import asyncpg
import psycopg2

import mask_asked
from mask_schema import WORLDS
from stage import npm
from stage.postgres import PASSWORD, clean_environment
from stage.suite import Skip, equal, shorten

HERE = pathlib.Path(__file__).resolve().parent
WORLD = WORLDS[0]
STATEMENTS = 60  # drawn ones
PLAIN = ["SELECT * FROM people", "TABLE vault", "SELECT email, ssn, note, name FROM people",
         "SELECT v.* FROM vault AS v WHERE id = 2",
         "SELECT p FROM people AS p", "SELECT to_jsonb(p), row_to_json(p) FROM people AS p", "SELECT number, brand FROM cards",
         "SELECT token FROM gone",
         "SELECT upper(email) || ssn FROM people", "SELECT array_agg(email), string_agg(ssn, ',') FROM people",
         "SELECT * FROM v_renamed",
         "SELECT s_bytea, s_uuid, s_json, s_jsonb, s_texts, s_int8s FROM vault",
         "UPDATE people SET age = age RETURNING email, id",
         "SELECT email::int FROM people", "SELECT id FROM people ORDER BY email", "SELECT ssn FROM other.staff",
         "SELECT f_notice(email) FROM people",
         "SELECT payload, kind FROM events", "SELECT id, name, city, age FROM people"]
FOUND = ["SELECT line FROM logs", "SELECT id, level, line FROM logs ORDER BY id", "SELECT l.* FROM logs AS l",
         "SELECT 'so: ' || line FROM logs"]
DESCRIBED = ["\\d", "\\dt+ people", "\\d people", "\\d+ people", "\\d+ vault", "\\dv+", "\\d+ v_nested", "\\dm", "\\df",
             "\\df+ f_email", "\\dn+", "\\l", "\\du",
             "\\dp", "\\ddp", "\\di", "\\dT+", "\\dD", "\\dx", "\\do", "\\da a_join", "\\d+ events", "\\d events_2",
             "\\d+ docs_child", "\\sf f_raise",
             "\\sv v_cte", "\\d other.people", "\\dC", "\\dE", "\\drds", "\\dL", "\\dy", "\\dX", "\\dconfig application_name",
             "\\d m_people"]


class Place:
    """Where a client goes."""

    def __init__(self, port, user, password, database, ca, folder):
        self.port, self.user, self.password, self.database, self.ca = port, user, password, database, ca
        passfile = pathlib.Path(folder) / f"passfile-{database}"
        passfile.touch(0o600)
        passfile.write_text(f"*:*:*:*:{password}\n")
        self.environment = {**clean_environment(), "PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": user,
                            "PGDATABASE": database,
                            "PGPASSFILE": str(passfile), "PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(ca)}

    def psycopg2(self):
        return psycopg2.connect(host="127.0.0.1", port=self.port, user=self.user, password=self.password, dbname=self.database,
                                sslmode="verify-full", sslrootcert=str(self.ca))


class Clients:
    """Every client is a case: it must show a secret directly, and none through the gateway."""

    def __init__(self, server, gateway, checkers, targets, seed):
        self.folder = gateway.folder
        self.checkers = checkers[WORLD]
        self.direct = Place(server.port, "tester", PASSWORD, WORLD, server.ca, self.folder)
        self.through = Place(gateway.port, "anyone", gateway.token(), targets[WORLD], gateway.ca, self.folder)
        draw = random.Random(seed + 2)
        drawn = [mask_asked.drawn_select(draw) for _ in range(STATEMENTS * 3)]
        short = [one.text for one in drawn if one.must_work and len(one.text) < 700 and "--" not in one.text]
        self.statements = PLAIN + short[:STATEMENTS] + FOUND

    def cases(self):
        return [self.psql, self.psql_copy, self.psycopg2, self.asyncpg, self.jdbc, self.npm_pg, self.psql_describes,
                self.jdbc_metadata,
                self.npm_pg_metadata, self.sqlalchemy]

    # ---- what is asked of each ----

    def program(self, *arguments, environment, text=None, expect=0):
        done = subprocess.run([str(part) for part in arguments], env=environment, input=text, capture_output=True, timeout=300,
                              encoding="utf-8", errors="surrogateescape", cwd=self.folder)
        told = f"{arguments[0]}: status {done.returncode}: {done.stderr[-1500:]} {done.stdout[-500:]}"
        assert expect is None or done.returncode == expect, told
        return done.stdout + done.stderr

    def compare(self, client, least_rows):
        """`client(place)` returns what it shows: (text, rows)."""
        told, _ = client(self.direct)
        for checker, what in zip(self.checkers, ("masked columns", "detected forms")):
            assert checker.found(told), f"nothing of {what} shows directly: the check proves nothing"
        told, rows = client(self.through)
        for checker in self.checkers:
            for line in told.splitlines():
                found = checker.found(line)
                at = told.find(line)
                assert not found, f"LEAK: {found} in {shorten(line)}; before it {shorten(told[max(0, at - 800):at], 900)}"
        assert "masked:pii" in told, "nothing is masked"
        assert rows >= least_rows, f"{rows} rows"

    # ---- statements ----

    def psql(self):
        def run(place):
            lines = ["\\pset format unaligned"]
            for number, statement in enumerate(self.statements):
                lines += [[statement + ";"], [statement + " \\gx"], [statement + " \\gdesc"],
                          ["\\set FETCH_COUNT 2", statement + ";", "\\unset FETCH_COUNT"],
                          [statement + " \\gset got_", "\\echo :got_email :got_o1 :got_s_text"],
                          [f"SELECT * FROM ({statement}) AS q \\bind \\g"]][number % 5]
            told = self.program("psql", "-X", environment=place.environment, text="\n".join(lines) + "\n", expect=None)
            return told, told.count(" row")
        self.compare(run, 30)

    def psql_copy(self):
        def run(place):
            lines = ["\\copy people TO STDOUT", "\\copy vault TO STDOUT CSV HEADER",
                     "\\copy (SELECT email, ssn FROM people) TO STDOUT (FORMAT csv)", "\\copy logs TO STDOUT",
                     "\\copy cards (number) TO STDOUT", "SELECT id, name, email FROM people \\crosstabview id name email",
                     "SELECT email FROM people WHERE id = 3 \\gexec",
                     "\\copy (SELECT v FROM vault AS v) TO 'copied'", "\\! cat copied", "SELECT ssn FROM people \\g printed",
                     "\\! cat printed", "\\copy people TO PROGRAM 'cat'"]
            told = self.program("psql", "-X", environment=place.environment, text="\n".join(lines) + "\n", expect=None)
            return told, told.count("\n")
        self.compare(run, 30)

    def psycopg2(self):
        def run(place):
            out, rows = [], 0
            database = place.psycopg2()
            database.autocommit = True
            for statement in self.statements:
                try:
                    with database.cursor() as cursor:
                        cursor.execute(statement)
                        for row in cursor.fetchall():
                            out.append(str(row))
                            rows += 1
                except (ValueError, OverflowError) as error:  # a date that Python has not
                    out.append(str(error))
                except psycopg2.Error as error:
                    diag = error.diag
                    fields = [str(getattr(diag, name)) for name in dir(diag) if not name.startswith("_")]
                    out.append(f"{error} {error.pgerror} {' '.join(fields)}")
            with database.cursor() as cursor:
                for table in ("people", "vault", "(SELECT s_json, s_range FROM vault)", "logs"):
                    copied = io.StringIO()
                    try:
                        cursor.copy_expert(f"COPY {table} TO STDOUT", copied)
                    except psycopg2.Error as error:
                        out.append(str(error))
                    out.append(copied.getvalue())
            out += database.notices
            database.autocommit = False
            with database.cursor("server_side") as cursor:
                cursor.itersize = 2
                cursor.execute("SELECT id, email, people FROM people")
                out += [str(row) for row in cursor]
            database.close()
            return "\n".join(out), rows
        self.compare(run, 60)

    def asyncpg(self):
        def run(place):
            return asyncio.run(asyncio.wait_for(self.asyncpg_session(place), 120))
        self.compare(run, 60)

    async def asyncpg_session(self, place):
        database = await asyncpg.connect(host="127.0.0.1", port=place.port, user=place.user, password=place.password,
                                         database=place.database,
                                         ssl=ssl.create_default_context(cafile=str(place.ca)))
        out, rows = [], 0
        database.add_log_listener(lambda _, message: out.append(str(message.as_dict())))
        for statement in self.statements:
            try:
                for row in await database.fetch(statement):
                    out.append(str(tuple(row)))
                    rows += 1
            except asyncpg.PostgresError as error:
                out.append(f"{error} {error.as_dict()}")
            except (OverflowError, ValueError, asyncpg.InterfaceError, asyncpg.InternalClientError, UnicodeError) as error:  # a date that Python has not
                out.append(str(error))
        copied = io.BytesIO()
        try:
            await database.copy_from_table("people", output=copied, format="binary")
            await database.copy_from_query("SELECT v FROM vault AS v", output=copied)
        except asyncpg.PostgresError as error:
            out.append(str(error))
        out.append(copied.getvalue().decode(errors="ignore"))
        async with database.transaction():
            out += [str(tuple(row)) async for row in database.cursor("SELECT id, email, note FROM people", prefetch=2)]
        await database.close()
        return "\n".join(out), rows

    def statement_file(self):
        path = self.folder / "statements"
        path.write_text("\n".join(self.statements) + "\n")
        return path

    def run_jdbc(self, place, what):
        java = shutil.which("java")
        if not java:
            raise Skip("no java")
        url = f"jdbc:postgresql://127.0.0.1:{place.port}/{place.database}?sslmode=verify-full&sslrootcert={place.ca}"
        return self.program(java, "-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8", "-cp", "/usr/share/java/postgresql.jar",
                            HERE / "drivers/MaskJdbc.java", url,
                            place.user, what, environment={**place.environment, "SALLYPORT_TEST_TOKEN": place.password})

    def jdbc(self):
        def run(place):
            told = self.run_jdbc(place, self.statement_file())
            return told, told.count("\nrow")
        self.compare(run, 60)

    def run_npm(self, place, what):
        node, modules = npm.pg()
        return self.program(node, HERE / "drivers/mask_pg.js", what, environment={
            **place.environment, "NODE_PATH": str(modules), "PGPASSWORD": place.password, "SALLYPORT_TEST_CA": str(place.ca)})

    def npm_pg(self):
        def run(place):
            told = self.run_npm(place, self.statement_file())
            return told, told.count("\nrow")
        self.compare(run, 60)

    # ---- the schema: the same as directly ----

    def psql_describes(self):
        for command in DESCRIBED:
            shown = [self.program("psql", "-X", environment=place.environment, text=command + "\n", expect=None)
                     for place in (self.direct, self.through)]
            assert shown[0].strip(), f"{command} shows nothing"
            equal(shown[1], shown[0], command)

    def jdbc_metadata(self):
        direct, through = (self.run_jdbc(place, "metadata") for place in (self.direct, self.through))
        assert direct.count("\nrow") > 150, shorten(direct)
        self.same_lines(direct, through.replace(self.through.database, self.direct.database))

    def npm_pg_metadata(self):
        direct, through = (self.run_npm(place, "metadata") for place in (self.direct, self.through))
        assert direct.count("row ") > 100, shorten(direct)
        self.same_lines(direct, through)

    @staticmethod
    def same_lines(direct, through):
        for a, b in zip(direct.splitlines(), through.splitlines()):
            equal(b, a, "a line of metadata")
        equal(len(through.splitlines()), len(direct.splitlines()), "lines")

    def sqlalchemy(self):
        import mask_orm
        mask_orm.check(self.direct.psycopg2, self.through.psycopg2)
