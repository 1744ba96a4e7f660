#include "mask/detectors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "mask/detectors_body.h"

namespace sallyport::mask {
namespace {

/// What a pattern must not have, because a part of a value must not match otherwise than the whole; "" when it has
/// none.
std::string_view boundary_in(std::string_view pattern) {
  bool is_in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      const std::size_t escape = i++;
      if (i < pattern.size() && std::string_view("bBAzZGQE").contains(pattern[i])) return pattern.substr(escape, 2);
    } else if (is_in_class) {
      is_in_class = pattern[i] != ']';
    } else if (pattern[i] == '[') {
      is_in_class = true;
      // A ']' that comes first is one of the class.
      if (i + 1 < pattern.size() && pattern[i + 1] == '^') ++i;
      if (i + 1 < pattern.size() && pattern[i + 1] == ']') ++i;
    } else if (pattern[i] == '^' || pattern[i] == '$') {
      return pattern.substr(i, 1);
    }
  }
  return {};
}

re2::RE2::Options options() {
  re2::RE2::Options options(re2::RE2::Quiet);
  options.set_encoding(re2::RE2::Options::EncodingLatin1);  // octets
  options.set_longest_match(true);
  return options;
}

/// What Hyperscan said, and frees it.
std::string message_of(hs_compile_error_t* error) {
  std::string message = error != nullptr && error->message != nullptr ? error->message : "cannot be compiled";
  if (error != nullptr) hs_free_compile_error(error);
  return message;
}

/// Of the patterns that are not looked for otherwise. nullptr without a message: there are none.
Database compile_database(const std::vector<DetectorRule>& rules, std::string& message) {
  std::vector<const char*> expressions;
  std::vector<unsigned> ids;
  unsigned id = 0;
  for (const DetectorRule& rule : rules) {
    for (const std::string& pattern : rule.patterns) {
      if (run_pattern(pattern) == nullptr) {
        expressions.push_back(pattern.c_str());
        ids.push_back(id);
      }
      ++id;
    }
  }
  if (expressions.empty()) return nullptr;
  const std::vector<unsigned> flags(expressions.size(), 0);
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  if (hs_compile_multi(expressions.data(), flags.data(), ids.data(), static_cast<unsigned>(expressions.size()),
                       HS_MODE_BLOCK, nullptr, &database, &error) != HS_SUCCESS)
    message = message_of(error);
  return Database(database);
}

/// The name of a rule whose example is found at one place of a text and not at another; nullptr: there is none. No
/// fault of the rule: Hyperscan 5.4.9 overlooks matches by their distance from the end, and a mask must not trust it
/// then.
const std::string* overlooked_by(const std::shared_ptr<const Detectors>& detectors) {
  Scanner scanner(detectors);
  std::vector<Hit> hits;
  std::string text;
  for (const DetectorRule& rule : detectors->rules()) {
    for (const std::string& example : rule.matches) {
      scanner.scan(example, hits);
      if (hits.empty()) continue;
      const std::size_t begin = hits.front().begin;
      for (const std::size_t behind : {0, 1, 40, 500}) {
        for (std::size_t before = 1; before < 140; before += 3) {
          text.assign(before, ' ');
          text += example;
          text.append(behind, '\n');
          scanner.scan(text, hits);
          if (hits.empty() || hits.front().begin != before + begin) return &rule.name;
        }
      }
    }
  }
  return nullptr;
}

}  // namespace

base::Result<DetectorPattern> read_pattern(const std::string& pattern, const DetectorCheck& check) {
  const auto wrong = [](std::string message, std::string hint = {}) {
    return base::fail(base::Code::malformed, std::move(message), std::move(hint));
  };
  if (pattern.empty() || pattern.size() > 4096 || pattern.contains('\0'))
    return wrong("must have 1 to 4096 characters");
  if (const auto boundary = boundary_in(pattern); !boundary.empty())
    return wrong(fmt::format("'{}' looks beyond what is matched", boundary), "leave it out and use check: word");
  if (const re2::RE2 plain(pattern, options()); !plain.ok())
    return wrong(fmt::format("is no regular expression: {}", plain.error()));
  auto backward = std::make_unique<const re2::RE2>("(?:" + pattern + ")\\z", options());
  if (!backward->ok()) return wrong("is too large");
  hs_expr_info_t* info = nullptr;
  hs_compile_error_t* error = nullptr;
  if (hs_expression_info(pattern.c_str(), 0, &info, &error) != HS_SUCCESS)
    return wrong(fmt::format("cannot be scanned for: {}", message_of(error)));
  const std::unique_ptr<hs_expr_info_t, decltype(&std::free)> owner(info, &std::free);
  if (info->min_width == 0) return wrong("matches nothing at all", "a match has at least one octet");
  if (info->max_width > kMaxPatternWidth)
    return wrong(fmt::format("may match more than {} octets", kMaxPatternWidth), "bound its repeats: {1,64}, not +");
  DetectorPattern read{0, &check, info->min_width, info->max_width, nullptr};
  if (check.from == DetectorCheck::From::match && read.least != read.most) read.backward = std::move(backward);
  return read;
}

base::Result<std::shared_ptr<const Detectors>> Detectors::compile(std::vector<DetectorRule> rules, base::View cache) {
  auto body = std::make_unique<Body>();
  for (std::uint32_t number = 0; number < rules.size(); ++number) {
    const DetectorRule& rule = rules[number];
    const DetectorCheck* check = check_named(rule.check);
    const auto wrong = [&](const std::string& what, std::string hint = {}) {
      return base::fail(base::Code::malformed, fmt::format("detector '{}': {}", rule.name, what), std::move(hint));
    };
    if (check == nullptr) return wrong(fmt::format("there is no check '{}'", rule.check));
    for (const std::string& text : rule.patterns) {
      auto pattern = read_pattern(text, *check);
      if (!pattern) return wrong("pattern " + text + " " + pattern.error().message, pattern.error().hint);
      pattern->rule = number;
      body->widest = std::max(body->widest, pattern->most);
      body->back = std::max(body->back, pattern->back());
      if (const RunPattern* run = run_pattern(text))
        body->runs.emplace_back(static_cast<std::uint32_t>(body->patterns.size()), run);
      body->patterns.push_back(std::move(*pattern));
    }
  }
  body->rules = std::move(rules);
  body->database = read_cache(body->rules, cache);
  body->is_from_cache = body->database != nullptr;
  std::string message;
  if (!body->database) body->database = compile_database(body->rules, message);
  if (!message.empty())
    return base::fail(base::Code::malformed, "the detectors cannot be compiled together: " + message,
                      "shorten the repeats of those that were added last");
  std::shared_ptr<const Detectors> detectors(new Detectors(std::move(body)));
  const std::string_view version = hs_version();
  if (const std::string* rule = overlooked_by(detectors))
    return base::fail(
        base::Code::unsupported,
        fmt::format("libhs {} overlooks what detector '{}' must find", version.substr(0, version.find(' ')), *rule),
        "use libhyperscan5 5.4.0: Hyperscan 5.4.9 is wrong on processors with AVX-512");
  return detectors;
}

Detectors::Detectors(std::unique_ptr<Body> body) : body_(std::move(body)) {}
Detectors::~Detectors() = default;
const std::vector<DetectorRule>& Detectors::rules() const { return body_->rules; }
bool Detectors::is_from_cache() const { return body_->is_from_cache; }
base::Bytes Detectors::serialised() const {
  return body_->database ? write_cache(body_->rules, *body_->database) : base::Bytes();
}

std::vector<RuleProblem> problems_of(const DetectorRule& rule) {
  using Part = RuleProblem::Part;
  std::vector<RuleProblem> problems;
  const DetectorCheck* check = check_named(rule.check);
  if (check == nullptr) problems.push_back({Part::check, 0, fmt::format("there is no check '{}'", rule.check)});
  for (std::size_t i = 0; i < rule.patterns.size(); ++i) {
    const auto pattern = read_pattern(rule.patterns[i], check != nullptr ? *check : *check_named(""));
    if (pattern) continue;
    const auto& [code, message, hint] = pattern.error();
    problems.push_back({Part::patterns, i, hint.empty() ? message : message + ": " + hint});
  }
  if (!problems.empty()) return problems;
  // Without examples: whether the library is right is asked of all rules together, as they will be used.
  DetectorRule alone = rule;
  alone.matches.clear();
  const auto detectors = Detectors::compile({std::move(alone)});
  if (!detectors) return {{Part::patterns, 0, detectors.error().message}};
  Scanner scanner(*detectors);
  std::vector<Hit> hits;
  const auto finds = [&](const std::string& example) { return scanner.scan(example, hits), !hits.empty(); };
  for (std::size_t i = 0; i < rule.matches.size(); ++i)
    if (!finds(rule.matches[i])) problems.push_back({Part::matches, i, "is not found, and must be"});
  for (std::size_t i = 0; i < rule.misses.size(); ++i)
    if (finds(rule.misses[i])) problems.push_back({Part::misses, i, "is found, and must not be"});
  return problems;
}

}  // namespace sallyport::mask
