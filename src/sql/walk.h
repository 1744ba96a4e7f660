#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/understanding.h"
#include "sql/filters.h"
#include "sql/lineage.h"
#include "sql/resolve.h"
#include "sql/settings.h"
#include "sql/tree.h"
#include "sql/understand.h"

/// The walk over the parser's tree that collects what a text does. Internal to sql. Pure; one text, one Walker.
///
/// Invariants: every message below a statement is visited or is named in a table as one that means nothing by itself; a
/// message that no table names makes the text unknown. What is found is only ever added, but inside EXPLAIN.
namespace sallyport::sql {

class Walker {
 public:
  Walker(const Input& input, Resolver resolver);

  /// Each statement of a text that was parsed, in order.
  void walk(const Tree& tree);
  /// A function, as by the protocol's FunctionCall.
  void add(const FunctionMeaning& meaning);
  void add(const SettingChange& change, model::Statement* statement);
  void add_unknown(std::string note);
  model::Understanding finish();

 private:
  friend struct WalkTables;
  enum class Use : std::uint8_t {
    read,
    define,  // a relation that a definition creates, changes or drops: it need not exist
  };
  using Visit = void (Walker::*)(const Message&);
  using Act = void (Walker::*)(const Message&, model::Statement&);

  // ---- statements (statements.cc) ----
  void statement(const Message& message, base::View text);
  void nested_statement(const Message& message);
  void trace(const Message& message, const Resolver& before, const model::Statement& own,
             const std::vector<model::Relation>& already);
  void select_statement(const Message& message, model::Statement& statement);
  void insert_statement(const Message& message, model::Statement& statement);
  void update_statement(const Message& message, model::Statement& statement);
  void delete_statement(const Message& message, model::Statement& statement);
  void merge_statement(const Message& message, model::Statement& statement);
  void merge_actions(const PgQuery__MergeStmt& merge);
  void copy_statement(const Message& message, model::Statement& statement);
  void truncate_statement(const Message& message, model::Statement& statement);
  void lock_statement(const Message& message, model::Statement& statement);
  void call_statement(const Message& message, model::Statement& statement);
  void explain_statement(const Message& message, model::Statement& statement);
  void refresh_statement(const Message& message, model::Statement& statement);
  // ---- statements of the session (session_statements.cc) ----
  void transaction_statement(const Message& message, model::Statement& statement);
  void set_statement(const Message& message, model::Statement& statement);
  void set_characteristics(const Message& message, model::Statement& statement);
  void show_statement(const Message& message, model::Statement& statement);
  void discard_statement(const Message& message, model::Statement& statement);
  void prepare_statement(const Message& message, model::Statement& statement);
  void execute_statement(const Message& message, model::Statement& statement);
  void deallocate_statement(const Message& message, model::Statement& statement);
  void declare_statement(const Message& message, model::Statement& statement);
  void fetch_statement(const Message& message, model::Statement& statement);
  void close_statement(const Message& message, model::Statement& statement);
  void current_of(const Message& message);
  const std::string* text_of_prepared(const std::string& name) const;
  const std::string* text_of_cursor(const std::string& name) const;
  void note_stored(model::StoredText::Kind kind, const std::string& name, const std::string& text);
  void stored_text(model::StoredText::Kind kind, const std::string& name, const std::string* text);
  // ---- definitions (definitions.cc) ----
  void definition(const Message& message, model::Statement& statement);
  void bare(const Message& message, model::Statement& statement);
  void create_table(const Message& message, model::Statement& statement);
  void create_table_as(const Message& message, model::Statement& statement);
  void create_view(const Message& message, model::Statement& statement);
  void create_function(const Message& message, model::Statement& statement);
  void create_sequence(const Message& message, model::Statement& statement);
  void do_statement(const Message& message, model::Statement& statement);
  void alter_table(const Message& message, model::Statement& statement);
  void alter_object(const Message& message, model::Statement& statement);
  void drop_statement(const Message& message, model::Statement& statement);
  void alter_setting(const Message& message, model::Statement& statement);
  void define_object(const Message& message, model::Statement& statement);
  void owned_statement(const Message& message, model::Statement& statement);
  void rewrite_statement(const Message& message, model::Statement& statement);
  void language_of(base::View language);
  enum class Made : std::uint8_t { rows, view };
  void created(const PgQuery__RangeVar* relation, Made made);
  // ---- expressions and what they are made of (expressions.cc) ----
  void visit(const Message& message);
  void visit_children(const Message& message);
  void visit_nothing(const Message& message);
  void visit_select(const Message& message);
  void visit_with(const Message& message);
  void visit_relation(const Message& message);
  void visit_into(const Message& message);
  void visit_locking(const Message& message);
  void visit_function(const Message& message);
  void visit_operator(const Message& message);
  void visit_sublink(const Message& message);
  void visit_case(const Message& message);
  void visit_min_max(const Message& message);
  void visit_join(const Message& message);
  void visit_sort(const Message& message);
  void visit_column(const Message& message);
  void visit_indirection(const Message& message);
  void visit_sample(const Message& message);
  void visit_type(const Message& message);
  void set_config(const PgQuery__FuncCall& call);
  void use_operator(const DottedName& name);
  /// Everything below `message` but its WITH clause, with that clause's names in scope.
  void with_scope(const PgQuery__WithClause* with, const std::function<void()>& body);
  // ---- relations (relations.cc) ----
  void read_relation(const PgQuery__RangeVar& relation);
  void define_relation(const PgQuery__RangeVar& relation);
  enum class Write : std::uint8_t { insert, change };  // change: UPDATE, DELETE, what cascades
  void write_relation(const PgQuery__RangeVar* relation, Write how);
  void read_meaning(const RelationMeaning& meaning, base::View name);
  void write_meaning(const RelationMeaning& meaning, base::View name, Write how);
  void write_user_relation(const model::CatalogueRelation& relation, Write how);
  void mention(std::string schema, base::View name, std::uint32_t oid, bool is_read, bool is_written);
  /// Any relation of the schema; of the database when it is empty.
  void mention_any(base::View schema, bool is_read, bool is_written);
  void mention_kin(const model::CatalogueRelation& relation, bool is_read, bool is_written);
  void truncate_cascade(const model::CatalogueRelation& relation);
  void run_expressions(const model::CatalogueRelation& relation);
  void sequence_of(const PgQuery__FuncCall& call);
  void note_rows(const std::vector<RelationMeaning>& meanings, const PgQuery__RangeVar& mention);
  void resolve_filters();
  void touch_columns(const model::CatalogueRelation& relation);
  void expand(const model::CatalogueRelation& view);
  void owners_expression(const std::string& expression);
  void in_definition(const std::string& text);
  // ---- user-defined types, operators, casts (types.cc) ----
  void judge_all_types();
  void judge_types_and_operators();
  void close_types();
  void judge_type(const model::CatalogueType& type);
  void judge_casts();
  bool is_touched(std::uint32_t type) const;
  bool may_run(std::uint32_t left, std::uint32_t right, std::uint32_t function) const;

  const Names* names_;
  Limits limits_;
  Resolver resolver_;

  model::EffectSet effects_{};
  model::Understanding found_{};
  Use use_ = Use::read;
  bool changes_definitions_ = false;  // an earlier statement of this text did
  std::vector<std::string> ctes_{};   // names in scope, inner ones last
  int depth_ = 0;                     // of definitions that the catalogue printed, inside each other
  std::size_t definition_nesting_ = 0;
  int stored_depth_ = 0;  // of EXECUTE and FETCH inside each other's texts
  std::vector<std::uint32_t> open_views_{};
  std::set<std::uint32_t> written_{};
  Write view_write_ = Write::insert;
  bool writes_through_view_ = false;
  // What the names below stand for since an earlier statement of this text; nullopt: nothing any more.
  std::map<std::string, std::optional<std::string>> prepared_{}, cursors_{};
  bool forgot_prepared_ = false, forgot_cursors_ = false;
  base::View statement_text_{};
  Filters filters_{};
  LineageWalker lineage_{found_.lineage};

  std::set<std::uint32_t> types_{};      // users' types that values in the text may have
  std::set<std::uint32_t> relations_{};  // OIDs, for their row types
  bool any_type_ = false;                // a value of a type that the catalogue does not show
  bool has_cast_ = false;
  std::set<std::pair<std::string, std::string>> operators_{};  // schema (empty: by path), name
};

/// The tables that say how each message is treated (tables.cc).
struct WalkTables {
  struct All;
  struct Statement {
    base::View kind{};
    model::EffectSet effects{};
    Walker::Act act = nullptr;
  };
  /// nullptr: not a statement that is known.
  static const Statement* statement(const ProtobufCMessageDescriptor* descriptor);
  /// nullptr: not a message that is known.
  static Walker::Visit visit(const ProtobufCMessageDescriptor* descriptor);
  /// "TABLE", "MATERIALIZED VIEW" … of a PgQuery__ObjectType.
  static base::View object(int type);
  /// Of all forms and of all types of objects: for the list of all kinds (kinds.h). In no order, may repeat.
  static std::vector<base::View> kinds();
  static std::vector<base::View> objects();
};

}  // namespace sallyport::sql
