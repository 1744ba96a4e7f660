#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "cmd/verify/event.h"
#include "cmd/verify/report.h"

/// The chains of sessions (docs/formats/trail.md sections 2 and 9): seq without a gap, prev, first and last event,
/// count and head of the end, key, clock, and that rule_set names a config event. One thread. Memory: one small record
/// a session.
namespace sallyport::verify {

class Chains {
 public:
  /// whole: every entry of the log comes. chosen: a bundle, of which only some sessions do, and what is absent between
  /// is missing rather than changed.
  enum class Extent : std::uint8_t { whole, chosen };
  Chains(Report& report, Extent extent, std::uint64_t now_ns) : report_(report), extent_(extent), now_ns_(now_ns) {}

  struct State {
    std::uint64_t next = 0;
    base::Digest head{};
    std::uint64_t protocol = 0, mono_ns = 0;
    std::optional<std::uint64_t> key{};
    std::uint64_t era = 0;
    bool is_gateway = false;  // the chain of a run of the gateway, not of a session
  };

  /// The next event in log order, decoded, with its leaf hash.
  void accept(const Event& event, std::uint64_t index, const base::Digest& leaf, const Place& place);
  /// Entries before the next one are lost, which was reported: chains may go on at any later event.
  void gap() { ++era_; }
  /// An event of a bundle that belongs to no chosen session: only what it says about configuration is kept.
  void pass_over(const Event& event, std::uint64_t index);

  /// Open chains by session id, ascending.
  const std::map<base::Bytes, State>& open() const { return open_; }
  std::uint64_t session_count() const { return open_.size() + ended_.size(); }

 private:
  void check_start(const Event& event, const Place& place);
  void check_link(const Event& event, State& state, const Place& place);
  void check_rules(const Event& event, std::uint64_t index, const Place& place);
  void check_time(const Event& event, State& state, const Place& place);

  Report& report_;
  Extent extent_;
  std::uint64_t now_ns_;
  std::uint64_t era_ = 0;
  std::map<base::Bytes, State> open_;
  std::unordered_set<base::Bytes> ended_;
  std::vector<std::uint64_t> configs_;  // log indices, ascending
};

}  // namespace sallyport::verify
