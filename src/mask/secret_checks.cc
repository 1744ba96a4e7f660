#include <algorithm>
#include <array>

#include "base/digest.h"
#include "mask/detector_checks.h"

// Keys, tokens, private keys, passwords in assignments and addresses.
namespace sallyport::mask {
namespace {

using base::operator""_KiB;
using From = DetectorCheck::From;

constexpr std::size_t kEdge = 8;
constexpr std::size_t kLongest = 16_KiB;  // of a private key, a JWT
constexpr std::size_t kMaxKey = 512;
constexpr std::size_t kMaxValue = 256;  // of an assignment

bool is_of_key(char c) { return is_alphanumeric(c) || c == '_' || c == '-'; }
bool is_of_base64(char c) { return is_alphanumeric(c) || c == '+' || c == '/'; }
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

template <class Predicate>
std::size_t run_end(base::View window, std::size_t at, Predicate is_inside) {
  while (at < window.size() && is_inside(window[at])) ++at;
  return at;
}

/// One look-up an octet: values that are full of matches are scanned over and over.
using Octets = std::array<bool, 256>;
constexpr Octets set_of(base::View members) {
  Octets set{};
  for (const char c : members) set[static_cast<unsigned char>(c)] = true;
  return set;
}
constexpr bool is_in(const Octets& set, char c) { return set[static_cast<unsigned char>(c)]; }
constexpr Octets kBareEnds = set_of("\"'`,;&<>()[]{}|\\"), kAddressEnds = set_of("\"'`<>(){}|\\"),
                 kPlainSigns = set_of("._-/:");

// ---- keys with a prefix: the pattern has the least of it, the check takes the rest ----

std::optional<Span> judge_key(base::View window, Span match) {
  if (!has_left_edge(window, match.begin)) return std::nullopt;
  std::size_t end = run_end(window.substr(0, match.end + kMaxKey), match.end, is_of_key);
  // GitLab's routable tokens end in '.', a length of two and a checksum of seven.
  const auto is_base36 = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'z'); };
  if (end < window.size() && window[end] == '.' && run_end(window, end + 1, is_base36) == end + 10) end += 10;
  const base::View key = window.substr(match.begin, end - match.begin);
  if (entropy_of(key.substr(key.size() - std::min<std::size_t>(key.size(), 16))) < 2.5) return std::nullopt;
  return Span{match.begin, end};
}

std::optional<Span> judge_crc32(base::View window, Span match) {
  constexpr std::size_t kSize = 36;
  if (match.end - match.begin < kSize || !has_base62_checksum(window.substr(match.end - kSize, kSize)))
    return std::nullopt;
  return match;
}

/// Fine-grained tokens (github_pat_…) have no checksum that is known.
std::optional<Span> judge_github(base::View window, Span match) {
  if (!window.substr(match.begin).starts_with("github_pat_")) return judge_crc32(window, match);
  if (!has_left_edge(window, match.begin) || !has_right_edge(window, match.end)) return std::nullopt;
  return match;
}

// ---- AWS: an access key id, and the secret beside it or behind its label ----

constexpr std::size_t kAwsSecret = 40, kAwsBeside = 96;

bool is_aws_secret(base::View window, std::size_t begin) {
  if (run_end(window.substr(0, begin + kAwsSecret + 1), begin, is_of_base64) != begin + kAwsSecret) return false;
  const base::View secret = window.substr(begin, kAwsSecret);
  // A SHA-1 in hexadecimal has 40 characters too, of one case.
  const auto has = [&](auto is_one) { return std::any_of(secret.begin(), secret.end(), is_one); };
  return has(is_digit) && has([](char c) { return c >= 'A' && c <= 'Z'; }) &&
         has([](char c) { return c >= 'a' && c <= 'z'; }) && entropy_of(secret) >= 3.5;
}

std::optional<Span> judge_aws(base::View window, Span match) {
  const char last = window[match.end - 1];
  if (last == ':' || last == '=') {
    const std::size_t begin = run_end(window.substr(0, match.end + 8), match.end,
                                      [](char c) { return is_space(c) || base::View("\"'\\:=>").contains(c); });
    if (!is_aws_secret(window, begin)) return std::nullopt;
    return Span{begin, begin + kAwsSecret};
  }
  if (!has_left_edge(window, match.begin) || !has_right_edge(window, match.end)) return std::nullopt;
  const std::size_t stop = std::min(window.size(), match.end + kAwsBeside);
  for (std::size_t at = match.end; at < stop; at = run_end(window, at, is_of_base64) + 1)
    if (is_aws_secret(window, at)) return Span{match.begin, at + kAwsSecret};
  return match;
}

// ---- JWT (RFC 7519, RFC 7515): the pattern is the beginning of the header ----

constexpr std::size_t kMaxHeader = 1_KiB;

std::optional<Span> judge_jwt(base::View window, Span match) {
  const std::size_t dot = run_end(window.substr(0, match.begin + kMaxHeader), match.end, is_of_key);
  if (dot >= window.size() || window[dot] != '.') return std::nullopt;
  const std::size_t second = run_end(window, dot + 1, is_of_key);
  if (!is_jose_header(window.substr(match.begin, dot - match.begin))) return std::nullopt;
  // One that is longer than the window is cut there.
  if (second == window.size()) return second - dot > 16 ? std::optional(Span{match.begin, second}) : std::nullopt;
  if (window[second] != '.') return std::nullopt;
  std::size_t end = run_end(window, second + 1, is_of_key);
  // Encrypted ones have five parts (RFC 7516).
  for (int part = 0; part < 2 && end + 1 < window.size() && window[end] == '.' && is_of_key(window[end + 1]); ++part)
    end = run_end(window, end + 1, is_of_key);
  return Span{match.begin, end};
}

// ---- private keys: the pattern is the header's line (RFC 7468), or the beginning of PuTTY's form ----

std::optional<Span> judge_private_key(base::View window, Span match) {
  const std::size_t footer = window.find("-----END ", match.end);
  if (footer == base::View::npos) return Span{match.begin, window.size()};
  const std::size_t dashes = window.find("-----", footer + 9);
  return Span{match.begin, dashes == base::View::npos ? window.size() : dashes + 5};
}

// ---- assignments: the pattern ends behind ':', '=' or the quote of PASSWORD '…' ----

struct Value {
  Span span{};
  bool is_quoted = false;
  bool is_after_space = false;
};

std::optional<Value> quoted_value(base::View window, std::size_t at) {
  const bool is_escaped = window[at] == '\\' && at + 1 < window.size();
  const char quote = window[is_escaped ? at + 1 : at];
  if (quote != '"' && quote != '\'' && quote != '`') return std::nullopt;
  const std::size_t begin = at + (is_escaped ? 2 : 1);
  const std::size_t stop = std::min(window.size(), begin + kMaxValue);
  std::size_t end = begin;
  while (end < stop && window[end] != '\n' && window[end] != quote && !(is_escaped && window[end] == '\\'))
    end += !is_escaped && window[end] == '\\' && end + 1 < stop ? 2 : 1;
  return Value{{begin, end}, true};
}

Value bare_value(base::View window, std::size_t at) {
  const std::size_t stop = std::min(window.size(), at + kMaxValue);
  std::size_t end = run_end(window.substr(0, stop), at,
                            [](char c) { return static_cast<unsigned char>(c) > ' ' && !is_in(kBareEnds, c); });
  while (end > at && (window[end - 1] == '.' || window[end - 1] == ':')) --end;
  return Value{{at, end}};
}

/// What a word of prose, or a name in a program, does not look like.
bool looks_chosen(base::View value) {
  if (value.size() < 6) return false;
  bool has_digit = false, has_sign = false, has_late_capital = false, has_small = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    has_digit |= is_digit(value[i]);
    has_sign |= !is_alphanumeric(value[i]) && !is_in(kPlainSigns, value[i]);
    has_small |= value[i] >= 'a' && value[i] <= 'z';
    has_late_capital |= i > 0 && value[i] >= 'A' && value[i] <= 'Z';
  }
  return has_digit || has_sign || (has_small && has_late_capital && !value.contains('.'));
}

std::optional<Value> assigned_value(base::View window, std::size_t at) {
  const char sign = window[at - 1];
  if (sign == '\'') return quoted_value(window, at - 1);
  if (at < window.size() && (window[at] == '~' || (window[at] == sign))) return std::nullopt;  // ==, =~, ::
  if (at < window.size() && (window[at] == '>' || window[at] == '=')) ++at;
  const std::size_t begin = run_end(window.substr(0, at + 8), at, [](char c) { return c == ' ' || c == '\t'; });
  if (begin >= window.size()) return std::nullopt;
  if (const auto quoted = quoted_value(window, begin)) return quoted;
  Value value = bare_value(window, begin);
  value.is_after_space = begin > at;
  const std::size_t end = value.span.end;
  if (end < window.size() && base::View("([{").contains(window[end])) return std::nullopt;  // a call, a subscript
  return value;
}

std::optional<Span> judge_assignment(base::View window, Span match) {
  if (match.end == 0) return std::nullopt;
  const auto value = assigned_value(window, match.end);
  if (!value || value->span.end < value->span.begin + 4) return std::nullopt;
  const base::View text = window.substr(value->span.begin, value->span.end - value->span.begin);
  // "…token:@host" of an address without a password; a path; an address.
  const bool is_place = text[0] == '@' || text[0] == '/' || text.starts_with("~/") || text.contains("://");
  if (!value->is_quoted && is_place) return std::nullopt;
  const bool is_name =
      std::all_of(text.begin(), text.end(), [](char c) { return is_letter(c) || c == '_' || c == '.'; });
  const bool is_loose = window[match.end - 1] == ':' || (value->is_after_space && is_name);
  if (!value->is_quoted && is_loose && !looks_chosen(text)) return std::nullopt;
  if (is_placeholder(text)) return std::nullopt;
  return value->span;
}

// ---- scheme://user:password@host: the pattern ends behind the '@' ----

std::optional<Span> judge_connection(base::View window, Span match) {
  const base::View matched = window.substr(match.begin, match.end - match.begin);
  const std::size_t authority = matched.find("://");
  if (authority == base::View::npos || matched.back() != '@') return std::nullopt;
  const base::View user = matched.substr(authority + 3, matched.size() - authority - 4);
  const std::size_t colon = user.find(':');
  if (colon == base::View::npos || is_placeholder(user.substr(colon + 1))) return std::nullopt;
  if (match.end >= window.size() || !(is_alphanumeric(window[match.end]) || window[match.end] == '['))
    return std::nullopt;
  // Commas stand between hosts, and only MongoDB has several.
  bool is_list = lower(matched[0]) == 'm' && lower(matched[1]) == 'o';
  std::size_t end = run_end(window.substr(0, match.end + kMaxKey), match.end, [&](char c) {
    is_list &= c != '/';
    return static_cast<unsigned char>(c) > ' ' && (c != ',' || is_list) && !is_in(kAddressEnds, c);
  });
  while (base::View(".,;:!").contains(window[end - 1])) --end;
  return Span{match.begin, end};
}

constexpr std::array kChecks = {
    DetectorCheck{"key", kEdge, kMaxKey + 16, From::match, judge_key},
    DetectorCheck{"crc32", kEdge, kEdge, From::match, judge_crc32},
    DetectorCheck{"github", kEdge, kEdge, From::match, judge_github},
    DetectorCheck{"aws", kEdge, 2 * kAwsBeside, From::match, judge_aws},
    DetectorCheck{"jwt", kEdge, kLongest, From::match, judge_jwt},
    DetectorCheck{"private-key", kEdge, kLongest, From::match, judge_private_key},
    DetectorCheck{"assignment", kEdge, kMaxValue + 32, From::end, judge_assignment},
    DetectorCheck{"connection-string", kEdge, kMaxKey, From::match, judge_connection},
};

/// Reads one JSON value and goes on behind it (RFC 8259). False: not JSON, or nested too deep.
class JsonReading {
 public:
  explicit JsonReading(base::View text) : text_(text) {}

  /// The whole text is an object with a text under `key`.
  bool is_object_with(base::View key) {
    bool has_key = false;
    skip_space();
    if (!object(0, key, &has_key)) return false;
    skip_space();
    return at_ == text_.size() && has_key;
  }

 private:
  static constexpr int kMaxDepth = 8;

  bool object(int depth, base::View key, bool* has_key) {
    if (depth > kMaxDepth || !eat('{')) return false;
    if (skip_space(), eat('}')) return true;
    do {
      base::View name;
      if (skip_space(), !text(name)) return false;
      if (skip_space(), !eat(':')) return false;
      skip_space();
      if (has_key != nullptr && name == key) *has_key |= at_ < text_.size() && text_[at_] == '"';
      if (!value(depth + 1)) return false;
      skip_space();
    } while (eat(','));
    return eat('}');
  }

  bool array(int depth) {
    if (depth > kMaxDepth || !eat('[')) return false;
    if (skip_space(), eat(']')) return true;
    do {
      if (skip_space(), !value(depth + 1)) return false;
      skip_space();
    } while (eat(','));
    return eat(']');
  }

  bool value(int depth) {
    if (at_ >= text_.size()) return false;
    base::View ignored;
    if (text_[at_] == '{') return object(depth, {}, nullptr);
    if (text_[at_] == '[') return array(depth);
    if (text_[at_] == '"') return text(ignored);
    const std::size_t end =
        run_end(text_, at_, [](char c) { return is_alphanumeric(c) || c == '-' || c == '+' || c == '.'; });
    const base::View word = text_.substr(at_, end - at_);
    at_ = end;
    return word == "true" || word == "false" || word == "null" ||
           (!word.empty() && (is_digit(word[0]) || (word[0] == '-' && word.size() > 1)));
  }

  bool text(base::View& what) {
    if (!eat('"')) return false;
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    if (at_ >= text_.size()) return false;
    what = text_.substr(begin, at_ - begin);
    return eat('"');
  }

  bool eat(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void skip_space() { at_ = run_end(text_, at_, is_space); }

  base::View text_;
  std::size_t at_ = 0;
};

}  // namespace

bool is_jose_header(base::View text) {
  std::string padded(text);
  std::replace(padded.begin(), padded.end(), '-', '+');
  std::replace(padded.begin(), padded.end(), '_', '/');
  while (padded.size() % 4 != 0) padded += '=';
  const base::Bytes json = base::from_base64(padded);
  return JsonReading(json).is_object_with("alg");
}

bool is_placeholder(base::View value) {
  static constexpr std::array<base::View, 29> kWords = {
      "changeme",    "change_me", "change-me", "changeit", "password", "passwd", "secret", "example",
      "placeholder", "redacted",  "null",      "none",     "nil",      "true",   "false",  "undefined",
      "string",      "required",  "optional",  "hidden",   "todo",     "dummy",  "sample", "value",
      "empty",       "unset",     "default",   "test",     "masked"};
  static constexpr std::array<base::View, 17> kBegins = {
      "your_",   "your-",     "your ",       "<",          "${",   "$(",      "{{",     "%(", "%s",
      "[masked", "[redacted", "process.env", "os.environ", "env.", "insert_", "enter ", "my_"};
  if (value.empty()) return true;
  std::string low(value.substr(0, 16));
  std::transform(low.begin(), low.end(), low.begin(), lower);
  const auto begins = [&](base::View begin) { return low.starts_with(begin); };
  if (value.size() == low.size() && std::find(kWords.begin(), kWords.end(), low) != kWords.end()) return true;
  if (std::any_of(kBegins.begin(), kBegins.end(), begins)) return true;
  if (value[0] == '$' &&
      std::all_of(value.begin() + 1, value.end(), [](char c) { return is_alphanumeric(c) || c == '_'; }))
    return true;
  return value.find_first_not_of(value[0]) == base::View::npos || low.starts_with("xxx") || low.starts_with("***");
}

std::span<const DetectorCheck> secret_checks() { return kChecks; }

}  // namespace sallyport::mask
