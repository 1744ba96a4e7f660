#include <algorithm>
#include <utility>

#include "sql/lexer.h"
#include "sql/lineage.h"

// Queries and the statements around them.
namespace sallyport::sql {
namespace {

constexpr std::size_t kMostResults = 1664;  // PostgreSQL's bound of a result (MaxTupleAttributeNumber)
constexpr int kMostRounds = 64;             // of a recursive query until nothing new flows

std::string text_of(const char* name) { return name == nullptr ? "" : name; }

/// The name that PostgreSQL gives to a result that has none is made up of its expression (FigureColname); surely known
/// is that of a column.
std::pair<std::string, bool> name_of(const PgQuery__ResTarget& target) {
  const std::string given = text_of(target.name);
  if (!given.empty()) return {given, true};
  const auto* column = as<PgQuery__ColumnRef>(unwrap(target.val), pg_query__column_ref__descriptor);
  if (column == nullptr) return {"", false};
  return {std::string(strings(column->fields, column->n_fields).back()), true};
}

std::optional<int> position_of(const Message& item) {
  const auto* constant = as<PgQuery__AConst>(&item, pg_query__a__const__descriptor);
  if (constant == nullptr || constant->val_case != PG_QUERY__A__CONST__VAL_IVAL) return std::nullopt;
  return constant->ival == nullptr ? 0 : constant->ival->ival;
}

}  // namespace

// ---- what PostgreSQL's WITH names ----

void LineageWalker::open_with(const PgQuery__WithClause* with, const Scope* outer) {
  if (with == nullptr) return;
  const std::size_t first = ctes_.size();
  for (std::size_t i = 0; i < with->n_ctes; ++i) {
    const auto* query = as<PgQuery__CommonTableExpr>(unwrap(with->ctes[i]), pg_query__common_table_expr__descriptor);
    if (query == nullptr) continue;
    ctes_.push_back({.name = text_of(query->ctename),
                     .expression = query,
                     .visible = with->recursive != 0 ? first + with->n_ctes : ctes_.size(),
                     .is_recursive = with->recursive != 0,
                     .outer = outer});
  }
  // Each of them runs, or may, whether it is named again or not.
  for (std::size_t at = first; at < ctes_.size(); ++at) fields_of(at);
}

const LineageWalker::Fields& LineageWalker::fields_of(std::size_t query) {
  if (ctes_[query].state == Query::State::waiting) {
    Query computed = ctes_[query];
    ctes_[query].state = Query::State::open;
    compute(computed);
    ctes_[query].fields = std::move(computed.fields);
    ctes_[query].state = Query::State::done;
  }
  return ctes_[query].fields;
}

void LineageWalker::compute(Query& query) {
  const Message* inner = unwrap(query.expression->ctequery);
  const auto self =
      static_cast<std::size_t>(std::ranges::find(ctes_, query.expression, &Query::expression) - ctes_.begin());
  const auto names = strings(query.expression->aliascolnames, query.expression->n_aliascolnames);
  // What stands behind it in the same WITH is not in scope, unless that says RECURSIVE; nor is what inner queries
  // named.
  const auto end = ctes_.begin() + static_cast<std::ptrdiff_t>(query.visible);
  std::vector<Query> hidden(std::make_move_iterator(end), std::make_move_iterator(ctes_.end()));
  ctes_.erase(end, ctes_.end());
  const auto evaluate = [&] {
    Fields fields =
        inner == nullptr ? Fields{{.flow = untraced(), .is_many = true}} : results_of(*inner, query.outer, nullptr);
    Item item = named({.columns = std::move(fields)}, nullptr, {}, {});
    for (std::size_t i = 0; i < names.size() && i < item.columns.size(); ++i) {
      if (item.columns[i].is_many) break;
      item.columns[i].name = names[i];
      item.columns[i].is_named_surely = true;
    }
    return std::move(item.columns);
  };
  if (query.is_recursive) {
    for (int round = 0; round < kMostRounds; ++round) {
      Fields next = evaluate();
      Fields& known = ctes_[self].fields;
      bool is_same = next.size() == known.size();
      for (std::size_t i = 0; i < next.size() && i < known.size(); ++i) {
        next[i].flow.add(known[i].flow);
        is_same = is_same && next[i].flow == known[i].flow;
      }
      known = std::move(next);
      if (is_same) break;
      if (round + 1 == kMostRounds) known.push_back({.flow = untraced(), .is_many = true});
    }
    query.fields = ctes_[self].fields;
  } else {
    query.fields = evaluate();
  }
  ctes_.insert(ctes_.end(), std::make_move_iterator(hidden.begin()), std::make_move_iterator(hidden.end()));
  // What SEARCH and CYCLE add holds rows that were met before.
  const Flow flow = whole(query.fields);
  const auto add_named = [&](const char* name) {
    if (name != nullptr && *name != '\0') query.fields.push_back({.name = name, .flow = flow});
  };
  if (const auto* search = query.expression->search_clause) add_named(search->search_seq_column);
  if (const auto* cycle = query.expression->cycle_clause) {
    for (const base::View name : strings(cycle->cycle_col_list, cycle->n_cycle_col_list))
      decides(find(query.fields, name).flow, "CYCLE");
    add_named(cycle->cycle_mark_column);
    add_named(cycle->cycle_path_column);
  }
}

// ---- SELECT ----

LineageWalker::Fields LineageWalker::results_of(const Message& message, const Scope* outer,
                                                model::StatementLineage* top) {
  if (is_spent()) return {Field{.flow = untraced(), .is_many = true}};
  const std::size_t ctes = ctes_.size();
  Fields fields;
  if (const auto* query = as<PgQuery__SelectStmt>(&message, pg_query__select_stmt__descriptor)) {
    fields = select(*query, outer);
  } else if (const auto* added = as<PgQuery__InsertStmt>(&message, pg_query__insert_stmt__descriptor)) {
    fields = insert(*added, outer);
  } else if (const auto* changed = as<PgQuery__UpdateStmt>(&message, pg_query__update_stmt__descriptor)) {
    fields = update(*changed, outer);
  } else if (const auto* removed = as<PgQuery__DeleteStmt>(&message, pg_query__delete_stmt__descriptor)) {
    fields = remove(*removed, outer);
  } else if (const auto* merged = as<PgQuery__MergeStmt>(&message, pg_query__merge_stmt__descriptor)) {
    merge(*merged, outer);
  } else if (const auto* copied = as<PgQuery__CopyStmt>(&message, pg_query__copy_stmt__descriptor)) {
    fields = copy(*copied, top);
  } else if (const auto* executed = as<PgQuery__ExecuteStmt>(&message, pg_query__execute_stmt__descriptor)) {
    fields = stored(model::StoredText::Kind::statement, text_of(executed->name));
  } else if (const auto* fetch = as<PgQuery__FetchStmt>(&message, pg_query__fetch_stmt__descriptor)) {
    fields = stored(model::StoredText::Kind::cursor, text_of(fetch->portalname));
    if (fetch->ismove != 0) fields.clear();
  } else if (const auto* prepared = as<PgQuery__PrepareStmt>(&message, pg_query__prepare_stmt__descriptor)) {
    if (const Message* inner = unwrap(prepared->query)) results_of(*inner, outer, nullptr);
  } else if (const auto* cursor = as<PgQuery__DeclareCursorStmt>(&message, pg_query__declare_cursor_stmt__descriptor)) {
    if (const Message* inner = unwrap(cursor->query)) results_of(*inner, outer, nullptr);
  } else if (const auto* explain = as<PgQuery__ExplainStmt>(&message, pg_query__explain_stmt__descriptor)) {
    if (const Message* inner = unwrap(explain->query)) results_of(*inner, outer, nullptr);
    // A plan shows what the planner computed of functions that say they are immutable.
    fields.push_back({.name = "QUERY PLAN", .flow = around_->may_run_code ? untraced() : Flow{}});
  } else if (const auto* made = as<PgQuery__CreateTableAsStmt>(&message, pg_query__create_table_as_stmt__descriptor)) {
    fields = create_as(*made);
  } else if (const auto* view = as<PgQuery__ViewStmt>(&message, pg_query__view_stmt__descriptor)) {
    create_view(*view);
  } else if (message.descriptor == &pg_query__variable_show_stmt__descriptor) {
    fields.push_back({.is_many = true});  // SHOW ALL has three
  } else if (const auto* made_index = as<PgQuery__IndexStmt>(&message, pg_query__index_stmt__descriptor)) {
    index(*made_index);
  } else if (const auto* procedure = as<PgQuery__CallStmt>(&message, pg_query__call_stmt__descriptor)) {
    const Scope nothing;
    const auto* run = procedure->funccall;
    stores(run == nullptr ? untraced() : all(run->args, run->n_args, nothing), "CALL");
    fields.push_back({.flow = untraced(), .is_many = true});
  } else {
    definition(message);
  }
  ctes_.resize(ctes);
  if (fields.size() > kMostResults) fields = {Field{.flow = whole(fields), .is_many = true}};
  return fields;
}

LineageWalker::Fields LineageWalker::select(const PgQuery__SelectStmt& select, const Scope* outer) {
  const std::size_t ctes = ctes_.size();
  open_with(select.with_clause, outer);
  Fields fields = select.op != PG_QUERY__SET_OPERATION__SETOP_NONE ? set_operation(select, outer)
                  : select.n_values_lists > 0                      ? values(select, outer)
                                                                   : plain_select(select, outer);
  const PgQuery__SelectStmt* leftmost = &select;
  while (leftmost->larg != nullptr) leftmost = leftmost->larg;
  if (leftmost->into_clause != nullptr) {
    stores(whole(fields), "SELECT INTO");
    fields.clear();
  }
  ctes_.resize(ctes);
  return fields;
}

LineageWalker::Fields LineageWalker::set_operation(const PgQuery__SelectStmt& select, const Scope* outer) {
  if (select.larg == nullptr || select.rarg == nullptr) return {Field{.flow = untraced(), .is_many = true}};
  // The right side of a recursive query is seen with what the left side gave.
  Fields left = results_of(select.larg->base, outer, nullptr);
  for (Query& query : ctes_) {
    const bool is_its = query.state == Query::State::open && query.fields.empty() && query.expression != nullptr &&
                        unwrap(query.expression->ctequery) == &select.base;
    if (!is_its) continue;
    query.fields = left;
    const auto names = strings(query.expression->aliascolnames, query.expression->n_aliascolnames);
    for (std::size_t i = 0; i < names.size() && i < query.fields.size(); ++i) {
      query.fields[i].name = names[i];
      query.fields[i].is_named_surely = true;
    }
  }
  const Fields right = results_of(select.rarg->base, outer, nullptr);
  const auto is_many = [](const Field& field) { return field.is_many; };
  if (left.size() == right.size() && std::ranges::none_of(left, is_many) && std::ranges::none_of(right, is_many)) {
    for (std::size_t i = 0; i < left.size(); ++i) {
      left[i].flow.add(right[i].flow);
      left[i].is_plain = left[i].is_plain && right[i].is_plain;
      if (left[i].type != right[i].type) left[i].type = 0;
    }
  } else {
    Flow flow = whole(left);
    flow.add(whole(right));
    for (Field& field : left) {
      field.flow = flow;
      field.is_plain = false;
    }
    if (std::ranges::none_of(left, is_many)) left.push_back({.flow = flow, .is_many = true});
  }
  const base::View word = select.op == PG_QUERY__SET_OPERATION__SETOP_UNION       ? "UNION"
                          : select.op == PG_QUERY__SET_OPERATION__SETOP_INTERSECT ? "INTERSECT"
                                                                                  : "EXCEPT";
  const bool compares = select.op != PG_QUERY__SET_OPERATION__SETOP_UNION || select.all == 0;
  if (compares) decides(whole(left), std::string(word));
  const Scope outputs{.outer = outer, .columns = left};
  order(select.sort_clause, select.n_sort_clause, outputs, &left, "ORDER BY");
  decides(value(select.limit_count, outputs), "LIMIT");
  decides(value(select.limit_offset, outputs), "OFFSET");
  return left;
}

LineageWalker::Fields LineageWalker::values(const PgQuery__SelectStmt& select, const Scope* outer) {
  const Scope scope{.outer = outer};
  Fields fields;
  for (std::size_t row = 0; row < select.n_values_lists; ++row) {
    const auto* list = as<PgQuery__List>(unwrap(select.values_lists[row]), pg_query__list__descriptor);
    if (list == nullptr) return {Field{.flow = untraced(), .is_many = true}};
    for (std::size_t i = 0; i < list->n_items; ++i) {
      if (i == fields.size()) fields.push_back({.name = "column" + std::to_string(i + 1)});
      fields[i].flow.add(value(list->items[i], scope));
    }
  }
  const Scope outputs{.outer = outer, .columns = fields};
  order(select.sort_clause, select.n_sort_clause, outputs, &fields, "ORDER BY");
  decides(value(select.limit_count, scope), "LIMIT");
  decides(value(select.limit_offset, scope), "OFFSET");
  return fields;
}

LineageWalker::Fields LineageWalker::plain_select(const PgQuery__SelectStmt& select, const Scope* outer) {
  const Scope scope = scope_of(select.from_clause, select.n_from_clause, outer);
  Fields results = targets(select.target_list, select.n_target_list, scope);
  decides(value(select.where_clause, scope), "WHERE");
  groups(select, scope, results);
  decides(value(select.having_clause, scope), "HAVING");
  for (std::size_t i = 0; i < select.n_window_clause; ++i) {
    const auto* definition = as<PgQuery__WindowDef>(unwrap(select.window_clause[i]), pg_query__window_def__descriptor);
    if (definition != nullptr) window(*definition, scope);
  }
  for (std::size_t i = 0; i < select.n_distinct_clause; ++i) {
    const Message* expression = unwrap(select.distinct_clause[i]);
    if (expression == nullptr) {
      decides(whole(results), "DISTINCT");
    } else {
      decides(by_position_or_name(*expression, scope, &results, true), "DISTINCT ON");
    }
  }
  order(select.sort_clause, select.n_sort_clause, scope, &results, "ORDER BY");
  decides(value(select.limit_count, scope), "LIMIT");
  decides(value(select.limit_offset, scope), "OFFSET");
  return results;
}

LineageWalker::Fields LineageWalker::targets(PgQuery__Node* const* items, std::size_t count, const Scope& scope) {
  Fields out;
  for (std::size_t i = 0; i < count; ++i) {
    const auto* item = as<PgQuery__ResTarget>(unwrap(items[i]), pg_query__res_target__descriptor);
    if (item == nullptr || is_spent()) {
      out.push_back({.flow = untraced(), .is_many = true});
      continue;
    }
    target(*item, scope, out);
  }
  return out;
}

void LineageWalker::target(const PgQuery__ResTarget& target, const Scope& scope, Fields& out) {
  const Message* expression = unwrap(target.val);
  if (const auto* ref = as<PgQuery__ColumnRef>(expression, pg_query__column_ref__descriptor)) {
    const auto parts = strings(ref->fields, ref->n_fields);
    const bool is_star =
        !parts.empty() && unwrap(ref->fields[ref->n_fields - 1])->descriptor == &pg_query__a__star__descriptor;
    if (is_star) {
      const Range* range =
          parts.size() < 2
              ? nullptr
              : range_named(scope, parts.size() >= 3 ? parts[parts.size() - 3] : base::View{}, parts[parts.size() - 2]);
      if (parts.size() == 1) out.insert(out.end(), scope.columns.begin(), scope.columns.end());
      if (range != nullptr) out.insert(out.end(), range->fields.begin(), range->fields.end());
      if (parts.size() > 1 && range == nullptr) out.push_back({.flow = untraced(), .is_many = true});
      return;
    }
  }
  if (const auto* selection = as<PgQuery__AIndirection>(expression, pg_query__a__indirection__descriptor)) {
    const Message* last =
        selection->n_indirection == 0 ? nullptr : unwrap(selection->indirection[selection->n_indirection - 1]);
    if (last != nullptr && last->descriptor == &pg_query__a__star__descriptor) {
      const auto* row = as<PgQuery__ColumnRef>(unwrap(selection->arg), pg_query__column_ref__descriptor);
      const auto parts = row == nullptr ? std::vector<base::View>{} : strings(row->fields, row->n_fields);
      const Range* range =
          parts.size() == 1 && selection->n_indirection == 1 ? range_named(scope, {}, parts[0]) : nullptr;
      const bool is_column =
          parts.size() == 1 && (find(scope.columns, parts[0]).is_found || find(scope.columns, parts[0]).is_open);
      if (range != nullptr && !is_column) {
        out.insert(out.end(), range->fields.begin(), range->fields.end());
      } else {
        out.push_back({.flow = value(expression, scope), .is_many = true});
      }
      return;
    }
  }
  auto [name, is_sure] = name_of(target);
  Field field{.name = std::move(name), .is_named_surely = is_sure};
  if (const auto* ref = as<PgQuery__ColumnRef>(expression, pg_query__column_ref__descriptor)) {
    const Field* only = nullptr;
    field.flow = column(*ref, scope, &only);
    field.is_plain = only != nullptr && only->is_plain;
    field.type = only == nullptr ? 0 : only->type;
  } else {
    field.flow = value(expression, scope);
  }
  out.push_back(std::move(field));
}

// ---- what chooses, groups and orders ----

LineageWalker::Flow LineageWalker::by_position_or_name(const Message& item, const Scope& scope, const Fields* results,
                                                       bool is_output_first) {
  if (results != nullptr) {
    if (const auto position = position_of(item)) {
      const bool is_counted = std::ranges::none_of(*results, &Field::is_many);
      const auto at = static_cast<std::size_t>(*position);
      if (is_counted && *position >= 1 && at <= results->size()) return (*results)[at - 1].flow;
      return whole(*results);
    }
    const auto* ref = as<PgQuery__ColumnRef>(&item, pg_query__column_ref__descriptor);
    const auto parts = ref == nullptr ? std::vector<base::View>{} : strings(ref->fields, ref->n_fields);
    if (parts.size() == 1 && !parts[0].empty()) {
      const Found output = find(*results, parts[0]);
      const bool is_input = find(scope.columns, parts[0]).count > 0;
      if ((output.is_found && is_output_first) || (output.count > 0 && !is_input)) return output.flow;
      Flow flow = output.flow;
      flow.add(value(&item, scope));
      return flow;
    }
  }
  return value(&item, scope);
}

void LineageWalker::group(const Message& item, const Scope& scope, const Fields& results) {
  if (const auto* set = as<PgQuery__GroupingSet>(&item, pg_query__grouping_set__descriptor)) {
    for (std::size_t i = 0; i < set->n_content; ++i) {
      if (const Message* inner = unwrap(set->content[i])) group(*inner, scope, results);
    }
    return;
  }
  if (const auto* row = as<PgQuery__RowExpr>(&item, pg_query__row_expr__descriptor)) {
    for (std::size_t i = 0; i < row->n_args; ++i) {
      if (const Message* inner = unwrap(row->args[i])) group(*inner, scope, results);
    }
    return;
  }
  decides(by_position_or_name(item, scope, &results, false), "GROUP BY");
}

void LineageWalker::groups(const PgQuery__SelectStmt& select, const Scope& scope, const Fields& results) {
  for (std::size_t i = 0; i < select.n_group_clause; ++i) {
    if (const Message* item = unwrap(select.group_clause[i])) group(*item, scope, results);
  }
}

void LineageWalker::order(PgQuery__Node* const* items, std::size_t count, const Scope& scope, const Fields* results,
                          base::View place) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto* sort = as<PgQuery__SortBy>(unwrap(items[i]), pg_query__sort_by__descriptor);
    const Message* by = sort == nullptr ? nullptr : unwrap(sort->node);
    decides(by == nullptr ? untraced() : by_position_or_name(*by, scope, results, true), std::string(place));
  }
}

void LineageWalker::window(const PgQuery__WindowDef& window, const Scope& scope) {
  decides(all(window.partition_clause, window.n_partition_clause, scope), "PARTITION BY");
  order(window.order_clause, window.n_order_clause, scope, nullptr, "ORDER BY");
  decides(value(window.start_offset, scope), "a window's frame");
  decides(value(window.end_offset, scope), "a window's frame");
}

}  // namespace sallyport::sql
