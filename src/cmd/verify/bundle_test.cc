#include "cmd/verify/bundle.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "cmd/verify/sample_log.h"

// Bundles written by sample_log.h. SALLYPORT_ALL_FLIPS=1 flips every bit of the 64 KiB one and cuts at every octet;
// without it one in 2,039 and one in 61 (primes, so that all places in octets and records come).
namespace sallyport::verify {
namespace {

constexpr std::uint64_t kNow = 1'800'000'000'000'000'000;

Report check(base::View archive, const SampleLog& log, const std::vector<Head>& heads = {}) {
  const auto key = LogKey::parse(log.key_line());
  MemorySource source(archive);
  Report report;
  verify_bundle(source, *key, heads, kNow, report);
  return report;
}

Head head_of(const SampleLog& log, std::size_t size) {
  Head head{.size = size};
  std::ranges::copy(log.root(size), head.root.begin());
  return head;
}

bool is_long_run() { return std::getenv("SALLYPORT_ALL_FLIPS") != nullptr; }

bool is_found(const Report& report) {
  return report.verdict() == Verdict::tampered || report.verdict() == Verdict::missing;
}

TEST(Bundle, Right) {
  for (const std::size_t rounds : {0, 1, 60, 126, 127, 300}) {
    const SampleLog log(rounds);
    for (const char* const names : {"", "a", "b", "ab", "abg"}) {
      const Report report = check(log.bundle(names), log, {head_of(log, log.size())});
      EXPECT_EQ(report.verdict(), Verdict::verified) << rounds << names << report.text();
      EXPECT_EQ(check(log.bundle(names), log).verdict(), Verdict::unanchored);
      if (rounds == 60 && std::string(names) == "ab") EXPECT_GT(report.counts.payloads, 120U);
    }
  }
}

TEST(Bundle, KnownHeads) {
  const SampleLog log(150), other(150, [](std::uint64_t index, Draft& draft) { draft.wall_ns += index == 9; });
  EXPECT_EQ(check(log.bundle("a"), log, {head_of(other, other.size())}).verdict(), Verdict::rollback);
  // All tiles of level 0 are in this one, so a smaller head can be compared.
  EXPECT_EQ(check(log.bundle("a"), log, {head_of(log, 20)}).verdict(), Verdict::verified);
  EXPECT_EQ(check(log.bundle("a"), log, {head_of(other, 20)}).verdict(), Verdict::rollback);
  // A head newer than the bundle says nothing about it.
  const Report newer = check(log.bundle("a"), log, {Head{.size = 5000}});
  EXPECT_EQ(newer.verdict(), Verdict::unanchored);
  EXPECT_EQ(newer.counts.heads_not_comparable, 1U);
}

TEST(Bundle, FlippedBitsAreFoundAndLocated) {
  const SampleLog log(60);
  base::Bytes archive = log.bundle("a");
  ASSERT_GT(archive.size(), 60'000U);
  const std::size_t step = is_long_run() ? 1 : 2039;
  // Which member each octet belongs to, header and padding included.
  std::vector<std::pair<std::size_t, std::string>> starts;
  for (std::size_t at = 0; at + 1024 < archive.size();) {
    const std::size_t size = std::strtoull(archive.data() + at + 124, nullptr, 8);
    starts.emplace_back(at, archive.data() + at);
    at += 512 + (size + 511) / 512 * 512;
  }
  starts.emplace_back(archive.size() - 1024, "archive");
  std::size_t count = 0, located = 0, member = 0;
  for (std::size_t bit = 0; bit < archive.size() * 8; bit += step) {
    while (member + 1 < starts.size() && starts[member + 1].first <= bit / 8) ++member;
    archive[bit / 8] = static_cast<char>(archive[bit / 8] ^ (1 << bit % 8));
    const Report report = check(archive, log, {head_of(log, log.size())});
    archive[bit / 8] = static_cast<char>(archive[bit / 8] ^ (1 << bit % 8));
    ++count;
    ASSERT_TRUE(is_found(report)) << starts[member].second << " bit " << bit << "\n" << report.text();
    located += report.first()->place.file == starts[member].second;
  }
  std::printf("bit flips: %zu found of %zu, %zu in the right member\n", count, count, located);
  EXPECT_GE(located * 100, count * 99);
}

TEST(Bundle, EveryTruncation) {
  const SampleLog log(4);
  const base::Bytes archive = log.bundle("ab");
  for (std::size_t size = 0; size < archive.size(); size += is_long_run() ? 1 : 61) {
    ASSERT_TRUE(is_found(check(base::View(archive).substr(0, size), log))) << size;
  }
  EXPECT_TRUE(is_found(check(archive + base::Bytes(1, '\0'), log)));
  EXPECT_TRUE(is_found(check(archive + base::Bytes(512, '\0'), log)));
}

TEST(Bundle, MembersDeletedSwappedAddedWithAManifestThatAgrees) {
  const SampleLog log(130);
  const auto members = log.members("ab");
  for (const auto& [name, content] : members) {
    auto less = members;
    less.erase(name);
    // Who drops a whole session, or a session's file with its entries, has made another bundle.
    if (!name.starts_with("sessions/")) EXPECT_TRUE(is_found(check(SampleLog::archive(less), log))) << name;
    auto shorter = members;
    shorter[name].pop_back();
    EXPECT_TRUE(is_found(check(SampleLog::archive(shorter), log))) << name;
    auto longer = members;
    longer[name].push_back('\0');
    EXPECT_TRUE(is_found(check(SampleLog::archive(longer), log))) << name;
    for (const auto& [other, other_content] : members) {
      if (name >= other) continue;
      auto swapped = members;
      std::swap(swapped[name], swapped[other]);
      EXPECT_TRUE(is_found(check(SampleLog::archive(swapped), log))) << name << " " << other;
    }
  }
  for (const char* const name : {"tile/0/004", "tile/entries/009", "tile/7/000", "notes", "sessions/x", "tile/0/../000",
                                 "sessions/00000000000000000000000000000000"}) {
    auto more = members;
    more[name] = "x";
    EXPECT_TRUE(is_found(check(SampleLog::archive(more), log))) << name;
  }
}

TEST(Bundle, MembersDeletedOrDoubledInTheArchiveOnly) {
  const SampleLog log(10);
  const base::Bytes archive = log.bundle("ab");
  for (std::size_t at = 0; at + 1024 < archive.size();) {
    const std::size_t size = std::strtoull(archive.data() + at + 124, nullptr, 8);
    const std::size_t end = at + 512 + (size + 511) / 512 * 512;
    EXPECT_TRUE(is_found(check(archive.substr(0, at) + archive.substr(end), log))) << at;
    EXPECT_TRUE(is_found(check(archive.substr(0, end) + archive.substr(at), log))) << at;
    at = end;
  }
}

TEST(Bundle, ItemsOfASessionDeletedOrDoubled) {
  const SampleLog log(10);
  auto members = log.members("a");
  for (auto& [name, content] : members) {
    if (!name.starts_with("sessions/")) continue;
    const base::Bytes whole = content;
    // An item begins with 0x84 and a small seq; cutting anywhere else is malformed, which must be found as well.
    for (std::size_t from = 0; from < whole.size(); from += 61) {
      for (const std::size_t length : {1, 7, 40, 90}) {
        content = whole.substr(0, from) + whole.substr(std::min(whole.size(), from + length));
        if (content != whole) EXPECT_TRUE(is_found(check(SampleLog::archive(members), log))) << from << " " << length;
        content = whole.substr(0, std::min(whole.size(), from + length)) + whole.substr(from);
        EXPECT_TRUE(is_found(check(SampleLog::archive(members), log))) << from << " " << length;
      }
    }
    content = whole;
  }
}

TEST(Bundle, AnotherKeyIsTampered) {
  const SampleLog log(3);
  const auto key = LogKey::parse("example.org/gate+e151caf9+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4");
  const base::Bytes archive = log.bundle("a");
  MemorySource source(archive);
  Report report;
  verify_bundle(source, *key, {}, kNow, report);
  EXPECT_EQ(report.verdict(), Verdict::tampered);
}

}  // namespace
}  // namespace sallyport::verify
