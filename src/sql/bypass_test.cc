#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

#include "sql/bypass_testing.h"
#include "sql/catalogue_testing.h"
#include "sql/kinds.h"
#include "sql/understand.h"

// Runs test/bypass/*.txt; test/bypass/README.md describes the format.
namespace sallyport::sql {
namespace {

using bypass::Case;
using bypass::trimmed;

std::vector<Case> load() {
  std::vector<Case> cases;
  for (const auto& path : bypass::case_files(SALLYPORT_SOURCE_DIR "/test/bypass")) {
    std::ranges::move(bypass::read_cases(path).entries, std::back_inserter(cases));
  }
  return cases;
}

class KnownNames : public Names {
 public:
  explicit KnownNames(const Case& from) {
    const auto take = [&](const char* field, auto& into) {
      for (auto [at, end] = from.fields.equal_range(field); at != end; ++at) {
        const auto equals = at->second.find('=');
        into[trimmed(at->second.substr(0, equals))] = trimmed(at->second.substr(equals + 1));
      }
    };
    take("prepared", prepared_);
    take("cursor", cursors_);
  }
  const std::string* prepared_text(base::View name) const override { return find(prepared_, name); }
  const std::string* cursor_text(base::View name) const override { return find(cursors_, name); }

 private:
  static const std::string* find(const std::map<std::string, std::string>& names, base::View name) {
    const auto found = names.find(std::string(name));
    return found == names.end() ? nullptr : &found->second;
  }
  std::map<std::string, std::string> prepared_, cursors_;
};

SessionState state_of(const Case& from) {
  SessionState state;
  if (from.field("path") == "unknown") {
    state.path = SessionState::Path::unknown;
  } else if (!from.field("path").empty()) {
    state.path = SessionState::Path::listed;
    std::stringstream list(from.field("path"));
    for (std::string schema; list >> schema;) state.search_path.push_back(schema);
  }
  state.has_own_definitions = from.field("definitions") == "own";
  if (!from.field("made").empty()) {
    const auto dot = from.field("made").find('.');
    state.provisional.emplace_back(from.field("made").substr(0, dot), from.field("made").substr(dot + 1));
  }
  return state;
}

std::string kinds_of(const model::Understanding& what) {
  std::string out;
  for (const auto& statement : what.statements) out += (out.empty() ? "" : ", ") + statement.kind;
  return out;
}

std::string relations_of(const model::Understanding& what) {
  std::set<std::string> sorted;
  for (const auto& relation : what.relations) {
    sorted.insert((relation.schema.empty() ? "?" : relation.schema) + "." + relation.name + " " +
                  (relation.is_read ? "r" : "") + (relation.is_written ? "w" : ""));
  }
  std::string out;
  for (const auto& relation : sorted) out += (out.empty() ? "" : ", ") + relation;
  return out;
}

std::string changes_of(const model::Understanding& what) {
  static constexpr const char* kNames[] = {"prepare",   "deallocate",  "deallocate_all", "declare",   "close",
                                           "close_all", "discard_all", "search_path",    "relations", "role"};
  std::string out;
  for (const auto& change : what.changes) {
    std::string text = change.text;
    std::ranges::replace(text, '\0', '|');
    out += (out.empty() ? "" : ", ") + std::string(kNames[static_cast<int>(change.kind)]);
    if (!change.name.empty()) out += " " + change.name;
    if (!text.empty()) out += " = " + trimmed(text);
  }
  return out;
}

std::string stored_of(const model::Understanding& what) {
  std::string out;
  for (const auto& stored : what.stored) {
    out += out.empty() ? "" : ", ";
    out += stored.kind == model::StoredText::Kind::cursor ? "cursor " : "statement ";
    out += stored.name + " = " + trimmed(stored.text);
  }
  return out;
}

std::string filters_of(const model::Understanding& what) {
  std::string out;
  for (const auto& filter : what.filters)
    out += (out.empty() ? "" : ", ") + (filter.schema.empty() ? "?" : filter.schema) + "." + filter.relation + "." +
           (filter.column.empty() ? "?" : filter.column);
  return out;
}

std::string rows_of(const model::Understanding& what) {
  std::string out;
  for (const auto& rows : what.rows) {
    out += (out.empty() ? "" : ", ") + (rows.schema.empty() ? "?" : rows.schema) + "." + rows.relation;
    for (const auto& name : rows.pinned) out += " " + name;
  }
  return out;
}

class Bypass : public testing::TestWithParam<Case> {};

TEST_P(Bypass, IsUnderstood) {
  const Case& given = GetParam();
  static const auto kCatalogue = test_catalogue(SALLYPORT_SOURCE_DIR);
  const KnownNames names(given);
  const SessionState state = state_of(given);
  Input input{.text = given.text, .names = &names, .catalogue = kCatalogue.get(), .session = &state};
  if (given.field("catalogue") == "none") input.catalogue = nullptr;
  const auto what = understand(input);
  const std::string context =
      given.file + ": " + given.title + "\n" + given.text.substr(0, 300) + "\nnote: " + what.note;
  for (const auto& statement : what.statements)
    EXPECT_TRUE(std::ranges::binary_search(statement_kinds(), statement.kind)) << statement.kind << "\n" << context;
  for (const auto& [name, value] : given.fields) {
    if (name == "effects") EXPECT_EQ(model::to_string(what.effects), value) << context;
    if (name == "kinds") EXPECT_EQ(kinds_of(what), value) << context;
    if (name == "relations") EXPECT_EQ(relations_of(what), value) << context;
    if (name == "changes") EXPECT_EQ(changes_of(what), value) << context;
    if (name == "stored") EXPECT_EQ(stored_of(what), value) << context;
    if (name == "filters") EXPECT_EQ(filters_of(what), value) << context;
    if (name == "rows") EXPECT_EQ(rows_of(what), value) << context;
    if (name == "note") EXPECT_NE(what.note.find(value), std::string::npos) << context;
    if (name == "refusal") {
      EXPECT_TRUE(what.refusal && what.refusal->message.find(value) != std::string::npos) << context;
    }
    if (name == "lifts_read_only") EXPECT_EQ(what.lifts_read_only ? "yes" : "no", value) << context;
    if (name == "missing_where") {
      EXPECT_TRUE(std::ranges::any_of(what.statements, &model::Statement::missing_where)) << context;
    }
    if (name == "housekeeping") {
      const bool is_all = std::ranges::all_of(what.statements, &model::Statement::is_housekeeping);
      EXPECT_EQ(is_all ? "yes" : "no", value) << context;
    }
  }
  EXPECT_EQ(given.field("refusal").empty(), !what.refusal) << context;
}

INSTANTIATE_TEST_SUITE_P(Cases, Bypass, testing::ValuesIn(load()), [](const auto& info) {
  std::string name = "n" + std::to_string(info.index);
  for (const char c : info.param.title.substr(0, 40)) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
});

TEST(Bypass, HoldsAtLeastSixtyDisguises) { EXPECT_GE(load().size(), 60U); }

TEST(CatalogueQueries, AreReadOrHousekeeping) {
  for (const base::View query : catalogue_queries()) {
    for (const auto* catalogue :
         {static_cast<const model::Catalogue*>(nullptr), test_catalogue(SALLYPORT_SOURCE_DIR).get()}) {
      const auto what = understand({.text = query, .catalogue = catalogue});
      const model::EffectSet allowed{model::Effect::read, model::Effect::session};
      EXPECT_TRUE(allowed.covers(what.effects)) << query << "\n" << model::to_string(what.effects) << " " << what.note;
    }
  }
}

}  // namespace
}  // namespace sallyport::sql
