#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "mask/masker.h"

/// How what masking changed is divided among events (docs/formats/trail.md section 3). Pure.
namespace sallyport::audit {

/// The changes of several replies, at their places in the replies' joined octets.
struct Changes {
  std::vector<mask::Change> list{};  // in order
  std::vector<std::string> rules{};  // Change::rule is of these
};
Changes changes_of(std::span<const mask::Masked> items);

/// A place in the raw octets, the same place in what is shown instead, and how many changes are before it.
struct Cut {
  std::size_t raw = 0, masked = 0, change = 0;
};
/// Where the event that begins at `at` ends: after `most` octets of either, but not inside a change, so that the event
/// may be longer by one; `end` when that comes first. REQUIRES: `at` is the beginning, or came from here, and is not
/// `end`.
Cut next_cut(const std::vector<mask::Change>& changes, Cut at, Cut end, std::size_t most);
/// What lies between two cuts, told from the first on.
std::vector<mask::Change> changes_between(const std::vector<mask::Change>& changes, Cut from, Cut to);

/// What of changes in place (both lengths are the same) is in [begin, begin + size), told from `begin` on: they are cut
/// where the octets are.
std::vector<mask::Change> changes_within(const std::vector<mask::Change>& changes, std::size_t begin, std::size_t size);

}  // namespace sallyport::audit
