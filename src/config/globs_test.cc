#include "config/globs.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/rules.h"

namespace sallyport::config {
namespace {

/// Every text over `alphabet` of at most `most` characters.
std::vector<std::string> texts_over(std::string_view alphabet, std::size_t most) {
  std::vector<std::string> out{""};
  for (std::size_t from = 0, length = 0; length < most; ++length) {
    const std::size_t end = out.size();
    for (; from < end; ++from)
      for (const char c : alphabet) out.push_back(out[from] + c);
  }
  return out;
}

TEST(Globs, AgreeWithWhatTheyMatch) {
  const auto globs = texts_over("ab*?", 3);
  const auto texts = texts_over("abc", 5);
  std::size_t covering = 0, plain = 0;
  for (const auto& one : globs) {
    for (const auto& other : globs) {
      bool is_met = false, is_covered = true;
      for (const auto& text : texts) {
        const bool by_one = policy::glob_matches(one, text), by_other = policy::glob_matches(other, text);
        is_met = is_met || (by_one && by_other);
        is_covered = is_covered && (by_one || !by_other);
      }
      ASSERT_EQ(globs_meet(one, other), is_met) << one << " and " << other;
      if (glob_covers(one, other)) ASSERT_TRUE(is_covered) << one << " over " << other;
      covering += is_covered;
      plain += glob_covers(one, other);
    }
  }
  EXPECT_GT(plain * 10, covering * 9);
}

TEST(Globs, OfColumns) {
  EXPECT_TRUE(column_glob_covers("*.ssn", "public.customers.ssn"));
  EXPECT_TRUE(column_glob_covers("customers.*", "public.customers.ssn"));
  EXPECT_TRUE(column_glob_covers("*.*.ssn", "customers.ssn"));
  EXPECT_FALSE(column_glob_covers("public.customers.ssn", "customers.ssn"));
  EXPECT_FALSE(column_glob_covers("public.*.ssn", "*.ssn"));
  EXPECT_FALSE(column_glob_covers("*.ssn", "*.s?n"));

  EXPECT_TRUE(column_glob_meets_relations("public.customers.ssn", "customers"));
  EXPECT_TRUE(column_glob_meets_relations("*.ssn", "public.*"));
  EXPECT_TRUE(column_glob_meets_relations("public.cust*.ssn", "*.*omers"));
  EXPECT_FALSE(column_glob_meets_relations("public.customers.ssn", "public.orders"));
  EXPECT_FALSE(column_glob_meets_relations("secret.*.*", "public.*"));
}

}  // namespace
}  // namespace sallyport::config
