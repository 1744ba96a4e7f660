#include "approval/fingerprint.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace sallyport::approval {
namespace {

/// Everything that an approval is bound to.
struct Bound {
  model::Principal principal{.name = "agent-1"};
  std::string target = "orders", database = "shop";
  std::uint64_t rule_set = 3;
  model::Command command{};
  model::Understanding understanding{};
  model::Catalogue::Parts parts{};
  sql::SessionState session{};

  Bound() {
    command.text = std::make_shared<const std::string>("UPDATE t SET x = $1");
    command.parameter_types = {23};
    command.parameters = {{.type = 23, .octets = "7", .full_size = 1}};
    understanding.effects.add(model::Effect::write);
    understanding.relations = {{.schema = "public", .name = "t", .oid = 20000, .is_written = true}};
    parts.version = 1;
    parts.role = "app";
    parts.search_path = {"pg_catalog", "public"};
    parts.relations = {{.oid = 20000, .name = "t", .columns = {{"x", 1, 23}}}};
  }
  base::Digest of(Values values = Values::with) const {
    const model::Catalogue catalogue(parts);
    return fingerprint({&principal, &target, &database, rule_set, &command, &understanding, &catalogue, &session},
                       values);
  }
};

TEST(Fingerprint, ChangesWithEverythingItIsBoundTo) {
  const std::vector<std::function<void(Bound&)>> changes = {
      [](Bound& b) { b.principal.name = "agent-2"; },
      [](Bound& b) { b.target = "other"; },
      [](Bound& b) { b.database = "other"; },
      [](Bound& b) { b.rule_set = 4; },
      [](Bound& b) { b.command.text = std::make_shared<const std::string>("UPDATE t SET x = $1 "); },
      [](Bound& b) { b.command.parameter_types = {20}; },
      [](Bound& b) { b.command.parameters[0].octets = "8"; },
      [](Bound& b) { b.command.parameters[0].is_binary = true; },
      [](Bound& b) { b.command.parameters[0] = {.is_null = true}; },
      [](Bound& b) { b.command.parameters.clear(); },
      [](Bound& b) { b.command.function = 5; },
      [](Bound& b) { b.understanding.effects.add(model::Effect::call); },
      [](Bound& b) { b.understanding.stored.push_back({.name = "q", .text = "SELECT 1"}); },
      [](Bound& b) { b.understanding.relations[0].oid = 20001; },
      [](Bound& b) { b.understanding.relations.clear(); },
      [](Bound& b) { b.parts.role = "root"; },
      [](Bound& b) { b.parts.search_path = {"public", "pg_catalog"}; },
      [](Bound& b) { b.parts.relations[0].columns[0].type = 20; },
      [](Bound& b) { b.parts.relations[0].columns.push_back({"y", 2, 23}); },
      [](Bound& b) { b.parts.relations[0].definition = "SELECT 1"; },
      [](Bound& b) { b.parts.relations[0].has_triggers = true; },
      [](Bound& b) { b.parts.relations[0].has_rules = true; },
      [](Bound& b) { b.parts.relations[0].kind = 'v'; },
      [](Bound& b) { b.parts.relations[0].write_expressions = {"f()"}; },
      [](Bound& b) { b.parts.relations[0].read_expressions = {"f()"}; },
      [](Bound& b) { b.parts.relations[0].cascades = {20002}; },
      [](Bound& b) { b.parts.relations.clear(); },
      [](Bound& b) { b.session.path = sql::SessionState::Path::unknown; },
      [](Bound& b) {
        b.session.path = sql::SessionState::Path::listed;
        b.session.search_path = {"other"};
      },
  };
  std::set<base::Digest> seen{Bound().of()};
  for (const auto& change : changes) {
    Bound bound;
    change(bound);
    EXPECT_TRUE(seen.insert(bound.of()).second) << "change " << &change - changes.data();
  }
}

TEST(Fingerprint, IsTheSameForTheSame) {
  Bound later;
  later.parts.version = 9;  // read again
  later.parts.relations.push_back({.oid = 20009, .name = "unrelated"});
  EXPECT_EQ(later.of(), Bound().of());
}

TEST(Fingerprint, WithoutValuesOnlyTheValuesDoNotCount) {
  Bound other;
  other.command.parameters[0].octets = "8";
  EXPECT_EQ(other.of(Values::without), Bound().of(Values::without));
  EXPECT_NE(Bound().of(Values::without), Bound().of(Values::with));
  other.parts.relations[0].columns.clear();
  EXPECT_NE(other.of(Values::without), Bound().of(Values::without));
}

}  // namespace
}  // namespace sallyport::approval
