#!/usr/bin/python3
"""Writes reviewed_functions.inc: what comes with PostgreSQL 15 and what it does.

    review_functions.py [psql arguments] > src/sql/reviewed_functions.inc

Run against an empty database of PostgreSQL 15. Every function of pg_catalog and information_schema that SQL can call is
listed with its OID, its name and its effect. The patterns below are the review: the first that matches the whole name
decides; a function that is volatile and that no pattern names stops the script, so that nothing new passes unseen.
Functions that are not volatile and match no pattern are harmless.
"""
import re
import subprocess
import sys

# Effect words as in Reviewed::effects (reviewed.h). The order matters: the first match decides.
REVIEW = [
    ("setting", r"set_config"),
    # Run SQL that is held in a string, or in a cursor, or read a table that is named in a string.
    ("call", r"(query|cursor|table|schema|database)_to_xml(schema|_and_xmlschema)?|ts_stat|ts_rewrite|currtid2?"),
    # Read a value of the type whose OID is an argument: a domain's check or a user's own input function may run.
    ("call", r"(array|domain|multirange|range|record)_in"),
    ("call", r".*_validator|amvalidate|plpgsql_inline_handler|plpgsql_call_handler"),
    ("call", r"pg_sleep.*|pg_(try_)?advisory_.*"),
    ("call", r"lo_get|lo_open|loread|lo_lseek(64)?|lo_tell(64)?|lo_close"),
    ("server", r"lo_import|lo_export"),
    ("write", r"lo_.*|lowrite"),
    ("write", r"nextval|setval|brin_(de)?summarize_.*|gin_clean_pending_list"),
    ("server", r"pg_read_.*|pg_ls_.*|pg_stat_file|pg_current_logfile|pg_hba_file_rules|pg_ident_file_mappings"),
    ("server", r"pg_show_all_file_settings|pg_(cancel|terminate)_backend|pg_reload_conf|pg_rotate_logfile.*|pg_promote"),
    ("server", r"pg_log_backend_memory_contexts|pg_notify|pg_export_snapshot|pg_switch_wal|pg_create_restore_point"),
    ("server", r"pg_backup_.*|pg_wal_replay_(pause|resume)|pg_logical_.*|pg_.*_replication_slot|pg_replication_slot_advance"),
    ("server", r"pg_replication_origin_(advance|create|drop|session_reset|session_setup|xact_reset|xact_setup)"),
    ("server", r"pg_stat_reset.*|binary_upgrade_.*|pg_nextoid|pg_stop_making_pinned_objects|pg_import_system_collations"),
    ("server", r"pg_extension_config_dump"),
    ("session", r"setseed"),
    # Volatile, and yet they change nothing that outlives the statement and tell nothing but what the role may see.
    ("read", r"clock_timestamp|timeofday|random|gen_random_uuid|current_query|currval|lastval|txid_status|pg_xact_status"),
    ("read", r"pg_.*_size|pg_sequence_last_value|pg_blocking_pids|pg_safe_snapshot_blocking_pids|pg_partition_.*"),
    ("read", r"pg_(database_)?collation_actual_version|pg_control_.*|pg_current_wal_.*|pg_get_.*|pg_is_.*|pg_jit_available"),
    ("read", r"pg_last_.*|pg_lock_status|pg_notification_queue_usage|pg_prepared_xact|pg_show_replication_origin_status"),
    ("read", r"pg_replication_origin_(progress|session_is_setup|session_progress|oid)|pg_stat_get_.*|pg_stat_have_stats"),
    ("read", r"pg_stat_clear_snapshot|pg_stat_force_next_flush|pg_xact_commit_timestamp(_origin)?|pg_isolation_test_.*"),
]

FUNCTIONS = """
select p.oid, p.proname, p.provolatile from pg_proc p
where p.pronamespace in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
  and p.prorettype not in (select oid from pg_type where typname in ('trigger', 'event_trigger', 'internal',
      'language_handler', 'fdw_handler', 'index_am_handler', 'table_am_handler', 'tsm_handler'))
  and not ('internal'::regtype = any (p.proargtypes))
order by p.proname collate "C", p.oid"""
OPERATORS = "select distinct oprname collate \"C\" from pg_operator order by 1"
TYPES = "select typname collate \"C\" from pg_type where typnamespace = 'pg_catalog'::regnamespace order by 1"
RELATIONS = """select c.relname collate "C" from pg_class c
where c.relnamespace = '%s'::regnamespace and c.relkind in ('r', 'v') order by 1"""
# An operator or a cast is harmless when its function is: all of PostgreSQL's own must be.
UNREVIEWED = """select p.proname from pg_operator o join pg_proc p on p.oid = o.oprcode
union select p.proname from pg_cast c join pg_proc p on p.oid = c.castfunc"""


def ask(query):
    command = ["psql", "-XAt", "-F", "\t"] + sys.argv[1:] + ["-c", query]
    return [line.split("\t") for line in subprocess.run(command, check=True, capture_output=True, text=True)
            .stdout.splitlines()]


def effect_of(name, volatility):
    for effect, pattern in REVIEW:
        if re.fullmatch(pattern, name):
            return effect
    if volatility == "v":
        sys.exit(f"{name} is volatile and not reviewed")
    return "read"


def main():
    version = ask("show server_version_num")[0][0]
    if not version.startswith("15"):
        sys.exit("the review is of PostgreSQL 15")
    effects = {name: effect_of(name, volatility) for _, name, volatility in ask(FUNCTIONS)}
    for (name,) in ask(UNREVIEWED):
        if effects.get(name, "read") != "read":
            sys.exit(f"an operator or a cast calls {name}")
    print("// Written by review_functions.py from PostgreSQL 15. Do not edit.")
    print("#ifdef FUNCTION")
    for oid, name, volatility in ask(FUNCTIONS):
        # OIDs from 10000 on are given by each initdb anew: such a function is known by its name alone.
        print(f'FUNCTION({oid if int(oid) < 10000 else 0}, "{name}", {effect_of(name, volatility)})')
    print("#endif")
    for macro, query in (("OPERATOR", OPERATORS), ("TYPE", TYPES), ("SYSTEM_RELATION", RELATIONS % "pg_catalog"),
                         ("INFORMATION_RELATION", RELATIONS % "information_schema")):
        print(f"#ifdef {macro}")
        for (name,) in ask(query):
            print(f'{macro}("{name}")')
        print("#endif")


main()
