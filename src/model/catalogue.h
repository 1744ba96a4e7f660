#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

/// What the names of one target database mean: an immutable snapshot, read as one role (DESIGN.md section 3). Pure.
/// Built once (sql/catalogue_queries.h), then shared between threads as shared_ptr<const Catalogue>. Every pointer and
/// reference that a lookup returns is valid as long as the Catalogue.
namespace sallyport::model {

/// OIDs below this one were assigned by initdb: the objects that come with PostgreSQL itself, which nobody can change
/// without being able to change everything (access/transam.h, FirstNormalObjectId).
inline constexpr std::uint32_t kFirstUserOid = 16384;

struct CatalogueColumn {
  std::string name{};
  std::int16_t number = 0;  // pg_attribute.attnum
  std::uint32_t type = 0;
};

struct CatalogueRelation {
  std::uint32_t oid = 0;
  std::uint32_t schema = 0;
  std::string name{};
  char kind = 'r';            // pg_class.relkind
  bool has_triggers = false;  // any that a user made (foreign keys' own do not count)
  bool has_rules = false;     // any but a view's own _RETURN
  std::vector<CatalogueColumn> columns{};
  /// Of a view or materialized view: its query, every name outside pg_catalog qualified.
  std::string definition{};
  /// Expressions that reading runs (row security policies) and that writing runs (policies, defaults, checks,
  /// generated columns), as pg_get_expr prints them: names outside pg_catalog qualified.
  std::vector<std::string> read_expressions{};
  std::vector<std::string> write_expressions{};
  /// Relations whose rows a DELETE or UPDATE here also changes: ON DELETE or ON UPDATE CASCADE, SET NULL, SET DEFAULT.
  std::vector<std::uint32_t> cascades{};
  /// All relations with a foreign key to this one: TRUNCATE … CASCADE empties them.
  std::vector<std::uint32_t> references{};
  /// Partitions and heirs, and what they belong to: rows of the one are rows of the other.
  std::vector<std::uint32_t> children{}, parents{};
};

struct CatalogueFunction {
  std::uint32_t oid = 0;
  std::uint32_t schema = 0;
  std::string name{};
  std::vector<std::uint32_t> arguments{};  // types of the input arguments
  std::uint32_t result = 0;
  char kind = 'f';        // pg_proc.prokind: f, p, a, w
  char volatility = 'v';  // i, s, v
  bool is_security_definer = false;
  std::string language{};   // "internal", "c", "sql" …
  std::string extension{};  // the extension that it belongs to, or empty
};

struct CatalogueOperator {
  std::uint32_t oid = 0;
  std::uint32_t schema = 0;
  std::string name{};
  std::uint32_t left = 0, right = 0;  // operand types, 0: none
  std::uint32_t function = 0;
};

struct CatalogueCast {
  std::uint32_t source = 0, target = 0;
  std::uint32_t function = 0;  // 0: binary coercible, or by the types' text form
  char context = 'e';          // e explicit only, a assignment, i implicit
};

struct CatalogueType {
  std::uint32_t oid = 0;
  std::uint32_t schema = 0;
  std::string name{};
  char kind = 'b';            // pg_type.typtype: b base, c composite, d domain, e enum, p pseudo, r range, m multirange
  std::uint32_t element = 0;  // of an array
  std::uint32_t base = 0;     // of a domain; the subtype of a range or multirange
  std::uint32_t relation = 0;              // of a composite type
  std::vector<std::uint32_t> functions{};  // input, output, receive, send, subscript, canonical … of a user's type
  std::vector<std::string> checks{};       // of a domain: CHECK (…) as pg_get_constraintdef prints it
};

class Catalogue {
 public:
  /// What builds one; the fields may come in any order. `finish` consumes it.
  struct Parts {
    std::uint64_t version = 0;  // of the snapshot: a number that no other snapshot of this process has, not 0
    int server = 0;             // server_version_num
    std::string role{};         // the role that the sessions have
    /// The role's own search_path, "$user" and pg_temp resolved, pg_catalog where the server puts it; in order.
    std::vector<std::string> search_path{};
    std::vector<std::pair<std::uint32_t, std::string>> schemas{};
    std::vector<CatalogueRelation> relations{};
    std::vector<CatalogueFunction> functions{};
    std::vector<CatalogueOperator> operators{};  // users' only
    std::vector<CatalogueCast> casts{};          // users' only
    std::vector<CatalogueType> types{};          // users' only; temporary ones have a schema without a name
  };
  explicit Catalogue(Parts parts);
  Catalogue(const Catalogue&) = delete;
  Catalogue& operator=(const Catalogue&) = delete;

  std::uint64_t version() const { return parts_.version; }
  int server() const { return parts_.server; }
  const std::string& role() const { return parts_.role; }
  const std::vector<std::string>& search_path() const { return parts_.search_path; }
  bool has_schema(std::string_view name) const;
  /// Empty when there is none.
  std::string_view schema_name(std::uint32_t oid) const;

  using Relations = std::vector<const CatalogueRelation*>;
  using Functions = std::vector<const CatalogueFunction*>;
  using Operators = std::vector<const CatalogueOperator*>;
  using Types = std::vector<const CatalogueType*>;
  /// All of that name, in every schema.
  const Relations& relations_named(std::string_view name) const;
  const Functions& functions_named(std::string_view name) const;
  const Operators& operators_named(std::string_view name) const;
  const Types& types_named(std::string_view name) const;
  const CatalogueRelation* relation(std::uint32_t oid) const;
  /// What it is a partition or heir of, and what that is, each once; and what belongs to it, in the same way. Rows of
  /// the one are rows of the other.
  Relations above(const CatalogueRelation& relation) const;
  Relations below(const CatalogueRelation& relation) const;
  const CatalogueFunction* function(std::uint32_t oid) const;
  const CatalogueType* type(std::uint32_t oid) const;
  const std::vector<CatalogueCast>& casts() const { return parts_.casts; }
  const std::vector<CatalogueType>& types() const { return parts_.types; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  template <class T>
  using ByName = std::unordered_map<std::string, T, Hash, std::equal_to<>>;

  Relations reached(const CatalogueRelation& from, std::vector<std::uint32_t> CatalogueRelation::* next) const;

  Parts parts_;
  std::unordered_map<std::uint32_t, std::string> schemas_{};
  ByName<Relations> relations_by_name_{};
  ByName<Functions> functions_by_name_{};
  ByName<Operators> operators_by_name_{};
  ByName<Types> types_by_name_{};
  std::unordered_map<std::uint32_t, const CatalogueRelation*> relations_{};
  std::unordered_map<std::uint32_t, const CatalogueFunction*> functions_{};
  std::unordered_map<std::uint32_t, const CatalogueType*> types_{};
};

}  // namespace sallyport::model
