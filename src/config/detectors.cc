#include "config/detectors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "config/sections.h"
#include "mask/detector_checks.h"

namespace sallyport::config {
namespace {

const std::string kBuiltIn = "built-in detectors";

using Texts = std::vector<std::pair<std::string, YAML::Node>>;

std::vector<std::string> texts_of(const Texts& from) {
  std::vector<std::string> out;
  for (const auto& [text, node] : from) out.push_back(text);
  return out;
}

/// Where each part of a rule stands in the file.
struct Places {
  YAML::Node check{};
  Texts patterns{}, matches{}, misses{};

  const YAML::Node& of(const mask::RuleProblem& problem) const {
    using Part = mask::RuleProblem::Part;
    switch (problem.part) {
      case Part::check:
        return check;
      case Part::patterns:
        return patterns[problem.index].second;
      case Part::matches:
        return matches[problem.index].second;
      case Part::misses:
        return misses[problem.index].second;
    }
    std::abort();
  }
};

std::string_view name_of(mask::RuleProblem::Part part) {
  using Part = mask::RuleProblem::Part;
  switch (part) {
    case Part::check:
      return "check";
    case Part::patterns:
      return "pattern";
    case Part::matches:
      return "matches";
    case Part::misses:
      return "misses";
  }
  std::abort();
}

void complain_about(Reading& reading, const std::string& name, const mask::DetectorRule& rule, const Places& places) {
  for (const mask::RuleProblem& problem : mask::problems_of(rule)) {
    using Part = mask::RuleProblem::Part;
    const bool is_example = problem.part == Part::matches || problem.part == Part::misses;
    const std::string shown =
        problem.part == Part::check ? "" : fmt::format(" '{}'", places.of(problem).as<std::string>());
    std::string hint = is_example ? "look at the rule's patterns and its check, or correct the example" : "";
    if (problem.part == Part::check) hint = fmt::format("the checks are {}", fmt::join(mask::check_names(), ", "));
    reading.complain(places.of(problem),
                     fmt::format("detector '{}': {}{} {}", name, name_of(problem.part), shown, problem.message), hint);
  }
}

/// False: something of it is wrong, and has been told.
bool read_rule(Reading& reading, const YAML::Node& node, const std::string& path, mask::DetectorRule& rule) {
  const std::size_t before = reading.problems.size();
  Section section(reading, node, path);
  if (!section.is_map()) return false;
  Places places;
  if (const auto name = section.require("name", "masks name it under find"))
    rule.name = read_name(reading, *name, section.path_of("name")).value_or("");
  if (const auto patterns = section.require("patterns", "a list of regular expressions"))
    places.patterns = read_texts(reading, *patterns, section.path_of("patterns"));
  if (const auto check = section.take("check")) {
    rule.check = read_text(reading, *check, section.path_of("check")).value_or("");
    places.check = *check;
  }
  if (const auto matches =
          section.require("matches", "a list of texts that it must find: they are tried at each start"))
    places.matches = read_texts(reading, *matches, section.path_of("matches"));
  if (const auto misses = section.take("misses"))
    places.misses = read_texts(reading, *misses, section.path_of("misses"));
  section.finish();
  rule.patterns = texts_of(places.patterns);
  rule.matches = texts_of(places.matches);
  rule.misses = texts_of(places.misses);
  // Those that are built in are tried by the tests, not at each start.
  if (reading.file != kBuiltIn) complain_about(reading, rule.name.empty() ? path : rule.name, rule, places);
  return reading.problems.size() == before;
}

/// A problem here is a fault of ours that the tests find.
const std::vector<mask::DetectorRule>& built_in() {
  static const std::vector<mask::DetectorRule> rules = [] {
    Reading reading{kBuiltIn, "/", Secrets::leave, {}};
    const auto root = parse(reading.file, std::string(mask::builtin_detectors()));
    if (!root) reading.problems.push_back(root.error());
    auto read = root ? read_detector_file(reading, *root, {}) : std::vector<mask::DetectorRule>();
    for (const Problem& problem : reading.problems) fmt::print(stderr, "{}\n", to_string(problem));
    if (!reading.problems.empty()) std::abort();
    return read;
  }();
  return rules;
}

void read_file(Reading& reading, const YAML::Node& at, const std::string& file, Config& config) {
  Reading of_file{file, reading.folder, reading.secrets, {}};
  const auto text = read_whole(file);
  if (!text) {
    reading.complain(at, fmt::format("detectors: {} {}", file, text.error().message), "name a file of detectors");
    return;
  }
  if (const auto root = parse(file, *text)) {
    std::vector<std::string> taken;
    for (const mask::DetectorRule& rule : config.detectors) taken.push_back(rule.name);
    for (mask::DetectorRule& rule : read_detector_file(of_file, *root, taken))
      config.detectors.push_back(std::move(rule));
  } else {
    of_file.problems.push_back(root.error());
  }
  reading.problems.insert(reading.problems.end(), of_file.problems.begin(), of_file.problems.end());
}

}  // namespace

std::vector<mask::DetectorRule> read_detector_file(Reading& reading, const YAML::Node& root,
                                                   const std::vector<std::string>& taken) {
  std::vector<mask::DetectorRule> rules;
  Section top(reading, root, "");
  if (const auto list = top.require("detectors", "a list of {name, patterns, check, matches, misses}")) {
    read_list(reading, *list, "detectors", [&](const YAML::Node& node, const std::string& path) {
      mask::DetectorRule rule;
      if (!read_rule(reading, node, path, rule)) return;
      const auto has_name = [&](const mask::DetectorRule& other) { return other.name == rule.name; };
      if (std::find(taken.begin(), taken.end(), rule.name) != taken.end() ||
          std::any_of(rules.begin(), rules.end(), has_name))
        return reading.complain(node["name"], fmt::format("there is already a detector '{}'", rule.name),
                                "rename yours: those that are built in keep their names");
      rules.push_back(std::move(rule));
    });
  }
  top.finish();
  return rules;
}

void read_detectors(Reading& reading, const std::optional<YAML::Node>& node, Config& config) {
  config.detectors = built_in();
  if (!node) return;
  const std::size_t before = reading.problems.size();
  for (const auto& [text, element] : read_texts(reading, *node, "detectors"))
    if (const auto file = read_file_path(reading, element, "detectors")) read_file(reading, element, *file, config);
  if (reading.problems.size() != before) return;
  // Each alone was compiled; together they may still be too large.
  if (const auto all = mask::Detectors::compile(config.detectors); !all)
    reading.complain(*node, all.error().message, all.error().hint);
}

}  // namespace sallyport::config
