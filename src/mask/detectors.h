#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

/// Finds secrets and personal data by their form (docs/masks.md): Hyperscan first, exact checks on what it found. Best
/// effort on known forms; column masks are the guarantee. Pure.
namespace sallyport::mask {

/// One kind of secret, as a rule file states it (src/mask/detectors.yaml).
struct DetectorRule {
  std::string name{};  // "github-token"
  /// Regular expressions that both RE2 and Hyperscan take, over octets: without anchors and word boundaries (checks
  /// look at the edges) and at most kMaxPatternWidth octets long.
  std::vector<std::string> patterns{};
  std::string check{};                           // "", "luhn", "iban", "entropy" …: see detector_checks.h
  std::vector<std::string> matches{}, misses{};  // examples: what it must and must not find
  friend bool operator==(const DetectorRule&, const DetectorRule&) = default;
};
inline constexpr std::size_t kMaxPatternWidth = 512;

/// The rules that are built in, as YAML. Valid for ever.
base::View builtin_detectors();

/// What is wrong with a rule, and with which of its parts.
struct RuleProblem {
  enum class Part : std::uint8_t { patterns, check, matches, misses };
  Part part = Part::patterns;
  std::size_t index = 0;  // in that part; 0 for `check`
  std::string message{};
};
/// All of it; examples are tried only when patterns and check are right. Empty: the rule is good.
std::vector<RuleProblem> problems_of(const DetectorRule& rule);

/// What was found: octets [begin, end) of what was scanned.
struct Hit {
  std::size_t begin = 0, end = 0;
  std::uint32_t rule = 0;  // of Detectors::rules()
  friend bool operator==(const Hit&, const Hit&) = default;
};

/// Compiled rules. Immutable, shared between threads.
class Detectors {
 public:
  /// Tries the rules' examples in the middle of texts: a library that overlooks one there is an error
  /// (Code::unsupported), never a detector that finds less. `cache`: a serialised database that `serialised()` gave for
  /// the same rules and version of the library; used when it fits, else ignored. Its digest finds damage, not forgery:
  /// keep it where only the gateway writes.
  static base::Result<std::shared_ptr<const Detectors>> compile(std::vector<DetectorRule> rules, base::View cache = {});
  ~Detectors();
  Detectors(const Detectors&) = delete;
  Detectors& operator=(const Detectors&) = delete;

  const std::vector<DetectorRule>& rules() const;
  base::Bytes serialised() const;
  /// True when the database came from the cache.
  bool is_from_cache() const;

 private:
  friend class Scanner;
  friend class Stream;
  struct Body;
  explicit Detectors(std::unique_ptr<Body> body);
  std::unique_ptr<Body> body_;
};

/// The memory that a scan needs. One thread at a time: one a core. Aborts when there is no memory for it.
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
  /// `hits` becomes those in `value`, in order, none empty, none inside or overlapping another: what overlaps becomes
  /// one, under the name of the longest, then of the earlier rule, so that no octet of any is left over.
  void scan(base::View value, std::vector<Hit>& hits);

 private:
  friend class Stream;
  struct Body;
  std::shared_ptr<const Detectors> detectors_;
  std::unique_ptr<Body> body_;
};

/// A value that comes in parts: the same hits as scan() of the whole, whatever the parts. Keeps as much of the value as
/// could still belong to a match: some 700 octets, and 16 KiB behind the beginning of a private key or a JWT.
/// The scanner must outlive it and may be used for other values between the calls.
class Stream {
 public:
  explicit Stream(Scanner& scanner);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// Appends to `hits` those that no later octet can change, at offsets in the whole value.
  void feed(base::View chunk, std::vector<Hit>& hits);
  /// The value ends here; appends the last ones. REQUIRES: not called before; no feed after it.
  void finish(std::vector<Hit>& hits);
  /// No later hit begins before this offset: what is before it may leave.
  std::size_t safe_until() const;

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace sallyport::mask
