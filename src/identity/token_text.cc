#include "identity/token_text.h"

#include <algorithm>
#include <cstdint>

#include "base/digest.h"

namespace sallyport::identity {
namespace {

constexpr std::string_view kPrefix = "sp_";
constexpr std::string_view kAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::size_t kRandom = 30;
constexpr std::size_t kChecksum = 6;
static_assert(kTokenSize == kPrefix.size() + kRandom + kChecksum);

std::uint32_t crc32(std::string_view octets) {
  std::uint32_t crc = 0xffffffff;
  for (const char octet : octets) {
    crc ^= static_cast<unsigned char>(octet);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
  }
  return ~crc;
}

void append_checksum(std::string& to, std::string_view random) {
  std::uint32_t crc = crc32(random);
  char digits[kChecksum];
  for (std::size_t i = kChecksum; i-- > 0; crc /= 62) digits[i] = kAlphabet[crc % 62];
  to.append(digits, kChecksum);
}

}  // namespace

base::Secret make_token_text() {
  std::string text;
  text.reserve(kTokenSize);
  text = kPrefix;
  while (text.size() < kPrefix.size() + kRandom) {
    base::Secret octets(base::random_bytes(kRandom));
    for (const char octet : octets.reveal()) {
      const auto value = static_cast<unsigned char>(octet);
      // 248 is the largest multiple of 62 below 256: what is above would favour the first characters.
      if (value < 248 && text.size() < kPrefix.size() + kRandom) text += kAlphabet[value % 62];
    }
  }
  append_checksum(text, std::string_view(text).substr(kPrefix.size(), kRandom));
  return base::Secret(std::move(text));
}

bool is_token_text(std::string_view text) {
  if (text.size() != kTokenSize || !text.starts_with(kPrefix)) return false;
  text.remove_prefix(kPrefix.size());
  if (!std::all_of(text.begin(), text.end(), [](char c) { return kAlphabet.find(c) != std::string_view::npos; }))
    return false;
  std::string expected;
  append_checksum(expected, text.substr(0, kRandom));
  return base::equal_in_constant_time(expected, text.substr(kRandom));
}

}  // namespace sallyport::identity
