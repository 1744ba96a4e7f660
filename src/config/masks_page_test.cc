// Runs docs/masks.md: each `sql` block under the masks of the `yaml` block before it. One text a line (indented lines
// go on), behind the last "  -- " what must come of it: "refused: A, B", all of which the refusal must name; "no rows";
// or a row as the client sees it, its values parted by " | ":
//   [masked:NAME]    mask NAME, which redacts        ***21    a mask that keeps the last characters
//   NULL by NAME     mask NAME, and NULL is shown    else     not masked
// and behind it, where stated, ", texts are masked" or ", texts pass". "-- on TARGET" holds until the end of the block.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#include "config/config.h"
#include "config/page_testing.h"
#include "policy/masks.h"
#include "sql/catalogue_testing.h"
#include "sql/names_testing.h"
#include "sql/understand.h"

namespace sallyport::config {
namespace {

constexpr auto kPreamble =
    "data: /tmp\n"
    "listen: {postgres: {address: 127.0.0.1:0, insecure: true}}\n"
    "targets:\n"
    "  - {name: orders, kind: postgres, address: 'db1.internal:5432', user: sallyport}\n"
    "  - {name: copy, kind: postgres, address: 'db2.internal:5432', user: sallyport}\n";

struct Line {
  int number = 0;
  std::string target{}, text{}, outcome{};
};
struct Example {
  std::string masks{};  // YAML
  std::vector<Line> lines{};
};

std::vector<std::string> split(std::string text, const std::string& by) {
  std::vector<std::string> out;
  for (std::size_t at = 0; (at = text.find(by)) != std::string::npos; text.erase(0, at + by.size()))
    out.push_back(trimmed(text.substr(0, at)));
  out.push_back(trimmed(text));
  return out;
}

std::vector<Line> lines_of(const std::string& block, int number) {
  std::vector<Line> out;
  std::string target = "orders";
  std::stringstream in(block);
  for (std::string line; std::getline(in, line); ++number) {
    if (line.starts_with("-- on ")) {
      target = trimmed(line.substr(6));
      continue;
    }
    const auto mark = line.rfind(" -- ");
    if (mark == std::string::npos) {
      ADD_FAILURE() << "docs/masks.md:" << number << ": no outcome";
      continue;
    }
    out.push_back({number, target, trimmed(line.substr(0, mark)), trimmed(line.substr(mark + 4))});
  }
  return out;
}

std::vector<Example> read_page() {
  std::vector<Example> examples;
  for (const PageBlock& block : read_page_blocks(SALLYPORT_SOURCE_DIR "/docs/masks.md")) {
    if (block.kind == "yaml") examples.push_back({.masks = block.text});
    if (block.kind != "sql") continue;
    auto lines = lines_of(block.text, block.line);
    auto& all = examples.back().lines;
    all.insert(all.end(), lines.begin(), lines.end());
  }
  return examples;
}

/// Types that "[masked:NAME]" can stand in: texts, JSON, arrays of them.
bool is_text(std::uint32_t type) {
  static constexpr std::uint32_t kTypes[] = {0, 19, 25, 114, 142, 1009, 1015, 1042, 1043, 3802};
  return std::ranges::find(kTypes, type) != std::end(kTypes);
}

/// What the page would write in the place of a value, whose own text is `clear` there.
std::string shown(const policy::MaskPlan::Column& column, std::uint32_t type, const std::string& clear) {
  if (column.mask == nullptr) return clear;
  switch (column.way.kind) {
    case policy::MaskWay::Kind::keep_last:
      if (!is_text(type)) return "NULL by " + column.mask->name;
      return clear.starts_with("*") ? clear : "the end of it by " + column.mask->name;
    case policy::MaskWay::Kind::redact: {
      const std::string label = "[masked:" + column.mask->name + "]";
      if (type == 0) return clear.find(label) != std::string::npos ? clear : "NULL by " + column.mask->name;
      if (!is_text(type)) return "NULL by " + column.mask->name;
      return type == 1009 || type == 1015  ? "{" + label + "}"
             : type == 114 || type == 3802 ? "\"" + label + "\""
                                           : label;
    }
    case policy::MaskWay::Kind::null:
      return "NULL by " + column.mask->name;
  }
  return "?";
}

/// Every result of every statement; a mask is nullptr where nothing is masked.
std::vector<std::pair<policy::MaskPlan::Column, std::uint32_t>> results_of(const model::Understanding& what,
                                                                           const policy::MaskPlan* plan) {
  std::vector<std::pair<policy::MaskPlan::Column, std::uint32_t>> out;
  const auto& statements = what.lineage.statements;
  for (std::size_t i = 0; i < statements.size(); ++i)
    for (std::size_t j = 0; j < statements[i].results.size(); ++j) {
      policy::MaskPlan::Column column;
      if (plan != nullptr && !plan->results.empty()) column = plan->results.at(i).at(j);
      out.emplace_back(column, statements[i].results[j].type);
    }
  return out;
}

void expect_refusal(const std::optional<model::Refusal>& refusal, const std::string& names) {
  ASSERT_TRUE(refusal) << "it is not refused";
  EXPECT_EQ(refusal->kind, model::Refusal::Kind::not_allowed);
  const std::string says = refusal->message + "\n" + refusal->detail + "\n" + refusal->hint;
  for (const auto& part : split(names, ", ")) EXPECT_NE(says.find(part), std::string::npos) << part << " in: " << says;
}

void expect_row(const model::Understanding& what, const policy::MaskPlan* plan, std::string row) {
  for (const auto& [words, is_veiled] : {std::pair(", texts are masked", true), std::pair(", texts pass", false)}) {
    if (!row.ends_with(words)) continue;
    row.resize(row.size() - std::string_view(words).size());
    EXPECT_EQ(plan != nullptr && plan->is_veiled, is_veiled);
  }
  const auto results = results_of(what, plan);
  if (row == "no rows") {
    EXPECT_TRUE(results.empty());
    return;
  }
  const auto values = split(row, " | ");
  ASSERT_EQ(results.size(), values.size()) << "values in the row";
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(shown(results[i].first, results[i].second, values[i]), values[i]);
    const bool looks_masked = values[i].starts_with("*") || values[i].starts_with("NULL by") ||
                              values[i].find("[masked:") != std::string::npos;
    EXPECT_EQ(results[i].first.mask != nullptr, looks_masked) << values[i];
    if (results[i].first.mask != nullptr) EXPECT_TRUE(plan->is_veiled);
  }
}

Config load_example(const std::string& text) {
  std::string file = (std::filesystem::temp_directory_path() / "sallyport-masks-XXXXXX").string();
  const int descriptor = ::mkstemp(file.data());
  ::close(descriptor);
  std::ofstream(file) << text;
  auto config = load(file, Secrets::leave);
  std::filesystem::remove(file);
  if (config) return std::move(*config);
  for (const auto& problem : config.error()) ADD_FAILURE() << to_string(problem) << "\n" << text;
  return {};
}

void run(const Example& example) {
  const Config config = load_example(kPreamble + example.masks);
  static const auto kCatalogue = sql::test_catalogue(SALLYPORT_SOURCE_DIR);
  sql::SessionNames names;
  for (const Line& line : example.lines) {
    SCOPED_TRACE("docs/masks.md:" + std::to_string(line.number) + ": " + line.text);
    const auto masks = policy::TargetMasks::of(config.masks, {line.target, {}});
    const auto what = std::make_shared<const model::Understanding>(
        sql::understand({.text = line.text, .names = &names, .catalogue = kCatalogue.get()}));
    EXPECT_FALSE(what->refusal);
    names.apply(what->changes);
    const auto refusal = masks ? masks->judge(*what) : std::nullopt;
    if (line.outcome.starts_with("refused: ")) {
      expect_refusal(refusal, line.outcome.substr(9));
      continue;
    }
    EXPECT_FALSE(refusal) << refusal->message << "\n" << refusal->detail;
    const auto plan = masks ? masks->plan(what) : nullptr;
    expect_row(*what, plan.get(), line.outcome);
  }
}

TEST(MasksPage, EveryExampleIsTrue) {
  const auto examples = read_page();
  std::size_t lines = 0;
  for (const Example& example : examples) {
    run(example);
    lines += example.lines.size();
  }
  EXPECT_GE(examples.size(), 6U);
  EXPECT_GE(lines, 65U);
}

TEST(MasksPage, NamesEveryDetector) {
  std::ifstream in(SALLYPORT_SOURCE_DIR "/docs/masks.md");
  const std::string page{std::istreambuf_iterator<char>(in), {}};
  const Config config = load_example(kPreamble);
  EXPECT_GE(config.detectors.size(), 10U);
  for (const auto& rule : config.detectors) EXPECT_NE(page.find("`" + rule.name + "`"), std::string::npos) << rule.name;
}

}  // namespace
}  // namespace sallyport::config
