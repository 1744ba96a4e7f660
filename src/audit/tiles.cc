#include "audit/tiles.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace sallyport::audit {
namespace {

constexpr std::uint64_t kWidth = 256;
constexpr std::size_t kMaxBundle = kWidth * (2 + 65535);

std::string level_name(std::size_t level) { return fmt::format("tile/{}/", level); }
constexpr base::View kEntries = "tile/entries/";

base::Bytes joined(const std::vector<base::Digest>& hashes) {
  base::Bytes octets;
  octets.reserve(hashes.size() * 32);
  for (const base::Digest& hash : hashes) octets += base::view(hash);
  return octets;
}

/// The first `count` entries of a bundle with their lengths; nothing when there are not so many.
std::optional<base::View> front_of_bundle(base::View bundle, std::uint64_t count) {
  std::size_t at = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (bundle.size() - at < 2) return std::nullopt;
    const std::size_t length = base::load_big<std::uint16_t>(bundle.data() + at);
    if (bundle.size() - at - 2 < length) return std::nullopt;
    at += 2 + length;
  }
  return bundle.substr(0, at);
}

}  // namespace

std::string tile_path(std::uint64_t number, std::uint64_t width) {
  std::string path = fmt::format("{:03}", number % 1000);
  for (number /= 1000; number > 0; number /= 1000) path = fmt::format("x{:03}/", number % 1000) + path;
  if (width < kWidth) path += fmt::format(".p/{}", width);
  return path;
}

base::Digest subtree_root(const std::vector<base::Digest>& hashes) {
  Frontier tree;
  for (const base::Digest& hash : hashes) tree.append(hash);
  return tree.root();
}

Tiles::Tiles(Files& files, std::string folder) : files_(files), folder_(std::move(folder)) {}

std::vector<base::Digest> Tiles::hashes_of(std::size_t level, std::uint64_t number, std::uint64_t width) const {
  if (level < levels_.size() && levels_[level].number == number) {
    if (levels_[level].hashes.size() < width) return {};
    return {levels_[level].hashes.begin(), levels_[level].hashes.begin() + static_cast<std::ptrdiff_t>(width)};
  }
  base::Bytes octets = files_.read_whole(folder_ + "/" + level_name(level) + tile_path(number, kWidth), kWidth * 32);
  if (octets.size() != kWidth * 32) {
    octets = files_.read_whole(folder_ + "/" + level_name(level) + tile_path(number, width), kWidth * 32);
  }
  if (octets.size() < width * 32) return {};
  std::vector<base::Digest> hashes(static_cast<std::size_t>(width));
  std::memcpy(hashes.data(), octets.data(), hashes.size() * 32);
  return hashes;
}

bool Tiles::load(std::uint64_t size) {
  levels_.clear();
  bundle_.clear();
  size_ = edge_size_ = 0;
  std::vector<Level> levels;
  for (std::size_t level = 0; size >> (8 * level) > 0; ++level) {
    const std::uint64_t count = size >> (8 * level);
    Level here{.number = count / kWidth};
    if (count % kWidth != 0) {
      here.hashes = hashes_of(level, here.number, count % kWidth);
      if (here.hashes.empty()) return false;
    }
    levels.push_back(std::move(here));
  }
  base::Bytes bundle;
  if (size % kWidth != 0) {
    const std::string path = folder_ + "/" + std::string(kEntries);
    base::Bytes octets = files_.read_whole(path + tile_path(size / kWidth, kWidth), kMaxBundle);
    if (octets.empty()) octets = files_.read_whole(path + tile_path(size / kWidth, size % kWidth), kMaxBundle);
    const auto front = front_of_bundle(octets, size % kWidth);
    if (!front) return false;
    bundle = *front;
  }
  levels_ = std::move(levels);
  bundle_ = std::move(bundle);
  size_ = size;
  return true;
}

void Tiles::append(base::View entry) {
  base::append_big(bundle_, static_cast<std::uint16_t>(entry.size()));
  bundle_ += entry;
  const std::uint64_t number = size_ / kWidth;
  ++size_;
  if (size_ % kWidth == 0) {
    write(std::string(kEntries) + tile_path(number, kWidth), bundle_);
    remove_partial(std::string(kEntries) + tile_path(number, kWidth));
    bundle_.clear();
  }
  put(0, leaf_hash(entry));
}

void Tiles::put(std::size_t level, const base::Digest& hash) {
  if (level == levels_.size()) levels_.emplace_back();
  levels_[level].hashes.push_back(hash);
  if (levels_[level].hashes.size() < kWidth) return;
  const std::string path = level_name(level) + tile_path(levels_[level].number, kWidth);
  write(path, joined(levels_[level].hashes));
  remove_partial(path);
  const base::Digest above = subtree_root(levels_[level].hashes);
  levels_[level].hashes.clear();
  ++levels_[level].number;
  put(level + 1, above);
}

void Tiles::write_edge() {
  if (edge_size_ == size_) return;
  for (std::size_t level = 0; level < levels_.size(); ++level) {
    const Level& here = levels_[level];
    // A level whose width did not change since the last edge has its tile already.
    if (here.hashes.empty() || edge_size_ >> (8 * level) == size_ >> (8 * level)) continue;
    write(level_name(level) + tile_path(here.number, here.hashes.size()), joined(here.hashes));
  }
  if (!bundle_.empty()) write(std::string(kEntries) + tile_path(size_ / kWidth, size_ % kWidth), bundle_);
  edge_size_ = size_;
}

void Tiles::sync() {
  write_edge();
  // Thousands of small files, most of them written back already: one call for all costs far less than one for each.
  files_.sync_all(folder_);
  files_.replace(folder_ + "/tile-durable", std::to_string(size_) + "\n");
}

std::uint64_t Tiles::durable_size() const {
  const base::Bytes text = files_.read_whole(folder_ + "/tile-durable", 32);
  std::uint64_t size = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), size);
  return fault == std::errc() && end + 1 == text.data() + text.size() ? size : 0;
}

base::Digest Tiles::root() const {
  std::optional<base::Digest> root;
  for (const Level& level : levels_) {
    std::vector<base::Digest> hashes = level.hashes;
    if (root) hashes.push_back(*root);
    if (!hashes.empty()) root = subtree_root(hashes);
  }
  return root.value_or(empty_root());
}

base::Result<base::Digest> Tiles::root_at(std::uint64_t size) const {
  std::optional<base::Digest> root;
  for (std::size_t level = 0; size >> (8 * level) > 0; ++level) {
    const std::uint64_t count = size >> (8 * level);
    std::vector<base::Digest> hashes;
    if (count % kWidth != 0) {
      hashes = hashes_of(level, count / kWidth, count % kWidth);
      if (hashes.empty()) {
        return base::fail(base::Code::corrupt, fmt::format("tile {}{} is missing or short", level_name(level),
                                                           tile_path(count / kWidth, count % kWidth)));
      }
    }
    if (root) hashes.push_back(*root);
    if (!hashes.empty()) root = subtree_root(hashes);
  }
  return root.value_or(empty_root());
}

void Tiles::write(const std::string& relative, base::View octets) {
  const std::string path = folder_ + "/" + relative;
  // Aside and renamed: a mirror never reads half a tile.
  const std::string aside = path + ".new";
  std::unique_ptr<File> file;
  try {
    file = files_.open(aside, Files::Access::fresh);
  } catch (const DiskFailure&) {
    for (auto slash = path.find('/', folder_.size() + 1); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      files_.make_folder(path.substr(0, slash));
    }
    file = files_.open(aside, Files::Access::fresh);
  }
  file->write_at(0, octets);
  file.reset();
  files_.rename(aside, path);
}

void Tiles::remove_partial(const std::string& relative) {
  const std::string folder = folder_ + "/" + relative + ".p";
  if (!files_.exists(folder)) return;
  for (const std::string& name : files_.list(folder)) files_.remove(folder + "/" + name);
  files_.remove(folder);
}

}  // namespace sallyport::audit
