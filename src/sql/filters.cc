#include "sql/filters.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace sallyport::sql {
namespace {

/// Fields of any message below which rows are chosen.
bool is_filter_field(base::View field) {
  static constexpr base::View kFields[] = {"where_clause",    "having_clause", "quals",
                                           "agg_filter",      "condition",     "limit_count",
                                           "distinct_clause", "limit_offset",  "join_condition"};
  return std::ranges::find(kFields, field) != std::end(kFields);
}

/// A literal, a parameter, or a cast of one.
bool is_fixed(const Message* value) {
  while (const auto* cast = as<PgQuery__TypeCast>(value, pg_query__type_cast__descriptor)) value = unwrap(cast->arg);
  return as<PgQuery__AConst>(value, pg_query__a__const__descriptor) != nullptr ||
         as<PgQuery__ParamRef>(value, pg_query__param_ref__descriptor) != nullptr;
}

bool are_fixed(const Message* values) {
  while (const auto* cast = as<PgQuery__TypeCast>(values, pg_query__type_cast__descriptor)) values = unwrap(cast->arg);
  const auto all = [](PgQuery__Node* const* items, std::size_t count) {
    return std::all_of(items, items + count, [](const PgQuery__Node* item) { return is_fixed(unwrap(item)); });
  };
  if (const auto* list = as<PgQuery__List>(values, pg_query__list__descriptor)) return all(list->items, list->n_items);
  if (const auto* array = as<PgQuery__AArrayExpr>(values, pg_query__a__array_expr__descriptor))
    return all(array->elements, array->n_elements);
  return is_fixed(values);
}

struct Pinned {
  std::vector<base::View> name{};  // in parts
};

/// `column = value`, `value = column`, `column IN (values)`, `column = ANY (values)`.
std::optional<Pinned> pinned_by(const Message* condition) {
  const auto* expression = as<PgQuery__AExpr>(condition, pg_query__a__expr__descriptor);
  if (expression == nullptr) return std::nullopt;
  const auto operator_name = strings(expression->name, expression->n_name);
  if (operator_name.size() != 1 || operator_name.front() != "=") return std::nullopt;
  const Message* left = unwrap(expression->lexpr);
  const Message* right = unwrap(expression->rexpr);
  const auto* column = as<PgQuery__ColumnRef>(left, pg_query__column_ref__descriptor);
  if (expression->kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP) {
    if (column == nullptr) {
      column = as<PgQuery__ColumnRef>(right, pg_query__column_ref__descriptor);
      right = left;
    }
    if (!is_fixed(right)) return std::nullopt;
  } else if (expression->kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY ||
             expression->kind == PG_QUERY__A__EXPR__KIND__AEXPR_IN) {
    if (!are_fixed(right)) return std::nullopt;
  } else {
    return std::nullopt;
  }
  if (column == nullptr) return std::nullopt;
  Pinned pinned{strings(column->fields, column->n_fields)};
  const bool has_star = std::ranges::any_of(pinned.name, [](base::View part) { return part.empty(); });
  if (pinned.name.empty() || has_star) return std::nullopt;
  return pinned;
}

/// The name that PostgreSQL gives to an unnamed column of a result is that of its expression (FigureColname).
bool keeps_its_name(const PgQuery__ResTarget& target) {
  const auto* column = as<PgQuery__ColumnRef>(unwrap(target.val), pg_query__column_ref__descriptor);
  return column != nullptr && strings(column->fields, column->n_fields).back() == base::View(target.name);
}

}  // namespace

void Filters::collect(const Message& statement) { walk(statement, false); }

std::vector<std::string> Filters::take_pins(const PgQuery__RangeVar* mention) {
  auto found = pins_.extract(mention);
  return found.empty() ? std::vector<std::string>{} : std::move(found.mapped());
}

std::map<const PgQuery__RangeVar*, std::vector<std::string>> Filters::exchange_pins(
    std::map<const PgQuery__RangeVar*, std::vector<std::string>> pins) {
  return std::exchange(pins_, std::move(pins));
}

void Filters::walk(const Message& message, bool is_filter) {
  open_scope(message);
  note_names(message);
  if (const auto* column = as<PgQuery__ColumnRef>(&message, pg_query__column_ref__descriptor)) {
    if (is_filter) note_column(*column);
    return;
  }
  if (const auto* link = as<PgQuery__SubLink>(&message, pg_query__sub_link__descriptor))
    return walk_sublink(*link, is_filter);
  if (const auto* select = as<PgQuery__SelectStmt>(&message, pg_query__select_stmt__descriptor))
    return walk_select(*select, is_filter);
  if (const auto* join = as<PgQuery__JoinExpr>(&message, pg_query__join_expr__descriptor)) {
    if (join->is_natural != 0) is_anything_ = true;
    for (const base::View name : strings(join->using_clause, join->n_using_clause)) names_.emplace(name);
  }
  const bool is_case = message.descriptor == &pg_query__case_expr__descriptor;
  const bool is_when = message.descriptor == &pg_query__case_when__descriptor;
  for_each_child(message, [&](base::View field, const Message& child) {
    const bool decides = (is_case && field == "arg") || (is_when && field == "expr");
    walk(child, is_filter || decides || is_filter_field(field));
  });
}

void Filters::walk_select(const PgQuery__SelectStmt& select, bool is_filter) {
  const bool is_limited =
      select.limit_count != nullptr || select.limit_offset != nullptr || select.n_distinct_clause > 0;
  const bool compares =
      select.op == PG_QUERY__SET_OPERATION__SETOP_INTERSECT || select.op == PG_QUERY__SET_OPERATION__SETOP_EXCEPT;
  for_each_child(select.base, [&](base::View field, const Message& child) {
    const bool is_branch = field == "larg" || field == "rarg";
    walk(child,
         is_filter || is_filter_field(field) || (is_limited && field == "sort_clause") || (compares && is_branch));
  });
}

void Filters::walk_sublink(const PgQuery__SubLink& link, bool is_filter) {
  // What EXISTS (SELECT …) selects is not looked at.
  const bool is_exists = link.sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK;
  const bool compares = link.testexpr != nullptr;
  for_each_child(link.base,
                 [&](base::View, const Message& child) { walk(child, compares || (is_filter && !is_exists)); });
}

void Filters::note_column(const PgQuery__ColumnRef& column) {
  const auto parts = strings(column.fields, column.n_fields);
  if (parts.empty() || parts.back().empty()) {
    is_anything_ = true;  // row.*
  } else {
    names_.emplace(parts.back());
  }
}

/// Names that stand for something other than a column of that name.
void Filters::note_names(const Message& message) {
  if (const auto* target = as<PgQuery__ResTarget>(&message, pg_query__res_target__descriptor)) {
    const base::View name = target->name == nullptr ? "" : target->name;
    if (!name.empty() && !keeps_its_name(*target)) renamed_.emplace(name);
    // CASE, COALESCE and their kind name their columns like that.
    if (name.empty() && unwrap(target->val) != nullptr &&
        unwrap(target->val)->descriptor != &pg_query__column_ref__descriptor)
      renamed_.insert({"case", "coalesce", "greatest", "least", "array", "row", "nullif"});
  } else if (const auto* call = as<PgQuery__FuncCall>(&message, pg_query__func_call__descriptor)) {
    const auto parts = strings(call->funcname, call->n_funcname);
    if (!parts.empty()) renamed_.emplace(parts.back());
  } else if (const auto* alias = as<PgQuery__Alias>(&message, pg_query__alias__descriptor)) {
    ranges_.emplace(alias->aliasname);
    for (const base::View name : strings(alias->colnames, alias->n_colnames)) renamed_.emplace(name);
  } else if (const auto* query = as<PgQuery__CommonTableExpr>(&message, pg_query__common_table_expr__descriptor)) {
    ranges_.emplace(query->ctename);
    for (const base::View name : strings(query->aliascolnames, query->n_aliascolnames)) renamed_.emplace(name);
  } else if (const auto* relation = as<PgQuery__RangeVar>(&message, pg_query__range_var__descriptor)) {
    ranges_.emplace(relation->relname);
  } else if (const auto* field = as<PgQuery__RangeTableFuncCol>(&message, pg_query__range_table_func_col__descriptor)) {
    renamed_.emplace(field->colname);
  } else if (const auto* definition = as<PgQuery__ColumnDef>(&message, pg_query__column_def__descriptor)) {
    renamed_.emplace(definition->colname);
  }
}

void Filters::open_scope(const Message& message) {
  Scope scope;
  const auto add_all = [&](PgQuery__Node* const* items, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) add_from(unwrap(items[i]), true, scope);
  };
  if (const auto* select = as<PgQuery__SelectStmt>(&message, pg_query__select_stmt__descriptor)) {
    add_all(select->from_clause, select->n_from_clause);
    add_conjuncts(unwrap(select->where_clause), scope);
  } else if (const auto* update = as<PgQuery__UpdateStmt>(&message, pg_query__update_stmt__descriptor)) {
    if (update->relation != nullptr) scope.mentions.push_back(update->relation);
    add_all(update->from_clause, update->n_from_clause);
    add_conjuncts(unwrap(update->where_clause), scope);
  } else if (const auto* remove = as<PgQuery__DeleteStmt>(&message, pg_query__delete_stmt__descriptor)) {
    if (remove->relation != nullptr) scope.mentions.push_back(remove->relation);
    add_all(remove->using_clause, remove->n_using_clause);
    add_conjuncts(unwrap(remove->where_clause), scope);
  }
  pin(scope);
}

/// `is_inner`: no outer join is above, so what ON demands holds for all rows.
void Filters::add_from(const Message* item, bool is_inner, Scope& scope) {
  if (const auto* relation = as<PgQuery__RangeVar>(item, pg_query__range_var__descriptor)) {
    scope.mentions.push_back(relation);
  } else if (const auto* sample = as<PgQuery__RangeTableSample>(item, pg_query__range_table_sample__descriptor)) {
    add_from(unwrap(sample->relation), is_inner, scope);
  } else if (const auto* join = as<PgQuery__JoinExpr>(item, pg_query__join_expr__descriptor)) {
    const bool is_below = is_inner && join->jointype == PG_QUERY__JOIN_TYPE__JOIN_INNER;
    // The alias of a join hides the names inside it.
    scope.has_others |= join->alias != nullptr;
    add_from(unwrap(join->larg), is_below, scope);
    add_from(unwrap(join->rarg), is_below, scope);
    if (is_below) add_conjuncts(unwrap(join->quals), scope);
  } else {
    scope.has_others = true;
  }
}

void Filters::add_conjuncts(const Message* condition, Scope& scope) {
  if (condition == nullptr) return;
  const auto* both = as<PgQuery__BoolExpr>(condition, pg_query__bool_expr__descriptor);
  if (both == nullptr || both->boolop != PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR) {
    scope.conjuncts.push_back(condition);
    return;
  }
  for (std::size_t i = 0; i < both->n_args; ++i) add_conjuncts(unwrap(both->args[i]), scope);
}

void Filters::pin(const Scope& scope) {
  const bool is_alone = scope.mentions.size() == 1 && !scope.has_others;
  for (const Message* condition : scope.conjuncts) {
    const auto pinned = pinned_by(condition);
    if (!pinned) continue;
    for (const auto* mention : scope.mentions) {
      const auto* alias = mention->alias;
      if (alias != nullptr && alias->n_colnames > 0) continue;
      const auto& parts = pinned->name;
      bool is_its = false;
      if (parts.size() == 1) is_its = is_alone;
      if (parts.size() == 2) is_its = parts[0] == base::View(alias != nullptr ? alias->aliasname : mention->relname);
      if (parts.size() == 3)
        is_its =
            alias == nullptr && parts[0] == base::View(mention->schemaname) && parts[1] == base::View(mention->relname);
      if (is_its) pins_[mention].emplace_back(parts.back());
    }
  }
}

}  // namespace sallyport::sql
