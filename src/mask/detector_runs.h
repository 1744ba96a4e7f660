#pragma once
#include <string>
#include <vector>

#include "base/bytes.h"

/// Patterns that begin with no word, which libhs looks for octet by octet, found some times faster: a match is a run of
/// an alphabet with a least length, or begins with one rare octet, so that most octets need not be looked at. They are
/// also those that Hyperscan 5.4.9 gets wrong on processors with AVX-512: it overlooks every other '@' near the end of
/// what it scans. Pure.
namespace sallyport::mask {

struct RunPattern {
  /// The pattern as a rule states it. What is found is what this finds; the tests hold it against Hyperscan.
  std::string_view text{};
  /// Appends the offsets in `text` where a match ends, in order, those beyond `known` only; with Stop::at_first at most
  /// one.
  enum class Stop : bool { never, at_first };
  void (*find)(base::View text, std::size_t known, Stop stop, std::vector<std::size_t>& ends) = nullptr;
};

/// nullptr: the pattern is Hyperscan's.
const RunPattern* run_pattern(std::string_view text);

}  // namespace sallyport::mask
