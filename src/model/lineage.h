#pragma once
#include <cstdint>
#include <string>
#include <vector>

/// Where the values of a result come from, and what else a statement lets a value decide (docs/masks.md). Part of an
/// Understanding; made by sql::understand, read by policy::TargetMasks. Names columns, knows no mask. Pure.
///
/// Errs to one side: `from` may hold too much, and what cannot be traced says so.
namespace sallyport::model {

/// A column of a relation that the text, or a view or partition behind it, mentions.
struct LineageColumn {
  std::string schema{};  // empty: not known; "pg_temp": temporary
  std::string relation{};
  std::string column{};            // empty: any of the relation's (they are not known)
  std::uint32_t relation_oid = 0;  // 0: not known
  std::int16_t number = 0;         // pg_attribute.attnum, 0: not known
  friend auto operator<=>(const LineageColumn&, const LineageColumn&) = default;
};

/// What a value may depend on.
struct Origin {
  std::vector<std::uint32_t> from{};  // of Lineage::columns, ascending
  bool is_untraced = false;           // on anything besides: a user's function, a relation that is not known …
  bool is_system = false;             // on PostgreSQL's own catalogues besides, where nothing is masked
};

/// One column of a result; with `is_many` any number of them, also none (`*` over what is not known).
struct ResultColumn {
  Origin origin{};
  bool is_plain = false;  // the value of a column as it stands, not one that is computed
  bool is_many = false;
  std::uint32_t type = 0;  // OID, when the catalogue says; else 0
};

/// How the rows of COPY … TO STDOUT are written.
struct CopyFormat {
  enum class Kind : std::uint8_t { text, csv, binary };
  Kind kind = Kind::text;
  char delimiter = '\t';
  std::string null{"\\N"};
  char quote = '"', escape = '"';  // of csv
  bool has_header = false;
  bool is_readable = true;  // false: an encoding, or an option, that the gateway does not read
};

/// One statement of the text. A text of several is answered in their order.
struct StatementLineage {
  bool is_copy = false;  // the rows come as COPY data, in `copy`'s format
  CopyFormat copy{};
  std::vector<ResultColumn> results{};
};

/// A place besides the result list that a value decides, or goes to.
struct Sink {
  enum class Kind : std::uint8_t {
    decides,  // which rows, in which order, whether it fails: WHERE, JOIN, ORDER BY, a function that may fail …
    stores,   // INSERT … SELECT, SET, CREATE TABLE AS: it could be read from there
  };
  Kind kind = Kind::decides;
  std::string place{};  // "WHERE", "ORDER BY", "the argument of to_number()": what a refusal says
  Origin origin{};
};

struct Lineage {
  std::vector<LineageColumn> columns{};  // of every relation that is mentioned, whether a value of it is used or not
  std::vector<StatementLineage> statements{};
  std::vector<Sink> sinks{};  // one a place
  /// Columns whose definition, name or table the text changes (ALTER TABLE, RENAME, a trigger …), of `columns`.
  std::vector<std::uint32_t> redefined{};
};

}  // namespace sallyport::model
