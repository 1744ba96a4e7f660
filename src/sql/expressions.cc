#include "sql/lexer.h"
#include "sql/walk.h"

#include <utility>

namespace sallyport::sql {

using model::Effect;

namespace {

/// The parts of a name that a string holds, as regclass reads it; nullopt: not plainly a name.
std::optional<std::vector<std::string>> name_parts(base::View text) {
  std::vector<std::string> parts;
  Lexer lexer(text);
  bool wants_name = true;
  for (Token token = lexer.next(); token.kind != Token::Kind::end; token = lexer.next()) {
    if (!wants_name) {
      if (!token.is('.')) return std::nullopt;
    } else if (token.kind == Token::Kind::word) {
      std::string folded(token.text);
      for (char& c : folded) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      parts.push_back(std::move(folded));
    } else if (token.kind == Token::Kind::name && token.text[0] == '"' &&
               token.text.substr(1, token.text.size() - 2).find('"') == base::View::npos) {
      parts.emplace_back(token.text.substr(1, token.text.size() - 2));
    } else {
      return std::nullopt;
    }
    wants_name = !wants_name;
  }
  if (wants_name || parts.size() > 2) return std::nullopt;
  return parts;
}

}  // namespace

void Walker::visit(const Message& message) {
  const Visit treat = WalkTables::visit(message.descriptor);
  if (treat == nullptr)
    return add_unknown("the gateway does not know the construct " + std::string(message.descriptor->short_name));
  (this->*treat)(message);
}

void Walker::visit_children(const Message& message) {
  for_each_child(message, [&](base::View, const Message& child) { visit(child); });
}

void Walker::visit_nothing(const Message&) {}

void Walker::with_scope(const PgQuery__WithClause* with, const std::function<void()>& body) {
  const std::size_t outer = ctes_.size();
  if (with != nullptr) visit_with(with->base);
  body();
  ctes_.resize(outer);
}

/// Leaves the names in scope: the caller closes it. A query sees the names before it; with RECURSIVE all of them.
void Walker::visit_with(const Message& message) {
  const auto& with = *as<PgQuery__WithClause>(&message, pg_query__with_clause__descriptor);
  std::vector<const PgQuery__CommonTableExpr*> queries;
  for (std::size_t i = 0; i < with.n_ctes; ++i) {
    const auto* query = as<PgQuery__CommonTableExpr>(unwrap(with.ctes[i]), pg_query__common_table_expr__descriptor);
    if (query == nullptr) return add_unknown("the gateway does not know this WITH");
    queries.push_back(query);
  }
  if (with.recursive != 0) {
    for (const auto* query : queries) ctes_.emplace_back(query->ctename);
  }
  for (const auto* query : queries) {
    visit_children(query->base);
    if (with.recursive == 0) ctes_.emplace_back(query->ctename);
  }
}

void Walker::visit_select(const Message& message) {
  const auto& select = *as<PgQuery__SelectStmt>(&message, pg_query__select_stmt__descriptor);
  const Use outer = std::exchange(use_, Use::read);
  effects_.add(Effect::read);
  // DISTINCT, GROUP BY and set operations compare with the types' own operators, which close_types() judges.
  with_scope(select.with_clause, [&] {
    for_each_child(message, [&](base::View field, const Message& child) {
      if (field != "with_clause") visit(child);
    });
  });
  use_ = outer;
}

void Walker::visit_relation(const Message& message) {
  const auto& relation = *as<PgQuery__RangeVar>(&message, pg_query__range_var__descriptor);
  if (use_ == Use::define) return define_relation(relation);
  read_relation(relation);
}

/// SELECT … INTO creates a table. Views' definitions hold none.
void Walker::visit_into(const Message& message) {
  const auto& into = *as<PgQuery__IntoClause>(&message, pg_query__into_clause__descriptor);
  effects_.add({Effect::schema, Effect::write});
  created(into.rel, Made::rows);
}

/// Row locks are writes: PostgreSQL wants the UPDATE privilege and refuses them in read-only transactions. The
/// relations that the clause lists are names of FROM.
void Walker::visit_locking(const Message&) { effects_.add(Effect::write); }

void Walker::visit_function(const Message& message) {
  const auto& call = *as<PgQuery__FuncCall>(&message, pg_query__func_call__descriptor);
  const auto name = DottedName::of(strings(call.funcname, call.n_funcname));
  FunctionMeaning meaning = resolver_.function(name);
  if (!meaning.is_known && call.n_args == 1) {
    // f(x) is a cast when f is a type (manual 4.2.9).
    const TypeMeaning type = resolver_.type(name);
    if (type.is_system || !type.types.empty()) {
      meaning.is_known = true;
      has_cast_ = true;
    }
    for (const auto* user_type : type.types) types_.insert(user_type->oid);
  }
  if (meaning.is_setting) set_config(call);
  if (meaning.effects.has(Effect::write)) sequence_of(call);
  if (!meaning.is_known) {
    if (name.name.starts_with("dblink")) effects_.add(Effect::server);
    add_unknown("function " + name.text() + "() is not known");
  }
  add(meaning);
  visit_children(message);
}

/// What a function of PostgreSQL's own writes: a sequence that the text names, a large object, or what is not known.
void Walker::sequence_of(const PgQuery__FuncCall& call) {
  const auto name = DottedName::of(strings(call.funcname, call.n_funcname));
  if (name.name.starts_with("lo_") || name.name == "lowrite")
    return mention("pg_catalog", "pg_largeobject", 0, false, true);
  const auto text = call.n_args > 0 ? constant(unwrap(call.args[0])) : std::nullopt;
  const auto parts = text ? name_parts(*text) : std::nullopt;
  if (!parts || (name.name != "nextval" && name.name != "setval")) return mention_any("", false, true);
  const DottedName sequence = DottedName::of({parts->begin(), parts->end()});
  const auto meanings = resolver_.relations(sequence);
  if (meanings.empty()) mention(std::string(sequence.schema), sequence.name, 0, false, true);
  for (const auto& meaning : meanings) {
    mention(meaning.schema, sequence.name, meaning.relation == nullptr ? 0 : meaning.relation->oid, false, true);
  }
}

void Walker::set_config(const PgQuery__FuncCall& call) {
  const auto argument = [&](std::size_t at) {
    return at < call.n_args ? constant(unwrap(call.args[at])) : std::nullopt;
  };
  const auto name = argument(0);
  if (!name || call.func_variadic != 0) return add_unknown("set_config() of a setting that the text does not name");
  // Whether and how often it runs is not known: what it leaves the search path at is not, either.
  SettingChange change = understand_setting(*name, argument(1), false, true);
  if (change.is_housekeeping) change.effects = {};
  add(change, nullptr);
}

void Walker::use_operator(const DottedName& name) {
  const bool in_catalogue_text = depth_ > 0;  // printed for the path of pg_catalog alone
  operators_.emplace(name.schema.empty() && in_catalogue_text ? "pg_catalog" : std::string(name.schema), name.name);
}

void Walker::visit_operator(const Message& message) {
  const auto& expression = *as<PgQuery__AExpr>(&message, pg_query__a__expr__descriptor);
  const int kind = expression.kind;
  if (kind >= PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN && kind <= PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM) {
    for (const base::View name : {"<", "<=", ">", ">="}) use_operator({{}, name});
  } else if (kind == PG_QUERY__A__EXPR__KIND__A_EXPR_KIND_UNDEFINED ||
             kind > PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM) {
    add_unknown("the gateway does not know this kind of operator");
  } else {
    use_operator(DottedName::of(strings(expression.name, expression.n_name)));
  }
  // `name` holds Strings only.
  if (const Message* left = unwrap(expression.lexpr)) visit(*left);
  if (const Message* right = unwrap(expression.rexpr)) visit(*right);
}

void Walker::visit_sublink(const Message& message) {
  const auto& link = *as<PgQuery__SubLink>(&message, pg_query__sub_link__descriptor);
  const bool compares = link.testexpr != nullptr;
  if (compares)
    use_operator(link.n_oper_name == 0 ? DottedName{{}, "="}
                                       : DottedName::of(strings(link.oper_name, link.n_oper_name)));
  visit_children(message);
}

void Walker::visit_case(const Message& message) {
  const auto& expression = *as<PgQuery__CaseExpr>(&message, pg_query__case_expr__descriptor);
  if (expression.arg != nullptr) use_operator({{}, "="});
  visit_children(message);
}

void Walker::visit_min_max(const Message& message) {
  use_operator({{}, "<"});
  visit_children(message);
}

void Walker::visit_join(const Message& message) {
  const auto& join = *as<PgQuery__JoinExpr>(&message, pg_query__join_expr__descriptor);
  if (join.is_natural != 0 || join.n_using_clause > 0) use_operator({{}, "="});
  visit_children(message);
}

void Walker::visit_sort(const Message& message) {
  const auto& sort = *as<PgQuery__SortBy>(&message, pg_query__sort_by__descriptor);
  if (sort.n_use_op > 0) use_operator(DottedName::of(strings(sort.use_op, sort.n_use_op)));
  if (const Message* value = unwrap(sort.node)) visit(*value);
}

/// `row.name` calls the function name(row) when the row has no such column (manual 4.2.6, 38.5.3).
void Walker::visit_column(const Message& message) {
  const auto& column = *as<PgQuery__ColumnRef>(&message, pg_query__column_ref__descriptor);
  if (column.n_fields < 2) return;
  const base::View last = strings(column.fields, column.n_fields).back();
  if (last.empty()) return;  // row.*
  add(resolver_.row_function(last));
}

void Walker::visit_indirection(const Message& message) {
  const auto& indirection = *as<PgQuery__AIndirection>(&message, pg_query__a__indirection__descriptor);
  for (const base::View name : strings(indirection.indirection, indirection.n_indirection)) {
    if (!name.empty()) add(resolver_.row_function(name));
  }
  visit_children(message);
}

void Walker::visit_sample(const Message& message) {
  const auto& sample = *as<PgQuery__RangeTableSample>(&message, pg_query__range_table_sample__descriptor);
  const auto method = DottedName::of(strings(sample.method, sample.n_method));
  if (method.name != "system" && method.name != "bernoulli") {
    effects_.add(Effect::call);
    if (found_.note.empty()) found_.note = "sampling method " + method.text() + " is not on the list of harmless ones";
  }
  visit_children(message);
}

void Walker::visit_type(const Message& message) {
  const auto& written = *as<PgQuery__TypeName>(&message, pg_query__type_name__descriptor);
  if (written.pct_type != 0) return;  // the type of a column, in a definition
  const auto name = DottedName::of(strings(written.names, written.n_names));
  const TypeMeaning meaning = resolver_.type(name);
  has_cast_ = true;
  for (const auto* type : meaning.types) types_.insert(type->oid);
  if (!meaning.is_system && meaning.types.empty()) {
    any_type_ = true;
    if (use_ != Use::define) add_unknown("type " + name.text() + " is not known");
  }
}

}  // namespace sallyport::sql
