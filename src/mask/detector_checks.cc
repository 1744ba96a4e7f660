#include "mask/detector_checks.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace sallyport::mask {
namespace {

constexpr double kLeastEntropy = 3.0;  // bits an octet; words and runs stay below
constexpr std::size_t kEdge = 8;       // "\u003d" and some

std::optional<Span> take(base::View, Span match) { return match; }

std::optional<Span> judge_word(base::View window, Span match) {
  if (!has_left_edge(window, match.begin) || !has_right_edge(window, match.end)) return std::nullopt;
  return match;
}

std::optional<Span> judge_entropy(base::View window, Span match) {
  if (entropy_of(window.substr(match.begin, match.end - match.begin)) < kLeastEntropy) return std::nullopt;
  return judge_word(window, match);
}

std::optional<Span> judge_luhn(base::View window, Span match) {
  std::string digits;
  for (const char c : window.substr(match.begin, match.end - match.begin))
    if (is_digit(c)) digits += c;
  if (digits.size() < 2 || !has_luhn_digit(digits)) return std::nullopt;
  return judge_word(window, match);
}

constexpr std::array kGeneralChecks = {
    DetectorCheck{"", kEdge, kEdge, DetectorCheck::From::match, take},
    DetectorCheck{"word", kEdge, kEdge, DetectorCheck::From::match, judge_word},
    DetectorCheck{"entropy", kEdge, kEdge, DetectorCheck::From::match, judge_entropy},
    DetectorCheck{"luhn", kEdge, kEdge, DetectorCheck::From::match, judge_luhn},
};

constexpr std::string_view kBase62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// ISO-HDLC, as in zlib.
std::uint32_t crc32(base::View octets) {
  std::uint32_t crc = 0xffffffff;
  for (const char octet : octets) {
    crc ^= static_cast<unsigned char>(octet);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
  }
  return ~crc;
}

bool is_hexadecimal(char c) { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f'); }

}  // namespace

bool has_left_edge(base::View window, std::size_t at) {
  if (at == 0 || !is_alphanumeric(window[at - 1])) return true;
  if (at >= 2 && window[at - 2] == '\\') return base::View("nrtbfv0").contains(window[at - 1]);
  if (at >= 3 && window[at - 3] == '%') return is_hexadecimal(window[at - 2]) && is_hexadecimal(window[at - 1]);
  if (at >= 6 && window[at - 6] == '\\' && window[at - 5] == 'u') {
    const base::View digits = window.substr(at - 4, 4);
    return std::all_of(digits.begin(), digits.end(), is_hexadecimal);
  }
  return false;
}

bool has_right_edge(base::View window, std::size_t at) { return at >= window.size() || !is_alphanumeric(window[at]); }

double entropy_of(base::View octets) {
  if (octets.empty()) return 0;
  std::array<std::uint32_t, 256> counts{};
  for (const char octet : octets) ++counts[static_cast<unsigned char>(octet)];
  double bits = 0;
  for (const std::uint32_t count : counts) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / static_cast<double>(octets.size());
    bits -= share * std::log2(share);
  }
  return bits;
}

bool has_base62_checksum(base::View text) {
  constexpr std::size_t kSize = 36, kChecksum = 6;
  if (text.size() != kSize || !std::all_of(text.begin(), text.end(), is_alphanumeric)) return false;
  std::uint32_t crc = crc32(text.substr(0, kSize - kChecksum));
  for (std::size_t i = kSize; i-- > kSize - kChecksum; crc /= 62)
    if (text[i] != kBase62[crc % 62]) return false;
  return true;
}

const DetectorCheck* check_named(std::string_view name) {
  for (const auto checks : {std::span<const DetectorCheck>(kGeneralChecks), personal_checks(), secret_checks()})
    for (const DetectorCheck& check : checks)
      if (check.name == name) return &check;
  return nullptr;
}

std::vector<std::string> check_names() {
  std::vector<std::string> names;
  for (const auto checks : {std::span<const DetectorCheck>(kGeneralChecks), personal_checks(), secret_checks()})
    for (const DetectorCheck& check : checks)
      if (!check.name.empty()) names.emplace_back(check.name);
  return names;
}

}  // namespace sallyport::mask
