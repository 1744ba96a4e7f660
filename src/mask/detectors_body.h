#pragma once
#include <hs/hs.h>
#include <re2/re2.h>

#include <memory>
#include <optional>
#include <vector>

#include "mask/detector_checks.h"
#include "mask/detector_runs.h"
#include "mask/detectors.h"

/// What the detectors are inside: shared by detectors.cc, detector_scan.cc and detector_cache.cc. Pure.
namespace sallyport::mask {

/// One pattern of one rule, as its hits are judged.
struct DetectorPattern {
  std::uint32_t rule = 0;
  const DetectorCheck* check = nullptr;
  std::size_t least = 0, most = 0;           // octets that it matches
  std::unique_ptr<const re2::RE2> backward;  // finds the begin of a match from its end; nullptr: not needed
  std::size_t back() const { return most + check->back; }
};

/// Vets a pattern and learns its size. The error says what is wrong, without naming the rule.
base::Result<DetectorPattern> read_pattern(const std::string& pattern, const DetectorCheck& check);

struct DatabaseFree {
  void operator()(hs_database_t* database) const { hs_free_database(database); }
};
using Database = std::unique_ptr<hs_database_t, DatabaseFree>;
struct ScratchFree {
  void operator()(hs_scratch_t* scratch) const { hs_free_scratch(scratch); }
};
using Scratch = std::unique_ptr<hs_scratch_t, ScratchFree>;

/// The cache's octets: a header that binds it to rules and library, and the database.
base::Bytes write_cache(const std::vector<DetectorRule>& rules, const hs_database_t& database);
/// nullptr: it is another's, or damaged.
Database read_cache(const std::vector<DetectorRule>& rules, base::View cache);

struct Detectors::Body {
  std::vector<DetectorRule> rules{};
  std::vector<DetectorPattern> patterns{};                          // by the id that Hyperscan reports
  std::vector<std::pair<std::uint32_t, const RunPattern*>> runs{};  // those that Hyperscan does not look for
  Database database{};                                              // nullptr: there is none for it
  std::size_t widest = 0;                                           // of the patterns
  std::size_t back = 0;                                             // how far before a hit's end its begin may be
  bool is_from_cache = false;
};

/// Where Hyperscan says that a pattern ends.
struct PatternEnd {
  std::size_t at = 0;
  std::uint32_t pattern = 0;
  friend auto operator<=>(const PatternEnd&, const PatternEnd&) = default;
};

/// Found, and not told yet; joined, it is as long as `longest` of what was joined, whose rule it bears.
struct Found {
  Hit hit{};
  std::size_t longest = 0;
};

struct Scanner::Body {
  Scratch scratch{};
  std::vector<PatternEnd> ends{};
  std::vector<std::size_t> run_ends{};
  std::vector<Found> found{};
  std::vector<std::size_t> told{};  // by pattern: where its last hit ended

  /// Appends what ends in `piece`, which begins at `offset` of the value, beyond `known`; not in order.
  void find_ends(const Detectors::Body& all, base::View piece, std::size_t offset, std::size_t known,
                 std::vector<PatternEnd>& to);
};

}  // namespace sallyport::mask
