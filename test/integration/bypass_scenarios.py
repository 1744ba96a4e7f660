"""What no single text shows: messages of the protocol, pipelines, start-up settings, names whose meaning a rolled-back step
changed back. test/integration/bypass.py runs them. The agent may read, define and change its session, but not write or call
code, and the schema secret is closed to it: after each scenario nothing has changed and nothing of secret was told."""
from stage import wire
from stage.gateway import Gateway, target
from stage.suite import shorten
from stage.wire import FLUSH, SYNC, bind, close, copy_data, describe, execute, function_call, message, parse, query, text

RULES = [{"name": "reading-and-defining", "who": {"principals": ["agent-1"]}, "if": {"effects": ["read", "schema", "session"]},
          "then": "allow"},
         {"name": "secret-is-closed", "if": {"relations": ["secret.*"]}, "then": {"deny": "The schema secret is closed."}}]
SECRETS = [b"1000000", b"sesame", b"abracadabra"]  # of rows.sql
TRAP = "CREATE FUNCTION public.abs(text) RETURNS int LANGUAGE sql AS 'DELETE FROM public.orders RETURNING 1'"


def run(sql, **options):
    return parse(sql) + bind(**options) + execute()


class Stage:
    def __init__(self, gateway, database):
        self.gateway, self.database, self.token = gateway, database, gateway.token()

    def connect(self, **settings):
        return self.gateway.connect(self.token, database="shop", **settings)

    def oid(self, function):
        return int(self.database.unharmed.session.query(f"SELECT '{function}'::regprocedure::oid")[0][0])

    def type(self, name):
        return self.database.unharmed.oid_of(name)


def told(session, octets, ends="Z"):
    """What came, and that nothing secret is in it. A session that the gateway ended has told its last."""
    try:
        messages = session.ask(octets, ends)
    except wire.Closed as closed:
        messages = closed.messages
    except ConnectionError:
        messages = []
    for kind, body in messages:
        assert not any(secret in body for secret in SECRETS), f"told: {kind} {shorten(body)}"
    return messages


def refused(session, octets, ends="Z"):
    messages = told(session, octets, ends)
    assert [fields for fields in wire.errors(messages) if fields["C"] == "42501"], f"not refused: {shorten(messages)}"
    return messages


def fine(session, octets, ends="Z"):
    messages = told(session, octets, ends)
    assert not wire.errors(messages), wire.errors(messages)
    return messages


# ---- what a step changed and a rollback changed back ----

def path_rolled_back_by_a_pipeline(stage):
    with stage.connect() as session:
        fine(session, query("SET search_path = secret"))
        told(session, run("SET search_path = public") + run("SELECT 1/0") + SYNC)
        told(session, query("SELECT total FROM orders"))
        told(session, run("SELECT total FROM orders") + SYNC)


def path_rolled_back_by_a_pipeline_step_by_step(stage):
    with stage.connect() as session:
        fine(session, run("SET search_path = secret") + SYNC)
        told(session, run("SET search_path = public") + FLUSH, "C")
        told(session, run("SELECT 1/0") + FLUSH, "E")
        told(session, SYNC)
        told(session, query("SELECT total FROM orders"))


def path_rolled_back_by_a_text(stage):
    with stage.connect() as session:
        fine(session, query("SET search_path = secret"))
        told(session, query("SET search_path = public; SELECT 1/0"))
        told(session, query("SELECT total FROM orders"))


def path_rolled_back_to_a_savepoint(stage):
    with stage.connect() as session:
        fine(session, query("SET search_path = secret"))
        for step in ["BEGIN", "SAVEPOINT a", "SET search_path = public", "ROLLBACK TO a"]:
            fine(session, query(step))
        told(session, query("SELECT total FROM orders"))


def path_rolled_back_by_the_gateways_refusal(stage):
    with stage.connect() as session:
        fine(session, query("SET search_path = secret"))
        refused(session, run("SET search_path = public") + run("DELETE FROM orders") + SYNC)
        told(session, query("SELECT total FROM orders"))


def path_by_a_rolled_back_function(stage):
    with stage.connect() as session:
        fine(session, query("SET search_path = secret"))
        for step in ["BEGIN", "SELECT set_config('search_path', 'public', false)", "ROLLBACK"]:
            fine(session, query(step))
        told(session, query("SELECT total FROM orders"))


def path_rolled_back_by_its_own_text(stage):
    for steps in ["SET search_path = public; ROLLBACK", "BEGIN; SET search_path = public; ROLLBACK",
                  "BEGIN; SAVEPOINT a; SET search_path = public; ROLLBACK TO a; COMMIT"]:
        with stage.connect() as session:
            fine(session, query("SET search_path = secret"))
            told(session, query(steps))
            told(session, query("SELECT total FROM orders"))


def path_rolled_back_by_a_step_of_its_pipeline(stage):
    with stage.connect() as session:
        fine(session, query("SET search_path = secret"))
        told(session, run("BEGIN") + run("SET search_path = public") + run("ROLLBACK") + SYNC)
        told(session, query("SELECT total FROM orders"))


def path_rolled_back_by_a_pipeline_inside_a_transaction(stage):
    with stage.connect() as session:
        fine(session, query("SET search_path = secret"))
        told(session, run("BEGIN") + SYNC)
        told(session, run("SET search_path = public") + SYNC)
        told(session, run("ROLLBACK") + SYNC)
        told(session, run("SELECT total FROM orders") + SYNC)


def path_of_another_role(stage):
    with stage.connect() as session:
        refused(session, query("SET ROLE sallyport_test; RESET search_path"))
        refused(session, run("SET SESSION AUTHORIZATION sallyport_test") + SYNC)


def path_set_alone_is_known_at_once(stage):
    """The other side of it: drivers that use the extended protocol may still set their path."""
    with stage.connect() as session:
        fine(session, run("SET search_path = secret") + SYNC)
        refused(session, run("SELECT total FROM orders") + SYNC)
        fine(session, run("SET search_path = public") + SYNC)
        fine(session, run("SELECT total FROM orders") + SYNC)


def path_that_a_failed_commit_forgot(stage):
    with stage.connect() as session:
        fine(session, query("SET search_path = secret"))
        fine(session, query("BEGIN"))
        told(session, query("SET search_path = public"))
        told(session, query("SELECT 1/0"))
        told(session, query("COMMIT"))
        told(session, query("SELECT total FROM orders"))


def prepared_text_exchanged_in_a_failing_text(stage):
    with stage.connect() as session:
        fine(session, query("PREPARE p AS SELECT 1"))
        told(session, query("DEALLOCATE p; PREPARE p AS SELECT total FROM orders; SELECT 1/0"))
        fine(session, query("SET search_path = secret"))
        told(session, query("EXECUTE p"))


def prepared_text_exchanged_in_a_failing_pipeline(stage):
    with stage.connect() as session:
        fine(session, query("PREPARE p AS SELECT 1"))
        told(session, run("DEALLOCATE p") + run("PREPARE p AS SELECT total FROM orders") + run("SELECT 1/0") + SYNC)
        fine(session, query("SET search_path = secret"))
        told(session, query("EXECUTE p"))
        told(session, bind(statement="p") + execute() + SYNC)


def cursor_exchanged_in_a_failing_text(stage):
    with stage.connect() as session:
        fine(session, query("BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT 1; COMMIT"))
        told(session, query("CLOSE c; DECLARE c CURSOR WITH HOLD FOR SELECT key FROM secret.keys; SELECT 1/0"))
        told(session, query("FETCH ALL FROM c"))


# ---- code that is made and used before the catalogue shows it ----

def code_made_and_used_in_a_pipeline(stage):
    with stage.connect() as session:
        told(session, run(TRAP) + FLUSH, "C")
        refused(session, run("SELECT abs('x')") + SYNC)


def code_made_and_used_in_one_packet(stage):
    with stage.connect() as session:
        refused(session, run(TRAP) + run("SELECT abs('x')") + SYNC)


def code_made_and_used_in_a_pipeline_after_a_read(stage):
    with stage.connect() as session:
        told(session, run(TRAP) + FLUSH, "C")
        told(session, parse("SELECT 1") + FLUSH, "E")  # whatever reads may call it
        told(session, SYNC)
        told(session, run("SELECT abs('x')") + SYNC)


def code_made_and_used_in_a_transaction(stage):
    with stage.connect() as session:
        fine(session, query("BEGIN"))
        fine(session, query(TRAP))
        refused(session, query("SELECT abs('x')"))
        told(session, query("ROLLBACK"))


def operator_made_and_used_in_a_pipeline(stage):
    with stage.connect() as session:
        told(session, run("CREATE OPERATOR public.+ (LEFTARG = text, RIGHTARG = int, FUNCTION = public.textmod)") + FLUSH, "C")
        refused(session, run("SELECT 'orders'::text + 1") + SYNC)


def view_made_and_read_in_a_pipeline(stage):
    with stage.connect() as session:
        refused(session, run("CREATE VIEW public.v AS SELECT key FROM secret.keys") + FLUSH + run("SELECT * FROM v") + SYNC)


def temporary_view_over_a_shadowed_name(stage):
    with stage.connect() as session:
        refused(session, query("SET search_path = secret; CREATE TEMP VIEW customers AS SELECT key FROM keys"))
        told(session, query("SELECT * FROM customers LIMIT 0"))


# ---- names of the protocol ----

def statement_parsed_under_another_path(stage):
    with stage.connect() as session:
        fine(session, parse("SELECT total FROM orders", "s") + SYNC)
        fine(session, query("SET search_path = secret"))
        refused(session, bind(statement="s") + execute() + SYNC)


def statement_parsed_under_another_path_in_one_packet(stage):
    with stage.connect() as session:
        refused(session, parse("SELECT total FROM orders", "s") + run("SET search_path = secret") + bind(statement="s", portal="q")
                + execute("q") + SYNC)


def name_parsed_twice(stage):
    with stage.connect() as session:
        fine(session, parse("SELECT 1", "s") + SYNC)
        refused(session, parse("DELETE FROM orders", "s") + SYNC)
        fine(session, bind(statement="s") + execute() + SYNC)
        told(session, parse("SELECT 2", "s") + bind(statement="s") + execute() + SYNC)


def name_parsed_twice_in_one_pipeline(stage):
    with stage.connect() as session:
        refused(session, parse("SELECT 1", "s") + close("S", "s") + parse("DELETE FROM orders", "s") + bind(statement="s") + execute() + SYNC)
        told(session, bind(statement="s") + execute() + SYNC)


def unnamed_statement_exchanged(stage):
    with stage.connect() as session:
        refused(session, parse("SELECT 1") + parse("DELETE FROM orders") + bind() + execute() + SYNC)
        told(session, bind() + execute() + SYNC)


def sql_name_used_by_the_protocol(stage):
    with stage.connect() as session:
        refused(session, query("PREPARE s AS DELETE FROM orders"))
        told(session, bind(statement="s") + execute() + SYNC)
        fine(session, query("PREPARE t AS SELECT total FROM orders"))
        fine(session, query("SET search_path = secret"))
        refused(session, bind(statement="t") + execute() + SYNC)


def protocol_name_used_by_sql(stage):
    with stage.connect() as session:
        fine(session, parse("SELECT total FROM orders", "s") + SYNC)
        fine(session, query("SET search_path = secret"))
        refused(session, query("EXECUTE s"))


def protocol_name_used_by_explain(stage):
    with stage.connect() as session:
        fine(session, parse("SELECT total FROM orders", "s") + SYNC)
        fine(session, query("SET search_path = secret"))
        refused(session, query("EXPLAIN ANALYZE EXECUTE s"))


def portal_of_another_statement(stage):
    with stage.connect() as session:
        fine(session, query("BEGIN"))
        told(session, parse("SELECT 1", "s") + bind(statement="s", portal="p") + SYNC)
        told(session, bind(statement="nothing", portal="p") + execute("p") + SYNC)
        told(session, query("ROLLBACK"))


def portal_fetched_by_sql(stage):
    with stage.connect() as session:
        fine(session, query("BEGIN"))
        refused(session, parse("SELECT key FROM secret.keys") + bind(portal="p") + SYNC)
        told(session, query("FETCH ALL FROM p"))
        told(session, query("ROLLBACK"))


def cursor_run_by_the_protocol(stage):
    with stage.connect() as session:
        fine(session, query("BEGIN"))
        refused(session, query("DECLARE c CURSOR FOR SELECT key FROM secret.keys"))
        told(session, execute("c") + SYNC)
        told(session, query("ROLLBACK"))


def execute_without_a_name(stage):
    with stage.connect() as session:
        told(session, execute("nothing") + SYNC)
        told(session, bind(statement="nothing") + execute() + SYNC)
        told(session, describe("S", "nothing") + SYNC)


# ---- function calls ----

def function_calls(stage):
    calls = [("public.shred(int)", ["1"]), ("public.liar(int)", ["1"]), ("pg_read_file(text)", ["/etc/passwd"]),
             ("nextval(regclass)", ["secret.counter"]), ("setval(regclass, bigint)", ["secret.counter", "1"]),
             ("lo_unlink(oid)", ["424242"]), ("lo_import(text)", ["/etc/passwd"]),
             ("query_to_xml(text, boolean, boolean, text)", ["SELECT public.shred(1)", "t", "f", ""]),
             ("set_config(text, text, boolean)", ["role", "postgres", "f"]), ("pg_terminate_backend(int, bigint)", ["1", "1"]),
             ("domain_in(cstring, oid, int)", ["1", str(stage.type("trapped")), "-1"]), ("pg_reload_conf()", [])]
    with stage.connect() as session:
        for signature, arguments in calls:
            refused(session, function_call(stage.oid(signature), arguments))
        refused(session, function_call(4_000_000_000))
        fine(session, query("SELECT 1"))


def function_call_after_set_config(stage):
    with stage.connect() as session:
        refused(session, function_call(stage.oid("set_config(text, text, boolean)"), ["search_path", "secret", "f"]))
        fine(session, query("SELECT total FROM orders"))


# ---- messages that hold more than they say ----

def text_behind_the_end_of_a_query(stage):
    with stage.connect() as session:
        told(session, message("Q", text("SELECT 1") + text("DELETE FROM orders")))


def text_behind_the_end_of_a_parse(stage):
    with stage.connect() as session:
        told(session, message("P", text("") + text("SELECT 1") + b"\0\0" + text("DELETE FROM orders")) + bind() + execute() + SYNC)


def query_without_its_end(stage):
    with stage.connect() as session:
        told(session, message("Q", b"DELETE FROM orders"))


def query_inside_copy_data(stage):
    with stage.connect() as session:
        refused(session, query("COPY order_lines FROM STDIN") + copy_data(query("DELETE FROM orders")) + wire.COPY_DONE)
        fine(session, query("SELECT 1"))


def copy_data_for_nothing(stage):
    with stage.connect() as session:
        told(session, copy_data(b"1\tx\t1\n") + wire.COPY_DONE + query("SELECT 1"))


def parameter_of_a_domain(stage):
    with stage.connect() as session:
        refused(session, parse("SELECT $1", types=[stage.type("trapped")]) + bind(["1"]) + execute() + SYNC)


def parameter_of_an_array_of_a_domain(stage):
    with stage.connect() as session:
        refused(session, parse("SELECT $1 IS NULL", types=[stage.type("trapped[]")]) + bind(["{1}"]) + execute() + SYNC)


def same_text_with_another_parameter_type(stage):
    with stage.connect() as session:
        fine(session, parse("SELECT $1", types=[23]) + bind(["1"]) + execute() + SYNC)
        refused(session, parse("SELECT $1", types=[stage.type("trapped")]) + bind(["1"]) + execute() + SYNC)


# ---- how a session begins ----

def begins_with_another_path(stage):
    for settings in [{"search_path": "secret"}, {"options": "-c search_path=secret"}, {"options": "--search-path=secret"},
                     {"SEARCH_PATH": "secret"}, {"options": "-csearch_path=secret"}]:
        try:
            session = stage.connect(**settings)
        except wire.Refused as why:
            assert why.fields["C"] in ("42501", "0A000", "08P01", "28000"), why.fields
            continue
        with session:
            told(session, query("SELECT total FROM orders"))
            told(session, query("SET search_path = public"))
            for back in ["RESET search_path", "RESET ALL", "SET search_path TO DEFAULT", "DISCARD ALL"]:
                told(session, query(back))
                told(session, query("SELECT total FROM orders"))


def begins_with_what_is_refused(stage):
    for settings in [{"options": "-c standard_conforming_strings=off"}, {"standard_conforming_strings": "off"},
                     {"client_encoding": "SQL_ASCII"}, {"options": "-c client_encoding=GBK"}, {"role": "sallyport_test"},
                     {"options": "-c role=sallyport_test"}, {"options": "-c\\ role=sallyport_test"}, {"session_authorization": "postgres"},
                     {"options": "-c session_replication_role=replica"}, {"replication": "database"}, {"replication": "true"},
                     {"options": "-c session_preload_libraries=evil"}, {"options": "-c local_preload_libraries=evil"}]:
        try:
            session = stage.connect(**settings)
        except wire.Refused:
            continue
        with session:
            shown = session.query("SELECT current_user, session_user, current_setting('standard_conforming_strings'), "
                                  "current_setting('client_encoding'), current_setting('session_replication_role')")
            assert shown == [["tester", "tester", "on", "UTF8", "origin"]], f"{settings}: {shown}"


SCENARIOS = [path_rolled_back_by_a_pipeline, path_rolled_back_by_a_pipeline_step_by_step, path_rolled_back_by_a_text,
             path_rolled_back_to_a_savepoint, path_rolled_back_by_the_gateways_refusal, path_by_a_rolled_back_function,
             path_rolled_back_by_its_own_text, path_rolled_back_by_a_step_of_its_pipeline,
             path_rolled_back_by_a_pipeline_inside_a_transaction, path_of_another_role, path_set_alone_is_known_at_once,
             path_that_a_failed_commit_forgot, prepared_text_exchanged_in_a_failing_text,
             prepared_text_exchanged_in_a_failing_pipeline, cursor_exchanged_in_a_failing_text, code_made_and_used_in_a_pipeline,
             code_made_and_used_in_one_packet, code_made_and_used_in_a_pipeline_after_a_read, code_made_and_used_in_a_transaction,
             operator_made_and_used_in_a_pipeline, view_made_and_read_in_a_pipeline, temporary_view_over_a_shadowed_name,
             statement_parsed_under_another_path, statement_parsed_under_another_path_in_one_packet, name_parsed_twice,
             name_parsed_twice_in_one_pipeline, unnamed_statement_exchanged, sql_name_used_by_the_protocol,
             protocol_name_used_by_sql, protocol_name_used_by_explain, portal_of_another_statement, portal_fetched_by_sql,
             cursor_run_by_the_protocol, execute_without_a_name, function_calls, function_call_after_set_config,
             text_behind_the_end_of_a_query, text_behind_the_end_of_a_parse, query_without_its_end, query_inside_copy_data,
             copy_data_for_nothing, parameter_of_a_domain, parameter_of_an_array_of_a_domain,
             same_text_with_another_parameter_type, begins_with_another_path, begins_with_what_is_refused]


def play(suite, database):
    """How many there are."""
    gateway = Gateway(targets=[target(database.server, database="bypass", tls="disable")], rules=RULES, insecure=True, durability="batch")
    gateway.configuration["targets"][0].pop("ca", None)

    def check(scenario):
        try:
            scenario(stage)
        finally:
            difference = None if database.unharmed.same() else database.unharmed.difference()
            if difference is not None:
                database.put_back()
        assert difference is None, f"HARMED: {difference}"

    with gateway:
        stage = Stage(gateway, database)
        for scenario in SCENARIOS:
            suite.run(check, scenario, title=f"scenario: {scenario.__name__.replace('_', ' ')}")
        suite.run(gateway.check_trail, title="scenarios: the trail")
    return len(SCENARIOS)
