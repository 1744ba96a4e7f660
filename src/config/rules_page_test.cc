// Runs docs/rules.md: each `sql` block under the rules of the `yaml` block before it. One text a line (indented lines
// go on), behind the last "  -- " what must come of it: "allowed by RULES", "held by RULES", "refused", "refused by
// RULES", and behind a colon what the refusal must say. "-- as PRINCIPAL on TARGET" holds until the end of the block.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "config/config.h"
#include "config/page_testing.h"
#include "policy/engine.h"
#include "sql/catalogue_testing.h"
#include "sql/names_testing.h"
#include "sql/understand.h"

namespace sallyport::config {
namespace {

struct Line {
  int number = 0;
  std::string principal{}, target{}, text{}, verdict{};
};
struct Example {
  std::string rules{};  // YAML
  std::vector<Line> lines{};
};
struct Page {
  std::string preamble{};
  std::vector<Example> examples{};
};

std::vector<Line> lines_of(const std::string& block, int number) {
  std::vector<Line> out;
  std::string principal = "agent-1", target = "orders";
  std::stringstream in(block);
  for (std::string line; std::getline(in, line); ++number) {
    if (line.starts_with("-- as ")) {
      const auto on = line.find(" on ");
      principal = line.substr(6, on - 6);
      target = trimmed(line.substr(on + 4));
      continue;
    }
    const auto mark = line.rfind(" -- ");
    if (mark == std::string::npos) ADD_FAILURE() << "docs/rules.md:" << number << ": no verdict";
    out.push_back({number, principal, target, trimmed(line.substr(0, mark)), trimmed(line.substr(mark + 4))});
  }
  return out;
}

Page read_page() {
  Page page;
  for (const PageBlock& block : read_page_blocks(SALLYPORT_SOURCE_DIR "/docs/rules.md")) {
    if (block.kind == "yaml" && block.text.starts_with("rules:")) {
      page.examples.push_back({.rules = block.text});
    } else if (block.kind == "yaml") {
      page.preamble += block.text;
    } else if (block.kind == "sql") {
      auto lines = lines_of(block.text, block.line);
      auto& all = page.examples.back().lines;
      all.insert(all.end(), lines.begin(), lines.end());
    }
  }
  return page;
}

/// "allowed by a, b", and what a refusal says.
std::pair<std::string, std::string> outcome_of(const policy::Verdict& verdict) {
  if (const auto* permit = std::get_if<policy::Permit>(&verdict)) return {"allowed by " + permit->grounds().rules, ""};
  if (const auto* hold = std::get_if<policy::Hold>(&verdict)) return {"held by " + hold->grounds().rules, ""};
  const auto& denial = std::get<policy::Denial>(verdict);
  const auto& refusal = denial.refusal();
  const bool is_rule = !refusal.rule.empty() && !refusal.rule.starts_with("built-in");
  return {is_rule ? "refused by " + refusal.rule : "refused",
          refusal.message + "\n" + refusal.detail + "\n" + refusal.hint};
}

Config load_example(const std::string& text) {
  std::string file = (std::filesystem::temp_directory_path() / "sallyport-rules-XXXXXX").string();
  const int descriptor = ::mkstemp(file.data());
  ::close(descriptor);
  std::ofstream(file) << text;
  auto config = load(file, Secrets::leave);
  std::filesystem::remove(file);
  if (config) return std::move(*config);
  for (const auto& problem : config.error()) ADD_FAILURE() << to_string(problem) << "\n" << text;
  return {};
}

void run(const Example& example, const std::string& preamble) {
  const Config config = load_example("data: /tmp\nlisten: {postgres: {address: 127.0.0.1:0, insecure: true}}\n" +
                                     preamble + example.rules);
  std::vector<model::TargetName> targets;
  for (const auto& target : config.targets) targets.push_back({target.name, target.labels});
  const policy::Engine engine(rules_of(config), 1, targets);
  static const auto kCatalogue = sql::test_catalogue(SALLYPORT_SOURCE_DIR);
  sql::SessionNames names;
  for (const Line& line : example.lines) {
    SCOPED_TRACE("docs/rules.md:" + std::to_string(line.number) + ": " + line.text);
    const auto principal = std::ranges::find(config.identity.principals, line.principal, &model::Principal::name);
    const auto target = std::ranges::find(targets, line.target, &model::TargetName::name);
    if (principal == config.identity.principals.end() || target == targets.end()) {
      ADD_FAILURE() << "nobody, or nowhere";
      continue;
    }
    auto what = std::make_shared<const model::Understanding>(
        sql::understand({.text = line.text, .names = &names, .catalogue = kCatalogue.get()}));
    names.apply(what->changes);
    model::Command command{.text = std::make_shared<const std::string>(line.text)};
    const auto [verdict, says] = outcome_of(engine.judge(std::move(command), what, *principal, *target));
    const auto colon = line.verdict.find(": ");
    EXPECT_EQ(verdict, line.verdict.substr(0, colon)) << says;
    if (colon != std::string::npos) EXPECT_NE(says.find(line.verdict.substr(colon + 2)), std::string::npos) << says;
  }
}

TEST(RulesPage, EveryExampleIsTrue) {
  const Page page = read_page();
  std::size_t lines = 0;
  for (const Example& example : page.examples) {
    run(example, page.preamble);
    lines += example.lines.size();
  }
  EXPECT_GE(page.examples.size(), 12U);
  EXPECT_GE(lines, 75U);
}

}  // namespace
}  // namespace sallyport::config
