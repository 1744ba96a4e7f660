// The parsers of the trail's formats on any input: frames and their bodies, events, OPEN, CBOR, checkpoints, and the
// search for the log's end in a segment that holds the input. What parses must encode to the same octets.
#include <cstdlib>

#include "audit/cbor.h"
#include "audit/checkpoint.h"
#include "audit/event.h"
#include "audit/segments.h"
#include "audit/simulated_disk.h"

namespace {

using namespace sallyport;

void require(bool holds) {
  if (!holds) std::abort();
}

void try_parsers(base::View octets) {
  if (const auto value = audit::cbor::decode(octets)) {
    base::Bytes again;
    audit::cbor::encode(again, *value);
    require(again == octets);
  }
  if (const auto event = audit::decode_event(octets)) {
    base::Bytes again;
    audit::encode(again, *event);
    require(again == octets);
    const auto looks = audit::peek(octets);
    require(looks && looks->type == event->type && looks->session == event->session && looks->seq == event->seq);
  }
  (void)audit::peek(octets);
  (void)audit::parse_open(octets);
  (void)audit::parse_payload(octets);
  if (const auto commit = audit::parse_commit(octets)) require(audit::encode(*commit) == octets);
  static const audit::LogKey key = audit::LogKey::make();
  require(!key.verify("a/b", octets));
}

/// The input as frames with right checks, so that the search gets past them: u8 kind, u8 length, body, again and again.
base::Bytes framed(base::View octets, std::uint32_t seed) {
  base::Bytes segment;
  std::uint64_t id = 0;
  while (octets.size() >= 2) {
    const auto kind = static_cast<audit::FrameKind>(1 + static_cast<std::uint8_t>(octets[0]) % 5);
    const std::size_t length = std::min<std::size_t>(static_cast<std::uint8_t>(octets[1]), octets.size() - 2);
    audit::put_frame(segment, kind, id, octets.substr(2, length), seed);
    if (kind == audit::FrameKind::entry) ++id;
    octets.remove_prefix(2 + length);
  }
  return segment;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // An exactly sized block, so that the sanitizer sees any read beyond it.
  const std::vector<char> block(reinterpret_cast<const char*>(data), reinterpret_cast<const char*>(data) + size);
  const base::View octets(block.data(), block.size());
  try_parsers(octets);
  const base::Digest log_id{};
  const std::uint32_t seed = audit::frame_seed(log_id, 0);
  (void)audit::parse_frame(octets, seed);
  for (const base::Bytes& segment : {base::Bytes(octets), framed(octets, seed)}) {
    audit::testing::SimulatedDisk disk;
    disk.make_folder("/s");
    disk.put("/s/00000000.seg", segment);
    const auto end = audit::find_log_end(disk, "/s", log_id);
    if (!end) continue;
    audit::clear_behind(disk, "/s", *end);
    const auto again = audit::find_log_end(disk, "/s", log_id);
    require(again && again->torn_octets == 0 && again->next_group == end->next_group);
  }
  return 0;
}
