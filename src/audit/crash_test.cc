// What the trail promises when the machine stops at any moment, and when the disk fails at any call.
#include <atomic>
#include <set>

#include "audit/audit_testing.h"
#include "audit/cbor.h"
#include "audit/simulated_disk.h"
#include "audit/tiles.h"

namespace sallyport::audit {
namespace {

using namespace testing;

constexpr const char* kData = "/data";

TrailOptions options_on(SimulatedDisk& disk) {
  TrailOptions options;
  options.data_folder = kData;
  options.origin = "test/gate";
  options.segment_octets = 1 << 16;
  options.checkpoint_interval = std::chrono::milliseconds(2);
  options.files = &disk;
  return options;
}

/// What a client of the trail was told is durable: session and seq.
struct Acknowledged {
  std::set<std::pair<base::Bytes, std::uint64_t>> events;
  std::uint64_t forwarded = 0;  // requests that a target would have seen
  bool was_refused = false;
};

boost::asio::awaitable<void> converse(Trail& trail, Lane& lane, int count, std::size_t size, Acknowledged& told) {
  try {
    Recorder recorder(trail, lane, Durability::strict);
    const base::Bytes session(recorder.session());
    co_await recorder.open(somebody());
    std::uint64_t seq = 0;
    told.events.emplace(session, seq++);
    for (int i = 0; i < count; ++i) {
      const auto op = static_cast<std::uint64_t>(i);
      std::vector<policy::Decided> batch;
      batch.push_back(decided(op, "SELECT " + std::string(size, 'x')));
      co_await recorder.durable(recorder.append_requests(std::move(batch)));
      told.events.emplace(session, seq++);
      ++told.forwarded;
      std::vector<mask::Masked> replies;
      replies.push_back(reply(op, std::string(size, 'y')));
      co_await recorder.durable(recorder.append_replies(std::move(replies)));
      told.events.emplace(session, seq++);
    }
    co_await recorder.close("done");
  } catch (const Unavailable&) {
    told.was_refused = true;
  }
}

/// Opens the trail, converses, closes. False: it could not be opened because the disk failed.
bool work(SimulatedDisk& disk, Acknowledged& told, int sessions, int count, std::size_t size) {
  auto trail = Trail::open(options_on(disk));
  if (!trail) {
    EXPECT_EQ(trail.error().code, base::Code::unavailable) << trail.error().message;
    return false;
  }
  boost::asio::io_context io(1);
  Lane lane(**trail, io.get_executor());
  for (int i = 0; i < sessions; ++i) {
    boost::asio::co_spawn(io, converse(**trail, lane, count, size, told), boost::asio::detached);
  }
  io.run();
  return true;
}

std::string line_of(SimulatedDisk& disk) {
  base::Bytes line = disk.read_whole(std::string(kData) + "/trail/log.vkey", 4096);
  if (line.ends_with('\n')) line.pop_back();
  return line;
}

void expect_all(const Reading& reading, const Acknowledged& told) {
  for (const auto& [session, seq] : told.events) {
    const auto chain = reading.chains.find(std::string(session));
    ASSERT_TRUE(chain != reading.chains.end()) << "an acknowledged session is lost";
    ASSERT_LT(seq, chain->second.size()) << "an acknowledged event is lost";
  }
}

TEST(Crash, AtAnyCallNothingAcknowledgedIsLost) {
  std::mt19937_64 random(20260101);
  std::uint64_t calls = 0;
  {
    SimulatedDisk disk;
    Acknowledged told;
    work(disk, told, 3, 12, 900);
    calls = disk.calls();
  }
  const int rounds = 120;
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    SimulatedDisk first;
    const std::uint64_t last_call = 1 + random() % calls;
    const auto die_at = [](SimulatedDisk& disk, std::uint64_t number) {
      disk.set_fault([number](SimulatedDisk::Call, std::uint64_t at, const std::string&) {
        if (at < number) return;
        throw DiskFailure{EIO, "power failure"};
      });
    };
    die_at(first, last_call);
    Acknowledged told;
    work(first, told, 3, 12, 900);
    auto found = first.after_crash(random);

    // The repair itself may be cut short, and must come to the same in the end.
    const auto before_line = line_of(*found);
    const Reading durable = before_line.empty() ? Reading() : read_log(*found, kData, before_line);
    for (int again = 0; again < 2; ++again) {
      die_at(*found, 1 + random() % 40);
      Acknowledged ignored;
      work(*found, ignored, 1, 1, 10);
      found = found->after_crash(random);
    }
    Head head;
    {
      auto trail = Trail::open(options_on(*found));
      ASSERT_TRUE(trail) << trail.error().message;
      (*trail)->close("test");
      head = (*trail)->head();
    }
    const Reading reading = read_log(*found, kData, line_of(*found));
    ASSERT_NO_FATAL_FAILURE(expect_all(reading, told));
    EXPECT_EQ(reading.leaves.size(), head.size);
    EXPECT_EQ(reading.root(), head.root);
    for (const auto& [session, ended] : reading.ended) EXPECT_TRUE(ended) << "a chain was left open";
    // Whatever was whole after the first crash is still the log's beginning.
    ASSERT_LE(told.events.size(), reading.leaves.size());
    const auto tiles = Tiles(*found, std::string(kData) + "/trail").durable_size();
    EXPECT_EQ(tiles, head.size);
    if (::testing::Test::HasFailure()) break;
  }
}

/// The test above can fail: on a disk whose syncs are lies, acknowledged events are lost or the loss is noticed.
TEST(Crash, ADiskThatLiesIsFoundOut) {
  std::mt19937_64 random(7);
  for (const char* const part : {".seg", ".keys"}) {
    int found_out = 0;
    for (int round = 0; round < 12; ++round) {
      SimulatedDisk disk;
      disk.lie_about(part);
      std::uint64_t segment_writes = 0;
      disk.set_fault([&segment_writes](SimulatedDisk::Call call, std::uint64_t, const std::string& path) {
        if (call == SimulatedDisk::Call::write && path.ends_with(".seg") && ++segment_writes > 8) {
          throw DiskFailure{EIO, "power failure"};
        }
      });
      Acknowledged told;
      work(disk, told, 2, 12, 300);
      const auto after = disk.after_crash(random);
      const base::Bytes keys = after->read_whole(std::string(kData) + "/trail/keys/00000000.keys", 1 << 20);
      const bool has_keys =
          keys.size() >= 3 * 256 && keys.substr(512, 256).find_first_not_of('\0') != std::string::npos;
      const Reading reading = read_log(*after, kData, line_of(*after));
      std::size_t there = 0;
      for (const auto& [session, seq] : told.events) {
        const auto chain = reading.chains.find(std::string(session));
        there += chain != reading.chains.end() && seq < chain->second.size() ? 1U : 0U;
      }
      if (there < told.events.size() || !has_keys) ++found_out;
    }
    EXPECT_GT(found_out, 0) << part;
  }
}

/// The last group of the log, torn in every way: at each octet, and with every subset of its sectors.
TEST(Crash, EveryTearOfTheLastGroupIsUnderstood) {
  SimulatedDisk disk;
  Acknowledged told;
  ASSERT_TRUE(work(disk, told, 2, 2, 300));
  const std::string folder = std::string(kData) + "/trail/segments";
  const std::string path = folder + "/00000000.seg";
  const base::Digest log_id = log_id_of(line_of(disk));
  const auto writes = disk.history(path);
  ASSERT_GT(writes.size(), 5U);
  base::Bytes before(1 << 16, '\0');
  std::uint64_t group = 0;
  for (const auto& write : writes) {
    SCOPED_TRACE("group " + std::to_string(group));
    const auto offset = static_cast<std::size_t>(write.offset);
    const auto check = [&](const base::Bytes& image) {
      SimulatedDisk torn;
      torn.make_folder(folder);
      torn.put(path, image);
      auto end = find_log_end(torn, folder, log_id);
      ASSERT_TRUE(end) << end.error().message;
      // Either the group is there whole, or it is not there.
      const bool is_whole = image.substr(offset, write.octets.size()) == write.octets;
      ASSERT_EQ(end->next_group, is_whole ? group + 1 : group);
      clear_behind(torn, folder, *end);
      const auto again = find_log_end(torn, folder, log_id);
      ASSERT_TRUE(again);
      ASSERT_EQ(again->next_group, end->next_group);
      ASSERT_EQ(again->torn_octets, 0U);
      ASSERT_EQ(again->frontier.root(), end->frontier.root());
    };
    // At each octet for the first groups and the last one, at some for the others.
    const std::size_t stride = group < 3 || group + 1 == writes.size() ? 1 : 41;
    for (std::size_t cut = 0; cut <= write.octets.size(); cut += stride) {
      base::Bytes image = before;
      image.replace(offset, cut, write.octets, 0, cut);
      ASSERT_NO_FATAL_FAILURE(check(image)) << "cut at " << cut;
    }
    const std::size_t first = offset / 512, last = (offset + write.octets.size() - 1) / 512;
    const std::size_t sectors = std::min<std::size_t>(last - first + 1, 6);
    for (std::uint64_t subset = 0; subset < (1U << sectors); ++subset) {
      base::Bytes image = before;
      for (std::size_t at = 0; at < write.octets.size();) {
        const std::size_t step = std::min(write.octets.size() - at, 512 - (offset + at) % 512);
        if ((subset >> (((offset + at) / 512 - first) % sectors) & 1) != 0)
          image.replace(offset + at, step, write.octets, at, step);
        at += step;
      }
      ASSERT_NO_FATAL_FAILURE(check(image)) << "subset " << subset;
    }
    before.replace(offset, write.octets.size(), write.octets);
    ++group;
  }
}

TEST(Crash, DamageBeforeTheLastGroupIsCorruption) {
  SimulatedDisk disk;
  Acknowledged told;
  ASSERT_TRUE(work(disk, told, 2, 4, 300));
  const std::string path = std::string(kData) + "/trail/segments/00000000.seg";
  const auto writes = disk.history(path);
  const base::Bytes whole = disk.read_whole(path, 1 << 16);
  const std::uint64_t end_of_all_but_two = writes[writes.size() - 2].offset;
  int refused = 0;
  for (std::uint64_t at = 0; at < end_of_all_but_two; at += 37) {
    auto copy = disk.copy();
    base::Bytes image = whole;
    image[static_cast<std::size_t>(at)] = static_cast<char>(image[static_cast<std::size_t>(at)] ^ 0x10);
    copy->put(path, image);
    const auto trail = Trail::open(options_on(*copy));
    ASSERT_FALSE(trail) << "octet " << at;
    EXPECT_EQ(trail.error().code, base::Code::corrupt);
    EXPECT_NE(trail.error().message.find("segment 00000000.seg offset"), std::string::npos) << trail.error().message;
    ++refused;
  }
  EXPECT_GT(refused, 100);
}

TEST(Crash, AnOldDiskPutBackIsRefused) {
  SimulatedDisk disk;
  Acknowledged told;
  ASSERT_TRUE(work(disk, told, 1, 3, 50));
  const auto old = disk.copy();
  ASSERT_TRUE(work(disk, told, 1, 3, 50));
  const std::string checkpoint = std::string(kData) + "/trail/checkpoint";
  const base::Bytes newest = disk.read_whole(checkpoint, 4096);
  {
    // Everything but the checkpoint is old.
    auto mixed = old->copy();
    mixed->put(checkpoint, newest);
    const auto trail = Trail::open(options_on(*mixed));
    ASSERT_FALSE(trail);
    EXPECT_EQ(trail.error().code, base::Code::corrupt);
    EXPECT_NE(trail.error().message.find("set back"), std::string::npos) << trail.error().message;
  }
  {
    // Even the checkpoint is old, but a head was pushed elsewhere.
    auto whole = old->copy();
    whole->put("/other/heads", newest);
    auto options = options_on(*whole);
    options.push = {{.file = "/other/heads"}};
    const auto trail = Trail::open(options);
    ASSERT_FALSE(trail);
    EXPECT_NE(trail.error().message.find("/other/heads"), std::string::npos) << trail.error().message;
  }
  {
    // All segments are gone.
    auto none = disk.copy();
    for (const auto& name : none->list(std::string(kData) + "/trail/segments")) {
      none->remove(std::string(kData) + "/trail/segments/" + name);
    }
    EXPECT_FALSE(Trail::open(options_on(*none)));
  }
}

/// A fault at every call in turn: nothing is acknowledged that is not in the log afterwards.
TEST(Fault, AtEveryCall) {
  for (const int number : {EIO, ENOSPC}) {
    std::uint64_t calls = 0;
    {
      SimulatedDisk disk;
      Acknowledged told;
      work(disk, told, 2, 4, 200);
      calls = disk.calls();
    }
    for (std::uint64_t at = 1; at <= calls; ++at) {
      SCOPED_TRACE("errno " + std::to_string(number) + " at call " + std::to_string(at));
      SimulatedDisk disk;
      disk.set_fault([&](SimulatedDisk::Call, std::uint64_t call, const std::string& path) {
        if (call == at) throw DiskFailure{number, "injected " + path};
      });
      Acknowledged told;
      work(disk, told, 2, 4, 200);
      disk.set_fault({});
      auto trail = Trail::open(options_on(disk));
      ASSERT_TRUE(trail) << trail.error().message;
      (*trail)->close("test");
      const Reading reading = read_log(disk, kData, line_of(disk));
      ASSERT_NO_FATAL_FAILURE(expect_all(reading, told));
      const auto requests = reading.types.find("request");
      EXPECT_GE(requests == reading.types.end() ? 0 : requests->second, told.forwarded);
      EXPECT_EQ(reading.root(), (*trail)->head().root);
    }
  }
}

TEST(Fault, AFullDiskEndsSessionsAndIsSurvived) {
  SimulatedDisk disk;
  disk.set_capacity(1 << 20);
  Acknowledged told;
  {
    auto options = options_on(disk);
    auto trail = Trail::open(options);
    ASSERT_TRUE(trail) << trail.error().message;
    boost::asio::io_context io(1);
    Lane lane(**trail, io.get_executor());
    for (int i = 0; i < 3; ++i) {
      boost::asio::co_spawn(io, converse(**trail, lane, 100000, 3000, told), boost::asio::detached);
    }
    io.run();
    EXPECT_TRUE(told.was_refused);
    EXPECT_FALSE((*trail)->accepts_sessions());
    Acknowledged late;
    boost::asio::io_context second(1);
    Lane late_lane(**trail, second.get_executor());
    boost::asio::co_spawn(second, converse(**trail, late_lane, 1, 10, late), boost::asio::detached);
    second.run();
    EXPECT_TRUE(late.was_refused);
  }
  disk.set_capacity(1 << 30);
  auto trail = Trail::open(options_on(disk));
  ASSERT_TRUE(trail) << trail.error().message;
  (*trail)->close("test");
  const Reading reading = read_log(disk, kData, line_of(disk));
  expect_all(reading, told);
  EXPECT_GE(reading.types.at("request"), told.forwarded);
  EXPECT_EQ(reading.types.at("session_open"), 3U);
}

TEST(Fault, AFailedSyncWakesEverybodyAndNothingMoreIsTaken) {
  std::atomic<bool> must_fail = false;
  SimulatedDisk disk;
  auto trail = Trail::open(options_on(disk));
  ASSERT_TRUE(trail);
  disk.set_fault([&](SimulatedDisk::Call call, std::uint64_t, const std::string& path) {
    if (must_fail && call == SimulatedDisk::Call::sync && path.ends_with(".seg"))
      throw DiskFailure{EIO, "sync " + path};
  });
  boost::asio::io_context io(1);
  Lane lane(**trail, io.get_executor());
  Acknowledged told;
  for (int i = 0; i < 5; ++i) {
    boost::asio::co_spawn(io, converse(**trail, lane, 1000000, 20, told), boost::asio::detached);
  }
  io.run_for(std::chrono::milliseconds(30));
  must_fail = true;
  io.restart();
  io.run();  // returns: all five were woken
  EXPECT_TRUE(told.was_refused);
  base::Bytes meta;
  cbor::put_map(meta, 0);
  EXPECT_THROW((*trail)->append_admin(meta), Unavailable);
}

}  // namespace
}  // namespace sallyport::audit
