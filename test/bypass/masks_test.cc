#include <gtest/gtest.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "config/config.h"
#include "policy/masks.h"
#include "sql/bypass_testing.h"
#include "sql/catalogue_testing.h"
#include "sql/names_testing.h"
#include "sql/understand.h"

// Runs test/bypass/masks/*.txt without a server; test/bypass/README.md describes the format. The same entries run
// against PostgreSQL in test/integration/mask_forms.py.
namespace sallyport {
namespace {

using bypass::Case;
using bypass::Cases;

/// A file's masks: its `masks` as the configuration states them.
std::shared_ptr<const policy::TargetMasks> masks_of(const Cases& cases) {
  const std::string& file = cases.entries.front().file;
  YAML::Node made = YAML::Load(
      "{data: /tmp, listen: {postgres: {address: '127.0.0.1:0', insecure: true}}, "
      "targets: [{name: shop, kind: postgres, address: '127.0.0.1:5432', user: sallyport}]}");
  made["masks"] = YAML::Load(cases.head)["masks"];
  const auto path = std::filesystem::temp_directory_path() / ("sallyport-masks-" + std::to_string(getpid()));
  std::ofstream(path) << made;
  const auto loaded = config::load(path, config::Secrets::leave);
  std::filesystem::remove(path);
  if (!loaded) throw std::runtime_error(file + ": " + config::to_string(loaded.error().front()));
  auto masks = policy::TargetMasks::of(loaded->masks, {.name = "shop"});
  if (!masks) throw std::runtime_error(file + ": no masks");
  return masks;
}

std::vector<std::string> parts_of(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) parts.push_back(bypass::trimmed(part));
  return parts;
}

std::pair<std::string, std::string> name_and_text(const std::string& field) {
  const auto equals = field.find('=');
  if (equals == std::string::npos) throw std::runtime_error("no '=': " + field);
  return {bypass::trimmed(field.substr(0, equals)), bypass::trimmed(field.substr(equals + 1))};
}

const model::Catalogue& catalogue() {
  static const auto kCatalogue = sql::test_catalogue(SALLYPORT_SOURCE_DIR);
  return *kCatalogue;
}

std::uint32_t type_named(const std::string& name) {
  if (name == "text") return 25;  // pg_type.dat: the catalogue has only those that a user made
  const auto& found = catalogue().types_named(name);
  if (found.empty()) throw std::runtime_error("no type " + name);
  return found.front()->oid;
}

/// One session, in a transaction, that ran an entry's `setup`.
class Played {
 public:
  Played(const Case& entry, const policy::TargetMasks& masks) : masks_(masks) {
    for (const auto& type : entry.all("parameter_type")) parameter_types_.push_back(type_named(type));
    for (const auto& field : entry.all("prepared")) {
      const auto [name, text] = name_and_text(field);
      names_.prepare(name, text);
    }
    for (const auto& field : entry.all("cursor")) {
      const auto [name, text] = name_and_text(field);
      names_.declare(name, text);
    }
    read_state(entry);
    for (const auto& text : entry.all("setup")) {
      const auto what = understand(bypass::expanded(text), {});
      const auto refusal = masks_.judge(*what);
      EXPECT_FALSE(refusal) << "setup: " << text << "\n" << (refusal ? refusal->message : "");
      names_.apply(what->changes);
      sql::apply(*what, false, state_);
    }
  }

  std::shared_ptr<const model::Understanding> understand(const std::string& text) const {
    return understand(text, parameter_types_);
  }

 private:
  std::shared_ptr<const model::Understanding> understand(const std::string& text,
                                                         std::span<const std::uint32_t> types) const {
    return std::make_shared<const model::Understanding>(sql::understand(
        {.text = text, .parameter_types = types, .names = &names_, .catalogue = &catalogue(), .session = &state_}));
  }
  void read_state(const Case& entry) {
    const std::string path = entry.field("path");
    if (path == "unknown") state_.path = sql::SessionState::Path::unknown;
    if (!path.empty() && path != "unknown") {
      state_.path = sql::SessionState::Path::listed;
      state_.search_path = parts_of(path, ',');
    }
    for (const auto& made : entry.all("made")) {
      const auto dot = made.find('.');
      state_.provisional.emplace_back(made.substr(0, dot), made.substr(dot + 1));
    }
    state_.has_own_definitions = entry.field("definitions") == "own";
  }

  const policy::TargetMasks& masks_;
  std::vector<std::uint32_t> parameter_types_{};
  sql::SessionNames names_{};
  sql::SessionState state_{};
};

/// Other ways to have `text` run, where it is one query.
std::vector<std::string> wrapped(const Case& entry) {
  std::string first;
  for (const char c : entry.text) {
    if (std::isalpha(static_cast<unsigned char>(c)) == 0) break;
    first += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  static const std::set<std::string> kQueries{"SELECT", "TABLE", "VALUES", "WITH"};
  if (!kQueries.contains(first) || entry.text.find(';') != std::string::npos || entry.field("wraps") == "no") return {};
  return {"PREPARE forms_p AS " + entry.text, "DECLARE forms_c CURSOR FOR " + entry.text,
          "EXPLAIN ANALYZE " + entry.text, "COPY (" + entry.text + "\n) TO STDOUT"};
}

void expect_refused(const Case& entry, const policy::TargetMasks& masks, const Played& session) {
  const auto refusal = masks.judge(*session.understand(entry.text));
  ASSERT_TRUE(refusal) << "not refused: " << entry.text;
  EXPECT_EQ(refusal->kind, model::Refusal::Kind::not_allowed);
  EXPECT_NE((refusal->message + " " + refusal->detail).find(entry.field("refused")), std::string::npos)
      << entry.text << "\nrefused: " << refusal->message << " / " << refusal->detail;
  for (const auto& text : wrapped(entry))
    EXPECT_TRUE(masks.judge(*session.understand(text))) << "not refused: " << text;
}

/// `word` is `-`, or names split by '/': `clear` or masks, behind `many:` when it stands for any number of columns.
void expect_column(const std::string& stated, const model::ResultColumn& result,
                   const policy::MaskPlan::Column& planned, const std::string& where) {
  const bool is_many = stated.starts_with("many:");
  const auto words = parts_of(is_many ? stated.substr(5) : stated, '/');
  const std::string name = planned.mask == nullptr ? "clear" : planned.mask->name;
  const auto is = [&](const std::string& word) { return std::ranges::find(words, word) != words.end(); };
  EXPECT_EQ(result.is_many, is_many) << where;
  EXPECT_TRUE(is("-") || is(name)) << where << ": " << name << ", not " << stated;
}

std::string copy_of(const model::StatementLineage& lineage) {
  if (!lineage.is_copy) return "";
  switch (lineage.copy.kind) {
    case model::CopyFormat::Kind::text:
      return "text";
    case model::CopyFormat::Kind::csv:
      return "csv";
    case model::CopyFormat::Kind::binary:
      return "binary";
  }
  return "?";
}

void expect_columns(const Case& entry, const policy::TargetMasks& masks, const Played& session) {
  const auto what = session.understand(entry.text);
  const auto refusal = masks.judge(*what);
  ASSERT_FALSE(refusal) << entry.text << "\nrefused: " << refusal->message << " / " << refusal->detail;
  const auto plan = masks.plan(what);
  ASSERT_TRUE(plan);
  const auto& lineages = what->lineage.statements;
  const auto statements = parts_of(entry.field("columns"), ';');
  ASSERT_EQ(lineages.size(), statements.size()) << entry.text;
  for (std::size_t i = 0; i < statements.size(); ++i) {
    const auto words = statements[i] == "none" ? std::vector<std::string>{} : parts_of(statements[i], ',');
    const auto& results = lineages[i].results;
    const auto many = std::ranges::find_if(results, &model::ResultColumn::is_many);
    const bool states_many = std::ranges::any_of(words, [](const auto& word) { return word.starts_with("many:"); });
    if (many != results.end() && !words.empty() && !states_many) {
      // A star of unknown width: the words are those of the result as it comes.
      const auto first = static_cast<std::size_t>(many - results.begin());
      const std::size_t behind = results.size() - first - 1;
      ASSERT_GE(words.size(), first + behind) << entry.text;
      for (std::size_t at = 0; at < words.size(); ++at) {
        const std::size_t from = at < first                    ? at
                                 : at + behind >= words.size() ? results.size() - (words.size() - at)
                                                               : first;
        const auto planned = plan->results.empty() ? policy::MaskPlan::Column{} : plan->results[i].at(from);
        model::ResultColumn one = results[from];
        one.is_many = false;
        expect_column(words[at], one, planned, entry.text + "\ncolumn " + std::to_string(at + 1));
      }
      continue;
    }
    ASSERT_EQ(results.size(), words.size()) << entry.text;
    ASSERT_TRUE(plan->results.empty() || plan->results.size() == lineages.size()) << entry.text;
    for (std::size_t at = 0; at < words.size(); ++at) {
      const auto planned = plan->results.empty() ? policy::MaskPlan::Column{} : plan->results[i].at(at);
      expect_column(words[at], results[at], planned, entry.text + "\ncolumn " + std::to_string(at + 1));
    }
    EXPECT_EQ(copy_of(lineages[i]), entry.field("copy")) << entry.text;
  }
  const std::string veiled = entry.field("veiled");
  if (!veiled.empty()) EXPECT_EQ(plan->is_veiled ? "yes" : "no", veiled) << entry.text;
}

TEST(MaskForms, AreAsTheEntriesSay) {
  std::size_t entries = 0;
  std::set<std::string> titles;
  static const std::set<std::string> kFields{
      "columns",  "refused", "copy", "veiled", "witness", "reveals", "setup", "parameter",  "parameter_type",
      "prepared", "cursor",  "path", "made",   "ways",    "wraps",   "why",   "definitions"};
  for (const auto& path : bypass::case_files(SALLYPORT_SOURCE_DIR "/test/bypass/masks")) {
    const Cases cases = bypass::read_cases(path);
    ASSERT_FALSE(cases.entries.empty()) << path;
    const auto masks = masks_of(cases);
    for (const Case& entry : cases.entries) {
      SCOPED_TRACE(entry.file + ": " + entry.title);
      EXPECT_TRUE(titles.insert(entry.file + entry.title).second) << "two entries of one title";
      for (const auto& [name, value] : entry.fields) EXPECT_TRUE(kFields.contains(name)) << "no such field: " << name;
      const bool is_refused = !entry.field("refused").empty();
      EXPECT_NE(is_refused, !entry.field("columns").empty()) << "either `columns` or `refused`";
      const Played session(entry, *masks);
      is_refused ? expect_refused(entry, *masks, session) : expect_columns(entry, *masks, session);
      ++entries;
    }
  }
  EXPECT_GE(entries, 600U);
}

}  // namespace
}  // namespace sallyport
