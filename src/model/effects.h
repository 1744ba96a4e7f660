#pragma once
#include <bit>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

/// What a Command does, in the same words for every protocol. Pure.
namespace sallyport::model {

enum class Effect : std::uint8_t { read, write, schema, session, privilege, server, call, unknown };
inline constexpr int kEffectCount = 8;

std::string_view name_of(Effect effect);
std::optional<Effect> effect_named(std::string_view name);

/// A set of effects. The empty set is what a Command has that does nothing by itself (Describe, Close).
class EffectSet {
 public:
  constexpr EffectSet() = default;
  constexpr EffectSet(std::initializer_list<Effect> effects) {
    for (const Effect effect : effects) add(effect);
  }
  constexpr void add(Effect effect) { bits_ |= bit(effect); }
  constexpr void add(EffectSet other) { bits_ |= other.bits_; }
  constexpr bool has(Effect effect) const { return (bits_ & bit(effect)) != 0; }
  constexpr bool is_empty() const { return bits_ == 0; }
  constexpr int count() const { return std::popcount(bits_); }
  constexpr bool covers(EffectSet other) const { return (other.bits_ & ~bits_) == 0; }
  constexpr bool meets(EffectSet other) const { return (bits_ & other.bits_) != 0; }
  constexpr EffectSet without(EffectSet other) const {
    EffectSet rest;
    rest.bits_ = bits_ & static_cast<std::uint8_t>(~other.bits_);
    return rest;
  }
  friend constexpr bool operator==(EffectSet, EffectSet) = default;

 private:
  static constexpr std::uint8_t bit(Effect effect) { return static_cast<std::uint8_t>(1U << static_cast<int>(effect)); }
  std::uint8_t bits_ = 0;
};

/// "read, write", in the order of the enumeration; "none" for the empty set.
std::string to_string(EffectSet effects);

}  // namespace sallyport::model
