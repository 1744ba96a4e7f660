#pragma once
#include <cstdint>
#include <vector>

#include "base/digest.h"

/// The Merkle tree of RFC 6962 section 2.1, as far as a writer needs it. Pure.
namespace sallyport::audit {

base::Digest leaf_hash(base::View entry);
base::Digest node_hash(const base::Digest& left, const base::Digest& right);
/// The root of the empty tree: SHA-256 of nothing.
base::Digest empty_root();

/// The right edge of a growing tree: the roots of its perfect subtrees, largest first, one for each bit of size().
class Frontier {
 public:
  Frontier() = default;
  /// REQUIRES: `edge` has one hash for each bit that is set in `size`.
  Frontier(std::uint64_t size, std::vector<base::Digest> edge) : size_(size), edge_(std::move(edge)) {}

  void append(const base::Digest& leaf);
  std::uint64_t size() const { return size_; }
  base::Digest root() const;
  const std::vector<base::Digest>& edge() const { return edge_; }

 private:
  std::uint64_t size_ = 0;
  std::vector<base::Digest> edge_{};
};

}  // namespace sallyport::audit
