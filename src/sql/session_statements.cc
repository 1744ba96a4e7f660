#include <algorithm>
#include <utility>

#include "sql/lexer.h"
#include "sql/walk.h"

namespace sallyport::sql {
namespace {

using model::Effect;
using Change = model::NameChange;

constexpr int kMaxStored = 8;  // an EXECUTE whose text executes another …

std::string text_of(const char* name) { return name == nullptr ? "" : name; }

/// What stands behind the first `word` outside of brackets; empty: there is none.
base::View behind(base::View text, base::View word) {
  Lexer lexer(text);
  int depth = 0;
  for (Token token = lexer.next(); token.kind != Token::Kind::end; token = lexer.next()) {
    if (token.is('(')) ++depth;
    if (token.is(')')) --depth;
    if (depth == 0 && token.is_word(word)) return text.substr(lexer.position());
  }
  return {};
}

/// Whether an option of BEGIN or SET TRANSACTION asks for READ WRITE, which undoes a read-only session.
bool asks_to_write(PgQuery__Node* const* options, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto* option = as<PgQuery__DefElem>(unwrap(options[i]), pg_query__def_elem__descriptor);
    if (option == nullptr) return true;
    if (base::View(option->defname) != "transaction_read_only") continue;
    const auto value = constant(unwrap(option->arg));
    if (!value || *value == "0" || *value == "false") return true;
  }
  return false;
}

}  // namespace

void Walker::transaction_statement(const Message& message, model::Statement& own) {
  const auto& transaction = *as<PgQuery__TransactionStmt>(&message, pg_query__transaction_stmt__descriptor);
  // In the order of PgQuery__TransactionStmtKind.
  static constexpr base::View kKinds[] = {
      "",        "BEGIN",       "START TRANSACTION",   "COMMIT",          "ROLLBACK",         "SAVEPOINT",
      "RELEASE", "ROLLBACK TO", "PREPARE TRANSACTION", "COMMIT PREPARED", "ROLLBACK PREPARED"};
  const auto kind = static_cast<std::size_t>(transaction.kind);
  if (kind == 0 || kind >= std::size(kKinds))
    return add_unknown("the gateway does not know this transaction statement");
  own.kind = kKinds[kind];
  const bool is_two_phase = kind >= PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_PREPARE;
  if (is_two_phase) effects_.add(Effect::server);  // a prepared transaction belongs to every session
  const bool writes = asks_to_write(transaction.options, transaction.n_options);
  found_.lifts_read_only |= writes;
  own.is_housekeeping = !is_two_phase && !writes;
}

void Walker::set_characteristics(const Message& message, model::Statement& own) {
  const auto& set = *as<PgQuery__VariableSetStmt>(&message, pg_query__variable_set_stmt__descriptor);
  const base::View name = set.name == nullptr ? "" : set.name;
  own.kind = name == "SESSION CHARACTERISTICS" ? "SET SESSION CHARACTERISTICS" : "SET TRANSACTION";
  const bool writes = asks_to_write(set.args, set.n_args);
  found_.lifts_read_only |= writes;
  own.is_housekeeping = name != "TRANSACTION SNAPSHOT" && !writes;
}

void Walker::set_statement(const Message& message, model::Statement& own) {
  const auto& set = *as<PgQuery__VariableSetStmt>(&message, pg_query__variable_set_stmt__descriptor);
  const std::string name = text_of(set.name);
  switch (set.kind) {
    case PG_QUERY__VARIABLE_SET_KIND__VAR_SET_MULTI:
      return set_characteristics(message, own);
    case PG_QUERY__VARIABLE_SET_KIND__VAR_RESET:
    case PG_QUERY__VARIABLE_SET_KIND__VAR_SET_DEFAULT:
      if (set.kind == PG_QUERY__VARIABLE_SET_KIND__VAR_RESET) own.kind = "RESET";
      return add(understand_setting(name, "", true, set.is_local != 0), &own);
    case PG_QUERY__VARIABLE_SET_KIND__VAR_RESET_ALL:
      // Back to what the session began with; role and session_authorization are not part of it.
      own.kind = "RESET";
      own.is_housekeeping = true;
      return add(SettingChange{.change = Change{.kind = Change::Kind::search_path, .name = "standard"}}, nullptr);
    case PG_QUERY__VARIABLE_SET_KIND__VAR_SET_VALUE: {
      std::string value;
      bool is_constant = set.n_args > 0;
      for (std::size_t i = 0; i < set.n_args; ++i) {
        const auto item = constant(unwrap(set.args[i]));
        is_constant &= item.has_value();
        if (!item) continue;
        if (!value.empty()) value += ',';
        // Each argument is one name, whatever characters it has.
        const bool is_list = name == "search_path";
        value += is_list ? "\"" + *item + "\"" : *item;
      }
      // SET TIME ZONE INTERVAL … is no plain constant, and harmless.
      return add(understand_setting(name, is_constant ? std::optional(value) : std::nullopt, false, set.is_local != 0),
                 &own);
    }
    case PG_QUERY__VARIABLE_SET_KIND__VAR_SET_CURRENT:  // FROM CURRENT: in definitions of functions only
    case PG_QUERY__VARIABLE_SET_KIND__VARIABLE_SET_KIND_UNDEFINED:
    case _PG_QUERY__VARIABLE_SET_KIND_IS_INT_SIZE:
      break;
  }
  add_unknown("the gateway does not know this kind of SET");
}

void Walker::show_statement(const Message&, model::Statement& own) { own.is_housekeeping = true; }

void Walker::discard_statement(const Message& message, model::Statement& own) {
  const auto& discard = *as<PgQuery__DiscardStmt>(&message, pg_query__discard_stmt__descriptor);
  own.is_housekeeping = true;
  if (discard.target != PG_QUERY__DISCARD_MODE__DISCARD_ALL) return;
  own.kind = "DISCARD ALL";
  found_.changes.push_back({.kind = Change::Kind::discard_all});
  add(SettingChange{.change = Change{.kind = Change::Kind::search_path, .name = "standard"}}, nullptr);
  prepared_.clear();
  cursors_.clear();
  forgot_prepared_ = forgot_cursors_ = true;
}

/// Judged as if it ran: what is prepared is there to be executed.
void Walker::prepare_statement(const Message& message, model::Statement& own) {
  const auto& prepare = *as<PgQuery__PrepareStmt>(&message, pg_query__prepare_stmt__descriptor);
  const std::string name = text_of(prepare.name);
  const std::string text(behind(statement_text_, "AS"));
  for (std::size_t i = 0; i < prepare.n_argtypes; ++i) {
    if (const Message* type = unwrap(prepare.argtypes[i])) visit(*type);
  }
  const Message* query = unwrap(prepare.query);
  if (query == nullptr || text.empty()) return add_unknown("PREPARE of nothing that is known");
  effects_ = effects_.without({Effect::session});  // its own: what the query does to the session counts
  nested_statement(*query);
  found_.changes.push_back({.kind = Change::Kind::prepare, .name = name, .text = text});
  prepared_[name] = text;
  own.is_housekeeping = false;
}

/// What the session knows under the name; nullptr: nothing.
const std::string* Walker::text_of_prepared(const std::string& name) const {
  const auto here = prepared_.find(name);
  if (here != prepared_.end()) return here->second ? &*here->second : nullptr;
  return names_ == nullptr || forgot_prepared_ ? nullptr : names_->prepared_text(name);
}

const std::string* Walker::text_of_cursor(const std::string& name) const {
  const auto here = cursors_.find(name);
  if (here != cursors_.end()) return here->second ? &*here->second : nullptr;
  return names_ == nullptr || forgot_cursors_ ? nullptr : names_->cursor_text(name);
}

void Walker::note_stored(model::StoredText::Kind kind, const std::string& name, const std::string& text) {
  model::StoredText stored{.kind = kind, .name = name, .text = text};
  if (std::ranges::find(found_.stored, stored) == found_.stored.end()) found_.stored.push_back(std::move(stored));
}

/// The effects of a text that an earlier Command gave to the session.
void Walker::stored_text(model::StoredText::Kind kind, const std::string& name, const std::string* text) {
  const std::string what = (kind == model::StoredText::Kind::cursor ? "cursor " : "prepared statement ") + name;
  if (text == nullptr) return add_unknown(what + " is not known to the gateway");
  note_stored(kind, name, *text);
  if (stored_depth_ >= kMaxStored) return add_unknown(what + " is nested too deeply");
  if (text->size() > limits_.statement || nesting_bound(*text) > limits_.nesting) {
    return add_unknown(what + " is too long or nested too deeply");
  }
  // PostgreSQL plans it again under the names that hold now.
  const std::string owned = *text;
  const auto tree = Tree::parse(owned);
  if (!tree) return add_unknown(what + " could not be parsed");
  ++stored_depth_;
  const auto changes = found_.changes;
  auto pins = filters_.exchange_pins({});
  for (const auto& item : tree->statements()) {
    if (item.message == nullptr) continue;
    filters_.collect(*item.message);
    statement(*item.message, item.text);
  }
  filters_.exchange_pins(std::move(pins));
  // What it would do to names when it is prepared or declared was counted then.
  std::erase_if(found_.changes, [](const Change& change) {
    return change.kind == Change::Kind::prepare || change.kind == Change::Kind::declare;
  });
  for (const auto& change : changes) {
    if (change.kind == Change::Kind::prepare || change.kind == Change::Kind::declare) found_.changes.push_back(change);
  }
  --stored_depth_;
}

void Walker::execute_statement(const Message& message, model::Statement&) {
  const auto& execute = *as<PgQuery__ExecuteStmt>(&message, pg_query__execute_stmt__descriptor);
  const std::string name = text_of(execute.name);
  for (std::size_t i = 0; i < execute.n_params; ++i) {
    if (const Message* value = unwrap(execute.params[i])) visit(*value);
  }
  stored_text(model::StoredText::Kind::statement, name, text_of_prepared(name));
}

void Walker::deallocate_statement(const Message& message, model::Statement& own) {
  const auto& deallocate = *as<PgQuery__DeallocateStmt>(&message, pg_query__deallocate_stmt__descriptor);
  own.is_housekeeping = true;
  const std::string name = text_of(deallocate.name);
  if (name.empty()) {
    found_.changes.push_back({.kind = Change::Kind::deallocate_all});
    prepared_.clear();
    forgot_prepared_ = true;
  } else {
    found_.changes.push_back({.kind = Change::Kind::deallocate, .name = name});
    prepared_[name] = std::nullopt;
  }
}

void Walker::declare_statement(const Message& message, model::Statement& own) {
  const auto& declare = *as<PgQuery__DeclareCursorStmt>(&message, pg_query__declare_cursor_stmt__descriptor);
  const std::string name = text_of(declare.portalname);
  const std::string text(behind(statement_text_, "FOR"));
  const Message* query = unwrap(declare.query);
  if (query == nullptr || text.empty()) return add_unknown("DECLARE of nothing that is known");
  effects_ = effects_.without({Effect::session});  // WITH HOLD runs it at COMMIT
  nested_statement(*query);
  found_.changes.push_back({.kind = Change::Kind::declare, .name = name, .text = text});
  cursors_[name] = text;
  own.is_housekeeping = false;
}

void Walker::fetch_statement(const Message& message, model::Statement& own) {
  const auto& fetch = *as<PgQuery__FetchStmt>(&message, pg_query__fetch_stmt__descriptor);
  if (fetch.ismove != 0) own.kind = "MOVE";
  const std::string name = text_of(fetch.portalname);
  stored_text(model::StoredText::Kind::cursor, name, text_of_cursor(name));
}

/// The cursor's query chooses the row. What it does was judged when it was declared, and again at each FETCH.
void Walker::current_of(const Message& message) {
  const auto& current = *as<PgQuery__CurrentOfExpr>(&message, pg_query__current_of_expr__descriptor);
  const std::string name = text_of(current.cursor_name);
  if (const std::string* text = text_of_cursor(name)) note_stored(model::StoredText::Kind::cursor, name, *text);
}

void Walker::close_statement(const Message& message, model::Statement& own) {
  const auto& close = *as<PgQuery__ClosePortalStmt>(&message, pg_query__close_portal_stmt__descriptor);
  own.is_housekeeping = true;
  const std::string name = text_of(close.portalname);
  if (name.empty()) {
    found_.changes.push_back({.kind = Change::Kind::close_all});
    cursors_.clear();
    forgot_cursors_ = true;
  } else {
    found_.changes.push_back({.kind = Change::Kind::close, .name = name});
    cursors_[name] = std::nullopt;
  }
}

}  // namespace sallyport::sql
