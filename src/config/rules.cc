#include "config/sections.h"

#include <fmt/format.h>

#include <algorithm>

namespace sallyport::config {
namespace {

using namespace std::chrono_literals;

bool is_group(const Config& config, const std::string& name) {
  return std::any_of(config.identity.principals.begin(), config.identity.principals.end(), [&](const auto& principal) {
    return std::find(principal.groups.begin(), principal.groups.end(), name) != principal.groups.end();
  });
}

/// principals and groups, of `who` and of `approvers`.
void read_people(Reading& reading, Section& section, const Config& config, const Defined& defined,
                 std::vector<std::string>& principals, std::vector<std::string>& groups) {
  if (const auto node = section.take("principals"))
    for (const auto& [name, element] : read_texts(reading, *node, section.path_of("principals"))) {
      std::vector<std::string> known;
      for (const auto& principal : config.identity.principals) known.push_back(principal.name);
      if (!defined.has_oidc && std::find(known.begin(), known.end(), name) == known.end())
        reading.complain(element,
                         fmt::format("{}: there is no principal '{}'{}", section.path_of("principals"), name,
                                     did_you_mean(name, known)),
                         "define it in identity.principals");
      principals.push_back(name);
    }
  if (const auto node = section.take("groups"))
    for (const auto& [name, element] : read_texts(reading, *node, section.path_of("groups"))) {
      if (!defined.has_oidc && !is_group(config, name))
        reading.complain(element, fmt::format("{}: no principal is in a group '{}'", section.path_of("groups"), name),
                         "name the group at a principal in identity.principals");
      groups.push_back(name);
    }
}

void read_who(Reading& reading, const YAML::Node& node, const std::string& path, const Config& config,
              const Defined& defined, RuleOptions& rule) {
  Section section(reading, node, path);
  if (!section.is_map()) return;
  read_people(reading, section, config, defined, rule.who.principals, rule.who.groups);
  if (const auto kind = section.take("kind")) {
    const auto read_kind = [&](const YAML::Node& element, const std::string& element_path) {
      const auto word = read_word(reading, element, element_path, {"human", "agent", "service"});
      for (const auto each : {model::PrincipalKind::human, model::PrincipalKind::agent, model::PrincipalKind::service})
        if (word && *word == model::name_of(each)) rule.who.kinds.push_back(each);
    };
    if (kind->IsSequence())
      read_list(reading, *kind, section.path_of("kind"), read_kind);
    else
      read_kind(*kind, section.path_of("kind"));
  }
  section.finish();
}

/// "drop   table" -> "DROP TABLE"
std::string statement_words(const std::string& text) {
  std::string words;
  for (const char c : text) {
    const bool is_space = c == ' ' || c == '\t' || c == '\n';
    if (!is_space)
      words += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    else if (!words.empty() && words.back() != ' ')
      words += ' ';
  }
  if (words.ends_with(' ')) words.pop_back();
  return words;
}

void read_effects(Reading& reading, const YAML::Node& node, const std::string& path, RuleOptions& rule) {
  std::vector<std::string> known;
  for (int i = 0; i < model::kEffectCount; ++i) known.emplace_back(model::name_of(static_cast<model::Effect>(i)));
  model::EffectSet effects;
  for (const auto& [text, element] : read_texts(reading, node, path)) {
    if (const auto effect = model::effect_named(text))
      effects.add(*effect);
    else
      reading.complain(element, fmt::format("{}: there is no effect '{}'{}", path, text, did_you_mean(text, known)),
                       "read, write, schema, session, privilege, server, call or unknown");
  }
  rule.conditions.effects = effects;
}

void read_relations(Reading& reading, const YAML::Node& node, const std::string& path, RuleOptions& rule) {
  for (const auto& [text, element] : read_texts(reading, node, path)) {
    if (text.front() == '.' || text.back() == '.' || std::count(text.begin(), text.end(), '.') > 1)
      reading.complain(element, fmt::format("{}: '{}' is not SCHEMA.NAME", path, text),
                       "for example public.orders or public.*");
    rule.conditions.relations.push_back(text);
  }
}

void read_pattern(Reading& reading, const YAML::Node& node, const std::string& path, RuleOptions& rule) {
  const auto compile = [&](const std::string& text, const YAML::Node& at) {
    auto pattern = policy::Pattern::compile(text);
    if (pattern)
      rule.conditions.patterns.push_back(std::move(*pattern));
    else
      reading.complain(at, fmt::format("{}: '{}' is not a regular expression: {}", path, text, pattern.error().message),
                       pattern.error().hint);
  };
  if (node.IsSequence()) {
    for (const auto& [text, element] : read_texts(reading, node, path)) compile(text, element);
  } else if (const auto text = read_text(reading, node, path)) {
    compile(*text, node);
  }
}

void read_filters_on(Reading& reading, const YAML::Node& node, const std::string& path, RuleOptions& rule) {
  for (const auto& [text, element] : read_texts(reading, node, path)) {
    if (text.front() == '.' || text.back() == '.' || text.find("..") != std::string::npos ||
        std::count(text.begin(), text.end(), '.') > 2)
      reading.complain(element, fmt::format("{}: '{}' is not SCHEMA.TABLE.COLUMN", path, text),
                       "for example public.customers.email, customers.email, *.email or email");
    rule.conditions.filters_on.push_back(text);
  }
}

void read_if(Reading& reading, const YAML::Node& node, const std::string& path, RuleOptions& rule) {
  Section section(reading, node, path);
  if (!section.is_map()) return;
  if (const auto effects = section.take("effects")) read_effects(reading, *effects, section.path_of("effects"), rule);
  if (const auto statements = section.take("statements"))
    for (const auto& [text, element] : read_texts(reading, *statements, section.path_of("statements"))) {
      const std::string words = statement_words(text);
      const auto is_word = [](unsigned char c) { return std::isupper(c) || c == ' '; };
      if (words.empty() || !std::all_of(words.begin(), words.end(), is_word))
        reading.complain(element,
                         fmt::format("{}: '{}' is not the words of a statement", section.path_of("statements"), text),
                         "write for example SELECT, DROP TABLE or COPY FROM");
      rule.conditions.statements.push_back(words);
    }
  if (const auto relations = section.take("relations"))
    read_relations(reading, *relations, section.path_of("relations"), rule);
  if (const auto missing = section.take("missing_where"))
    rule.conditions.missing_where = read_flag(reading, *missing, section.path_of("missing_where"));
  if (const auto pattern = section.take("pattern")) read_pattern(reading, *pattern, section.path_of("pattern"), rule);
  if (const auto columns = section.take("filters_on"))
    read_filters_on(reading, *columns, section.path_of("filters_on"), rule);
  // A condition that were ignored would widen an allow: it is refused instead.
  for (const char* later : {"verb", "resource", "namespace", "method", "path", "tool", "command"})
    if (const auto other = section.take(later))
      reading.complain(*other, fmt::format("{} is {}", section.path_of(later), kNotHere),
                       "use effects, statements, relations, missing_where, pattern or filters_on");
  section.finish();
}

void read_hold(Reading& reading, const YAML::Node& node, const std::string& path, const Config& config,
               const Defined& defined, RuleOptions& rule) {
  rule.then = RuleOptions::Then::hold;
  HoldOptions& hold = rule.hold.emplace();
  Section section(reading, node, path);
  if (!section.is_map()) return;
  if (const auto approvers = section.require("approvers", "approvers: {groups: [dba]} says who may approve")) {
    Section people(reading, *approvers, section.path_of("approvers"));
    read_people(reading, people, config, defined, hold.principals, hold.groups);
    people.finish();
    if (people.is_map() && !people.has("principals") && !people.has("groups"))
      reading.complain(*approvers, fmt::format("{} names nobody", section.path_of("approvers")),
                       "name groups or principals");
  }
  if (const auto count = section.take("count"))
    if (const auto number = read_number(reading, *count, section.path_of("count"), 1, 10))
      hold.count = static_cast<std::uint32_t>(*number);
  if (const auto timeout = section.take("timeout"))
    if (const auto read = read_duration(reading, *timeout, section.path_of("timeout"), 1s, 24h * 7))
      hold.timeout = *read;
  if (const auto timeout = section.take("in_transaction_timeout"))
    if (const auto read = read_duration(reading, *timeout, section.path_of("in_transaction_timeout"), 1s, 1h))
      hold.in_transaction_timeout = *read;
  section.finish();
}

void read_then(Reading& reading, const YAML::Node& node, const std::string& path, const Config& config,
               const Defined& defined, RuleOptions& rule) {
  if (node.IsScalar()) {
    const auto word = read_word(reading, node, path, {"allow", "deny"});
    if (word) rule.then = *word == "allow" ? RuleOptions::Then::allow : RuleOptions::Then::deny;
    return;
  }
  Section section(reading, node, path);
  if (!section.is_map()) return;
  const auto deny = section.take("deny");
  const auto hold = section.take("hold");
  if (deny) {
    rule.then = RuleOptions::Then::deny;
    if (const auto text = read_text(reading, *deny, section.path_of("deny"))) rule.deny_message = *text;
  }
  if (hold) read_hold(reading, *hold, section.path_of("hold"), config, defined, rule);
  section.finish();
  if (deny.has_value() == hold.has_value())
    reading.complain(node, fmt::format("{} must be allow, {{deny: MESSAGE}} or {{hold: …}}", path));
}

void read_rule(Reading& reading, const YAML::Node& node, const std::string& path, Config& config,
               const Defined& defined) {
  Section section(reading, node, path);
  if (!section.is_map()) return;
  RuleOptions rule;
  rule.line = node.Mark().line + 1;
  if (const auto name = section.require("name", "a refusal names the rule that decided")) {
    if (const auto read = read_name(reading, *name, section.path_of("name"))) rule.name = *read;
    const auto same = [&](const RuleOptions& other) { return other.name == rule.name; };
    if (!rule.name.empty() && std::any_of(config.rules.begin(), config.rules.end(), same))
      reading.complain(*name, fmt::format("there are two rules '{}'", rule.name), "rename one");
  }
  if (const auto who = section.take("who")) read_who(reading, *who, section.path_of("who"), config, defined, rule);
  if (const auto on = section.take("on")) rule.on = read_on(reading, *on, section.path_of("on"), config);
  if (const auto conditions = section.take("if")) read_if(reading, *conditions, section.path_of("if"), rule);
  if (const auto then = section.require("then", "then: allow, {deny: MESSAGE} or {hold: …}"))
    read_then(reading, *then, section.path_of("then"), config, defined, rule);
  section.finish();
  config.rules.push_back(std::move(rule));
}

}  // namespace

RuleOptions::On read_on(Reading& reading, const YAML::Node& node, const std::string& path, const Config& config) {
  RuleOptions::On on;
  Section section(reading, node, path);
  if (!section.is_map()) return on;
  if (const auto targets = section.take("targets"))
    for (const auto& [name, element] : read_texts(reading, *targets, section.path_of("targets"))) {
      std::vector<std::string> known;
      for (const Target& target : config.targets) known.push_back(target.name);
      if (std::find(known.begin(), known.end(), name) == known.end())
        reading.complain(
            element,
            fmt::format("{}: there is no target '{}'{}", section.path_of("targets"), name, did_you_mean(name, known)),
            "define it in targets");
      on.targets.push_back(name);
    }
  if (const auto labels = section.take("labels")) {
    on.labels = read_labels(reading, *labels, section.path_of("labels"));
    for (const auto& label : on.labels) {
      const auto has_it = [&](const Target& target) {
        return std::find(target.labels.begin(), target.labels.end(), label) != target.labels.end();
      };
      if (std::none_of(config.targets.begin(), config.targets.end(), has_it))
        reading.complain(
            *labels,
            fmt::format("{}: no target has the label {}: {}", section.path_of("labels"), label.first, label.second),
            "give it to a target, or correct it");
    }
  }
  section.finish();
  return on;
}

void read_rules(Reading& reading, const YAML::Node& node, Config& config, const Defined& defined) {
  read_list(reading, node, "rules", [&](const YAML::Node& element, const std::string& path) {
    read_rule(reading, element, path, config, defined);
  });
}

std::vector<policy::Rule> rules_of(const Config& config) {
  std::vector<policy::Rule> rules;
  for (const RuleOptions& options : config.rules) {
    policy::Rule& rule = rules.emplace_back();
    rule.name = options.name;
    rule.who = {options.who.principals, options.who.groups, options.who.kinds};
    rule.on = options.on;
    const RuleOptions::If& conditions = options.conditions;
    rule.if_ = {conditions.effects,       conditions.statements, conditions.relations,
                conditions.missing_where, conditions.patterns,   conditions.filters_on};
    switch (options.then) {
      case RuleOptions::Then::allow:
        rule.then = policy::Rule::Allow{};
        break;
      case RuleOptions::Then::deny:
        rule.then = policy::Rule::Deny{options.deny_message};
        break;
      case RuleOptions::Then::hold: {
        const HoldOptions hold = options.hold.value_or(HoldOptions{});
        rule.then =
            policy::Rule::HoldFor{hold.groups, hold.principals, static_cast<int>(hold.count),
                                  std::chrono::duration_cast<std::chrono::seconds>(hold.timeout),
                                  std::chrono::duration_cast<std::chrono::seconds>(hold.in_transaction_timeout)};
        break;
      }
    }
  }
  return rules;
}

}  // namespace sallyport::config
