#include "cmd/verify/trail.h"

#include "cmd/verify/log.h"
#include "cmd/verify/segments.h"

namespace sallyport::verify {
namespace {

constexpr std::size_t kMaxNote = 64 << 10;

/// Feeds the entries of the entry bundles below `size`.
void walk_bundles(Folder& trail, std::uint64_t size, LogCheck& log, Report& report) {
  constexpr std::size_t kMaxBundle = kTileWidth * (2 + 0xFFFF);
  for (std::uint64_t number = 0; number * kTileWidth < size; ++number) {
    const auto width = static_cast<std::size_t>(std::min<std::uint64_t>(kTileWidth, size - number * kTileWidth));
    Place place{.file = tile_name("entries", number, width)};
    base::Bytes bundle;
    bool is_there = trail.read(place.file, kMaxBundle, bundle);
    if (!is_there) {
      place.file = tile_name("entries", number, kTileWidth);
      is_there = trail.read(place.file, kMaxBundle, bundle);
    }
    ++report.counts.tiles;
    if (!is_there) {
      report.add(Verdict::missing, place, "the entry bundle is not there");
      log.gap((number + 1) * kTileWidth);
      continue;
    }
    base::View rest = bundle;
    for (std::size_t i = 0; i < width; ++i) {
      place.offset = bundle.size() - rest.size();
      const std::size_t length = rest.size() < 2 ? 0 : base::load_big<std::uint16_t>(rest.data());
      if (rest.size() < 2 + length) {
        report.add(Verdict::tampered, place, "the entry bundle ends early");
        log.gap((number + 1) * kTileWidth);
        break;
      }
      Place entry_place = place;
      log.accept(rest.substr(2, length), entry_place);
      rest.remove_prefix(2 + length);
    }
  }
}

}  // namespace

std::optional<Head> read_checkpoint(base::View note, const LogKey& key, Report& report) {
  const Place place{.file = "checkpoint"};
  base::View rest = note;
  const auto head = take_head_note(rest, key);
  if (!head) {
    report.add(Verdict::tampered, place, head.error().message);
    return std::nullopt;
  }
  if (!rest.empty()) report.add(Verdict::tampered, place, "octets behind the checkpoint's signatures");
  return *head;
}

void verify_trail(Folder& trail, const LogKey& key, TrailOptions options, Report& report) {
  // First of all, so that everything it covers is already there whatever the gateway appends meanwhile.
  base::Bytes note;
  std::optional<Head> checkpoint;
  if (trail.read("checkpoint", kMaxNote, note)) {
    checkpoint = read_checkpoint(note, key, report);
  } else {
    report.add(Verdict::missing, {.file = "checkpoint"}, "there is no checkpoint: nothing is signed");
  }
  if (base::Bytes line; !trail.read("log.vkey", kMaxNote, line)) {
    report.add(Verdict::missing, {.file = "log.vkey"}, "the file is not there");
  } else if (line != key.line() + "\n") {
    report.add(Verdict::tampered, {.file = "log.vkey"}, "not the key that was given");
  }
  const bool is_mirror = options.extent == TrailOptions::Extent::mirror;
  LogCheck log(trail,
               {is_mirror ? LogCheck::From::bundles : LogCheck::From::segments, checkpoint,
                std::move(options.known_heads), options.now_ns},
               report);
  if (is_mirror) {
    walk_bundles(trail, checkpoint ? checkpoint->size : 0, log, report);
    report.note("a mirror: segments and payloads were not looked at");
    log.finish(log.size(), std::nullopt);
    return;
  }
  const base::Digest log_id = key.log_id();
  KeyRing keys(trail, std::move(options.content_key), log_id);
  SegmentWalk walk(trail, log, keys, log_id, report);
  walk.run();
  if (report.counts.segments == 0) report.add(Verdict::missing, {.file = "segments"}, "there are no segments");
  log.finish(walk.durable(), walk.broken());
}

}  // namespace sallyport::verify
