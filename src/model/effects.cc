#include "model/effects.h"

#include <array>

namespace sallyport::model {
namespace {
constexpr std::array<std::string_view, kEffectCount> kNames = {"read",      "write",  "schema", "session",
                                                               "privilege", "server", "call",   "unknown"};
}

std::string_view name_of(Effect effect) { return kNames[static_cast<std::size_t>(effect)]; }

std::optional<Effect> effect_named(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return static_cast<Effect>(i);
  return std::nullopt;
}

std::string to_string(EffectSet effects) {
  std::string out;
  for (int i = 0; i < kEffectCount; ++i) {
    const auto effect = static_cast<Effect>(i);
    if (!effects.has(effect)) continue;
    if (!out.empty()) out += ", ";
    out += name_of(effect);
  }
  return out.empty() ? "none" : out;
}

}  // namespace sallyport::model
