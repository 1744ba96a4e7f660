#include "base/bytes.h"

namespace sallyport::base {

Bytes to_hex(View octets) {
  static constexpr char kDigits[] = "0123456789abcdef";
  Bytes out;
  out.reserve(octets.size() * 2);
  for (const char c : octets) {
    const auto octet = static_cast<unsigned char>(c);
    out.push_back(kDigits[octet >> 4]);
    out.push_back(kDigits[octet & 15]);
  }
  return out;
}

bool is_utf8_without_nul(View octets) {
  const auto* p = reinterpret_cast<const unsigned char*>(octets.data());
  const auto* const end = p + octets.size();
  while (p != end) {
    // Eight ASCII octets at once: statements are mostly ASCII.
    if (end - p >= 8) {
      std::uint64_t word;
      std::memcpy(&word, p, 8);
      const bool has_zero = ((word - 0x0101010101010101U) & ~word & 0x8080808080808080U) != 0;
      if ((word & 0x8080808080808080U) == 0 && !has_zero) {
        p += 8;
        continue;
      }
    }
    const unsigned char lead = *p;
    if (lead == 0) return false;
    if (lead < 0x80) {
      ++p;
      continue;
    }
    int extra;
    std::uint32_t code;
    if (lead >= 0xC2 && lead <= 0xDF) {
      extra = 1;
      code = lead & 0x1FU;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      extra = 2;
      code = lead & 0x0FU;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      extra = 3;
      code = lead & 0x07U;
    } else {
      return false;
    }
    if (end - p <= extra) return false;
    for (int i = 1; i <= extra; ++i) {
      if ((p[i] & 0xC0) != 0x80) return false;
      code = (code << 6) | (p[i] & 0x3FU);
    }
    if (extra == 2 && (code < 0x800 || (code >= 0xD800 && code <= 0xDFFF))) return false;
    if (extra == 3 && (code < 0x10000 || code > 0x10FFFF)) return false;
    p += extra + 1;
  }
  return true;
}

}  // namespace sallyport::base
