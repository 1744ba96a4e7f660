#!/usr/bin/python3
"""Makes schema.sql in a new database and writes what the catalogue's queries read of it to catalogue.txt.

    capture_catalogue.py "host=/tmp port=5432 user=postgres"

Needs a superuser on PostgreSQL 15, psycopg2 and postgresql-contrib. The database and the role are dropped afterwards.
catalogue.txt: a line "#" before each query's rows, then a line a row: fields between tabs, in COPY's text format.
"""
import os
import re
import sys

import psycopg2
import psycopg2.extensions

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "..", "..", "src", "sql", "catalogue_queries.cc")


def queries():
    body = re.search(r"kQueries = \{\n(.*?)\n\};", open(SOURCE).read(), re.S).group(1)
    found = re.findall(r'R"\((.*?)\)",|"((?:[^"\\]|\\.)*)",', body, re.S)
    return [raw or plain for raw, plain in found]


def escape(value):
    if value is None:
        return "\\N"
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def capture(settings):
    connection = psycopg2.connect(settings + " dbname=bypass")
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(open(os.path.join(HERE, "schema.sql")).read())
    cursor.execute("SELECT array_agg(oid::int) FROM pg_type")
    every_type = tuple(cursor.fetchone()[0])
    text = psycopg2.extensions.new_type(every_type, "TEXT", lambda value, _: value)
    psycopg2.extensions.register_type(text, connection)
    cursor.execute("SET SESSION AUTHORIZATION sallyport_test")
    with open(os.path.join(HERE, "catalogue.txt"), "w") as out:
        for query in queries():
            out.write("#\n")
            cursor.execute(query)
            if cursor.description:
                for row in cursor.fetchall():
                    out.write("\t".join(escape(field) for field in row) + "\n")
    connection.close()


def main():
    settings = sys.argv[1]
    admin = psycopg2.connect(settings + " dbname=postgres")
    admin.autocommit = True
    cursor = admin.cursor()
    cursor.execute("CREATE DATABASE bypass TEMPLATE template0")
    try:
        capture(settings)
    finally:
        cursor.execute("DROP DATABASE bypass")
        cursor.execute("DROP ROLE IF EXISTS sallyport_test")


main()
