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
#include "policy/engine.h"
#include "sql/catalogue_testing.h"
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

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n')) text.pop_back();
  text.erase(0, std::min(text.find_first_not_of(" \n"), text.size()));
  return text;
}

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
  std::ifstream in(SALLYPORT_SOURCE_DIR "/docs/rules.md");
  int number = 0, begins = 0;
  std::string kind, block;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (!line.starts_with("```")) {
      if (!kind.empty()) block += line + "\n";
      continue;
    }
    if (kind == "yaml" && block.starts_with("rules:")) {
      page.examples.push_back({.rules = block});
    } else if (kind == "yaml") {
      page.preamble += block;
    } else if (kind == "sql") {
      auto lines = lines_of(block, begins);
      auto& all = page.examples.back().lines;
      all.insert(all.end(), lines.begin(), lines.end());
    }
    kind = kind.empty() ? (line.size() > 3 ? line.substr(3) : "text") : "";
    begins = number + 1;
    block.clear();
  }
  return page;
}

class SessionNames : public sql::Names {
 public:
  const std::string* prepared_text(base::View name) const override {
    const auto found = prepared.find(std::string(name));
    return found == prepared.end() ? nullptr : &found->second;
  }
  const std::string* cursor_text(base::View) const override { return nullptr; }
  std::map<std::string, std::string> prepared{};
};

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
  SessionNames names;
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
    for (const auto& change : what->changes) {
      if (change.kind == model::NameChange::Kind::prepare) names.prepared[change.name] = change.text;
    }
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
