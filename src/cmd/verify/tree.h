#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"

/// The tree of RFC 6962 and its tiles (C2SP tlog-tiles, height 8). Pure.
namespace sallyport::verify {

inline constexpr std::size_t kTileWidth = 256, kHash = 32;

/// The roots of the perfect subtrees of a growing tree.
class Frontier {
 public:
  void push(const base::Digest& leaf);
  std::uint64_t size() const { return size_; }
  /// SHA-256 of nothing for size 0.
  base::Digest root() const;
  /// Largest subtree first.
  const std::vector<base::Digest>& subtrees() const { return subtrees_; }

 private:
  std::uint64_t size_ = 0;
  std::vector<base::Digest> subtrees_;
};

/// Folds subtrees, largest first, into one root.
base::Digest fold(const std::vector<base::Digest>& subtrees);
/// The root over whole hashes, 1 to 256 of them, as leaves of their own small tree.
base::Digest root_of_hashes(base::View hashes);

/// How many hashes there are at a level of a tree of `size`.
inline std::uint64_t hashes_at(std::uint64_t size, unsigned level) { return level >= 8 ? 0 : size >> (8 * level); }

/// `tile/<level>/<number>[.p/<width>]`; width 256 is a full one. Level "entries" for entry bundles.
std::string tile_name(const std::string& level, std::uint64_t number, std::size_t width);

/// The first `width` hashes of a tile, if it is at hand and has as many.
using FetchTile = std::function<std::optional<base::Bytes>(unsigned level, std::uint64_t number, std::size_t width)>;
/// The root at `size` from partial tiles; nothing if one of them is not at hand.
std::optional<base::Digest> root_from_tiles(std::uint64_t size, const FetchTile& fetch);

}  // namespace sallyport::verify
