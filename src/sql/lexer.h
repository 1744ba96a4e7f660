#pragma once
#include <cstdint>

#include "base/bytes.h"

/// PostgreSQL's lexical rules (manual 4.1, scan.l of version 15), with standard_conforming_strings on and UTF-8, which
/// the gateway pins. Checked against libpg_query's own scanner by the tests and by a fuzzer. Pure; no allocation.
///
/// Lenient where PostgreSQL reports an error: then a token of kind `error` ends the text. Whoever decides something
/// from tokens alone must treat it as not understood.
namespace sallyport::sql {

struct Token {
  enum class Kind : std::uint8_t {
    word,         // an identifier or keyword without quotes
    name,         // "…" or U&"…"
    text,         // '…', E'…', U&'…', $tag$…$tag$
    bits,         // B'…', X'…'
    number,       // 12, 1.5e3
    parameter,    // $1
    operator_,    // a run of operator characters, or :: := .. =>
    punctuation,  // one of , ( ) [ ] . ; :
    error,        // not lexically right; reaches to the end of the text
    end,
  };
  Kind kind = Kind::end;
  base::View text{};  // as written, a view of the input

  bool is(char c) const { return kind == Kind::punctuation && text[0] == c; }
  /// True for a word that equals `upper`, which is written in upper case, whatever the case it is in.
  bool is_word(base::View upper) const;
};

class Lexer {
 public:
  /// `text` must outlive the Lexer and its tokens.
  explicit Lexer(base::View text) : text_(text) {}
  Token next();
  /// Octets consumed so far.
  std::size_t position() const { return at_; }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  Token take(Token::Kind kind, std::size_t start) { return {kind, text_.substr(start, at_ - start)}; }
  Token broken(std::size_t start);
  bool skip_blanks_and_comments();
  bool skip_block_comment();
  bool skip_quoted(char quote, bool has_escapes, bool is_bits);
  bool continues();
  Token quoted_text(std::size_t start, std::size_t prefix, bool has_escapes, Token::Kind kind);
  Token quoted_name(std::size_t start, std::size_t prefix);
  Token dollar(std::size_t start);
  Token number(std::size_t start);
  Token word_or_prefixed(std::size_t start);
  Token operators(std::size_t start);

  base::View text_;
  std::size_t at_ = 0;
};

/// An upper bound of how deep the parser's tree of `text` can be (see lexer.cc for why it is one).
std::size_t nesting_bound(base::View text);

}  // namespace sallyport::sql
