#include "sql/understanding_cache.h"

#include <gtest/gtest.h>

#include "sql/catalogue_testing.h"

namespace sallyport::sql {
namespace {

std::string skeleton(base::View text, Skeleton expected) {
  std::string out;
  EXPECT_EQ(append_skeleton(text, out), expected) << text;
  return out;
}

class Nobody : public Names {
 public:
  const std::string* prepared_text(base::View) const override { return nullptr; }
  const std::string* cursor_text(base::View) const override { return nullptr; }
};

TEST(Skeleton, LeavesConstantsOut) {
  using enum Skeleton;
  EXPECT_EQ(skeleton("SELECT a FROM b WHERE c = 1", constants_removed),
            skeleton("SELECT a/**/FROM b\nWHERE c=234 -- x", constants_removed));
  EXPECT_EQ(skeleton("SELECT 'a', 1.5", constants_removed), skeleton("SELECT $$b'$$, 2e9", constants_removed));
  EXPECT_NE(skeleton("SELECT 1", constants_removed), skeleton("SELECT '1'", constants_removed));
  EXPECT_NE(skeleton("SELECT 1", constants_removed), skeleton("SELECT 3000000000", constants_removed));
  EXPECT_NE(skeleton("SELECT a", constants_removed), skeleton("SELECT \"a\"", constants_removed));
  EXPECT_NE(skeleton("SELECT ab", constants_removed), skeleton("SELECT a b", constants_removed));
}

TEST(Skeleton, KeepsConstantsThatMatter) {
  using enum Skeleton;
  skeleton("SET role = 'a'", exact);
  skeleton("SELECT 1; SET role = 'a'", exact);
  skeleton("SELECT set_config('role', 'a', true)", exact);
  skeleton("SELECT \"set_config\"('role', 'a', true)", exact);
  skeleton("SELECT U&\"set\\005fconfig\"('role', 'a', true)", exact);
  skeleton("SELECT U&'!0041' UESCAPE '!'", exact);
  skeleton("SELECT E'\\x41'", exact);
  skeleton("SELECT 1::float(60)", exact);
  skeleton("EXPLAIN (ANALYZE 0) DELETE FROM a", exact);
  skeleton("DELETE FROM a WHERE CURRENT OF c", none);
  skeleton("DO LANGUAGE 'plpgsql' 'x'", exact);
  skeleton("PREPARE p AS SELECT 1", exact);
  skeleton("EXECUTE p", none);
  skeleton("SELECT 1; FETCH 1 FROM c", none);
  skeleton("CREATE TABLE t AS EXECUTE p", none);
  skeleton("SELECT 'a", none);
}

TEST(UnderstandingCache, HitsWhatDiffersInConstants) {
  const auto catalogue = test_catalogue(SALLYPORT_SOURCE_DIR);
  UnderstandingCache cache;
  const auto first = cache.understand({.text = "SELECT * FROM orders WHERE id = 1", .catalogue = catalogue.get()});
  const auto again = cache.understand({.text = "SELECT * FROM orders WHERE id = 22", .catalogue = catalogue.get()});
  EXPECT_EQ(first, again);
  EXPECT_EQ(cache.hits(), 1U);
  EXPECT_EQ(first->relations.at(0).schema, "public");
}

TEST(UnderstandingCache, TellsCataloguesPathsAndTypesApart) {
  const auto catalogue = test_catalogue(SALLYPORT_SOURCE_DIR);
  UnderstandingCache cache;
  const base::View text = "SELECT * FROM orders";
  SessionState unknown{.path = SessionState::Path::unknown}, made{.provisional = {{"pg_temp", "orders"}}};
  SessionState secret{.path = SessionState::Path::listed, .search_path = {"secret"}};
  const std::uint32_t type = 20000;
  cache.understand({.text = text, .catalogue = catalogue.get()});
  cache.understand({.text = text});
  cache.understand({.text = text, .catalogue = catalogue.get(), .session = &unknown});
  cache.understand({.text = text, .catalogue = catalogue.get(), .session = &made});
  cache.understand({.text = text, .catalogue = catalogue.get(), .session = &secret});
  cache.understand({.text = text, .parameter_types = {&type, 1}, .catalogue = catalogue.get()});
  EXPECT_EQ(cache.hits(), 0U);
  EXPECT_EQ(cache.size(), 6U);
}

TEST(UnderstandingCache, IsBounded) {
  UnderstandingCache cache({.entries = 2, .key_octets = 100});
  for (const char* text : {"SELECT a", "SELECT b", "SELECT a", "SELECT c"}) cache.understand({.text = text});
  EXPECT_EQ(cache.size(), 2U);
  EXPECT_EQ(cache.hits(), 1U);
  cache.understand({.text = "SELECT a"});  // used more recently than b
  EXPECT_EQ(cache.hits(), 2U);
  cache.understand({.text = "SELECT " + std::string(200, 'x')});
  EXPECT_EQ(cache.size(), 2U);
}

TEST(UnderstandingCache, KeepsNoErrorThatQuotesAConstant) {
  UnderstandingCache cache;
  EXPECT_NE(cache.understand({.text = "SELECT 'a' 'secret'"})->note.find("secret"), std::string::npos);
  EXPECT_EQ(cache.understand({.text = "SELECT 'a' 'other'"})->note.find("secret"), std::string::npos);
}

TEST(UnderstandingCache, LooksAtTheRealText) {
  UnderstandingCache cache;
  cache.understand({.text = "SELECT 'a'"});
  EXPECT_TRUE(cache.understand({.text = "SELECT '\xff'"})->refusal);
  EXPECT_TRUE(cache.understand({.text = "SELECT '" + std::string(70000, 'a') + "'"})->refusal);
  EXPECT_FALSE(cache.understand({.text = "SELECT 'b'"})->refusal);
  EXPECT_EQ(cache.hits(), 1U);
}

TEST(SessionState, FollowsWhatWasConfirmed) {
  SessionState state;
  apply(understand({.text = "SET search_path = a, \"B\""}), false, state);
  EXPECT_EQ(state.path, SessionState::Path::listed);
  EXPECT_EQ(state.search_path, (std::vector<std::string>{"a", "B"}));
  apply(understand({.text = "RESET search_path"}), false, state);
  EXPECT_EQ(state.path, SessionState::Path::standard);
  apply(understand({.text = "SET search_path = a"}), true, state);  // may be rolled back
  EXPECT_EQ(state.path, SessionState::Path::unknown);
  apply(understand({.text = "DISCARD ALL"}), false, state);
  EXPECT_EQ(state.path, SessionState::Path::standard);
  apply(understand({.text = "DO 'x'"}), false, state);
  EXPECT_EQ(state.path, SessionState::Path::unknown);
  apply(understand({.text = "CREATE TEMP TABLE t (a int)"}), true, state);
  EXPECT_FALSE(state.has_own_definitions);
  apply(understand({.text = "CREATE TABLE u (a int); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"}),
        true, state);
  EXPECT_TRUE(state.has_own_definitions);
  settle(state);
  EXPECT_FALSE(state.has_own_definitions);
  EXPECT_EQ(state.provisional, (std::vector<SessionState::Made>{{"pg_temp", "t"}}));
}

TEST(FunctionCall, IsJudgedByOid) {
  const auto catalogue = test_catalogue(SALLYPORT_SOURCE_DIR);
  const auto oid = [&](const char* name) { return catalogue->functions_named(name).at(0)->oid; };
  EXPECT_EQ(model::to_string(understand_call(oid("now"), catalogue.get()).effects), "read");
  EXPECT_EQ(model::to_string(understand_call(oid("shred"), catalogue.get()).effects), "call");
  EXPECT_EQ(model::to_string(understand_call(oid("lo_import"), catalogue.get()).effects), "server");
  EXPECT_EQ(model::to_string(understand_call(oid("set_config"), catalogue.get()).effects), "unknown");
  EXPECT_EQ(model::to_string(understand_call(4242424, catalogue.get()).effects), "unknown");
  EXPECT_EQ(model::to_string(understand_call(1, nullptr).effects), "unknown");
}

TEST(StartUpSettings, AreJudgedAsSet) {
  const auto what = understand_settings({{"application_name", "x"}, {"search_path", "a, b"}});
  EXPECT_EQ(model::to_string(what.effects), "session");
  EXPECT_TRUE(what.statements.at(0).is_housekeeping);
  EXPECT_FALSE(what.statements.at(1).is_housekeeping);
  EXPECT_TRUE(understand_settings({{"client_encoding", "LATIN1"}}).refusal);
  EXPECT_TRUE(understand_settings({{"STANDARD_conforming_strings", "off"}}).refusal);
  EXPECT_FALSE(understand_settings({{"client_encoding", "UTF8"}}).refusal);
  EXPECT_TRUE(understand_settings({{"role", "x"}}).effects.has(model::Effect::privilege));
}

}  // namespace
}  // namespace sallyport::sql
