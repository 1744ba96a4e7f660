#include <array>
#include <unordered_map>

#include "sql/walk.h"

namespace sallyport::sql {

using model::Effect;
using model::EffectSet;

namespace {

constexpr EffectSet kSchema{Effect::schema};
constexpr EffectSet kPrivilege{Effect::privilege};
constexpr EffectSet kSession{Effect::session};
constexpr EffectSet kServer{Effect::server};
constexpr EffectSet kSchemaServer{Effect::schema, Effect::server};
constexpr EffectSet kSchemaPrivilege{Effect::schema, Effect::privilege};
constexpr EffectSet kPrivilegeServer{Effect::privilege, Effect::server};

// In the order of PgQuery__ObjectType (parsenodes.h, ObjectType).
constexpr std::array<base::View, 53> kObjects = {"",
                                                 "ACCESS METHOD",
                                                 "AGGREGATE",
                                                 "OPERATOR FAMILY",
                                                 "OPERATOR FAMILY",
                                                 "TYPE",
                                                 "CAST",
                                                 "TABLE",
                                                 "COLLATION",
                                                 "CONVERSION",
                                                 "DATABASE",
                                                 "DEFAULT",
                                                 "DEFAULT PRIVILEGES",
                                                 "DOMAIN",
                                                 "DOMAIN",
                                                 "EVENT TRIGGER",
                                                 "EXTENSION",
                                                 "FOREIGN DATA WRAPPER",
                                                 "SERVER",
                                                 "FOREIGN TABLE",
                                                 "FUNCTION",
                                                 "INDEX",
                                                 "LANGUAGE",
                                                 "LARGE OBJECT",
                                                 "MATERIALIZED VIEW",
                                                 "OPERATOR CLASS",
                                                 "OPERATOR",
                                                 "OPERATOR FAMILY",
                                                 "PARAMETER",
                                                 "POLICY",
                                                 "PROCEDURE",
                                                 "PUBLICATION",
                                                 "PUBLICATION",
                                                 "PUBLICATION",
                                                 "ROLE",
                                                 "ROUTINE",
                                                 "RULE",
                                                 "SCHEMA",
                                                 "SEQUENCE",
                                                 "SUBSCRIPTION",
                                                 "STATISTICS",
                                                 "TABLE",
                                                 "TABLE",
                                                 "TABLESPACE",
                                                 "TRANSFORM",
                                                 "TRIGGER",
                                                 "TEXT SEARCH CONFIGURATION",
                                                 "TEXT SEARCH DICTIONARY",
                                                 "TEXT SEARCH PARSER",
                                                 "TEXT SEARCH TEMPLATE",
                                                 "TYPE",
                                                 "USER MAPPING",
                                                 "VIEW"};

}  // namespace

base::View WalkTables::object(int type) {
  const auto at = static_cast<std::size_t>(type);
  return at < kObjects.size() ? kObjects[at] : base::View{};
}

namespace {

using Statements = std::unordered_map<const ProtobufCMessageDescriptor*, WalkTables::Statement>;

}  // namespace

/// A member's own, because the acts are private to Walker.
struct WalkTables::All {
  static const Statements& statements();
};

const Statements& WalkTables::All::statements() {
  using W = Walker;
  static const Statements kStatements = {
      // What reads and writes.
      {&pg_query__select_stmt__descriptor, {"SELECT", {Effect::read}, &W::select_statement}},
      {&pg_query__insert_stmt__descriptor, {"INSERT", {Effect::write}, &W::insert_statement}},
      {&pg_query__update_stmt__descriptor, {"UPDATE", {Effect::read, Effect::write}, &W::update_statement}},
      {&pg_query__delete_stmt__descriptor, {"DELETE", {Effect::read, Effect::write}, &W::delete_statement}},
      {&pg_query__merge_stmt__descriptor, {"MERGE", {Effect::read, Effect::write}, &W::merge_statement}},
      {&pg_query__copy_stmt__descriptor, {"COPY", {}, &W::copy_statement}},
      {&pg_query__truncate_stmt__descriptor, {"TRUNCATE", {Effect::write}, &W::truncate_statement}},
      {&pg_query__lock_stmt__descriptor, {"LOCK", {Effect::write}, &W::lock_statement}},
      {&pg_query__call_stmt__descriptor, {"CALL", {Effect::call}, &W::call_statement}},
      {&pg_query__do_stmt__descriptor, {"DO", {Effect::call}, &W::do_statement}},
      {&pg_query__explain_stmt__descriptor, {"EXPLAIN", {Effect::read}, &W::explain_statement}},
      {&pg_query__refresh_mat_view_stmt__descriptor,
       {"REFRESH MATERIALIZED VIEW", {Effect::read, Effect::write}, &W::refresh_statement}},
      // The session.
      {&pg_query__transaction_stmt__descriptor, {"", kSession, &W::transaction_statement}},
      {&pg_query__variable_set_stmt__descriptor, {"SET", kSession, &W::set_statement}},
      {&pg_query__variable_show_stmt__descriptor, {"SHOW", kSession, &W::show_statement}},
      {&pg_query__discard_stmt__descriptor, {"DISCARD", kSession, &W::discard_statement}},
      {&pg_query__constraints_set_stmt__descriptor, {"SET CONSTRAINTS", kSession, &W::bare}},
      {&pg_query__prepare_stmt__descriptor, {"PREPARE", kSession, &W::prepare_statement}},
      {&pg_query__execute_stmt__descriptor, {"EXECUTE", {}, &W::execute_statement}},
      {&pg_query__deallocate_stmt__descriptor, {"DEALLOCATE", kSession, &W::deallocate_statement}},
      {&pg_query__declare_cursor_stmt__descriptor, {"DECLARE", kSession, &W::declare_statement}},
      {&pg_query__fetch_stmt__descriptor, {"FETCH", {}, &W::fetch_statement}},
      {&pg_query__close_portal_stmt__descriptor, {"CLOSE", kSession, &W::close_statement}},
      {&pg_query__listen_stmt__descriptor, {"LISTEN", kSession, &W::bare}},
      {&pg_query__unlisten_stmt__descriptor, {"UNLISTEN", kSession, &W::bare}},
      // Other sessions, files, programs, servers.
      {&pg_query__notify_stmt__descriptor, {"NOTIFY", kServer, &W::bare}},
      {&pg_query__load_stmt__descriptor, {"LOAD", kServer, &W::bare}},
      {&pg_query__check_point_stmt__descriptor, {"CHECKPOINT", kServer, &W::bare}},
      {&pg_query__alter_system_stmt__descriptor, {"ALTER SYSTEM", kServer, &W::alter_setting}},
      {&pg_query__createdb_stmt__descriptor, {"CREATE DATABASE", kSchemaServer, &W::bare}},
      {&pg_query__dropdb_stmt__descriptor, {"DROP DATABASE", kSchemaServer, &W::bare}},
      {&pg_query__alter_database_stmt__descriptor, {"ALTER DATABASE", kSchemaServer, &W::bare}},
      {&pg_query__alter_database_refresh_coll_stmt__descriptor, {"ALTER DATABASE", kSchemaServer, &W::bare}},
      {&pg_query__alter_database_set_stmt__descriptor, {"ALTER DATABASE", kSchemaServer, &W::alter_setting}},
      {&pg_query__create_table_space_stmt__descriptor, {"CREATE TABLESPACE", kSchemaServer, &W::bare}},
      {&pg_query__drop_table_space_stmt__descriptor, {"DROP TABLESPACE", kSchemaServer, &W::bare}},
      {&pg_query__alter_table_space_options_stmt__descriptor, {"ALTER TABLESPACE", kSchemaServer, &W::bare}},
      {&pg_query__alter_table_move_all_stmt__descriptor, {"ALTER TABLE", kSchemaServer, &W::bare}},
      {&pg_query__create_extension_stmt__descriptor, {"CREATE EXTENSION", kSchemaServer, &W::bare}},
      {&pg_query__alter_extension_stmt__descriptor, {"ALTER EXTENSION", kSchemaServer, &W::bare}},
      {&pg_query__alter_extension_contents_stmt__descriptor, {"ALTER EXTENSION", kSchemaServer, &W::bare}},
      {&pg_query__create_fdw_stmt__descriptor, {"CREATE FOREIGN DATA WRAPPER", kSchemaServer, &W::bare}},
      {&pg_query__alter_fdw_stmt__descriptor, {"ALTER FOREIGN DATA WRAPPER", kSchemaServer, &W::bare}},
      {&pg_query__create_foreign_server_stmt__descriptor, {"CREATE SERVER", kSchemaServer, &W::bare}},
      {&pg_query__alter_foreign_server_stmt__descriptor, {"ALTER SERVER", kSchemaServer, &W::bare}},
      {&pg_query__create_foreign_table_stmt__descriptor, {"CREATE FOREIGN TABLE", kSchemaServer, &W::create_table}},
      {&pg_query__import_foreign_schema_stmt__descriptor, {"IMPORT FOREIGN SCHEMA", kSchemaServer, &W::bare}},
      {&pg_query__create_user_mapping_stmt__descriptor, {"CREATE USER MAPPING", kPrivilegeServer, &W::bare}},
      {&pg_query__alter_user_mapping_stmt__descriptor, {"ALTER USER MAPPING", kPrivilegeServer, &W::bare}},
      {&pg_query__drop_user_mapping_stmt__descriptor, {"DROP USER MAPPING", kPrivilegeServer, &W::bare}},
      {&pg_query__create_publication_stmt__descriptor, {"CREATE PUBLICATION", kSchemaServer, &W::definition}},
      {&pg_query__alter_publication_stmt__descriptor, {"ALTER PUBLICATION", kSchemaServer, &W::definition}},
      {&pg_query__create_subscription_stmt__descriptor, {"CREATE SUBSCRIPTION", kSchemaServer, &W::bare}},
      {&pg_query__alter_subscription_stmt__descriptor, {"ALTER SUBSCRIPTION", kSchemaServer, &W::bare}},
      {&pg_query__drop_subscription_stmt__descriptor, {"DROP SUBSCRIPTION", kSchemaServer, &W::bare}},
      {&pg_query__create_plang_stmt__descriptor, {"CREATE LANGUAGE", kSchemaServer, &W::bare}},
      {&pg_query__create_am_stmt__descriptor, {"CREATE ACCESS METHOD", kSchemaServer, &W::bare}},
      {&pg_query__create_event_trig_stmt__descriptor, {"CREATE EVENT TRIGGER", kSchemaServer, &W::bare}},
      {&pg_query__alter_event_trig_stmt__descriptor, {"ALTER EVENT TRIGGER", kSchemaServer, &W::bare}},
      // Who may do what.
      {&pg_query__grant_stmt__descriptor, {"GRANT", kPrivilege, &W::alter_object}},
      {&pg_query__grant_role_stmt__descriptor, {"GRANT", kPrivilege, &W::alter_object}},
      {&pg_query__alter_default_privileges_stmt__descriptor, {"ALTER DEFAULT PRIVILEGES", kPrivilege, &W::bare}},
      {&pg_query__create_role_stmt__descriptor, {"CREATE ROLE", kPrivilege, &W::bare}},
      {&pg_query__alter_role_stmt__descriptor, {"ALTER ROLE", kPrivilege, &W::bare}},
      {&pg_query__alter_role_set_stmt__descriptor, {"ALTER ROLE", kPrivilege, &W::alter_setting}},
      {&pg_query__drop_role_stmt__descriptor, {"DROP ROLE", kPrivilege, &W::bare}},
      {&pg_query__drop_owned_stmt__descriptor, {"DROP OWNED", kSchemaPrivilege, &W::owned_statement}},
      {&pg_query__reassign_owned_stmt__descriptor, {"REASSIGN OWNED", kSchemaPrivilege, &W::owned_statement}},
      {&pg_query__alter_owner_stmt__descriptor, {"ALTER", kSchemaPrivilege, &W::alter_object}},
      {&pg_query__create_policy_stmt__descriptor, {"CREATE POLICY", kSchemaPrivilege, &W::definition}},
      {&pg_query__alter_policy_stmt__descriptor, {"ALTER POLICY", kSchemaPrivilege, &W::definition}},
      {&pg_query__sec_label_stmt__descriptor, {"SECURITY LABEL", kPrivilege, &W::bare}},
      // What there is.
      {&pg_query__create_stmt__descriptor, {"CREATE TABLE", kSchema, &W::create_table}},
      {&pg_query__create_table_as_stmt__descriptor,
       {"CREATE TABLE AS", {Effect::write, Effect::schema}, &W::create_table_as}},
      {&pg_query__view_stmt__descriptor, {"CREATE VIEW", kSchema, &W::create_view}},
      {&pg_query__index_stmt__descriptor, {"CREATE INDEX", kSchema, &W::definition}},
      {&pg_query__create_seq_stmt__descriptor, {"CREATE SEQUENCE", kSchema, &W::create_sequence}},
      {&pg_query__alter_seq_stmt__descriptor, {"ALTER SEQUENCE", kSchema, &W::definition}},
      {&pg_query__create_function_stmt__descriptor, {"CREATE FUNCTION", kSchema, &W::create_function}},
      {&pg_query__alter_function_stmt__descriptor, {"ALTER FUNCTION", kSchemaPrivilege, &W::bare}},
      {&pg_query__create_trig_stmt__descriptor, {"CREATE TRIGGER", kSchema, &W::definition}},
      {&pg_query__rule_stmt__descriptor, {"CREATE RULE", kSchema, &W::definition}},
      {&pg_query__create_schema_stmt__descriptor, {"CREATE SCHEMA", kSchema, &W::definition}},
      {&pg_query__alter_table_stmt__descriptor, {"ALTER TABLE", kSchema, &W::alter_table}},
      {&pg_query__rename_stmt__descriptor, {"ALTER", kSchema, &W::alter_object}},
      {&pg_query__alter_object_depends_stmt__descriptor, {"ALTER", kSchema, &W::alter_object}},
      {&pg_query__alter_object_schema_stmt__descriptor, {"ALTER", kSchema, &W::alter_object}},
      {&pg_query__drop_stmt__descriptor, {"DROP", kSchema, &W::drop_statement}},
      {&pg_query__comment_stmt__descriptor, {"COMMENT", kSchema, &W::bare}},
      {&pg_query__define_stmt__descriptor, {"CREATE", kSchema, &W::define_object}},
      {&pg_query__create_domain_stmt__descriptor, {"CREATE DOMAIN", kSchema, &W::definition}},
      {&pg_query__alter_domain_stmt__descriptor, {"ALTER DOMAIN", kSchema, &W::definition}},
      {&pg_query__composite_type_stmt__descriptor, {"CREATE TYPE", kSchema, &W::definition}},
      {&pg_query__create_enum_stmt__descriptor, {"CREATE TYPE", kSchema, &W::bare}},
      {&pg_query__create_range_stmt__descriptor, {"CREATE TYPE", kSchema, &W::bare}},
      {&pg_query__alter_enum_stmt__descriptor, {"ALTER TYPE", kSchema, &W::bare}},
      {&pg_query__alter_type_stmt__descriptor, {"ALTER TYPE", kSchema, &W::bare}},
      {&pg_query__create_conversion_stmt__descriptor, {"CREATE CONVERSION", kSchema, &W::bare}},
      {&pg_query__create_cast_stmt__descriptor, {"CREATE CAST", kSchema, &W::bare}},
      {&pg_query__create_op_class_stmt__descriptor, {"CREATE OPERATOR CLASS", kSchema, &W::bare}},
      {&pg_query__create_op_family_stmt__descriptor, {"CREATE OPERATOR FAMILY", kSchema, &W::bare}},
      {&pg_query__alter_op_family_stmt__descriptor, {"ALTER OPERATOR FAMILY", kSchema, &W::bare}},
      {&pg_query__alter_operator_stmt__descriptor, {"ALTER OPERATOR", kSchema, &W::bare}},
      {&pg_query__create_transform_stmt__descriptor, {"CREATE TRANSFORM", kSchema, &W::bare}},
      {&pg_query__create_stats_stmt__descriptor, {"CREATE STATISTICS", kSchema, &W::definition}},
      {&pg_query__alter_stats_stmt__descriptor, {"ALTER STATISTICS", kSchema, &W::bare}},
      {&pg_query__alter_collation_stmt__descriptor, {"ALTER COLLATION", kSchema, &W::bare}},
      {&pg_query__alter_tsdictionary_stmt__descriptor, {"ALTER TEXT SEARCH DICTIONARY", kSchema, &W::bare}},
      {&pg_query__alter_tsconfiguration_stmt__descriptor, {"ALTER TEXT SEARCH CONFIGURATION", kSchema, &W::bare}},
      // They rewrite storage and run the expressions of indexes; what the tables hold stays the same, unless those
      // write.
      {&pg_query__cluster_stmt__descriptor, {"CLUSTER", kSchema, &W::rewrite_statement}},
      {&pg_query__vacuum_stmt__descriptor, {"VACUUM", kSchema, &W::alter_object}},
      {&pg_query__reindex_stmt__descriptor, {"REINDEX", kSchema, &W::rewrite_statement}},
  };
  return kStatements;
}

const WalkTables::Statement* WalkTables::statement(const ProtobufCMessageDescriptor* descriptor) {
  const auto& statements = All::statements();
  const auto found = statements.find(descriptor);
  return found == statements.end() ? nullptr : &found->second;
}

std::vector<base::View> WalkTables::kinds() {
  std::vector<base::View> out;
  for (const auto& [descriptor, statement] : All::statements()) out.push_back(statement.kind);
  return out;
}

std::vector<base::View> WalkTables::objects() { return {kObjects.begin(), kObjects.end()}; }

Walker::Visit WalkTables::visit(const ProtobufCMessageDescriptor* descriptor) {
  using W = Walker;
  static const std::unordered_map<const ProtobufCMessageDescriptor*, Walker::Visit> kVisits = {
      {&pg_query__select_stmt__descriptor, &W::visit_select},
      {&pg_query__insert_stmt__descriptor, &W::nested_statement},
      {&pg_query__update_stmt__descriptor, &W::nested_statement},
      {&pg_query__delete_stmt__descriptor, &W::nested_statement},
      {&pg_query__merge_stmt__descriptor, &W::nested_statement},
      // Inside CREATE SCHEMA and CREATE RULE.
      {&pg_query__create_stmt__descriptor, &W::nested_statement},
      {&pg_query__view_stmt__descriptor, &W::nested_statement},
      {&pg_query__index_stmt__descriptor, &W::nested_statement},
      {&pg_query__create_seq_stmt__descriptor, &W::nested_statement},
      {&pg_query__create_trig_stmt__descriptor, &W::nested_statement},
      {&pg_query__grant_stmt__descriptor, &W::nested_statement},
      {&pg_query__notify_stmt__descriptor, &W::nested_statement},

      {&pg_query__range_var__descriptor, &W::visit_relation},
      {&pg_query__with_clause__descriptor, &W::visit_with},
      {&pg_query__into_clause__descriptor, &W::visit_into},
      {&pg_query__locking_clause__descriptor, &W::visit_locking},
      {&pg_query__func_call__descriptor, &W::visit_function},
      {&pg_query__a__expr__descriptor, &W::visit_operator},
      {&pg_query__sub_link__descriptor, &W::visit_sublink},
      {&pg_query__case_expr__descriptor, &W::visit_case},
      {&pg_query__min_max_expr__descriptor, &W::visit_min_max},
      {&pg_query__join_expr__descriptor, &W::visit_join},
      {&pg_query__sort_by__descriptor, &W::visit_sort},
      {&pg_query__column_ref__descriptor, &W::visit_column},
      {&pg_query__a__indirection__descriptor, &W::visit_indirection},
      {&pg_query__range_table_sample__descriptor, &W::visit_sample},
      {&pg_query__type_name__descriptor, &W::visit_type},

      {&pg_query__bool_expr__descriptor, &W::visit_children},
      {&pg_query__case_when__descriptor, &W::visit_children},
      {&pg_query__coalesce_expr__descriptor, &W::visit_children},
      {&pg_query__xml_expr__descriptor, &W::visit_children},
      {&pg_query__xml_serialize__descriptor, &W::visit_children},
      {&pg_query__null_test__descriptor, &W::visit_children},
      {&pg_query__boolean_test__descriptor, &W::visit_children},
      {&pg_query__grouping_func__descriptor, &W::visit_children},
      {&pg_query__named_arg_expr__descriptor, &W::visit_children},
      {&pg_query__row_expr__descriptor, &W::visit_children},
      {&pg_query__on_conflict_clause__descriptor, &W::visit_children},
      {&pg_query__infer_clause__descriptor, &W::visit_children},
      {&pg_query__index_elem__descriptor, &W::visit_children},
      {&pg_query__res_target__descriptor, &W::visit_children},
      {&pg_query__multi_assign_ref__descriptor, &W::visit_children},
      {&pg_query__type_cast__descriptor, &W::visit_children},
      {&pg_query__collate_clause__descriptor, &W::visit_children},
      {&pg_query__window_def__descriptor, &W::visit_children},
      {&pg_query__range_subselect__descriptor, &W::visit_children},
      {&pg_query__range_function__descriptor, &W::visit_children},
      {&pg_query__range_table_func__descriptor, &W::visit_children},
      {&pg_query__range_table_func_col__descriptor, &W::visit_children},
      {&pg_query__common_table_expr__descriptor, &W::visit_children},
      {&pg_query__ctesearch_clause__descriptor, &W::visit_children},
      {&pg_query__ctecycle_clause__descriptor, &W::visit_children},
      {&pg_query__grouping_set__descriptor, &W::visit_children},
      {&pg_query__a__indices__descriptor, &W::visit_children},
      {&pg_query__a__array_expr__descriptor, &W::visit_children},
      {&pg_query__list__descriptor, &W::visit_children},
      {&pg_query__merge_when_clause__descriptor, &W::visit_children},
      {&pg_query__column_def__descriptor, &W::visit_children},
      {&pg_query__constraint__descriptor, &W::visit_children},
      {&pg_query__partition_spec__descriptor, &W::visit_children},
      {&pg_query__partition_elem__descriptor, &W::visit_children},
      {&pg_query__partition_bound_spec__descriptor, &W::visit_children},
      {&pg_query__partition_range_datum__descriptor, &W::visit_children},
      {&pg_query__partition_cmd__descriptor, &W::visit_children},
      {&pg_query__table_like_clause__descriptor, &W::visit_children},
      {&pg_query__stats_elem__descriptor, &W::visit_children},
      {&pg_query__alter_table_cmd__descriptor, &W::visit_children},
      {&pg_query__vacuum_relation__descriptor, &W::visit_children},
      {&pg_query__publication_obj_spec__descriptor, &W::visit_children},
      {&pg_query__publication_table__descriptor, &W::visit_children},

      {&pg_query__alias__descriptor, &W::visit_nothing},
      {&pg_query__sqlvalue_function__descriptor, &W::visit_nothing},
      {&pg_query__set_to_default__descriptor, &W::visit_nothing},
      {&pg_query__current_of_expr__descriptor, &W::current_of},
      {&pg_query__a__const__descriptor, &W::visit_nothing},
      {&pg_query__param_ref__descriptor, &W::visit_nothing},
      {&pg_query__a__star__descriptor, &W::visit_nothing},
      {&pg_query__integer__descriptor, &W::visit_nothing},
      {&pg_query__float__descriptor, &W::visit_nothing},
      {&pg_query__boolean__descriptor, &W::visit_nothing},
      {&pg_query__string__descriptor, &W::visit_nothing},
      {&pg_query__bit_string__descriptor, &W::visit_nothing},
      {&pg_query__role_spec__descriptor, &W::visit_nothing},
      {&pg_query__trigger_transition__descriptor, &W::visit_nothing},
      {&pg_query__replica_identity_stmt__descriptor, &W::visit_nothing},
      // Options of definitions: the statements whose options matter look at them themselves.
      {&pg_query__def_elem__descriptor, &W::visit_nothing},
      {&pg_query__object_with_args__descriptor, &W::visit_nothing},
      {&pg_query__access_priv__descriptor, &W::visit_nothing},
      {&pg_query__function_parameter__descriptor, &W::visit_nothing},
  };
  const auto found = kVisits.find(descriptor);
  return found == kVisits.end() ? nullptr : found->second;
}

}  // namespace sallyport::sql
