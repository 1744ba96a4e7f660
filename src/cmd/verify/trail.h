#pragma once
#include <vector>

#include "base/secret.h"
#include "cmd/verify/note.h"
#include "cmd/verify/report.h"
#include "cmd/verify/source.h"

/// A trail's folder (docs/formats/trail.md sections 1 to 7), at rest or while the gateway goes on writing: the
/// checkpoint is read first, and what came later is counted but never a fault. Streaming, no network. Throws
/// Unreadable.
namespace sallyport::verify {

struct TrailOptions {
  /// mirror: only log.vkey, checkpoint and tile/ are expected.
  enum class Extent : std::uint8_t { whole, mirror };
  Extent extent = Extent::whole;
  base::Secret content_key{};  // 32 octets; empty: payloads are not opened
  std::vector<Head> known_heads{};
  std::uint64_t now_ns = 0;
};

void verify_trail(Folder& trail, const LogKey& key, TrailOptions options, Report& report);

/// A checkpoint file: the head, or a fault in `report`.
std::optional<Head> read_checkpoint(base::View note, const LogKey& key, Report& report);

}  // namespace sallyport::verify
