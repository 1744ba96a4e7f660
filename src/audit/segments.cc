#include "audit/segments.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "audit/cbor.h"

namespace sallyport::audit {
namespace {

constexpr std::size_t kWindow = 1 << 20;

using SessionId = std::array<char, kSessionId>;
SessionId id_from(base::View octets) {
  SessionId id;
  std::memcpy(id.data(), octets.data(), id.size());
  return id;
}
base::Digest digest_from(base::View octets) {
  base::Digest digest;
  std::memcpy(digest.data(), octets.data(), digest.size());
  return digest;
}

using Kind = cbor::Value::Kind;
std::optional<std::uint64_t> number(const cbor::Value* value) {
  if (value == nullptr || !value->is(Kind::unsigned_)) return std::nullopt;
  return value->number;
}
std::optional<base::View> octets(const cbor::Value* value, std::size_t size) {
  if (value == nullptr || !value->is(Kind::octets) || value->octets.size() != size) return std::nullopt;
  return value->octets;
}

}  // namespace

std::string segment_name(std::uint32_t number) { return fmt::format("{:08}.seg", number); }

base::Result<std::vector<std::uint32_t>> segments_in(Files& files, const std::string& folder) {
  std::vector<std::uint32_t> numbers;
  for (const std::string& name : files.list(folder)) {
    if (name.size() != 12 || !name.ends_with(".seg") || name.find_first_not_of("0123456789") != 8) continue;
    numbers.push_back(static_cast<std::uint32_t>(std::stoul(name)));
  }
  for (std::size_t i = 1; i < numbers.size(); ++i) {
    if (numbers[i] != numbers[i - 1] + 1) {
      return base::fail(base::Code::corrupt, fmt::format("segment {} is missing", segment_name(numbers[i - 1] + 1)),
                        "restore the file; the trail cannot be continued without it");
    }
  }
  return numbers;
}

base::Bytes encode(const SegmentOpen& open) {
  base::Bytes body;
  cbor::put_map(body, 6);
  cbor::put_text(body, "root");
  cbor::put_octets(body, base::view(open.root));
  cbor::put_text(body, "size");
  cbor::put_unsigned(body, open.size);
  cbor::put_text(body, "group");
  cbor::put_unsigned(body, open.group);
  cbor::put_text(body, "frontier");
  cbor::put_array(body, open.frontier.size());
  for (const base::Digest& digest : open.frontier) cbor::put_octets(body, base::view(digest));
  cbor::put_text(body, "previous");
  cbor::put_octets(body, base::view(open.previous));
  cbor::put_text(body, "sessions");
  cbor::put_array(body, open.chains.size());
  for (const OpenChain& chain : open.chains) {
    cbor::put_array(body, 4);
    cbor::put_octets(body, {chain.session.data(), chain.session.size()});
    cbor::put_unsigned(body, chain.next_seq);
    cbor::put_octets(body, base::view(chain.head));
    cbor::put_unsigned(body, chain.protocol);
  }
  return body;
}

std::optional<SegmentOpen> parse_open(base::View body) {
  const auto map = cbor::decode(body);
  if (!map) return std::nullopt;
  SegmentOpen open;
  const auto size = number(map->find("size")), group = number(map->find("group"));
  const auto root = octets(map->find("root"), 32), previous = octets(map->find("previous"), 32);
  const cbor::Value* const frontier = map->find("frontier");
  const cbor::Value* const sessions = map->find("sessions");
  if (!size || !group || !root || !previous || frontier == nullptr || sessions == nullptr) return std::nullopt;
  open.size = *size;
  open.group = *group;
  open.root = digest_from(*root);
  open.previous = digest_from(*previous);
  for (const cbor::Value& item : frontier->items) {
    const auto digest = octets(&item, 32);
    if (!digest) return std::nullopt;
    open.frontier.push_back(digest_from(*digest));
  }
  for (const cbor::Value& item : sessions->items) {
    if (!item.is(Kind::array) || item.items.size() != 4) return std::nullopt;
    const auto session = octets(&item.items[0], kSessionId);
    const auto seq = number(&item.items[1]), protocol = number(&item.items[3]);
    const auto head = octets(&item.items[2], 32);
    if (!session || !seq || !head || !protocol) return std::nullopt;
    open.chains.push_back({id_from(*session), static_cast<std::uint8_t>(*protocol), *seq, digest_from(*head)});
  }
  if (open.frontier.size() != static_cast<std::size_t>(std::popcount(open.size))) return std::nullopt;
  return open;
}

base::Bytes encode_footer(std::uint64_t size, base::View sessions) {
  base::Bytes body;
  cbor::put_map(body, 2);
  cbor::put_text(body, "size");
  cbor::put_unsigned(body, size);
  cbor::put_text(body, "sessions");
  cbor::put_octets(body, sessions);
  return body;
}

SegmentReader::SegmentReader(File& file, std::uint32_t seed, std::uint64_t offset)
    : file_(file), seed_(seed), offset_(offset), window_at_(offset) {}

std::optional<Frame> SegmentReader::next() {
  const auto rest = [this] { return base::View(window_).substr(static_cast<std::size_t>(offset_ - window_at_)); };
  const auto refill = [this](std::size_t count) {
    window_ = file_.read_at(offset_, count);
    window_at_ = offset_;
  };
  if (rest().size() < kFrameHead) refill(kWindow);
  if (rest().size() < kFrameHead) return std::nullopt;
  const std::size_t length = base::load_big<std::uint32_t>(rest().data());
  if (length > kMaxFrameBody) return std::nullopt;
  if (rest().size() < frame_size(length)) refill(std::max(kWindow, frame_size(length)));
  const auto frame = parse_frame(rest(), seed_);
  if (frame) offset_ += frame->size;
  return frame;
}

std::optional<EntryPeek> peek(base::View entry) {
  // [map] 01 01 02 <text> 03 <octets> 04 <seq> 05 <octets> 06 <n> 07 <n> 08 <n>
  if (entry.size() < 4) return std::nullopt;
  base::View rest = entry.substr(3);
  const auto item = [&rest](std::uint8_t key) -> std::optional<cbor::Value> {
    if (rest.empty() || static_cast<std::uint8_t>(rest.front()) != key) return std::nullopt;
    rest.remove_prefix(1);
    auto value = cbor::decode_front(rest);
    if (!value) return std::nullopt;
    return std::move(*value);
  };
  EntryPeek found;
  const std::size_t type_at = 4 + (rest.size() > 1 && static_cast<std::uint8_t>(rest[1]) == 0x78 ? 2U : 1U);
  const auto type = item(2);
  if (!type || !type->is(Kind::text)) return std::nullopt;
  found.type = entry.substr(type_at, type->octets.size());
  const std::size_t session_at = entry.size() - rest.size() + 2;
  const auto session = item(3), seq = item(4), previous = item(5), wall = item(6), mono = item(7), protocol = item(8);
  if (!session || session->octets.size() != kSessionId || !seq || !previous || !wall || !mono || !protocol) {
    return std::nullopt;
  }
  found.session = entry.substr(session_at, kSessionId);
  found.seq = seq->number;
  found.protocol = static_cast<std::uint8_t>(protocol->number);
  return found;
}

namespace {

/// What one segment says, group by group. The state is that behind the last valid COMMIT.
class SegmentState {
 public:
  SegmentState(std::uint32_t number, const base::Digest& log_id) : number_(number), seed_(frame_seed(log_id, number)) {}

  /// False: the segment was never begun, as far as anything valid says.
  base::Result<bool> read(File& file) {
    SegmentReader reader(file, seed_);
    while (true) {
      const std::uint64_t at = reader.offset();
      const auto frame = reader.next();
      if (!frame) break;
      auto fine = take(*frame, at);
      if (!fine) return std::unexpected(fine.error());
      if (has_committed_ && (frame->kind == FrameKind::commit || frame->kind == FrameKind::footer)) {
        end_.offset = reader.offset();
      }
    }
    torn_frames_ = pending_frames_;
    return has_committed_;
  }

  LogEnd end() && {
    for (auto& [session, chain] : chains_) end_.chains.push_back(chain);
    for (const SessionId& session : in_segment_) end_.in_segment.push_back(session);
    end_.segment = number_;
    end_.torn_frames = torn_frames_;
    return std::move(end_);
  }
  bool is_sealed() const { return is_sealed_; }

 private:
  std::unexpected<base::Error> corrupt(std::uint64_t at, const char* what) const {
    return base::fail(base::Code::corrupt, fmt::format("segment {} offset {}: {}", segment_name(number_), at, what),
                      "the trail was changed or the disk is failing; run sallyport-verify and restore a copy");
  }

  base::Result<void> take(const Frame& frame, std::uint64_t at) {
    if (is_sealed_) return corrupt(at, "a frame behind the FOOTER");
    if ((at == 0) != (frame.kind == FrameKind::open)) return corrupt(at, "the OPEN frame is not where it belongs");
    switch (frame.kind) {
      case FrameKind::open:
        return take_open(frame, at);
      case FrameKind::entry:
        return take_entry(frame, at);
      case FrameKind::payload:
        ++pending_frames_;
        return {};
      case FrameKind::commit:
        return take_commit(frame, at);
      case FrameKind::footer:
        if (pending_frames_ != 0) return corrupt(at, "a FOOTER that does not follow a COMMIT");
        is_sealed_ = true;
        return {};
    }
    return {};
  }

  base::Result<void> take_open(const Frame& frame, std::uint64_t at) {
    auto open = parse_open(frame.body);
    if (!open || frame.id != number_) return corrupt(at, "a malformed OPEN frame");
    pending_ = Frontier(open->size, std::move(open->frontier));
    if (pending_.root() != open->root) return corrupt(at, "the OPEN frame contradicts itself");
    end_.next_group = open->group;
    end_.last_commit = open->previous;
    for (const OpenChain& chain : open->chains) chains_[chain.session] = chain;
    first_ = open->size;
    return {};
  }

  base::Result<void> take_entry(const Frame& frame, std::uint64_t at) {
    const auto entry = peek(frame.body);
    if (!entry || frame.id != pending_.size()) return corrupt(at, "a malformed ENTRY frame");
    const base::Digest leaf = leaf_hash(frame.body);
    pending_.append(leaf);
    const bool ends = entry->type == "session_close" || entry->type == "session_abort" || entry->type == "log_end";
    changes_.push_back({{id_from(entry->session), entry->protocol, entry->seq + 1, leaf}, ends});
    ++pending_frames_;
    return {};
  }

  base::Result<void> take_commit(const Frame& frame, std::uint64_t at) {
    const auto commit = parse_commit(frame.body);
    if (!commit || frame.id != end_.next_group || commit->first != first_ || commit->end != pending_.size() ||
        commit->previous != end_.last_commit || commit->root != pending_.root()) {
      return corrupt(at, "a COMMIT that does not fit what precedes it");
    }
    for (const auto& [chain, ends] : changes_) {
      in_segment_.insert(chain.session);
      if (ends) {
        chains_.erase(chain.session);
      } else {
        chains_[chain.session] = chain;
      }
    }
    changes_.clear();
    pending_frames_ = 0;
    first_ = commit->end;
    end_.frontier = pending_;
    end_.next_group = frame.id + 1;
    end_.last_commit = base::sha256(frame.head_and_body);
    has_committed_ = true;
    return {};
  }

  std::uint32_t number_;
  std::uint32_t seed_;
  LogEnd end_;
  std::map<SessionId, OpenChain> chains_;
  std::set<SessionId> in_segment_;
  Frontier pending_;
  std::uint64_t first_ = 0;
  struct Change {
    OpenChain chain;
    bool ends;
  };
  std::vector<Change> changes_;
  std::uint64_t pending_frames_ = 0, torn_frames_ = 0;
  bool has_committed_ = false, is_sealed_ = false;
};

struct Behind {
  std::uint64_t octets = 0;  // up to the last that is not zero
};

/// Looks at everything behind `from`: how much of it is not zero, and whether a COMMIT stands there that no cut-short
/// write explains: only group `in_flight` can have been written without being acknowledged.
base::Result<Behind> look_behind(File& file, std::uint32_t segment, const base::Digest& log_id, std::uint64_t from,
                                 std::uint64_t in_flight) {
  const std::uint32_t seed = frame_seed(log_id, segment);
  constexpr std::size_t kCommitFrame = frame_size(kCommitBody);
  Behind behind;
  for (std::uint64_t at = from;;) {
    const base::Bytes window = file.read_at(at, kWindow + kCommitFrame);
    const std::size_t step = std::min(window.size(), kWindow);
    const auto last = base::View(window).substr(0, step).find_last_not_of('\0');
    if (last != base::View::npos) behind.octets = at + last + 1 - from;
    for (std::size_t i = 0; last != base::View::npos && i < step; i += 8) {
      const base::View here = base::View(window).substr(i);
      if (here.size() < kCommitFrame || here[4] != static_cast<char>(FrameKind::commit)) continue;
      const auto frame = parse_frame(here.substr(0, kCommitFrame), seed);
      if (frame && frame->body.size() == kCommitBody && frame->id > in_flight) {
        return base::fail(
            base::Code::corrupt,
            fmt::format("segment {} offset {}: what stands there is damaged, but group {} behind it, at {}, "
                        "is whole: this is no write that was cut short",
                        segment_name(segment), from, frame->id, at + i),
            "the disk is failing or the trail was changed; run sallyport-verify and restore a copy");
      }
    }
    if (step < kWindow) return behind;
    at += step;
  }
}

}  // namespace

base::Result<LogEnd> find_log_end(Files& files, const std::string& folder, const base::Digest& log_id) {
  const auto numbers = segments_in(files, folder);
  if (!numbers) return std::unexpected(numbers.error());
  LogEnd end;
  end.segment = numbers->empty() ? 0 : numbers->front();
  std::uint64_t torn_octets = 0;
  // The newest that has a whole group is where the log ends; newer ones were only prepared, or cut short.
  std::size_t left = numbers->size();
  for (; left > 0; --left) {
    const std::uint32_t number = (*numbers)[left - 1];
    const auto file = files.open(folder + "/" + segment_name(number), Files::Access::read);
    SegmentState state(number, log_id);
    const auto is_begun = state.read(*file);
    if (!is_begun) return std::unexpected(is_begun.error());
    if (!*is_begun) continue;
    const bool is_sealed = state.is_sealed();
    end = std::move(state).end();
    const auto behind = look_behind(*file, number, log_id, end.offset, end.next_group);
    if (!behind) return std::unexpected(behind.error());
    torn_octets += behind->octets;
    if (is_sealed && behind->octets > 0) {
      return base::fail(base::Code::corrupt, fmt::format("segment {} offset {}: octets behind the FOOTER",
                                                         segment_name(number), end.offset));
    }
    if (is_sealed) {
      end.segment = number + 1;
      end.offset = 0;
      end.in_segment.clear();
    }
    break;
  }
  for (std::size_t i = left; i < numbers->size(); ++i) {
    const std::uint32_t number = (*numbers)[i];
    const auto file = files.open(folder + "/" + segment_name(number), Files::Access::read);
    const auto behind = look_behind(*file, number, log_id, 0, end.next_group);
    if (!behind) return std::unexpected(behind.error());
    const bool may_be_cut = number == end.segment && end.offset == 0;
    if (behind->octets > 0 && !may_be_cut) {
      return base::fail(base::Code::corrupt,
                        fmt::format("segment {} offset 0: it is not empty, but the log ends in segment {} at {}",
                                    segment_name(number), segment_name(end.segment), end.offset),
                        "an older copy of a segment was put back, or one was damaged; restore the right one");
    }
    torn_octets += behind->octets;
  }
  end.torn_octets = torn_octets;
  return end;
}

void clear_behind(Files& files, const std::string& folder, const LogEnd& end) {
  if (end.torn_octets == 0) return;
  const std::string path = folder + "/" + segment_name(end.segment);
  const auto file = files.open(path, Files::Access::write);
  const std::uint64_t size = file->size();
  bool is_changed = false;
  for (std::uint64_t at = end.offset; at < size; at += kWindow) {
    const base::Bytes window = file->read_at(at, static_cast<std::size_t>(std::min<std::uint64_t>(kWindow, size - at)));
    if (base::View(window).find_first_not_of('\0') == base::View::npos) continue;
    file->write_at(at, base::Bytes(window.size(), '\0'));
    is_changed = true;
  }
  if (is_changed) file->sync();
}

}  // namespace sallyport::audit
