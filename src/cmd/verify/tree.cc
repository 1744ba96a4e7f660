#include "cmd/verify/tree.h"

#include <algorithm>
#include <bit>

#include "cmd/verify/event.h"

namespace sallyport::verify {

void Frontier::push(const base::Digest& leaf) {
  subtrees_.push_back(leaf);
  // One merge for each subtree that the new leaf completes.
  for (std::uint64_t rest = size_; (rest & 1) != 0; rest >>= 1) {
    const base::Digest right = subtrees_.back();
    subtrees_.pop_back();
    subtrees_.back() = node_hash(base::view(subtrees_.back()), base::view(right));
  }
  ++size_;
}

base::Digest Frontier::root() const { return fold(subtrees_); }

base::Digest fold(const std::vector<base::Digest>& subtrees) {
  if (subtrees.empty()) return base::sha256({});
  base::Digest root = subtrees.back();
  for (std::size_t i = subtrees.size() - 1; i-- > 0;) root = node_hash(base::view(subtrees[i]), base::view(root));
  return root;
}

base::Digest root_of_hashes(base::View hashes) {
  Frontier tree;
  for (; hashes.size() >= kHash; hashes.remove_prefix(kHash)) {
    base::Digest one;
    std::copy_n(hashes.begin(), kHash, one.begin());
    tree.push(one);
  }
  return tree.root();
}

std::string tile_name(const std::string& level, std::uint64_t number, std::size_t width) {
  std::string name;
  do {
    std::string group = std::to_string(number % 1000);
    group.insert(0, 3 - group.size(), '0');
    name = name.empty() ? group : "x" + group + "/" + name;
    number /= 1000;
  } while (number > 0);
  name = "tile/" + level + "/" + name;
  if (width < kTileWidth) name += ".p/" + std::to_string(width);
  return name;
}

std::optional<base::Digest> root_from_tiles(std::uint64_t size, const FetchTile& fetch) {
  std::vector<base::Digest> subtrees;
  for (unsigned level = 8; level-- > 0;) {
    const std::uint64_t count = hashes_at(size, level);
    const auto width = static_cast<std::size_t>(count % kTileWidth);
    if (width == 0) continue;
    const auto hashes = fetch(level, count / kTileWidth, width);
    if (!hashes || hashes->size() != width * kHash) return std::nullopt;
    base::View rest = *hashes;
    for (std::size_t part = std::bit_floor(width), left = width; left > 0; part = std::bit_floor(left)) {
      subtrees.push_back(root_of_hashes(rest.substr(0, part * kHash)));
      rest.remove_prefix(part * kHash);
      left -= part;
    }
  }
  return fold(subtrees);
}

}  // namespace sallyport::verify
