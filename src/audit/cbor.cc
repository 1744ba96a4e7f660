#include "audit/cbor.h"

#include <algorithm>
#include <array>
#include <optional>

namespace sallyport::audit::cbor {
namespace {

constexpr int kMaxDepth = 16;

enum Major : std::uint8_t {
  kUnsigned = 0,
  kNegative = 1,
  kOctets = 2,
  kText = 3,
  kArray = 4,
  kMap = 5,
  kTag = 6,
  kSimple = 7
};
constexpr std::uint8_t kFalse = 20, kTrue = 21, kNull = 22;

void put_head(base::Bytes& to, Major major, std::uint64_t value) {
  const auto top = static_cast<std::uint8_t>(major << 5);
  if (value < 24) return to.push_back(static_cast<char>(top | value));
  // One append: most of what is written for an event is heads.
  std::array<char, 9> head;
  const unsigned width_code = value <= 0xFF ? 0 : value <= 0xFFFF ? 1 : value <= 0xFFFFFFFF ? 2 : 3;
  const unsigned width = 1U << width_code;
  head[0] = static_cast<char>(top | (24 + width_code));
  base::store_big(&head[1], value << (64 - 8 * width));
  to.append(head.data(), 1 + width);
}

std::unexpected<base::Error> malformed(const char* what) { return base::fail(base::Code::malformed, what); }

/// Reads items from the front of a view. Every length is checked against what is left before memory is taken for it.
class Decoder {
 public:
  explicit Decoder(base::View octets) : rest_(octets) {}
  base::View rest() const { return rest_; }

  base::Result<Value> item(int depth) {
    if (depth > kMaxDepth) return base::fail(base::Code::limit, "CBOR is nested too deeply");
    if (rest_.empty()) return malformed("CBOR ends early");
    const auto first = static_cast<std::uint8_t>(rest_.front());
    const auto major = static_cast<Major>(first >> 5);
    if (major == kSimple) return simple(first & 0x1F);
    const auto argument = head(first & 0x1F);
    if (!argument) return malformed("CBOR head is cut or not the shortest");
    switch (major) {
      case kUnsigned:
        return Value{.kind = Value::Kind::unsigned_, .number = *argument};
      case kNegative:
        return Value{.kind = Value::Kind::negative, .number = *argument};
      case kOctets:
        return string(Value::Kind::octets, *argument);
      case kText:
        return string(Value::Kind::text, *argument);
      case kArray:
        return array(*argument, depth);
      case kMap:
        return map(*argument, depth);
      case kTag:
      case kSimple:
        break;
    }
    return malformed("CBOR tags are not used here");
  }

 private:
  base::Result<Value> simple(std::uint8_t low) {
    rest_.remove_prefix(1);
    if (low == kNull) return Value{};
    if (low == kFalse || low == kTrue) {
      return Value{.kind = Value::Kind::boolean, .number = low == kTrue ? 1U : 0U};
    }
    return malformed("CBOR holds a simple or floating-point value");
  }

  std::optional<std::uint64_t> head(std::uint8_t low) {
    rest_.remove_prefix(1);
    if (low < 24) return low;
    if (low > 27) return std::nullopt;
    const std::size_t width = std::size_t{1} << (low - 24);
    if (rest_.size() < width) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width; ++i) value = value << 8 | static_cast<std::uint8_t>(rest_[i]);
    rest_.remove_prefix(width);
    constexpr std::uint64_t kLeast[] = {24, 0x100, 0x10000, 0x100000000};
    if (value < kLeast[low - 24]) return std::nullopt;
    return value;
  }

  base::Result<Value> string(Value::Kind kind, std::uint64_t length) {
    if (length > rest_.size()) return malformed("CBOR string is cut");
    const auto size = static_cast<std::size_t>(length);
    Value value{.kind = kind, .octets = base::Bytes(rest_.substr(0, size))};
    rest_.remove_prefix(size);
    // NUL is legal in UTF-8; the check refuses it, so it is looked at without.
    if (kind == Value::Kind::text) {
      base::Bytes copy = value.octets;
      std::erase(copy, '\0');
      if (!base::is_utf8_without_nul(copy)) return malformed("CBOR text is not UTF-8");
    }
    return value;
  }

  base::Result<Value> array(std::uint64_t count, int depth) {
    if (count > rest_.size()) return malformed("CBOR array is cut");
    Value value{.kind = Value::Kind::array};
    for (std::uint64_t i = 0; i < count; ++i) {
      auto one = item(depth + 1);
      if (!one) return one;
      value.items.push_back(std::move(*one));
    }
    return value;
  }

  base::Result<Value> map(std::uint64_t count, int depth) {
    if (count > rest_.size() / 2) return malformed("CBOR map is cut");
    Value value{.kind = Value::Kind::map};
    base::View previous;
    for (std::uint64_t i = 0; i < count; ++i) {
      const base::View before = rest_;
      auto key = item(depth + 1);
      if (!key) return key;
      const base::View encoded = before.substr(0, before.size() - rest_.size());
      if (i > 0 && encoded <= previous) return malformed("CBOR map keys are out of order or repeated");
      previous = encoded;
      auto mapped = item(depth + 1);
      if (!mapped) return mapped;
      value.items.push_back(std::move(*key));
      value.items.push_back(std::move(*mapped));
    }
    return value;
  }

  base::View rest_;
};

}  // namespace

void put_unsigned(base::Bytes& to, std::uint64_t value) { put_head(to, kUnsigned, value); }
void put_integer(base::Bytes& to, std::int64_t value) {
  if (value >= 0) return put_head(to, kUnsigned, static_cast<std::uint64_t>(value));
  put_head(to, kNegative, ~static_cast<std::uint64_t>(value));
}
void put_octets(base::Bytes& to, base::View octets) {
  put_head(to, kOctets, octets.size());
  to += octets;
}
void put_text(base::Bytes& to, base::View text) {
  put_head(to, kText, text.size());
  to += text;
}
void put_text_or_octets(base::Bytes& to, base::View octets) {
  base::is_utf8_without_nul(octets) ? put_text(to, octets) : put_octets(to, octets);
}
void put_array(base::Bytes& to, std::uint64_t count) { put_head(to, kArray, count); }
void put_map(base::Bytes& to, std::uint64_t count) { put_head(to, kMap, count); }
void put_bool(base::Bytes& to, bool value) { put_head(to, kSimple, value ? kTrue : kFalse); }
void put_null(base::Bytes& to) { put_head(to, kSimple, kNull); }

base::Bytes Map::finish() {
  std::ranges::sort(pairs_, {}, [](const auto& pair) { return std::pair(pair.first.size(), base::View(pair.first)); });
  base::Bytes out;
  put_map(out, pairs_.size());
  for (const auto& [key, value] : pairs_) {
    put_text(out, key);
    out += value;
  }
  return out;
}

const Value* Value::find(base::View text_key) const {
  if (kind != Kind::map) return nullptr;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i].kind == Kind::text && items[i].octets == text_key) return &items[i + 1];
  }
  return nullptr;
}

const Value* Value::find(std::uint64_t key) const {
  if (kind != Kind::map) return nullptr;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i].kind == Kind::unsigned_ && items[i].number == key) return &items[i + 1];
  }
  return nullptr;
}

base::Result<Value> decode_front(base::View& octets) {
  Decoder decoder(octets);
  auto value = decoder.item(0);
  if (value) octets = decoder.rest();
  return value;
}

base::Result<Value> decode(base::View octets) {
  auto value = decode_front(octets);
  if (value && !octets.empty()) return malformed("CBOR is followed by something");
  return value;
}

void encode(base::Bytes& to, const Value& value) {
  switch (value.kind) {
    case Value::Kind::unsigned_:
      return put_unsigned(to, value.number);
    case Value::Kind::negative:
      return put_head(to, kNegative, value.number);
    case Value::Kind::octets:
      return put_octets(to, value.octets);
    case Value::Kind::text:
      return put_text(to, value.octets);
    case Value::Kind::array:
      put_array(to, value.items.size());
      break;
    case Value::Kind::map:
      put_map(to, value.items.size() / 2);
      break;
    case Value::Kind::boolean:
      return put_bool(to, value.number != 0);
    case Value::Kind::null:
      return put_null(to);
  }
  for (const Value& item : value.items) encode(to, item);
}

}  // namespace sallyport::audit::cbor
