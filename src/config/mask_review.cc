#include "config/mask_review.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <variant>

#include "config/globs.h"
#include "config/words.h"
#include "policy/matching.h"

namespace sallyport::config {
namespace {

using model::Effect;
using policy::MaskRule;
using policy::MaskWay;
using policy::Rule;

bool is_about(const Rule::On& on, const Target& target) {
  return policy::is_about(on, model::TargetName{target.name, target.labels});
}

void warn_of_reach(const Config& config, const MaskRule& mask, std::vector<std::string>& out) {
  const bool has_target =
      std::ranges::any_of(config.targets, [&](const auto& target) { return is_about(mask.on, target); });
  if (!has_target && !config.targets.empty())
    out.push_back(fmt::format("mask {}: it acts nowhere: no target is {}", mask.name, on_of(mask.on)));
}

void warn_of_way(const MaskRule& mask, std::vector<std::string>& out) {
  if (mask.way.kind == MaskWay::Kind::keep_last)
    out.push_back(fmt::format(
        "mask {}: keep_last {}: the end of each value, at most a quarter of it, is shown to whoever may read",
        mask.name, mask.way.keep));
  if (mask.allows_oracle)
    out.push_back(fmt::format(
        "mask {}: oracle: allow: whoever may read can find out whole values by asking WHERE, ORDER BY and the like",
        mask.name));
}

void warn_of_globs(const MaskRule& mask, std::vector<std::string>& out) {
  for (const std::string_view glob : mask.columns) {
    if (std::ranges::any_of(glob, [](char c) { return c >= 'A' && c <= 'Z'; }))
      out.push_back(
          fmt::format("mask {}: '{}' has capital letters: it masks only what was created with them, in double quotes",
                      mask.name, glob));
    if (glob.starts_with("pg_catalog.") || glob.starts_with("information_schema."))
      out.push_back(fmt::format("mask {}: '{}' masks nothing: PostgreSQL's own catalogues are not masked by column",
                                mask.name, glob));
  }
}

bool takes_the_place(const MaskRule& other, const MaskRule& mask, std::string_view glob) {
  return policy::is_stronger(other.way, mask.way) &&
         std::ranges::any_of(other.columns, [&](const auto& wide) { return column_glob_covers(wide, glob); });
}

void warn_of_shadows(const Config& config, const MaskRule& mask, std::vector<std::string>& out) {
  for (const auto& glob : mask.columns) {
    std::map<const MaskRule*, std::vector<std::string_view>> places;  // one stronger mask for each target
    for (const Target& target : config.targets) {
      if (!is_about(mask.on, target)) continue;
      const auto stronger = std::ranges::find_if(config.masks, [&](const MaskRule& other) {
        return is_about(other.on, target) && takes_the_place(other, mask, glob);
      });
      if (stronger != config.masks.end()) places[&*stronger].emplace_back(target.name);
    }
    for (const auto& [other, targets] : places)
      out.push_back(fmt::format("mask {}: '{}' never acts on {}: mask {}, {}, is stronger than {}", mask.name, glob,
                                fmt::join(targets, ", "), other->name, name_of(other->way), name_of(mask.way)));
  }
}

/// What an allow of an effect means where columns are masked; empty: nothing.
std::string_view cost_of(Effect effect) {
  switch (effect) {
    case Effect::call:
      return "what functions return is masked whole, but what they do with masked values inside is not seen";
    case Effect::server:
      return "files, programs and other servers get or hold values that no mask follows";
    case Effect::unknown:
      return "what is not understood is not traced, and what it does with masked values is not seen";
    case Effect::privilege:
      return "roles and rights can be changed so that masked values are read without this gateway";
    case Effect::schema:
      return "functions, rules and tables can be made that copy masked values to where no mask follows";
    case Effect::write:
      return "whether a value is there can be tried out by what violates a unique or foreign key";
    case Effect::read:
    case Effect::session:
      return {};
  }
  return {};
}

bool may_probe(const Rule& rule, const MaskRule& mask) {
  static constexpr std::string_view kProbes[] = {"INSERT", "UPDATE", "MERGE", "COPY FROM"};
  const auto is_probe = [](std::string_view kind) { return std::ranges::find(kProbes, kind) != std::end(kProbes); };
  const auto& statements = rule.if_.statements;
  if (!statements.empty() && std::ranges::none_of(statements, is_probe)) return false;
  const auto& relations = rule.if_.relations;
  return relations.empty() || std::ranges::any_of(mask.columns, [&](const auto& columns) {
           return std::ranges::any_of(
               relations, [&](const auto& relation) { return column_glob_meets_relations(columns, relation); });
         });
}

/// A deny takes `effect` away from everybody whom `allow` gives it.
bool is_taken_away(const Config& config, const std::vector<Rule>& rules, const Rule& allow, const Target& target,
                   Effect effect) {
  return std::ranges::any_of(rules, [&](const Rule& deny) {
    const auto& when = deny.if_;
    if (!std::holds_alternative<Rule::Deny>(deny.then) || !is_about(deny.on, target)) return false;
    if (!when.statements.empty() || !when.relations.empty() || when.missing_where || !when.patterns.empty() ||
        !when.filters_on.empty() || (when.effects && !when.effects->has(effect)))
      return false;
    return std::ranges::all_of(config.identity.principals, [&](const auto& principal) {
      return !policy::is_about(allow.who, principal) || policy::is_about(deny.who, principal);
    });
  });
}

void warn_of_rule(const Config& config, const std::vector<Rule>& rules, const Rule& allow,
                  std::vector<std::string>& out) {
  const auto& people = config.identity.principals;
  if (!people.empty() &&
      std::ranges::none_of(people, [&](const auto& one) { return policy::is_about(allow.who, one); }))
    return;
  const auto effects = allow.if_.effects.value_or(policy::kUnlessNamed);
  for (int i = 0; i < model::kEffectCount; ++i) {
    const auto effect = static_cast<Effect>(i);
    if (!effects.has(effect) || cost_of(effect).empty()) continue;
    std::vector<std::string_view> targets, masks;
    for (const Target& target : config.targets) {
      if (!is_about(allow.on, target) || is_taken_away(config, rules, allow, target, effect)) continue;
      for (const MaskRule& mask : config.masks) {
        if (mask.columns.empty() || !is_about(mask.on, target) || (effect == Effect::write && !may_probe(allow, mask)))
          continue;
        if (std::ranges::find(targets, target.name) == targets.end()) targets.emplace_back(target.name);
        if (std::ranges::find(masks, mask.name) == masks.end()) masks.emplace_back(mask.name);
      }
    }
    if (!targets.empty())
      out.push_back(fmt::format("rule {}: it allows {} on {} in spite of {} {}: {}", allow.name, model::name_of(effect),
                                fmt::join(targets, ", "), masks.size() == 1 ? "mask" : "masks", fmt::join(masks, ", "),
                                cost_of(effect)));
  }
}

}  // namespace

void warn_of_masks(const Config& config, std::vector<std::string>& out) {
  for (const MaskRule& mask : config.masks) {
    warn_of_reach(config, mask, out);
    warn_of_way(mask, out);
    warn_of_globs(mask, out);
    warn_of_shadows(config, mask, out);
  }
  const auto rules = rules_of(config);
  for (const Rule& rule : rules)
    if (std::holds_alternative<Rule::Allow>(rule.then)) warn_of_rule(config, rules, rule, out);
}

}  // namespace sallyport::config
