#include "sql/understand.h"

#include <algorithm>

#include "sql/lexer.h"
#include "sql/lineage.h"
#include "sql/walk.h"

namespace sallyport::sql {
namespace {

using model::Effect;
using Change = model::NameChange;

model::Understanding refused(model::Refusal refusal) {
  model::Understanding what;
  what.effects.add(Effect::unknown);
  what.refusal = std::move(refusal);
  return what;
}

model::Understanding not_understood(std::string note) {
  model::Understanding what;
  what.effects.add(Effect::unknown);
  what.statements.push_back({.kind = "UNKNOWN", .effects = what.effects});
  what.note = std::move(note);
  return what;
}

}  // namespace

model::Understanding understand(const Input& input) {
  if (input.text.size() > input.limits.statement) {
    return refused({.kind = model::Refusal::Kind::statement_too_long,
                    .message = "refused: the statement has " + std::to_string(input.text.size()) +
                               " octets, the limit is " + std::to_string(input.limits.statement),
                    .hint = "Send long values as parameters or by COPY, or split the statement."});
  }
  if (!base::is_utf8_without_nul(input.text)) {
    return refused({.kind = model::Refusal::Kind::bad_encoding,
                    .message = "refused: the statement is not valid UTF-8",
                    .hint = "The gateway pins client_encoding to UTF8; convert the text before sending it."});
  }
  if (nesting_bound(input.text) > input.limits.nesting) {
    return not_understood("the statement is nested deeper than " + std::to_string(input.limits.nesting) + " levels");
  }
  const auto tree = Tree::parse(input.text);
  if (!tree) return not_understood("the gateway's parser says: " + tree.error().message);
  Walker walker(input, Resolver(input.catalogue, input.session));
  walker.walk(*tree);
  return walker.finish();
}

model::Understanding understand_call(std::uint32_t function, const model::Catalogue* catalogue) {
  Walker walker(Input{.catalogue = catalogue}, Resolver(catalogue, nullptr));
  const FunctionMeaning meaning = Resolver(catalogue, nullptr).function(function);
  if (meaning.is_setting) {
    walker.add_unknown("set_config() by the function call message");
  } else {
    walker.add(meaning);
  }
  auto what = walker.finish();
  // Its arguments are the client's own; what else its value depends on is known of reviewed functions alone.
  const auto* known = catalogue == nullptr ? nullptr : catalogue->function(function);
  model::ResultColumn result{.is_many = true};
  result.origin.is_untraced = !what.effects.is_empty() || known == nullptr || gives_values_of_others(known->name);
  what.lineage.statements.push_back({.results = {result}});
  if (what.effects.is_empty()) what.effects.add(Effect::read);
  what.statements.push_back({.kind = "FUNCTION CALL", .effects = what.effects});
  return what;
}

model::Understanding understand_settings(const std::vector<std::pair<std::string, std::string>>& settings) {
  model::Understanding what;
  for (const auto& [name, value] : settings) {
    SettingChange change = understand_setting(name, value, false, false);
    what.effects.add(change.effects);
    what.statements.push_back({.kind = "SET", .effects = change.effects, .is_housekeeping = change.is_housekeeping});
    if (change.change) what.changes.push_back(*change.change);
    if (change.refusal && !what.refusal) what.refusal = change.refusal;
    what.lifts_read_only |= change.lifts_read_only;
    if (what.note.empty()) what.note = change.note;
  }
  return what;
}

SessionState start_of(const model::Understanding& settings) {
  SessionState state;
  for (const Change& change : settings.changes) {
    if (change.kind == Change::Kind::search_path) state.standard = change;  // the last one counts
  }
  for (const Change& change : settings.changes) {
    if (change.kind == Change::Kind::role) state.standard = Change{.kind = Change::Kind::search_path};
  }
  return state;
}

void apply(const model::Understanding& understanding, bool in_transaction, SessionState& state) {
  // What the same text rolled back holds no longer; how far it went back is not followed.
  in_transaction |= std::ranges::any_of(understanding.statements, [](const model::Statement& statement) {
    return statement.kind == "ROLLBACK" || statement.kind == "ROLLBACK TO";
  });
  const auto forget_path = [&] { state.path = SessionState::Path::unknown; };
  for (const Change& change : understanding.changes) {
    if (change.kind == Change::Kind::role) {  // "$user" means another one
      forget_path();
      state.standard = Change{.kind = Change::Kind::search_path};
    }
    if (change.kind == Change::Kind::relations && change.name.empty())
      state.has_own_definitions |= change.text == "code";
    if (change.kind == Change::Kind::relations && !change.name.empty()) {
      const SessionState::Made made{change.text, change.name, change.is_view};
      if (std::ranges::find(state.provisional, made) == state.provisional.end()) state.provisional.push_back(made);
      if (state.provisional.size() > SessionState::kMaxProvisional) state.provisional.erase(state.provisional.begin());
    }
    if (change.kind != Change::Kind::search_path) continue;
    if (in_transaction || change.name.empty()) {
      forget_path();
    } else if (change.name == "standard") {
      state.path = SessionState::Path::standard;
    } else {
      state.path = SessionState::Path::listed;
      state.search_path.clear();
      for (std::size_t at = 0; at <= change.text.size();) {
        const std::size_t end = std::min(change.text.find('\0', at), change.text.size());
        state.search_path.push_back(change.text.substr(at, end - at));
        at = end + 1;
      }
    }
  }
  // Code that the gateway does not see may have changed it, too.
  if (understanding.effects.meets({Effect::call, Effect::unknown})) forget_path();
}

void settle(SessionState& state) {
  state.has_own_definitions = false;
  // What is permanent is in the Catalogue now, or was rolled back.
  std::erase_if(state.provisional, [](const auto& made) { return made.schema != "pg_temp"; });
}

}  // namespace sallyport::sql
