"""SQLAlchemy with the masks on: reflection is the same as directly, and an ORM reads everything but what is masked."""
import warnings

import sqlalchemy
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import Session

from stage.suite import equal

MASKED = {"email", "ssn", "note", "owner_email", "number", "token"}


def engine(connect):
    return sqlalchemy.create_engine("postgresql+psycopg2://", creator=connect, poolclass=sqlalchemy.pool.NullPool)


def reflected(connect):
    """All that the inspector tells, as text."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        about, out = sqlalchemy.inspect(engine(connect)), []
        for schema in about.get_schema_names():
            if schema == "information_schema":
                continue
            out.append(f"schema {schema} {sorted(about.get_table_names(schema))} {sorted(about.get_view_names(schema))}")
            for table in sorted(about.get_table_names(schema)):
                out += [f"{table} {column}" for column in about.get_columns(table, schema)]
                for ask in (about.get_pk_constraint, about.get_foreign_keys, about.get_indexes, about.get_unique_constraints,
                            about.get_check_constraints, about.get_table_comment):
                    out.append(f"{table} {ask.__name__} {ask(table, schema)}")
            out += [f"{view} {about.get_view_definition(view, schema)}" for view in sorted(about.get_view_names(schema))]
        return out


def read(connect):
    """[(table, {column: value})...] by mapped classes, with a relation that is followed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        base, source, out = automap_base(), engine(connect), []
        base.prepare(source, reflect=True)
        with Session(source) as session:
            for name in ("people", "cards", "gone", "plain"):
                mapped = base.classes[name]
                for row in session.query(mapped).filter(mapped.id < 5).order_by(mapped.id):
                    out.append((name, {column.name: getattr(row, column.name) for column in mapped.__table__.columns}))
            card = session.get(base.classes["cards"], 2)
            out.append(("people", {column.name: getattr(card.people,
                                                        column.name) for column in base.classes["people"].__table__.columns}))
            person = session.get(base.classes["people"], 1)
            person.age = 31
            session.flush()
            session.refresh(person)
            out.append(("people", {"name": person.name, "age": person.age, "email": person.email}))
            session.rollback()
    return out


def check(direct, through):
    for a, b in zip(reflected(direct), reflected(through)):
        if "OID" not in a:
            equal(b, a, "what is reflected")
    shown = read(through)
    clear = read(direct)
    equal(len(shown), len(clear), "rows")
    for (table, a), (_, b) in zip(clear, shown):
        for column, value in a.items():
            if column not in MASKED:
                equal(b[column], value, f"{table}.{column}")
            elif value is not None:
                assert b[column] != value, f"LEAK: {table}.{column}"
