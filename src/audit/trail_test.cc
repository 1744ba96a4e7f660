#include "audit/trail.h"

#include <thread>

#include "audit/audit_testing.h"
#include "audit/cbor.h"

namespace sallyport::audit {
namespace {

using namespace testing;

TrailOptions options_for(const TemporaryFolder& folder) {
  TrailOptions options;
  options.data_folder = folder.path();
  options.origin = "test/gate";
  options.version = "0";
  options.segment_octets = 1 << 20;
  return options;
}

std::unique_ptr<Trail> must_open(TrailOptions options) {
  auto trail = Trail::open(std::move(options));
  if (!trail) throw std::runtime_error(trail.error().message);
  return std::move(*trail);
}

base::Bytes small_meta() {
  base::Bytes meta;
  cbor::put_map(meta, 1);
  cbor::put_text(meta, "act");
  cbor::put_text(meta, "test");
  return meta;
}

boost::asio::awaitable<void> converse(Trail& trail, Lane& lane, Durability durability, int count, int& done) {
  Recorder recorder(trail, lane, durability);
  co_await recorder.open(somebody());
  for (int i = 0; i < count; ++i) {
    const auto op = static_cast<std::uint64_t>(i);
    std::vector<policy::Decided> batch;
    batch.push_back(
        decided(op, "SELECT " + std::to_string(i), i % 5 == 4 ? model::Effect::write : model::Effect::read));
    auto appended = recorder.append_requests(std::move(batch));
    const std::uint64_t position = appended.back().position();
    auto recorded = co_await recorder.durable(std::move(appended));
    EXPECT_EQ(recorded.size(), 1U);
    EXPECT_TRUE(recorder.is_durable(position));
    for (auto& one : recorded) {
      const auto which = Recorder::split(std::move(one));
      EXPECT_EQ(std::holds_alternative<Recorded<policy::Denial>>(which), i % 5 == 4);
    }
    std::vector<mask::Masked> replies;
    replies.push_back(reply(op, "a row of the answer"));
    co_await recorder.durable(recorder.append_replies(std::move(replies)));
  }
  co_await recorder.close("done");
  ++done;
}

class TrailWith : public ::testing::TestWithParam<Durability> {};

TEST_P(TrailWith, SessionsAreRecordedAndFoundAgain) {
  const TemporaryFolder folder;
  std::string line;
  Head head;
  {
    const auto trail = must_open(options_for(folder));
    line = trail->verification_line();
    EXPECT_EQ(trail->append_config(small_meta()), 1U);
    boost::asio::io_context io(1);
    Lane lane(*trail, io.get_executor());
    int done = 0;
    for (int i = 0; i < 8; ++i) {
      boost::asio::co_spawn(io, converse(*trail, lane, GetParam(), 40, done), boost::asio::detached);
    }
    io.run();
    EXPECT_EQ(done, 8);
    EXPECT_EQ(trail->open_sessions(), 0U);
    trail->close("test");
    head = trail->head();
    EXPECT_THROW(trail->append_admin(small_meta()), Unavailable);
  }
  const Reading reading = read_log(disk(), folder.path(), line);
  EXPECT_EQ(reading.entries.size(), head.size);
  EXPECT_EQ(reading.root(), head.root);
  EXPECT_EQ(reading.types.at("request"), 320U);
  EXPECT_EQ(reading.types.at("response"), 320U);
  EXPECT_EQ(reading.types.at("session_close"), 8U);
  EXPECT_EQ(reading.types.count("session_abort"), 0U);
  EXPECT_EQ(reading.types.at("log_end"), 1U);

  const auto again = must_open(options_for(folder));
  EXPECT_EQ(again->verification_line(), line);
  EXPECT_EQ(again->head().size, head.size + 1);  // log_start, and no recovery: the end was orderly
}

INSTANTIATE_TEST_SUITE_P(Durabilities, TrailWith,
                         ::testing::Values(Durability::strict, Durability::request, Durability::batch));

TEST(Trail, AnAbandonedSessionIsEnded) {
  const TemporaryFolder folder;
  std::string line;
  {
    const auto trail = must_open(options_for(folder));
    line = trail->verification_line();
    boost::asio::io_context io(1);
    Lane lane(*trail, io.get_executor());
    {
      Recorder gone(*trail, lane, Durability::strict);
      boost::asio::co_spawn(io, gone.open(somebody()), boost::asio::detached);
      io.run();
    }
    trail->close("test");
  }
  const Reading reading = read_log(disk(), folder.path(), line);
  EXPECT_EQ(reading.types.at("session_abort"), 1U);
}

TEST(Trail, ManySegmentsAndRestarts) {
  const TemporaryFolder folder;
  std::string line;
  Head head;
  for (int run = 0; run < 4; ++run) {
    auto options = options_for(folder);
    options.segment_octets = 1 << 16;
    const auto trail = must_open(options);
    if (run > 0) EXPECT_GT(trail->head().size, head.size);
    line = trail->verification_line();
    boost::asio::io_context io(1);
    Lane lane(*trail, io.get_executor());
    int done = 0;
    for (int i = 0; i < 4; ++i) {
      boost::asio::co_spawn(io, converse(*trail, lane, Durability::strict, 100, done), boost::asio::detached);
    }
    io.run();
    EXPECT_EQ(done, 4);
    trail->close("test");
    head = trail->head();
  }
  const Reading reading = read_log(disk(), folder.path(), line);
  EXPECT_EQ(reading.entries.size(), head.size);
  EXPECT_EQ(reading.root(), head.root);
  EXPECT_EQ(reading.types.at("request"), 1600U);
}

TEST(Trail, AFileAndACommandGetTheHeads) {
  const TemporaryFolder folder, other;
  const std::string file = other.path() + "/heads", copied = other.path() + "/copied";
  auto options = options_for(folder);
  options.push = {{.file = file}, {.command = {"/bin/sh", "-c", "cat > " + copied}}};
  {
    const auto trail = must_open(options);
    trail->append_admin(small_meta());
  }
  const base::Bytes head = disk().read_whole(folder.path() + "/trail/checkpoint", 4096);
  EXPECT_TRUE(head.starts_with("test/gate\n3\n")) << head;
  EXPECT_EQ(disk().read_whole(file, 4096), head);
  EXPECT_EQ(disk().read_whole(copied, 4096), head);
  // A head of another log at that place is not passed over in silence.
  disk().replace(file, LogKey::make().sign("test/gate", {1, {}}));
  EXPECT_FALSE(Trail::open(options));
}

TEST(Trail, APrincipalHasItsShare) {
  const TemporaryFolder folder;
  auto options = options_for(folder);
  options.principal_octets_per_hour = 20'000;
  const auto trail = must_open(options);
  boost::asio::io_context io(1);
  Lane lane(*trail, io.get_executor());
  int done = 0;
  std::string reason;
  boost::asio::co_spawn(io, converse(*trail, lane, Durability::strict, 1000, done), [&](std::exception_ptr fault) {
    try {
      if (fault) std::rethrow_exception(fault);
    } catch (const Unavailable& unavailable) {
      reason = unavailable.reason;
    }
  });
  io.run();
  EXPECT_EQ(done, 0);
  EXPECT_NE(reason.find("share"), std::string::npos) << reason;
  EXPECT_TRUE(trail->accepts_sessions()) << "others go on";
}

TEST(Trail, AQuietLogHasHeartbeats) {
  const TemporaryFolder folder;
  auto options = options_for(folder);
  options.heartbeat_seconds = 0;
  std::string line;
  {
    const auto trail = must_open(options);
    line = trail->verification_line();
    for (int i = 0; i < 200 && trail->head().size < 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_GE(read_log(disk(), folder.path(), line).types["heartbeat"], 1U);
}

TEST(Trail, AskedToHoldTheWrongKeyItRefuses) {
  const TemporaryFolder folder;
  must_open(options_for(folder));
  auto options = options_for(folder);
  options.origin = "test/other";
  auto trail = Trail::open(options);
  ASSERT_FALSE(trail);
  EXPECT_EQ(trail.error().code, base::Code::corrupt);
  disk().replace(folder.path() + "/keys/log.key", LogKey::make().to_pem().reveal());
  EXPECT_FALSE(Trail::open(options_for(folder)));
  options.origin = "two words";
  trail = Trail::open(options);
  ASSERT_FALSE(trail);
  EXPECT_EQ(trail.error().code, base::Code::malformed);
}

TEST(Trail, ASecondGatewayIsRefused) {
  const TemporaryFolder folder;
  const auto trail = must_open(options_for(folder));
  const auto second = Trail::open(options_for(folder));
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("another gateway"), std::string::npos);
}

}  // namespace
}  // namespace sallyport::audit
