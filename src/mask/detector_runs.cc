#include "mask/detector_runs.h"

#include <array>
#include <cstdint>

namespace sallyport::mask {
namespace {

using Stop = RunPattern::Stop;
using Alphabet = std::array<std::uint8_t, 256>;  // 1: a member

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_separator(char c) { return c == ' ' || c == '-'; }

template <class Predicate>
constexpr Alphabet alphabet_of(Predicate is_member) {
  Alphabet alphabet{};
  for (std::size_t octet = 0; octet < 256; ++octet) alphabet[octet] = is_member(static_cast<char>(octet)) ? 1 : 0;
  return alphabet;
}
constexpr Alphabet kCardAlphabet = alphabet_of([](char c) { return is_digit(c) || is_separator(c); });
constexpr Alphabet kIbanAlphabet = alphabet_of([](char c) { return is_digit(c) || is_capital(c) || is_separator(c); });

/// Calls `each(begin, end)` for every run of at least `least` octets of the alphabet, until it says true. A run that
/// begins behind a foreign octet covers the kProbe octets that end `least` further on: only those are looked at.
template <std::size_t least, class Each>
void for_each_run(base::View text, const Alphabet& alphabet, Each each) {
  constexpr std::size_t kProbe = 4, kStride = least - kProbe + 1;
  const auto is_member = [&](std::size_t at) { return alphabet[static_cast<unsigned char>(text[at])]; };
  std::size_t from = 0;  // no run that is still to be found begins before
  for (std::size_t at = kStride - 1; at + kProbe <= text.size(); at += kStride) {
    if ((is_member(at) & is_member(at + 1) & is_member(at + 2) & is_member(at + 3)) == 0) continue;
    std::size_t begin = at, end = at + kProbe;
    while (begin > from && is_member(begin - 1)) --begin;
    while (end < text.size() && is_member(end)) ++end;
    if (end - begin >= least && each(begin, end)) return;
    from = end;
    at = end;
  }
}

constexpr std::size_t kCardDigits = 14;

void find_cards(base::View text, std::size_t known, Stop stop, std::vector<std::size_t>& ends) {
  for_each_run<kCardDigits>(text, kCardAlphabet, [&](std::size_t begin, std::size_t end) {
    std::size_t digits = 0;
    for (std::size_t at = begin; at < end; ++at) {
      if (is_separator(text[at])) {
        if (at > begin && is_separator(text[at - 1])) digits = 0;
        continue;
      }
      if (++digits < kCardDigits || at < known) continue;
      ends.push_back(at + 1);
      if (stop == Stop::at_first) return true;
    }
    return false;
  });
}

constexpr std::size_t kIbanLeast = 12;

/// Where [A-Z]{2}[0-9]{2}[ -]?[0-9A-Z]{4}[ -]?[0-9A-Z]{4} ends that begins at `at`; 0: it does not.
std::size_t iban_end(base::View run, std::size_t at) {
  at += 4;
  for (int group = 0; group < 2; ++group) {
    if (at < run.size() && is_separator(run[at])) ++at;
    if (at + 4 > run.size()) return 0;
    for (int i = 0; i < 4; ++i, ++at)
      if (is_separator(run[at])) return 0;
  }
  return at;
}

void find_ibans(base::View text, std::size_t known, Stop stop, std::vector<std::size_t>& ends) {
  for_each_run<kIbanLeast>(text, kIbanAlphabet, [&](std::size_t begin, std::size_t end) {
    const base::View run = text.substr(begin, end - begin);
    for (std::size_t at = 0; at + kIbanLeast <= run.size(); ++at) {
      if (!is_digit(run[at + 2])) {
        at += is_capital(run[at + 2]) ? 0 : 2;  // neither may the two before it begin one
        continue;
      }
      if (!is_capital(run[at]) || !is_capital(run[at + 1]) || !is_digit(run[at + 3])) continue;
      const std::size_t stopped = iban_end(run, at);
      if (stopped == 0 || begin + stopped <= known) continue;
      ends.push_back(begin + stopped);
      if (stop == Stop::at_first) return true;
    }
    return false;
  });
}

/// What begins with `first`: `is_match(rest)` says whether the `width` - 1 octets behind it belong to it.
template <class IsMatch>
void find_behind(base::View text, std::size_t known, Stop stop, std::vector<std::size_t>& ends, char first,
                 std::size_t width, IsMatch is_match) {
  for (std::size_t at = 0; (at = text.find(first, at)) != base::View::npos; ++at) {
    if (at + width > text.size()) return;
    if (at + width <= known || !is_match(text.substr(at + 1, width - 1))) continue;
    ends.push_back(at + width);
    if (stop == Stop::at_first) return;
  }
}

void find_emails(base::View text, std::size_t known, Stop stop, std::vector<std::size_t>& ends) {
  find_behind(text, known, stop, ends, '@', 2, [](base::View rest) {
    const char c = rest[0];
    return is_digit(c) || is_capital(c) || (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80;
  });
}

void find_phones(base::View text, std::size_t known, Stop stop, std::vector<std::size_t>& ends) {
  find_behind(text, known, stop, ends, '+', 7, [](base::View rest) {
    if (!is_digit(rest[0]) || rest[0] == '0') return false;
    for (const char c : rest)
      if (!is_digit(c) && !base::View(" ().-/").contains(c)) return false;
    return true;
  });
}

constexpr std::array kPatterns = {
    RunPattern{"[0-9](?:[ -]?[0-9]){13}", find_cards},
    RunPattern{"[A-Z]{2}[0-9]{2}[ -]?[0-9A-Z]{4}[ -]?[0-9A-Z]{4}", find_ibans},
    RunPattern{"@[0-9A-Za-z\\x80-\\xff]", find_emails},
    RunPattern{"\\+[1-9][0-9 ().\\-/]{5}", find_phones},
};

}  // namespace

const RunPattern* run_pattern(std::string_view text) {
  for (const RunPattern& pattern : kPatterns)
    if (pattern.text == text) return &pattern;
  return nullptr;
}

}  // namespace sallyport::mask
