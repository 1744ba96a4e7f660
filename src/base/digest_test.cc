#include "base/digest.h"

#include <gtest/gtest.h>

#include "base/secret.h"

namespace sallyport::base {
namespace {

TEST(Digest, Sha256OfKnownMessage) {
  // FIPS 180-4 example.
  EXPECT_EQ(to_hex(view(sha256("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 reused;
  reused.update("x").finish();
  EXPECT_EQ(reused.update("a").update("bc").finish(), sha256("abc"));
}

TEST(Digest, HmacOfRfc4231) {
  HmacSha256 mac("Jefe");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(to_hex(view(mac.sign("what do ya want for nothing?"))),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  }
}

TEST(Digest, Crc32cOfRfc3720) {
  EXPECT_EQ(crc32c(Bytes(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c("6789", crc32c("12345")), 0xE3069283U);
}

TEST(Digest, Base64IsStrict) {
  EXPECT_EQ(to_base64("hello"), "aGVsbG8=");
  EXPECT_EQ(from_base64("aGVsbG8="), "hello");
  EXPECT_EQ(from_base64("aGVsbG9="), "");  // bits behind the last octet
  for (const char* wrong : {"aGVsbG8", "aGVs=G8=", " aGVsbG8=", "a===", "aGVsb*8="})
    EXPECT_EQ(from_base64(wrong), "") << wrong;
}

TEST(Bytes, Utf8) {
  EXPECT_TRUE(is_utf8_without_nul("plain ascii text, long enough for words"));
  EXPECT_TRUE(is_utf8_without_nul("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x94\x91"));
  for (const View wrong :
       {View("\xC0\xAF", 2), View("\xED\xA0\x80", 3), View("\xF4\x90\x80\x80", 4), View("\xE2\x82", 2),
        View("abcdefg\0h", 9), View("\x80", 1), View("\xFF", 1), View("12345678\0", 9)})
    EXPECT_FALSE(is_utf8_without_nul(wrong)) << to_hex(wrong);
}

TEST(Secret, IsWipedWhenMovedFrom) {
  Secret a("short"), b(std::move(a));
  EXPECT_TRUE(a.is_empty());  // NOLINT: the moved-from state is the point
  EXPECT_EQ(b.reveal(), "short");
}

}  // namespace
}  // namespace sallyport::base
