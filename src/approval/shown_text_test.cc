#include "approval/shown_text.h"

#include <gtest/gtest.h>

namespace sallyport::approval {
namespace {

using base::operator""_KiB;

TEST(ShownText, OrdinaryTextIsItself) {
  for (const base::View text : {"SELECT 1", "a\n\tb",
                                "SELECT 'Gr\xC3\xBC\xC3\x9F"
                                "e, \xE4\xB8\xAD\xE6\x96\x87'",
                                "\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82", ""}) {
    EXPECT_EQ(shown_text(text), text);
    EXPECT_TRUE(oddities(text).empty()) << text;
  }
}

TEST(ShownText, WhatSteersOrHidesIsWrittenOut) {
  EXPECT_EQ(shown_text("a\x1B[2J"), "a\\u{001B}[2J");
  EXPECT_EQ(shown_text("a\rb"), "a\\u{000D}b");
  EXPECT_EQ(shown_text("\xE2\x80\xAE"
                       "x"),
            "\\u{202E}x");
  EXPECT_EQ(shown_text("\xF3\xA0\x81\x81"), "\\u{E0041}");  // a tag character
  EXPECT_EQ(shown_text(base::View("a\0b", 3)), "a\\u{0000}b");
  EXPECT_EQ(oddities("\x1B"), std::vector<std::string>{"control characters"});
  EXPECT_EQ(oddities("\xE2\x80\x8B"), std::vector<std::string>{"invisible or bidirectional characters"});
}

TEST(ShownText, BrokenOctetsAreShownOneByOne) {
  for (const base::View broken : {"\xFF", "\xC0\xAF", "\xE2\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\x80"}) {
    EXPECT_EQ(oddities(broken), std::vector<std::string>{"not UTF-8"}) << base::to_hex(broken);
    EXPECT_NE(shown_text(broken).find("\\x{"), std::string::npos);
  }
  EXPECT_EQ(shown_text("a\xFF"
                       "b"),
            "a\\x{FF}b");
}

TEST(ShownText, LookAlikesAreTold) {
  EXPECT_EQ(oddities("UPDATE p\xD0\xB0yments"), std::vector<std::string>{"scripts mixed in one word: p\xD0\xB0yments"});
  EXPECT_EQ(oddities("\xEF\xBC\xB5PDATE").size(), 1U);  // a fullwidth letter
  EXPECT_TRUE(oddities("'\xD0\xBC\xD0\xB8\xD1\x80' || 'world'").empty());
}

TEST(ShownText, NothingIsEverCut) {
  const std::string text(64_KiB, 'x');
  EXPECT_EQ(shown_text(text), text);
  for (int octet = 0; octet < 256; ++octet) {
    const std::string one(1, static_cast<char>(octet));
    EXPECT_FALSE(shown_text(one).empty());
    EXPECT_TRUE(base::is_utf8_without_nul(shown_text("a" + one + "b")));
  }
}

model::Parameter parameter(std::uint32_t type, bool is_binary, base::Bytes octets) {
  return {.type = type, .is_binary = is_binary, .octets = octets, .full_size = octets.size()};
}

TEST(ShownValue, AsPeopleReadIt) {
  EXPECT_EQ(shown_value(parameter(23, true, base::Bytes("\0\0\0\7", 4))), "7");
  EXPECT_EQ(shown_value(parameter(20, true, base::Bytes("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFE", 8))), "-2");
  EXPECT_EQ(shown_value(parameter(16, true, base::Bytes("\1", 1))), "true");
  EXPECT_EQ(shown_value(parameter(25, true, "text")), "text");
  EXPECT_EQ(shown_value(parameter(3802, true, "\1{}")), "{}");
  EXPECT_EQ(shown_value(parameter(701, true, base::Bytes("\x3F\xF8\0\0\0\0\0\0", 8))), "1.5");
  EXPECT_EQ(shown_value(parameter(2950, true, base::Bytes("0123456789abcdef"))),
            "30313233-3435-3637-3839-616263646566");
  EXPECT_EQ(shown_value(parameter(0, false, "7")), "7");
  // Of no known form, or of the wrong length: its octets.
  EXPECT_EQ(shown_value(parameter(23, true, "abc")), "\\x616263");
  EXPECT_EQ(shown_value(parameter(0, true, "ab")), "\\x6162");
  EXPECT_EQ(shown_value({.is_null = true}), "NULL");
  EXPECT_EQ(type_name(23), "int4");
  EXPECT_EQ(type_name(0), "unknown");
  EXPECT_EQ(type_name(99999), "type 99999");
}

}  // namespace
}  // namespace sallyport::approval
