#include "cmd/verify/log.h"

#include <algorithm>

namespace sallyport::verify {
namespace {
constexpr std::size_t kMaxBundle = kTileWidth * (2 + 0xFFFF);
}  // namespace

LogCheck::LogCheck(Folder& trail, Options options, Report& report)
    : trail_(trail),
      options_(std::move(options)),
      report_(report),
      chains_(report, Chains::Extent::whole, options_.now_ns) {
  auto& heads = options_.known_heads;
  std::ranges::sort(heads, {}, &Head::size);
  // A head is shown to others only when its checkpoint is durable: a smaller checkpoint has gone back.
  for (; options_.checkpoint && !heads.empty() && heads.back().size > options_.checkpoint->size; heads.pop_back()) {
    rolled_back(heads.back().size, options_.checkpoint->size);
  }
  at_size();
}

std::optional<Event> LogCheck::accept(base::View entry, Place& place) {
  place.index = size_;
  const base::Digest leaf = leaf_hash(entry);
  auto event = decode_event(entry);
  if (entry.size() > 0xFFFF) report_.add(Verdict::tampered, place, "the entry is longer than an entry bundle can hold");
  if (event) {
    place.session = base::to_hex(event->session);
    place.seq = event->seq;
    chains_.accept(*event, size_, leaf, place);
  } else {
    report_.add(Verdict::tampered, place, event.error().message);
  }
  if (options_.from == From::segments && is_whole_) {
    base::append_big(bundle_, static_cast<std::uint16_t>(entry.size()));
    bundle_ += entry;
  }
  ++report_.counts.entries;
  ++size_;
  if (is_whole_) push(leaf);
  if (!event) return std::nullopt;
  return *event;
}

void LogCheck::push(const base::Digest& leaf) {
  tree_.push(leaf);
  base::Digest hash = leaf;
  for (unsigned level = 0; level < 8; ++level) {
    hashes_[level] += base::view(hash);
    if (++pushed_[level] % kTileWidth != 0) break;
    const std::uint64_t number = pushed_[level] / kTileWidth - 1;
    if (is_signed(size_)) {
      check_tile(std::to_string(level), number, kTileWidth, hashes_[level]);
      if (level == 0 && options_.from == From::segments) check_tile("entries", number, kTileWidth, bundle_);
    }
    if (level == 0) bundle_.clear();
    hash = root_of_hashes(hashes_[level]);
    hashes_[level].clear();
  }
  at_size();
}

/// What is known from elsewhere about the tree of this size.
void LogCheck::at_size() {
  if (options_.checkpoint && options_.checkpoint->size == size_) {
    if (tree_.root() != options_.checkpoint->root) {
      report_.add(Verdict::tampered, {.file = "checkpoint", .index = size_}, "the entries do not have the signed root");
    }
    check_partial_tiles();
  }
  for (; next_head_ < options_.known_heads.size() && options_.known_heads[next_head_].size == size_; ++next_head_) {
    if (tree_.root() != options_.known_heads[next_head_].root) {
      report_.add(Verdict::rollback, {.file = "known head", .index = size_},
                  "FORK: the log's root at size " + std::to_string(size_) + " is not that of the known head");
    } else if (size_ > 0) {
      ++report_.counts.known_heads;
      report_.counts.anchored = size_;
    }
  }
}

void LogCheck::check_partial_tiles() {
  for (unsigned level = 0; level < 8; ++level) {
    const auto width = static_cast<std::size_t>(pushed_[level] % kTileWidth);
    if (width == 0) continue;
    check_tile(std::to_string(level), pushed_[level] / kTileWidth, width, hashes_[level]);
    if (level == 0 && options_.from == From::segments)
      check_tile("entries", pushed_[level] / kTileWidth, width, bundle_);
  }
}

void LogCheck::check_tile(const std::string& level, std::uint64_t number, std::size_t width, base::View expected) {
  std::string name = tile_name(level, number, width);
  base::Bytes found;
  bool is_there = trail_.read(name, kMaxBundle, found);
  if (!is_there && width < kTileWidth) {
    // A partial one may go when the full one has come: then its beginning counts.
    const std::string full = tile_name(level, number, kTileWidth);
    is_there = trail_.read(full, kMaxBundle, found);
    if (is_there) {
      name = full;
      found.resize(std::min(found.size(), expected.size()));
    }
  }
  ++report_.counts.tiles;
  if (!is_there) {
    report_.add(Verdict::missing, {.file = name, .index = number * kTileWidth}, "the tile is not there");
    return;
  }
  if (found == expected) return;
  const auto at = std::ranges::mismatch(found, expected).in1 - found.begin();
  report_.add(Verdict::tampered, {.file = name, .offset = static_cast<std::uint64_t>(at)},
              "the tile is not what follows from the entries");
}

void LogCheck::gap(std::uint64_t index) {
  is_whole_ = false;
  chains_.gap();
  if (index > size_) size_ = index;
}

void LogCheck::finish(std::uint64_t durable, const std::optional<Place>& broken) {
  Counts& counts = report_.counts;
  counts.sessions = chains_.session_count();
  counts.open_sessions = chains_.open().size();
  const std::uint64_t promised = options_.checkpoint ? options_.checkpoint->size : 0;
  counts.signed_entries = std::min(promised, durable);
  counts.unsigned_entries = durable - counts.signed_entries;
  if (durable < promised) {
    const std::string what = "entries " + std::to_string(durable) + " to " + std::to_string(promised - 1) +
                             ", which the checkpoint covers, are not there";
    Place place = broken.value_or(Place{.file = "checkpoint"});
    place.index = durable;
    report_.add(broken ? Verdict::tampered : Verdict::missing, place, what);
  }
  for (; next_head_ < options_.known_heads.size(); ++next_head_) {
    const std::uint64_t size = options_.known_heads[next_head_].size;
    if (!options_.checkpoint && options_.from == From::segments && size > size_) {
      rolled_back(size, size_);
    } else {
      ++counts.heads_not_comparable;  // entries before it are lost, which was reported
    }
  }
}

void LogCheck::rolled_back(std::uint64_t known, std::uint64_t have) {
  report_.add(Verdict::rollback, {.file = "checkpoint", .index = have},
              "ROLLBACK: a checkpoint of size " + std::to_string(known) + " was seen before, this log is at " +
                  std::to_string(have));
}

}  // namespace sallyport::verify
