#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

/// Deterministic CBOR (RFC 8949 section 4.2.1) as docs/formats/trail.md uses it: integers, octets, text, arrays, maps,
/// true, false, null. The verifier's own reader. Pure; memory is bounded by a multiple of the input.
namespace sallyport::verify {

struct Item {
  enum class Kind : std::uint8_t { natural, negative, octets, text, array, map, boolean, null };
  Kind kind = Kind::null;
  std::uint64_t number = 0;   // natural; negative: the value is -1 - number; boolean: 0 or 1
  base::View octets{};        // octets, text: a view of what was decoded
  std::vector<Item> items{};  // array; map: key, value, key, value …

  bool is(Kind which) const { return kind == which; }
  bool is_octets(std::size_t length) const { return kind == Kind::octets && octets.size() == length; }
  /// The value behind a text key of a map; nullptr if there is none.
  const Item* find(base::View key) const;
};

/// The item at the front of `from`, which is advanced behind it. Nothing: not deterministic, cut, deeper than 16, more
/// than 2^20 items, a tag, a float. The item is encoded again and compared. Views are valid as long as the octets of
/// `from`.
std::optional<Item> take_item(base::View& from);
/// Exactly one item and nothing behind it.
std::optional<Item> decode_item(base::View from);

void put_head(base::Bytes& to, std::uint8_t major, std::uint64_t argument);
void encode_item(base::Bytes& to, const Item& item);

}  // namespace sallyport::verify
