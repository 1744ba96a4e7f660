#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "audit/files.h"
#include "audit/tree.h"
#include "base/result.h"

/// The published form of the tree: hash tiles and entry bundles of C2SP tlog-tiles. Derived from the segments, and
/// rebuilt from them. One thread at a time; functions throw DiskFailure.
namespace sallyport::audit {

/// "x001/x234/067" for 1234067; with the width behind it when that is below 256.
std::string tile_path(std::uint64_t number, std::uint64_t width);
/// The root of the perfect or ragged subtree over `hashes`. REQUIRES: not empty.
base::Digest subtree_root(const std::vector<base::Digest>& hashes);

class Tiles {
 public:
  /// `folder` is the trail's; tiles go below folder/tile.
  Tiles(Files& files, std::string folder);

  /// Starts over at `size` with what is on the disk; false when that is not all there. After false: empty, size 0.
  bool load(std::uint64_t size);
  /// Adds an entry; a tile or bundle that becomes full is written at once.
  void append(base::View entry);
  /// Writes the ragged right edge, so that everything a checkpoint of size() needs is there.
  void write_edge();
  /// Makes all that was written durable and notes the size in tile-durable. Calls write_edge() itself.
  void sync();

  std::uint64_t size() const { return size_; }
  base::Digest root() const;
  /// The root of the first `size` entries, from tiles. REQUIRES: size <= size(). Fails when a tile is missing.
  base::Result<base::Digest> root_at(std::uint64_t size) const;
  /// What tile-durable says; 0 when there is none.
  std::uint64_t durable_size() const;

 private:
  struct Level {
    std::vector<base::Digest> hashes{};  // of the tile that is not full yet
    std::uint64_t number = 0;            // of that tile
  };
  void put(std::size_t level, const base::Digest& hash);
  void write(const std::string& relative, base::View octets);
  void remove_partial(const std::string& relative);
  std::vector<base::Digest> hashes_of(std::size_t level, std::uint64_t number, std::uint64_t width) const;

  Files& files_;
  std::string folder_;
  std::uint64_t size_ = 0;
  std::vector<Level> levels_;
  base::Bytes bundle_;           // of the entries that are not a full bundle yet
  std::uint64_t edge_size_ = 0;  // write_edge did its work at this size
};

}  // namespace sallyport::audit
