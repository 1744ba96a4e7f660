#!/usr/bin/python3
"""Native clients, unchanged, through the gateway over verified TLS with everything allowed."""
import asyncio
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time

import asyncpg
import psycopg2
import psycopg2.extras

from stage import npm
from stage.gateway import Gateway, target
from stage.postgres import BINARIES, Postgres
from stage.suite import Suite, contains, equal

HERE = pathlib.Path(__file__).resolve().parent


class Clients:
    """Every public function is a case."""

    def __init__(self, gateway, token):
        self.gateway, self.token = gateway, token
        self.environment = gateway.client_environment(token)

    def program(self, *arguments, expect=0, environment=None, **options):
        done = subprocess.run([str(part) for part in arguments], env=environment or self.environment, text=True,
                              capture_output=True, timeout=300, **options)
        assert done.returncode == expect, f"{arguments[0]}: status {done.returncode}: {done.stderr[-3000:]} {done.stdout[-1500:]}"
        return done.stdout + done.stderr

    # ---- psql ----

    def psql(self):
        equal(self.program("psql", "-XAtc", "SELECT 6 * 7").strip(), "42", "a number")
        script = """
\\set ON_ERROR_STOP on
CREATE TABLE psql_t (id int PRIMARY KEY, v text);
INSERT INTO psql_t SELECT i, 'v' || i FROM generate_series(1, 50) AS i;
\\d psql_t
\\dt
\\df pg_catalog.now
\\l
\\du
\\dn
\\x on
SELECT * FROM psql_t WHERE id = 3;
\\x off
\\copy psql_t TO 'out.txt'
DELETE FROM psql_t;
\\copy psql_t FROM 'out.txt'
SELECT count(*) AS counted FROM psql_t \\gset
\\echo counted :counted
\\set FETCH_COUNT 10
SELECT id FROM psql_t ORDER BY id;
\\unset FETCH_COUNT
SELECT 1 AS a \\; SELECT 2 AS b;
\\set ON_ERROR_STOP off
BEGIN; SAVEPOINT s;
SELECT 1/0;
ROLLBACK TO s; COMMIT;
\\conninfo
"""
        with tempfile.TemporaryDirectory() as folder:
            told = self.program("psql", "-X", input=script, cwd=folder)
        for part in ("psql_t_pkey", "v3", "counted 50", "division by zero", "SSL connection"):
            contains(told, part, "psql")

    def psql_errors_and_cancel(self):
        told = self.program("psql", "-Xc", "SELECT * FROM no_such", expect=1)
        contains(told, 'relation "no_such" does not exist', "psql")
        contains(told, "LINE 1", "the error's position")
        started = time.monotonic()
        running = subprocess.Popen(["psql", "-Xc", "SELECT pg_sleep(60)"], env=self.environment, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
        time.sleep(1.5)
        running.send_signal(2)
        told = running.communicate(timeout=30)[0]
        contains(told, "canceling statement due to user request", "psql after ^C")
        assert time.monotonic() - started < 20

    def psql_wrong_certificate(self):
        other = {**self.environment, "PGSSLROOTCERT": str(self.gateway.certificates.other_ca)}
        contains(self.program("psql", "-Xc", "SELECT 1", expect=2, environment=other), "certificate verify failed", "psql")

    def pg_dump(self):
        told = self.program(BINARIES / "pg_dump", "--no-owner")
        contains(told, "PostgreSQL database dump complete", "pg_dump")

    # ---- pgbench ----

    def pgbench(self):
        told = self.program("pgbench", "-i", "-s", "1", "--quiet")
        contains(told, "done in", "pgbench -i")
        for protocol in ("simple", "extended", "prepared"):
            for clients, seconds in ((1, 1), (64, 8)):
                for kind in ("-S", "-N"):
                    told = self.program("pgbench", "-n", kind, "-M", protocol, "-c", clients, "-j", 2, "-T", seconds)
                    contains(told, "number of failed transactions: 0 ", f"pgbench {kind} -M {protocol} -c {clients}")
                    assert int(told.split("number of transactions actually processed: ")[1].split()[0]) > 0

    # ---- Python ----

    def arguments(self):
        return {"host": "127.0.0.1", "port": self.gateway.port, "user": "anyone", "password": self.token}

    def psycopg2_connection(self):
        return psycopg2.connect(dbname="shop", sslmode="verify-full", sslrootcert=str(self.gateway.ca), **self.arguments())

    def psycopg2(self):
        with self.psycopg2_connection() as database, database.cursor() as cursor:
            cursor.execute("CREATE TABLE psy (id int, v text, d date, j jsonb)")
            cursor.execute("INSERT INTO psy VALUES (%s, %s, %s, %s)", (1, "it's", "2001-02-03", psycopg2.extras.Json({"a": 1})))
            psycopg2.extras.execute_values(cursor, "INSERT INTO psy (id, v) VALUES %s", [(n, f"v{n}") for n in range(1000)])
            cursor.execute("SELECT count(*), min(d)::text FROM psy")
            equal(cursor.fetchone(), (1001, "2001-02-03"), "rows")
            database.commit()
            try:
                cursor.execute("SELECT 1/0")
                raise AssertionError("no error")
            except psycopg2.errors.DivisionByZero:
                database.rollback()
            with database.cursor("server_side") as named:
                named.itersize = 50
                named.execute("SELECT id FROM psy ORDER BY id")
                equal(sum(row[0] for row in named), 499501, "server-side cursor")
            with tempfile.TemporaryFile("w+") as data:
                cursor.copy_expert("COPY psy TO STDOUT WITH CSV", data)
                data.seek(0)
                cursor.copy_expert("COPY psy FROM STDIN WITH CSV", data)
            equal(cursor.rowcount, 1001, "COPY in")
            database.commit()
            cursor.execute("LISTEN psy")
            database.commit()
            cursor.execute("NOTIFY psy, 'hello'")
            database.commit()
            database.poll()
            equal(database.notifies[0].payload, "hello", "notification")
            cursor.execute("DO $$ BEGIN RAISE NOTICE 'noticed'; END $$")
            contains("".join(database.notices), "noticed", "notice")

    def psycopg2_cancel(self):
        database = self.psycopg2_connection()
        threading.Timer(1, database.cancel).start()
        try:
            database.cursor().execute("SELECT pg_sleep(60)")
            raise AssertionError("not cancelled")
        except psycopg2.errors.QueryCanceled:
            database.rollback()
        finally:
            database.close()

    def asyncpg(self):
        asyncio.run(asyncio.wait_for(self.asyncpg_session(), 60))

    async def asyncpg_session(self):
        tls = ssl.create_default_context(cafile=str(self.gateway.ca))
        database = await asyncpg.connect(database="shop", ssl=tls, **self.arguments())
        await database.execute("CREATE TABLE apg (id int, v text)")
        await database.executemany("INSERT INTO apg VALUES ($1, $2)", [(n, f"v{n}") for n in range(500)])
        equal(await database.fetchval("SELECT sum(id) FROM apg WHERE id < $1", 100), 4950, "a parameter")
        await database.copy_records_to_table("apg", records=[(n, "copied") for n in range(1000)])
        equal(await database.fetchval("SELECT count(*) FROM apg"), 1500, "COPY, binary")
        try:
            await database.fetch("SELECT * FROM missing")
            raise AssertionError("no error")
        except asyncpg.UndefinedTableError:
            pass
        async with database.transaction():
            rows = [row["id"] async for row in database.cursor("SELECT id FROM apg ORDER BY id", prefetch=50)]
        equal(len(rows), 1500, "cursor")
        try:
            await asyncio.wait_for(database.execute("SELECT pg_sleep(60)"), 1)
            raise AssertionError("no timeout")
        except (asyncio.TimeoutError, TimeoutError):
            pass
        equal(await database.fetchval("SELECT $1::int[]", [1, 2, 3]), [1, 2, 3], "an array after a cancel")
        await database.close()
        async with asyncpg.create_pool(database="shop", ssl=tls, min_size=4, max_size=8, **self.arguments()) as pool:
            answers = await asyncio.gather(*(pool.fetchval("SELECT $1::int", n) for n in range(200)))
            equal(answers, list(range(200)), "a pool of eight")

    # ---- Java, JavaScript ----

    def jdbc(self):
        java = shutil.which("java")
        if not java:
            raise Skip("no java")
        url = (f"jdbc:postgresql://127.0.0.1:{self.gateway.port}/shop?sslmode=verify-full&sslrootcert={self.gateway.ca}")
        told = self.program(java, "-cp", "/usr/share/java/postgresql.jar", HERE / "drivers/Jdbc.java", url,
                            environment={**self.environment, "SALLYPORT_TEST_TOKEN": self.token})
        equal(told.count("ok "), 15, f"steps of {told}")

    def npm_pg(self):
        node, modules = npm.pg()
        told = self.program(node, HERE / "drivers/node_pg.js", environment={
            **self.environment, "NODE_PATH": str(modules), "PGPASSWORD": self.token, "SALLYPORT_TEST_CA": str(self.gateway.ca)})
        equal(told.count("ok "), 8, f"steps of {told}")


def main():
    suite = Suite("drivers", sys.argv[1:])
    with Postgres() as server, Gateway(targets=[target(server)]) as gateway:
        clients = Clients(gateway, gateway.token())
        for case in (clients.psql, clients.psql_errors_and_cancel, clients.psql_wrong_certificate, clients.pgbench, clients.psycopg2,
                     clients.psycopg2_cancel, clients.asyncpg, clients.jdbc, clients.npm_pg, clients.pg_dump):
            suite.run(case)
        suite.run(gateway.check_trail)
    return suite.close()


if __name__ == "__main__":
    sys.exit(main())
