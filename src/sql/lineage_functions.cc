#include <algorithm>
#include <iterator>

#include "sql/lineage.h"
#include "sql/reviewed.h"

// Reviewed in PostgreSQL 15: what fails for no value of an argument, so that whether it fails tells nothing about it.
namespace sallyport::sql {
namespace {

// Whatever the arguments are.
constexpr base::View kTotal[] = {"array_agg",
                                 "array_dims",
                                 "array_length",
                                 "array_lower",
                                 "array_ndims",
                                 "array_to_json",
                                 "array_to_string",
                                 "array_upper",
                                 "ascii",
                                 "avg",
                                 "bit_length",
                                 "bool_and",
                                 "bool_or",
                                 "btrim",
                                 "cardinality",
                                 "char_length",
                                 "character_length",
                                 "coalesce",
                                 "concat",
                                 "concat_ws",
                                 "count",
                                 "date_part",
                                 "date_trunc",
                                 "every",
                                 "extract",
                                 "first_value",
                                 "hashtext",
                                 "initcap",
                                 "isempty",
                                 "json_agg",
                                 "json_build_array",
                                 "json_strip_nulls",
                                 "json_typeof",
                                 "jsonb_agg",
                                 "jsonb_build_array",
                                 "jsonb_pretty",
                                 "jsonb_strip_nulls",
                                 "jsonb_typeof",
                                 "lag",
                                 "last_value",
                                 "lead",
                                 "length",
                                 "lower",
                                 "ltrim",
                                 "max",
                                 "md5",
                                 "min",
                                 "num_nonnulls",
                                 "num_nulls",
                                 "octet_length",
                                 "pg_column_size",
                                 "pg_typeof",
                                 "position",
                                 "quote_ident",
                                 "quote_literal",
                                 "quote_nullable",
                                 "replace",
                                 "reverse",
                                 "row_to_json",
                                 "rtrim",
                                 "sha224",
                                 "sha256",
                                 "sha384",
                                 "sha512",
                                 "starts_with",
                                 "string_agg",
                                 "string_to_array",
                                 "strpos",
                                 "sum",
                                 "text",
                                 "to_hex",
                                 "to_json",
                                 "to_jsonb",
                                 "translate",
                                 "upper",
                                 "xmlagg"};
static_assert(std::ranges::is_sorted(kTotal));

// Whatever the first argument is: the others are a format, a position, a pattern, that may be wrong by itself.
constexpr base::View kTotalInFirst[] = {"ceil",
                                        "ceiling",
                                        "encode",
                                        "floor",
                                        "json_extract_path",
                                        "json_extract_path_text",
                                        "jsonb_extract_path",
                                        "jsonb_extract_path_text",
                                        "left",
                                        "lpad",
                                        "nth_value",
                                        "overlay",
                                        "regexp_match",
                                        "regexp_replace",
                                        "right",
                                        "round",
                                        "rpad",
                                        "sign",
                                        "split_part",
                                        "substr",
                                        "substring",
                                        "to_char",
                                        "trunc"};
static_assert(std::ranges::is_sorted(kTotalInFirst));

// The operands of a text, an array or a JSON document, and comparisons; not arithmetic, which may overflow.
constexpr base::View kTotalOperators[] = {"!=", "#>", "#>>", "&&", "->", "->>", "<",  "<=", "<>", "<@",
                                          "=",  ">",  ">=",  "?",  "?&", "?|",  "@>", "^@", "||"};
static_assert(std::ranges::is_sorted(kTotalOperators));
// The right operand is a pattern.
constexpr base::View kMatching[] = {"!~", "!~*", "!~~", "!~~*", "~", "~*", "~~", "~~*"};
static_assert(std::ranges::is_sorted(kMatching));

constexpr base::View kOthersValues[] = {"pg_mcv_list_items", "pg_stat_get_activity", "pg_stat_get_backend_activity"};
static_assert(std::ranges::is_sorted(kOthersValues));

template <class List>
bool has(const List& sorted, base::View name) {
  return std::ranges::binary_search(sorted, name);
}

}  // namespace

bool is_total_function(base::View name, std::size_t argument) {
  if (has(kTotal, name)) return true;
  if (has(kTotalInFirst, name)) return argument == 0;
  if (name == "format") return argument > 0;  // the first is the format
  // Keys, which must not be NULL, and values in turn.
  if (name == "json_build_object" || name == "jsonb_build_object") return argument % 2 == 1;
  return false;
}

bool is_total_operator(base::View name, bool is_right_operand) {
  return has(kTotalOperators, name) || (has(kMatching, name) && !is_right_operand);
}

bool gives_values_of_others(base::View function) { return has(kOthersValues, function); }

/// An empty `column` is all of them.
bool holds_values_of_others(base::View relation, base::View column) {
  struct Holder {
    base::View relation, column;
  };
  static constexpr Holder kHolders[] = {
      {"pg_attribute", "attmissingval"}, {"pg_largeobject", "data"}, {"pg_stat_activity", "query"}};
  const auto is_it = [&](const Holder& holder) {
    return holder.relation == relation && (column.empty() || holder.column == column);
  };
  if (std::ranges::any_of(kHolders, is_it)) return true;
  if (!shows_values_of_others(relation)) return false;
  // The planner's statistics: what is not about the values themselves is clear.
  static constexpr base::View kClear[] = {"attname",
                                          "attnames",
                                          "avg_width",
                                          "inherited",
                                          "schemaname",
                                          "staattnum",
                                          "stainherit",
                                          "starelid",
                                          "statistics_name",
                                          "statistics_owner",
                                          "statistics_schemaname",
                                          "stawidth",
                                          "stxoid",
                                          "tablename"};
  return column.empty() || std::ranges::find(kClear, column) == std::end(kClear);
}

}  // namespace sallyport::sql
