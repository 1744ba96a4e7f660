#pragma once
#include <string>
#include <vector>

#include "audit/files.h"
#include "base/result.h"

/// Writes an `audit-bundle/v1` (docs/formats/trail.md section 8): what a stranger needs to check chosen sessions, and
/// never a key.
namespace sallyport::audit {

struct Bundled {
  std::uint64_t sessions = 0, events = 0, octets = 0;
};

/// `sessions`: ids of 16 octets. The bundle is of the newest checkpoint: events that it does not cover are not in it.
/// `out` is replaced when the bundle is whole. Blocks; reads the trail also while its gateway writes to it.
base::Result<Bundled> export_bundle(const std::string& data_folder, const std::vector<base::Bytes>& sessions,
                                    const std::string& out, Files& files = disk());

}  // namespace sallyport::audit
