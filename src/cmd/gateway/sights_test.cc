#include "cmd/gateway/sights.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/digest.h"
#include "proto/postgres/cells.h"

namespace sallyport::cmd {
namespace {

using base::Bytes;

Bytes frame(char type, const Bytes& body) {
  Bytes out(1, type);
  base::append_big<std::uint32_t>(out, static_cast<std::uint32_t>(body.size() + 4));
  return out + body;
}

Bytes described(std::uint32_t table, std::uint16_t attribute) {
  Bytes body;
  base::append_big<std::uint16_t>(body, 1);
  body += Bytes("c\0", 2);
  base::append_big<std::uint32_t>(body, table);
  base::append_big<std::uint16_t>(body, attribute);
  base::append_big<std::uint32_t>(body, 25);
  base::append_big<std::uint16_t>(body, 0xFFFF);
  base::append_big<std::uint32_t>(body, 0xFFFFFFFF);
  base::append_big<std::uint16_t>(body, 0);
  return frame('T', body);
}

Bytes row(const Bytes& value) {
  Bytes out;
  const model::Cell cell{.octets = value};
  proto::postgres::result_format().append_row({&cell, 1}, out);
  return out;
}

/// Answers Command 7 with one column of one row, and gives what the client sees of the row.
Bytes shown(mask::Masker& masker, const Bytes& description, const Bytes& value) {
  using Kind = model::Section::Kind;
  model::Reply reply{.op = 1};
  reply.wire = description + row(value);
  if (!description.empty())
    reply.sections.push_back({.kind = Kind::description, .command = 7, .begin = 0, .end = description.size()});
  reply.sections.push_back({.kind = Kind::rows, .command = 7, .begin = description.size(), .end = reply.wire.size()});
  const auto masked = masker.mask(std::move(reply));
  EXPECT_TRUE(masked);
  return masked ? masked->reply().wire.substr(description.size()) : Bytes();
}

/// One column that was understood to be column 2 of table 20000, which no mask is about.
std::shared_ptr<const policy::MaskPlan> plan_of_clear() {
  auto what = std::make_shared<model::Understanding>();
  what->lineage.columns.push_back(
      {.schema = "public", .relation = "people", .column = "name", .relation_oid = 20000, .number = 2});
  what->lineage.statements.push_back({.results = {{.origin = {.from = {0}}, .is_plain = true, .type = 25}}});
  const auto masks = policy::TargetMasks::of({{.name = "pii", .columns = {"people.email"}}}, {.name = "shop"});
  return masks->plan(what);
}

mask::Masker masker_of(std::shared_ptr<const policy::MaskPlan> plan) {
  mask::Masker masker({.has_column_masks = true, .format = &proto::postgres::result_format()});
  if (plan) masker.expect(7, std::move(plan));
  return masker;
}

TEST(Masking, WhatWasUnderstoodAndIsDescribedSoIsClear) {
  auto masker = masker_of(plan_of_clear());
  EXPECT_EQ(shown(masker, described(20000, 2), "ada"), row("ada"));
}

TEST(Masking, WhatIsDescribedOtherwiseIsMasked) {
  for (const auto& description : {described(20000, 3), described(20001, 2), described(1259, 2)}) {
    auto masker = masker_of(plan_of_clear());
    EXPECT_EQ(shown(masker, description, "ada"), row("[masked:untraced]"));
  }
}

TEST(Masking, WithoutAPlanEverythingIsMasked) {
  auto masker = masker_of(nullptr);
  EXPECT_EQ(shown(masker, described(0, 0), "ada"), row("[masked:untraced]"));
}

TEST(Masking, WithoutADescriptionAMaskedValueIsNull) {
  auto masker = masker_of(nullptr);
  Bytes null;
  const model::Cell cell{.is_null = true};
  proto::postgres::result_format().append_row({&cell, 1}, null);
  EXPECT_EQ(shown(masker, {}, "ada"), null);
}

TEST(Masking, ARowOfAnotherWidthIsMasked) {
  auto masker = masker_of(plan_of_clear());
  Bytes two;
  const model::Cell cells[] = {{.octets = "ada"}, {.octets = "bob"}};
  proto::postgres::result_format().append_row(cells, two);
  model::Reply reply{.op = 1};
  reply.wire = two;
  reply.sections.push_back({.kind = model::Section::Kind::rows, .command = 7, .begin = 0, .end = two.size()});
  const auto masked = masker.mask(std::move(reply));
  ASSERT_TRUE(masked);
  EXPECT_EQ(masked->reply().wire.find("ada"), Bytes::npos);
  EXPECT_EQ(masked->reply().wire.find("bob"), Bytes::npos);
  EXPECT_EQ(masked->changes().size(), 2u);
}

TEST(Credential, IsFoundInEveryCommonEncoding) {
  const std::string password = "correct horse battery";
  const auto detectors = detectors_of(base::Secret(std::string(password)));
  ASSERT_TRUE(detectors);
  mask::Scanner scanner(detectors);
  std::vector<mask::Hit> hits;
  for (const std::string& text : {password, "a " + password + " b", base::to_hex(password), base::to_base64(password),
                                  base::to_base64("x" + password), base::to_base64("xy" + password + "z"),
                                  std::string("correct%20horse%20battery")}) {
    scanner.scan(text, hits);
    EXPECT_EQ(hits.size(), 1u) << text;
    EXPECT_TRUE(scanner.may_hit(text)) << text;
  }
  scanner.scan("correct horse", hits);
  EXPECT_TRUE(hits.empty());
}

TEST(Credential, TooShortToBeToldFromOtherTextIsNotLookedFor) {
  EXPECT_EQ(detectors_of(base::Secret("abcd")), nullptr);
  EXPECT_EQ(detectors_of(base::Secret("")), nullptr);
}

}  // namespace
}  // namespace sallyport::cmd
