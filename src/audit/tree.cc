#include "audit/tree.h"

namespace sallyport::audit {

namespace {
base::Sha256& hasher() {
  thread_local base::Sha256 hash;
  return hash;
}
}  // namespace

base::Digest leaf_hash(base::View entry) { return hasher().update(base::View("\0", 1)).update(entry).finish(); }

base::Digest node_hash(const base::Digest& left, const base::Digest& right) {
  std::array<char, 65> octets;
  octets[0] = 1;
  std::memcpy(&octets[1], left.data(), 32);
  std::memcpy(&octets[33], right.data(), 32);
  return hasher().update({octets.data(), octets.size()}).finish();
}

base::Digest empty_root() { return base::sha256({}); }

void Frontier::append(const base::Digest& leaf) {
  base::Digest node = leaf;
  // Each trailing 1 bit of the size is a perfect subtree that the new one completes.
  for (std::uint64_t bits = size_; (bits & 1) != 0; bits >>= 1) {
    node = node_hash(edge_.back(), node);
    edge_.pop_back();
  }
  edge_.push_back(node);
  ++size_;
}

base::Digest Frontier::root() const {
  if (edge_.empty()) return empty_root();
  base::Digest root = edge_.back();
  for (std::size_t i = edge_.size() - 1; i-- > 0;) root = node_hash(edge_[i], root);
  return root;
}

}  // namespace sallyport::audit
