#include <algorithm>
#include <array>
#include <utility>

#include "mask/detector_checks.h"

// E-mail addresses, card numbers, IBANs, phone numbers.
namespace sallyport::mask {
namespace {

using From = DetectorCheck::From;

// ---- e-mail: the pattern ends one octet behind the '@' ----

constexpr std::size_t kMaxLocal = 64, kMaxDomain = 253, kMaxLabel = 63;  // RFC 5321 section 4.5.3.1, RFC 1035 2.3.4

bool is_beyond_ascii(char c) { return static_cast<unsigned char>(c) >= 0x80; }

/// The common ones of RFC 5322's atext: '=', '/', '{' and the like are far more often what stands around an address.
bool is_of_local(char c) {
  return is_alphanumeric(c) || is_beyond_ascii(c) || c == '.' || c == '_' || c == '-' || c == '+' || c == '\'';
}

std::optional<std::size_t> begin_of_local(base::View window, std::size_t at) {
  std::size_t begin = at;
  while (begin > 0 && at - begin <= kMaxLocal && is_of_local(window[begin - 1])) --begin;
  if (at - begin > kMaxLocal) return std::nullopt;
  // What an escape left: "\nbob@", "%3Dbob@".
  if (begin > 0 && begin + 1 < at && window[begin - 1] == '\\' && base::View("nrt").contains(window[begin])) ++begin;
  if (begin > 0 && begin + 2 < at && window[begin - 1] == '%' && has_left_edge(window, begin + 2)) begin += 2;
  const std::size_t dots = window.substr(begin, at - begin).rfind("..");
  if (dots != base::View::npos) begin += dots + 2;
  while (begin < at && (window[begin] == '.' || window[begin] == '\'' || window[begin] == '-')) ++begin;
  if (begin == at || window[at - 1] == '.' || window[at - 1] == '\'') return std::nullopt;
  return begin;
}

bool is_plausible_top(base::View label) {
  static constexpr std::array<base::View, 11> kFiles = {"png", "jpg",  "jpeg", "gif", "svg", "webp",
                                                        "css", "html", "json", "pdf", "txt"};  // "logo@2x.png"
  if (label.size() < 2 || label.size() > kMaxLabel) return false;
  std::string low(label);
  std::transform(low.begin(), low.end(), low.begin(), lower);
  if (low.starts_with("xn--")) return low.size() > 4;
  if (!std::all_of(low.begin(), low.end(), [](char c) { return is_letter(c) || is_beyond_ascii(c); })) return false;
  return std::find(kFiles.begin(), kFiles.end(), low) == kFiles.end();
}

/// Takes as many labels as make a domain with a plausible end.
std::optional<std::size_t> end_of_domain(base::View window, std::size_t begin) {
  std::optional<std::size_t> end;
  std::size_t label = begin, count = 0;
  while (label < window.size()) {
    std::size_t at = label;
    while (at < window.size() && at - label <= kMaxLabel &&
           (is_alphanumeric(window[at]) || window[at] == '-' || is_beyond_ascii(window[at])))
      ++at;
    std::size_t stop = at;
    while (stop > label && window[stop - 1] == '-') --stop;
    if (stop == label || stop - label > kMaxLabel || window[label] == '-' || stop - begin > kMaxDomain) break;
    if (++count >= 2 && is_plausible_top(window.substr(label, stop - label))) end = stop;
    if (stop != at || at >= window.size() || window[at] != '.') break;
    label = at + 1;
  }
  return end;
}

std::optional<Span> judge_email(base::View window, Span match) {
  if (match.end < 2 || window[match.end - 2] != '@') return std::nullopt;
  const std::size_t at = match.end - 2;
  const auto begin = begin_of_local(window, at);
  if (!begin) return std::nullopt;
  if (*begin >= 2 && window.substr(*begin - 2, 2) == "//") return std::nullopt;  // a URL's user
  const auto end = end_of_domain(window, at + 1);
  if (!end) return std::nullopt;
  // git@github.com:owner/repository
  const bool is_remote = *end + 1 < window.size() && window[*end] == ':' && is_letter(window[*end + 1]);
  if (is_remote && window.substr(*begin, at - *begin) == "git") return std::nullopt;
  return Span{*begin, *end};
}

// ---- card numbers: the pattern ends behind a digit that has 13 others before it ----

struct CardRange {
  std::uint32_t first, last;  // the first six digits
  std::uint32_t lengths;      // bit n: n digits
};
constexpr std::uint32_t lengths(std::uint32_t least, std::uint32_t most) {
  std::uint32_t bits = 0;
  for (std::uint32_t n = least; n <= most; ++n) bits |= 1U << n;
  return bits;
}
// The schemes' published ranges. Visa's old 13 digits are left out: every tenth EAN-13 would be one.
constexpr std::array kCards = {
    CardRange{400000, 499999, lengths(16, 16) | lengths(19, 19)},  // Visa
    CardRange{510000, 559999, lengths(16, 16)},
    CardRange{222100, 272099, lengths(16, 16)},  // Mastercard
    CardRange{340000, 349999, lengths(15, 15)},
    CardRange{370000, 379999, lengths(15, 15)},  // American Express
    CardRange{300000, 305999, lengths(14, 19)},
    CardRange{309500, 309599, lengths(14, 19)},  // Diners Club
    CardRange{360000, 369999, lengths(14, 19)},
    CardRange{380000, 399999, lengths(16, 19)},  // Diners Club
    CardRange{601100, 601199, lengths(16, 19)},
    CardRange{644000, 659999, lengths(16, 19)},  // Discover
    CardRange{352800, 358999, lengths(16, 19)},
    CardRange{620000, 629999, lengths(16, 19)},  // JCB, UnionPay
    CardRange{220000, 220499, lengths(16, 19)},
    CardRange{501800, 501899, lengths(16, 19)},  // Mir, Maestro
    CardRange{502000, 502099, lengths(16, 19)},
    CardRange{503800, 503899, lengths(16, 19)},  // Maestro
    CardRange{630400, 630499, lengths(16, 19)},
    CardRange{675900, 675999, lengths(16, 19)},  // Maestro
    CardRange{676100, 676399, lengths(16, 19)},  // Maestro
};
constexpr std::size_t kLeastCard = 14, kMostCard = 19;

/// A number as people write one: no separators, or the same between groups of three to six.
bool is_grouped(base::View text) {
  char separator = 0;
  std::size_t group = 0;
  for (const char c : text) {
    if (is_digit(c)) {
      ++group;
      continue;
    }
    if ((separator != 0 && c != separator) || group < 3 || group > 6) return false;
    separator = c;
    group = 0;
  }
  return separator == 0 || (group >= 3 && group <= 6);
}

bool is_decimal_point(base::View window, std::size_t dot, std::size_t beyond) {
  return dot < window.size() && window[dot] == '.' && beyond < window.size() && is_digit(window[beyond]);
}

std::optional<Span> judge_card(base::View window, Span match) {
  const std::size_t end = match.end;
  // Judged once, where its last group ends.
  if (!has_right_edge(window, end) || is_decimal_point(window, end, end + 1)) return std::nullopt;
  std::string backward;
  std::optional<Span> found;
  for (std::size_t at = end; at > 0 && backward.size() < kMostCard; --at) {
    const char c = window[at - 1];
    if (!is_digit(c)) {
      if ((c != ' ' && c != '-') || at < 2 || !is_digit(window[at - 2])) break;
      continue;
    }
    backward += c;
    const std::size_t begin = at - 1;
    if (backward.size() < kLeastCard || !has_left_edge(window, begin)) continue;
    if (begin >= 2 && is_decimal_point(window, begin - 1, begin - 2)) continue;
    const std::string digits(backward.rbegin(), backward.rend());
    if (is_grouped(window.substr(begin, end - begin)) && is_card_number(digits)) found = Span{begin, end};
  }
  return found;
}

// ---- IBAN: the pattern ends behind two letters, two digits and eight more, with or without separators ----

struct IbanCountry {
  char code[3];
  std::uint8_t length;
};
// The registry of ISO 13616 (SWIFT), release 99.
constexpr std::array kIbanCountries = {
    IbanCountry{"AD", 24}, IbanCountry{"AE", 23}, IbanCountry{"AL", 28}, IbanCountry{"AT", 20}, IbanCountry{"AZ", 28},
    IbanCountry{"BA", 20}, IbanCountry{"BE", 16}, IbanCountry{"BG", 22}, IbanCountry{"BH", 22}, IbanCountry{"BI", 27},
    IbanCountry{"BR", 29}, IbanCountry{"BY", 28}, IbanCountry{"CH", 21}, IbanCountry{"CR", 22}, IbanCountry{"CY", 28},
    IbanCountry{"CZ", 24}, IbanCountry{"DE", 22}, IbanCountry{"DJ", 27}, IbanCountry{"DK", 18}, IbanCountry{"DO", 28},
    IbanCountry{"EE", 20}, IbanCountry{"EG", 29}, IbanCountry{"ES", 24}, IbanCountry{"FI", 18}, IbanCountry{"FK", 18},
    IbanCountry{"FO", 18}, IbanCountry{"FR", 27}, IbanCountry{"GB", 22}, IbanCountry{"GE", 22}, IbanCountry{"GI", 23},
    IbanCountry{"GL", 18}, IbanCountry{"GR", 27}, IbanCountry{"GT", 28}, IbanCountry{"HN", 28}, IbanCountry{"HR", 21},
    IbanCountry{"HU", 28}, IbanCountry{"IE", 22}, IbanCountry{"IL", 23}, IbanCountry{"IQ", 23}, IbanCountry{"IS", 26},
    IbanCountry{"IT", 27}, IbanCountry{"JO", 30}, IbanCountry{"KW", 30}, IbanCountry{"KZ", 20}, IbanCountry{"LB", 28},
    IbanCountry{"LC", 32}, IbanCountry{"LI", 21}, IbanCountry{"LT", 20}, IbanCountry{"LU", 20}, IbanCountry{"LV", 21},
    IbanCountry{"LY", 25}, IbanCountry{"MC", 27}, IbanCountry{"MD", 24}, IbanCountry{"ME", 22}, IbanCountry{"MK", 19},
    IbanCountry{"MN", 20}, IbanCountry{"MR", 27}, IbanCountry{"MT", 31}, IbanCountry{"MU", 30}, IbanCountry{"NI", 28},
    IbanCountry{"NL", 18}, IbanCountry{"NO", 15}, IbanCountry{"OM", 23}, IbanCountry{"PK", 24}, IbanCountry{"PL", 28},
    IbanCountry{"PS", 29}, IbanCountry{"PT", 25}, IbanCountry{"QA", 29}, IbanCountry{"RO", 24}, IbanCountry{"RS", 22},
    IbanCountry{"RU", 33}, IbanCountry{"SA", 24}, IbanCountry{"SC", 31}, IbanCountry{"SD", 18}, IbanCountry{"SE", 24},
    IbanCountry{"SI", 19}, IbanCountry{"SK", 24}, IbanCountry{"SM", 27}, IbanCountry{"SO", 23}, IbanCountry{"ST", 25},
    IbanCountry{"SV", 28}, IbanCountry{"TL", 23}, IbanCountry{"TN", 24}, IbanCountry{"TR", 26}, IbanCountry{"UA", 29},
    IbanCountry{"VA", 22}, IbanCountry{"VG", 24}, IbanCountry{"XK", 20}, IbanCountry{"YE", 30},
};

bool is_upper_or_digit(char c) { return is_digit(c) || (c >= 'A' && c <= 'Z'); }

std::size_t iban_length(base::View country) {
  for (const IbanCountry& known : kIbanCountries)
    if (country == base::View(known.code, 2)) return known.length;
  return 0;
}

std::optional<Span> iban_at(base::View window, std::size_t begin) {
  const std::size_t length = iban_length(window.substr(begin, 2));
  if (length == 0 || !has_left_edge(window, begin)) return std::nullopt;
  std::string text;
  char separator = 0;
  std::size_t at = begin;
  while (at < window.size() && text.size() < length) {
    const char c = window[at++];
    if (is_upper_or_digit(c)) {
      text += c;
      continue;
    }
    if ((c != ' ' && c != '-') || (separator != 0 && separator != c) || !is_alphanumeric(window[at - 2]))
      return std::nullopt;
    separator = c;
  }
  if (!has_right_edge(window, at) || !is_iban(text)) return std::nullopt;
  return Span{begin, at};
}

std::optional<Span> judge_iban(base::View window, Span match) {
  for (const std::size_t width : {14, 13, 12}) {
    if (match.end < width) continue;
    if (const auto found = iban_at(window, match.end - width)) return found;
  }
  return std::nullopt;
}

// ---- phone: the pattern is '+', a digit and five more octets ----

/// ITU-T E.164, list of assigned country codes: those of two digits, and the third digits of the others.
constexpr base::View kTwoDigitCodes =
    "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 "
    "91 92 93 94 95 98";
constexpr std::array<std::pair<base::View, base::View>, 23> kThreeDigitCodes = {{
    {"21", "12368"},      {"22", "0123456789"}, {"23", "0123456789"}, {"24", "0123456789"}, {"25", "012345678"},
    {"26", "0123456789"}, {"29", "01789"},      {"35", "0123456789"}, {"37", "0123456789"}, {"38", "01235679"},
    {"42", "013"},        {"50", "0123456789"}, {"59", "0123456789"}, {"67", "023456789"},  {"68", "0123456789"},
    {"69", "012"},        {"80", "08"},         {"85", "02356"},      {"87", "08"},         {"88", "012368"},
    {"96", "012345678"},  {"97", "012345679"},  {"99", "234568"},
}};

bool has_calling_code(base::View digits) {
  const base::View two = digits.substr(0, 2);
  if (kTwoDigitCodes.contains(two)) return true;
  return std::any_of(kThreeDigitCodes.begin(), kThreeDigitCodes.end(),
                     [&](const auto& code) { return code.first == two && code.second.contains(digits[2]); });
}

bool is_phone_number(base::View digits) {
  if (digits.size() < 8 || digits.size() > 15) return false;
  // The North American plan: area and exchange begin with 2 to 9.
  if (digits[0] == '1') return digits.size() == 11 && digits[1] >= '2' && digits[4] >= '2';
  if (digits[0] == '7') return digits.size() == 11;
  return has_calling_code(digits);
}

std::optional<Span> judge_phone(base::View window, Span match) {
  const std::size_t begin = match.begin;
  if (window[begin] != '+' || !has_left_edge(window, begin) || (begin > 0 && window[begin - 1] == '+'))
    return std::nullopt;
  std::string digits;
  std::optional<Span> found;
  std::size_t separators = 0;
  for (std::size_t at = begin + 1; at < window.size() && digits.size() < 15; ++at) {
    const char c = window[at];
    if (!is_digit(c)) {
      if (!base::View(" -.()/").contains(c) || ++separators > 2) break;
      continue;
    }
    separators = 0;
    digits += c;
    if (has_right_edge(window, at + 1) && is_phone_number(digits)) found = Span{begin, at + 1};
  }
  return found;
}

constexpr std::array kChecks = {
    DetectorCheck{"email", kMaxLocal + 8, kMaxDomain + 8, From::end, judge_email},
    DetectorCheck{"card", 48, 8, From::end, judge_card},
    DetectorCheck{"iban", 8, 64, From::end, judge_iban},
    DetectorCheck{"phone", 8, 48, From::match, judge_phone},
};

}  // namespace

bool has_luhn_digit(base::View digits) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    auto digit = static_cast<std::uint32_t>(digits[digits.size() - 1 - i] - '0');
    if (i % 2 == 1) digit = digit * 2 - (digit > 4 ? 9 : 0);
    sum += digit;
  }
  return sum % 10 == 0;
}

bool is_card_number(base::View digits) {
  if (digits.size() < kLeastCard || digits.size() > kMostCard) return false;
  std::uint32_t prefix = 0;
  for (const char c : digits.substr(0, 6)) prefix = prefix * 10 + static_cast<std::uint32_t>(c - '0');
  return has_luhn_digit(digits) && std::any_of(kCards.begin(), kCards.end(), [&](const CardRange& range) {
           return prefix >= range.first && prefix <= range.last && (range.lengths >> digits.size() & 1) != 0;
         });
}

bool is_iban(base::View text) {
  if (text.size() < 15 || iban_length(text.substr(0, 2)) != text.size()) return false;
  if (!is_digit(text[2]) || !is_digit(text[3])) return false;
  // 98 less a rest of 97: 00, 01 and 99 are not given out, though 99 passes for 02.
  const base::View check = text.substr(2, 2);
  if (check < "02" || check > "98") return false;
  std::uint32_t rest = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[(i + 4) % text.size()];
    if (!is_upper_or_digit(c)) return false;
    const auto value = static_cast<std::uint32_t>(is_digit(c) ? c - '0' : c - 'A' + 10);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest == 1;
}

std::span<const DetectorCheck> personal_checks() { return kChecks; }

}  // namespace sallyport::mask
