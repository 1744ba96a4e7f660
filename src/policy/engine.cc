#include "policy/engine.h"

#include <algorithm>
#include <utility>

#include "policy/matching.h"
#include "policy/refusals.h"

namespace sallyport::policy {
namespace {

using model::Effect;
using model::EffectSet;
using model::Understanding;

bool is_nothing(const Understanding& what) { return what.statements.empty() && what.effects.is_empty(); }

/// What any rule implies that lets the principal do something on the target.
bool is_light(const Understanding& what) { return is_nothing(what) || is_housekeeping(what); }

/// What the rules that hold it demand together; `names` gets theirs.
std::optional<Terms> terms_of(const std::vector<const Rule*>& holds, const Subject& subject, std::string& names) {
  std::optional<Terms> terms;
  for (const Rule* rule : holds) {
    if (!meets(rule->if_, subject)) continue;
    // Nobody is asked about BEGIN, SHOW or a Describe, unless the rule is about such statements by its words.
    if (is_light(subject.what) && !rule->if_.effects && rule->if_.statements.empty()) continue;
    append_name(names, rule->name);
    const auto& then = std::get<Rule::HoldFor>(rule->then);
    if (!terms) terms = Terms{.timeout = then.timeout, .in_transaction_timeout = then.in_transaction_timeout};
    terms->timeout = std::min(terms->timeout, then.timeout);
    terms->in_transaction_timeout = std::min(terms->in_transaction_timeout, then.in_transaction_timeout);
    terms->demands.push_back({rule->name, then.approver_groups, then.approver_principals, then.count});
  }
  return terms;
}

bool only_reads(const Concerned& concerned) {
  const auto reads = [](const Rule* rule) {
    return EffectSet{Effect::read, Effect::session}.covers(rule->if_.effects.value_or(kUnlessNamed));
  };
  return !(concerned.allows.empty() && concerned.holds.empty()) && std::ranges::all_of(concerned.allows, reads) &&
         std::ranges::all_of(concerned.holds, reads);
}

/// Nothing of it runs now: what was prepared is judged again, with its values, when it does.
bool only_prepares(const model::Command& command, const Understanding& what) {
  return command.kind == model::CommandKind::prepare || what.only_prepares;
}

}  // namespace

Engine::Engine(std::vector<Rule> rules, std::uint64_t rule_set, std::vector<model::TargetName> targets,
               const std::vector<MaskRule>& masks)
    : rules_(std::move(rules)), rule_set_(rule_set), targets_(std::move(targets)) {
  for (const auto& target : targets_) {
    if (auto own = TargetMasks::of(masks, target)) masks_.emplace(target.name, std::move(own));
  }
}

std::shared_ptr<const TargetMasks> Engine::masks(const model::TargetName& target) const {
  const auto found = masks_.find(target.name);
  return found == masks_.end() ? nullptr : found->second;
}

Engine::Outcome Engine::weigh(const Subject& subject, const Concerned& concerned) const {
  Outcome outcome;
  for (const Rule* rule : concerned.denies) {
    if (!meets(rule->if_, subject)) continue;
    append_name(outcome.rules, rule->name);
    outcome.denies.push_back(rule);
  }
  if (!outcome.denies.empty()) return outcome;

  outcome.hold = terms_of(concerned.holds, subject, outcome.rules);
  if (outcome.hold) return outcome;

  const Understanding& what = subject.what;
  for (const Rule* rule : concerned.allows) {
    if (is_nothing(what) || covers(rule->if_, subject)) append_name(outcome.rules, rule->name);
  }
  outcome.is_allowed = !outcome.rules.empty();
  const bool is_open = !concerned.allows.empty() || !concerned.holds.empty();
  if (!outcome.is_allowed && is_open && is_light(what)) {
    outcome.is_allowed = true;
    outcome.rules = (concerned.allows.empty() ? concerned.holds : concerned.allows).front()->name;
  }
  return outcome;
}

std::vector<std::string> Engine::elsewhere(const Subject& subject, const model::Principal& principal,
                                           const model::TargetName& target) const {
  std::vector<std::string> names;
  for (const auto& other : targets_) {
    if (other.name == target.name) continue;
    if (weigh(subject, Concerned(rules_, principal, other)).is_allowed) names.push_back(other.name);
  }
  return names;
}

Engine::Outcome Engine::decide(const Subject& subject, const model::Principal& principal,
                               const model::TargetName& target) const {
  const Understanding& what = subject.what;
  if (principal.kind == model::PrincipalKind::internal) {
    static const std::string kBuiltIn = "built-in: the gateway may read";
    if (!what.refusal && EffectSet{Effect::read, Effect::session}.covers(what.effects))
      return {.rules = kBuiltIn, .is_allowed = true};
    return {.rules = kBuiltIn,
            .refusal = refused(kBuiltIn, "refused by a built-in rule: the gateway itself may only read", what, "")};
  }
  if (what.refusal) return {.refusal = what.refusal};

  const Concerned concerned(rules_, principal, target);
  if (what.lifts_read_only && only_reads(concerned)) {
    static const std::string kBuiltIn = "built-in: who may only read has read-only sessions";
    return {.rules = kBuiltIn,
            .refusal = refused(
                kBuiltIn, "refused by a built-in rule: " + principal.name + " may only read on " + target.name, what,
                "Leave out READ WRITE and the setting: the session is read-only." +
                    elsewhere_hint(elsewhere(subject, principal, target)))};
  }
  Outcome outcome = weigh(subject, concerned);
  if (!outcome.denies.empty()) {
    outcome.refusal = denied(outcome.denies, subject, elsewhere(subject, principal, target));
  } else if (!outcome.hold && !outcome.is_allowed) {
    outcome.refusal = not_covered(concerned, subject, principal, target, elsewhere(subject, principal, target));
  }
  return outcome;
}

Verdict Engine::judge(model::Command&& command, std::shared_ptr<const Understanding> understanding,
                      const model::Principal& principal, const model::TargetName& target, MaskPlans* plans) const {
  Outcome outcome = decide({*understanding, command.text.get()}, principal, target);
  const bool is_held = outcome.hold && !only_prepares(command, *understanding);
  std::shared_ptr<const MaskPlan> plan;
  const auto masks = principal.kind == model::PrincipalKind::internal ? nullptr : this->masks(target);
  if (masks && !outcome.refusal) {
    MaskPlans own;
    const auto& entry = (plans == nullptr ? own : *plans).of(*masks, understanding);
    outcome.refusal = entry.refusal;
    plan = entry.plan;
  }
  Grounds grounds{.rules = std::move(outcome.rules),
                  .rule_set = rule_set_,
                  .understanding = std::move(understanding),
                  .masks = std::move(plan)};
  if (outcome.refusal) return Denial(std::move(command), std::move(grounds), std::move(*outcome.refusal));
  if (is_held) return Hold(std::move(command), std::move(grounds), std::move(*outcome.hold));
  return Permit(model::Step(std::move(command)), std::move(grounds));
}

bool Engine::would_hold(const model::Command& command, const Understanding& understanding,
                        const model::Principal& principal, const model::TargetName& target) const {
  return !only_prepares(command, understanding) &&
         decide({understanding, command.text.get()}, principal, target).hold.has_value();
}

bool Engine::may_hold(const model::Principal& principal, const model::TargetName& target) const {
  if (principal.kind == model::PrincipalKind::internal) return false;
  return std::ranges::any_of(rules_, [&](const Rule& rule) {
    return std::holds_alternative<Rule::HoldFor>(rule.then) && is_about(rule.who, principal) &&
           is_about(rule.on, target);
  });
}

bool Engine::may_only_read(const model::Principal& principal, const model::TargetName& target) const {
  return principal.kind != model::PrincipalKind::internal && only_reads(Concerned(rules_, principal, target));
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
  Outcome outcome = decide({settings}, principal, target);
  // Nobody can be asked before there is a session.
  if (outcome.hold)
    return refused(outcome.rules, "refused by rule " + outcome.rules + ": a session cannot begin with these settings",
                   settings, "Connect without them and SET them: that can wait for an approval.");
  return outcome.refusal;
}

}  // namespace sallyport::policy
