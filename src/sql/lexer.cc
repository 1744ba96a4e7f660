#include "sql/lexer.h"

#include <algorithm>
#include <array>
#include <vector>

namespace sallyport::sql {
namespace {

enum : std::uint8_t { kBlank = 1, kWordStart = 2, kWordPart = 4, kDigit = 8, kOperator = 16, kPunctuation = 32 };

constexpr std::array<std::uint8_t, 256> classes() {
  std::array<std::uint8_t, 256> table{};
  const auto mark = [&](base::View characters, std::uint8_t what) {
    for (const char c : characters) table[static_cast<unsigned char>(c)] |= what;
  };
  mark(" \t\n\r\f", kBlank);
  mark("0123456789", kDigit | kWordPart);
  mark("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", kWordStart | kWordPart);
  mark("$", kWordPart);
  mark("~!@#^&|`?+-*/%<>=", kOperator);
  mark(",()[].;:", kPunctuation);
  for (int c = 0x80; c < 0x100; ++c) table[static_cast<std::size_t>(c)] |= kWordStart | kWordPart;
  return table;
}
constexpr auto kClasses = classes();

bool is_in(char c, std::uint8_t what) { return (kClasses[static_cast<unsigned char>(c)] & what) != 0; }

char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

}  // namespace

bool Token::is_word(base::View upper) const {
  if (kind != Kind::word || text.size() != upper.size()) return false;
  return std::ranges::equal(text, upper, [](char a, char b) { return to_upper(a) == b; });
}

Token Lexer::broken(std::size_t start) {
  at_ = text_.size();
  return take(Token::Kind::error, start);
}

/// False: a comment is not closed.
bool Lexer::skip_blanks_and_comments() {
  while (at_ < text_.size()) {
    if (is_in(text_[at_], kBlank)) {
      ++at_;
    } else if (text_[at_] == '-' && peek(1) == '-') {
      while (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r') ++at_;
    } else if (text_[at_] == '/' && peek(1) == '*') {
      if (!skip_block_comment()) return false;
    } else {
      break;
    }
  }
  return true;
}

bool Lexer::skip_block_comment() {
  int depth = 0;  // they nest
  while (at_ < text_.size()) {
    if (text_[at_] == '/' && peek(1) == '*') {
      ++depth;
      at_ += 2;
    } else if (text_[at_] == '*' && peek(1) == '/') {
      at_ += 2;
      if (--depth == 0) return true;
    } else {
      ++at_;
    }
  }
  return false;
}

/// From behind the opening quote to behind the closing one. False: not closed. Two quotes are one inside, but not in
/// bits.
bool Lexer::skip_quoted(char quote, bool has_escapes, bool is_bits) {
  while (at_ < text_.size()) {
    const char c = text_[at_++];
    if (has_escapes && c == '\\') {
      if (at_ == text_.size()) return false;
      ++at_;
    } else if (c == quote) {
      if (is_bits || at_ == text_.size() || peek() != quote) return true;
      ++at_;
    }
  }
  return false;
}

/// A text that is followed by blanks with a newline among them, and then a quote, goes on (manual 4.1.2.1). Moves
/// behind that quote. The server lets "--" comments stand between, libpg_query's scanner does not: as it, we then see
/// two texts, which no grammar allows, so that such a statement is unknown.
bool Lexer::continues() {
  std::size_t at = at_;
  bool has_newline = false;
  while (at < text_.size()) {
    const char c = text_[at];
    if (c == '\n' || c == '\r') {
      has_newline = true;
      ++at;
    } else if (is_in(c, kBlank)) {
      ++at;
    } else {
      break;
    }
  }
  if (!has_newline || at >= text_.size() || text_[at] != '\'') return false;
  at_ = at + 1;
  return true;
}

Token Lexer::quoted_text(std::size_t start, std::size_t prefix, bool has_escapes, Token::Kind kind) {
  at_ = start + prefix + 1;
  do {
    if (!skip_quoted('\'', has_escapes, kind == Token::Kind::bits)) return broken(start);
  } while (continues());
  return take(kind, start);
}

Token Lexer::quoted_name(std::size_t start, std::size_t prefix) {
  at_ = start + prefix + 1;
  if (!skip_quoted('"', false, false)) return broken(start);
  if (at_ - start == prefix + 2) return broken(start);  // zero-length
  return take(Token::Kind::name, start);
}

Token Lexer::dollar(std::size_t start) {
  if (is_in(peek(1), kDigit)) {
    ++at_;
    while (is_in(peek(), kDigit)) ++at_;
    if (is_in(peek(), kWordStart)) return broken(start);  // trailing junk
    return take(Token::Kind::parameter, start);
  }
  std::size_t at = at_ + 1;
  if (at < text_.size() && is_in(text_[at], kWordStart)) {
    while (at < text_.size() && is_in(text_[at], kWordPart) && text_[at] != '$') ++at;
  }
  if (at >= text_.size() || text_[at] != '$') return broken(start);
  const base::View tag = text_.substr(at_, at + 1 - at_);
  const std::size_t close = text_.find(tag, at + 1);
  if (close == base::View::npos) return broken(start);
  at_ = close + tag.size();
  return take(Token::Kind::text, start);
}

Token Lexer::number(std::size_t start) {
  const auto digits = [&] {
    while (is_in(peek(), kDigit)) ++at_;
  };
  digits();
  if (peek() == '.' && peek(1) != '.') {
    ++at_;
    digits();
  }
  if (peek() == 'e' || peek() == 'E') {
    const std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
    if (!is_in(peek(1 + sign), kDigit)) return broken(start);
    at_ += 1 + sign;
    digits();
  }
  if (is_in(peek(), kWordStart)) return broken(start);  // trailing junk
  return take(Token::Kind::number, start);
}

Token Lexer::word_or_prefixed(std::size_t start) {
  const char first = to_upper(text_[start]);
  if (peek(1) == '\'') {
    if (first == 'E') return quoted_text(start, 1, true, Token::Kind::text);
    if (first == 'N') return quoted_text(start, 1, false, Token::Kind::text);
    if (first == 'B' || first == 'X') return quoted_text(start, 1, false, Token::Kind::bits);
  }
  if (first == 'U' && peek(1) == '&') {
    if (peek(2) == '\'') return quoted_text(start, 2, false, Token::Kind::text);
    if (peek(2) == '"') return quoted_name(start, 2);
  }
  while (is_in(peek(), kWordPart) && at_ < text_.size()) ++at_;
  return take(Token::Kind::word, start);
}

/// The longest run of operator characters, cut before a comment, and without a trailing + or - unless it holds one of
/// ~ ! @ # % ^ & | ` ? (manual 4.1.3).
Token Lexer::operators(std::size_t start) {
  std::size_t end = start;
  while (end < text_.size() && is_in(text_[end], kOperator)) ++end;
  const base::View run = text_.substr(start, end - start);
  std::size_t length = std::min({run.size(), run.find("--"), run.find("/*")});
  if (length > 1 && run.substr(0, length).find_first_of("~!@#^&|`?%") == base::View::npos) {
    while (length > 1 && (run[length - 1] == '+' || run[length - 1] == '-')) --length;
  }
  at_ = start + length;
  return take(Token::Kind::operator_, start);
}

Token Lexer::next() {
  const std::size_t before = at_;
  if (!skip_blanks_and_comments()) return broken(before);
  if (at_ >= text_.size()) return {};
  const std::size_t start = at_;
  const char c = text_[at_];
  if (is_in(c, kWordStart)) return word_or_prefixed(start);
  if (is_in(c, kDigit) || (c == '.' && is_in(peek(1), kDigit))) return number(start);
  if (c == '\'') return quoted_text(start, 0, false, Token::Kind::text);
  if (c == '"') return quoted_name(start, 0);
  if (c == '$') return dollar(start);
  if (is_in(c, kPunctuation)) {
    const bool is_pair = (c == ':' && (peek(1) == ':' || peek(1) == '=')) || (c == '.' && peek(1) == '.');
    at_ += is_pair ? 2 : 1;
    return take(is_pair ? Token::Kind::operator_ : Token::Kind::punctuation, start);
  }
  if (is_in(c, kOperator)) return operators(start);
  return broken(start);
}

// Why it is an upper bound (up to a constant factor, which Limits::nesting leaves room for): a level of the tree needs
// an operator, a bracket, a CASE or one of the words below. What stands between two commas, or between two of AND, OR,
// WHEN, THEN, ELSE of the same bracket, are different branches, so only the deepest counts; set operations and joins
// nest to the left across commas, so all of them count.
std::size_t nesting_bound(base::View text) {
  struct Level {
    std::size_t sticky = 0, run = 0, deepest = 0;
    std::size_t depth() const { return sticky + std::max(run, deepest); }
    void branch() {
      deepest = std::max(deepest, run);
      run = 0;
    }
  };
  static constexpr base::View kSticky[] = {"UNION", "INTERSECT", "EXCEPT", "JOIN"};
  static constexpr base::View kDeepening[] = {"NOT",   "IS", "ISNULL", "NOTNULL", "COLLATE", "BETWEEN", "LIKE",
                                              "ILIKE", "IN", "AT",     "SIMILAR", "ESCAPE",  "OPERATOR"};
  static constexpr base::View kBranching[] = {"AND", "OR", "WHEN", "THEN", "ELSE"};
  std::vector<Level> levels(1);
  const auto close = [&] {
    if (levels.size() == 1) return;
    const std::size_t child = levels.back().depth() + 1;
    levels.pop_back();
    levels.back().run += child;
  };
  Lexer lexer(text);
  for (Token token = lexer.next(); token.kind != Token::Kind::end; token = lexer.next()) {
    const auto is_one_of = [&](const auto& words) {
      return std::ranges::any_of(words, [&](base::View word) { return token.is_word(word); });
    };
    if (token.kind == Token::Kind::punctuation) {
      if (token.is('(') || token.is('[')) levels.emplace_back();
      if (token.is(')') || token.is(']')) close();
      if (token.is(',')) levels.back().branch();
    } else if (token.kind == Token::Kind::operator_) {
      ++levels.back().run;
    } else if (token.kind == Token::Kind::word && token.text.size() <= 9) {
      if (token.is_word("CASE")) levels.emplace_back();
      if (token.is_word("END")) close();
      if (token.is_word("SELECT") && levels.size() > 1) levels.back().sticky += 3;  // its levels take more of the stack
      if (is_one_of(kSticky)) ++levels.back().sticky;
      if (is_one_of(kDeepening)) ++levels.back().run;
      if (is_one_of(kBranching)) levels.back().branch();
    }
  }
  while (levels.size() > 1) close();
  return levels.front().depth();
}

}  // namespace sallyport::sql
