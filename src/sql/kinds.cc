#include "sql/kinds.h"

#include <algorithm>

#include "sql/walk.h"

namespace sallyport::sql {
namespace {

// What the walk says of a statement that its table's word alone does not.
constexpr base::View kMore[] = {"ANALYZE",
                                "BEGIN",
                                "COMMIT",
                                "COMMIT PREPARED",
                                "COPY FROM",
                                "COPY TO",
                                "CREATE MATERIALIZED VIEW",
                                "CREATE PROCEDURE",
                                "DISCARD ALL",
                                "FUNCTION CALL",
                                "MOVE",
                                "PREPARE TRANSACTION",
                                "RELEASE",
                                "RESET",
                                "REVOKE",
                                "ROLLBACK",
                                "ROLLBACK PREPARED",
                                "ROLLBACK TO",
                                "SAVEPOINT",
                                "SELECT INTO",
                                "SET SESSION CHARACTERISTICS",
                                "SET TRANSACTION",
                                "START TRANSACTION",
                                "UNKNOWN"};

// CREATE of these is one node of the parser (DefineStmt).
constexpr base::View kDefined[] = {"AGGREGATE",
                                   "COLLATION",
                                   "OPERATOR",
                                   "TEXT SEARCH CONFIGURATION",
                                   "TEXT SEARCH DICTIONARY",
                                   "TEXT SEARCH PARSER",
                                   "TEXT SEARCH TEMPLATE",
                                   "TYPE"};

std::vector<std::string> all() {
  std::vector<std::string> kinds(std::begin(kMore), std::end(kMore));
  for (const base::View kind : WalkTables::kinds()) {
    // These stand for a word that the statement itself completes.
    const bool is_part = kind.empty() || kind == "ALTER" || kind == "DROP" || kind == "CREATE" || kind == "COPY";
    if (!is_part) kinds.emplace_back(kind);
  }
  for (const base::View object : WalkTables::objects()) {
    if (object.empty()) continue;
    kinds.push_back("ALTER " + std::string(object));
    kinds.push_back("DROP " + std::string(object));
  }
  for (const base::View object : kDefined) kinds.push_back("CREATE " + std::string(object));
  std::ranges::sort(kinds);
  const auto repeated = std::ranges::unique(kinds);
  kinds.erase(repeated.begin(), repeated.end());
  return kinds;
}

}  // namespace

const std::vector<std::string>& statement_kinds() {
  static const std::vector<std::string> kinds = all();
  return kinds;
}

}  // namespace sallyport::sql
