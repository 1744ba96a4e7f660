#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "config/words.h"
#include "policy/matching.h"

namespace sallyport::config {
namespace {

bool is_unverified(const Target& target) {
  return (target.tls == TargetTls::disable || target.tls == TargetTls::require) && !target.address.is_loopback();
}

void weak_durability(Durability durability, const std::string& where, std::vector<std::string>& out) {
  switch (durability) {
    case Durability::strict:
      break;
    case Durability::request:
      out.push_back(fmt::format(
          "{}: request: a crash of the machine can lose up to 50 ms of responses that were already seen", where));
      break;
    case Durability::batch:
      out.push_back(fmt::format(
          "{}: batch: a crash of the machine can lose the record of what was already done and answered", where));
      break;
  }
}

void weak_target(const Target& target, std::vector<std::string>& out) {
  if (target.durability) weak_durability(*target.durability, fmt::format("target {}: durability", target.name), out);
  if (target.is_password_file_open)
    out.push_back(
        fmt::format("target {}: password: everybody on this machine can read {}", target.name, target.password_source));
  if (is_unverified(target))
    out.push_back(fmt::format("target {}: tls: {}: {}", target.name, name_of(target.tls),
                              target.tls == TargetTls::disable
                                  ? "everything goes to it in plain text"
                                  : "its certificate is not checked, so anybody on the way can pose as it"));
  if (target.tls == TargetTls::verify_ca)
    out.push_back(
        fmt::format("target {}: tls: verify-ca: any host with a certificate of that CA can pose as it", target.name));
  for (const TargetAuth auth : target.auth) {
    if (auth == TargetAuth::md5)
      out.push_back(fmt::format("target {}: auth: md5: the exchange can be replayed by who breaks MD5", target.name));
    if (auth == TargetAuth::cleartext)
      out.push_back(fmt::format("target {}: auth: cleartext: the target is sent the password itself", target.name));
  }
}

void weak_rule(const RuleOptions& rule, std::vector<std::string>& out) {
  if (rule.then != RuleOptions::Then::allow || !rule.conditions.effects) return;
  const auto& effects = *rule.conditions.effects;
  if (effects.has(model::Effect::unknown))
    out.push_back(
        fmt::format("rule {}: allows unknown: statements that could not be understood are forwarded", rule.name));
  if (effects.has(model::Effect::server))
    out.push_back(fmt::format(
        "rule {}: allows server: files, programs and other servers behind the target can be reached", rule.name));
  if (effects.has(model::Effect::privilege))
    out.push_back(fmt::format("rule {}: allows privilege: the target's own permissions can be changed", rule.name));
  if (effects.has(model::Effect::call))
    out.push_back(fmt::format("rule {}: allows call: what the called functions do is not judged", rule.name));
}

std::string way_of(const policy::MaskRule& mask) {
  switch (mask.way.kind) {
    case policy::MaskWay::Kind::keep_last:
      return fmt::format("show the last {} of a text, at most a quarter of it, else [masked:{}] or NULL",
                         mask.way.keep == 1 ? "character" : fmt::format("{} characters", mask.way.keep), mask.name);
    case policy::MaskWay::Kind::redact:
      return fmt::format("show [masked:{}] in texts, NULL elsewhere", mask.name);
    case policy::MaskWay::Kind::null:
      return "show NULL";
  }
  return "?";
}

void explain_masks(const Config& config, std::vector<std::string>& out) {
  for (const auto& mask : config.masks)
    out.push_back(fmt::format("mask {}: on {}: {}: {}{}", mask.name, on_of(mask.on), what_of(mask), way_of(mask),
                              mask.allows_oracle ? "; WHERE and the like may use them" : ""));
  if (config.masks.empty()) return;
  for (const Target& target : config.targets) {
    std::vector<std::string> acting;
    bool has_columns = false;
    for (const auto& mask : config.masks) {
      if (!policy::is_about(mask.on, model::TargetName{target.name, target.labels})) continue;
      acting.push_back(mask.name);
      has_columns = has_columns || !mask.columns.empty();
    }
    if (has_columns) acting.emplace_back("untraced for what cannot be traced");
    out.push_back(fmt::format("masks on {}: {}", target.name,
                              acting.empty() ? "none" : fmt::format("{}", fmt::join(acting, ", "))));
  }
}

}  // namespace

std::vector<std::string> weakenings(const Config& config) {
  std::vector<std::string> out;
  if (config.break_glass)
    out.emplace_back("break_glass: true: whoever is operator on this machine can approve in a principal's name");
  for (const Listener& listener : config.listeners)
    if (listener.is_insecure)
      out.push_back(fmt::format("listen.{}: insecure: tokens and data cross the loopback interface in plain text",
                                listener.name));
  weak_durability(config.trail.durability, "trail.durability", out);
  if (config.trail.push.empty())
    out.emplace_back("trail.push: no head leaves this machine: who is root here could rewrite the whole trail unseen");
  if (config.identity.token_lifetime > std::chrono::hours(1))
    out.push_back(
        fmt::format("identity.token_lifetime: a token lives {} minutes, longer than an hour",
                    std::chrono::duration_cast<std::chrono::minutes>(config.identity.token_lifetime).count()));
  for (const auto& principal : config.identity.principals)
    if (principal.kind == model::PrincipalKind::agent && principal.owner.empty())
      out.push_back(fmt::format("principal {}: an agent without owner: no human answers for it", principal.name));
  for (const Target& target : config.targets) weak_target(target, out);
  for (const RuleOptions& rule : config.rules) weak_rule(rule, out);
  for (const auto& mask : config.masks)
    if (mask.allows_oracle)
      out.push_back(fmt::format(
          "mask {}: oracle: allow lets conditions, joins, sorting and grouping tell its values one by one", mask.name));
  return out;
}

std::vector<std::string> explain(const Config& config) {
  std::vector<std::string> out;
  out.push_back(fmt::format("data {}", config.data));
  for (const Listener& listener : config.listeners)
    out.push_back(fmt::format("listen {} {} {}", listener.name, to_string(listener.address),
                              listener.certificate.empty() ? "plain text" : "TLS"));
  out.push_back(fmt::format("trail durability {}, {} places for its heads", name_of(config.trail.durability),
                            config.trail.push.size()));
  for (const auto& principal : config.identity.principals)
    out.push_back(
        fmt::format("principal {} {}{}", principal.name, model::name_of(principal.kind),
                    principal.groups.empty() ? "" : fmt::format(" in {}", fmt::join(principal.groups, ", "))));
  for (const Target& target : config.targets)
    out.push_back(fmt::format("target {} {} {} database {} user {} tls {}", target.name, target.kind,
                              to_string(target.address), target.database, target.user, name_of(target.tls)));
  for (const RuleOptions& rule : config.rules) {
    const char* verb = rule.then == RuleOptions::Then::allow  ? "allow"
                       : rule.then == RuleOptions::Then::hold ? "hold"
                                                              : "deny";
    out.push_back(fmt::format("rule {}: {} {} on {}: {}{}", rule.name, verb, who_of(rule), on_of(rule.on),
                              what_of(rule), rule.hold ? " until " + approval_of(*rule.hold) : ""));
  }
  if (std::none_of(config.rules.begin(), config.rules.end(),
                   [](const auto& rule) { return rule.then == RuleOptions::Then::allow; }))
    out.emplace_back("no rule allows anything: every command is refused");
  explain_masks(config, out);
  return out;
}

}  // namespace sallyport::config
