#include "sql/lexer.h"

#include <gtest/gtest.h>
#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include <fstream>
#include <random>
#include <sstream>
#include <vector>

namespace sallyport::sql {
namespace {

struct Span {
  int start = 0, end = 0;
  friend bool operator==(const Span&, const Span&) = default;
};
std::ostream& operator<<(std::ostream& out, const Span& span) { return out << span.start << "-" << span.end; }

/// False: the scanner reports an error.
bool scan_theirs(const std::string& text, std::vector<Span>& spans) {
  PgQueryScanResult result = pg_query_scan(text.c_str());
  bool is_right = result.error == nullptr;
  if (is_right) {
    PgQuery__ScanResult* scan = pg_query__scan_result__unpack(nullptr, result.pbuf.len,
                                                              reinterpret_cast<const std::uint8_t*>(result.pbuf.data));
    for (std::size_t i = 0; i < scan->n_tokens; ++i) {
      const auto& token = *scan->tokens[i];
      if (token.token == PG_QUERY__TOKEN__SQL_COMMENT || token.token == PG_QUERY__TOKEN__C_COMMENT) continue;
      spans.push_back({token.start, token.end});
      // Octets that no rule of the scanner names come back as tokens of their own, for the parser to refuse.
      const std::string_view known = "~!@#^&|`?+-*/%<>=,()[].;:$_";
      const char first = text[static_cast<std::size_t>(token.start)];
      const bool is_lone_dollar = first == '$' && token.end - token.start == 1;
      is_right &=
          !is_lone_dollar && (std::isalnum(static_cast<unsigned char>(first)) || first == '\'' || first == '"' ||
                              static_cast<unsigned char>(first) >= 0x80 || known.find(first) != std::string_view::npos);
    }
    pg_query__scan_result__free_unpacked(scan, nullptr);
  }
  pg_query_free_scan_result(result);
  return is_right;
}

bool scan_ours(const std::string& text, std::vector<Span>& spans) {
  Lexer lexer(text);
  for (Token token = lexer.next(); token.kind != Token::Kind::end; token = lexer.next()) {
    if (token.kind == Token::Kind::error) return false;
    auto start = static_cast<int>(token.text.data() - text.data());
    // Theirs takes N'…' for the keyword NCHAR and a string.
    if (token.kind == Token::Kind::text && (token.text[0] | 0x20) == 'n') {
      spans.push_back({start, start + 1});
      token.text.remove_prefix(1);
      ++start;
    }
    spans.push_back({start, start + static_cast<int>(token.text.size())});
  }
  return true;
}

/// Where both find the text lexically right they find the same tokens; where theirs reports an error ours may not
/// (it does not look inside of escapes), which the parser then does.
void expect_same(const std::string& text) {
  std::vector<Span> theirs, ours;
  const bool they = scan_theirs(text, theirs);
  const bool we = scan_ours(text, ours);
  if (!they) return;
  ASSERT_TRUE(we) << text;
  // pg_query_scan() tells a wrong end of U&"…" and U&'…'.
  for (std::size_t i = 0; i < std::min(ours.size(), theirs.size()); ++i) {
    const auto start = static_cast<std::size_t>(ours[i].start);
    if ((text[start] | 0x20) == 'u' && text[start + 1] == '&') theirs[i].end = ours[i].end;
  }
  ASSERT_EQ(ours, theirs) << text;
}

TEST(Lexer, AgreesWithPostgresOnTheDisguises) {
  for (const char* name : {"disguises.txt", "innocent.txt"}) {
    std::ifstream file(std::string(SALLYPORT_SOURCE_DIR "/test/bypass/") + name);
    std::string text;
    bool in_text = false;
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("=== ")) {
        in_text = true;
        text.clear();
      } else if (line == "---") {
        if (in_text) expect_same(text);
        in_text = false;
      } else {
        text += line + "\n";
      }
    }
  }
}

TEST(Lexer, AgreesWithPostgresOnRandomPieces) {
  static const std::vector<std::string> kPieces = {
      "SELECT", "from", "e",   "E",  "x",  "U&",       "u",  "n",  "B",   "b'",   "'", "''", "\"", "\"\"",
      "$",      "$$",   "$a$", "$1", "1",  "12",       ".",  "..", "1.5", "e5",   "+", "-",  "--", "/*",
      "*/",     "*",    "/",   "\n", "\r", " ",        "\t", "\f", "\v",  "\\",   ":", "::", ":=", "=>",
      "<=",     "<>",   "!=",  "!",  "@",  "?",        "|",  "&",  "#",   "^",    "%", "~",  "`",  "(",
      ")",      "[",    "]",   ",",  ";",  "\xc3\xa9", "_",  "a",  "0x",  "abc$d"};
  std::mt19937 random(4711);
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (std::size_t i = random() % 9 + 1; i > 0; --i) text += kPieces[random() % kPieces.size()];
    expect_same(text);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(Lexer, DoesNotContinueATextBehindAComment) {
  for (const char* text :
       {"'a'\n'b'", "'a'\n--c\n'b'", "'a' --c\n'b'", "''\n--8'\n--9''\n''\n--+1\n", "'a'\n--c\n--d\n'b'\n'c'"})
    expect_same(text);
}

TEST(Lexer, EndsInAnErrorWhatIsNotClosed) {
  for (const char* text : {"'a", "\"a", "\"\"", "$$a", "$a$ $b$", "/* /* */", "E'\\'", "1a", "$1a", "1e", "\x01"}) {
    std::vector<Span> spans;
    EXPECT_FALSE(scan_ours(text, spans)) << text;
  }
}

TEST(NestingBound, IsAboveTheTreeAndNotFarAbove) {
  EXPECT_LE(nesting_bound("SELECT a FROM b WHERE c IN (1,2,3) AND d = 4"), 5U);
  EXPECT_GE(nesting_bound("SELECT ((((1))))"), 4U);
  EXPECT_GE(nesting_bound("SELECT 1+1+1+1"), 3U);
  EXPECT_GE(nesting_bound("SELECT (1+1)+1"), 2U);
  EXPECT_GE(nesting_bound("SELECT 1,2 UNION SELECT 1,2 UNION SELECT 1,2"), 2U);
  EXPECT_GE(nesting_bound("SELECT CASE WHEN a THEN CASE WHEN b THEN 1 END END"), 2U);
  EXPECT_GE(nesting_bound("SELECT (1+1, 2+2)+(1+1)"), 2U);
}

}  // namespace
}  // namespace sallyport::sql
