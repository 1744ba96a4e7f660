#include "config/words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sallyport::config {

std::string who_of(const RuleOptions& rule) {
  std::vector<std::string> parts;
  for (const auto& name : rule.who.principals) parts.push_back(name);
  for (const auto& name : rule.who.groups) parts.push_back("group " + name);
  for (const auto kind : rule.who.kinds) parts.push_back("kind " + std::string(model::name_of(kind)));
  return parts.empty() ? "everybody" : fmt::format("{}", fmt::join(parts, ", "));
}

std::string on_of(const policy::Rule::On& on) {
  std::vector<std::string> parts = on.targets;
  for (const auto& [key, value] : on.labels) parts.push_back(key + "=" + value);
  return parts.empty() ? "every target" : fmt::format("{}", fmt::join(parts, ", "));
}

std::string what_of(const RuleOptions& rule) {
  const bool is_allow = rule.then == RuleOptions::Then::allow;
  std::vector<std::string> parts;
  if (rule.conditions.effects) parts.push_back("effects " + model::to_string(*rule.conditions.effects));
  if (!rule.conditions.statements.empty())
    parts.push_back(fmt::format("statements {}", fmt::join(rule.conditions.statements, ", ")));
  if (!rule.conditions.relations.empty())
    parts.push_back(fmt::format("relations {}", fmt::join(rule.conditions.relations, ", ")));
  if (rule.conditions.missing_where)
    parts.push_back(*rule.conditions.missing_where ? "UPDATE or DELETE without WHERE" : "with WHERE");
  if (!rule.conditions.patterns.empty()) {
    std::vector<std::string> expressions;
    for (const auto& pattern : rule.conditions.patterns) expressions.push_back("/" + pattern.expression() + "/");
    parts.push_back(fmt::format("text {} {}", is_allow ? "wholly" : "with", fmt::join(expressions, ", ")));
  }
  if (!rule.conditions.filters_on.empty())
    parts.push_back(
        fmt::format("rows {} {}", is_allow ? "chosen by" : "filtered by", fmt::join(rule.conditions.filters_on, ", ")));
  if (parts.empty()) return is_allow ? "anything but privilege, server and unknown" : "anything";
  return fmt::format("{}", fmt::join(parts, "; "));
}

std::string what_of(const policy::MaskRule& mask) {
  if (!mask.columns.empty()) return fmt::format("columns {}", fmt::join(mask.columns, ", "));
  return fmt::format("what {} find{}", fmt::join(mask.find, ", "), mask.find.size() == 1 ? "s" : "");
}

std::string name_of(policy::MaskWay way) {
  switch (way.kind) {
    case policy::MaskWay::Kind::keep_last:
      return fmt::format("keep_last {}", way.keep);
    case policy::MaskWay::Kind::redact:
      return "redact";
    case policy::MaskWay::Kind::null:
      return "null";
  }
  return "?";
}

std::string to_text(std::chrono::milliseconds time) {
  const auto count = time.count();
  if (count % 86'400'000 == 0) return fmt::format("{}d", count / 86'400'000);
  if (count % 3'600'000 == 0) return fmt::format("{}h", count / 3'600'000);
  if (count % 60'000 == 0) return fmt::format("{}m", count / 60'000);
  if (count % 1000 == 0) return fmt::format("{}s", count / 1000);
  return fmt::format("{}ms", count);
}

std::string approval_of(const HoldOptions& hold) {
  std::vector<std::string> parts = hold.principals;
  for (const auto& name : hold.groups) parts.push_back("group " + name);
  return fmt::format("{} of {} approve{}, within {}, inside a transaction {}", hold.count, fmt::join(parts, ", "),
                     hold.count == 1 ? "s" : "", to_text(hold.timeout), to_text(hold.in_transaction_timeout));
}

}  // namespace sallyport::config
