#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/effects.h"
#include "model/lineage.h"
#include "model/refusal.h"

/// What a Command was understood to do. Made by sql::understand for SQL, by a codec for other protocols. Pure.
namespace sallyport::model {

/// A relation (table, view, sequence …) that a Command touches. `schema` is empty when it could not be resolved. The
/// name
/// "*" stands for any relation of the schema, or of the database when that is empty, too: what DROP SCHEMA or a CASCADE
/// reaches is not listed.
struct Relation {
  std::string schema{};
  std::string name{};
  std::uint32_t oid = 0;  // 0: not resolved
  bool is_read = false;
  bool is_written = false;
  /// A partition or heir of what the text names, or what that belongs to: a deny or hold counts it, an allow does not
  /// ask for it.
  bool is_implied = false;
  friend bool operator==(const Relation&, const Relation&) = default;
};

/// A column that a WHERE, ON, HAVING … of a text may look at. An empty `column` is any of the relation's; an empty
/// `schema` is one that is not known.
struct FilterColumn {
  std::string schema{};
  std::string relation{};
  std::string column{};
  friend auto operator<=>(const FilterColumn&, const FilterColumn&) = default;
};

/// That a statement itself (not a view's definition) reads or writes rows of a relation, and the columns that the top
/// level of its WHERE sets equal to constants or parameters: `id = 7`, `id IN (7, 8)`, `id = ANY ($1)`.
struct RowAccess {
  std::string schema{};
  std::string relation{};
  std::vector<std::string> pinned{};
};

/// One statement of the text. `kind` is the words that rules use: "SELECT", "DROP TABLE", "COPY FROM" …
struct Statement {
  std::string kind{};
  EffectSet effects{};
  bool missing_where = false;  // UPDATE or DELETE of a whole table
  /// Part of `session` that any allow on the target implies: BEGIN, COMMIT, SHOW, SET of a display setting …
  bool is_housekeeping = false;
};

/// A change of what names mean in the session, which holds once the target confirms the Command.
struct NameChange {
  enum class Kind : std::uint8_t {
    prepare,         // PREPARE name AS text
    deallocate,      // DEALLOCATE name
    deallocate_all,  // DEALLOCATE ALL
    declare,         // DECLARE name CURSOR FOR text
    close,           // CLOSE name
    close_all,       // CLOSE ALL
    discard_all,     // DISCARD ALL
    search_path,     // SET search_path, or something that may change it
    relations,       // DDL: the catalogue is out of date
    role,            // SET ROLE, SET SESSION AUTHORIZATION
  };
  Kind kind = Kind::prepare;
  std::string name{};
  std::string text{};
  bool is_view = false;  // of `relations`: what is made holds no rows of its own, or those of another
};

/// A text of the session that the Command's own text stands for. Of two Commands of one text it may differ.
struct StoredText {
  enum class Kind : std::uint8_t {
    statement,  // EXECUTE name
    cursor,     // FETCH and MOVE FROM name, WHERE CURRENT OF name
  };
  Kind kind = Kind::statement;
  std::string name{};
  std::string text{};  // as PREPARE or DECLARE gave it, or Parse
  friend bool operator==(const StoredText&, const StoredText&) = default;
};

struct Understanding {
  EffectSet effects{};                  // of all statements together
  std::vector<Statement> statements{};  // in the order of the text
  std::vector<Relation> relations{};    // each once
  std::vector<FilterColumn> filters{};  // each once
  std::vector<RowAccess> rows{};        // one for each mention
  std::vector<NameChange> changes{};    // in the order of the text
  std::vector<StoredText> stored{};     // each once, in the order of the text
  Lineage lineage{};                    // where the values of its results come from
  bool lifts_read_only = false;         // SET default_transaction_read_only = off, BEGIN READ WRITE …
  bool only_prepares = false;           // PREPARE and nothing else: none of the effects is due now
  /// Set when no rule can allow it: not UTF-8, NUL, over the limit, a pinned setting.
  std::optional<Refusal> refusal{};
  std::string note{};  // why something is unknown or a call, for the DETAIL of a denial: "function f() is not reviewed"

  /// True when what follows must not be understood before the target confirmed this.
  bool is_barrier() const { return !changes.empty() || effects.has(Effect::unknown) || effects.has(Effect::call); }
};

}  // namespace sallyport::model
