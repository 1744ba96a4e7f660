#include "sql/tree.h"

#include <utility>

namespace sallyport::sql {

base::Result<Tree> Tree::parse(base::View text) {
  const std::string owned(text);
  PgQueryProtobufParseResult parsed = pg_query_parse_protobuf(owned.c_str());
  const struct Release {
    PgQueryProtobufParseResult& what;
    ~Release() { pg_query_free_protobuf_parse_result(what); }
  } release{parsed};
  if (parsed.error != nullptr) {
    return base::fail(base::Code::malformed, parsed.error->message == nullptr ? "syntax error" : parsed.error->message);
  }
  Tree tree;
  tree.result_.reset(pg_query__parse_result__unpack(nullptr, parsed.parse_tree.len,
                                                    reinterpret_cast<const std::uint8_t*>(parsed.parse_tree.data)));
  if (!tree.result_) return base::fail(base::Code::internal, "the parser's tree could not be read");
  for (std::size_t i = 0; i < tree.result_->n_stmts; ++i) {
    const PgQuery__RawStmt& raw = *tree.result_->stmts[i];
    const auto start = static_cast<std::size_t>(raw.stmt_location < 0 ? 0 : raw.stmt_location);
    if (start > text.size()) return base::fail(base::Code::internal, "the parser's tree could not be read");
    const base::View rest = text.substr(start);
    tree.statements_.push_back(
        {unwrap(raw.stmt), raw.stmt_len > 0 ? rest.substr(0, static_cast<std::size_t>(raw.stmt_len)) : rest});
  }
  return tree;
}

const Message* unwrap(const PgQuery__Node* node) {
  if (node == nullptr || node->node_case == PG_QUERY__NODE__NODE__NOT_SET) return nullptr;
  // Every member of the union is a pointer to a message.
  return reinterpret_cast<const Message*>(node->alias);
}

const Message* unwrap(const Message* message) {
  if (message == nullptr) return nullptr;
  if (message->descriptor != &pg_query__node__descriptor) return message;
  return unwrap(reinterpret_cast<const PgQuery__Node*>(message));
}

std::vector<base::View> strings(PgQuery__Node* const* items, std::size_t count) {
  std::vector<base::View> texts;
  texts.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const bool is_string = items[i] != nullptr && items[i]->node_case == PG_QUERY__NODE__NODE_STRING;
    texts.emplace_back(is_string ? items[i]->string->sval : "");
  }
  return texts;
}

std::optional<std::string> constant(const Message* message) {
  while (const auto* cast = as<PgQuery__TypeCast>(message, pg_query__type_cast__descriptor))
    message = unwrap(cast->arg);
  const auto* value = as<PgQuery__AConst>(message, pg_query__a__const__descriptor);
  if (value == nullptr || value->isnull) return std::nullopt;
  if (value->val_case == PG_QUERY__A__CONST__VAL_SVAL) return value->sval->sval;
  if (value->val_case == PG_QUERY__A__CONST__VAL_FVAL) return value->fval->fval;
  if (value->val_case == PG_QUERY__A__CONST__VAL_IVAL) return std::to_string(value->ival->ival);
  if (value->val_case == PG_QUERY__A__CONST__VAL_BOOLVAL) return value->boolval->boolval ? "true" : "false";
  return std::nullopt;
}

}  // namespace sallyport::sql
