#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

/// Deterministic CBOR (RFC 8949 section 4.2.1) as docs/formats/trail.md uses it: integers, octets, text, arrays, maps,
/// booleans and null; no tags, no floating point, no indefinite lengths. Pure.
namespace sallyport::audit::cbor {

/// Each appends one item, or the head of one. For a map the caller puts the pairs in order of their encoded keys:
/// text keys by length first, then by octets; `decode` refuses any other.
void put_unsigned(base::Bytes& to, std::uint64_t value);
void put_integer(base::Bytes& to, std::int64_t value);
void put_octets(base::Bytes& to, base::View octets);
/// REQUIRES: `text` is UTF-8; `put_text_or_octets` chooses by looking.
void put_text(base::Bytes& to, base::View text);
void put_text_or_octets(base::Bytes& to, base::View octets);
void put_array(base::Bytes& to, std::uint64_t count);
void put_map(base::Bytes& to, std::uint64_t count);
void put_bool(base::Bytes& to, bool value);
void put_null(base::Bytes& to);

/// A map with text keys whose pairs come in any order.
class Map {
 public:
  /// `encoded`: one item. REQUIRES: each key once.
  void put(std::string_view key, base::Bytes encoded) { pairs_.emplace_back(key, std::move(encoded)); }
  /// What is empty is left out.
  void text(std::string_view key, base::View value) {
    if (!value.empty()) whole_text(key, value);
  }
  void whole_text(std::string_view key, base::View value) {
    base::Bytes encoded;
    put_text_or_octets(encoded, value);
    put(key, std::move(encoded));
  }
  void number(std::string_view key, std::uint64_t value) {
    base::Bytes encoded;
    put_unsigned(encoded, value);
    put(key, std::move(encoded));
  }
  void flag(std::string_view key, bool value) {
    base::Bytes encoded;
    put_bool(encoded, value);
    put(key, std::move(encoded));
  }
  /// Each by put_one(octets, item); left out when there is none.
  template <class T, class Put>
  void list(std::string_view key, const std::vector<T>& items, Put put_one) {
    if (items.empty()) return;
    base::Bytes encoded;
    put_array(encoded, items.size());
    for (const T& item : items) put_one(encoded, item);
    put(key, std::move(encoded));
  }
  /// The map, its pairs in order.
  base::Bytes finish();

 private:
  std::vector<std::pair<std::string, base::Bytes>> pairs_;
};

/// An item and what is in it. A map's items are key, value, key, value …
struct Value {
  enum class Kind : std::uint8_t { unsigned_, negative, octets, text, array, map, boolean, null };
  Kind kind = Kind::null;
  std::uint64_t number = 0;  // unsigned_; negative: -1 - number; boolean: 0 or 1
  base::Bytes octets{};      // octets, text
  std::vector<Value> items{};

  /// The value behind a key of a map; nullptr: not there, or this is no map. Valid as long as this Value.
  const Value* find(base::View text_key) const;
  const Value* find(std::uint64_t key) const;
  bool is(Kind which) const { return kind == which; }
};

/// Exactly one item, deterministic, nothing behind it. Depth at most 16; memory is bounded by the input's length.
base::Result<Value> decode(base::View octets);
/// The same, but takes the item from the front of `octets` and leaves the rest: for CBOR sequences (RFC 8742).
base::Result<Value> decode_front(base::View& octets);
/// The one encoding of `value`. REQUIRES: a map's pairs are in order.
void encode(base::Bytes& to, const Value& value);

}  // namespace sallyport::audit::cbor
