#include "policy/pattern.h"

#include <gtest/gtest.h>

namespace sallyport::policy {
namespace {

TEST(Pattern, SaysWhatIsWrongWithAnExpression) {
  EXPECT_FALSE(Pattern::compile("a(b"));
  EXPECT_FALSE(Pattern::compile(R"((a)\1)"));
  EXPECT_FALSE(Pattern::compile("a(?=b)"));
  EXPECT_NE(Pattern::compile("a(b").error().message.find("missing )"), std::string::npos);
}

TEST(Pattern, IsFoundAnywhere) {
  const auto pattern = *Pattern::compile("pg_sleep.*9");
  EXPECT_TRUE(pattern.is_found_in("SELECT pg_sleep(\n9)"));
  EXPECT_FALSE(pattern.is_found_in("SELECT PG_SLEEP(9)"));
  EXPECT_TRUE((*Pattern::compile("(?i)pg_sleep")).is_found_in("SELECT PG_SLEEP(9)"));
}

TEST(Pattern, MatchesTheWholeText) {
  const auto pattern = *Pattern::compile(R"(SELECT \* FROM orders WHERE id = \d+)");
  EXPECT_TRUE(pattern.matches_whole("SELECT * FROM orders WHERE id = 7"));
  EXPECT_TRUE(pattern.matches_whole("SELECT * FROM orders WHERE id = 7 ;\n"));
  EXPECT_FALSE(pattern.matches_whole("SELECT * FROM orders WHERE id = 7;;"));
  EXPECT_FALSE(pattern.matches_whole("SELECT * FROM orders WHERE id = 7; DROP TABLE orders"));
  EXPECT_TRUE(pattern.matches_whole(" SELECT * FROM orders WHERE id = 7"));
  EXPECT_FALSE((*Pattern::compile("a|b")).matches_whole("ab"));
}

TEST(Pattern, TakesTimeLinearInTheText) {
  const auto pattern = *Pattern::compile("(a*)*b");
  EXPECT_FALSE(pattern.is_found_in(std::string(60000, 'a')));
}

}  // namespace
}  // namespace sallyport::policy
