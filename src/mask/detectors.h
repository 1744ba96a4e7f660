#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

/// Finds secrets and personal data by their form (docs/masks.md): vectorscan first, exact checks on what it found. Best
/// effort on known forms; column masks are the guarantee. Pure.
namespace sallyport::mask {

/// One kind of secret, as a rule file states it.
struct DetectorRule {
  std::string name{};  // "github-token"
  std::vector<std::string> patterns{};
  std::string check{};                           // "", "luhn", "iban", "entropy" …: see detector_checks.h
  std::vector<std::string> matches{}, misses{};  // examples: what it must and must not find
};

/// What was found: octets [begin, end) of what was scanned.
struct Hit {
  std::size_t begin = 0, end = 0;
  std::uint32_t rule = 0;  // of Detectors::rules()
  friend bool operator==(const Hit&, const Hit&) = default;
};

/// Compiled rules. Immutable, shared between threads.
class Detectors {
 public:
  /// `cache`: a serialised database that `serialised()` gave for the same rules and version of the library; used when
  /// it fits, else ignored.
  static base::Result<std::shared_ptr<const Detectors>> compile(std::vector<DetectorRule> rules, base::View cache = {});
  ~Detectors();
  Detectors(const Detectors&) = delete;
  Detectors& operator=(const Detectors&) = delete;

  const std::vector<DetectorRule>& rules() const;
  base::Bytes serialised() const;

 private:
  friend class Scanner;
  struct Body;
  explicit Detectors(std::unique_ptr<Body> body);
  std::unique_ptr<Body> body_;
};

/// The memory that a scan needs. One thread at a time: one a core.
class Scanner {
 public:
  explicit Scanner(std::shared_ptr<const Detectors> detectors);
  ~Scanner();
  Scanner(const Scanner&) = delete;
  Scanner& operator=(const Scanner&) = delete;

  const Detectors& detectors() const { return *detectors_; }

  /// False: scan() of any part of `octets` finds nothing. What stands around a part (lengths, NULs, delimiters) does
  /// not matter: no word boundary is asked for here. Many values in one call cost little more than one.
  bool may_hit(base::View octets);
  /// Hits in `value`, in order, none inside or overlapping another (of two the longer, then the earlier rule).
  void scan(base::View value, std::vector<Hit>& hits);

 private:
  struct Body;
  std::shared_ptr<const Detectors> detectors_;
  std::unique_ptr<Body> body_;
};

}  // namespace sallyport::mask
