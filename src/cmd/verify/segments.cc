#include "cmd/verify/segments.h"

#include <algorithm>

#include "cmd/verify/cbor.h"

namespace sallyport::verify {
namespace {

constexpr std::uint32_t kMaxSegments = 100'000'000;

std::string segment_name(std::uint32_t number) {
  std::string digits = std::to_string(number);
  if (digits.size() < 8) digits.insert(0, 8 - digits.size(), '0');
  return digits + ".seg";
}

std::optional<std::uint32_t> segment_number(const std::string& name) {
  if (name.size() != 12 || !name.ends_with(".seg")) return std::nullopt;
  std::uint32_t number = 0;
  for (const char c : name.substr(0, 8)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return number;
}

void put_key(base::Bytes& to, base::View key) {
  put_head(to, 3, key.size());
  to += key;
}
void put_octets(base::Bytes& to, base::View octets) {
  put_head(to, 2, octets.size());
  to += octets;
}

}  // namespace

SegmentWalk::SegmentWalk(Folder& trail, LogCheck& log, KeyRing& keys, const base::Digest& log_id, Report& report)
    : trail_(trail), log_(log), keys_(keys), log_id_(log_id), report_(report) {}

void SegmentWalk::run() {
  for (std::uint32_t number = 0; !is_log_done_ && find_segment(number); ++number) walk(number);
  for (const std::string& name : trail_.list("segments")) {
    if (!segment_number(name) && name != "reserve" && !name.ends_with(".new")) {
      report_.note("segments/" + name + " belongs to no trail");
    }
  }
}

/// The first segment from `number` on.
bool SegmentWalk::find_segment(std::uint32_t& number) {
  if (number >= kMaxSegments) return false;
  if (trail_.open("segments/" + segment_name(number))) return true;
  std::optional<std::uint32_t> later;
  for (const std::string& name : trail_.list("segments")) {
    const auto found = segment_number(name);
    if (found && *found > number && has_content(*found)) {
      later = found;
      break;
    }
  }
  if (!later) return false;
  // It may have come between the two looks.
  if (trail_.open("segments/" + segment_name(number))) return true;
  report_.add(Verdict::missing, {.file = "segments/" + segment_name(number), .index = log_.size()},
              "the segment is not there");
  is_row_known_ = false;
  log_.gap(log_.size());
  number = *later;
  return true;
}

bool SegmentWalk::has_content(std::uint32_t number) {
  const auto source = trail_.open("segments/" + segment_name(number));
  return source && source->read_at(0, kFrameHead).find_first_not_of('\0') != base::Bytes::npos;
}

bool SegmentWalk::has_later_content(std::uint32_t number) {
  for (const std::string& name : trail_.list("segments")) {
    const auto found = segment_number(name);
    if (found && *found > number && has_content(*found)) return true;
  }
  return false;
}

void SegmentWalk::walk(std::uint32_t number) {
  segment_ = number;
  seed_ = frame_seed(log_id_, number);
  file_ = "segments/" + segment_name(number);
  offset_ = tail_from_ = 0;
  is_last_commit_ = has_footer_ = false;
  in_segment_.clear();
  const auto source = trail_.open(file_);
  if (!source) return;
  Window window(*source);
  if (!has_content(number) && !has_later_content(number)) {
    // Prepared for later, or torn before its first octets.
    if (count_not_zero(window, 0) == 0) return;
  }
  ++report_.counts.segments;
  for (Next next = Next::go_on; next == Next::go_on;) {
    Frame frame;
    switch (look_at(window, offset_, seed_, frame)) {
      case Look::frame:
        on_frame(frame);
        offset_ += frame.size;
        if (is_last_commit_) tail_from_ = offset_;
        break;
      case Look::blank:
        next = on_blank(window);
        break;
      case Look::cut:
      case Look::bad:
        next = on_damage(window);
        break;
    }
    if (next == Next::log_done) is_log_done_ = true;
  }
}

SegmentWalk::Next SegmentWalk::on_blank(Window& window) {
  const std::uint64_t rest = count_not_zero(window, offset_);
  if (has_footer_) {
    if (rest > 0) fault("octets other than zero behind the FOOTER");
    return Next::segment_done;
  }
  if (rest > 0) return on_damage(window);
  if (!has_later_content(segment_)) return on_torn_tail(window);
  // The writer may have filled this segment and begun the next one since we looked.
  window.refresh();
  if (Frame frame; look_at(window, offset_, seed_, frame) == Look::frame) return Next::go_on;
  report_.add(Verdict::missing, here(), "the segment ends without a FOOTER, and a later one has frames");
  is_row_known_ = false;
  log_.gap(log_.size());
  event_.reset();
  due_.clear();
  return Next::segment_done;
}

SegmentWalk::Next SegmentWalk::on_damage(Window& window) {
  window.refresh();
  const bool is_corrupt = has_footer_ || is_overtaken(window) || has_later_content(segment_);
  // Whoever saw a later group knows that this one was written in full: look again before saying that it was not.
  window.refresh();
  Frame frame;
  const Look look = look_at(window, offset_, seed_, frame);
  if (look == Look::frame) return Next::go_on;
  if (!is_corrupt) return on_torn_tail(window);
  const auto next = next_frame(window, offset_ + 8);
  Place place = here();
  place.index = log_.size();
  const bool is_cut = look == Look::cut;
  report_.add(is_cut ? Verdict::missing : Verdict::tampered, place,
              is_cut ? "the file ends within a frame" : "no right frame: header, check sum or padding");
  is_row_known_ = false;
  log_.gap(log_.size());
  event_.reset();
  due_.clear();
  if (!next) return Next::segment_done;
  offset_ = *next;
  return Next::go_on;
}

/// Behind the durable point: never acknowledged, unless the checkpoint says otherwise, which LogCheck::finish looks at.
SegmentWalk::Next SegmentWalk::on_torn_tail(Window& window) {
  const std::uint64_t octets = count_not_zero(window, tail_from_);
  report_.counts.not_acknowledged += octets;
  if (count_not_zero(window, offset_) > 0) broken_ = here();
  return Next::log_done;
}

/// Whether a COMMIT lies behind that can only have been written after the group at hand was durable.
bool SegmentWalk::is_overtaken(Window& window) {
  for (auto at = next_frame(window, offset_ + 8); at;) {
    Frame frame;
    if (look_at(window, *at, seed_, frame) != Look::frame) return false;
    if (frame.kind == FrameKind::commit && frame.id > group_) return true;
    at = next_frame(window, *at + frame.size);
  }
  return false;
}

std::optional<std::uint64_t> SegmentWalk::next_frame(Window& window, std::uint64_t from) {
  const std::uint64_t end = window.size();
  for (std::uint64_t at = from; at + kFrameHead <= end; at += 8) {
    const base::View head = window.view(at, kFrameHead);
    if (head.size() < kFrameHead) break;
    // A quick look: few places look like a head at all.
    if (head[4] < 1 || head[4] > 5 || head.substr(5, 3) != base::View("\0\0\0", 3)) continue;
    Frame frame;
    if (look_at(window, at, seed_, frame) == Look::frame) return at;
  }
  return std::nullopt;
}

void SegmentWalk::on_frame(const Frame& frame) {
  if ((offset_ == 0) != (frame.kind == FrameKind::open) && (offset_ == 0 || frame.kind == FrameKind::open)) {
    fault("OPEN is the first frame of a segment, and only that");
  }
  if (has_footer_) fault("a frame behind the FOOTER");
  switch (frame.kind) {
    case FrameKind::open:
      on_open(frame);
      break;
    case FrameKind::entry:
      on_entry(frame);
      break;
    case FrameKind::payload:
      on_payload(frame);
      break;
    case FrameKind::commit:
      on_commit(frame);
      break;
    case FrameKind::footer:
      on_footer(frame);
      break;
  }
  is_last_commit_ = frame.kind == FrameKind::commit || frame.kind == FrameKind::footer;
}

void SegmentWalk::on_open(const Frame& frame) {
  if (frame.id != segment_) fault("OPEN has another segment's number");
  if (!log_.is_whole() || !is_row_known_) return;
  base::Bytes expected;
  put_head(expected, 5, 6);
  put_key(expected, "root");
  put_octets(expected, base::view(log_.tree().root()));
  put_key(expected, "size");
  put_head(expected, 0, log_.size());
  put_key(expected, "group");
  put_head(expected, 0, group_);
  put_key(expected, "frontier");
  put_head(expected, 4, log_.tree().subtrees().size());
  for (const base::Digest& one : log_.tree().subtrees()) put_octets(expected, base::view(one));
  put_key(expected, "previous");
  put_octets(expected, base::view(last_commit_));
  put_key(expected, "sessions");
  put_head(expected, 4, log_.chains().open().size());
  for (const auto& [session, state] : log_.chains().open()) {
    put_head(expected, 4, 4);
    put_octets(expected, session);
    put_head(expected, 0, state.next);
    put_octets(expected, base::view(state.head));
    put_head(expected, 0, state.protocol);
  }
  if (expected != frame.body) fault("OPEN is not what the log before it gives");
}

void SegmentWalk::on_entry(const Frame& frame) {
  expect_no_payload();
  if (frame.id != log_.size()) {
    if (frame.id < log_.size() || is_row_known_) {
      fault("log index " + std::to_string(frame.id) + " stands where " + std::to_string(log_.size()) + " is due");
    }
    if (frame.id < log_.size()) {
      event_.reset();
      return;
    }
    log_.gap(frame.id);
  }
  entry_ = frame.body;
  entry_place_ = here();
  event_ = log_.accept(entry_, entry_place_);
  if (!event_) return;
  in_segment_.insert(base::Bytes(event_->session));
  for (std::uint8_t slot = kRaw; slot <= kMap; ++slot) {
    if (event_->has_payload(slot)) due_.push_back(slot);
  }
  if (event_->slots[kRaw] && event_->slots[kRaw]->length > 0 && event_->slots[kMasked]) ++report_.counts.not_kept;
  check_empty_slots(entry_place_);
}

/// A slot of length 0 has no PAYLOAD, but a commitment that can be wrong.
void SegmentWalk::check_empty_slots(const Place& place) {
  for (std::uint8_t slot = kRaw; slot <= kMap; ++slot) {
    if (!event_->slots[slot] || event_->slots[slot]->length > 0 || !event_->key) continue;
    const KeyRing::Answer key = keys_.of(event_->session, *event_->key);
    if (key.found != KeyRing::Found::keys) continue;
    const base::Digest salt = key.keys->salt(event_->session, event_->seq, slot);
    const base::Digest rules = key.keys->salt(event_->session, kRulesSeq, kRules);
    check_content({*event_, *place.index, slot, base::view(salt), base::view(rules), {}}, log_id_, place, report_);
  }
  if (event_->is_last() && due_.empty()) keys_.forget(event_->session);
}

void SegmentWalk::on_payload(const Frame& frame) {
  if (!event_) {
    if (is_row_known_) fault("a PAYLOAD without an entry");
    return;
  }
  const auto payload = parse_payload(frame.body);
  Place place = entry_place_;
  place.offset = offset_;
  const bool is_due = payload && !due_.empty() && payload->slot == due_.front() && frame.id == *place.index &&
                      payload->session == event_->session && payload->seq == event_->seq;
  if (!is_due) {
    report_.add(Verdict::tampered, place, "a PAYLOAD that is malformed or that its entry does not call for");
    return;
  }
  due_.pop_front();
  const KeyRing::Answer key = keys_.of(event_->session, *event_->key);
  switch (key.found) {
    case KeyRing::Found::keys:
      check_opened(*payload, key, place);
      break;
    case KeyRing::Found::not_at_hand:
      ++report_.counts.not_opened;
      break;
    case KeyRing::Found::destroyed:
      report_.add(Verdict::missing, key.place, "the session's key is gone, and no erasure event says so");
      break;
    case KeyRing::Found::damaged:
      report_.add(Verdict::tampered, key.place, key.what);
      break;
  }
  if (event_->is_last() && due_.empty()) keys_.forget(event_->session);
}

void SegmentWalk::check_opened(const Payload& payload, const KeyRing::Answer& key, const Place& place) {
  const auto octets = open_payload(payload, key.keys->content(), event_->slots[payload.slot]->length);
  if (!octets) {
    report_.add(Verdict::tampered, place, octets.error().message);
    return;
  }
  const base::Digest salt = key.keys->salt(event_->session, event_->seq, payload.slot);
  const base::Digest rules = key.keys->salt(event_->session, kRulesSeq, kRules);
  check_content({*event_, *place.index, payload.slot, base::view(salt), base::view(rules), *octets}, log_id_, place,
                report_);
}

void SegmentWalk::expect_no_payload() {
  for (; !due_.empty(); due_.pop_front()) {
    report_.add(Verdict::missing, entry_place_,
                "the PAYLOAD of slot " + std::to_string(due_.front()) + " is not there");
  }
}

void SegmentWalk::on_commit(const Frame& frame) {
  expect_no_payload();
  event_.reset();
  const auto commit = parse_commit(frame.body);
  if (!commit) return fault("a COMMIT is malformed");
  if (is_row_known_) {
    if (frame.id != group_) fault("the COMMIT has another number than is due");
    if (commit->first != durable_) fault("the COMMIT's first entry is not the last one's end");
    if (commit->previous != base::view(last_commit_)) fault("the COMMIT does not hold the previous one's hash");
  }
  if (commit->end != log_.size() || commit->first >= commit->end)
    fault("the COMMIT's end is not the number of entries");
  if (log_.is_whole() && commit->root != base::view(log_.tree().root())) fault("the COMMIT's root is not the tree's");
  group_ = frame.id + 1;
  durable_ = log_.size();
  last_commit_ = base::sha256(frame.head_and_body);
  is_row_known_ = true;
  ++report_.counts.groups;
}

void SegmentWalk::on_footer(const Frame& frame) {
  if (!is_last_commit_) fault("a FOOTER that is not directly behind a COMMIT");
  if (frame.id != segment_) fault("the FOOTER has another segment's number");
  has_footer_ = true;
  if (!log_.is_whole()) return;
  base::Bytes sessions;
  for (const base::Bytes& session : in_segment_) sessions += session;
  base::Bytes expected;
  put_head(expected, 5, 2);
  put_key(expected, "size");
  put_head(expected, 0, log_.size());
  put_key(expected, "sessions");
  put_octets(expected, sessions);
  if (expected != frame.body) fault("the FOOTER is not what the segment holds");
}

}  // namespace sallyport::verify
