#include "policy/engine.h"

#include <algorithm>
#include <utility>

namespace sallyport::policy {
namespace {

using model::Effect;
using model::EffectSet;
using model::Understanding;

constexpr EffectSet kUnlessNamed{Effect::read, Effect::write, Effect::schema, Effect::session, Effect::call};

bool contains(const std::vector<std::string>& list, std::string_view item) {
  return std::ranges::find(list, item) != list.end();
}

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; };
    return upper(x) == upper(y);
  });
}

bool is_about(const Rule::Who& who, const model::Principal& principal) {
  if (!who.principals.empty() && !contains(who.principals, principal.name)) return false;
  if (!who.groups.empty() &&
      std::ranges::none_of(who.groups, [&](const auto& group) { return contains(principal.groups, group); })) {
    return false;
  }
  return who.kinds.empty() || std::ranges::find(who.kinds, principal.kind) != who.kinds.end();
}

bool is_about(const Rule::On& on, const model::TargetName& target) {
  if (!on.targets.empty() && !contains(on.targets, target.name)) return false;
  return std::ranges::all_of(
      on.labels, [&](const auto& label) { return std::ranges::find(target.labels, label) != target.labels.end(); });
}

/// `glob` without a dot is about any schema.
bool relation_matches(const std::string& glob, const model::Relation& relation) {
  const auto dot = glob.find('.');
  if (dot == std::string::npos) return glob_matches(glob, relation.name);
  // Part by part: a name may hold a dot itself.
  return glob_matches(std::string_view(glob).substr(0, dot), relation.schema) &&
         glob_matches(std::string_view(glob).substr(dot + 1), relation.name);
}

/// A relation whose schema is not known might be the one that the glob means.
bool relation_may_match(const std::string& glob, const model::Relation& relation) {
  if (relation_matches(glob, relation)) return true;
  const auto dot = glob.find('.');
  if (relation.name == "*") {  // any relation of the schema
    return relation.schema.empty() || dot == std::string::npos ||
           glob_matches(std::string_view(glob).substr(0, dot), relation.schema);
  }
  return relation.schema.empty() && dot != std::string::npos &&
         glob_matches(std::string_view(glob).substr(dot + 1), relation.name);
}

bool is_about_relations(std::string_view kind) {
  static constexpr std::string_view kWords[] = {"TABLE",   "VIEW", "INDEX",  "SEQUENCE",
                                                "TRIGGER", "RULE", "POLICY", "INTO"};
  return std::ranges::any_of(kWords, [&](auto word) { return kind.find(word) != std::string_view::npos; });
}

/// What is left of the Command's effects when its housekeeping is taken away.
EffectSet weighty_effects(const Understanding& what) {
  if (what.statements.empty()) return what.effects;
  const bool only_housekeeping = std::ranges::all_of(what.statements, &model::Statement::is_housekeeping);
  if (only_housekeeping) return what.effects.without({Effect::session});
  const bool other_session = std::ranges::any_of(what.statements, [](const model::Statement& statement) {
    return !statement.is_housekeeping && statement.effects.has(Effect::session);
  });
  return other_session ? what.effects : what.effects.without({Effect::session});
}

bool statement_is_named(const Rule::If& when, const model::Statement& statement) {
  return std::ranges::any_of(when.statements, [&](const auto& kind) { return same_word(kind, statement.kind); });
}

bool relations_are_covered(const Rule::If& when, const Understanding& what) {
  if (when.relations.empty()) return true;
  for (const auto& relation : what.relations) {
    if (relation.is_implied) continue;
    if (std::ranges::none_of(when.relations, [&](const auto& glob) { return relation_matches(glob, relation); })) {
      return false;
    }
  }
  return std::ranges::all_of(what.statements, [](const model::Statement& statement) {
    return !statement.effects.has(Effect::schema) || is_about_relations(statement.kind);
  });
}

bool covers(const Rule::If& when, const Understanding& what) {
  if (!when.effects.value_or(kUnlessNamed).covers(weighty_effects(what))) return false;
  if (!when.statements.empty() && std::ranges::any_of(what.statements, [&](const model::Statement& statement) {
        return !statement.is_housekeeping && !statement_is_named(when, statement);
      })) {
    return false;
  }
  if (when.missing_where == false && std::ranges::any_of(what.statements, &model::Statement::missing_where))
    return false;
  return relations_are_covered(when, what);
}

bool meets(const Rule::If& when, const Understanding& what) {
  if (when.effects && !when.effects->meets(what.effects)) return false;
  if (!when.statements.empty() && std::ranges::none_of(what.statements, [&](const model::Statement& statement) {
        return statement_is_named(when, statement);
      })) {
    return false;
  }
  if (!when.relations.empty() && std::ranges::none_of(what.relations, [&](const model::Relation& relation) {
        return std::ranges::any_of(when.relations,
                                   [&](const auto& glob) { return relation_may_match(glob, relation); });
      })) {
    return false;
  }
  if (!when.missing_where) return true;
  const bool is_missing = std::ranges::any_of(what.statements, &model::Statement::missing_where);
  return is_missing == *when.missing_where;
}

void append_name(std::string& list, std::string_view name) {
  if (!list.empty()) list += ", ";
  list += name;
}

std::string describe(const Understanding& what) {
  std::string kinds, relations;
  for (const auto& statement : what.statements) append_name(kinds, statement.kind);
  for (const auto& relation : what.relations) {
    append_name(relations, (relation.schema.empty() ? "?" : relation.schema) + "." + relation.name +
                               (relation.is_written ? " (written)" : ""));
  }
  std::string text = "Effects: " + model::to_string(what.effects) + ".";
  if (!kinds.empty()) text += " Statements: " + kinds + ".";
  if (!relations.empty()) text += " Relations: " + relations + ".";
  if (!what.note.empty()) text += " " + what.note + ".";
  return text;
}

/// The rules that are about this principal and target, by what they do.
struct Concerned {
  std::vector<const Rule*> allows{}, holds{}, denies{};
};

model::Refusal refused(std::string rule, std::string message, const Understanding& what, std::string hint) {
  return {.kind = model::Refusal::Kind::not_allowed,
          .rule = std::move(rule),
          .message = std::move(message),
          .detail = describe(what),
          .hint = std::move(hint)};
}

model::Refusal unmatched(const Concerned& concerned, const Understanding& what, const model::Principal& principal,
                         const model::TargetName& target) {
  const std::string where = principal.name + " on " + target.name;
  if (concerned.allows.empty()) {
    return refused("", "refused: no rule allows anything to " + where, what,
                   "Ask whoever keeps the gateway's rules for access to " + target.name + ".");
  }
  std::string allowed;
  for (const Rule* rule : concerned.allows) {
    append_name(allowed, rule->name + " (" + model::to_string(rule->if_.effects.value_or(kUnlessNamed)) + ")");
  }
  const EffectSet must = EffectSet(what.effects).without(kUnlessNamed);
  std::string hint = "Rules that allow something here: " + allowed + ".";
  if (must.has(Effect::unknown)) {
    hint +=
        " State it so that it can be understood: plain SQL that PostgreSQL 15 parses, existing names with their "
        "schema.";
  } else {
    hint += " Use a statement that one of them covers wholly, or ask for a rule.";
  }
  return refused("", "refused: no rule allows this to " + where, what, std::move(hint));
}

/// What the rules that hold it demand together; `names` gets theirs.
std::optional<Terms> terms_of(const std::vector<const Rule*>& holds, const Understanding& what, std::string& names) {
  std::optional<Terms> terms;
  for (const Rule* rule : holds) {
    if (!meets(rule->if_, what)) continue;
    append_name(names, rule->name);
    const auto& then = std::get<Rule::HoldFor>(rule->then);
    if (!terms) terms = Terms{.timeout = then.timeout, .in_transaction_timeout = then.in_transaction_timeout};
    terms->timeout = std::min(terms->timeout, then.timeout);
    terms->in_transaction_timeout = std::min(terms->in_transaction_timeout, then.in_transaction_timeout);
    terms->demands.push_back({rule->name, then.approver_groups, then.approver_principals, then.count});
  }
  return terms;
}

/// Nothing of it runs now: what was prepared is judged again, with its values, when it does.
bool only_prepares(const model::Command& command, const Understanding& what) {
  return command.kind == model::CommandKind::prepare || what.only_prepares;
}

}  // namespace

Engine::Engine(std::vector<Rule> rules, std::uint64_t rule_set) : rules_(std::move(rules)), rule_set_(rule_set) {}

Engine::Outcome Engine::decide(const Understanding& what, const model::Principal& principal,
                               const model::TargetName& target) const {
  if (principal.kind == model::PrincipalKind::internal) {
    static const std::string kBuiltIn = "built-in: the gateway may read";
    if (!what.refusal && EffectSet{Effect::read, Effect::session}.covers(what.effects)) return {.rules = kBuiltIn};
    return {.rules = kBuiltIn,
            .refusal = refused(kBuiltIn, "refused by a built-in rule: the gateway itself may only read", what, "")};
  }
  if (what.refusal) return {.refusal = what.refusal};

  Concerned concerned;
  for (const Rule& rule : rules_) {
    if (!is_about(rule.who, principal) || !is_about(rule.on, target)) continue;
    if (std::holds_alternative<Rule::Allow>(rule.then)) concerned.allows.push_back(&rule);
    if (std::holds_alternative<Rule::HoldFor>(rule.then)) concerned.holds.push_back(&rule);
    if (std::holds_alternative<Rule::Deny>(rule.then)) concerned.denies.push_back(&rule);
  }

  std::string names, message;
  for (const Rule* rule : concerned.denies) {
    if (!meets(rule->if_, what)) continue;
    if (message.empty()) message = std::get<Rule::Deny>(rule->then).message;
    append_name(names, rule->name);
  }
  if (!names.empty()) {
    std::string text = "refused by rule " + names + (message.empty() ? "" : ": " + message);
    return {.rules = names,
            .refusal = refused(names, std::move(text), what, "No other rule can allow what a deny rule refuses.")};
  }

  if (auto terms = terms_of(concerned.holds, what, names)) return {.rules = names, .hold = std::move(terms)};

  const bool is_nothing = what.statements.empty() && what.effects.is_empty();
  for (const Rule* rule : concerned.allows) {
    if (is_nothing || covers(rule->if_, what)) append_name(names, rule->name);
  }
  if (!names.empty()) return {.rules = names};
  const bool is_housekeeping = !what.statements.empty() && weighty_effects(what).is_empty() &&
                               std::ranges::all_of(what.statements, &model::Statement::is_housekeeping);
  if (is_housekeeping && !concerned.allows.empty()) return {.rules = concerned.allows.front()->name};
  return {.refusal = unmatched(concerned, what, principal, target)};
}

Verdict Engine::judge(model::Command&& command, std::shared_ptr<const Understanding> understanding,
                      const model::Principal& principal, const model::TargetName& target) const {
  Outcome outcome = decide(*understanding, principal, target);
  const bool is_held = outcome.hold && !only_prepares(command, *understanding);
  Grounds grounds{.rules = std::move(outcome.rules), .rule_set = rule_set_, .understanding = std::move(understanding)};
  if (outcome.refusal) return Denial(std::move(command), std::move(grounds), std::move(*outcome.refusal));
  if (is_held) return Hold(std::move(command), std::move(grounds), std::move(*outcome.hold));
  return Permit(model::Step(std::move(command)), std::move(grounds));
}

bool Engine::would_hold(const model::Command& command, const Understanding& understanding,
                        const model::Principal& principal, const model::TargetName& target) const {
  return !only_prepares(command, understanding) && decide(understanding, principal, target).hold.has_value();
}

bool Engine::may_hold(const model::Principal& principal, const model::TargetName& target) const {
  if (principal.kind == model::PrincipalKind::internal) return false;
  return std::ranges::any_of(rules_, [&](const Rule& rule) {
    return std::holds_alternative<Rule::HoldFor>(rule.then) && is_about(rule.who, principal) &&
           is_about(rule.on, target);
  });
}

Permit Engine::follow(model::Chunk&& chunk, Grounds grounds) const {
  return Permit(model::Step(std::move(chunk)), std::move(grounds));
}

Permit Engine::follow(model::Command&& command, const Precedent& precedent) const {
  return Permit(model::Step(std::move(command)), precedent.grounds());
}

Permit Engine::follow(model::Control&& control) const {
  return Permit(model::Step(std::move(control)), Grounds{.rule_set = rule_set_});
}

std::optional<model::Refusal> Engine::judge_settings(const Understanding& settings, const model::Principal& principal,
                                                     const model::TargetName& target) const {
  Outcome outcome = decide(settings, principal, target);
  // Nobody can be asked before there is a session.
  if (outcome.hold)
    return refused(outcome.rules, "refused by rule " + outcome.rules + ": a session cannot begin with these settings",
                   settings, "Connect without them and SET them: that can wait for an approval.");
  return outcome.refusal;
}

}  // namespace sallyport::policy
