#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include <cctype>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "sql/lexer.h"

// Our lexer against libpg_query's scanner: where theirs accepts a text, ours finds tokens at the same places. (Ends are
// left out: pg_query_scan() tells wrong ones for U&"…"; a wrong end of ours makes the next begin wrong.)
namespace {

using namespace sallyport;

/// False: not accepted, or with octets that no rule of the scanner names.
bool scan_theirs(const std::string& text, std::vector<int>& starts) {
  PgQueryScanResult result = pg_query_scan(text.c_str());
  bool is_right = result.error == nullptr;
  if (is_right) {
    PgQuery__ScanResult* scan = pg_query__scan_result__unpack(nullptr, result.pbuf.len,
                                                              reinterpret_cast<const std::uint8_t*>(result.pbuf.data));
    for (std::size_t i = 0; i < scan->n_tokens; ++i) {
      const auto& token = *scan->tokens[i];
      if (token.token == PG_QUERY__TOKEN__SQL_COMMENT || token.token == PG_QUERY__TOKEN__C_COMMENT) continue;
      const auto first = static_cast<unsigned char>(text[static_cast<std::size_t>(token.start)]);
      const base::View known = "~!@#^&|`?+-*/%<>=,()[].;:_'\"";
      const bool is_dollar = first == '$' && token.end - token.start > 1;
      is_right &= std::isalnum(first) != 0 || first >= 0x80 || is_dollar ||
                  known.find(static_cast<char>(first)) != base::View::npos;
      starts.push_back(token.start);
    }
    pg_query__scan_result__free_unpacked(scan, nullptr);
  }
  pg_query_free_scan_result(result);
  return is_right;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (!base::is_utf8_without_nul(text) || size > 4096) return 0;
  sql::nesting_bound(text);
  std::vector<int> theirs, ours;
  if (!scan_theirs(text, theirs)) return 0;
  sql::Lexer lexer(text);
  for (sql::Token token = lexer.next(); token.kind != sql::Token::Kind::end; token = lexer.next()) {
    if (token.kind == sql::Token::Kind::error) std::abort();
    const auto start = static_cast<int>(token.text.data() - text.data());
    ours.push_back(start);
    // N'…' is a keyword and a string to theirs.
    if (token.kind == sql::Token::Kind::text && (token.text[0] | 0x20) == 'n') ours.push_back(start + 1);
  }
  if (ours != theirs) {
    std::fprintf(stderr, "%zu tokens of ours, %zu of theirs\n", ours.size(), theirs.size());
    std::abort();
  }
  return 0;
}
