#include "cmd/verify/bundle.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "cmd/verify/archive.h"
#include "cmd/verify/cbor.h"
#include "cmd/verify/chain.h"
#include "cmd/verify/payload.h"
#include "cmd/verify/trail.h"
#include "cmd/verify/tree.h"

namespace sallyport::verify {
namespace {

constexpr unsigned kEntries = 8;  // the "level" of entry bundles
constexpr std::size_t kMaxBundle = kTileWidth * (2 + 0xFFFF), kMaxNote = 64 << 10;

std::string level_name(unsigned level) { return level == kEntries ? "entries" : std::to_string(level); }

/// A chosen session's file, read as its events come by.
struct Session {
  std::string file{};
  const Member* member = nullptr;
  std::uint64_t cursor = 0;
  base::Bytes rules_salt{};
  bool is_readable = true, is_seen = false;
};

class Bundle {
 public:
  Bundle(Source& source, const LogKey& key, std::uint64_t now_ns, Report& report)
      : archive_(source, report), key_(key), report_(report), chains_(report, Chains::Extent::chosen, now_ns) {}

  void run(const std::vector<Head>& known_heads);

 private:
  struct Tile {
    std::string name{};
    std::size_t width = 0;
    const Member* member = nullptr;
  };
  bool sort_members();
  bool sort_tile(const std::string& name, const Member& member);
  void open_sessions();
  void check_root();
  void check_tiles();
  void check_bundle(std::uint64_t number, const Tile& tile);
  void check_entry(base::View entry, Place place, const base::Digest& leaf);
  void check_contents(const Event& event, const Place& place);
  void check_item(const Event& event, std::uint8_t slot, Session& session, const Place& event_place);
  std::optional<Item> next_item(Session& session, base::Bytes& octets);
  void check_leftovers();
  void check_known(const std::vector<Head>& heads);
  std::optional<base::Bytes> hashes(unsigned level, std::uint64_t number, std::size_t width);
  const Tile* find(unsigned level, std::uint64_t number) const;
  /// Of two members that contradict each other: the one that the MANIFEST contradicts too.
  const std::string& blame(const Tile& first, const Tile& second) const {
    return first.member->is_digest_right && !second.member->is_digest_right ? second.name : first.name;
  }

  Archive archive_;
  const LogKey& key_;
  Report& report_;
  Chains chains_;
  std::optional<Head> head_;
  std::map<std::pair<unsigned, std::uint64_t>, Tile> tiles_;
  std::map<base::Bytes, Session> sessions_;
};

void Bundle::run(const std::vector<Head>& known_heads) {
  if (!sort_members()) return;
  open_sessions();
  check_root();
  check_tiles();
  for (const auto& [place, tile] : tiles_) {
    if (place.first == kEntries) check_bundle(place.second, tile);
  }
  check_leftovers();
  check_known(known_heads);
  report_.counts.signed_entries = report_.counts.entries;
  report_.counts.sessions = sessions_.size();
  report_.counts.open_sessions = chains_.open().size();
  if (!chains_.open().empty()) {
    report_.note(
        "sessions without an end were open at the checkpoint, or their last events were left out of the bundle");
  }
}

/// Finds the checkpoint, the key, the sessions and the tiles among the members.
bool Bundle::sort_members() {
  const Member* const checkpoint = archive_.find("checkpoint");
  if (checkpoint == nullptr) {
    report_.add(Verdict::missing, {.file = "checkpoint"}, "the bundle has no checkpoint");
    return false;
  }
  head_ = read_checkpoint(archive_.read(*checkpoint, 0, kMaxNote), key_, report_);
  if (!head_) return false;
  if (archive_.find("log.vkey") == nullptr)
    report_.add(Verdict::missing, {.file = "log.vkey"}, "the bundle has no log.vkey");
  for (const auto& [name, member] : archive_.members()) {
    bool is_known = name == "checkpoint";
    if (name == "log.vkey") {
      is_known = archive_.read(member, 0, kMaxNote) == key_.line() + "\n";
    } else if (name.starts_with("sessions/")) {
      is_known = name.size() == 41 && name.find_first_not_of("0123456789abcdef", 9) == std::string::npos;
      if (is_known) sessions_[name.substr(9)] = {.file = name, .member = &member};
    } else if (name.starts_with("tile/")) {
      is_known = sort_tile(name, member);
    }
    if (!is_known) {
      report_.add(Verdict::tampered, {.file = name},
                  name == "log.vkey" ? "not the key that was given" : "not what a bundle of this checkpoint holds");
    }
  }
  return true;
}

bool Bundle::sort_tile(const std::string& name, const Member& member) {
  const auto slash = name.find('/', 5);
  if (slash == std::string::npos) return false;
  const std::string level_text = name.substr(5, slash - 5);
  unsigned level = kEntries;
  if (level_text != "entries") {
    if (level_text.size() != 1 || level_text[0] < '0' || level_text[0] > '7') return false;
    level = static_cast<unsigned>(level_text[0] - '0');
  }
  // The digits of the number, whatever stands between; the name made from them must be this one.
  std::uint64_t number = 0;
  const std::string path = name.substr(slash + 1, name.find(".p/") - slash - 1);
  for (const char c : path) {
    if (c >= '0' && c <= '9') number = number * 10 + static_cast<std::uint64_t>(c - '0');
    if (number > head_->size) return false;
  }
  const std::uint64_t count = hashes_at(head_->size, level == kEntries ? 0 : level);
  const std::uint64_t full = count / kTileWidth;
  const std::size_t width = number < full ? kTileWidth : static_cast<std::size_t>(count % kTileWidth);
  if (number > full || width == 0 || tile_name(level_text, number, width) != name) return false;
  if (level != kEntries && member.size != width * kHash) return false;
  tiles_[{level, number}] = {name, width, &member};
  ++report_.counts.tiles;
  return true;
}

const Bundle::Tile* Bundle::find(unsigned level, std::uint64_t number) const {
  const auto found = tiles_.find({level, number});
  return found == tiles_.end() ? nullptr : &found->second;
}

std::optional<base::Bytes> Bundle::hashes(unsigned level, std::uint64_t number, std::size_t width) {
  const Tile* const tile = find(level, number);
  if (tile == nullptr || tile->width < width) return std::nullopt;
  return archive_.read(*tile->member, 0, width * kHash);
}

void Bundle::check_root() {
  std::string suspect = "checkpoint";
  for (unsigned level = 0; level < 8 && hashes_at(head_->size, level) > 0; ++level) {
    // The rightmost one, full or not.
    const std::uint64_t last = (hashes_at(head_->size, level) - 1) / kTileWidth;
    const Tile* const tile = find(level, last);
    if (tile == nullptr) {
      const auto width = static_cast<std::size_t>(hashes_at(head_->size, level) - last * kTileWidth);
      report_.add(Verdict::missing, {.file = tile_name(level_name(level), last, width)}, "the tile is not there");
    } else if (!tile->member->is_digest_right && tile->width < kTileWidth) {
      suspect = tile->name;
    }
  }
  const auto root = root_from_tiles(head_->size, [this](unsigned level, std::uint64_t number, std::size_t width) {
    return hashes(level, number, width);
  });
  if (root && *root != head_->root)
    report_.add(Verdict::tampered, {.file = suspect}, "the tiles do not have the signed root");
}

/// Each full tile against its place in the tile above it.
void Bundle::check_tiles() {
  for (const auto& [place, tile] : tiles_) {
    const auto [level, number] = place;
    if (level >= 7 || tile.width < kTileWidth) continue;
    const auto at = static_cast<std::size_t>(number % kTileWidth);
    const Tile* const parent = find(level + 1, number / kTileWidth);
    if (parent == nullptr || parent->width <= at) {
      report_.add(Verdict::missing, {.file = tile.name}, "the tile that leads from this one to the root is not there");
      continue;
    }
    const base::Bytes expected = archive_.read(*parent->member, at * kHash, kHash);
    if (base::view(root_of_hashes(archive_.read(*tile.member, 0, kTileWidth * kHash))) == expected) continue;
    const std::string& file = blame(tile, *parent);
    report_.add(Verdict::tampered, {.file = file, .offset = file == tile.name ? 0 : at * kHash},
                "the tile is not what the one above it says");
  }
}

void Bundle::check_bundle(std::uint64_t number, const Tile& tile) {
  const Tile* const hash_tile = find(0, number);
  if (hash_tile == nullptr) {
    report_.add(Verdict::missing, {.file = tile_name("0", number, tile.width)},
                "the tile of these entries is not there");
    return;
  }
  const base::Bytes expected = archive_.read(*hash_tile->member, 0, hash_tile->width * kHash);
  if (tile.member->size > kMaxBundle) {
    report_.add(Verdict::tampered, {.file = tile.name}, "larger than an entry bundle can be");
    return;
  }
  const base::Bytes octets = archive_.read(*tile.member, 0, kMaxBundle);
  base::View rest = octets;
  for (std::size_t i = 0; i < tile.width; ++i) {
    Place place{.file = tile.name, .offset = octets.size() - rest.size(), .index = number * kTileWidth + i};
    const std::size_t length = rest.size() < 2 ? 0 : base::load_big<std::uint16_t>(rest.data());
    if (rest.size() < 2 + length) {
      report_.add(Verdict::tampered, place, "the entry bundle ends early");
      chains_.gap();
      return;
    }
    const base::View entry = rest.substr(2, length);
    rest.remove_prefix(2 + length);
    const base::Digest leaf = leaf_hash(entry);
    if (base::View(expected).substr(i * kHash, kHash) != base::view(leaf)) {
      Place blamed = place;
      blamed.file = blame(tile, *hash_tile);
      if (blamed.file != tile.name) blamed.offset = i * kHash;
      report_.add(Verdict::tampered, blamed, "the entry is not the one in the tree");
    }
    check_entry(entry, place, leaf);
  }
  if (!rest.empty()) {
    report_.add(Verdict::tampered, {.file = tile.name, .offset = octets.size() - rest.size()},
                "octets behind the last entry");
  }
}

void Bundle::check_entry(base::View entry, Place place, const base::Digest& leaf) {
  ++report_.counts.entries;
  const auto event = decode_event(entry);
  if (!event) {
    report_.add(Verdict::tampered, place, event.error().message);
    return;
  }
  place.session = base::to_hex(event->session);
  place.seq = event->seq;
  const auto chosen = sessions_.find(place.session);
  if (chosen == sessions_.end()) {
    chains_.pass_over(*event, *place.index);
    return;
  }
  chosen->second.is_seen = true;
  chains_.accept(*event, *place.index, leaf, place);
  check_contents(*event, place);
}

void Bundle::check_contents(const Event& event, const Place& place) {
  Session& session = sessions_[place.session];
  for (std::uint8_t slot = kRaw; slot <= kMap; ++slot) {
    if (!event.slots[slot]) continue;
    if (slot == kRaw && event.slots[kMasked]) {
      ++report_.counts.not_kept;
      continue;
    }
    if (session.is_readable) check_item(event, slot, session, place);
  }
}

/// The item at the session's cursor, which is not advanced. Its views are of `octets`.
std::optional<Item> Bundle::next_item(Session& session, base::Bytes& octets) {
  for (const std::size_t count : {std::size_t{64 << 10}, static_cast<std::size_t>(kMaxSlot + 1024)}) {
    octets = archive_.read(*session.member, session.cursor, count);
    base::View rest = octets;
    if (auto item = take_item(rest)) {
      octets.resize(octets.size() - rest.size());
      // Decoded anew: shortening may have moved what the views are of.
      rest = octets;
      return take_item(rest);
    }
    if (octets.size() < count) break;
  }
  return std::nullopt;
}

/// Each session's first item.
void Bundle::open_sessions() {
  for (auto& [id, session] : sessions_) {
    base::Bytes octets;
    const auto item = next_item(session, octets);
    const bool is_right = item && item->is(Item::Kind::array) && item->items.size() == 3 &&
                          item->items[0].is(Item::Kind::text) && item->items[0].octets == "audit-session/v1" &&
                          item->items[1].is_octets(16) && base::to_hex(item->items[1].octets) == id &&
                          item->items[2].is_octets(32);
    if (!is_right) {
      report_.add(Verdict::tampered, {.file = session.file, .session = id},
                  "the first item is not that of this session");
      session.is_readable = false;
      continue;
    }
    session.rules_salt = item->items[2].octets;
    session.cursor = octets.size();
  }
}

void Bundle::check_item(const Event& event, std::uint8_t slot, Session& session, const Place& event_place) {
  Place place = event_place;
  place.file = session.file;
  place.offset = session.cursor;
  base::Bytes octets;
  const auto item = next_item(session, octets);
  const std::string due = "slot " + std::to_string(slot) + " of seq " + std::to_string(event.seq);
  if (!item && session.cursor >= session.member->size) {
    report_.add(Verdict::missing, place, due + " is not there");
    return;
  }
  const bool is_four = item && item->is(Item::Kind::array) && item->items.size() == 4 &&
                       item->items[0].is(Item::Kind::natural) && item->items[1].is(Item::Kind::natural);
  if (!is_four) {
    report_.add(Verdict::tampered, place, "not the item for " + due);
    session.is_readable = false;
    return;
  }
  const auto found = std::pair(item->items[0].number, item->items[1].number);
  const auto wanted = std::pair<std::uint64_t, std::uint64_t>(event.seq, slot);
  if (found != wanted) {
    report_.add(found > wanted ? Verdict::missing : Verdict::tampered, place, due + " is not there");
    if (found < wanted) session.cursor += octets.size();
    return;
  }
  session.cursor += octets.size();
  const Item &salt = item->items[2], &content = item->items[3];
  if (salt.is(Item::Kind::null) && content.is(Item::Kind::null)) {
    report_.add(Verdict::missing, place, "the session's key is gone, and no erasure event says so");
  } else if (!salt.is_octets(32) || !content.is(Item::Kind::octets)) {
    report_.add(Verdict::tampered, place, "salt or content is malformed");
  } else {
    check_content({event, *event_place.index, slot, salt.octets, session.rules_salt, content.octets}, key_.log_id(),
                  place, report_);
  }
}

void Bundle::check_leftovers() {
  for (const auto& [id, session] : sessions_) {
    const Place place{.file = session.file, .offset = session.cursor, .session = id};
    if (!session.is_seen) report_.add(Verdict::missing, place, "no event of this session is in the bundle");
    if (session.is_seen && session.is_readable && session.cursor < session.member->size) {
      report_.add(Verdict::tampered, place, "an item that no event calls for");
    }
  }
  // All contents were held against the signature by now: where only the MANIFEST disagrees, it is the MANIFEST.
  for (const auto& [name, member] : archive_.members()) {
    if (member.is_listed && !member.is_digest_right && !report_.has_fault_in(name)) {
      report_.add(Verdict::tampered, {.file = "MANIFEST", .offset = member.line}, "another hash than " + name + " has");
    }
  }
}

void Bundle::check_known(const std::vector<Head>& heads) {
  Counts& counts = report_.counts;
  for (const Head& known : heads) {
    if (known.size == 0) continue;
    std::optional<base::Digest> root;
    if (known.size <= head_->size) {
      root = root_from_tiles(known.size, [this](unsigned level, std::uint64_t number, std::size_t width) {
        return hashes(level, number, width);
      });
    }
    if (!root) {
      ++counts.heads_not_comparable;
    } else if (*root != known.root) {
      report_.add(Verdict::rollback, {.file = "checkpoint", .index = known.size},
                  "FORK: the root at size " + std::to_string(known.size) + " is not that of the known head");
    } else {
      ++counts.known_heads;
      counts.anchored = std::max(counts.anchored, std::min(known.size, counts.entries));
    }
  }
  if (counts.heads_not_comparable > 0) {
    report_.note(
        "a known head can be held against a bundle only at the bundle's own size, or where the bundle has its tiles");
  }
}

}  // namespace

void verify_bundle(Source& archive, const LogKey& key, const std::vector<Head>& known_heads, std::uint64_t now_ns,
                   Report& report) {
  Bundle(archive, key, now_ns, report).run(known_heads);
}

}  // namespace sallyport::verify
