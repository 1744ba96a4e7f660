#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>

#include "sql/understanding_cache.h"
#include "store/search_index.h"

namespace sallyport::session {

/// Which statements of one session go into the search index: each distinct text once, and of texts that differ in
/// constants only the first kPerShape, because indexing one costs more than passing it on. The trail has them all.
class IndexedStatements {
 public:
  static constexpr std::uint32_t kPerShape = 64;

  bool is_wanted(const std::string& text) {
    shape_.clear();
    if (sql::append_skeleton(text, shape_) == sql::Skeleton::constants_removed) {
      if (shapes_.size() >= kShapes) shapes_.clear();
      std::uint32_t& count = shapes_[std::hash<std::string>{}(shape_)];
      if (count >= kPerShape) return false;
      if (!seen_.is_new(text)) return false;
      ++count;
      return true;
    }
    return seen_.is_new(text);
  }

 private:
  static constexpr std::size_t kShapes = 1024;
  store::SeenStatements seen_;
  std::unordered_map<std::size_t, std::uint32_t> shapes_;
  std::string shape_;  // kept for its memory
};

}  // namespace sallyport::session
