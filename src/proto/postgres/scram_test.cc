#include "proto/postgres/scram.h"

#include <gtest/gtest.h>

namespace sallyport::proto::postgres {
namespace {

using base::Bytes;
using base::Secret;

/// What a client with that password answers to a server with that salt.
Bytes answer(const char* password, const char* salt, ScramKeys* kept) {
  ScramClient client(ScramClient::Binding::none, {}, "eighteen octets!!!");
  const Bytes nonce = client.first().substr(client.first().find("r=") + 2);
  auto done = client.answer("r=" + nonce + "more,s=" + base::to_base64(salt) + ",i=4096", Secret(password), kept);
  return done ? *done : Bytes();
}

TEST(ScramKeys, ChangeNoAnswer) {
  ScramKeys kept;
  const Bytes fresh = answer("pencil", "salt", nullptr);
  ASSERT_NE(fresh.find(",p="), Bytes::npos);
  EXPECT_EQ(answer("pencil", "salt", &kept), fresh);
  EXPECT_EQ(answer("pencil", "salt", &kept), fresh);
  EXPECT_EQ(kept.size(), 1U);
}

TEST(ScramKeys, AreThoseOfThePasswordAndTheSalt) {
  ScramKeys kept;
  const Bytes one = answer("pencil", "salt", &kept);
  EXPECT_NE(answer("eraser", "salt", &kept), one);
  EXPECT_NE(answer("pencil", "pepper", &kept), one);
  // The same octets, cut elsewhere.
  EXPECT_NE(answer("tpencil", "sal", &kept), one);
  EXPECT_EQ(kept.size(), 4U);
}

TEST(ScramKeys, AreFewHoweverManySaltsATargetMakesUp) {
  ScramKeys kept(2);
  for (const char* salt : {"a", "b", "c", "d", "e"}) answer("pencil", salt, &kept);
  EXPECT_LE(kept.size(), 2U);
}

}  // namespace
}  // namespace sallyport::proto::postgres
