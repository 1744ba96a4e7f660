#pragma once
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "audit/segments.h"
#include "audit/trail.h"
#include "policy/engine.h"

/// For the tests of this folder only: commands to record, and a second, plain reading of what was written.
namespace sallyport::audit::testing {

/// A folder that is removed when it dies.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_(::testing::TempDir() + "trail-" + base::to_hex(base::random_bytes(6))) {
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline policy::Engine reading_engine() {
  policy::Rule rule{.name = "readers"};
  rule.if_.effects = model::EffectSet{model::Effect::read};
  rule.then = policy::Rule::Allow{};
  return policy::Engine({rule}, 1);
}

/// A statement of `effect`, judged: reads are permitted, everything else is denied.
inline policy::Decided decided(std::uint64_t op, std::string text, model::Effect effect = model::Effect::read) {
  static const policy::Engine engine = reading_engine();
  auto understanding = std::make_shared<model::Understanding>();
  understanding->effects.add(effect);
  understanding->statements.push_back({.kind = "SELECT", .effects = {effect}});
  model::Command command{.op = op, .number = op};
  command.wire = "Q" + text;
  command.text = std::make_shared<std::string>(text);
  auto verdict = engine.judge(std::move(command), understanding, {.name = "agent-1"}, {.name = "orders"});
  if (auto* const permit = std::get_if<policy::Permit>(&verdict)) return std::move(*permit);
  return std::move(std::get<policy::Denial>(verdict));
}

inline mask::Masked reply(std::uint64_t op, std::string wire) {
  model::Reply reply{.op = op};
  reply.wire = std::move(wire);
  reply.ends_op = true;
  reply.rows = 1;
  reply.tags = {"SELECT 1"};
  return *mask::Masker().mask(std::move(reply));
}

inline SessionOpen somebody() {
  SessionOpen open;
  open.principal.name = "agent-1";
  open.target = "orders";
  return open;
}

/// MTH of RFC 6962 section 2.1, as it stands there.
inline base::Digest naive_root(const std::vector<base::Digest>& leaves, std::size_t from, std::size_t to) {
  if (from == to) return empty_root();
  if (to - from == 1) return leaves[from];
  std::size_t split = 1;
  while (split * 2 < to - from) split *= 2;
  return node_hash(naive_root(leaves, from, from + split), naive_root(leaves, from + split, to));
}

/// What a log holds, read without the writer's state; every rule of the format that concerns entries is checked.
struct Reading {
  std::vector<std::string> entries;
  std::vector<base::Digest> leaves;
  std::map<std::string, std::vector<std::uint64_t>> chains;  // session -> log indices
  std::map<std::string, std::uint64_t> types;
  std::map<std::string, bool> ended;
  std::uint64_t payloads = 0;
  base::Digest root() const { return naive_root(leaves, 0, leaves.size()); }
};

inline void take_entry(Reading& reading, const Frame& frame) {
  ASSERT_EQ(frame.id, reading.entries.size());
  const auto event = decode_event(frame.body);
  ASSERT_TRUE(event) << event.error().message;
  const std::string session(event->session);
  auto& chain = reading.chains[session];
  ASSERT_EQ(event->seq, chain.size());
  ASSERT_FALSE(reading.ended[session]) << event->type << " behind the last event";
  ASSERT_EQ(event->previous, chain.empty() ? base::Digest{} : reading.leaves[chain.back()]);
  if (event->end) {
    ASSERT_EQ(event->end->count, event->seq);
    ASSERT_EQ(event->end->head, event->previous);
  }
  chain.push_back(frame.id);
  reading.ended[session] = event->type == "session_close" || event->type == "session_abort" || event->type == "log_end";
  ++reading.types[std::string(event->type)];
  reading.entries.emplace_back(frame.body);
  reading.leaves.push_back(leaf_hash(frame.body));
}

inline Reading read_log(Files& files, const std::string& data, base::View verification_line) {
  Reading reading;
  const std::string folder = data + "/trail/segments";
  const base::Digest log_id = log_id_of(verification_line);
  const auto numbers = segments_in(files, folder);
  EXPECT_TRUE(numbers);
  for (const std::uint32_t number : *numbers) {
    const auto file = files.open(folder + "/" + segment_name(number), Files::Access::read);
    SegmentReader reader(*file, frame_seed(log_id, number));
    while (const auto frame = reader.next()) {
      if (frame->kind == FrameKind::entry) take_entry(reading, *frame);
      if (frame->kind == FrameKind::payload) ++reading.payloads;
      if (frame->kind == FrameKind::commit) {
        const auto commit = parse_commit(frame->body);
        EXPECT_TRUE(commit);
        EXPECT_EQ(commit->end, reading.leaves.size());
        if (reading.leaves.size() < 600 || commit->end % 97 == 0) EXPECT_EQ(commit->root, reading.root());
      }
    }
  }
  return reading;
}

}  // namespace sallyport::audit::testing
