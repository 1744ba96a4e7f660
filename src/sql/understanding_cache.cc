#include "sql/understanding_cache.h"

#include <algorithm>

#include "sql/lexer.h"

namespace sallyport::sql {
namespace {

constexpr char kBetween = '\x1f';  // cannot be inside a token that is removed, and keeps neighbours apart

/// Statements whose constants are values and nothing else.
bool begins_plainly(const Token& first) {
  if (first.is('(')) return true;
  if (first.kind != Token::Kind::word) return false;
  switch (first.text[0] | 0x20) {
    case 's':
      return first.is_word("SELECT");
    case 'i':
      return first.is_word("INSERT");
    case 'u':
      return first.is_word("UPDATE");
    case 'd':
      return first.is_word("DELETE");
    case 'm':
      return first.is_word("MERGE");
    case 'v':
      return first.is_word("VALUES");
    case 't':
      return first.is_word("TABLE");
    case 'w':
      return first.is_word("WITH");
    default:
      return false;
  }
}

/// Whether the numbers that follow are positions of results: ORDER BY 2, GROUP BY 1, 2. Behind BY, up to what ends its
/// list.
class Positions {
 public:
  void take(const Token& token) {
    if (token.is('(')) ++depth_;
    if (token.is(')')) --depth_;
    if (token.is_word("BY")) {
      depth_ = 0;
      is_by_ = true;
    }
    static constexpr base::View kEnds[] = {"EXCEPT", "FETCH", "FOR",       "GROUPS", "HAVING", "INTERSECT", "LIMIT",
                                           "OFFSET", "RANGE", "RETURNING", "ROWS",   "UNION",  "WINDOW"};
    const bool ends = token.kind == Token::Kind::word &&
                      std::ranges::any_of(kEnds, [&](base::View word) { return token.is_word(word); });
    if (is_by_ && (depth_ < 0 || token.is(';') || (depth_ == 0 && ends))) is_by_ = false;
  }
  bool are_next() const { return is_by_ && depth_ <= kSets; }

 private:
  static constexpr int kSets = 3;  // GROUPING SETS ((1), (2))
  bool is_by_ = false;
  int depth_ = 0;
};

/// What the parser makes of a number, but for its value.
void append_number(base::View number, std::string& out) {
  const bool is_integer = number.find_first_not_of("0123456789") == base::View::npos;
  if (!is_integer) {
    out += "0.";
  } else if (number.size() < 10) {
    out += '0';
  } else {
    out += number;  // an integer or a float, by its value
  }
}

/// Functions whose constants say what they do: which setting, which sequence, which type.
bool has_telling_argument(base::View name) {
  static constexpr base::View kNames[] = {"float", "nextval", "set_config", "setval"};
  return std::ranges::any_of(kNames, [&](base::View other) {
    return std::ranges::equal(name, other, [](char x, char y) { return (x >= 'A' && x <= 'Z' ? x + 32 : x) == y; });
  });
}

/// A string without escapes; those with escapes may be malformed inside.
bool is_plain(base::View text) { return text[0] == '\'' || text[0] == '$'; }

}  // namespace

Skeleton append_skeleton(base::View text, std::string& out) {
  const std::size_t start = out.size();
  bool is_plain_text = true, is_first = true;
  Lexer lexer(text);
  Positions positions;
  for (Token token = lexer.next(); token.kind != Token::Kind::end; token = lexer.next()) {
    positions.take(token);
    if (is_first && !token.is(';')) {
      is_first = false;
      if (token.is_word("FETCH") || token.is_word("MOVE")) return Skeleton::none;
      is_plain_text = is_plain_text && begins_plainly(token);
    }
    switch (token.kind) {
      case Token::Kind::error:
      case Token::Kind::end:
        return Skeleton::none;
      case Token::Kind::text:
        if (is_plain(token.text)) {
          out += '\'';
        } else {
          is_plain_text = false;
        }
        break;
      case Token::Kind::number:
        if (positions.are_next()) {
          out += token.text;
        } else {
          append_number(token.text, out);
        }
        break;
      case Token::Kind::word:
        // CURRENT: WHERE CURRENT OF names a cursor of the session.
        if (token.is_word("EXECUTE") || token.is_word("CURRENT")) return Skeleton::none;
        if (has_telling_argument(token.text)) is_plain_text = false;
        out += token.text;
        break;
      case Token::Kind::name:
        if (token.text[0] != '"' || has_telling_argument(token.text.substr(1, token.text.size() - 2))) {
          is_plain_text = false;
        }
        out += token.text;
        break;
      case Token::Kind::bits:
      case Token::Kind::parameter:
      case Token::Kind::operator_:
        out += token.text;
        break;
      case Token::Kind::punctuation:
        if (token.is(';')) is_first = true;
        out += token.text;
        break;
    }
    out += kBetween;
  }
  if (is_plain_text) return Skeleton::constants_removed;
  out.resize(start);
  out += text;
  return Skeleton::exact;
}

/// False: not to be cached. The key begins with what else the understanding depends on.
bool UnderstandingCache::write_key(const Input& input) {
  key_.clear();
  const std::uint64_t version = input.catalogue == nullptr ? 0 : input.catalogue->version();
  key_.append(reinterpret_cast<const char*>(&version), sizeof version);
  for (const std::uint32_t type : input.parameter_types) {
    if (type >= model::kFirstUserOid) key_ += "t" + std::to_string(type);
  }
  if (const SessionState* session = input.session) {
    if (session->path == SessionState::Path::unknown) key_ += 'u';
    if (session->has_own_definitions) key_ += 'd';
    if (session->path == SessionState::Path::listed) {
      key_ += 'l';
      for (const auto& schema : session->search_path) (key_ += schema) += '\0';
    }
    if (session->standard) (key_ += 's') += session->standard->name + '\0' + session->standard->text + '\0';
    for (const auto& [schema, name, is_view] : session->provisional)
      (((key_ += is_view ? 'v' : 'p') += schema) += '\0') += name + '\0';
  }
  key_ += '\0';
  const std::size_t kind = key_.size();
  key_ += '\0';
  const Skeleton skeleton = append_skeleton(input.text, key_);
  if (skeleton == Skeleton::none || key_.size() > options_.key_octets) return false;
  key_[kind] = skeleton == Skeleton::exact ? 'e' : 'c';
  return true;
}

std::shared_ptr<const model::Understanding> UnderstandingCache::understand(const Input& input) {
  // A constant may be what makes a text too long or ill-formed.
  const bool is_sound = input.text.size() <= input.limits.statement && base::is_utf8_without_nul(input.text);
  if (!is_sound || options_.entries == 0 || !write_key(input)) {
    ++misses_;
    return std::make_shared<const model::Understanding>(sql::understand(input));
  }
  if (const auto found = places_.find(key_); found != places_.end()) {
    ++hits_;
    if (found->second != order_.begin()) order_.splice(order_.begin(), order_, found->second);
    return found->second->understanding;
  }
  ++misses_;
  auto understanding = std::make_shared<const model::Understanding>(sql::understand(input));
  // The parser's message may quote a constant, which is nobody else's business.
  const bool is_parsed = understanding->statements.empty() || understanding->statements.front().kind != "UNKNOWN";
  if (!is_parsed) return understanding;
  if (order_.size() >= options_.entries) {
    places_.erase(order_.back().key);
    order_.pop_back();
  }
  order_.push_front({key_, understanding});
  places_.emplace(order_.front().key, order_.begin());
  return understanding;
}

}  // namespace sallyport::sql
