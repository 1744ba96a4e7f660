#include <algorithm>
#include <utility>

#include "sql/lineage.h"

// Values. What must not depend on a masked column is told by sinks; the rest flows into the value.
namespace sallyport::sql {
namespace {

std::string text_of(const char* name) { return name == nullptr ? "" : name; }

/// Where the operand of LIKE, SIMILAR TO and ~ is a pattern, it may be malformed.
bool is_total_kind(const PgQuery__AExpr& expression, base::View name, bool is_right) {
  switch (expression.kind) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP:
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY:
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL:
      return is_total_operator(name, is_right);
    case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF:
    case PG_QUERY__A__EXPR__KIND__AEXPR_IN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM:
      return true;
    case PG_QUERY__A__EXPR__KIND__AEXPR_LIKE:
    case PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE:
    case PG_QUERY__A__EXPR__KIND__AEXPR_SIMILAR:
      return !is_right;
    case PG_QUERY__A__EXPR__KIND__A_EXPR_KIND_UNDEFINED:
    case _PG_QUERY__A__EXPR__KIND_IS_INT_SIZE:
      return false;
  }
  return false;
}

/// Casts that cannot fail: to a text.
bool is_total_type(base::View name) {
  return name == "text" || name == "varchar" || name == "bpchar" || name == "name";
}

}  // namespace

void LineageWalker::Flow::add(const Flow& other) {
  from.insert(other.from.begin(), other.from.end());
  is_untraced |= other.is_untraced;
  is_system |= other.is_system;
  can_fail |= other.can_fail;
}

LineageWalker::Flow LineageWalker::untraced() { return Flow{.is_untraced = true, .can_fail = true}; }

LineageWalker::Flow LineageWalker::whole(const Fields& fields) {
  Flow flow;
  for (const Field& field : fields) flow.add(field.flow);
  return flow;
}

LineageWalker::Flow LineageWalker::all(PgQuery__Node* const* items, std::size_t count, const Scope& scope) {
  Flow flow;
  for (std::size_t i = 0; i < count; ++i) flow.add(value(items[i], scope));
  return flow;
}

/// Whether the value can be computed tells nothing new: `flow` goes on, and may fail.
LineageWalker::Flow LineageWalker::guarded(Flow flow, base::View place) {
  decides(flow, std::string(place));
  flow.can_fail = true;
  return flow;
}

LineageWalker::Flow LineageWalker::children(const Message& message, const Scope& scope) {
  Flow flow;
  for_each_child(message, [&](base::View, const Message& child) { flow.add(value(&child, scope)); });
  return flow;
}

LineageWalker::Flow LineageWalker::value(const Message* message, const Scope& scope) {
  if (message == nullptr) return {};
  if (is_spent()) return untraced();
  const auto* const kind = message->descriptor;
  if (kind == &pg_query__a__const__descriptor || kind == &pg_query__param_ref__descriptor ||
      kind == &pg_query__sqlvalue_function__descriptor || kind == &pg_query__set_to_default__descriptor ||
      kind == &pg_query__current_of_expr__descriptor || kind == &pg_query__grouping_func__descriptor ||
      kind == &pg_query__a__star__descriptor || kind == &pg_query__string__descriptor ||
      kind == &pg_query__type_name__descriptor || kind == &pg_query__integer__descriptor)
    return {};
  if (const auto* ref = as<PgQuery__ColumnRef>(message, pg_query__column_ref__descriptor)) return column(*ref, scope);
  if (const auto* function = as<PgQuery__FuncCall>(message, pg_query__func_call__descriptor))
    return call(*function, scope);
  if (const auto* expression = as<PgQuery__AExpr>(message, pg_query__a__expr__descriptor))
    return operation(*expression, scope);
  if (const auto* typed = as<PgQuery__TypeCast>(message, pg_query__type_cast__descriptor)) return cast(*typed, scope);
  if (const auto* link = as<PgQuery__SubLink>(message, pg_query__sub_link__descriptor)) return sublink(*link, scope);
  if (const auto* expression = as<PgQuery__CaseExpr>(message, pg_query__case_expr__descriptor))
    return conditional(*expression, scope);
  if (const auto* selection = as<PgQuery__AIndirection>(message, pg_query__a__indirection__descriptor))
    return indirection(*selection, scope);
  if (kind == &pg_query__bool_expr__descriptor || kind == &pg_query__coalesce_expr__descriptor) {
    // What comes behind runs or not, by the values before.
    const Flow flow = children(*message, scope);
    if (flow.can_fail)
      decides(flow, kind == &pg_query__coalesce_expr__descriptor ? "COALESCE, beside what may fail"
                                                                 : "AND or OR, beside what may fail");
    return flow;
  }
  if (const auto* xml = as<PgQuery__XmlExpr>(message, pg_query__xml_expr__descriptor)) {
    const bool is_total = xml->op == PG_QUERY__XML_EXPR_OP__IS_XMLELEMENT ||
                          xml->op == PG_QUERY__XML_EXPR_OP__IS_XMLFOREST ||
                          xml->op == PG_QUERY__XML_EXPR_OP__IS_XMLCONCAT;
    Flow flow = children(*message, scope);
    const base::View word = xml->op == PG_QUERY__XML_EXPR_OP__IS_XMLPARSE ? "XMLPARSE" : "an XML function";
    return is_total ? flow : guarded(std::move(flow), word);
  }
  if (kind == &pg_query__xml_serialize__descriptor) return guarded(children(*message, scope), "XMLSERIALIZE");
  if (kind == &pg_query__min_max_expr__descriptor || kind == &pg_query__null_test__descriptor ||
      kind == &pg_query__boolean_test__descriptor || kind == &pg_query__collate_clause__descriptor ||
      kind == &pg_query__named_arg_expr__descriptor || kind == &pg_query__a__array_expr__descriptor ||
      kind == &pg_query__row_expr__descriptor || kind == &pg_query__list__descriptor ||
      kind == &pg_query__a__indices__descriptor || kind == &pg_query__multi_assign_ref__descriptor ||
      kind == &pg_query__res_target__descriptor)
    return children(*message, scope);
  // Not known here: what is below it may be in any relation to it.
  Flow flow = children(*message, scope);
  flow.add(untraced());
  decides(flow, "a construct that is not traced");
  return flow;
}

const LineageWalker::Range* LineageWalker::range_named(const Scope& scope, base::View schema, base::View name) {
  for (const Scope* at = &scope; at != nullptr; at = at->outer) {
    for (const Range& range : at->ranges) {
      if (range.name == name && (schema.empty() || range.schema.empty() || range.schema == schema)) return &range;
    }
  }
  return nullptr;
}

/// Every column among `fields` that the name may mean.
LineageWalker::Found LineageWalker::find(const Fields& fields, base::View name) {
  Found found;
  for (const Field& field : fields) {
    if (!field.is_many && field.is_named_surely && field.name == name) {
      found.flow.add(field.flow);
      found.is_found = true;
      found.only = &field;
      ++found.count;
    }
  }
  for (const Field& field : fields) {
    // Two of one name are an error of PostgreSQL's, so another that is not known has not this name.
    if (field.is_many && found.is_found && !field.is_rival) continue;
    if (field.is_many && !field.of.second.empty()) {
      // Known by its name alone: a temporary table, a catalogue.
      if (field.flow.is_system) {
        found.flow.is_system = true;
        found.flow.is_untraced |= holds_values_of_others(field.of.second, name);
      } else {
        found.flow.from.insert(
            index_of({.schema = field.of.first, .relation = field.of.second, .column = std::string(name)}, 0));
      }
      found.is_open = true;
      ++found.count;
    } else if (field.is_many || (!field.is_named_surely && !found.is_found)) {
      found.flow.add(field.flow);
      found.is_open = true;
      ++found.count;
    }
  }
  return found;
}

LineageWalker::Flow LineageWalker::column(const PgQuery__ColumnRef& column, const Scope& scope, const Field** only) {
  static constexpr base::View kSystemColumns[] = {"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"};
  const auto parts = strings(column.fields, column.n_fields);
  if (parts.empty()) return untraced();
  const base::View last = parts.back();
  const auto settle = [&](const Found& found) {
    if (only != nullptr && found.count == 1) *only = found.only;
    return found.flow;
  };
  if (parts.size() == 1 && !last.empty()) {
    Flow flow;
    bool is_open = false;
    for (const Scope* at = &scope; at != nullptr; at = at->outer) {
      const Found found = find(at->columns, last);
      flow.add(found.flow);
      if (found.is_found) return is_open ? flow : settle(found);
      is_open |= found.is_open;
    }
    if (const Range* range = range_named(scope, {}, last)) {
      flow.add(whole(range->fields));
      return flow;
    }
    const bool is_known = is_open || std::ranges::find(kSystemColumns, last) != std::end(kSystemColumns);
    if (!is_known) flow.add(untraced());
    return flow;
  }
  // DATABASE.SCHEMA.RANGE.NAME, from the right. `range.*` stands for the row.
  const base::View name = parts.size() >= 2 ? parts[parts.size() - 2] : base::View{};
  const base::View schema = parts.size() >= 3 ? parts[parts.size() - 3] : base::View{};
  const Range* range = range_named(scope, schema, name);
  if (range == nullptr && parts.size() >= 2) {
    // column.field of a composite column is written (column).field; what else stands here is not known.
    Flow flow = untraced();
    for (const Scope* at = &scope; at != nullptr; at = at->outer) flow.add(whole(at->columns));
    return flow;
  }
  if (range == nullptr) return untraced();
  if (last.empty()) return whole(range->fields);
  const Found found = find(range->fields, last);
  if (found.is_found || found.is_open) return settle(found);
  if (std::ranges::find(kSystemColumns, last) != std::end(kSystemColumns)) return {};
  Flow flow = whole(range->fields);  // a function that takes the row
  decides(flow, "the argument of " + std::string(last) + "()");
  flow.add(untraced());
  return flow;
}

/// It is not on the list of harmless ones, or not known.
bool LineageWalker::runs_code(const PgQuery__FuncCall& call) const {
  const FunctionMeaning meaning = resolver_->function(DottedName::of(strings(call.funcname, call.n_funcname)));
  return !meaning.is_known ||
         meaning.effects.meets({model::Effect::call, model::Effect::unknown, model::Effect::server});
}

LineageWalker::Flow LineageWalker::call(const PgQuery__FuncCall& call, const Scope& scope) {
  const auto name = DottedName::of(strings(call.funcname, call.n_funcname));
  const FunctionMeaning meaning = resolver_->function(name);
  const std::string place = "the argument of " + name.text() + "()";
  Flow flow, doubtful;
  for (std::size_t i = 0; i < call.n_args; ++i) {
    const Flow argument = value(call.args[i], scope);
    flow.add(argument);
    if (!is_total_function(name.name, i)) doubtful.add(argument);
  }
  if ((name.name == "sum" || name.name == "avg") && !sums_surely(flow)) doubtful.add(flow);
  if (call.agg_within_group != 0) {
    for (std::size_t i = 0; i < call.n_agg_order; ++i) {
      const auto* sort = as<PgQuery__SortBy>(unwrap(call.agg_order[i]), pg_query__sort_by__descriptor);
      if (sort != nullptr) doubtful.add(value(sort->node, scope));
    }
    flow.add(doubtful);
  } else {
    order(call.agg_order, call.n_agg_order, scope, nullptr, "ORDER BY");
  }
  if (call.agg_filter != nullptr) decides(value(call.agg_filter, scope), "FILTER");
  if (call.over != nullptr) window(*call.over, scope);
  if (!meaning.is_known && call.n_args == 1) {
    // f(x) is the column f of the row x, or a cast.
    const TypeMeaning type = resolver_->type(name);
    if (type.is_system || !type.types.empty()) return guarded(std::move(flow), "a cast to " + name.text());
    flow.can_fail = true;
    if (const auto* row = as<PgQuery__ColumnRef>(unwrap(call.args[0]), pg_query__column_ref__descriptor)) {
      const auto parts = strings(row->fields, row->n_fields);
      const Range* range = range_named(scope, {}, parts.size() == 1 ? parts[0] : base::View{});
      const Found field = range == nullptr ? Found{} : find(range->fields, name.name);
      if (field.is_found) flow = field.flow;
      flow.can_fail = true;
      if (field.is_found) return flow;
    }
  }
  if (runs_code(call)) {
    decides(flow, place);
    flow.add(untraced());
    return flow;
  }
  const bool acts = !meaning.effects.is_empty() || meaning.is_setting;
  if (acts) {
    decides(flow, place);
    flow.can_fail = true;
  }
  flow.can_fail |= !is_total_function(name.name, call.n_args);
  if (!doubtful.is_nothing()) {
    decides(doubtful, place);
    flow.can_fail = true;
  }
  if (gives_values_of_others(name.name)) flow.is_untraced = true;
  return flow;
}

/// An integer's or numeric's sum does not overflow; a float's does, and that would tell how large it is.
bool LineageWalker::sums_surely(const Flow& flow) const {
  constexpr std::uint32_t kInt8 = 20, kInt2 = 21, kInt4 = 23, kNumeric = 1700;
  return std::ranges::all_of(flow.from, [&](std::uint32_t index) {
    const std::uint32_t type = types_[index];
    return type == kInt2 || type == kInt4 || type == kInt8 || type == kNumeric;
  });
}

bool LineageWalker::is_users_operator(const DottedName& name) const {
  bool is_system = false;
  const auto users = resolver_->operators(name, is_system);
  const bool runs_code = std::ranges::any_of(users, [&](const model::CatalogueOperator* candidate) {
    return !resolver_->function(candidate->function).effects.is_empty();
  });
  return (!is_system && users.empty()) || (around_->may_run_code && runs_code);
}

LineageWalker::Flow LineageWalker::operation(const PgQuery__AExpr& expression, const Scope& scope) {
  const auto name = DottedName::of(strings(expression.name, expression.n_name));
  const Flow left = value(expression.lexpr, scope), right = value(expression.rexpr, scope);
  Flow flow = left;
  flow.add(right);
  const std::string place = "operator " + std::string(name.name);
  const bool is_named = expression.kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP ||
                        expression.kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY ||
                        expression.kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL;
  if (is_named && is_users_operator(name)) {
    decides(flow, place);
    flow.add(untraced());
    return flow;
  }
  if (around_->may_run_code && is_users_operator({{}, "="})) flow.is_untraced = true;
  Flow doubtful;
  const bool is_left_total = is_total_kind(expression, name.name, false);
  const bool is_right_total = is_total_kind(expression, name.name, true);
  if (!is_left_total) doubtful.add(left);
  if (!is_right_total) doubtful.add(right);
  decides(doubtful, place);
  flow.can_fail |= !is_left_total || !doubtful.is_nothing();
  return flow;
}

LineageWalker::Flow LineageWalker::cast(const PgQuery__TypeCast& cast, const Scope& scope) {
  Flow flow = value(cast.arg, scope);
  if (cast.type_name == nullptr) return guarded(std::move(flow), "a cast");
  const auto name = DottedName::of(strings(cast.type_name->names, cast.type_name->n_names));
  const TypeMeaning type = resolver_->type(name);
  const bool is_array = cast.type_name->n_array_bounds > 0;
  // A user's type may have code of its own that sees the value.
  if (!type.is_system && around_->may_run_code) flow.is_untraced = true;
  if (type.is_system && type.types.empty() && !is_array && is_total_type(name.name)) return flow;
  const bool is_constant =
      unwrap(cast.arg) != nullptr && unwrap(cast.arg)->descriptor == &pg_query__a__const__descriptor;
  if (is_constant) return flow;
  return guarded(std::move(flow), "a cast to " + name.text());
}

LineageWalker::Flow LineageWalker::sublink(const PgQuery__SubLink& link, const Scope& scope) {
  Flow flow = value(link.testexpr, scope);
  const Message* query = unwrap(link.subselect);
  if (query == nullptr) return untraced();
  const Flow inner = whole(results_of(*query, &scope, nullptr));
  // Whether a row exists is what its WHERE decides, and that is looked at there.
  if (link.sub_link_type != PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK) flow.add(inner);
  if (link.testexpr != nullptr) {
    const auto name =
        link.n_oper_name == 0 ? DottedName{{}, "="} : DottedName::of(strings(link.oper_name, link.n_oper_name));
    if (is_users_operator(name)) flow.add(untraced());
    if (!is_total_operator(name.name, true) || !is_total_operator(name.name, false))
      decides(flow, "operator " + std::string(name.name));
  }
  flow.can_fail = true;  // more than one row, or what is inside
  return flow;
}

LineageWalker::Flow LineageWalker::conditional(const PgQuery__CaseExpr& expression, const Scope& scope) {
  Flow conditions = value(expression.arg, scope), results = value(expression.defresult, scope);
  for (std::size_t i = 0; i < expression.n_args; ++i) {
    const auto* when = as<PgQuery__CaseWhen>(unwrap(expression.args[i]), pg_query__case_when__descriptor);
    if (when == nullptr) return untraced();
    conditions.add(value(when->expr, scope));
    results.add(value(when->result, scope));
  }
  if (results.can_fail || conditions.can_fail) decides(conditions, "the condition of a CASE with parts that may fail");
  results.add(conditions);
  return results;
}

LineageWalker::Flow LineageWalker::indirection(const PgQuery__AIndirection& indirection, const Scope& scope) {
  const Message* argument = unwrap(indirection.arg);
  Flow rest;
  for (std::size_t i = 0; i < indirection.n_indirection; ++i) {
    const Message* step = unwrap(indirection.indirection[i]);
    if (step != nullptr && step->descriptor == &pg_query__a__indices__descriptor) rest.add(value(step, scope));
  }
  // (row).column
  const auto* row = as<PgQuery__ColumnRef>(argument, pg_query__column_ref__descriptor);
  const auto parts = row == nullptr ? std::vector<base::View>{} : strings(row->fields, row->n_fields);
  const auto* field = indirection.n_indirection == 0
                          ? nullptr
                          : as<PgQuery__String>(unwrap(indirection.indirection[0]), pg_query__string__descriptor);
  if (field != nullptr && !parts.empty() && parts.size() <= 2) {
    const Range* range = range_named(scope, parts.size() == 2 ? parts[0] : base::View{}, parts.back());
    bool is_column = false;
    for (const Scope* at = &scope; at != nullptr && parts.size() == 1; at = at->outer) {
      const Found other = find(at->columns, parts.back());
      is_column |= other.is_found || other.is_open;
    }
    if (range != nullptr && !is_column) {
      const Found found = find(range->fields, text_of(field->sval));
      if (found.is_found || found.is_open) {
        rest.add(found.flow);
        return rest;
      }
    }
  }
  rest.add(value(argument, scope));
  return rest;
}

}  // namespace sallyport::sql
