#include "audit/changes.h"

#include <gtest/gtest.h>

#include <random>

namespace sallyport::audit {
namespace {

using List = std::vector<mask::Change>;

struct Piece {
  Cut from, to;
  List changes;
};

std::vector<Piece> pieces_of(const List& changes, Cut end, std::size_t most) {
  std::vector<Piece> pieces;
  for (Cut at{}; at.raw < end.raw || pieces.empty();) {
    const Cut to = next_cut(changes, at, end, most);
    pieces.push_back({at, to, changes_between(changes, at, to)});
    at = to;
  }
  return pieces;
}

/// Each change is told once, whole, and where it is; no piece is larger than it must be.
void check(const List& changes, std::size_t raw, std::size_t most) {
  std::size_t masked = raw, told = 0;
  for (const auto& change : changes) masked = masked - change.size + change.masked_size;
  Cut expected{};
  for (const Piece& piece : pieces_of(changes, {raw, masked, 0}, most)) {
    ASSERT_EQ(piece.from.raw, expected.raw);
    ASSERT_EQ(piece.from.masked, expected.masked);
    ASSERT_LE(piece.to.masked, masked);
    std::size_t drift = 0, largest = 0;
    for (const auto& change : piece.changes) {
      EXPECT_EQ(change.begin + piece.from.raw, changes[told].begin);
      EXPECT_LE(change.begin + change.size, piece.to.raw - piece.from.raw);
      drift += change.masked_size - change.size;
      largest = std::max({largest, change.size, change.masked_size});
      ++told;
    }
    EXPECT_EQ(piece.to.masked - piece.from.masked, piece.to.raw - piece.from.raw + drift);
    EXPECT_LE(piece.to.raw - piece.from.raw, most + largest);
    expected = piece.to;
  }
  EXPECT_EQ(told, changes.size());
  EXPECT_EQ(expected.raw, raw);
  EXPECT_EQ(expected.masked, masked);
}

TEST(Changes, AValueWithoutOctetsIsToldOnceWhereAnEventEnds) {
  check({{.begin = 10, .size = 0, .masked_size = 100}, {.begin = 12, .size = 0, .masked_size = 100}}, 20, 100);
  check({{.begin = 0, .size = 0, .masked_size = 200}}, 5, 100);
  check({{.begin = 5, .size = 0, .masked_size = 200}}, 5, 100);
  check({}, 0, 100);
}

TEST(Changes, AnyOfThemAreDividedWithoutLoss) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    List changes;
    std::size_t at = random() % 20;
    for (unsigned count = random() % 12; count > 0; --count) {
      const std::size_t size = random() % 3 == 0 ? 0 : random() % 40;
      changes.push_back({.begin = at, .size = size, .masked_size = random() % 40});
      at += size + random() % 30;
    }
    check(changes, at + random() % 30, 1 + random() % 50);
  }
}

TEST(Changes, WhatIsHiddenInPlaceIsCutWhereTheOctetsAre) {
  const List changes{{.begin = 90, .size = 30, .masked_size = 30}};
  const auto first = changes_within(changes, 0, 100), second = changes_within(changes, 100, 100);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].begin, 90u);
  EXPECT_EQ(first[0].size, 10u);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].begin, 0u);
  EXPECT_EQ(second[0].masked_size, 20u);
  EXPECT_TRUE(changes_within(changes, 200, 100).empty());
}

}  // namespace
}  // namespace sallyport::audit
