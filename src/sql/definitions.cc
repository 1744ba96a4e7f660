#include <algorithm>
#include <utility>

#include "sql/walk.h"

namespace sallyport::sql {
namespace {

using model::Effect;

std::string text_of(const char* name) { return name == nullptr ? "" : name; }

const PgQuery__DefElem* option_named(PgQuery__Node* const* options, std::size_t count, base::View name) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto* option = as<PgQuery__DefElem>(unwrap(options[i]), pg_query__def_elem__descriptor);
    if (option != nullptr && base::View(option->defname) == name) return option;
  }
  return nullptr;
}

std::string word_of(const PgQuery__DefElem* option) {
  if (option == nullptr) return "";
  const auto* word = as<PgQuery__String>(unwrap(option->arg), pg_query__string__descriptor);
  return word == nullptr ? "" : text_of(word->sval);
}

}  // namespace

/// Nothing inside it is an expression or names a relation.
void Walker::bare(const Message&, model::Statement&) {}

/// Its relations are what it defines; its expressions count as if they ran, since some do.
void Walker::definition(const Message& message, model::Statement&) {
  use_ = Use::define;
  visit_children(message);
}

/// A relation that comes into being: known from here on, in this text and, once confirmed, in this session.
void Walker::created(const PgQuery__RangeVar* relation, Made made) {
  if (relation == nullptr) return;
  const bool is_temporary = base::View(text_of(relation->relpersistence)) == "t";
  std::string schema = text_of(relation->schemaname);
  if (is_temporary || schema.starts_with("pg_temp")) {
    schema = "pg_temp";
  } else if (schema.empty()) {
    schema = resolver_.creation_schema();
  }
  mention(schema, relation->relname, 0, false, true);
  const bool is_view = made == Made::view;
  resolver_.add_provisional({schema, relation->relname, is_view});
  found_.changes.push_back({.kind = model::NameChange::Kind::relations,
                            .name = text_of(relation->relname),
                            .text = schema,
                            .is_view = is_view});
}

void Walker::create_table(const Message& message, model::Statement&) {
  use_ = Use::define;
  const Message* base = &message;
  if (const auto* foreign =
          as<PgQuery__CreateForeignTableStmt>(&message, pg_query__create_foreign_table_stmt__descriptor)) {
    if (foreign->base_stmt == nullptr) return add_unknown("the gateway does not know this CREATE FOREIGN TABLE");
    base = &foreign->base_stmt->base;
  }
  const auto& create = *as<PgQuery__CreateStmt>(base, pg_query__create_stmt__descriptor);
  created(create.relation, Made::rows);
  for_each_child(*base, [&](base::View field, const Message& child) {
    if (field != "relation") visit(child);
  });
}

void Walker::create_table_as(const Message& message, model::Statement& own) {
  const auto& create = *as<PgQuery__CreateTableAsStmt>(&message, pg_query__create_table_as_stmt__descriptor);
  const bool is_view = create.objtype == PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW;
  own.kind = is_view ? "CREATE MATERIALIZED VIEW" : create.is_select_into != 0 ? "SELECT INTO" : "CREATE TABLE AS";
  const Message* query = unwrap(create.query);
  if (query == nullptr || create.into == nullptr) return add_unknown("the gateway does not know this CREATE TABLE AS");
  if (query->descriptor == &pg_query__select_stmt__descriptor) {
    visit(*query);
  } else {
    nested_statement(*query);  // EXECUTE
  }
  created(create.into->rel, is_view ? Made::view : Made::rows);
}

void Walker::create_view(const Message& message, model::Statement&) {
  const auto& create = *as<PgQuery__ViewStmt>(&message, pg_query__view_stmt__descriptor);
  if (const Message* query = unwrap(create.query)) visit(*query);
  created(create.view, Made::view);
}

void Walker::create_sequence(const Message& message, model::Statement&) {
  const auto& create = *as<PgQuery__CreateSeqStmt>(&message, pg_query__create_seq_stmt__descriptor);
  created(create.sequence, Made::rows);
}

/// Code in a language that is not trusted may do what the server's process may.
void Walker::language_of(base::View language) {
  static constexpr base::View kTrusted[] = {"", "plpgsql", "plperl", "plv8", "pltcl", "sql"};
  if (std::ranges::find(kTrusted, language) != std::end(kTrusted)) return;
  effects_.add(Effect::server);
  found_.note = "language " + std::string(language) + " can reach the server itself";
}

/// The body is judged when it is called: as `call`.
void Walker::create_function(const Message& message, model::Statement& own) {
  const auto& create = *as<PgQuery__CreateFunctionStmt>(&message, pg_query__create_function_stmt__descriptor);
  if (create.is_procedure != 0) own.kind = "CREATE PROCEDURE";
  language_of(word_of(option_named(create.options, create.n_options, "language")));
  if (const auto* security = option_named(create.options, create.n_options, "security")) {
    const auto* definer = as<PgQuery__Boolean>(unwrap(security->arg), pg_query__boolean__descriptor);
    if (definer == nullptr || definer->boolval != 0) effects_.add(Effect::privilege);
  }
}

void Walker::do_statement(const Message& message, model::Statement&) {
  const auto& run = *as<PgQuery__DoStmt>(&message, pg_query__do_stmt__descriptor);
  language_of(word_of(option_named(run.args, run.n_args, "language")));
  if (found_.note.empty()) found_.note = "DO runs code that the gateway does not see";
}

namespace {

/// Whether it may read every row anew, to rewrite or to check it.
bool reads_rows_anew(int kind) {
  return kind == PG_QUERY__ALTER_TABLE_TYPE__AT_AddColumn || kind == PG_QUERY__ALTER_TABLE_TYPE__AT_AlterColumnType ||
         kind == PG_QUERY__ALTER_TABLE_TYPE__AT_AddConstraint ||
         kind == PG_QUERY__ALTER_TABLE_TYPE__AT_ValidateConstraint ||
         kind == PG_QUERY__ALTER_TABLE_TYPE__AT_SetLogged || kind == PG_QUERY__ALTER_TABLE_TYPE__AT_SetUnLogged ||
         kind == PG_QUERY__ALTER_TABLE_TYPE__AT_SetAccessMethod ||
         kind == PG_QUERY__ALTER_TABLE_TYPE__AT_AttachPartition;
}

}  // namespace

void Walker::alter_table(const Message& message, model::Statement& own) {
  const auto& alter = *as<PgQuery__AlterTableStmt>(&message, pg_query__alter_table_stmt__descriptor);
  own.kind = "ALTER " + std::string(WalkTables::object(alter.objtype));
  bool reads_rows = false;
  for (std::size_t i = 0; i < alter.n_cmds; ++i) {
    const auto* command = as<PgQuery__AlterTableCmd>(unwrap(alter.cmds[i]), pg_query__alter_table_cmd__descriptor);
    if (command == nullptr) return add_unknown("the gateway does not know this ALTER TABLE");
    const int kind = command->subtype;
    reads_rows |= reads_rows_anew(kind);
    const bool is_privilege =
        kind == PG_QUERY__ALTER_TABLE_TYPE__AT_ChangeOwner ||
        (kind >= PG_QUERY__ALTER_TABLE_TYPE__AT_EnableTrig && kind <= PG_QUERY__ALTER_TABLE_TYPE__AT_DisableRule) ||
        (kind >= PG_QUERY__ALTER_TABLE_TYPE__AT_EnableRowSecurity &&
         kind <= PG_QUERY__ALTER_TABLE_TYPE__AT_NoForceRowSecurity);
    if (is_privilege) effects_.add(Effect::privilege);
    if (command->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE) mention_any("", false, true);
  }
  if (reads_rows) return rewrite_statement(message, own);
  use_ = Use::define;
  visit_children(message);
}

/// RENAME, OWNER TO, SET SCHEMA, DEPENDS ON, GRANT, VACUUM: statements about objects of any kind.
void Walker::alter_object(const Message& message, model::Statement& own) {
  use_ = Use::define;
  int type = 0;
  const PgQuery__RangeVar* relation = nullptr;
  if (const auto* rename = as<PgQuery__RenameStmt>(&message, pg_query__rename_stmt__descriptor)) {
    const bool is_part = rename->relation_type != PG_QUERY__OBJECT_TYPE__OBJECT_TYPE_UNDEFINED &&
                         (rename->rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_COLUMN ||
                          rename->rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_ATTRIBUTE);
    type = is_part ? rename->relation_type : rename->rename_type;
    // Its relations have other names from then on.
    if (type == PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA) mention_any(text_of(rename->subname), false, true);
    relation = rename->relation;
  } else if (const auto* owner = as<PgQuery__AlterOwnerStmt>(&message, pg_query__alter_owner_stmt__descriptor)) {
    type = owner->object_type;
    relation = owner->relation;
  } else if (const auto* schema =
                 as<PgQuery__AlterObjectSchemaStmt>(&message, pg_query__alter_object_schema_stmt__descriptor)) {
    type = schema->object_type;
    relation = schema->relation;
  } else if (const auto* depends =
                 as<PgQuery__AlterObjectDependsStmt>(&message, pg_query__alter_object_depends_stmt__descriptor)) {
    type = depends->object_type;
    relation = depends->relation;
  } else if (const auto* grant = as<PgQuery__GrantStmt>(&message, pg_query__grant_stmt__descriptor)) {
    if (grant->is_grant == 0) own.kind = "REVOKE";
    if (grant->targtype == PG_QUERY__GRANT_TARGET_TYPE__ACL_TARGET_ALL_IN_SCHEMA) {
      for (const base::View in : strings(grant->objects, grant->n_objects)) mention_any(in, false, true);
    }
    for (std::size_t i = 0; i < grant->n_objects; ++i) {
      if (const auto* object = as<PgQuery__RangeVar>(unwrap(grant->objects[i]), pg_query__range_var__descriptor)) {
        define_relation(*object);
      }
    }
    return;
  } else if (const auto* roles = as<PgQuery__GrantRoleStmt>(&message, pg_query__grant_role_stmt__descriptor)) {
    if (roles->is_grant == 0) own.kind = "REVOKE";
    return;
  } else if (const auto* vacuum = as<PgQuery__VacuumStmt>(&message, pg_query__vacuum_stmt__descriptor)) {
    if (vacuum->is_vacuumcmd == 0) own.kind = "ANALYZE";
    return rewrite_statement(message, own);
  } else {
    return add_unknown("the gateway does not know this statement about an object");
  }
  own.kind = "ALTER " + std::string(WalkTables::object(type));
  if (relation != nullptr) define_relation(*relation);
}

void Walker::drop_statement(const Message& message, model::Statement& own) {
  const auto& drop = *as<PgQuery__DropStmt>(&message, pg_query__drop_stmt__descriptor);
  // What depends on it is not known here: columns, keys, views, tables.
  if (drop.behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE) mention_any("", false, true);
  if (drop.remove_type == PG_QUERY__OBJECT_TYPE__OBJECT_EXTENSION) mention_any("", false, true);
  if (drop.remove_type == PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA) {
    for (const base::View schema : strings(drop.objects, drop.n_objects)) mention_any(schema, false, true);
  }
  own.kind = "DROP " + std::string(WalkTables::object(drop.remove_type));
  if (drop.remove_type == PG_QUERY__OBJECT_TYPE__OBJECT_POLICY) effects_.add(Effect::privilege);
  static constexpr base::View kServer[] = {"SERVER",        "FOREIGN DATA WRAPPER", "EXTENSION",
                                           "PUBLICATION",   "SUBSCRIPTION",         "LANGUAGE",
                                           "EVENT TRIGGER", "ACCESS METHOD"};
  const base::View object = WalkTables::object(drop.remove_type);
  if (std::ranges::find(kServer, object) != std::end(kServer)) effects_.add(Effect::server);
  // A rule, trigger or policy is named behind its table.
  const bool is_part = object == "RULE" || object == "TRIGGER" || object == "POLICY";
  const bool is_relation = is_part || object == "TABLE" || object == "VIEW" || object == "MATERIALIZED VIEW" ||
                           object == "INDEX" || object == "SEQUENCE" || object == "FOREIGN TABLE";
  if (!is_relation) return;
  for (std::size_t i = 0; i < drop.n_objects; ++i) {
    const auto* list = as<PgQuery__List>(unwrap(drop.objects[i]), pg_query__list__descriptor);
    if (list == nullptr) return add_unknown("the gateway does not know this DROP");
    auto parts = strings(list->items, list->n_items);
    if (is_part && !parts.empty()) parts.pop_back();
    const auto name = DottedName::of(parts);
    const auto meanings = resolver_.relations(name);
    if (meanings.empty()) mention(std::string(name.schema), name.name, 0, false, true);
    for (const auto& meaning : meanings) {
      mention(meaning.schema, name.name, meaning.relation == nullptr ? 0 : meaning.relation->oid, false, true);
      if (meaning.relation != nullptr) mention_kin(*meaning.relation, false, true);
    }
  }
}

/// DROP OWNED and REASSIGN OWNED: whatever the role has.
void Walker::owned_statement(const Message&, model::Statement&) { mention_any("", false, true); }

/// What reads every row anew runs the expressions of indexes and statistics.
void Walker::rewrite_statement(const Message& message, model::Statement&) {
  use_ = Use::define;
  const auto others = std::exchange(found_.relations, {});
  visit_children(message);
  const auto own = std::exchange(found_.relations, others);
  for (const auto& relation : own) {
    const auto* known = resolver_.relation(relation.oid);
    if (known != nullptr) run_expressions(*known);
    mention(relation.schema, relation.name, relation.oid, relation.is_read, relation.is_written);
  }
  if (own.empty()) {
    effects_.add(Effect::call);
    if (found_.note.empty()) found_.note = "it runs the expressions of every index that it finds";
  }
}

/// ALTER SYSTEM, ROLE or DATABASE … SET: what later sessions begin with.
void Walker::alter_setting(const Message& message, model::Statement&) {
  const PgQuery__VariableSetStmt* set = nullptr;
  for_each_child(message, [&](base::View, const Message& child) {
    if (const auto* found = as<PgQuery__VariableSetStmt>(&child, pg_query__variable_set_stmt__descriptor)) set = found;
  });
  if (set == nullptr) return add_unknown("the gateway does not know this statement about a setting");
  if (set->kind != PG_QUERY__VARIABLE_SET_KIND__VAR_SET_VALUE || set->n_args != 1) return;
  const SettingChange change = understand_setting(text_of(set->name), constant(unwrap(set->args[0])), false, false);
  if (change.refusal && !found_.refusal) found_.refusal = change.refusal;
}

void Walker::define_object(const Message& message, model::Statement& own) {
  const auto& define = *as<PgQuery__DefineStmt>(&message, pg_query__define_stmt__descriptor);
  own.kind = "CREATE " + std::string(WalkTables::object(define.kind));
}

}  // namespace sallyport::sql
