#include "sql/catalogue_queries.h"

#include <array>
#include <charconv>
#include <unordered_map>
#include <utility>

namespace sallyport::sql {
namespace {

enum Query : std::uint8_t {
  kBegin,
  kResetPath,
  kRole,
  kPath,
  kSetPath,
  kSchemas,
  kRelations,
  kColumns,
  kExpressions,
  kReferences,
  kInherits,
  kFunctions,
  kOperators,
  kCasts,
  kTypes,
  kChecks,
  kCommit,
  kQueryCount,
};

// 16384 is model::kFirstUserOid. Temporary relations of other sessions are nobody else's business.
constexpr std::array<base::View, kQueryCount> kQueries = {
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "RESET search_path",
    "SELECT current_user, current_setting('server_version_num')",
    "SELECT s FROM unnest(current_schemas(true)) WITH ORDINALITY AS u(s, n) ORDER BY n",
    // With this path, what PostgreSQL prints of views and expressions has everything outside pg_catalog qualified.
    "SET search_path TO pg_catalog",
    "SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^pg_(toast|temp_)'",
    R"(WITH RECURSIVE triggered(relation) AS (
  SELECT tgrelid FROM pg_trigger WHERE NOT tgisinternal
  UNION SELECT i.inhparent FROM triggered t JOIN pg_inherits i ON i.inhrelid = t.relation)
SELECT c.oid, c.relnamespace, c.relname, c.relkind,
  c.oid IN (SELECT relation FROM triggered),
  c.oid >= 16384 AND EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN'),
  CASE WHEN c.relkind IN ('v', 'm') AND c.oid >= 16384 THEN pg_get_viewdef(c.oid) END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_(toast|temp_)')",
    R"(SELECT a.attrelid, a.attname, a.attnum, a.atttypid
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE a.attrelid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped
  AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND c.relpersistence <> 't'
ORDER BY a.attrelid, a.attnum)",
    // A write to a parent runs what is attached to its partitions, too.
    R"(WITH RECURSIVE above(relation, ancestor) AS (
  SELECT inhrelid, inhparent FROM pg_inherits
  UNION SELECT a.relation, i.inhparent FROM above a JOIN pg_inherits i ON i.inhrelid = a.ancestor),
attached(relation, runs, expression) AS (
  SELECT p.polrelid, 'r', pg_get_expr(p.polqual, p.polrelid) FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
    WHERE c.relrowsecurity
  UNION ALL SELECT p.polrelid, 'w', pg_get_expr(p.polwithcheck, p.polrelid) FROM pg_policy p
    JOIN pg_class c ON c.oid = p.polrelid WHERE c.relrowsecurity
  UNION ALL SELECT adrelid, 'w', pg_get_expr(adbin, adrelid) FROM pg_attrdef
  UNION ALL SELECT conrelid, 'w', pg_get_expr(conbin, conrelid) FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0
  UNION ALL SELECT partrelid, 'w', pg_get_expr(partexprs, partrelid) FROM pg_partitioned_table
  UNION ALL SELECT oid, 'w', pg_get_partition_constraintdef(oid) FROM pg_class WHERE relispartition
  UNION ALL SELECT indrelid, 'w', pg_get_expr(indexprs, indrelid) FROM pg_index WHERE indexprs IS NOT NULL
  UNION ALL SELECT indrelid, 'w', pg_get_expr(indpred, indrelid) FROM pg_index WHERE indpred IS NOT NULL)
SELECT relation, runs, expression FROM attached WHERE expression IS NOT NULL AND relation >= 16384
UNION SELECT a.ancestor, t.runs, t.expression FROM attached t JOIN above a ON a.relation = t.relation
WHERE t.expression IS NOT NULL AND t.relation >= 16384)",
    R"(SELECT confrelid, conrelid, bool_or(confdeltype IN ('c', 'n', 'd') OR confupdtype IN ('c', 'n', 'd'))
FROM pg_constraint WHERE contype = 'f' GROUP BY confrelid, conrelid ORDER BY confrelid, conrelid)",
    "SELECT inhparent, inhrelid FROM pg_inherits WHERE inhrelid >= 16384 ORDER BY inhparent, inhrelid",
    R"(SELECT p.oid, p.pronamespace, p.proname, array_to_string(p.proargtypes, ' '), p.prorettype, p.prokind, p.provolatile,
  p.prosecdef, l.lanname, e.extname
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
  LEFT JOIN pg_depend d ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
  LEFT JOIN pg_extension e ON e.oid = d.refobjid
WHERE p.oid >= 16384 OR NOT 'internal'::regtype = ANY (p.proargtypes))",
    "SELECT oid, oprnamespace, oprname, oprleft, oprright, oprcode::oid FROM pg_operator WHERE oid >= 16384",
    "SELECT castsource, casttarget, castfunc, castcontext FROM pg_cast WHERE oid >= 16384",
    R"(SELECT t.oid, t.typnamespace, t.typname, t.typtype, t.typelem,
  CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE coalesce(r.rngsubtype, 0) END, t.typrelid,
  concat_ws(' ', t.typinput::oid, t.typoutput::oid, t.typreceive::oid, t.typsend::oid, t.typmodin::oid, t.typmodout::oid,
    r.rngcanonical::oid, r.rngsubdiff::oid)
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
  LEFT JOIN pg_range r ON t.oid = r.rngtypid OR t.oid::text = to_jsonb(r) ->> 'rngmultitypid'
WHERE t.oid >= 16384 AND n.nspname !~ '^pg_toast')",
    "SELECT contypid, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c' AND contypid >= 16384",
    "COMMIT",
};

using Row = std::vector<std::optional<std::string>>;

/// Reads the fields of one row in turn; remembers the first that is not what it should be.
class Fields {
 public:
  explicit Fields(const Row& row) : row_(row) {}
  std::string text() {
    if (at_ >= row_.size()) {
      is_right_ = false;
      return "";
    }
    const auto& field = row_[at_++];
    return field ? *field : "";
  }
  template <class Number = std::uint32_t>
  Number number() {
    return parse<Number>(text());
  }
  char letter() {
    const std::string field = text();
    if (field.size() != 1) is_right_ = false;
    return field.empty() ? '\0' : field[0];
  }
  bool flag() {
    const char c = letter();
    if (c != 't' && c != 'f') is_right_ = false;
    return c == 't';
  }
  std::vector<std::uint32_t> numbers() {
    std::vector<std::uint32_t> list;
    const std::string field = text();
    for (std::size_t at = 0; at < field.size();) {
      const std::size_t end = std::min(field.find(' ', at), field.size());
      if (end > at) list.push_back(parse<std::uint32_t>(base::View(field).substr(at, end - at)));
      at = end + 1;
    }
    return list;
  }
  bool is_right() const { return is_right_ && at_ == row_.size(); }

 private:
  template <class Number>
  Number parse(base::View text) {
    Number value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) is_right_ = false;
    return value;
  }
  const Row& row_;
  std::size_t at_ = 0;
  bool is_right_ = true;
};

using Parts = model::Catalogue::Parts;

/// Calls `take(fields)` for each row; false when a row is not as expected.
template <class Take>
bool each(const Rows& rows, Take take) {
  for (const Row& row : rows) {
    Fields fields(row);
    take(fields);
    if (!fields.is_right()) return false;
  }
  return true;
}

bool take_names(const std::vector<Rows>& results, Parts& parts) {
  return results[kRole].size() == 1 &&
         each(results[kRole],
              [&](Fields& row) {
                parts.role = row.text();
                parts.server = row.number<int>();
              }) &&
         each(results[kPath], [&](Fields& row) { parts.search_path.push_back(row.text()); }) &&
         each(results[kSchemas], [&](Fields& row) {
           const auto oid = row.number();
           parts.schemas.emplace_back(oid, row.text());
         });
}

bool take_relations(const std::vector<Rows>& results, Parts& parts) {
  std::unordered_map<std::uint32_t, std::size_t> places;
  bool is_right = each(results[kRelations], [&](Fields& row) {
    model::CatalogueRelation relation;
    relation.oid = row.number();
    relation.schema = row.number();
    relation.name = row.text();
    relation.kind = row.letter();
    relation.has_triggers = row.flag();
    relation.has_rules = row.flag();
    relation.definition = row.text();
    places.emplace(relation.oid, parts.relations.size());
    parts.relations.push_back(std::move(relation));
  });
  const auto relation = [&](std::uint32_t oid) -> model::CatalogueRelation* {
    const auto found = places.find(oid);
    return found == places.end() ? nullptr : &parts.relations[found->second];
  };
  is_right =
      is_right && each(results[kColumns], [&](Fields& row) {
        auto* owner = relation(row.number());
        model::CatalogueColumn column{.name = row.text(), .number = row.number<std::int16_t>(), .type = row.number()};
        if (owner != nullptr) owner->columns.push_back(std::move(column));
      });
  is_right = is_right && each(results[kExpressions], [&](Fields& row) {
               auto* owner = relation(row.number());
               const bool is_read = row.letter() == 'r';
               std::string expression = row.text();
               if (owner == nullptr) return;
               (is_read ? owner->read_expressions : owner->write_expressions).push_back(std::move(expression));
             });
  is_right = is_right && each(results[kReferences], [&](Fields& row) {
               auto* owner = relation(row.number());
               const auto other = row.number();
               const bool cascades = row.flag();
               if (owner == nullptr) return;
               owner->references.push_back(other);
               if (cascades) owner->cascades.push_back(other);
             });
  return is_right && each(results[kInherits], [&](Fields& row) {
           const auto parent = row.number();
           const auto child = row.number();
           if (auto* owner = relation(parent)) owner->children.push_back(child);
           if (auto* owner = relation(child)) owner->parents.push_back(parent);
         });
}

bool take_code(const std::vector<Rows>& results, Parts& parts) {
  bool is_right = each(results[kFunctions], [&](Fields& row) {
    model::CatalogueFunction function;
    function.oid = row.number();
    function.schema = row.number();
    function.name = row.text();
    function.arguments = row.numbers();
    function.result = row.number();
    function.kind = row.letter();
    function.volatility = row.letter();
    function.is_security_definer = row.flag();
    function.language = row.text();
    function.extension = row.text();
    parts.functions.push_back(std::move(function));
  });
  is_right = is_right && each(results[kOperators], [&](Fields& row) {
               model::CatalogueOperator item;
               item.oid = row.number();
               item.schema = row.number();
               item.name = row.text();
               item.left = row.number();
               item.right = row.number();
               item.function = row.number();
               parts.operators.push_back(std::move(item));
             });
  return is_right && each(results[kCasts], [&](Fields& row) {
           model::CatalogueCast cast;
           cast.source = row.number();
           cast.target = row.number();
           cast.function = row.number();
           cast.context = row.letter();
           parts.casts.push_back(cast);
         });
}

bool take_types(const std::vector<Rows>& results, Parts& parts) {
  std::unordered_map<std::uint32_t, std::size_t> places;
  const bool is_right = each(results[kTypes], [&](Fields& row) {
    model::CatalogueType type;
    type.oid = row.number();
    type.schema = row.number();
    type.name = row.text();
    type.kind = row.letter();
    type.element = row.number();
    type.base = row.number();
    type.relation = row.number();
    type.functions = row.numbers();
    places.emplace(type.oid, parts.types.size());
    parts.types.push_back(std::move(type));
  });
  return is_right && each(results[kChecks], [&](Fields& row) {
           const auto found = places.find(row.number());
           std::string check = row.text();
           if (found != places.end()) parts.types[found->second].checks.push_back(std::move(check));
         });
}

}  // namespace

std::span<const base::View> catalogue_queries() { return kQueries; }

base::Result<std::shared_ptr<const model::Catalogue>> build_catalogue(const std::vector<Rows>& results,
                                                                      std::uint64_t version) {
  if (results.size() != kQueryCount)
    return base::fail(base::Code::internal, "the catalogue's queries were not all run");
  Parts parts;
  parts.version = version;
  if (!take_names(results, parts) || !take_relations(results, parts) || !take_code(results, parts) ||
      !take_types(results, parts)) {
    return base::fail(base::Code::malformed,
                      "the target's catalogue has a row that is not as PostgreSQL 12 to 17 have it");
  }
  return std::make_shared<const model::Catalogue>(std::move(parts));
}

}  // namespace sallyport::sql
