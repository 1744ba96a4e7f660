#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <set>
#include <sstream>

#include "config/config.h"
#include "policy/engine.h"
#include "sql/bypass_testing.h"
#include "sql/catalogue_testing.h"
#include "sql/names_testing.h"
#include "sql/understand.h"

// Runs test/bypass/verdicts/*.txt without a server; test/bypass/README.md describes the format. The same entries run
// against PostgreSQL in test/integration/bypass.py.
namespace sallyport {
namespace {

using bypass::Case;
using bypass::Cases;

/// A file's rule set, made by the same code as the gateway's.
struct Ground {
  config::Config configuration{};
  std::unique_ptr<policy::Engine> engine{};
};

Ground ground_of(const std::string& file, const std::string& head) {
  YAML::Node made = YAML::Load(R"(
data: data
listen: {postgres: {address: "127.0.0.1:0", insecure: true}}
identity:
  principals:
  - {name: agent-1, kind: agent, owner: sam, groups: [ai-agents]}
  - {name: sam, kind: human, groups: [dba]}
  - {name: dana, kind: human, groups: [dba]}
targets: [{name: shop}]
)");
  const YAML::Node stated = YAML::Load(head);
  if (stated["principals"]) made["identity"]["principals"] = stated["principals"];
  if (stated["targets"]) made["targets"] = stated["targets"];
  for (auto target : made["targets"]) {
    target["kind"] = "postgres";
    target["address"] = "127.0.0.1:5432";
    target["user"] = "sallyport_test";
    target["tls"] = "disable";
  }
  made["rules"] = stated["rules"];
  const auto path = std::filesystem::temp_directory_path() / ("sallyport-verdicts-" + std::to_string(getpid()));
  std::ofstream(path) << made;
  auto loaded = config::load(path, config::Secrets::leave);
  std::filesystem::remove(path);
  if (!loaded) throw std::runtime_error(file + ": " + config::to_string(loaded.error().front()));
  Ground ground{.configuration = std::move(*loaded)};
  ground.engine = std::make_unique<policy::Engine>(config::rules_of(ground.configuration));
  return ground;
}

/// One session of an entry: what the gate does with each text, but for the target's answers.
class Played {
 public:
  Played(const Case& entry, const Ground& ground) : ground_(ground) {
    const std::string who = entry.field("principal").empty() ? "agent-1" : entry.field("principal");
    const std::string where = entry.field("target").empty() ? "shop" : entry.field("target");
    for (const auto& principal : ground.configuration.identity.principals) {
      if (principal.name == who) principal_ = principal;
    }
    for (const auto& target : ground.configuration.targets) {
      if (target.name == where) target_ = {.name = target.name, .labels = target.labels};
    }
    if (principal_.name.empty() || target_.name.empty()) throw std::runtime_error("no " + who + " or no " + where);
    for (const auto& type : entry.all("parameter_type")) parameter_types_.push_back(type_named(type));
  }

  /// "allowed", "denied by RULES", "held by RULES", "no rule" or "refused".
  std::string verdict(const std::string& text) {
    static const auto kCatalogue = sql::test_catalogue(SALLYPORT_SOURCE_DIR);
    auto what = std::make_shared<model::Understanding>(sql::understand({.text = text,
                                                                        .parameter_types = parameter_types_,
                                                                        .names = &names_,
                                                                        .catalogue = kCatalogue.get(),
                                                                        .session = &state_}));
    told_ = "effects: " + model::to_string(what->effects) + ", note: " + what->note;
    for (const auto& relation : what->relations) told_ += ", " + relation.schema + "." + relation.name;
    const auto decided =
        ground_.engine->judge({.kind = model::CommandKind::run, .text = std::make_shared<const std::string>(text)},
                              what, principal_, target_);
    const std::string rules = std::visit([](const auto& one) { return one.grounds().rules; }, decided);
    if (std::holds_alternative<policy::Permit>(decided)) {
      names_.apply(what->changes);
      for (const auto& statement : what->statements) {
        if (statement.kind == "BEGIN" || statement.kind == "START TRANSACTION") in_transaction_ = true;
        if (statement.kind == "COMMIT" || statement.kind == "ROLLBACK") in_transaction_ = false;
      }
      sql::apply(*what, in_transaction_, state_);
      return "allowed";
    }
    if (what->refusal) return "refused";
    if (rules.empty()) return "no rule";
    return (is_hold(rules) ? "held by " : "denied by ") + rules;
  }
  const std::string& told() const { return told_; }

 private:
  bool is_hold(const std::string& rules) const {
    return std::ranges::any_of(ground_.engine->rules(), [&](const policy::Rule& rule) {
      return std::holds_alternative<policy::Rule::HoldFor>(rule.then) &&
             (rules == rule.name || rules.starts_with(rule.name + ","));
    });
  }
  static std::uint32_t type_named(const std::string& name) {
    static const auto kCatalogue = sql::test_catalogue(SALLYPORT_SOURCE_DIR);
    const auto& found = kCatalogue->types_named(name);
    if (found.empty()) throw std::runtime_error("no type " + name);
    return found.front()->oid;
  }

  const Ground& ground_;
  model::Principal principal_{};
  model::TargetName target_{};
  std::vector<std::uint32_t> parameter_types_{};
  sql::SessionNames names_{};
  sql::SessionState state_{};
  bool in_transaction_ = false;
  std::string told_{};
};

/// Other ways to have `text` run, where it is one statement that can be prepared.
std::vector<std::string> wrapped(const Case& entry) {
  const std::string& text = entry.text;
  std::string first;
  for (const char c : text) {
    if (std::isalpha(static_cast<unsigned char>(c)) == 0) break;
    first += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  static const std::set<std::string> kQueries{"SELECT", "TABLE", "VALUES", "WITH"};
  static const std::set<std::string> kWrites{"INSERT", "UPDATE", "DELETE", "MERGE"};
  if (text.find(';') != std::string::npos || entry.field("wraps") == "no") return {};
  if (!kQueries.contains(first) && !kWrites.contains(first)) return {};
  std::vector<std::string> texts{"PREPARE bypass_p AS " + text, "EXPLAIN ANALYZE " + text};
  if (kQueries.contains(first)) {
    for (const char* before : {"DECLARE bypass_c CURSOR FOR ", "CREATE TEMP TABLE bypass_t AS "})
      texts.push_back(before + text);
    texts.push_back("COPY (" + text + ") TO STDOUT");
  }
  return texts;
}

std::vector<Cases> load() {
  std::vector<Cases> all;
  for (const auto& path : bypass::case_files(SALLYPORT_SOURCE_DIR "/test/bypass/verdicts"))
    all.push_back(bypass::read_cases(path));
  return all;
}

void check(const Case& entry, const Ground& ground) {
  const std::string expected = entry.field("verdict");
  ASSERT_TRUE(expected == "allowed" || expected == "no rule" || expected == "refused" ||
              expected.starts_with("denied by ") || expected.starts_with("held by "))
      << entry.title << ": verdict: " << expected;
  const auto play = [&](const std::string& text, std::string& told) {
    Played session(entry, ground);
    for (const auto& before : entry.all("setup")) {
      const std::string verdict = session.verdict(bypass::expanded(before));
      EXPECT_EQ(verdict, "allowed") << "setup: " << before << "\n" << session.told();
    }
    const std::string verdict = session.verdict(text);
    told = session.told();
    return verdict;
  };
  const auto play_prepared = [&](const std::string& text, std::string& told) {
    Played session(entry, ground);
    for (const auto& before : entry.all("setup")) session.verdict(bypass::expanded(before));
    EXPECT_EQ(session.verdict(text), "allowed") << text;
    const std::string verdict = session.verdict("EXECUTE bypass_p");
    told = session.told();
    return verdict;
  };
  std::string told;
  EXPECT_EQ(play(entry.text, told), expected) << entry.text.substr(0, 300) << "\n" << told;
  if (expected == "allowed") return;
  const std::string rule = expected.substr(expected.rfind(' ') + 1);
  for (const auto& text : wrapped(entry)) {
    const bool only_prepares = text.starts_with("PREPARE") && expected.starts_with("held");
    // What is held is held when it runs, with its values.
    const std::string verdict = only_prepares ? play_prepared(text, told) : play(text, told);
    EXPECT_NE(verdict, "allowed") << text << "\n" << told;
    const bool is_named = verdict.find(rule) != std::string::npos || verdict == "no rule";
    if (expected.starts_with("denied by ")) EXPECT_TRUE(is_named) << text << "\n" << verdict;
  }
}

TEST(Verdicts, AreAsTheEntriesSay) {
  std::size_t entries = 0;
  std::set<std::string> titles;
  for (const Cases& cases : load()) {
    ASSERT_FALSE(cases.entries.empty());
    const Ground ground = ground_of(cases.entries.front().file, cases.head);
    for (const Case& entry : cases.entries) {
      SCOPED_TRACE(entry.file + ": " + entry.title);
      EXPECT_TRUE(titles.insert(entry.file + entry.title).second) << "two entries of one title";
      check(entry, ground);
      ++entries;
    }
  }
  EXPECT_GE(entries, 150U);
}

}  // namespace
}  // namespace sallyport
