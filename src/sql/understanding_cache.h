#pragma once
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/bytes.h"
#include "model/understanding.h"
#include "sql/understand.h"

/// Texts that differ only in constants are understood once. Pure; one thread at a time: one cache a core.
namespace sallyport::sql {

/// The tokens of a text with its constants removed, wherever two texts of one skeleton are sure to be understood alike.
/// Constants stay where their value matters: in anything but SELECT, INSERT, UPDATE, DELETE, MERGE, VALUES, TABLE and
/// WITH, beside set_config, nextval and setval, in strings and names with escapes, in float(n), in integers that may
/// not fit.
enum class Skeleton : std::uint8_t {
  constants_removed,
  exact,  // the text itself
  none,   // it depends on the session's names, or is not lexically right: not to be cached
};
/// Appends the skeleton of `text` to `out`.
Skeleton append_skeleton(base::View text, std::string& out);

class UnderstandingCache {
 public:
  struct Options {
    std::size_t entries = 1024;
    std::size_t key_octets = base::operator""_KiB(8);  // longer texts are understood each time
  };
  UnderstandingCache() : UnderstandingCache(Options{}) {}
  explicit UnderstandingCache(Options options) : options_(options) {}
  UnderstandingCache(const UnderstandingCache&) = delete;
  UnderstandingCache& operator=(const UnderstandingCache&) = delete;

  /// The same as understand(input). REQUIRES: no two different Catalogues of one version, all `limits` the same.
  std::shared_ptr<const model::Understanding> understand(const Input& input);

  std::uint64_t hits() const { return hits_; }
  std::uint64_t misses() const { return misses_; }
  std::size_t size() const { return order_.size(); }

 private:
  struct Entry {
    std::string key{};
    std::shared_ptr<const model::Understanding> understanding{};
  };
  bool write_key(const Input& input);

  Options options_;
  std::string key_{};                                                    // of the Input at hand; kept for its memory
  std::list<Entry> order_{};                                             // the latest used first
  std::unordered_map<base::View, std::list<Entry>::iterator> places_{};  // views of the entries' keys
  std::uint64_t hits_ = 0, misses_ = 0;
};

}  // namespace sallyport::sql
