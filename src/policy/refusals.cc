#include "policy/refusals.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace sallyport::policy {
namespace {

using model::Effect;
using model::EffectSet;
using model::Understanding;

constexpr std::size_t kMaxNames = 10;  // in one list: a refusal is read by people

std::string list_of(const std::vector<std::string>& names) {
  std::string list;
  for (std::size_t i = 0; i < names.size() && i < kMaxNames; ++i) append_name(list, names[i]);
  if (names.size() > kMaxNames) list += " and " + std::to_string(names.size() - kMaxNames) + " more";
  return list;
}

void add_once(std::vector<std::string>& names, std::string name) {
  if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
}

std::string dotted(const std::string& schema, const std::string& name) {
  return (schema.empty() ? "?" : schema) + "." + name;
}

/// Nobody can say which one it is. "*" is any on purpose.
bool is_lost_name(const model::Relation& relation) { return relation.schema.empty() && relation.name != "*"; }

std::string describe(const Understanding& what) {
  std::string text = "Effects: " + model::to_string(what.effects) + ".";
  std::vector<std::string> kinds, relations;
  for (const auto& statement : what.statements) kinds.push_back(statement.kind);
  for (const auto& relation : what.relations)
    relations.push_back(dotted(relation.schema, relation.name) + (relation.is_written ? " (written)" : ""));
  if (!kinds.empty()) text += " Statements: " + list_of(kinds) + ".";
  if (!relations.empty()) text += " Relations: " + list_of(relations) + ".";
  if (!what.note.empty()) text += " " + what.note + ".";
  return text;
}

std::vector<std::string> expressions_of(const Rule::If& when) {
  std::vector<std::string> out;
  for (const Pattern& pattern : when.patterns) out.push_back("/" + pattern.expression() + "/");
  return out;
}

std::vector<std::string> without_where(const Understanding& what) {
  std::vector<std::string> out;
  for (const auto& statement : what.statements) {
    if (statement.missing_where) add_once(out, statement.kind);
  }
  return out;
}

constexpr auto kAddWhere = "Add a WHERE that says which rows are meant.";

/// Why a deny is about it: one piece for each of its conditions.
std::string cause_of(const Rule::If& when, const Subject& subject) {
  const Understanding& what = subject.what;
  std::string cause;
  const auto add = [&](const std::string& piece) { append_name(cause, piece); };
  if (when.effects) {
    EffectSet both = *when.effects;
    both = both.without(both.without(what.effects));
    add("it has the effect " + model::to_string(both));
  }
  std::vector<std::string> names;
  for (const auto& statement : what.statements) {
    if (names_statement(when, statement)) add_once(names, statement.kind);
  }
  if (!names.empty()) add("it is " + list_of(names));
  names.clear();
  for (const auto& relation : what.relations) {
    if (may_name_relation(when, relation)) add_once(names, dotted(relation.schema, relation.name));
  }
  if (!names.empty()) add("it touches " + list_of(names));
  if (when.missing_where == true) add(list_of(without_where(what)) + " has no WHERE");
  if (!when.patterns.empty()) add("its text matches " + list_of(expressions_of(when)));
  names.clear();
  for (const auto& filter : what.filters) {
    if (may_name_filter(when, filter))
      add_once(names, dotted(filter.schema, filter.relation) + "." + (filter.column.empty() ? "?" : filter.column));
  }
  if (!when.filters_on.empty())
    add(names.empty() ? "what it filters by is not known" : "it filters, or may filter, by " + list_of(names));
  return cause.empty() ? "it refuses everything here" : cause;
}

/// What the client can change so that the deny is not about it; empty: nothing that is sure to help.
std::string way_around(const Rule::If& when, const Understanding& what) {
  if (when.missing_where == true) return kAddWhere;
  const bool is_lost = std::ranges::any_of(what.relations, [&](const auto& relation) {
    return is_lost_name(relation) && may_name_relation(when, relation);
  });
  if (is_lost) return "Name the schema of each table: it might be one that the rule protects.";
  if (what.statements.size() > 1 && !when.statements.empty()) return "Send the other statements without this one.";
  if (!when.filters_on.empty()) return "Choose the rows by other columns.";
  return "";
}

struct Lack {
  std::string why{}, next{};
};

Lack lacking_effects(const Rule& rule, const Understanding& what) {
  const EffectSet allowed = rule.if_.effects.value_or(kUnlessNamed);
  const EffectSet lacking = weighty_effects(what).without(allowed);
  Lack lack{.why = "Rule " + rule.name + " allows " + model::to_string(allowed) + ", not " + model::to_string(lacking) +
                   "."};
  const bool is_lost = std::ranges::any_of(what.relations, is_lost_name);
  if (lacking.has(Effect::unknown)) {
    lack.next = is_lost ? "Name existing tables, with their schema."
                        : "State it so that it can be understood: plain SQL that PostgreSQL 15 parses, existing names "
                          "with their schema.";
  } else if (lacking.has(Effect::privilege) || lacking.has(Effect::server)) {
    lack.next =
        "Such statements need a rule that names " + model::to_string(EffectSet{lacking}.without(kUnlessNamed)) + ".";
  } else if (lacking.has(Effect::call)) {
    lack.next = "Use functions that are known to be harmless, or ask for a rule that allows call.";
  } else {
    lack.next = "Ask whoever keeps the gateway's rules for access, or somebody who may do it.";
  }
  return lack;
}

Lack lacking_relations(const Rule& rule, const Understanding& what) {
  std::vector<std::string> others;
  bool is_lost = false;
  for (const auto& relation : what.relations) {
    if (relation.is_implied || names_relation(rule.if_, relation)) continue;
    add_once(others, dotted(relation.schema, relation.name));
    is_lost = is_lost || is_lost_name(relation);
  }
  if (others.empty())
    return {"Rule " + rule.name + " is about relations, and this changes other definitions.", "Ask for a rule."};
  return {"Rule " + rule.name + " allows " + list_of(rule.if_.relations) + ", not " + list_of(others) + ".",
          is_lost ? "Name the schema of each table." : "Leave out these tables, or ask for access to them."};
}

Lack lacking_filters(const Rule& rule, const Understanding& what) {
  std::vector<std::string> loose;
  for (const auto& rows : what.rows) {
    if (!pins_rows(rule.if_, rows)) add_once(loose, dotted(rows.schema, rows.relation));
  }
  return {"Rule " + rule.name + " allows only rows chosen by " + list_of(rule.if_.filters_on) + "; of " +
              list_of(loose) + " others could be meant.",
          "Add to the WHERE, joined by AND, COLUMN = VALUE with one of these columns for each table."};
}

/// Why the allow, of all that there are the one that comes nearest, does not cover it.
Lack lack_of(const Rule& rule, Gap gap, const Understanding& what) {
  switch (gap) {
    case Gap::effects:
      return lacking_effects(rule, what);
    case Gap::statements: {
      std::vector<std::string> others;
      for (const auto& statement : what.statements) {
        if (!statement.is_housekeeping && !names_statement(rule.if_, statement)) add_once(others, statement.kind);
      }
      return {"Rule " + rule.name + " allows " + list_of(rule.if_.statements) + ", not " + list_of(others) + ".",
              "Use one of these statements, or ask for a rule."};
    }
    case Gap::relations:
      return lacking_relations(rule, what);
    case Gap::missing_where:
      return {"Rule " + rule.name + " allows it with a WHERE only, and " + list_of(without_where(what)) + " has none.",
              kAddWhere};
    case Gap::patterns:
      return {"Rule " + rule.name + " allows only texts that are wholly of the form " +
                  list_of(expressions_of(rule.if_)) + ".",
              "Write it in that form, one statement at a time."};
    case Gap::filters_on:
      return lacking_filters(rule, what);
  }
  return {};
}

}  // namespace

Concerned::Concerned(const std::vector<Rule>& rules, const model::Principal& principal,
                     const model::TargetName& target) {
  for (const Rule& rule : rules) {
    if (!is_about(rule.who, principal) || !is_about(rule.on, target)) continue;
    if (std::holds_alternative<Rule::Allow>(rule.then)) allows.push_back(&rule);
    if (std::holds_alternative<Rule::HoldFor>(rule.then)) holds.push_back(&rule);
    if (std::holds_alternative<Rule::Deny>(rule.then)) denies.push_back(&rule);
  }
}

void append_name(std::string& list, std::string_view name) {
  if (!list.empty()) list += ", ";
  list += name;
}

std::string elsewhere_hint(const std::vector<std::string>& elsewhere) {
  return elsewhere.empty() ? "" : " On " + list_of(elsewhere) + " you may do this: connect there instead.";
}

model::Refusal refused(std::string rule, std::string message, const Understanding& what, std::string hint) {
  return {.kind = model::Refusal::Kind::not_allowed,
          .rule = std::move(rule),
          .message = std::move(message),
          .detail = describe(what),
          .hint = std::move(hint)};
}

model::Refusal denied(const std::vector<const Rule*>& denies, const Subject& subject,
                      const std::vector<std::string>& elsewhere) {
  std::string names, message, causes, next;
  for (const Rule* rule : denies) {
    append_name(names, rule->name);
    if (message.empty()) message = std::get<Rule::Deny>(rule->then).message;
    causes += "Rule " + rule->name + " refuses it because " + cause_of(rule->if_, subject) + ". ";
    // Going around one of several does not help.
    if (denies.size() == 1) next = way_around(rule->if_, subject.what);
  }
  if (next.empty()) next = "No other rule can allow what a deny rule refuses.";
  auto refusal = refused(names, "refused by rule " + names + (message.empty() ? "" : ": " + message), subject.what,
                         next + elsewhere_hint(elsewhere));
  refusal.detail = causes + refusal.detail;
  return refusal;
}

model::Refusal not_covered(const Concerned& concerned, const Subject& subject, const model::Principal& principal,
                           const model::TargetName& target, const std::vector<std::string>& elsewhere) {
  const std::string where = principal.name + " on " + target.name;
  if (concerned.allows.empty() && !concerned.holds.empty()) {
    std::string held;
    for (const Rule* rule : concerned.holds) {
      append_name(held, rule->name + " (" + model::to_string(rule->if_.effects.value_or(kUnlessNamed)) + ")");
    }
    return refused(
        "", "refused: no rule allows this to " + where, subject.what,
        "An approval can only be asked for what these rules hold: " + held + "." + elsewhere_hint(elsewhere));
  }
  if (concerned.allows.empty()) {
    return refused(
        "", "refused: no rule allows anything to " + where, subject.what,
        "Ask whoever keeps the gateway's rules for access to " + target.name + "." + elsewhere_hint(elsewhere));
  }
  const auto lacked_by = [&](const Rule& rule) {
    return weighty_effects(subject.what).without(rule.if_.effects.value_or(kUnlessNamed)).count();
  };
  const Rule* nearest = nullptr;
  Gap gap = Gap::effects;
  std::string allowed;
  for (const Rule* rule : concerned.allows) {
    append_name(allowed, rule->name + " (" + model::to_string(rule->if_.effects.value_or(kUnlessNamed)) + ")");
    const Gap its = gap_of(rule->if_, subject).value_or(Gap::effects);
    const bool is_nearer = nearest == nullptr || its > gap || (its == gap && lacked_by(*rule) < lacked_by(*nearest));
    if (!is_nearer) continue;
    nearest = rule;
    gap = its;
  }
  const Lack lack = lack_of(*nearest, gap, subject.what);
  auto refusal = refused("", "refused: no rule allows this to " + where, subject.what,
                         lack.next + elsewhere_hint(elsewhere) + " Rules that allow something here: " + allowed + ".");
  refusal.detail = lack.why + " " + refusal.detail;
  return refusal;
}

}  // namespace sallyport::policy
