#pragma once
#include <vector>

#include "cmd/verify/note.h"
#include "cmd/verify/report.h"
#include "cmd/verify/source.h"

/// An export, `audit-bundle/v1` (docs/formats/trail.md section 8): canonical ustar with a checkpoint, the tiles that
/// lead from the chosen sessions' entries to it, and those sessions' salts and contents. Memory: a record a member and
/// a session, one tile and one content. Throws Unreadable.
namespace sallyport::verify {

void verify_bundle(Source& archive, const LogKey& key, const std::vector<Head>& known_heads, std::uint64_t now_ns,
                   Report& report);

}  // namespace sallyport::verify
