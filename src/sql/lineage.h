#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/lineage.h"
#include "sql/resolve.h"
#include "sql/tree.h"

/// Traces the values of a statement's results, and of what decides anything else, to the columns that they come from: a
/// pass of its own over the parser's tree. Internal to sql. Pure; one text, one LineageWalker.
///
/// Errs to one side: where a name may mean several things, all of them count; what is not known is untraced. What a
/// view's own definition does with a value besides giving it is its author's choice and no Sink.
namespace sallyport::sql {

class LineageWalker {
 public:
  struct Surroundings {
    const Resolver* resolver = nullptr;  // as names are before the statement
    /// Code that is not on the list of harmless ones may run in it: users' operators and casts, then, are not traced.
    bool may_run_code = false;
    /// The text behind EXECUTE name and FETCH FROM name; nullptr: not known.
    std::function<const std::string*(model::StoredText::Kind kind, const std::string& name)> stored{};
    std::size_t nesting = 1500;  // as Limits
  };
  /// Adds to `lineage`, which outlives the walker.
  explicit LineageWalker(model::Lineage& lineage) : lineage_(lineage) {}

  /// The next statement of the text.
  void statement(const Message& message, const Surroundings& around);
  /// A relation that a statement reads or writes without naming its columns: its errors may quote their values.
  void mentioned(const model::CatalogueRelation& relation, const Resolver& resolver);
  /// The text changes what this relation is: its columns' names, what runs when it is written …
  void redefined(const model::CatalogueRelation& relation, const Resolver& resolver);

 private:
  /// What a value may depend on, and whether computing it may fail.
  struct Flow {
    std::set<std::uint32_t> from{};
    bool is_untraced = false, is_system = false;
    bool can_fail = false;
    bool is_nothing() const { return from.empty() && !is_untraced; }
    void add(const Flow& other);
    friend bool operator==(const Flow&, const Flow&) = default;
  };
  /// A column of a result or of something in FROM.
  struct Field {
    std::string name{};
    Flow flow{};
    bool is_plain = false;
    bool is_many = false;         // any number of columns, of any names
    bool is_rival = false;        // of `is_many`: of a relation that may be meant in the place of another
    bool is_named_surely = true;  // false: PostgreSQL makes the name up
    std::uint32_t type = 0;
    /// Of `is_many`: schema and relation whose columns they are; empty: nothing is known of them.
    std::pair<std::string, std::string> of{};
  };
  using Fields = std::vector<Field>;
  /// Something in FROM that columns may be qualified with.
  struct Range {
    std::string schema{}, name{};
    Fields fields{};
  };
  struct Scope {
    const Scope* outer = nullptr;
    std::vector<Range> ranges{};
    Fields columns{};  // in the order of `*`, and what a bare name may be
  };
  /// One item of FROM, or several joined.
  struct Item {
    std::vector<Range> ranges{};
    Fields columns{};
  };
  struct Query {
    std::string name{};
    enum class State : std::uint8_t { waiting, open, done } state = State::waiting;
    const PgQuery__CommonTableExpr* expression = nullptr;
    std::size_t visible = 0;  // how many of ctes_ it sees besides itself
    bool is_recursive = false;
    Fields fields{};
    const Scope* outer = nullptr;
  };
  struct Found {
    Flow flow{};
    bool is_found = false;        // some column is surely meant
    bool is_open = false;         // a column that is not known may be meant
    const Field* only = nullptr;  // the one column that it is
    int count = 0;
  };

  // ---- statements (lineage_statements.cc) ----
  Fields results_of(const Message& message, const Scope* outer, model::StatementLineage* top);
  Fields select(const PgQuery__SelectStmt& select, const Scope* outer);
  Fields plain_select(const PgQuery__SelectStmt& select, const Scope* outer);
  Fields set_operation(const PgQuery__SelectStmt& select, const Scope* outer);
  Fields values(const PgQuery__SelectStmt& select, const Scope* outer);
  Fields insert(const PgQuery__InsertStmt& insert, const Scope* outer);
  void on_conflict(const PgQuery__OnConflictClause& clause, const Fields& given, const Scope& scope);
  Fields update(const PgQuery__UpdateStmt& update, const Scope* outer);
  Fields remove(const PgQuery__DeleteStmt& remove, const Scope* outer);
  void merge(const PgQuery__MergeStmt& merge, const Scope* outer);
  void merge_when(const PgQuery__MergeWhenClause& when, const Scope& scope);
  Fields copy(const PgQuery__CopyStmt& copy, model::StatementLineage* top);
  Fields stored(model::StoredText::Kind kind, const std::string& name);
  Fields create_as(const PgQuery__CreateTableAsStmt& create);
  void create_view(const PgQuery__ViewStmt& create);
  void definition(const Message& message);
  void open_with(const PgQuery__WithClause* with, const Scope* outer);
  const Fields& fields_of(std::size_t query);
  void compute(Query& query);
  Fields targets(PgQuery__Node* const* items, std::size_t count, const Scope& scope);
  void target(const PgQuery__ResTarget& target, const Scope& scope, Fields& out);
  Fields returning(PgQuery__Node* const* items, std::size_t count, const Scope& scope);
  void assignments(PgQuery__Node* const* items, std::size_t count, const Scope& scope, base::View place);
  void index(const PgQuery__IndexStmt& index);
  void groups(const PgQuery__SelectStmt& select, const Scope& scope, const Fields& results);
  void group(const Message& item, const Scope& scope, const Fields& results);
  void order(PgQuery__Node* const* items, std::size_t count, const Scope& scope, const Fields* results,
             base::View place);
  Flow by_position_or_name(const Message& item, const Scope& scope, const Fields* results, bool is_output_first);
  void window(const PgQuery__WindowDef& window, const Scope& scope);
  // ---- FROM (lineage_from.cc) ----
  enum class Heirs : std::uint8_t { with, without };  // without: ONLY
  Item item(const Message& message, const Scope& before);
  Item relation(const PgQuery__RangeVar& relation);
  Item function(const PgQuery__RangeFunction& function, const Scope& before);
  Item xml_table(const PgQuery__RangeTableFunc& table, const Scope& before);
  Item join(const PgQuery__JoinExpr& join, const Scope& before);
  Item named(Item item, const PgQuery__Alias* alias, base::View schema, base::View name);
  Scope scope_of(PgQuery__Node* const* items, std::size_t count, const Scope* outer);
  static void add(Item item, Scope& scope);
  Fields fields_of(const RelationMeaning& meaning, base::View name, Heirs heirs);
  Fields fields_of(const model::CatalogueRelation& relation, Heirs heirs = Heirs::with);
  Fields view_fields(const model::CatalogueRelation& view);
  std::vector<const model::CatalogueRelation*> kin_of(const model::CatalogueRelation& relation, Heirs heirs) const;
  std::uint32_t index_of(model::LineageColumn column, std::uint32_t type);
  // ---- expressions (lineage_expressions.cc) ----
  Flow value(const Message* message, const Scope& scope);
  Flow value(const PgQuery__Node* node, const Scope& scope) { return value(unwrap(node), scope); }
  Flow all(PgQuery__Node* const* items, std::size_t count, const Scope& scope);
  Flow column(const PgQuery__ColumnRef& column, const Scope& scope, const Field** only = nullptr);
  Flow call(const PgQuery__FuncCall& call, const Scope& scope);
  bool runs_code(const PgQuery__FuncCall& call) const;
  Flow operation(const PgQuery__AExpr& expression, const Scope& scope);
  Flow cast(const PgQuery__TypeCast& cast, const Scope& scope);
  Flow sublink(const PgQuery__SubLink& link, const Scope& scope);
  Flow conditional(const PgQuery__CaseExpr& expression, const Scope& scope);
  Flow indirection(const PgQuery__AIndirection& indirection, const Scope& scope);
  Flow children(const Message& message, const Scope& scope);
  Flow guarded(Flow flow, base::View place);
  bool is_users_operator(const DottedName& name) const;
  bool sums_surely(const Flow& flow) const;
  static const Range* range_named(const Scope& scope, base::View schema, base::View name);
  Found find(const Fields& fields, base::View name);
  static Flow whole(const Fields& fields);
  // ---- sinks ----
  void decides(const Flow& flow, std::string place) { sink(model::Sink::Kind::decides, flow, std::move(place)); }
  void stores(const Flow& flow, std::string place) { sink(model::Sink::Kind::stores, flow, std::move(place)); }
  void sink(model::Sink::Kind kind, const Flow& flow, std::string place);
  static Flow untraced();
  static model::Origin origin_of(const Flow& flow);
  bool is_spent() { return budget_ == 0 || --budget_ == 0; }

  model::Lineage& lineage_;
  std::map<model::LineageColumn, std::uint32_t> indices_{};
  std::vector<std::uint32_t> types_{};  // of lineage_.columns
  const Surroundings* around_ = nullptr;
  const Resolver* resolver_ = nullptr;
  std::vector<Query> ctes_{};  // in scope, inner ones last
  std::map<std::uint32_t, Fields> views_{};
  std::set<std::uint32_t> mentioned_{};  // relations whose columns are in lineage_ already
  std::vector<std::uint32_t> open_views_{};
  int depth_ = 0;         // of definitions of views inside each other
  int stored_depth_ = 0;  // of EXECUTE and FETCH inside each other's texts
  std::size_t nesting_ = 0;
  std::size_t budget_ = 400'000;  // visits of nodes and fields made; what comes after is untraced
};

/// Never fails, whatever the values at these arguments are: so whether it fails tells nothing about them.
bool is_total_function(base::View name, std::size_t argument);
bool is_total_operator(base::View name, bool is_right_operand);
/// Gives values that other sessions or relations hold.
bool gives_values_of_others(base::View function);
/// Of PostgreSQL's own relations: the column holds values, or statements, of others.
bool holds_values_of_others(base::View relation, base::View column);

}  // namespace sallyport::sql
