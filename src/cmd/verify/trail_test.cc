#include "cmd/verify/trail.h"

#include <gtest/gtest.h>

#include "cmd/verify/sample_log.h"
#include "cmd/verify/tree.h"

// Trails written by sample_log.h: right ones, damaged ones, and forged ones that are signed all the same.
namespace sallyport::verify {
namespace {

constexpr std::uint64_t kNow = 1'800'000'000'000'000'000;

Report check(MemoryFolder folder, const SampleLog& log, std::vector<Head> heads = {}, bool has_key = true) {
  const auto key = LogKey::parse(log.key_line());
  Report report;
  TrailOptions options{.known_heads = std::move(heads), .now_ns = kNow};
  if (has_key) options.content_key = log.content_key();
  verify_trail(folder, *key, std::move(options), report);
  return report;
}

Head head_of(const SampleLog& log, std::size_t size) {
  Head head{.size = size};
  std::ranges::copy(log.root(size), head.root.begin());
  return head;
}

TEST(Trail, RightAndAnchored) {
  const SampleLog log(60);
  const Report report = check(log.trail(), log, {head_of(log, 7), head_of(log, log.size())});
  EXPECT_EQ(report.verdict(), Verdict::verified) << report.text();
  EXPECT_EQ(report.counts.entries, log.size());
  EXPECT_EQ(report.counts.anchored, log.size());
  EXPECT_EQ(report.counts.known_heads, 2U);
  EXPECT_EQ(report.counts.sessions, 3U);
  EXPECT_EQ(report.counts.open_sessions, 2U);
  EXPECT_EQ(report.counts.not_opened, 0U);
  EXPECT_EQ(report.counts.not_kept, 1U);
  EXPECT_GT(report.counts.payloads, log.size());
  EXPECT_GT(report.counts.segments, 2U);
}

TEST(Trail, WithoutAHeadFromOutsideItIsUnanchored) {
  const SampleLog log(5);
  EXPECT_EQ(check(log.trail(), log).verdict(), Verdict::unanchored);
}

TEST(Trail, EverySizeOfTree) {
  for (std::size_t rounds = 0; rounds < 140; rounds += rounds < 6 ? 1 : 13) {
    const SampleLog log(rounds);
    const Report report = check(log.trail(), log, {head_of(log, log.size())});
    ASSERT_EQ(report.verdict(), Verdict::verified) << rounds << report.text();
  }
}

TEST(Trail, WithoutTheContentKeyItSaysSo) {
  const SampleLog log(9);
  const Report report = check(log.trail(), log, {head_of(log, 4)}, false);
  EXPECT_EQ(report.verdict(), Verdict::verified) << report.text();
  EXPECT_EQ(report.counts.payloads, 0U);
  EXPECT_GT(report.counts.not_opened, 9U);
  EXPECT_NE(report.text().find("NOT OPENED"), std::string::npos);
}

TEST(Trail, WhatIsNotSignedYetIsCounted) {
  const SampleLog log(20);
  const Report report = check(log.trail({.signed_size = 13}), log, {head_of(log, 13)});
  EXPECT_EQ(report.verdict(), Verdict::verified) << report.text();
  EXPECT_EQ(report.counts.unsigned_entries, log.size() - 13);
}

TEST(Trail, TornTailIsCountedAndNoFault) {
  const SampleLog log(20);
  MemoryFolder folder = log.trail({.groups_a_segment = 1000, .signed_size = 13});
  base::Bytes& segment = folder.files["segments/00000000.seg"];
  const auto end = segment.find_last_not_of('\0') / 8 * 8 + 8;
  segment.replace(end, 40, log.frame(0, 2, log.size(), "half a group").substr(0, 30) + base::Bytes(10, 'x'));
  const Report report = check(folder, log, {head_of(log, 13)});
  EXPECT_EQ(report.verdict(), Verdict::verified) << report.text();
  EXPECT_GT(report.counts.not_acknowledged, 10U);
}

TEST(Trail, CutBehindTheCheckpointIsMissing) {
  const SampleLog log(20);
  MemoryFolder folder = log.trail({.groups_a_segment = 1000});
  base::Bytes& segment = folder.files["segments/00000000.seg"];
  const std::size_t used = segment.find_last_not_of('\0');
  for (std::size_t size = 0; size < used; size += 397) {
    MemoryFolder cut = folder;
    cut.files["segments/00000000.seg"].resize(size);
    const Verdict verdict = check(cut, log, {head_of(log, 13)}).verdict();
    EXPECT_TRUE(verdict == Verdict::missing || verdict == Verdict::tampered) << size;
    MemoryFolder wiped = folder;
    wiped.files["segments/00000000.seg"].replace(size, used - size, base::Bytes(used - size, '\0'));
    const Verdict other = check(wiped, log, {head_of(log, 13)}).verdict();
    EXPECT_TRUE(other == Verdict::missing || other == Verdict::tampered) << size;
  }
}

TEST(Trail, EachFileDeletedIsMissing) {
  const SampleLog log(130);
  const MemoryFolder folder = log.trail();
  for (const auto& [name, content] : folder.files) {
    if (name == "segments/reserve" || content.find_first_not_of('\0') == base::Bytes::npos) continue;
    MemoryFolder less = folder;
    less.files.erase(name);
    const Report report = check(less, log, {head_of(log, 7)});
    EXPECT_EQ(report.verdict(), Verdict::missing) << name << "\n" << report.text();
  }
}

TEST(Trail, EachTwoFilesSwappedAreFound) {
  const SampleLog log(130);
  const MemoryFolder folder = log.trail();
  for (const auto& [name, content] : folder.files) {
    for (const auto& [other, other_content] : folder.files) {
      if (name >= other || content == other_content || name == "segments/reserve" || other == "segments/reserve")
        continue;
      MemoryFolder swapped = folder;
      std::swap(swapped.files[name], swapped.files[other]);
      const Report report = check(swapped, log, {head_of(log, 7)});
      EXPECT_TRUE(report.verdict() == Verdict::missing || report.verdict() == Verdict::tampered)
          << name << " " << other;
    }
  }
}

TEST(Trail, FlippedBitsAreFoundAndLocated) {
  const SampleLog log(40);
  const MemoryFolder folder = log.trail();
  std::size_t count = 0, located = 0;
  for (const auto& [name, content] : folder.files) {
    // Zeros behind the frames of the newest segment, spare key records and the reserve cover nothing.
    if (name == "segments/reserve") continue;
    const std::size_t used = content.find_last_not_of('\0') + 1;
    if (used == 0) continue;
    for (std::size_t bit = 0; bit < used * 8; bit += 809) {
      if (name.starts_with("keys/") && content[bit / 8 / 256 * 256] == 0) continue;
      MemoryFolder flipped = folder;
      flipped.files[name][bit / 8] = static_cast<char>(content[bit / 8] ^ (1 << bit % 8));
      const Report report = check(flipped, log, {head_of(log, 7)});
      ++count;
      ASSERT_TRUE(report.verdict() == Verdict::tampered || report.verdict() == Verdict::missing)
          << name << " bit " << bit << "\n"
          << report.text();
      located += report.first()->place.file == name;
    }
  }
  EXPECT_GT(count, 200U);
  EXPECT_GE(located * 100, count * 99) << located << " of " << count;
}

TEST(Trail, RollbackAndFork) {
  const SampleLog log(30);
  const SampleLog other(30, [](std::uint64_t index, Draft& draft) {
    if (index == 9) draft.wall_ns += 1;
  });
  const SampleLog shorter(20);
  EXPECT_EQ(check(log.trail(), log, {head_of(other, other.size())}).verdict(), Verdict::rollback);
  EXPECT_EQ(check(log.trail(), log, {head_of(other, 10)}).verdict(), Verdict::rollback);
  EXPECT_EQ(check(log.trail(), log, {head_of(other, 9)}).verdict(), Verdict::verified);
  // The old checkpoint put back, with and without the newer entries.
  EXPECT_EQ(check(log.trail({.signed_size = 20}), log, {head_of(log, 21)}).verdict(), Verdict::rollback);
  EXPECT_EQ(check(shorter.trail(), log, {head_of(log, log.size())}).verdict(), Verdict::rollback);
}

TEST(Trail, MirrorWithoutSegments) {
  const SampleLog log(150);
  MemoryFolder folder = log.trail();
  std::erase_if(folder.files, [](const auto& file) {
    return file.first.starts_with("segments/") || file.first.starts_with("keys/");
  });
  const auto key = LogKey::parse(log.key_line());
  const auto check_mirror = [&](MemoryFolder& mirror) {
    Report report;
    TrailOptions options{.extent = TrailOptions::Extent::mirror, .known_heads = {head_of(log, 9)}, .now_ns = kNow};
    verify_trail(mirror, *key, std::move(options), report);
    return report;
  };
  const Report report = check_mirror(folder);
  EXPECT_EQ(report.verdict(), Verdict::verified) << report.text();
  EXPECT_EQ(report.counts.entries, log.size());
  for (const auto& [name, content] : folder.files) {
    MemoryFolder less = folder;
    less.files.erase(name);
    EXPECT_EQ(check_mirror(less).verdict(), Verdict::missing) << name;
    for (std::size_t bit = 0; bit < content.size() * 8; bit += 4007) {
      MemoryFolder flipped = folder;
      flipped.files[name][bit / 8] = static_cast<char>(content[bit / 8] ^ (1 << bit % 8));
      EXPECT_EQ(check_mirror(flipped).verdict(), Verdict::tampered) << name << " " << bit;
    }
  }
}

/// Each is written by who holds all the keys, and signed: only the meaning of the entries gives it away.
TEST(Forged, IsFoundThoughSigned) {
  struct Case {
    const char* what;
    SampleLog::Forger forge;
    Verdict verdict = Verdict::tampered;
  };
  const auto at = [](std::uint64_t which, std::function<void(Draft&)> change) {
    return [=](std::uint64_t index, Draft& draft) {
      if (index == which) change(draft);
    };
  };
  const std::size_t close = SampleLog(20).size() - 2;
  const Case cases[] = {
      {"a gap in seq", at(8, [](Draft& d) { d.seq += 1; })},
      {"seq twice", at(8, [](Draft& d) { d.seq -= 1; })},
      {"another prev", at(8, [](Draft& d) { d.previous[0] ^= 1; })},
      {"an event behind the end", at(close, [](Draft& d) { d.name = 'b'; }), Verdict::tampered},
      {"another count at the end", at(close, [](Draft& d) { d.end->first -= 1; })},
      {"another head at the end", at(close, [](Draft& d) { d.end->second[5] ^= 1; })},
      {"rules that do not exist", at(8, [](Draft& d) { d.rule_set = 5; })},
      {"rules from the future", at(8, [](Draft& d) { d.rule_set = 1000; })},
      {"other rules than meta names", at(8, [](Draft& d) { d.rules = "writers"; })},
      {"a session that does not begin", at(2, [](Draft& d) { d.type = "gap"; })},
      {"a session that begins twice", at(9,
                                         [](Draft& d) {
                                           d.type = "session_open";
                                           d.slots[0].reset();
                                           d.direction = 2;
                                         })},
      {"another key id", at(9, [](Draft& d) { d.key = 1 - d.key; })},
      {"another protocol", at(9, [](Draft& d) { d.protocol = 2; })},
      {"a type that is none", at(9, [](Draft& d) { d.type = "respond"; })},
      {"a direction that is not the type's", at(9, [](Draft& d) { d.direction = 0; })},
      {"masked octets without raw", at(9,
                                       [](Draft& d) {
                                         d.slots[1] = "x";
                                         d.slots[0].reset();
                                       })},
      {"meta that is no map", at(9, [](Draft& d) { d.slots[2] = "\x80"; })},
      {"meta that is not deterministic", at(9, [](Draft& d) { d.slots[2] = "\xb8\x01\x61\x61\x01"; })},
      {"a map beyond raw", at(7, [](Draft& d) { d.slots[3] = base::Bytes("\x81\x84\x05\x05\x04\x61x", 7); })},
      {"log_start of another log", at(0, [](Draft& d) { (*d.slots[2])[10] ^= 1; })},
      {"a clock that goes back", at(9, [](Draft& d) { d.mono_ns = 1; }), Verdict::time},
      {"a clock far ahead", at(9, [](Draft& d) { d.wall_ns = kNow + 2 * 86'400'000'000'000ULL; }), Verdict::time},
  };
  for (const Case& one : cases) {
    const SampleLog log(20, one.forge);
    const Report report = check(log.trail(), log, {head_of(log, log.size())});
    EXPECT_EQ(report.verdict(), one.verdict) << one.what << "\n" << report.text();
  }
}

TEST(Frames, DeletedDoubledAndSwapped) {
  const SampleLog log(6);
  const MemoryFolder folder = log.trail({.groups_a_segment = 1000});
  const base::Bytes& segment = folder.files.at("segments/00000000.seg");
  std::vector<std::pair<std::size_t, std::size_t>> frames;  // offset, size
  for (std::size_t at = 0; base::load_big<std::uint32_t>(segment.data() + at) != 0;) {
    const std::size_t size = (16 + base::load_big<std::uint32_t>(segment.data() + at) + 4 + 7) / 8 * 8;
    frames.emplace_back(at, size);
    at += size;
  }
  const auto built = [&](const std::vector<std::size_t>& order) {
    base::Bytes out;
    for (const std::size_t i : order) out += segment.substr(frames[i].first, frames[i].second);
    out.resize(std::max(out.size() + 64, segment.size()));
    return out;
  };
  const auto expect_found = [&](const std::vector<std::size_t>& order, const std::string& what) {
    MemoryFolder changed = folder;
    changed.files["segments/00000000.seg"] = built(order);
    const Report report = check(changed, log, {head_of(log, 3)});
    EXPECT_TRUE(report.verdict() == Verdict::tampered || report.verdict() == Verdict::missing) << what << report.text();
  };
  std::vector<std::size_t> all(frames.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  EXPECT_EQ(built(all), segment);
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto less = all;
    less.erase(less.begin() + static_cast<long>(i));
    expect_found(less, "without frame " + std::to_string(i));
    auto more = all;
    more.insert(more.begin() + static_cast<long>(i), i);
    expect_found(more, "frame twice " + std::to_string(i));
    if (i + 1 < all.size()) {
      auto swapped = all;
      std::swap(swapped[i], swapped[i + 1]);
      expect_found(swapped, "swapped with the next " + std::to_string(i));
    }
  }
}

TEST(Keys, ADestroyedRecordIsMissing) {
  const SampleLog log(12);
  MemoryFolder folder = log.trail();
  folder.files["keys/00000000.keys"].replace(256, 256, base::Bytes(256, '\0'));
  const Report report = check(folder, log, {head_of(log, 3)});
  EXPECT_EQ(report.verdict(), Verdict::missing) << report.text();
}

}  // namespace
}  // namespace sallyport::verify
