#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

/// Made-up lines with and without secrets, the same for one seed. Digits and checksums are computed here a second time,
/// so that a mistake in detector_checks.cc shows. For tests and benches.
namespace sallyport::mask::testing {

struct Line {
  std::string text{};
  std::string rule{};  // empty: nothing must be found
  std::size_t begin = 0, end = 0;
};

class LineMaker {
 public:
  explicit LineMaker(std::uint64_t seed) : random_(seed) {}

  /// A secret of each kind in turn, in surroundings where such values stand.
  Line positive() {
    const auto& [rule, make] = kinds_[turn_++ % kinds_.size()];
    const std::string secret = make();
    return surround(rule, secret);
  }
  Line negative() { return {negatives_[turn_++ % negatives_.size()](), {}}; }
  /// Rows of an ordinary table: number, name, now and then an address, times, prose, a UUID.
  std::string row() {
    std::string out = number(1, 7) + "\t" + word(true) + " " + word(true) + "\t";
    if (below(4) == 0) out += word() + "." + word() + "@example" + number(1, 2) + ".com";
    out += "\t" + timestamp() + "\t" + number(1, 3) + " " + word(true) + " Street\t" + number(1, 4) + "." +
           number(2, 2) + "\t" + prose(3 + below(27)) + "\t" + (below(2) != 0 ? "active" : "pending") + "\t";
    if (below(5) == 0) out += uuid();
    return out;
  }
  const std::vector<std::string>& rules() const { return rules_; }

 private:
  static constexpr std::string_view kDigits = "0123456789", kHex = "0123456789abcdef",
                                    kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
                                    kBase62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
                                    kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
                                    kUrl64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

  std::size_t below(std::size_t bound) { return random_() % bound; }
  template <class T>
  const T& pick(const std::vector<T>& of) {
    return of[below(of.size())];
  }
  std::string some(std::string_view alphabet, std::size_t count) {
    std::string out;
    while (out.size() < count) out += alphabet[below(alphabet.size())];
    return out;
  }
  std::string number(std::size_t least, std::size_t most) {
    return some("123456789", 1) + some(kDigits, least - 1 + below(most - least + 1));
  }
  std::string word(bool is_capital = false) {
    static const std::vector<std::string> words = {"the",    "of",      "and",   "water",    "order",  "customer",
                                                   "street", "paper",   "under", "shipment", "green",  "little",
                                                   "again",  "number",  "light", "house",    "around", "delivery",
                                                   "before", "account", "right", "invoice",  "river",  "sentence"};
    std::string out = pick(words);
    if (is_capital) out[0] = static_cast<char>(out[0] - 'a' + 'A');
    return out;
  }
  std::string prose(std::size_t count) {
    std::string out = word(true);
    while (--count > 0) out += " " + word();
    return out;
  }
  std::string uuid() {
    return some(kHex, 8) + "-" + some(kHex, 4) + "-" + some(kHex, 4) + "-" + some(kHex, 4) + "-" + some(kHex, 12);
  }
  std::string two(std::size_t least, std::size_t most) {
    const std::size_t value = least + below(most - least + 1);
    return std::string(value < 10 ? "0" : "") + std::to_string(value);
  }
  std::string timestamp() {
    return "20" + two(10, 29) + "-" + two(1, 12) + "-" + two(1, 28) + " " + two(0, 23) + ":" + two(0, 59) + ":" +
           two(0, 59) + "." + some(kDigits, 6) + pick<std::string>({"+00", "+0200", "-05", ""});
  }

  static std::string base62_checksum(std::string_view text) {
    std::uint32_t crc = ~0U;
    for (const char c : text)
      for (int bit = 0; bit < 8; ++bit) {
        const bool is_odd = ((crc ^ (static_cast<unsigned char>(c) >> bit)) & 1) != 0;
        crc = crc >> 1 ^ (is_odd ? 0xedb88320U : 0);
      }
    crc = ~crc;
    std::string out;
    for (int i = 0; i < 6; ++i, crc /= 62) out.insert(out.begin(), kBase62[crc % 62]);
    return out;
  }
  std::string checked_token(const std::string& prefix) {
    const std::string text = some(kBase62, 30);
    return prefix + text + base62_checksum(text);
  }
  static char luhn_digit(std::string_view digits) {
    static constexpr int kDoubled[] = {0, 2, 4, 6, 8, 1, 3, 5, 7, 9};
    int sum = 0;
    bool is_doubled = true;
    for (std::size_t i = digits.size(); i-- > 0; is_doubled = !is_doubled)
      sum += is_doubled ? kDoubled[digits[i] - '0'] : digits[i] - '0';
    return static_cast<char>('0' + (10 - sum % 10) % 10);
  }
  std::string card() {
    static const std::vector<std::pair<std::string, std::size_t>> schemes = {
        {"4", 16},   {"51", 16},   {"55", 16}, {"2221", 16}, {"2720", 16}, {"34", 15},   {"37", 15}, {"36", 14},
        {"300", 16}, {"6011", 16}, {"65", 16}, {"3528", 16}, {"62", 16},   {"6304", 19}, {"4", 19},  {"2200", 16}};
    const auto& [prefix, length] = pick(schemes);
    std::string digits = prefix + some(kDigits, length - prefix.size() - 1);
    digits += luhn_digit(digits);
    const std::size_t style = below(3);
    if (style == 2) return digits;
    const std::string separator = style == 0 ? " " : "-";
    if (length == 15 || length == 14)
      return digits.substr(0, 4) + separator + digits.substr(4, 6) + separator + digits.substr(10);
    std::string out;
    for (std::size_t i = 0; i < digits.size(); ++i) out += (i > 0 && i % 4 == 0 ? separator : "") + digits.substr(i, 1);
    return out;
  }
  std::string iban() {
    static const std::vector<std::pair<std::string, std::size_t>> countries = {
        {"DE", 22}, {"FR", 27}, {"ES", 24}, {"NL", 18}, {"NO", 15},
        {"GB", 22}, {"MT", 31}, {"CH", 21}, {"PL", 28}, {"BE", 16}};
    const auto& [country, length] = pick(countries);
    std::string account = some(kDigits, length - 4);
    if (country == "GB" || country == "NL") account.replace(0, 4, some(kUpper, 4));
    // Long division by 97 of the number that letters make, with 00 in the place of the check digits.
    std::string decimal;
    for (const char c : account + country) decimal += c > '9' ? std::to_string(c - 'A' + 10) : std::string(1, c);
    int rest = 0;
    for (const char c : decimal + "00") rest = (rest * 10 + (c - '0')) % 97;
    const std::string check = std::to_string(98 - rest);
    const std::string text = country + (check.size() == 1 ? "0" : "") + check + account;
    if (below(2) == 0) return text;
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) out += (i > 0 && i % 4 == 0 ? " " : "") + text.substr(i, 1);
    return out;
  }
  static std::string to_url64(std::string_view octets) {
    std::string out;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : octets) {
      bits = bits << 8 | static_cast<unsigned char>(c);
      for (count += 8; count >= 6; count -= 6) out += kUrl64[bits >> (count - 6) & 63];
    }
    if (count > 0) out += kUrl64[bits << (6 - count) & 63];
    return out;
  }
  std::string jwt() {
    const std::string header =
        pick<std::string>({R"({"alg":"HS256","typ":"JWT"})", R"({"typ":"JWT","alg":"RS256","kid":"1"})",
                           R"({"kid":"a","jwk":{"kty":"EC","x":[1,-2.5e3,null]},"alg":"ES256"})"});
    return to_url64(header) + "." + to_url64(R"({"sub":")" + word() + number(3, 9) + "\"}") + "." + some(kUrl64, 43);
  }
  std::string private_key() {
    const std::string label =
        pick<std::string>({"", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "}) + "PRIVATE " + "KEY-----";
    std::string out = "-----BEGIN " + label + "\n";
    for (std::size_t line = 0, lines = 1 + below(4); line < lines; ++line) out += some(kBase64, 64) + "\n";
    return out + "-----END " + label;
  }
  std::string email() {
    return pick<std::string>(
               {word(), word() + "." + word(), word() + "+" + word(), number(3, 6), word() + "_" + number(1, 2)}) +
           "@" +
           pick<std::string>(
               {"example.com", "mail.example.org", "ex-ample.co.uk", "example.technology", "xn--bcher-kva.example"});
  }
  std::string phone() {
    return pick<std::string>({"+1" + some("23456789", 1) + some(kDigits, 2) + "555" + some(kDigits, 4),
                              "+1 (" + some("23456789", 1) + some(kDigits, 2) + ") 555-" + some(kDigits, 4),
                              "+49 30 " + some(kDigits, 7), "+44 20 7946 " + some(kDigits, 4),
                              "+33-1-" + some(kDigits, 2) + "-" + some(kDigits, 2) + "-" + some(kDigits, 4),
                              "+91" + some(kDigits, 10), "+353 1 " + some(kDigits, 3) + " " + some(kDigits, 4)});
  }
  std::string password() {
    return word() + "-" + some(kBase62, 6) + number(1, 2) + pick<std::string>({"!", "#", "", "%", "."}) + "x";
  }
  std::string aws_secret() { return "aA1" + some(kBase64, 37); }

  /// Where the secret is only a part of what is put there, `lead` and `tail` are the rest.
  Line surround(const std::string& rule, const std::string& secret) {
    std::string lead, tail;
    if (rule == "password-assignment") {
      const std::vector<std::pair<std::string, std::string>> ways = {{"password=", "&next=1"},
                                                                     {"\"password\": \"", "\"}"},
                                                                     {"pwd: ", ""},
                                                                     {"SECRET=", "\n"},
                                                                     {"api_key = '", "'"},
                                                                     {"apikey:", ", x"},
                                                                     {"DB_PASSWORD=\"", "\""},
                                                                     {"{\\\"secret\\\":\\\"", "\\\"}"},
                                                                     {"passwd := `", "`"},
                                                                     {"ALTER USER a PASSWORD '", "'"}};
      std::tie(lead, tail) = pick(ways);
    } else {
      const std::vector<std::pair<std::string, std::string>> ways = {{"", ""},
                                                                     {prose(4) + " ", " " + prose(3)},
                                                                     {number(1, 5) + ",", "," + timestamp()},
                                                                     {"{\"value\": \"", "\"}"},
                                                                     {"<td>", "</td>"},
                                                                     {"'", "', "},
                                                                     {"x=", "\n"},
                                                                     {"first line\\n", "\\nnext"},
                                                                     {"(", ")"},
                                                                     {timestamp() + " INFO ", ""},
                                                                     {"\t", "\t"},
                                                                     {"ключ: ", " конец"}};
      std::tie(lead, tail) = pick(ways);
    }
    return {lead + secret + tail, rule, lead.size(), lead.size() + secret.size()};
  }

  using Maker = std::function<std::string()>;
  std::mt19937_64 random_;
  std::size_t turn_ = 0;
  const std::vector<std::pair<std::string, Maker>> kinds_ = {
      {"aws-key", [this] { return pick<std::string>({"AKIA", "ASIA"}) + some(kBase32, 16); }},
      {"aws-key", [this] { return "AKIA" + some(kBase32, 16) + "," + aws_secret(); }},
      {"gcp-key", [this] { return std::string("AI") + "za" + some(kUrl64, 34) + some(kBase62, 1); }},
      {"azure-key", [this] { return std::string("Account") + "Key=" + some(kBase64, 86) + "=="; }},
      {"github-token", [this] { return checked_token(pick<std::string>({"ghp_", "gho_", "ghu_", "ghs_", "ghr_"})); }},
      {"github-token",
       [this] { return std::string("github") + "_pat_" + some(kBase62, 22) + "_" + some(kBase62, 59); }},
      {"gitlab-token", [this] { return std::string("glpat") + "-" + some(kBase62, 20); }},
      {"slack-token",
       [this] { return std::string("xoxb") + "-" + number(12, 12) + "-" + number(12, 12) + "-" + some(kBase62, 24); }},
      {"stripe-key", [this] { return std::string("sk") + "_live_" + some(kBase62, pick<std::size_t>({24, 99})); }},
      {"openai-key", [this] { return std::string("sk-") + "proj-" + some(kUrl64, 60) + some(kBase62, 4); }},
      {"anthropic-key", [this] { return std::string("sk-ant") + "-api03-" + some(kUrl64, 93) + "AA"; }},
      {"npm-token", [this] { return checked_token("npm_"); }},
      {"sallyport-token", [this] { return checked_token("sp_"); }},
      {"jwt", [this] { return jwt(); }},
      {"private-key", [this] { return private_key(); }},
      {"password-assignment", [this] { return password(); }},
      {"connection-string",
       [this] {
         return pick<std::string>({"postgres", "postgresql", "mysql", "mongodb+srv", "redis", "amqp", "https"}) +
                "://" + word() + ":" + password() + "@" + word() + ".internal:" + number(4, 4) + "/" + word();
       }},
      {"email", [this] { return email(); }},
      {"credit-card", [this] { return card(); }},
      {"iban", [this] { return iban(); }},
      {"phone", [this] { return phone(); }},
  };
  const std::vector<Maker> negatives_ = {
      [this] { return prose(12); },
      [this] { return timestamp() + " " + prose(5); },
      [this] { return "id " + uuid(); },
      [this] { return "sha1 " + some(kHex, 40) + " sha256 " + some(kHex, 64); },
      [this] { return "0." + some(kDigits, 16) + " -" + number(1, 3) + "." + some(kDigits, 12); },
      [this] { return std::string("17") + some(kDigits, 11) + "," + number(1, 12); },
      [this] { return some(kBase64, 76); },
      [this] { return "logo@" + number(1, 1) + "x.png"; },
      [this] { return word() + "@" + number(1, 2) + "." + number(1, 2) + "." + number(1, 1); },
      [this] { return "git@example.com:" + word() + "/" + word() + ".git"; },
      [this] { return "https://example.com:" + number(4, 4) + "/" + word() + "?q=" + word() + "#" + word(); },
      [this] { return "postgres://" + word() + "@db.internal:5432/" + word(); },
      [this] {
        return "password=" + pick<std::string>({"changeme", "********", "${DB_PASSWORD}", "<password>", "xxxxxxxx",
                                                "null", "$PASSWORD"});
      },
      [this] { return "password: " + word() + " " + prose(4); },
      [this] { return "if (password == " + word() + "_given) return;"; },
      [this] { return word() + ".password = read_password(" + word() + ");"; },
      [this] { return "The secret of the " + word() + " is " + word() + "."; },
      [this] {
        std::string text = checked_token("ghp_");
        text.back() = text.back() == '0' ? '1' : '0';
        return text;
      },
      [this] { return "AKIA" + some(kBase32, 15) + " " + some(kUpper, 24); },
      [this] { return std::string("AI") + "za" + some(kBase62, 34) + " " + some(kBase62, 20); },
      [this] {
        std::string text = "4" + some(kDigits, 14);
        return text + (luhn_digit(text) == '7'   ? "8"
                       : luhn_digit(text) == '3' ? "1"
                                                 : std::string(1, luhn_digit(text) == '0' ? '5' : '0'));
      },
      [this] {
        std::string text = iban();
        text[2] = text[2] == '9' ? '1' : '9';
        text[3] = text[3] == '9' ? '8' : '9';
        return text.substr(2, 2) == "98" ? "DE00" : text;
      },
      [this] { return "+" + number(3, 5) + " points, " + number(1, 2) + "+" + number(1, 2); },
      [this] { return "eyJ" + some(kUrl64, 40) + "." + some(kUrl64, 20) + "." + some(kUrl64, 20); },
      [] { return std::string("-----BEGIN ") + "PUBLIC KEY-----\nc3ludGhldGlj\n-----END PUBLIC KEY-----"; },
      [this] {
        return "-- " + prose(3) + "\nSELECT " + word() + " FROM public." + word() + " WHERE id = " + number(4, 9);
      },
      [this] { return "tel:" + number(4, 9) + " fax " + number(3, 3) + "-" + number(4, 4); },
      [this] { return "order " + number(10, 12) + " of " + number(10, 13); },
      [this] { return row_without_email(); },
      [this] { return "<a href=\"/" + word() + "/" + number(3, 9) + "\">" + prose(2) + "</a>"; },
  };
  std::string row_without_email() {
    std::string out = row();
    std::replace(out.begin(), out.end(), '@', ' ');
    return out;
  }
  const std::vector<std::string> rules_ = [this] {
    std::vector<std::string> names;
    for (const auto& [rule, make] : kinds_)
      if (names.empty() || names.back() != rule) names.push_back(rule);
    return names;
  }();
};

/// Found against expected, over many lines.
struct Score {
  std::size_t found = 0, missed = 0, inexact = 0, false_hits = 0;
  double recall() const { return ratio(found, found + missed); }
  double precision() const { return ratio(found, found + false_hits); }
  static double ratio(std::size_t part, std::size_t whole) {
    return whole == 0 ? 1 : static_cast<double>(part) / static_cast<double>(whole);
  }
};

}  // namespace sallyport::mask::testing
