#include "mask/detector_checks.h"

#include <gtest/gtest.h>

#include <set>

namespace sallyport::mask {
namespace {

TEST(DetectorChecks, Luhn) {
  EXPECT_TRUE(has_luhn_digit("79927398713"));  // the example of ISO/IEC 7812's many descriptions
  for (char c = '0'; c <= '9'; ++c) EXPECT_EQ(has_luhn_digit(std::string("7992739871") + c), c == '3');
  EXPECT_TRUE(is_card_number("4111111111111111"));
  EXPECT_TRUE(is_card_number("378282246310005"));
  EXPECT_FALSE(is_card_number("4222222222222"));         // right by Luhn, and left out: 13 digits
  EXPECT_FALSE(is_card_number("1111111111111117"));      // no scheme begins with 1
  EXPECT_FALSE(is_card_number("41111111111111110010"));  // too long
}

TEST(DetectorChecks, Iban) {
  EXPECT_TRUE(is_iban("DE89370400440532013000"));
  EXPECT_TRUE(is_iban("GB82WEST12345698765432"));
  EXPECT_TRUE(is_iban("NO9386011117947"));
  EXPECT_FALSE(is_iban("DE89370400440532013001"));
  EXPECT_FALSE(is_iban("DE893704004405320130"));
  EXPECT_FALSE(is_iban("ZZ89370400440532013000"));
  EXPECT_FALSE(is_iban("gb82west12345698765432"));
  EXPECT_FALSE(is_iban("BE99175317628858"));  // 99 and 02 have the same rest
  EXPECT_TRUE(is_iban("BE02175317628858"));
  EXPECT_FALSE(is_iban(""));
}

TEST(DetectorChecks, Entropy) {
  EXPECT_EQ(entropy_of(""), 0);
  EXPECT_EQ(entropy_of("aaaa"), 0);
  EXPECT_DOUBLE_EQ(entropy_of("abab"), 1);
  EXPECT_DOUBLE_EQ(entropy_of("0123456789abcdef"), 4);
}

TEST(DetectorChecks, Base62Checksum) {
  const std::string zeros(30, '0');
  EXPECT_TRUE(has_base62_checksum(zeros + "2C8GjS"));  // docs/formats/token.md
  EXPECT_FALSE(has_base62_checksum(zeros + "2C8GjT"));
  EXPECT_FALSE(has_base62_checksum("1" + zeros.substr(1) + "2C8GjS"));
  EXPECT_FALSE(has_base62_checksum(zeros + "2C8Gj"));
  EXPECT_FALSE(has_base62_checksum(zeros.substr(1) + "_2C8GjS"));
}

TEST(DetectorChecks, JoseHeader) {
  EXPECT_TRUE(is_jose_header("eyJhbGciOiJIUzI1NiJ9"));        // {"alg":"HS256"}
  EXPECT_TRUE(is_jose_header("eyAiYWxnIiA6ICJFUzI1NiIgfQ"));  // with spaces
  EXPECT_FALSE(is_jose_header("eyJhbGciOjF9"));               // {"alg":1}
  EXPECT_FALSE(is_jose_header("eyJ0eXAiOiJKV1QifQ"));         // no alg
  EXPECT_FALSE(is_jose_header("eyJhbGciOiJIUzI1NiJ"));        // cut
  EXPECT_FALSE(is_jose_header("WyJhbGciLCJIUzI1NiJd"));       // an array
  EXPECT_FALSE(is_jose_header(""));
  EXPECT_FALSE(is_jose_header("e!Jh"));
  // {"x":[[[[[[[[[[[[ … : nested deeper than anything honest
  std::string deep = "eyJ4Ijpb";
  for (int i = 0; i < 200; ++i) deep += "W1tb";
  EXPECT_FALSE(is_jose_header(deep));
}

TEST(DetectorChecks, Placeholders) {
  for (const char* text : {"", "changeme", "CHANGEME", "<password>", "${X}", "$PASSWORD", "****", "xxxxxx", "aaaa",
                           "your_key", "{{ secret }}", "[masked:a]", "null"})
    EXPECT_TRUE(is_placeholder(text)) << text;
  for (const char* text : {"hunter2", "changeme2026", "$2b$10$abcdefg", "yourmom1", "p<word", "nullable1"})
    EXPECT_FALSE(is_placeholder(text)) << text;
}

TEST(DetectorChecks, Edges) {
  EXPECT_TRUE(has_left_edge("abc", 0));
  EXPECT_TRUE(has_left_edge("-abc", 1));
  EXPECT_TRUE(has_left_edge("_abc", 1));
  EXPECT_FALSE(has_left_edge("xabc", 1));
  EXPECT_TRUE(has_left_edge("\\nabc", 2));
  EXPECT_FALSE(has_left_edge("\\qabc", 2));
  EXPECT_TRUE(has_left_edge("%3Dabc", 3));
  EXPECT_TRUE(has_left_edge("\\u003dabc", 6));
  EXPECT_FALSE(has_left_edge("\\u00zdabc", 6));
  EXPECT_TRUE(has_right_edge("abc", 3));
  EXPECT_TRUE(has_right_edge("abc_", 3));
  EXPECT_FALSE(has_right_edge("abcx", 3));
}

TEST(DetectorChecks, NamesAreUnique) {
  std::set<std::string> seen;
  for (const std::string& name : check_names()) {
    EXPECT_TRUE(seen.insert(name).second) << name;
    EXPECT_NE(check_named(name), nullptr);
  }
  EXPECT_NE(check_named(""), nullptr);
  EXPECT_EQ(check_named("nonsense"), nullptr);
}

// What a match may be is the pattern's business: a check takes any, at any place.
TEST(DetectorChecks, AreTotal) {
  auto names = check_names();
  names.emplace_back();
  for (const std::string& name : names) {
    const DetectorCheck& check = *check_named(name);
    for (const std::string text :
         {"@", "+1", "=", "'", "\\", "12345678901234", "eyJ.", "://@", "a:b@c", "DE89", "\\\"", "%%%"}) {
      for (std::size_t begin = 0; begin < text.size(); ++begin) {
        for (std::size_t end = begin + 1; end <= text.size(); ++end) {
          const std::vector<char> exact(text.begin(), text.end());
          const bool is_anchored = check.from == DetectorCheck::From::match;
          const auto span = check.judge({exact.data(), exact.size()}, {is_anchored ? begin : end, end});
          if (span) EXPECT_LE(span->end, text.size()) << name << " " << text;
        }
      }
    }
  }
}

}  // namespace
}  // namespace sallyport::mask
