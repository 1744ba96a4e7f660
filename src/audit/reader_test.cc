#include "audit/reader.h"

#include "audit/audit_testing.h"
#include "audit/bundle.h"
#include "audit/cbor.h"

namespace sallyport::audit {
namespace {

using namespace testing;

TrailOptions options_for(const TemporaryFolder& folder) {
  TrailOptions options;
  options.data_folder = folder.path();
  options.origin = "test/gate";
  options.segment_octets = 1 << 18;
  return options;
}

boost::asio::awaitable<void> say(Trail& trail, Lane& lane, std::vector<std::string> statements, base::Bytes& session) {
  Recorder recorder(trail, lane, Durability::strict);
  session = recorder.session();
  co_await recorder.open(somebody());
  std::uint64_t op = 0;
  for (const std::string& statement : statements) {
    std::vector<policy::Decided> batch;
    batch.push_back(decided(op, statement));
    co_await recorder.durable(recorder.append_requests(std::move(batch)));
    std::vector<mask::Masked> replies;
    replies.push_back(reply(op++, "answer to " + statement));
    co_await recorder.durable(recorder.append_replies(std::move(replies)));
  }
  co_await recorder.close("done");
}

std::vector<base::Bytes> run(Trail& trail, const std::vector<std::vector<std::string>>& sessions) {
  boost::asio::io_context io(1);
  Lane lane(trail, io.get_executor());
  std::vector<base::Bytes> ids(sessions.size());
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    boost::asio::co_spawn(io, say(trail, lane, sessions[i], ids[i]), boost::asio::detached);
  }
  io.run();
  return ids;
}

TEST(Reader, GivesBackWhatWasRecorded) {
  const TemporaryFolder folder;
  auto trail = Trail::open(options_for(folder));
  ASSERT_TRUE(trail);
  const std::string large(700'000, 'x');  // three events, and compressed
  const auto ids = run(**trail, {{"SELECT 1", "SELECT '\xC3\xA9'"}, {large}, {"SELECT 3"}});
  auto reader = Reader::open(folder.path());
  ASSERT_TRUE(reader) << reader.error().message;

  std::vector<std::string> contents, statements;
  auto done = reader->each({.sessions = {ids[0]}}, [&](const Reader::Record& record) {
    EXPECT_EQ(record.event.session, ids[0]);
    if (record.content) contents.emplace_back(*record.content);
    const auto meta = cbor::decode(*record.meta);
    EXPECT_TRUE(meta) << "meta is not deterministic CBOR";
    if (record.event.type == "request") {
      EXPECT_EQ(meta->find("rules")->octets, "readers");
      statements.push_back(meta->find("statements")->items.at(0).octets);
      const auto& command = meta->find("commands")->items.at(0);
      EXPECT_EQ(command.find("verdict")->octets, "permit");
      EXPECT_EQ(command.find("effects")->items.at(0).octets, "read");
    }
    return Reader::Go::on;
  });
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(contents, (std::vector<std::string>{"QSELECT 1", "answer to SELECT 1", "QSELECT '\xC3\xA9'",
                                                "answer to SELECT '\xC3\xA9'"}));
  EXPECT_EQ(statements, (std::vector<std::string>{"SELECT 1", "SELECT '\xC3\xA9'"}));

  std::string joined;
  std::vector<std::uint64_t> chunks;
  done = reader->each({.sessions = {ids[1]}, .types = {"request"}}, [&](const Reader::Record& record) {
    joined += *record.content;
    chunks.push_back(record.event.place->chunk);
    return Reader::Go::on;
  });
  ASSERT_TRUE(done);
  EXPECT_EQ(joined, "Q" + large);
  EXPECT_EQ(chunks, (std::vector<std::uint64_t>{0, 1, 2}));
}

TEST(Reader, SkipsSegmentsWithoutLosingAnything) {
  const TemporaryFolder folder;
  auto options = options_for(folder);
  options.segment_octets = 1 << 16;
  std::vector<base::Bytes> ids;
  {
    auto trail = Trail::open(options);
    ASSERT_TRUE(trail);
    run(**trail, std::vector<std::vector<std::string>>(30, {std::string(3000, 'a'), "SELECT 2"}));
    ids = run(**trail, {{"SELECT 1"}});
    run(**trail, std::vector<std::vector<std::string>>(30, {std::string(3000, 'b'), "SELECT 2"}));
  }
  auto reader = Reader::open(folder.path());
  ASSERT_TRUE(reader);
  std::vector<std::uint64_t> all, of_one, later;
  ASSERT_TRUE(reader->each({}, [&](const Reader::Record& record) {
    if (record.event.session == ids[0]) of_one.push_back(record.index);
    all.push_back(record.index);
    return Reader::Go::on;
  }));
  ASSERT_EQ(of_one.size(), 4U);
  const auto expected = of_one;
  of_one.clear();
  ASSERT_TRUE(reader->each({.sessions = {ids[0]}}, [&](const Reader::Record& record) {
    of_one.push_back(record.index);
    return Reader::Go::on;
  }));
  EXPECT_EQ(of_one, expected);
  for (const std::uint64_t from : {std::uint64_t{1}, all.size() / 2, all.size() - 1}) {
    later.clear();
    ASSERT_TRUE(reader->each({.from_index = from}, [&](const Reader::Record& record) {
      later.push_back(record.index);
      return Reader::Go::on;
    }));
    ASSERT_EQ(later.size(), all.size() - from);
    EXPECT_EQ(later.front(), from);
  }
}

TEST(Reader, EveryMetaIsDeterministic) {
  const TemporaryFolder folder;
  {
    auto trail = Trail::open(options_for(folder));
    ASSERT_TRUE(trail);
    run(**trail, {{"SELECT 1"}});
  }
  auto reader = Reader::open(folder.path());
  ASSERT_TRUE(reader);
  int count = 0;
  const auto done = reader->each({}, [&](const Reader::Record& record) {
    EXPECT_TRUE(record.meta.has_value()) << record.event.type;
    const auto meta = cbor::decode(*record.meta);
    EXPECT_TRUE(meta) << record.event.type << ": " << meta.error().message;
    ++count;
    return Reader::Go::on;
  });
  ASSERT_TRUE(done);
  EXPECT_EQ(count, 6);  // log_start, session_open, request, response, session_close, log_end
}

TEST(Reader, DestroyedKeysAreMissingContent) {
  const TemporaryFolder folder;
  std::vector<base::Bytes> ids;
  {
    auto trail = Trail::open(options_for(folder));
    ASSERT_TRUE(trail);
    ids = run(**trail, {{"SELECT 1"}, {"SELECT 2"}});
  }
  // Key ids: 0 the gateway's own, then the sessions in the order of their opening.
  disk()
      .open(folder.path() + "/trail/keys/00000000.keys", Files::Access::write)
      ->write_at(kKeyRecord, std::string(kKeyRecord, '\0'));
  auto reader = Reader::open(folder.path());
  ASSERT_TRUE(reader);
  std::map<base::Bytes, int> missing;
  const auto done = reader->each({}, [&](const Reader::Record& record) {
    if (record.is_missing) {
      ++missing[base::Bytes(record.event.session)];
      EXPECT_FALSE(record.content);
    }
    return Reader::Go::on;
  });
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(missing.size(), 1U);
  EXPECT_EQ(missing[ids[0]], 4);
}

TEST(Reader, AChangedPayloadIsFound) {
  const TemporaryFolder folder;
  {
    auto trail = Trail::open(options_for(folder));
    ASSERT_TRUE(trail);
    run(**trail, {{"SELECT 1"}});
  }
  // The frame's check is made right again: only the content's own protection is left.
  const std::string path = folder.path() + "/trail/segments/00000000.seg";
  auto reader = Reader::open(folder.path());
  ASSERT_TRUE(reader);
  const std::uint32_t seed = frame_seed(log_id_of(reader->verification_line()), 0);
  const auto file = disk().open(path, Files::Access::write);
  SegmentReader frames(*file, seed);
  while (const auto frame = frames.next()) {
    if (frame->kind != FrameKind::payload || frame->id != 2) continue;
    base::Bytes body(frame->body);
    body.back() ^= 1;
    base::Bytes octets;
    put_frame(octets, frame->kind, frame->id, body, seed);
    file->write_at(frames.offset() - frame->size, octets);
    break;
  }
  const auto done = reader->each({}, [](const Reader::Record&) { return Reader::Go::on; });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, base::Code::corrupt);
  EXPECT_NE(done.error().message.find("00000000.seg offset"), std::string::npos) << done.error().message;
}

TEST(Bundle, HoldsWhatAStrangerNeedsAndNoMore) {
  const TemporaryFolder folder;
  std::vector<base::Bytes> ids;
  {
    auto trail = Trail::open(options_for(folder));
    ASSERT_TRUE(trail);
    std::vector<std::vector<std::string>> sessions(40, {"SELECT 1", "SELECT 2", "SELECT 3", "SELECT 4"});
    ids = run(**trail, sessions);
  }
  const std::string out = folder.path() + "/bundle.tar";
  const auto bundled = export_bundle(folder.path(), {ids[3], ids[30]}, out);
  ASSERT_TRUE(bundled) << bundled.error().message;
  EXPECT_EQ(bundled->sessions, 2U);
  EXPECT_EQ(bundled->events, 20U);
  EXPECT_EQ(std::filesystem::file_size(out), bundled->octets);
  // tar itself can read it, and every hash in MANIFEST fits.
  const std::string command = "cd " + folder.path() +
                              " && mkdir x && tar -xf bundle.tar -C x && cd x && tail -n +2 MANIFEST | " +
                              "while read hash size name; do test \"$(sha256sum < $name)\" = \"$hash  -\" && "
                              "test $(stat -c %s $name) = $size || exit 1; done && test ! -e keys && "
                              "test $(find . -type f | wc -l) = $(wc -l < MANIFEST)";
  EXPECT_EQ(std::system(command.c_str()), 0);
  const auto unknown = export_bundle(folder.path(), {base::Bytes(16, 'x')}, out);
  ASSERT_FALSE(unknown);
  EXPECT_TRUE(disk().exists(out)) << "a failed export leaves the older bundle";
}

}  // namespace
}  // namespace sallyport::audit
