#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"

/// What a verification found, and the words and exit code for it. Pure.
namespace sallyport::verify {

/// The exit codes.
enum class Verdict : std::uint8_t {
  verified = 0,
  usage = 1,
  tampered = 2,
  missing = 3,
  unanchored = 4,
  rollback = 5,
  time = 6
};
std::string name_of(Verdict verdict);

/// Where something was seen. `file` is relative to the trail's folder, or a bundle's member.
struct Place {
  std::string file{};
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> index{};  // in the log
  std::string session{};                 // hexadecimal
  std::optional<std::uint64_t> seq{};
};

/// `kind` is tampered, missing, rollback or time.
struct Fault {
  Verdict kind = Verdict::tampered;
  Place place{};
  std::string what{};
};

/// What was looked at.
struct Counts {
  std::uint64_t entries = 0;           // read and checked
  std::uint64_t signed_entries = 0;    // below the checkpoint
  std::uint64_t anchored = 0;          // below the largest known head that agrees
  std::uint64_t unsigned_entries = 0;  // durable, beyond the checkpoint
  std::uint64_t not_acknowledged = 0;  // octets other than zero behind the last COMMIT
  std::uint64_t sessions = 0, open_sessions = 0;
  std::uint64_t payloads = 0;    // opened and equal to their commitment
  std::uint64_t not_opened = 0;  // present, but no key at hand
  std::uint64_t not_kept = 0;    // commitments whose octets are kept by nobody
  std::uint64_t tiles = 0, segments = 0, groups = 0;
  std::uint64_t known_heads = 0, heads_not_comparable = 0;
};

class Report {
 public:
  void add(Verdict kind, Place place, std::string what);
  /// A sentence that the reader must see although it is no fault.
  void note(std::string sentence) { notes_.push_back(std::move(sentence)); }

  bool has_faults() const { return !firsts_.empty(); }
  bool has_fault_in(const std::string& file) const;
  std::uint64_t fault_count() const { return count_; }
  /// The fault that was found first among those of the gravest kind.
  const Fault* first() const;
  /// Gravest first: tampered, rollback, missing, time; then unanchored or verified.
  Verdict verdict() const;
  std::string text() const;
  std::string json() const;

  Counts counts{};

 private:
  std::vector<Fault> firsts_;  // one of each kind, and one of each file up to a limit
  std::uint64_t count_ = 0;
  std::uint64_t by_kind_[7] = {};
  std::vector<std::string> notes_;
};

}  // namespace sallyport::verify
