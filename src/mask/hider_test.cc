#include "mask/hider.h"

#include <gtest/gtest.h>

#include <string>

namespace sallyport::mask {
namespace {

using Kind = policy::MaskWay::Kind;

/// Finds words of `pattern`, and masks them by a mask of that name.
Finders finding(const std::string& name, const std::string& pattern, const std::string& check, Kind kind) {
  auto compiled = Detectors::compile({{.name = name, .patterns = {pattern}, .check = check}});
  EXPECT_TRUE(compiled) << compiled.error().message;
  return {.scanner = std::make_shared<Scanner>(*compiled), .rules = {{.name = name, .way = {.kind = kind}}}};
}

std::shared_ptr<const std::vector<Finders>> two_finders() {
  return std::make_shared<const std::vector<Finders>>(std::vector<Finders>{
      finding("first", "apple[0-9]{3}", "", Kind::redact), finding("second", "[0-9]{3}pear", "", Kind::null)});
}

TEST(Finders, WhatEachFindsInOneValueCounts) {
  std::vector<Hit> hits;
  std::vector<Part> parts;
  const auto finders = two_finders();
  find_parts(*finders, "456pear and apple123", hits, parts);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].mask->name, "second");
  EXPECT_EQ(parts[1].mask->name, "first");
}

TEST(Finders, WhatOverlapsIsOnePartByTheStrongerMask) {
  std::vector<Hit> hits;
  std::vector<Part> parts;
  const auto finders = two_finders();
  find_parts(*finders, "an apple123pear", hits, parts);
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].begin, 3u);
  EXPECT_EQ(parts[0].end, 15u);
  EXPECT_EQ(parts[0].mask->name, "second");
}

TEST(Hider, OverwritesInPlaceAndSaysWhere) {
  const auto hidden = Hider(two_finders()).hide("x apple123 y 456pear");
  ASSERT_TRUE(hidden);
  EXPECT_EQ(hidden->octets, "x ******** y *******");
  ASSERT_EQ(hidden->changes.size(), 2u);
  EXPECT_EQ(hidden->changes[1].begin, 13u);
  EXPECT_EQ(hidden->rules[hidden->changes[1].rule], "second");
  EXPECT_FALSE(Hider(two_finders()).hide("nothing of the kind"));
  EXPECT_EQ(Hider().shown("apple123"), "apple123");
}

/// In a Bind a value stands behind the octets of its length, which may look like the beginning of a word.
TEST(Hider, AValueIsFoundWhateverStandsBesideIt) {
  const auto words = std::make_shared<const std::vector<Finders>>(
      std::vector<Finders>{finding("words", "apple[0-9]{3}", "word", Kind::redact)});
  const std::string value = "apple123", octets = std::string("\0\0\0", 3) + "a" + value;
  EXPECT_FALSE(Hider(words).hide(octets)) << "the value alone is what it is found in";
  const base::View values[] = {value};
  const auto hidden = Hider(words).hide(octets, values);
  ASSERT_TRUE(hidden);
  EXPECT_EQ(hidden->octets, std::string("\0\0\0a********", 12));
}

}  // namespace
}  // namespace sallyport::mask
