#pragma once
#include <deque>
#include <optional>
#include <set>
#include <string>

#include "cmd/verify/log.h"
#include "cmd/verify/payload.h"
#include "cmd/verify/segment.h"

/// Walks the segments of a trail frame by frame (docs/formats/trail.md section 5) and feeds the log's entries and
/// payloads to their checks. One thread, one use. Throws Unreadable.
///
///   each segment: OPEN (ENTRY PAYLOAD* …  COMMIT)* FOOTER zeros          [on_frame]
///   a frame that is not right: a torn tail, if nothing durable can lie behind it; else a fault, and the walk goes on
///   at the next frame that is right                                       [on_damage]
namespace sallyport::verify {

class SegmentWalk {
 public:
  SegmentWalk(Folder& trail, LogCheck& log, KeyRing& keys, const base::Digest& log_id, Report& report);
  void run();
  /// Entries below the last COMMIT.
  std::uint64_t durable() const { return durable_; }
  /// Where frames end otherwise than in zeros.
  const std::optional<Place>& broken() const { return broken_; }

 private:
  enum class Next : std::uint8_t { go_on, segment_done, log_done };

  bool find_segment(std::uint32_t& number);
  bool has_content(std::uint32_t number);
  bool has_later_content(std::uint32_t number);
  void walk(std::uint32_t number);
  Next on_blank(Window& window);
  Next on_damage(Window& window);
  Next on_torn_tail(Window& window);
  bool is_overtaken(Window& window);
  std::optional<std::uint64_t> next_frame(Window& window, std::uint64_t from);

  void on_frame(const Frame& frame);
  void on_open(const Frame& frame);
  void on_entry(const Frame& frame);
  void on_payload(const Frame& frame);
  void on_commit(const Frame& frame);
  void on_footer(const Frame& frame);
  void check_empty_slots(const Place& place);
  void expect_no_payload();
  void check_opened(const Payload& payload, const KeyRing::Answer& key, const Place& place);
  Place here() const { return {.file = file_, .offset = offset_}; }
  void fault(std::string what) { report_.add(Verdict::tampered, here(), std::move(what)); }

  Folder& trail_;
  LogCheck& log_;
  KeyRing& keys_;
  const base::Digest log_id_;
  Report& report_;

  std::uint32_t segment_ = 0, seed_ = 0;
  std::string file_;
  std::uint64_t offset_ = 0, tail_from_ = 0;
  bool is_last_commit_ = false, has_footer_ = false, is_log_done_ = false;
  std::set<base::Bytes> in_segment_;

  base::Bytes entry_;
  std::optional<Event> event_;
  Place entry_place_;
  std::deque<std::uint8_t> due_;  // slots whose PAYLOAD must come next

  std::uint64_t group_ = 0, durable_ = 0;
  base::Digest last_commit_{};
  bool is_row_known_ = true;  // false between damage and the next COMMIT
  std::optional<Place> broken_;
};

}  // namespace sallyport::verify
