#include "proto/postgres/own.h"

#include <gtest/gtest.h>

namespace sallyport::proto::postgres {
namespace {

using base::View;

TEST(Own, QueryAndCancelAreAsTheManualSays) {
  EXPECT_EQ(base::to_hex(encode_query("SELECT 1")), "510000000d53454c454354203100");
  EXPECT_EQ(base::to_hex(encode_cancel_request(0x01020304, 0xA0B0C0D0)), "0000001004d2162e01020304a0b0c0d0");
  EXPECT_EQ(base::to_hex(encode_ssl_request()), "0000000804d2162f");
}

const base::Bytes kRow("D\0\0\0\x13\0\3\0\0\0\1a\xFF\xFF\xFF\xFF\0\0\0\0", 20);

TEST(Own, RowsTellNullFromEmpty) {
  const auto rows = decode_text_rows(base::Bytes("C\0\0\0\6T\0", 7) + kRow);
  ASSERT_TRUE(rows.has_value());
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_EQ(rows->front(), (std::vector<std::optional<std::string>>{"a", std::nullopt, ""}));
}

TEST(Own, EveryTruncationIsAnErrorAndNothingMore) {
  for (std::size_t size = 1; size < kRow.size(); ++size) {
    EXPECT_FALSE(decode_text_rows(View(kRow).substr(0, size)).has_value()) << size;
    // A frame that claims to be shorter than its cells.
    base::Bytes shorter = kRow.substr(0, size);
    if (size < 5) continue;
    shorter[4] = static_cast<char>(size - 1);
    const auto rows = decode_text_rows(shorter);
    if (rows) EXPECT_LE(rows->size(), 1U);
    if (size < kRow.size()) EXPECT_FALSE(rows.has_value()) << size;
  }
  EXPECT_FALSE(decode_text_rows(base::Bytes("E\0\0\0\5\0", 6)).has_value());
}

}  // namespace
}  // namespace sallyport::proto::postgres
