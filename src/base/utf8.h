#pragma once
#include <cstdint>
#include <utility>

#include "base/bytes.h"

namespace sallyport::base {

/// The code point that `text` begins with, and how many octets it has; {first octet, 0} when none begins there (RFC
/// 3629). REQUIRES: not empty. Pure.
inline std::pair<std::uint32_t, std::size_t> first_code_point(View text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return {first, 1};
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (length > text.size() || !is_utf8_without_nul(text.substr(0, length))) return {first, 0};
  std::uint32_t value = first & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) value = value << 6 | (static_cast<unsigned char>(text[i]) & 0x3fU);
  return {value, length};
}

}  // namespace sallyport::base
