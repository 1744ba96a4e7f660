#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sql/tree.h"

/// What the statements of a text choose rows by: a pass of its own over the parser's tree. It knows names only; what
/// they mean is the Walker's to say. Internal to sql. Pure.
///
/// Errs to one side each: `names` and `is_anything` may hold too much, `pins` too little.
namespace sallyport::sql {

class Filters {
 public:
  /// Collects from a statement. Pins are keyed by nodes of its tree.
  void collect(const Message& statement);

  /// Columns, as written without what qualifies them, in a place that chooses rows: WHERE, ON, USING, HAVING, FILTER,
  /// CASE, LIMIT, ORDER BY under a LIMIT, DISTINCT ON, IN (SELECT …), INTERSECT, EXCEPT, the conditions of MERGE.
  const std::set<std::string>& names() const { return names_; }
  /// NATURAL, or a whole row, stands in such a place: any column of any relation may be looked at.
  bool is_anything() const { return is_anything_; }
  /// `name` may be another name for a column, an expression, or a whole row, somewhere in the text.
  bool may_be_renamed(const std::string& name) const { return renamed_.contains(name) || ranges_.contains(name); }

  /// The columns, as written, that the top level of a WHERE sets equal to constants or parameters, and that are this
  /// mention's, if it has columns of these names. Each mention is answered once: its node may be gone afterwards.
  std::vector<std::string> take_pins(const PgQuery__RangeVar* mention);
  /// Before and after a text whose tree dies in between.
  std::map<const PgQuery__RangeVar*, std::vector<std::string>> exchange_pins(
      std::map<const PgQuery__RangeVar*, std::vector<std::string>> pins);

 private:
  /// What is between FROM and WHERE of one SELECT, UPDATE or DELETE.
  struct Scope {
    std::vector<const PgQuery__RangeVar*> mentions{};
    bool has_others = false;                  // subqueries, functions: a bare name may be theirs
    std::vector<const Message*> conjuncts{};  // of WHERE and of inner joins' ON
  };
  void walk(const Message& message, bool is_filter);
  void walk_select(const PgQuery__SelectStmt& select, bool is_filter);
  void walk_sublink(const PgQuery__SubLink& link, bool is_filter);
  void note_column(const PgQuery__ColumnRef& column);
  void note_names(const Message& message);
  void open_scope(const Message& message);
  void add_from(const Message* item, bool is_inner, Scope& scope);
  void add_conjuncts(const Message* condition, Scope& scope);
  void pin(const Scope& scope);

  std::set<std::string> names_{}, renamed_{}, ranges_{};
  bool is_anything_ = false;
  std::map<const PgQuery__RangeVar*, std::vector<std::string>> pins_{};
};

}  // namespace sallyport::sql
