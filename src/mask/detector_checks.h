#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"

/// The exact half of a detector: whether what a pattern found is what it looks like, and where it begins and ends.
/// Pure.
namespace sallyport::mask {

/// Octets [begin, end) of a window.
struct Span {
  std::size_t begin = 0, end = 0;
  friend bool operator==(const Span&, const Span&) = default;
};

/// A check sees a window round the pattern's match and nothing else, so that its answer does not depend on how the
/// value came in parts. Where the window ends, the value is taken to end.
struct DetectorCheck {
  enum class From : std::uint8_t {
    match,  // is given what the pattern matched
    end,    // is given its end only (begin == end), and finds the begin by itself: cheaper
  };
  std::string_view name{};
  std::size_t back = 0;   // how far before the match its answer may reach
  std::size_t ahead = 0;  // how far after
  From from = From::match;
  std::optional<Span> (*judge)(base::View window, Span match) = nullptr;
};

/// nullptr: there is none of this name. "" is the check that takes what the pattern matched.
const DetectorCheck* check_named(std::string_view name);
std::vector<std::string> check_names();  // without ""

// What the checks are made of.

/// ISO/IEC 7812-1. REQUIRES: digits only.
bool has_luhn_digit(base::View digits);
/// A length and a prefix that a card scheme gives out, and Luhn's digit. REQUIRES: digits only.
bool is_card_number(base::View digits);
/// ISO 13616: country, its length, check digits modulo 97. Without spaces, upper case.
bool is_iban(base::View text);
/// Shannon's, of the octets, in bits an octet.
double entropy_of(base::View octets);
/// The last 6 of 36 characters are the CRC-32 of the first 30 in base 62 (docs/formats/token.md; GitHub and npm do the
/// same).
bool has_base62_checksum(base::View text);
/// A JOSE header (RFC 7515 section 4): base64url of a JSON object with a text "alg".
bool is_jose_header(base::View text);
/// What stands where a secret would: "changeme", "<password>", "${PASSWORD}", "********".
bool is_placeholder(base::View value);

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
constexpr bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }
constexpr bool is_alphanumeric(char c) { return is_digit(c) || is_letter(c); }
/// No word goes on to the left of `at`; the letter of an escape ("\n", "%3D", "\u003d") is no word.
bool has_left_edge(base::View window, std::size_t at);
/// No word goes on to the right of `at`.
bool has_right_edge(base::View window, std::size_t at);

/// The tables that check_named() looks in: personal_checks.cc, secret_checks.cc.
std::span<const DetectorCheck> personal_checks();
std::span<const DetectorCheck> secret_checks();

}  // namespace sallyport::mask
