#include "config/review.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "config/mask_review.h"
#include "config/reader.h"
#include "config/words.h"
#include "policy/approvers.h"
#include "policy/engine.h"
#include "policy/matching.h"
#include "sql/kinds.h"

namespace sallyport::config {
namespace {

using Then = RuleOptions::Then;

/// Each rule as configured beside the same as the engine takes it.
struct Rules {
  explicit Rules(const Config& config) : config(config), engine(rules_of(config)) {}
  bool concern(std::size_t at, const model::Principal& principal, const Target& target) const {
    return policy::is_about(engine[at].who, principal) && is_about_target(at, target);
  }
  bool is_about_target(std::size_t at, const Target& target) const {
    return policy::is_about(engine[at].on, model::TargetName{target.name, target.labels});
  }
  const RuleOptions& options(std::size_t at) const { return config.rules[at]; }
  std::size_t size() const { return engine.size(); }

  const Config& config;
  std::vector<policy::Rule> engine;
};

/// The people of the file who can approve for `requester`.
std::vector<std::string> approvers_for(const Config& config, const HoldOptions& hold,
                                       const model::Principal& requester) {
  const policy::Demand demand{.groups = hold.groups, .principals = hold.principals};
  std::vector<std::string> names;
  for (const auto& person : config.identity.principals) {
    if (policy::is_among(demand, person) && !policy::why_no_approver(requester, person)) names.push_back(person.name);
  }
  return names;
}

Entitlement entitlement_of(const Rules& rules, const policy::Engine& engine, const model::Principal& principal,
                           const Target& target) {
  Entitlement out{.principal = principal.name, .target = target.name};
  for (std::size_t at = 0; at < rules.size(); ++at) {
    if (!rules.concern(at, principal, target)) continue;
    const RuleOptions& rule = rules.options(at);
    Clause clause{.rule = rule.name, .what = what_of(rule), .message = rule.deny_message};
    if (rule.hold) {
      clause.hold = *rule.hold;
      clause.approvers = approvers_for(rules.config, *rule.hold, principal);
    }
    auto& list = rule.then == Then::allow ? out.allowed : rule.then == Then::hold ? out.held : out.denied;
    list.push_back(std::move(clause));
  }
  out.only_reads = engine.may_only_read(principal, {target.name, target.labels});
  return out;
}

void warn_of_statements(const RuleOptions& rule, std::vector<std::string>& out) {
  const auto& known = sql::statement_kinds();
  for (const auto& words : rule.conditions.statements)
    if (!std::ranges::binary_search(known, words))
      out.push_back(fmt::format("rule {}: '{}' is no statement: nothing ever matches it{}", rule.name, words,
                                did_you_mean(words, known)));
}

void warn_of_reach(const Rules& rules, std::size_t at, std::vector<std::string>& out) {
  const Config& config = rules.config;
  const RuleOptions& rule = rules.options(at);
  const bool has_principal = std::ranges::any_of(config.identity.principals, [&](const auto& principal) {
    return policy::is_about(rules.engine[at].who, principal);
  });
  const bool has_target =
      std::ranges::any_of(config.targets, [&](const auto& target) { return rules.is_about_target(at, target); });
  if (!has_principal && !config.identity.principals.empty())
    out.push_back(fmt::format("rule {}: it is about nobody: no principal is {}", rule.name, who_of(rule)));
  if (!has_target && !config.targets.empty())
    out.push_back(fmt::format("rule {}: it is about no target: none is {}", rule.name, on_of(rule.on)));
}

template <class T>
bool holds_all(const std::vector<T>& all, const std::vector<T>& some) {
  return std::ranges::all_of(some, [&](const T& one) { return std::ranges::find(all, one) != all.end(); });
}

/// Whatever the allow covers, the deny matches. Compares words, not meanings: what is found is sure, not all is found.
bool is_denied_wholly(const RuleOptions::If& allow, const RuleOptions::If& deny) {
  if (deny.missing_where || !deny.patterns.empty() || !deny.filters_on.empty()) return false;
  const auto allowed = allow.effects.value_or(policy::kUnlessNamed);
  if (deny.effects && !deny.effects->covers(allowed)) return false;
  const bool has_statements =
      deny.statements.empty() || (!allow.statements.empty() && holds_all(deny.statements, allow.statements));
  const bool has_relations =
      deny.relations.empty() || (!allow.relations.empty() && holds_all(deny.relations, allow.relations));
  return has_statements && has_relations;
}

void warn_of_denies(const Rules& rules, std::size_t at, std::vector<std::string>& out) {
  const RuleOptions& allow = rules.options(at);
  if (allow.then != Then::allow) return;
  for (std::size_t other = 0; other < rules.size(); ++other) {
    const RuleOptions& deny = rules.options(other);
    if (deny.then != Then::deny || !is_denied_wholly(allow.conditions, deny.conditions)) continue;
    bool is_met = false, is_always = true;
    for (const auto& principal : rules.config.identity.principals)
      for (const Target& target : rules.config.targets) {
        if (!rules.concern(at, principal, target)) continue;
        is_met = true;
        is_always = is_always && rules.concern(other, principal, target);
      }
    if (is_met && is_always)
      out.push_back(fmt::format("rule {}: it allows nothing: rule {} denies all of it", allow.name, deny.name));
  }
}

void warn_of_hold(const Rules& rules, std::size_t at, std::vector<std::string>& out) {
  const RuleOptions& rule = rules.options(at);
  if (!rule.hold) return;
  // Requesters that lack the same are told together.
  std::map<std::vector<std::string>, std::vector<std::string>> lacking;
  for (const auto& principal : rules.config.identity.principals) {
    if (!policy::is_about(rules.engine[at].who, principal)) continue;
    auto approvers = approvers_for(rules.config, *rule.hold, principal);
    if (approvers.size() < rule.hold->count) lacking[std::move(approvers)].push_back(principal.name);
  }
  for (const auto& [approvers, requesters] : lacking)
    out.push_back(fmt::format(
        "rule {}: it needs {} to approve, and for {} there {}: nobody approves for themselves or an agent of theirs, "
        "and only humans approve",
        rule.name, rule.hold->count, fmt::join(requesters, ", "),
        approvers.empty()
            ? std::string("is nobody")
            : fmt::format("{} only {}", approvers.size() == 1 ? "is" : "are", fmt::join(approvers, ", "))));
  const bool has_https =
      std::ranges::any_of(rules.config.listeners, [](const auto& listener) { return listener.name == "https"; });
  if (!rules.config.break_glass && !has_https)
    out.push_back(fmt::format(
        "rule {}: nobody can approve: no human can log in without listen.https, and break_glass is false", rule.name));
}

void warn_of_conditions(const RuleOptions& rule, std::vector<std::string>& out) {
  const auto& conditions = rule.conditions;
  if (rule.then == Then::allow && conditions.missing_where == true)
    out.push_back(
        fmt::format("rule {}: missing_where: true in an allow restricts nothing; false demands a WHERE", rule.name));
  if (rule.then != Then::allow && conditions.missing_where == false)
    out.push_back(fmt::format(
        "rule {}: missing_where: false makes it about statements that have a WHERE, and those that need none",
        rule.name));
  if (rule.then == Then::deny && !conditions.patterns.empty() && conditions.effects == std::nullopt &&
      conditions.statements.empty() && conditions.relations.empty())
    out.push_back(fmt::format(
        "rule {}: a pattern alone is evaded by other case, comments and quotes; name effects, statements or relations",
        rule.name));
  const auto& inserts = conditions.statements;
  if (rule.then == Then::allow && !conditions.filters_on.empty() &&
      std::ranges::find(inserts, "INSERT") != inserts.end())
    out.push_back(fmt::format("rule {}: filters_on never covers an INSERT: it has no WHERE", rule.name));
}

}  // namespace

Review review(const Config& config) {
  const Rules rules(config);
  const policy::Engine engine(rules.engine);
  Review out;
  for (const auto& principal : config.identity.principals)
    for (const Target& target : config.targets)
      out.entitlements.push_back(entitlement_of(rules, engine, principal, target));
  for (std::size_t at = 0; at < rules.size(); ++at) {
    warn_of_statements(rules.options(at), out.warnings);
    warn_of_conditions(rules.options(at), out.warnings);
    warn_of_reach(rules, at, out.warnings);
    warn_of_denies(rules, at, out.warnings);
    warn_of_hold(rules, at, out.warnings);
  }
  warn_of_masks(config, out.warnings);
  for (const Target& target : config.targets) {
    const bool is_open = std::ranges::any_of(out.entitlements, [&](const auto& entitlement) {
      return entitlement.target == target.name && (!entitlement.allowed.empty() || !entitlement.held.empty());
    });
    if (!is_open && !config.identity.principals.empty())
      out.warnings.push_back(fmt::format("target {}: no rule allows anybody anything there", target.name));
  }
  return out;
}

std::vector<std::string> to_lines(const Entitlement& entitlement) {
  std::vector<std::string> lines{fmt::format("{} on {}:", entitlement.principal, entitlement.target)};
  if (entitlement.allowed.empty() && entitlement.held.empty()) {
    lines[0] += " nothing is allowed";
    return lines;
  }
  if (entitlement.only_reads) lines[0] += " its sessions are read-only";
  for (const Clause& clause : entitlement.denied)
    lines.push_back(fmt::format("  never {} (rule {}{})", clause.what, clause.rule,
                                clause.message.empty() ? "" : ": " + clause.message));
  for (const Clause& clause : entitlement.held)
    lines.push_back(fmt::format(
        "  waits: {} (rule {}): {} of {}, within {}, inside a transaction {}", clause.what, clause.rule,
        clause.hold.count, clause.approvers.empty() ? "nobody" : fmt::format("{}", fmt::join(clause.approvers, ", ")),
        to_text(clause.hold.timeout), to_text(clause.hold.in_transaction_timeout)));
  for (const Clause& clause : entitlement.allowed)
    lines.push_back(fmt::format("  may: {} (rule {})", clause.what, clause.rule));
  lines.emplace_back("  all else is refused");
  return lines;
}

}  // namespace sallyport::config
