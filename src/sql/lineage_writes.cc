#include <algorithm>
#include <utility>

#include "sql/lexer.h"
#include "sql/lineage.h"

// Statements that write, copy, define, or stand for the text of another.
namespace sallyport::sql {
namespace {

constexpr int kMaxStored = 8;

std::string text_of(const char* name) { return name == nullptr ? "" : name; }

/// What an option of COPY says: a word, a number, or (nothing stated) true.
std::string option_text(const PgQuery__DefElem& option) {
  const Message* value = unwrap(option.arg);
  if (value == nullptr) return "true";
  if (const auto* word = as<PgQuery__String>(value, pg_query__string__descriptor)) return text_of(word->sval);
  if (const auto* number = as<PgQuery__Integer>(value, pg_query__integer__descriptor))
    return std::to_string(number->ival);
  if (const auto* flag = as<PgQuery__Boolean>(value, pg_query__boolean__descriptor))
    return flag->boolval != 0 ? "true" : "false";
  return "";
}

void read_option(const PgQuery__DefElem& option, model::CopyFormat& format) {
  using Kind = model::CopyFormat::Kind;
  const base::View name = option.defname;
  const std::string text = option_text(option);
  const auto one = [&](char& to) {
    format.is_readable &= text.size() == 1;
    if (text.size() == 1) to = text[0];
  };
  if (name == "format") {
    format.is_readable &= text == "text" || text == "csv" || text == "binary";
    format.kind = text == "csv" ? Kind::csv : text == "binary" ? Kind::binary : Kind::text;
  } else if (name == "delimiter") {
    one(format.delimiter);
  } else if (name == "null") {
    format.null = text;
  } else if (name == "quote") {
    one(format.quote);
  } else if (name == "escape") {
    one(format.escape);
  } else if (name == "header") {
    format.has_header = text == "true" || text == "on" || text == "1";
    format.is_readable &= format.has_header || text == "false" || text == "off" || text == "0";
  } else if (name == "encoding") {
    format.is_readable &= text == "UTF8" || text == "utf8" || text == "UTF-8" || text == "utf-8";
  } else if (name != "force_quote" && name != "freeze" && name != "force_not_null" && name != "force_null") {
    format.is_readable = false;
  }
}

model::CopyFormat format_of(const PgQuery__CopyStmt& copy) {
  model::CopyFormat format;
  bool has_delimiter = false, has_null = false, has_escape = false;
  for (std::size_t i = 0; i < copy.n_options; ++i) {
    const auto* option = as<PgQuery__DefElem>(unwrap(copy.options[i]), pg_query__def_elem__descriptor);
    if (option == nullptr) {
      format.is_readable = false;
      continue;
    }
    const base::View name = option->defname;
    has_delimiter |= name == "delimiter";
    has_null |= name == "null";
    has_escape |= name == "escape";
    read_option(*option, format);
  }
  if (format.kind == model::CopyFormat::Kind::csv) {
    if (!has_delimiter) format.delimiter = ',';
    if (!has_null) format.null.clear();
    if (!has_escape) format.escape = format.quote;
  }
  return format;
}

}  // namespace

void LineageWalker::assignments(PgQuery__Node* const* items, std::size_t count, const Scope& scope, base::View place) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto* target = as<PgQuery__ResTarget>(unwrap(items[i]), pg_query__res_target__descriptor);
    stores(target == nullptr ? untraced() : value(target->val, scope), std::string(place));
  }
}

/// What is written is what triggers and defaults make of it.
LineageWalker::Fields LineageWalker::returning(PgQuery__Node* const* items, std::size_t count, const Scope& scope) {
  Fields fields = targets(items, count, scope);
  for (Field& field : fields) {
    if (around_->may_run_code) field.flow.add(untraced());
  }
  return fields;
}

LineageWalker::Fields LineageWalker::insert(const PgQuery__InsertStmt& insert, const Scope* outer) {
  open_with(insert.with_clause, outer);
  Scope scope{.outer = outer};
  Item target;
  if (insert.relation != nullptr) target = relation(*insert.relation);
  add(target, scope);
  Fields given;
  if (const Message* query = unwrap(insert.select_stmt)) given = results_of(*query, outer, nullptr);
  stores(whole(given), "INSERT");
  if (insert.on_conflict_clause != nullptr) on_conflict(*insert.on_conflict_clause, given, scope);
  return returning(insert.returning_list, insert.n_returning_list, scope);
}

void LineageWalker::on_conflict(const PgQuery__OnConflictClause& clause, const Fields& given, const Scope& scope) {
  if (clause.infer != nullptr) {
    for (std::size_t i = 0; i < clause.infer->n_index_elems; ++i) {
      const auto* element =
          as<PgQuery__IndexElem>(unwrap(clause.infer->index_elems[i]), pg_query__index_elem__descriptor);
      if (element == nullptr) continue;
      decides(value(element->expr, scope), "ON CONFLICT");
      if (element->name != nullptr && *element->name != '\0')
        decides(find(scope.columns, element->name).flow, "ON CONFLICT");
    }
    decides(value(clause.infer->where_clause, scope), "ON CONFLICT");
  }
  // `excluded` is the row that was given.
  Scope with_excluded = scope;
  Range excluded{.name = "excluded", .fields = {Field{.flow = whole(given), .is_many = true}}};
  with_excluded.ranges.insert(with_excluded.ranges.begin(), std::move(excluded));
  assignments(clause.target_list, clause.n_target_list, with_excluded, "SET");
  decides(value(clause.where_clause, with_excluded), "ON CONFLICT … WHERE");
}

LineageWalker::Fields LineageWalker::update(const PgQuery__UpdateStmt& update, const Scope* outer) {
  open_with(update.with_clause, outer);
  Scope scope{.outer = outer};
  if (update.relation != nullptr) add(relation(*update.relation), scope);
  for (std::size_t i = 0; i < update.n_from_clause; ++i) {
    if (const Message* other = unwrap(update.from_clause[i])) add(item(*other, scope), scope);
  }
  assignments(update.target_list, update.n_target_list, scope, "SET");
  decides(value(update.where_clause, scope), "WHERE");
  return returning(update.returning_list, update.n_returning_list, scope);
}

LineageWalker::Fields LineageWalker::remove(const PgQuery__DeleteStmt& remove, const Scope* outer) {
  open_with(remove.with_clause, outer);
  Scope scope{.outer = outer};
  if (remove.relation != nullptr) add(relation(*remove.relation), scope);
  for (std::size_t i = 0; i < remove.n_using_clause; ++i) {
    if (const Message* other = unwrap(remove.using_clause[i])) add(item(*other, scope), scope);
  }
  decides(value(remove.where_clause, scope), "WHERE");
  return returning(remove.returning_list, remove.n_returning_list, scope);
}

void LineageWalker::merge_when(const PgQuery__MergeWhenClause& when, const Scope& scope) {
  decides(value(when.condition, scope), "MERGE");
  assignments(when.target_list, when.n_target_list, scope, "MERGE … SET");
  stores(all(when.values, when.n_values, scope), "MERGE");
}

void LineageWalker::merge(const PgQuery__MergeStmt& merge, const Scope* outer) {
  open_with(merge.with_clause, outer);
  Scope scope{.outer = outer};
  if (merge.relation != nullptr) add(relation(*merge.relation), scope);
  if (const Message* source = unwrap(merge.source_relation)) add(item(*source, scope), scope);
  decides(value(merge.join_condition, scope), "MERGE");
  for (std::size_t i = 0; i < merge.n_merge_when_clauses; ++i) {
    const auto* when =
        as<PgQuery__MergeWhenClause>(unwrap(merge.merge_when_clauses[i]), pg_query__merge_when_clause__descriptor);
    if (when != nullptr) merge_when(*when, scope);
  }
}

LineageWalker::Fields LineageWalker::copy(const PgQuery__CopyStmt& copy, model::StatementLineage* top) {
  Fields fields;
  if (const Message* query = unwrap(copy.query)) {
    fields = results_of(*query, nullptr, nullptr);
  } else if (copy.relation != nullptr) {
    Item table = relation(*copy.relation);
    const Scope scope{.ranges = std::move(table.ranges), .columns = std::move(table.columns)};
    const auto names = strings(copy.attlist, copy.n_attlist);
    if (names.empty()) fields = scope.columns;
    for (const base::View name : names) {
      const Found found = find(scope.columns, name);
      Field field{.name = std::string(name), .flow = found.flow};
      if (!found.is_found && !found.is_open) field.flow = untraced();
      if (found.count == 1 && found.only != nullptr) {
        field.is_plain = found.only->is_plain;
        field.type = found.only->type;
      }
      fields.push_back(std::move(field));
    }
  }
  if (copy.is_from != 0) return {};
  const bool leaves = copy.is_program != 0 || !text_of(copy.filename).empty();
  if (leaves) stores(whole(fields), "COPY to a file or program");
  if (top != nullptr) {
    top->is_copy = true;
    top->copy = format_of(copy);
  }
  return fields;
}

/// What an earlier Command gave to the session.
LineageWalker::Fields LineageWalker::stored(model::StoredText::Kind kind, const std::string& name) {
  const Fields unknown{Field{.flow = untraced(), .is_many = true}};
  const std::string* text = around_->stored ? around_->stored(kind, name) : nullptr;
  if (text == nullptr || stored_depth_ >= kMaxStored || nesting_bound(*text) > around_->nesting) return unknown;
  const std::string owned = *text;
  const auto tree = Tree::parse(owned);
  if (!tree || tree->statements().size() != 1 || tree->statements().front().message == nullptr) return unknown;
  ++stored_depth_;
  Fields fields = results_of(*tree->statements().front().message, nullptr, nullptr);
  --stored_depth_;
  return fields;
}

LineageWalker::Fields LineageWalker::create_as(const PgQuery__CreateTableAsStmt& create) {
  const Message* query = unwrap(create.query);
  const Fields fields =
      query == nullptr ? Fields{{.flow = untraced(), .is_many = true}} : results_of(*query, nullptr, nullptr);
  // A materialized view is read through its definition.
  if (create.objtype != PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW)
    stores(whole(fields), create.is_select_into != 0 ? "SELECT INTO" : "CREATE TABLE AS");
  return {};
}

/// A view is read through its definition; one that the catalogue does not show yet is not traced.
void LineageWalker::create_view(const PgQuery__ViewStmt& create) {
  if (const Message* query = unwrap(create.query)) results_of(*query, nullptr, nullptr);
}

/// Computed for each row when it is made: what may fail, what is unique, which rows are in it.
void LineageWalker::index(const PgQuery__IndexStmt& index) {
  if (index.relation == nullptr) return;
  Scope scope;
  add(relation(*index.relation), scope);
  for (std::size_t i = 0; i < index.n_index_params; ++i) {
    const auto* element = as<PgQuery__IndexElem>(unwrap(index.index_params[i]), pg_query__index_elem__descriptor);
    if (element == nullptr) continue;
    decides(value(element->expr, scope), "INDEX");
    if (index.unique != 0 && element->name != nullptr) decides(find(scope.columns, element->name).flow, "INDEX");
  }
  decides(value(index.where_clause, scope), "INDEX");
}

/// Queries inside what is defined: a policy, a rule … They choose rows, or store them, when it is used.
void LineageWalker::definition(const Message& message) {
  for_each_child(message, [&](base::View, const Message& child) {
    const auto* const kind = child.descriptor;
    const bool is_query = kind == &pg_query__select_stmt__descriptor || kind == &pg_query__insert_stmt__descriptor ||
                          kind == &pg_query__update_stmt__descriptor || kind == &pg_query__delete_stmt__descriptor;
    if (!is_query) return definition(child);
    const Scope nothing;
    stores(whole(results_of(child, &nothing, nullptr)), "a definition");
  });
}

// ---- from outside ----

void LineageWalker::sink(model::Sink::Kind kind, const Flow& flow, std::string place) {
  if (depth_ > 0 || flow.is_nothing()) return;
  auto& sinks = lineage_.sinks;
  const auto known =
      std::ranges::find_if(sinks, [&](const model::Sink& other) { return other.kind == kind && other.place == place; });
  if (known == sinks.end()) {
    sinks.push_back({.kind = kind, .place = std::move(place), .origin = origin_of(flow)});
    return;
  }
  Flow both = flow;
  both.from.insert(known->origin.from.begin(), known->origin.from.end());
  both.is_untraced |= known->origin.is_untraced;
  known->origin = origin_of(both);
}

model::Origin LineageWalker::origin_of(const Flow& flow) {
  return {.from = {flow.from.begin(), flow.from.end()}, .is_untraced = flow.is_untraced, .is_system = flow.is_system};
}

void LineageWalker::statement(const Message& message, const Surroundings& around) {
  around_ = &around;
  resolver_ = around.resolver;
  views_.clear();
  ctes_.clear();
  model::StatementLineage own;
  for (const Field& field : results_of(message, nullptr, &own)) {
    own.results.push_back(
        {.origin = origin_of(field.flow), .is_plain = field.is_plain, .is_many = field.is_many, .type = field.type});
  }
  lineage_.statements.push_back(std::move(own));
  around_ = nullptr;
  resolver_ = nullptr;
}

void LineageWalker::mentioned(const model::CatalogueRelation& relation, const Resolver& resolver) {
  if (mentioned_.contains(relation.oid)) return;
  const Surroundings around{.resolver = &resolver};
  around_ = &around;
  resolver_ = &resolver;
  fields_of(relation);
  around_ = nullptr;
  resolver_ = nullptr;
}

void LineageWalker::redefined(const model::CatalogueRelation& relation, const Resolver& resolver) {
  const Surroundings around{.resolver = &resolver};
  around_ = &around;
  resolver_ = &resolver;
  std::set<std::uint32_t> all(lineage_.redefined.begin(), lineage_.redefined.end());
  const Flow flow = whole(fields_of(relation));
  all.insert(flow.from.begin(), flow.from.end());
  lineage_.redefined.assign(all.begin(), all.end());
  around_ = nullptr;
  resolver_ = nullptr;
}

}  // namespace sallyport::sql
