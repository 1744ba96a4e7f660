#include "policy/matching.h"

#include <gtest/gtest.h>

namespace sallyport::policy {
namespace {

using model::Effect;
using model::Understanding;

Rule::If with_patterns(std::initializer_list<const char*> expressions) {
  Rule::If when;
  for (const char* expression : expressions) when.patterns.push_back(*Pattern::compile(expression));
  return when;
}

Understanding read_of(std::string schema, std::string name) {
  Understanding what;
  what.effects.add(Effect::read);
  what.statements.push_back({.kind = "SELECT", .effects = what.effects});
  what.relations.push_back({.schema = schema, .name = name, .is_read = true});
  return what;
}

TEST(Matching, ADenyFindsItsPatternInEveryText) {
  const auto when = with_patterns({"secret", "hidden"});
  Understanding what = read_of("public", "orders");
  const std::string own = "EXECUTE p", bad = "SELECT 'a secret'";
  EXPECT_FALSE(meets(when, {what, &own}));
  EXPECT_TRUE(meets(when, {what, &bad}));
  what.stored.push_back({.name = "p", .text = "SELECT hidden"});
  EXPECT_TRUE(meets(when, {what, &own}));
}

TEST(Matching, APatternsTextThatIsNotKnownMayMatchADenyAndNoAllow) {
  const auto when = with_patterns({".*"});
  Understanding what;
  EXPECT_FALSE(meets(when, {what}));  // a function call has no text
  EXPECT_EQ(gap_of(when, {what}), Gap::patterns);
  what.effects.add(Effect::unknown);
  EXPECT_TRUE(meets(when, {what}));
}

TEST(Matching, AnAllowMatchesEveryTextAsAWhole) {
  const auto when = with_patterns({"EXECUTE \\w+", "SELECT \\d"});
  Understanding what = read_of("public", "orders");
  const std::string own = "EXECUTE p ;", two = "EXECUTE p; SELECT 1";
  EXPECT_TRUE(covers(when, {what, &own}));
  EXPECT_EQ(gap_of(when, {what, &two}), Gap::patterns);
  what.stored.push_back({.name = "p", .text = " SELECT 12"});
  EXPECT_EQ(gap_of(when, {what, &own}), Gap::patterns);
  what.stored[0].text = "SELECT 1";
  EXPECT_TRUE(covers(when, {what, &own}));
}

TEST(Matching, ADenyFiltersOnWhatMayBeUsed) {
  Understanding what = read_of("public", "customers");
  const auto is_met = [&](const char* glob) { return meets({.filters_on = {glob}}, {what}); };
  EXPECT_FALSE(is_met("*"));
  what.filters.push_back({"public", "customers", "email"});
  for (const char* glob : {"email", "customers.email", "*.email", "public.customers.email", "public.*.e*", "*.*.*"})
    EXPECT_TRUE(is_met(glob)) << glob;
  for (const char* glob : {"id", "orders.email", "secret.customers.email", "public.customers.id"})
    EXPECT_FALSE(is_met(glob)) << glob;
  what.filters = {{"", "customers", "email"}};  // the schema is not known
  EXPECT_TRUE(is_met("secret.customers.email"));
  EXPECT_FALSE(is_met("secret.orders.email"));
  what.filters = {{"public", "customers", ""}};  // any of its columns
  EXPECT_TRUE(is_met("public.customers.ssn"));
  EXPECT_FALSE(is_met("public.orders.ssn"));
  what.filters.clear();
  what.effects.add(Effect::unknown);
  EXPECT_TRUE(is_met("email"));
}

TEST(Matching, AnAllowNeedsAPinnedColumnForEachMention) {
  Understanding what = read_of("public", "orders");
  const auto covers_it = [&](const char* glob) { return covers({.filters_on = {glob}}, {what}); };
  EXPECT_TRUE(covers_it("id"));  // no rows at all: SELECT 1
  what.rows.push_back({"public", "orders", {"id", "total"}});
  for (const char* glob : {"id", "orders.id", "*.total", "public.orders.id"}) EXPECT_TRUE(covers_it(glob)) << glob;
  for (const char* glob : {"note", "customers.id", "secret.orders.id"}) EXPECT_FALSE(covers_it(glob)) << glob;
  what.rows.push_back({"public", "customers", {}});
  EXPECT_FALSE(covers_it("id"));
  what.rows.pop_back();
  what.effects.add(Effect::unknown);
  EXPECT_EQ(gap_of({.effects = model::EffectSet{Effect::read, Effect::unknown}, .filters_on = {"id"}}, {what}),
            Gap::filters_on);
}

TEST(Matching, RelationsAreMatchedPartByPart) {
  const auto covers_it = [](const char* glob, const Understanding& what) {
    return covers({.relations = {glob}}, {what});
  };
  EXPECT_TRUE(covers_it("public.*", read_of("public", "a.b")));
  EXPECT_FALSE(covers_it("*.keys", read_of("public", "my.keys")));
  EXPECT_FALSE(covers_it("secret.*", read_of("", "keys")));
  EXPECT_TRUE(meets({.relations = {"secret.keys"}}, {read_of("", "keys")}));
  EXPECT_FALSE(meets({.relations = {"secret.keys"}}, {read_of("public", "keys")}));
}

TEST(Matching, AnyRelationAndKinCount) {
  Understanding what = read_of("public", "*");
  EXPECT_TRUE(meets({.relations = {"public.orders"}}, {what}));
  EXPECT_TRUE(meets({.relations = {"orders"}}, {what}));
  EXPECT_FALSE(meets({.relations = {"secret.keys"}}, {what}));
  EXPECT_FALSE(covers({.relations = {"public.orders"}}, {what}));
  EXPECT_TRUE(covers({.relations = {"public.*"}}, {what}));
  what = read_of("public", "parts");
  what.relations.push_back({.schema = "public", .name = "parts_2025", .is_read = true, .is_implied = true});
  EXPECT_TRUE(covers({.relations = {"public.parts"}}, {what}));
  EXPECT_TRUE(meets({.relations = {"parts_2025"}}, {what}));
}

TEST(Matching, NamesTheFirstGap) {
  Understanding what = read_of("public", "orders");
  what.statements[0].missing_where = true;
  EXPECT_EQ(gap_of({.effects = model::EffectSet{Effect::write}}, {what}), Gap::effects);
  EXPECT_EQ(gap_of({.statements = {"INSERT"}}, {what}), Gap::statements);
  EXPECT_EQ(gap_of({.relations = {"secret.*"}}, {what}), Gap::relations);
  EXPECT_EQ(gap_of({.missing_where = false}, {what}), Gap::missing_where);
  EXPECT_EQ(gap_of({}, {what}), std::nullopt);
}

}  // namespace
}  // namespace sallyport::policy
