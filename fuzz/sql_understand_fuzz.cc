#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "sql/lexer.h"
#include "sql/understand.h"
#include "sql/understanding_cache.h"

// understand() is total; two texts of one skeleton are understood alike, so that the cache may answer for both.
namespace {

using namespace sallyport;

/// `text` with each constant that a skeleton leaves out replaced by another.
std::string with_other_constants(base::View text) {
  std::string out;
  bool is_by = false;  // numbers behind ORDER BY and its like may be positions, which stay in a skeleton
  sql::Lexer lexer(text);
  for (sql::Token token = lexer.next(); token.kind != sql::Token::Kind::end; token = lexer.next()) {
    is_by = is_by || token.is_word("BY");
    const bool is_integer = token.text.find_first_not_of("0123456789") == base::View::npos;
    if (token.kind == sql::Token::Kind::text && (token.text[0] == '\'' || token.text[0] == '$')) {
      out += "'; DROP TABLE a; --'";
    } else if (!is_by && token.kind == sql::Token::Kind::number && is_integer && token.text.size() < 10) {
      out += "77";
    } else if (!is_by && token.kind == sql::Token::Kind::number && !is_integer) {
      out += "7.5";
    } else {
      out += token.text;
    }
    out += ' ';  // a newline would join two strings
  }
  return out;
}

void demand(bool is_true, const char* what) {
  if (is_true) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

bool is_same(const model::Origin& a, const model::Origin& b) {
  return a.from == b.from && a.is_untraced == b.is_untraced && a.is_system == b.is_system;
}

void compare(const model::Lineage& a, const model::Lineage& b) {
  demand(a.columns == b.columns && a.redefined == b.redefined, "columns differ");
  demand(a.sinks.size() == b.sinks.size() && a.statements.size() == b.statements.size(), "lineages differ");
  for (std::size_t i = 0; i < a.sinks.size(); ++i)
    demand(a.sinks[i].place == b.sinks[i].place && is_same(a.sinks[i].origin, b.sinks[i].origin), "sinks differ");
  for (std::size_t i = 0; i < a.statements.size(); ++i) {
    const auto &one = a.statements[i].results, &other = b.statements[i].results;
    demand(one.size() == other.size(), "results differ");
    for (std::size_t at = 0; at < one.size(); ++at)
      demand(is_same(one[at].origin, other[at].origin) && one[at].is_many == other[at].is_many, "results differ");
  }
}

void compare(const model::Understanding& a, const model::Understanding& b) {
  demand(a.effects == b.effects, "effects differ");
  demand(a.relations == b.relations, "relations differ");
  demand(a.refusal.has_value() == b.refusal.has_value(), "refusals differ");
  demand(a.changes.size() == b.changes.size(), "changes differ");
  demand(a.statements.size() == b.statements.size(), "statements differ");
  compare(a.lineage, b.lineage);
  for (std::size_t i = 0; i < a.statements.size(); ++i) {
    demand(a.statements[i].kind == b.statements[i].kind && a.statements[i].effects == b.statements[i].effects &&
               a.statements[i].missing_where == b.statements[i].missing_where &&
               a.statements[i].is_housekeeping == b.statements[i].is_housekeeping,
           "statements differ");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Exactly sized, so that the sanitizer sees any read beyond it.
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto what = sql::understand({.text = text});
  std::string skeleton, other_skeleton;
  if (sql::append_skeleton(text, skeleton) != sql::Skeleton::constants_removed || what.refusal) return 0;
  const std::string other = with_other_constants(text);
  demand(sql::append_skeleton(other, other_skeleton) == sql::Skeleton::constants_removed,
         "the skeleton's kind differs");
  demand(skeleton == other_skeleton, "the skeletons differ");
  if (other.size() <= sql::Limits{}.statement) compare(what, sql::understand({.text = other}));
  return 0;
}
