#include "cmd/verify/cbor.h"

namespace sallyport::verify {
namespace {

constexpr int kMaxDepth = 16;
constexpr std::size_t kMaxItems = 1 << 20;  // an Item takes some 60 octets of memory, and one of input
enum Major : std::uint8_t { kNatural, kNegative, kOctets, kText, kArray, kMap, kTag, kSimple };

/// Decodes permissively as to order and shortness: the encoding again decides (take_item).
class Reader {
 public:
  explicit Reader(base::View rest) : rest_(rest) {}
  base::View rest() const { return rest_; }

  bool item(Item& to, int depth) {
    std::uint8_t low = 0;
    std::uint64_t argument = 0;
    if (depth > kMaxDepth || rest_.empty() || ++count_ > kMaxItems) return false;
    const auto major = static_cast<std::uint8_t>(static_cast<std::uint8_t>(rest_.front()) >> 5);
    if (!head(low, argument)) return false;
    to.number = argument;
    switch (static_cast<Major>(major)) {
      case kNatural:
        to.kind = Item::Kind::natural;
        return true;
      case kNegative:
        to.kind = Item::Kind::negative;
        return true;
      case kOctets:
        return string(to, Item::Kind::octets);
      case kText:
        return string(to, Item::Kind::text) && is_utf8(to.octets);
      case kArray:
        to.kind = Item::Kind::array;
        return items(to, argument, depth);
      case kMap:
        to.kind = Item::Kind::map;
        return argument <= rest_.size() && items(to, argument * 2, depth);
      case kTag:
        return false;
      case kSimple:
        return simple(to, low);
    }
    return false;
  }

 private:
  /// NUL is legal in text.
  static bool is_utf8(base::View text) {
    while (!text.empty()) {
      const auto nul = text.find('\0');
      if (!base::is_utf8_without_nul(text.substr(0, nul))) return false;
      if (nul == base::View::npos) return true;
      text.remove_prefix(nul + 1);
    }
    return true;
  }

  bool head(std::uint8_t& low, std::uint64_t& argument) {
    low = static_cast<std::uint8_t>(rest_.front()) & 0x1F;
    rest_.remove_prefix(1);
    argument = low;
    if (low < 24) return true;
    if (low > 27) return false;
    const std::size_t width = std::size_t{1} << (low - 24);
    if (rest_.size() < width) return false;
    argument = 0;
    for (std::size_t i = 0; i < width; ++i) argument = argument << 8 | static_cast<std::uint8_t>(rest_[i]);
    rest_.remove_prefix(width);
    return true;
  }

  static bool simple(Item& to, std::uint8_t low) {
    if (low == 22) {
      to.kind = Item::Kind::null;
      to.number = 0;
      return true;
    }
    if (low != 20 && low != 21) return false;
    to.kind = Item::Kind::boolean;
    to.number = low - 20U;
    return true;
  }

  bool string(Item& to, Item::Kind kind) {
    to.kind = kind;
    if (to.number > rest_.size()) return false;
    const auto length = static_cast<std::size_t>(to.number);
    to.octets = rest_.substr(0, length);
    rest_.remove_prefix(length);
    to.number = 0;
    return true;
  }

  bool items(Item& to, std::uint64_t count, int depth) {
    to.number = 0;
    if (count > rest_.size()) return false;  // an item has at least one octet
    base::View previous;
    for (std::uint64_t i = 0; i < count; ++i) {
      const base::View before = rest_;
      Item one;
      if (!item(one, depth + 1)) return false;
      if (to.kind == Item::Kind::map && i % 2 == 0) {
        const base::View key = before.substr(0, before.size() - rest_.size());
        if (i > 0 && key <= previous) return false;
        previous = key;
      }
      to.items.push_back(std::move(one));
    }
    return true;
  }

  base::View rest_;
  std::size_t count_ = 0;
};

}  // namespace

const Item* Item::find(base::View key) const {
  if (kind != Kind::map) return nullptr;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i].kind == Kind::text && items[i].octets == key) return &items[i + 1];
  }
  return nullptr;
}

std::optional<Item> take_item(base::View& from) {
  Reader reader(from);
  Item item;
  if (!reader.item(item, 0)) return std::nullopt;
  const base::View taken = from.substr(0, from.size() - reader.rest().size());
  base::Bytes again;
  again.reserve(taken.size());
  encode_item(again, item);
  if (again != taken) return std::nullopt;
  from = reader.rest();
  return item;
}

std::optional<Item> decode_item(base::View from) {
  auto item = take_item(from);
  if (!from.empty()) return std::nullopt;
  return item;
}

void put_head(base::Bytes& to, std::uint8_t major, std::uint64_t argument) {
  const auto first = static_cast<std::uint8_t>(major << 5);
  if (argument < 24) return to.push_back(static_cast<char>(first | argument));
  if (argument <= 0xFF) {
    to.push_back(static_cast<char>(first | 24));
    return base::append_big(to, static_cast<std::uint8_t>(argument));
  }
  if (argument <= 0xFFFF) {
    to.push_back(static_cast<char>(first | 25));
    return base::append_big(to, static_cast<std::uint16_t>(argument));
  }
  if (argument <= 0xFFFFFFFF) {
    to.push_back(static_cast<char>(first | 26));
    return base::append_big(to, static_cast<std::uint32_t>(argument));
  }
  to.push_back(static_cast<char>(first | 27));
  base::append_big(to, argument);
}

void encode_item(base::Bytes& to, const Item& item) {
  switch (item.kind) {
    case Item::Kind::natural:
      return put_head(to, kNatural, item.number);
    case Item::Kind::negative:
      return put_head(to, kNegative, item.number);
    case Item::Kind::octets:
      put_head(to, kOctets, item.octets.size());
      break;
    case Item::Kind::text:
      put_head(to, kText, item.octets.size());
      break;
    case Item::Kind::array:
      put_head(to, kArray, item.items.size());
      break;
    case Item::Kind::map:
      put_head(to, kMap, item.items.size() / 2);
      break;
    case Item::Kind::boolean:
      return put_head(to, kSimple, 20 + item.number);
    case Item::Kind::null:
      return put_head(to, kSimple, 22);
  }
  to += item.octets;
  for (const Item& one : item.items) encode_item(to, one);
}

}  // namespace sallyport::verify
