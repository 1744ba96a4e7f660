#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

/// The command line's own memory of a log's heads (TRAIL.md section 4): ~/.local/state/sallyport/heads/KEY, one signed
/// note behind the other. It complains when a log no longer extends what it saw; sallyport-verify proves it.
namespace sallyport::cmd {

/// XDG_STATE_HOME or ~/.local/state; empty when there is neither.
std::string heads_folder();

/// The file for a log, named by the digest of its key.
std::string heads_file(const std::string& folder, std::string_view verification_key);

struct HeadNote {
  std::string origin{};
  std::uint64_t size = 0;
  std::string root{};  // as it stands there
};
/// The first note in `text`. Malformed: it is none. The signature is not checked here.
base::Result<HeadNote> read_note(std::string_view text);

/// Keeps `checkpoint` in `file` when it is newer than what is there. An error says that the log was set back or forked.
/// What cannot be kept (no room, no right) is no error: it is a memory, not a promise.
base::Result<void> remember(const std::string& file, std::string_view checkpoint);

}  // namespace sallyport::cmd
