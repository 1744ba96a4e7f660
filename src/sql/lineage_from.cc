#include <algorithm>
#include <iterator>
#include <utility>

#include "sql/lexer.h"
#include "sql/lineage.h"

// What stands in FROM, and the columns of relations and views.
namespace sallyport::sql {
namespace {

constexpr int kMaxDepth = 32;               // of views inside views
constexpr std::size_t kMostColumns = 1664;  // PostgreSQL's bound of a result (MaxTupleAttributeNumber)

std::string text_of(const char* name) { return name == nullptr ? "" : name; }

}  // namespace

std::uint32_t LineageWalker::index_of(model::LineageColumn column, std::uint32_t type) {
  const auto next = static_cast<std::uint32_t>(lineage_.columns.size());
  const auto [place, is_new] = indices_.try_emplace(column, next);
  if (is_new) {
    lineage_.columns.push_back(std::move(column));
    types_.push_back(type);
  }
  return place->second;
}

/// What it belongs to, and what belongs to it: rows of the one are rows of the other.
std::vector<const model::CatalogueRelation*> LineageWalker::kin_of(const model::CatalogueRelation& relation,
                                                                   Heirs heirs) const {
  const auto* catalogue = resolver_->catalogue();
  if (catalogue == nullptr) return {};
  auto kin = catalogue->above(relation);
  if (heirs == Heirs::with) std::ranges::copy(catalogue->below(relation), std::back_inserter(kin));
  return kin;
}

LineageWalker::Fields LineageWalker::fields_of(const model::CatalogueRelation& relation, Heirs heirs) {
  mentioned_.insert(relation.oid);
  const auto* catalogue = resolver_->catalogue();
  const auto schema_of = [&](const model::CatalogueRelation& of) {
    return std::string(catalogue->schema_name(of.schema));
  };
  const std::string schema = schema_of(relation);
  const auto kin = kin_of(relation, heirs);
  Fields fields;
  for (const auto& column : relation.columns) {
    if (is_spent()) break;
    Field field{.name = column.name, .is_plain = true, .type = column.type};
    const auto add = [&](const model::CatalogueRelation& of, std::int16_t number) {
      field.flow.from.insert(index_of({.schema = schema_of(of),
                                       .relation = of.name,
                                       .column = column.name,
                                       .relation_oid = of.oid,
                                       .number = number},
                                      column.type));
    };
    add(relation, column.number);
    for (const auto* other : kin) {
      const auto same = std::ranges::find(other->columns, column.name, &model::CatalogueColumn::name);
      if (same != other->columns.end()) add(*other, same->number);
    }
    fields.push_back(std::move(field));
  }
  if (relation.kind == 'S') {
    for (const base::View name : {"last_value", "log_cnt", "is_called"}) {
      Field field{.name = std::string(name), .is_plain = true};
      const auto number = static_cast<std::int16_t>(fields.size() + 1);
      field.flow.from.insert(index_of({schema, relation.name, field.name, relation.oid, number}, 0));
      fields.push_back(std::move(field));
    }
  }
  if (relation.kind != 'v' && relation.kind != 'm') return fields;
  const Fields behind = view_fields(relation);
  const bool is_aligned = behind.size() == fields.size() && std::ranges::none_of(behind, &Field::is_many);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    fields[i].flow.add(is_aligned ? behind[i].flow : whole(behind));
    if (!is_aligned) fields[i].flow.add(untraced());
    fields[i].flow.can_fail = false;
    fields[i].is_plain = is_aligned && behind[i].is_plain;
  }
  return fields;
}

/// The results of the view's query, as PostgreSQL prints it: everything outside pg_catalog is qualified there.
LineageWalker::Fields LineageWalker::view_fields(const model::CatalogueRelation& view) {
  if (const auto known = views_.find(view.oid); known != views_.end()) return known->second;
  const Fields unknown{Field{.flow = untraced(), .is_many = true}};
  if (std::ranges::find(open_views_, view.oid) != open_views_.end() || depth_ >= kMaxDepth) return unknown;
  const std::size_t nesting = nesting_bound(view.definition);
  if (nesting_ + nesting > around_->nesting) return unknown;
  const auto tree = Tree::parse(view.definition);
  if (!tree || tree->statements().size() != 1 || tree->statements().front().message == nullptr) return unknown;
  const Resolver inside = resolver_->for_definitions();
  const Resolver* outer = std::exchange(resolver_, &inside);
  auto ctes = std::exchange(ctes_, {});
  open_views_.push_back(view.oid);
  nesting_ += nesting;
  ++depth_;
  Fields fields = results_of(*tree->statements().front().message, nullptr, nullptr);
  --depth_;
  nesting_ -= nesting;
  open_views_.pop_back();
  ctes_ = std::move(ctes);
  resolver_ = outer;
  return views_.emplace(view.oid, std::move(fields)).first->second;
}

LineageWalker::Fields LineageWalker::fields_of(const RelationMeaning& meaning, base::View name, Heirs heirs) {
  if (meaning.is_system) {
    Field all{.is_many = true, .of = {meaning.schema, std::string(name)}};
    all.flow.is_system = true;
    all.flow.is_untraced = holds_values_of_others(name, {});
    return {std::move(all)};
  }
  if (meaning.relation != nullptr) return fields_of(*meaning.relation, heirs);
  // Made by this session. A table holds what the client or an unmasked result put there; a view may be of anything.
  if (meaning.is_view) return {Field{.flow = untraced(), .is_many = true}};
  Field all{.is_many = true, .of = {meaning.schema, std::string(name)}};
  all.flow.from.insert(index_of({.schema = meaning.schema, .relation = std::string(name)}, 0));
  return {std::move(all)};
}

/// Gives the names that an alias says.
LineageWalker::Item LineageWalker::named(Item item, const PgQuery__Alias* alias, base::View schema, base::View name) {
  Range range{.schema = std::string(schema), .name = std::string(name)};
  if (alias != nullptr) {
    range.schema.clear();
    range.name = text_of(alias->aliasname);
    const auto names = strings(alias->colnames, alias->n_colnames);
    const bool is_counted = std::ranges::none_of(item.columns, &Field::is_many);
    if (!names.empty() && !is_counted) {
      // Which of them gets which name is not known.
      Field rest{.flow = whole(item.columns), .is_many = true};
      Fields columns;
      for (const base::View column : names) columns.push_back({.name = std::string(column), .flow = rest.flow});
      // The rest is not renamed: it may be asked for by its own names.
      for (Field& field : item.columns) {
        if (field.is_many) columns.push_back(std::move(field));
      }
      if (std::ranges::none_of(columns, &Field::is_many)) columns.push_back(std::move(rest));
      item.columns = std::move(columns);
    } else {
      for (std::size_t i = 0; i < names.size() && i < item.columns.size(); ++i) {
        item.columns[i].name = names[i];
        item.columns[i].is_named_surely = true;
      }
    }
  }
  range.fields = item.columns;
  item.ranges = {std::move(range)};
  return item;
}

LineageWalker::Item LineageWalker::relation(const PgQuery__RangeVar& relation) {
  const DottedName name{text_of(relation.schemaname).empty() ? base::View{} : base::View(relation.schemaname),
                        relation.relname};
  if (name.schema.empty()) {
    for (std::size_t at = ctes_.size(); at-- > 0;) {
      if (ctes_[at].name == name.name) return named({.columns = fields_of(at)}, relation.alias, {}, name.name);
    }
  }
  const auto meanings = resolver_->relations(name);
  if (meanings.empty())
    return named({.columns = {{.flow = untraced(), .is_many = true}}}, relation.alias, {}, name.name);
  const Heirs heirs = relation.inh != 0 ? Heirs::with : Heirs::without;
  Item either;
  for (const auto& meaning : meanings) {
    Item one = named({.columns = fields_of(meaning, name.name, heirs)}, relation.alias, meaning.schema, name.name);
    if (meanings.size() == 1) return one;
    for (Field& field : one.columns) {
      field.is_plain = false;
      field.is_rival = field.is_many;
      either.columns.push_back(std::move(field));
    }
    either.ranges = std::move(one.ranges);
  }
  // One of several: a column may be any one's of that name, and how many `*` stands for is not known.
  either.columns.push_back({.flow = whole(either.columns), .is_many = true});
  if (relation.alias == nullptr) either.ranges[0].schema = name.schema;
  either.ranges[0].fields = either.columns;
  return either;
}

namespace {

/// Whatever it is given: none of those that never fail gives a set of rows.
bool gives_one_row(const PgQuery__FuncCall* call) {
  if (call == nullptr) return false;
  const base::View name = strings(call->funcname, call->n_funcname).back();
  for (std::size_t i = 0; i < call->n_args; ++i) {
    if (!is_total_function(name, i)) return false;
  }
  return call->n_args > 0;
}

}  // namespace

LineageWalker::Item LineageWalker::function(const PgQuery__RangeFunction& function, const Scope& before) {
  Item item;
  const auto define = [&](PgQuery__Node* const* definitions, std::size_t count, const Flow& flow) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto* column = as<PgQuery__ColumnDef>(unwrap(definitions[i]), pg_query__column_def__descriptor);
      if (column != nullptr) item.columns.push_back({.name = text_of(column->colname), .flow = flow});
    }
  };
  std::string name;
  for (std::size_t i = 0; i < function.n_functions; ++i) {
    const auto* pair = as<PgQuery__List>(unwrap(function.functions[i]), pg_query__list__descriptor);
    const Message* expression = pair == nullptr || pair->n_items == 0 ? nullptr : unwrap(pair->items[0]);
    const Flow flow = value(expression, before);
    const auto* call = as<PgQuery__FuncCall>(expression, pg_query__func_call__descriptor);
    if (call != nullptr && name.empty()) name = strings(call->funcname, call->n_funcname).back();
    // How many rows there are is seen by everybody.
    // A user's function: its arguments were looked at; how many rows it gives is its author's choice.
    const bool is_users = call != nullptr && flow.is_untraced && runs_code(*call);
    if (!is_users && !gives_one_row(call))
      decides(flow, name.empty() ? "FROM" : "the argument of " + name + "() in FROM");
    const auto* columns = pair == nullptr || pair->n_items < 2
                              ? nullptr
                              : as<PgQuery__List>(unwrap(pair->items[1]), pg_query__list__descriptor);
    const std::size_t defined = item.columns.size();
    if (columns != nullptr) define(columns->items, columns->n_items, flow);
    if (function.n_coldeflist > 0) define(function.coldeflist, function.n_coldeflist, flow);
    if (item.columns.size() == defined) item.columns.push_back({.flow = flow, .is_many = true});
  }
  if (function.ordinality != 0) item.columns.push_back({.name = "ordinality"});
  return named(std::move(item), function.alias, {}, name);
}

LineageWalker::Item LineageWalker::xml_table(const PgQuery__RangeTableFunc& table, const Scope& before) {
  Flow flow = value(table.docexpr, before);
  flow.add(value(table.rowexpr, before));
  flow.add(all(table.namespaces, table.n_namespaces, before));
  for (std::size_t i = 0; i < table.n_columns; ++i) {
    const auto* column =
        as<PgQuery__RangeTableFuncCol>(unwrap(table.columns[i]), pg_query__range_table_func_col__descriptor);
    if (column == nullptr) continue;
    flow.add(value(column->colexpr, before));
    flow.add(value(column->coldefexpr, before));
  }
  decides(flow, "XMLTABLE");
  Item item;
  for (std::size_t i = 0; i < table.n_columns; ++i) {
    const auto* column =
        as<PgQuery__RangeTableFuncCol>(unwrap(table.columns[i]), pg_query__range_table_func_col__descriptor);
    item.columns.push_back({.name = column == nullptr ? "" : text_of(column->colname), .flow = flow});
  }
  return named(std::move(item), table.alias, {}, "xmltable");
}

void LineageWalker::add(Item item, Scope& scope) {
  scope.ranges.insert(scope.ranges.end(), std::make_move_iterator(item.ranges.begin()),
                      std::make_move_iterator(item.ranges.end()));
  scope.columns.insert(scope.columns.end(), std::make_move_iterator(item.columns.begin()),
                       std::make_move_iterator(item.columns.end()));
}

LineageWalker::Item LineageWalker::join(const PgQuery__JoinExpr& join, const Scope& before) {
  const Message *left_side = unwrap(join.larg), *right_side = unwrap(join.rarg);
  if (left_side == nullptr || right_side == nullptr) return {.columns = {{.flow = untraced(), .is_many = true}}};
  Item left = item(*left_side, before);
  Scope between = before;
  add(left, between);
  Item right = item(*right_side, between);

  std::vector<std::string> shared;
  for (const base::View name : strings(join.using_clause, join.n_using_clause)) shared.emplace_back(name);
  if (join.is_natural != 0) {
    bool is_open = false;
    for (const Field& field : left.columns) {
      is_open |= field.is_many || !field.is_named_surely;
      const auto same =
          std::ranges::find_if(right.columns, [&](const Field& other) { return other.name == field.name; });
      if (!field.is_many && same != right.columns.end()) shared.push_back(field.name);
    }
    is_open |=
        std::ranges::any_of(right.columns, [](const Field& field) { return field.is_many || !field.is_named_surely; });
    if (is_open) {
      decides(whole(left.columns), "NATURAL JOIN");
      decides(whole(right.columns), "NATURAL JOIN");
    }
  }
  Item both;
  for (const std::string& name : shared) {
    const Found one = find(left.columns, name), other = find(right.columns, name);
    Field field{.name = name, .flow = one.flow, .is_plain = one.count == 1 && other.count == 1};
    field.flow.add(other.flow);
    if (one.only != nullptr) field.type = one.only->type;
    field.is_plain =
        field.is_plain && one.only != nullptr && one.only->is_plain && other.only != nullptr && other.only->is_plain;
    decides(field.flow, join.is_natural != 0 ? "NATURAL JOIN" : "JOIN USING");
    both.columns.push_back(std::move(field));
  }
  const Fields merged = both.columns;
  const auto take_rest = [&](const Fields& from) {
    for (const Field& field : from) {
      if (field.is_many || std::ranges::find(shared, field.name) == shared.end()) both.columns.push_back(field);
    }
  };
  take_rest(left.columns);
  take_rest(right.columns);
  both.ranges = std::move(left.ranges);
  both.ranges.insert(both.ranges.end(), std::make_move_iterator(right.ranges.begin()),
                     std::make_move_iterator(right.ranges.end()));
  if (join.quals != nullptr) {
    Scope inside = before;
    add(both, inside);
    decides(value(join.quals, inside), "JOIN");
  }
  if (join.join_using_alias != nullptr)
    both.ranges.push_back({.name = text_of(join.join_using_alias->aliasname), .fields = merged});
  if (join.alias != nullptr) return named({.columns = std::move(both.columns)}, join.alias, {}, {});
  return both;
}

LineageWalker::Item LineageWalker::item(const Message& message, const Scope& before) {
  if (is_spent()) return {.columns = {{.flow = untraced(), .is_many = true}}};
  if (const auto* table = as<PgQuery__RangeVar>(&message, pg_query__range_var__descriptor)) return relation(*table);
  if (const auto* query = as<PgQuery__RangeSubselect>(&message, pg_query__range_subselect__descriptor)) {
    const Message* inner = unwrap(query->subquery);
    Item item;
    if (inner == nullptr) return {.columns = {{.flow = untraced(), .is_many = true}}};
    item.columns = results_of(*inner, query->lateral != 0 ? &before : before.outer, nullptr);
    return named(std::move(item), query->alias, {}, {});
  }
  if (const auto* called = as<PgQuery__RangeFunction>(&message, pg_query__range_function__descriptor))
    return function(*called, before);
  if (const auto* table = as<PgQuery__RangeTableFunc>(&message, pg_query__range_table_func__descriptor))
    return xml_table(*table, before);
  if (const auto* joined = as<PgQuery__JoinExpr>(&message, pg_query__join_expr__descriptor))
    return join(*joined, before);
  if (const auto* sample = as<PgQuery__RangeTableSample>(&message, pg_query__range_table_sample__descriptor)) {
    const Message* sampled = unwrap(sample->relation);
    if (sampled == nullptr) return {.columns = {{.flow = untraced(), .is_many = true}}};
    Item inner = item(*sampled, before);
    Scope scope = before;
    add(inner, scope);
    Flow flow = all(sample->args, sample->n_args, scope);
    flow.add(value(sample->repeatable, scope));
    decides(flow, "TABLESAMPLE");
    return inner;
  }
  return {.columns = {{.flow = untraced(), .is_many = true}}};
}

LineageWalker::Scope LineageWalker::scope_of(PgQuery__Node* const* items, std::size_t count, const Scope* outer) {
  Scope scope{.outer = outer};
  for (std::size_t i = 0; i < count; ++i) {
    const Message* message = unwrap(items[i]);
    if (message != nullptr) add(item(*message, scope), scope);
    if (scope.columns.size() <= kMostColumns * 8) continue;
    // More than any result can have: told together.
    scope.columns = {Field{.flow = whole(scope.columns), .is_many = true}};
  }
  return scope;
}

}  // namespace sallyport::sql
