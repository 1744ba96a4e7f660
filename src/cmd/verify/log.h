#pragma once
#include <optional>
#include <string>
#include <vector>

#include "cmd/verify/chain.h"
#include "cmd/verify/note.h"
#include "cmd/verify/source.h"
#include "cmd/verify/tree.h"

/// The log as a row of entries, wherever they are read from: encoding, tree, tiles, checkpoint, known heads, chains
/// (docs/formats/trail.md sections 2, 6, 7). Streaming: memory is one tile a level. One thread. Throws Unreadable.
namespace sallyport::verify {

class LogCheck {
 public:
  /// segments: entries come from segments, so entry bundles are derived and compared. bundles: they come from there.
  enum class From : std::uint8_t { segments, bundles };
  struct Options {
    From from = From::segments;
    std::optional<Head> checkpoint{};
    std::vector<Head> known_heads{};
    std::uint64_t now_ns = 0;
  };
  LogCheck(Folder& trail, Options options, Report& report);

  /// The entry with index size(). Fills in `place`'s index, session and seq. The event is a view of `entry`; nothing if
  /// it cannot be decoded (which is reported).
  std::optional<Event> accept(base::View entry, Place& place);
  /// The entries before `index` are lost, and that was reported: what needs them is not checked any more.
  void gap(std::uint64_t index);
  bool is_whole() const { return is_whole_; }
  std::uint64_t size() const { return size_; }
  const Frontier& tree() const { return tree_; }
  const Chains& chains() const { return chains_; }

  /// After the last entry, `durable` of which count. `broken` says where reading had to stop, if not at a clean end.
  void finish(std::uint64_t durable, const std::optional<Place>& broken);

 private:
  void push(const base::Digest& leaf);
  void at_size();
  void rolled_back(std::uint64_t known, std::uint64_t have);
  void check_partial_tiles();
  void check_tile(const std::string& level, std::uint64_t number, std::size_t width, base::View expected);
  bool is_signed(std::uint64_t size) const { return options_.checkpoint && size <= options_.checkpoint->size; }

  Folder& trail_;
  Options options_;
  Report& report_;
  Chains chains_;
  Frontier tree_;
  std::uint64_t size_ = 0;
  bool is_whole_ = true;
  base::Bytes hashes_[8];         // the tile in the making at each level
  std::uint64_t pushed_[8] = {};  // hashes so far at each level
  base::Bytes bundle_;            // the entry bundle in the making
  std::size_t next_head_ = 0;
};

}  // namespace sallyport::verify
