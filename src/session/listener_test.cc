#include "session/listener.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "session/indexed_statements.h"
#include "session/read_buffer.h"

namespace sallyport::session {
namespace {

/// One end is given to HalfOpen, the other tells whether it was cut.
struct Pair {
  Pair() { ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends); }
  ~Pair() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  bool is_cut() const {
    char octet;
    return ::recv(ends[1], &octet, 1, MSG_DONTWAIT) == 0;
  }
  int ends[2];
};

TEST(HalfOpen, CutsTheOldestOfTheAddressThatHasTooMany) {
  HalfOpen half_open({.per_address = 2, .total = 10});
  Pair a1, a2, a3, b1;
  half_open.enter("192.0.2.1", a1.ends[0]);
  half_open.enter("192.0.2.2", b1.ends[0]);
  half_open.enter("192.0.2.1", a2.ends[0]);
  EXPECT_FALSE(a1.is_cut());
  half_open.enter("192.0.2.1", a3.ends[0]);
  EXPECT_TRUE(a1.is_cut());
  EXPECT_FALSE(a2.is_cut());
  EXPECT_FALSE(a3.is_cut());
  EXPECT_FALSE(b1.is_cut());
}

TEST(HalfOpen, CutsTheOldestOfAllWhenThereAreTooMany) {
  HalfOpen half_open({.per_address = 10, .total = 2});
  Pair a, b, c;
  half_open.enter("192.0.2.1", a.ends[0]);
  half_open.enter("192.0.2.2", b.ends[0]);
  half_open.enter("192.0.2.3", c.ends[0]);
  EXPECT_TRUE(a.is_cut());
  EXPECT_FALSE(b.is_cut());
}

TEST(HalfOpen, WhoHasShownWhoItIsNoLongerCounts) {
  HalfOpen half_open({.per_address = 1, .total = 1});
  Pair a, b;
  const auto ticket = half_open.enter("192.0.2.1", a.ends[0]);
  half_open.leave(ticket);
  half_open.leave(ticket);
  half_open.enter("192.0.2.1", b.ends[0]);
  EXPECT_FALSE(a.is_cut());
}

TEST(ReadBuffer, GrowsWhileItIsFilledAndShrinksWhenItIsNot) {
  ReadBuffer buffer;
  const auto small = buffer.space().size();
  EXPECT_TRUE(buffer.took(small));
  buffer.consumed();
  const auto large = buffer.space().size();
  EXPECT_GT(large, small);
  EXPECT_FALSE(buffer.took(large / 2));
  buffer.consumed();
  EXPECT_EQ(buffer.space().size(), large);
  EXPECT_FALSE(buffer.took(10));
  buffer.consumed();
  EXPECT_EQ(buffer.space().size(), small);
}

TEST(IndexedStatements, TakesEachTextOnceAndFewOfOneShape) {
  IndexedStatements indexed;
  EXPECT_TRUE(indexed.is_wanted("SELECT 1 FROM t"));
  EXPECT_FALSE(indexed.is_wanted("SELECT 1 FROM t"));
  std::uint32_t taken = 0;
  for (int i = 0; i < 1000; ++i) taken += indexed.is_wanted("SELECT x FROM t WHERE id = " + std::to_string(i)) ? 1 : 0;
  EXPECT_EQ(taken, IndexedStatements::kPerShape);
  EXPECT_TRUE(indexed.is_wanted("SELECT x FROM u WHERE id = 1"));
}

}  // namespace
}  // namespace sallyport::session
