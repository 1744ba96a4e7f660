#include <algorithm>
#include <utility>

#include "sql/walk.h"

namespace sallyport::sql {

using model::Effect;
using model::EffectSet;

Walker::Walker(const Input& input, Resolver resolver)
    : names_(input.names), limits_(input.limits), resolver_(std::move(resolver)) {
  changes_definitions_ = input.session != nullptr && input.session->has_own_definitions;
  for (const std::uint32_t type : input.parameter_types) {
    if (type >= model::kFirstUserOid) types_.insert(type);
  }
}

void Walker::walk(const Tree& tree) {
  bool runs = false;
  for (const auto& item : tree.statements()) {
    if (item.message == nullptr) continue;  // nothing between two semicolons
    const std::size_t at = found_.statements.size();
    const bool is_after_definitions = changes_definitions_;
    filters_.collect(*item.message);
    const Resolver before = resolver_;
    const auto known = found_.relations;
    statement(*item.message, item.text);
    runs = runs || found_.statements[at].kind != "PREPARE";
    // The types and operators of this statement count for it: judged under the names that hold now.
    const auto others = std::exchange(effects_, {});
    judge_types_and_operators();
    auto& own = found_.statements[at];
    own.effects.add(effects_);
    if (is_after_definitions && own.effects.meets({Effect::read, Effect::write, Effect::call})) {
      own.effects.add(Effect::call);
      effects_.add(Effect::call);
      if (found_.note.empty()) found_.note = "an earlier statement of this session changes what names mean";
    }
    effects_.add(others);
    trace(*item.message, before, own, known);
  }
  found_.only_prepares = !runs && !found_.statements.empty();
}

/// Where its results come from. Done last, when it is known whether users' code may run in it.
void Walker::trace(const Message& message, const Resolver& before, const model::Statement& own,
                   const std::vector<model::Relation>& already) {
  const LineageWalker::Surroundings around{
      .resolver = &before,
      .may_run_code = own.effects.meets({Effect::call, Effect::unknown}),
      .stored =
          [this](model::StoredText::Kind kind, const std::string& name) {
            return kind == model::StoredText::Kind::cursor ? text_of_cursor(name) : text_of_prepared(name);
          },
      .nesting = limits_.nesting};
  lineage_.statement(message, around);
  // Rows and plans stay as they are, or go away.
  static constexpr base::View kKeeps[] = {"ANALYZE",     "CLUSTER",    "COMMENT",   "CREATE INDEX",
                                          "CREATE VIEW", "DROP TABLE", "DROP VIEW", "REFRESH MATERIALIZED VIEW",
                                          "REINDEX",     "VACUUM"};
  const bool redefines = own.effects.has(Effect::schema) && std::ranges::find(kKeeps, own.kind) == std::end(kKeeps);
  for (const auto& relation : found_.relations) {
    const auto* known = before.relation(relation.oid);
    if (known == nullptr || relation.oid < model::kFirstUserOid) continue;
    lineage_.mentioned(*known, before);
    const auto earlier = std::ranges::find(already, relation.oid, &model::Relation::oid);
    const bool is_new = earlier == already.end() || !earlier->is_written;
    if (redefines && relation.is_written && is_new) lineage_.redefined(*known, before);
  }
}

void Walker::add(const FunctionMeaning& meaning) {
  effects_.add(meaning.effects);
  if (found_.note.empty()) found_.note = meaning.note;
}

void Walker::add(const SettingChange& change, model::Statement* own) {
  effects_.add(change.effects);
  if (change.refusal && !found_.refusal) found_.refusal = change.refusal;
  if (own != nullptr) own->is_housekeeping = change.is_housekeeping;
  found_.lifts_read_only |= change.lifts_read_only;
  if (found_.note.empty()) found_.note = change.note;
  if (!change.change) return;
  found_.changes.push_back(*change.change);
  if (change.change->kind == model::NameChange::Kind::role) resolver_.forget_standard_path();
  // What follows in the same text is understood under the new path; after a change of role nothing is sure of it.
  resolver_.set_path(change.change->kind == model::NameChange::Kind::search_path
                         ? *change.change
                         : model::NameChange{.kind = model::NameChange::Kind::search_path});
}

void Walker::add_unknown(std::string note) {
  // What is unknown weighs most: its reason replaces another.
  if (!effects_.has(Effect::unknown)) found_.note = std::move(note);
  effects_.add(Effect::unknown);
}

void Walker::statement(const Message& message, base::View text) {
  const auto* form = WalkTables::statement(message.descriptor);
  if (form == nullptr) {
    found_.statements.push_back({.kind = "UNKNOWN", .effects = {Effect::unknown}});
    return add_unknown("the gateway does not know the statement " + std::string(message.descriptor->short_name));
  }
  const EffectSet outer = std::exchange(effects_, form->effects);
  const base::View outer_text = std::exchange(statement_text_, text);
  const Use use = std::exchange(use_, Use::read);
  const std::size_t at = found_.statements.size();
  found_.statements.emplace_back();
  model::Statement own{.kind = std::string(form->kind)};
  (this->*form->act)(message, own);
  own.effects = effects_;
  if (effects_.has(Effect::schema)) {
    const bool only_relations = own.kind == "CREATE TABLE" || own.kind == "CREATE TABLE AS" ||
                                own.kind == "SELECT INTO" || own.kind == "CREATE INDEX" ||
                                own.kind == "CREATE SEQUENCE" || own.kind == "DROP TABLE" || own.kind == "DROP INDEX" ||
                                own.kind == "DROP VIEW" || own.kind == "VACUUM" || own.kind == "ANALYZE" ||
                                own.kind == "COMMENT" || own.kind == "REINDEX";
    if (!only_relations) changes_definitions_ = true;
    const model::NameChange change{.kind = model::NameChange::Kind::relations, .text = only_relations ? "" : "code"};
    const auto is_same = [&](const model::NameChange& other) {
      return other.kind == change.kind && other.name.empty() && other.text == change.text;
    };
    if (std::ranges::none_of(found_.changes, is_same)) found_.changes.push_back(change);
  }
  found_.statements[at] = std::move(own);
  use_ = use;
  statement_text_ = outer_text;
  effects_.add(outer);
}

void Walker::nested_statement(const Message& message) { statement(message, statement_text_); }

void Walker::select_statement(const Message& message, model::Statement& own) {
  const auto* leftmost = as<PgQuery__SelectStmt>(&message, pg_query__select_stmt__descriptor);
  while (leftmost->larg != nullptr) leftmost = leftmost->larg;
  if (leftmost->into_clause != nullptr) own.kind = "SELECT INTO";
  visit_select(message);
}

void Walker::insert_statement(const Message& message, model::Statement&) {
  const auto& insert = *as<PgQuery__InsertStmt>(&message, pg_query__insert_stmt__descriptor);
  with_scope(insert.with_clause, [&] {
    write_relation(insert.relation, insert.on_conflict_clause == nullptr ? Write::insert : Write::change);
    if (insert.n_returning_list > 0 || insert.on_conflict_clause != nullptr) effects_.add(Effect::read);
    const bool updates = insert.on_conflict_clause != nullptr &&
                         insert.on_conflict_clause->action == PG_QUERY__ON_CONFLICT_ACTION__ONCONFLICT_UPDATE;
    if (updates) found_.statements.push_back({.kind = "UPDATE", .effects = {Effect::read, Effect::write}});
    for_each_child(message, [&](base::View field, const Message& child) {
      if (field == "with_clause" || field == "relation") return;
      const auto* select = as<PgQuery__SelectStmt>(&child, pg_query__select_stmt__descriptor);
      if (select != nullptr && select->n_values_lists > 0 && select->with_clause == nullptr) {
        visit_children(child);  // VALUES alone read nothing
      } else {
        visit(child);
      }
    });
  });
}

void Walker::update_statement(const Message& message, model::Statement& own) {
  const auto& update = *as<PgQuery__UpdateStmt>(&message, pg_query__update_stmt__descriptor);
  own.missing_where = update.where_clause == nullptr;  // FROM alone joins every row
  with_scope(update.with_clause, [&] {
    write_relation(update.relation, Write::change);
    for_each_child(message, [&](base::View field, const Message& child) {
      if (field != "with_clause" && field != "relation") visit(child);
    });
  });
}

void Walker::delete_statement(const Message& message, model::Statement& own) {
  const auto& remove = *as<PgQuery__DeleteStmt>(&message, pg_query__delete_stmt__descriptor);
  own.missing_where = remove.where_clause == nullptr;  // USING alone joins every row
  with_scope(remove.with_clause, [&] {
    write_relation(remove.relation, Write::change);
    for_each_child(message, [&](base::View field, const Message& child) {
      if (field != "with_clause" && field != "relation") visit(child);
    });
  });
}

/// Whoever may not DELETE may not do so by MERGE, either.
void Walker::merge_actions(const PgQuery__MergeStmt& merge) {
  for (std::size_t i = 0; i < merge.n_merge_when_clauses; ++i) {
    const auto* when =
        as<PgQuery__MergeWhenClause>(unwrap(merge.merge_when_clauses[i]), pg_query__merge_when_clause__descriptor);
    if (when == nullptr) return add_unknown("the gateway does not know this MERGE");
    const base::View kind = when->command_type == PG_QUERY__CMD_TYPE__CMD_DELETE   ? "DELETE"
                            : when->command_type == PG_QUERY__CMD_TYPE__CMD_UPDATE ? "UPDATE"
                            : when->command_type == PG_QUERY__CMD_TYPE__CMD_INSERT ? "INSERT"
                                                                                   : "";
    if (!kind.empty()) {
      found_.statements.push_back({.kind = std::string(kind), .effects = {Effect::read, Effect::write}});
    }
  }
}

void Walker::merge_statement(const Message& message, model::Statement&) {
  const auto& merge = *as<PgQuery__MergeStmt>(&message, pg_query__merge_stmt__descriptor);
  with_scope(merge.with_clause, [&] {
    write_relation(merge.relation, Write::change);
    merge_actions(merge);
    for_each_child(message, [&](base::View field, const Message& child) {
      if (field != "with_clause" && field != "relation") visit(child);
    });
  });
}

void Walker::copy_statement(const Message& message, model::Statement& own) {
  const auto& copy = *as<PgQuery__CopyStmt>(&message, pg_query__copy_stmt__descriptor);
  own.kind = copy.is_from != 0 ? "COPY FROM" : "COPY TO";
  if (copy.is_program != 0 || (copy.filename != nullptr && copy.filename[0] != '\0')) {
    effects_.add(Effect::server);
    found_.note = copy.is_program != 0 ? "COPY runs a program on the server" : "COPY reaches a file on the server";
  }
  if (copy.is_from != 0) {
    write_relation(copy.relation, Write::insert);
  } else {
    effects_.add(Effect::read);
    if (copy.relation != nullptr) read_relation(*copy.relation);
  }
  if (const Message* query = unwrap(copy.query)) {
    const bool is_select = query->descriptor == &pg_query__select_stmt__descriptor;
    if (is_select) {
      visit(*query);
    } else {
      nested_statement(*query);
    }
  }
  if (const Message* where = unwrap(copy.where_clause)) visit(*where);
}

void Walker::truncate_statement(const Message& message, model::Statement& own) {
  const auto& truncate = *as<PgQuery__TruncateStmt>(&message, pg_query__truncate_stmt__descriptor);
  own.missing_where = true;
  for_each_child(message, [&](base::View, const Message& child) {
    const auto* relation = as<PgQuery__RangeVar>(&child, pg_query__range_var__descriptor);
    write_relation(relation, Write::change);
    if (relation == nullptr || truncate.behavior != PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE) return;
    for (const auto& meaning : resolver_.relations({relation->schemaname, relation->relname})) {
      if (meaning.relation != nullptr) truncate_cascade(*meaning.relation);
    }
  });
}

/// Locks keep others out, but for ACCESS SHARE, which every SELECT takes (lockdefs.h: 1).
void Walker::lock_statement(const Message& message, model::Statement&) {
  const auto& lock = *as<PgQuery__LockStmt>(&message, pg_query__lock_stmt__descriptor);
  if (lock.mode == 1) effects_ = {Effect::read};
  use_ = lock.mode == 1 ? Use::read : Use::define;
  visit_children(message);
}

void Walker::call_statement(const Message& message, model::Statement&) {
  const auto& call = *as<PgQuery__CallStmt>(&message, pg_query__call_stmt__descriptor);
  if (call.funccall == nullptr) return add_unknown("CALL of nothing that is known");
  visit(call.funccall->base);
  if (found_.note.empty()) found_.note = "CALL runs code that the gateway does not see";
}

/// Without ANALYZE the statement is planned, not run: what remains are the functions that planning may evaluate.
void Walker::explain_statement(const Message& message, model::Statement&) {
  const auto& explain = *as<PgQuery__ExplainStmt>(&message, pg_query__explain_stmt__descriptor);
  bool runs = false;
  for (std::size_t i = 0; i < explain.n_options; ++i) {
    const auto* option = as<PgQuery__DefElem>(unwrap(explain.options[i]), pg_query__def_elem__descriptor);
    if (option == nullptr || base::View(option->defname) != "analyze") continue;
    const Message* value = unwrap(option->arg);
    const auto* word = as<PgQuery__String>(value, pg_query__string__descriptor);
    const auto* number = as<PgQuery__Integer>(value, pg_query__integer__descriptor);
    const bool is_off = (word != nullptr && (base::View(word->sval) == "false" || base::View(word->sval) == "off")) ||
                        (number != nullptr && number->ival == 0);
    runs |= !is_off;
  }
  const Message* query = unwrap(explain.query);
  if (query == nullptr) return add_unknown("EXPLAIN of nothing");
  if (runs) return nested_statement(*query);

  const auto statements = found_.statements;
  const auto changes = found_.changes;
  const bool definitions = changes_definitions_;
  const auto relations = std::exchange(found_.relations, {});
  const EffectSet outer = std::exchange(effects_, {});
  nested_statement(*query);
  effects_ = effects_.without({Effect::write, Effect::schema, Effect::session});
  effects_.add(outer);
  auto planned = std::exchange(found_.relations, relations);
  for (auto& relation : planned) mention(relation.schema, relation.name, relation.oid, true, false);
  found_.statements = statements;
  found_.changes = changes;
  changes_definitions_ = definitions;
}

/// Runs the view's query again, as its owner.
void Walker::refresh_statement(const Message& message, model::Statement&) {
  const auto& refresh = *as<PgQuery__RefreshMatViewStmt>(&message, pg_query__refresh_mat_view_stmt__descriptor);
  write_relation(refresh.relation, Write::insert);
  if (refresh.relation == nullptr) return;
  for (const auto& meaning : resolver_.relations({refresh.relation->schemaname, refresh.relation->relname})) {
    if (meaning.relation != nullptr && meaning.relation->kind == 'm') expand(*meaning.relation);
  }
}

model::Understanding Walker::finish() {
  found_.effects = effects_;
  resolve_filters();
  return std::move(found_);
}

}  // namespace sallyport::sql
