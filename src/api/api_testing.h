#pragma once
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "api/gateway.h"
#include "audit/cbor.h"

/// A gateway that a test plays: what it has recorded, and what it is told. For tests only.
namespace sallyport::api::testing_gateway {

namespace cbor = audit::cbor;

inline const std::string kOne(32, 'a');
inline const std::string kTwo(32, 'b');

/// {"key": text …}; keys in order.
inline base::Bytes texts(std::initializer_list<std::pair<std::string, std::string>> pairs) {
  base::Bytes out;
  cbor::put_map(out, pairs.size());
  for (const auto& [key, value] : pairs) cbor::put_text(out, key), cbor::put_text(out, value);
  return out;
}

inline base::Bytes open_meta(const std::string& principal, const std::string& target,
                             const std::string& kind = "agent") {
  base::Bytes out;
  cbor::put_map(out, 2);
  cbor::put_text(out, "target"), cbor::put_text(out, target);
  cbor::put_text(out, "principal");
  out += texts({{"kind", kind}, {"name", principal}});
  return out;
}

/// One command with one statement and a parameter of type int4.
inline base::Bytes request_meta(const std::string& statement, const std::string& rule) {
  base::Bytes out;
  cbor::put_map(out, 3);
  cbor::put_text(out, "rules"), cbor::put_text(out, rule);
  cbor::put_text(out, "commands"), cbor::put_array(out, 1), cbor::put_map(out, 3);
  cbor::put_text(out, "kind"), cbor::put_text(out, "run");
  cbor::put_text(out, "effects"), cbor::put_array(out, 1), cbor::put_text(out, "read");
  cbor::put_text(out, "parameters"), cbor::put_array(out, 3);
  cbor::put_array(out, 2), cbor::put_unsigned(out, 23), cbor::put_octets(out, std::string_view("\0\0\0\7", 4));
  cbor::put_array(out, 2), cbor::put_unsigned(out, 25), cbor::put_octets(out, "sam");
  cbor::put_array(out, 2), cbor::put_unsigned(out, 17), cbor::put_null(out);
  cbor::put_text(out, "statements"), cbor::put_array(out, 1), cbor::put_text(out, statement);
  return out;
}

inline base::Bytes response_meta(std::uint64_t rows) {
  base::Bytes out;
  cbor::put_map(out, 1);
  cbor::put_text(out, "rows"), cbor::put_unsigned(out, rows);
  return out;
}

class FakeGateway : public Gateway {
 public:
  std::vector<LiveSession> live_sessions() const override {
    const std::lock_guard lock(mutex);
    return live;
  }
  std::vector<TargetInfo> targets() const override {
    return {{"orders", "postgres", "db:5432", "orders", "verify-full", "strict", {{"env", "prod"}}}};
  }
  bool is_break_glass() const override { return break_glass; }
  bool end_session(const std::string& id, const std::string& by) override {
    const std::lock_guard lock(mutex);
    log.push_back("ended " + id.substr(0, 2) + " by " + by);
    return std::erase_if(live, [&](const auto& session) { return session.id == id; }) > 0;
  }
  base::Result<void> record(base::Bytes meta) override {
    if (is_full) return base::fail(base::Code::unavailable, "the trail cannot be written", "make room");
    const auto value = cbor::decode(meta);
    EXPECT_TRUE(value) << "not deterministic CBOR";
    std::string text = "recorded";
    for (const auto& item : value->items) text += " " + item.octets;
    const std::lock_guard lock(mutex);
    log.push_back(text);
    return {};
  }
  base::Result<void> read(const Selection& selection, const Visitor& visitor) override {
    std::vector<Event> copy;
    {
      const std::lock_guard lock(mutex);
      copy = events;
    }
    for (Event& event : copy) {
      if (event.log_index < selection.from_log_index) continue;
      if (!selection.sessions.empty() && !selection.sessions.contains(event.session)) continue;
      if (event.type == "broken") return base::fail(base::Code::corrupt, "event 7 does not match its hash");
      if (!visitor(std::move(event))) break;
    }
    return {};
  }
  base::Result<void> export_bundle(const std::vector<std::string>& sessions, const std::string& path) override {
    std::ofstream(path) << std::string(200'000, 'x') << sessions.size();
    return {};
  }
  base::Result<Head> head() const override {
    const std::lock_guard lock(mutex);
    ++heads_asked;
    if (heads_asked < 3 && !late_note.empty()) return Head{"example.org/gate", 4, "00ff", late_note};
    return Head{"example.org/gate", 4, "00ff", note};
  }

  void add(const std::string& session, const std::string& type, base::Bytes meta, std::uint64_t seq,
           std::optional<std::uint64_t> op = {}, std::optional<std::uint64_t> verdict = {}) {
    Event event;
    event.session = session, event.type = type, event.meta = std::move(meta), event.seq = seq, event.op = op,
    event.verdict = verdict;
    event.protocol = 1, event.wall_ns = 1'767'225'600'000'000'001, event.content = "octets";
    const std::lock_guard lock(mutex);
    event.log_index = events.size();
    events.push_back(std::move(event));
  }

  mutable std::mutex mutex;
  std::vector<LiveSession> live;
  std::vector<Event> events;
  std::vector<std::string> log;
  mutable int heads_asked = 0;
  std::string late_note;        // the checkpoint until it was asked for twice
  std::string note = "a note";  // the checkpoint
  std::atomic<bool> is_full = false;
  std::atomic<bool> break_glass = false;
};

}  // namespace sallyport::api::testing_gateway
