#include "sql/reviewed.h"

#include <algorithm>
#include <array>

namespace sallyport::sql {
namespace {

using enum Reviewed::Does;

constexpr Reviewed kFunctions[] = {
#define FUNCTION(oid, name, does) {oid, name, does},
#include "sql/reviewed_functions.inc"
#undef FUNCTION
};
constexpr base::View kOperators[] = {
#define OPERATOR(name) name,
#include "sql/reviewed_functions.inc"
#undef OPERATOR
};
constexpr base::View kTypes[] = {
#define TYPE(name) name,
#include "sql/reviewed_functions.inc"
#undef TYPE
};
constexpr base::View kSystemRelations[] = {
#define SYSTEM_RELATION(name) name,
#include "sql/reviewed_functions.inc"
#undef SYSTEM_RELATION
};
constexpr base::View kInformationRelations[] = {
#define INFORMATION_RELATION(name) name,
#include "sql/reviewed_functions.inc"
#undef INFORMATION_RELATION
};
static_assert(std::ranges::is_sorted(kFunctions, {}, &Reviewed::name));
static_assert(std::ranges::is_sorted(kOperators) && std::ranges::is_sorted(kTypes));
static_assert(std::ranges::is_sorted(kSystemRelations) && std::ranges::is_sorted(kInformationRelations));

// Hashes of passwords, user mappings' options, connection strings with passwords, who may log in and how, large
// objects' content.
constexpr base::View kCredentials[] = {
    "_pg_user_mappings", "pg_authid",       "pg_hba_file_rules", "pg_ident_file_mappings", "pg_largeobject",
    "pg_shadow",         "pg_subscription", "pg_user_mapping",   "pg_user_mappings",       "user_mapping_options"};
constexpr base::View kStatistics[] = {"_pg_stats", "pg_statistic", "pg_statistic_ext_data",
                                      "pg_stats",  "pg_stats_ext", "pg_stats_ext_exprs"};
constexpr base::View kServerFiles[] = {"pg_file_settings", "pg_hba_file_rules", "pg_ident_file_mappings"};

// Reviewed in PostgreSQL's contrib: immutable functions in C on their own types. tablefunc, dblink, lo, pgcrypto's
// neighbours that run SQL or keep secrets are not among them.
constexpr base::View kHarmlessExtensions[] = {"btree_gin",     "btree_gist", "citext",   "cube",      "earthdistance",
                                              "fuzzystrmatch", "hstore",     "intarray", "isn",       "ltree",
                                              "pg_trgm",       "seg",        "unaccent", "uuid-ossp", "vector"};
constexpr base::View kServerExtensions[] = {"adminpack",     "dblink",  "file_fdw",   "http",
                                            "pageinspect",   "pg_cron", "pg_net",     "pg_surgery",
                                            "pg_walinspect", "plperlu", "plpython3u", "postgres_fdw"};

template <class List>
bool has(const List& sorted, base::View name) {
  return std::ranges::binary_search(sorted, name);
}
static_assert(std::ranges::is_sorted(kStatistics) && std::ranges::is_sorted(kCredentials) &&
              std::ranges::is_sorted(kServerFiles));
static_assert(std::ranges::is_sorted(kHarmlessExtensions) && std::ranges::is_sorted(kServerExtensions));

}  // namespace

std::span<const Reviewed> reviewed_functions(base::View name) {
  const auto found = std::ranges::equal_range(kFunctions, name, {}, &Reviewed::name);
  return {found.begin(), found.end()};
}

const Reviewed* reviewed_function(std::uint32_t oid, base::View name) {
  for (const Reviewed& function : reviewed_functions(name)) {
    if (function.oid == oid || (function.oid == 0 && oid >= 10000 && oid < 16384)) return &function;
  }
  return nullptr;
}

bool is_system_operator(base::View name) { return has(kOperators, name); }
bool is_system_type(base::View name) { return has(kTypes, name); }
bool is_system_relation(base::View name) { return has(kSystemRelations, name); }
bool is_information_relation(base::View name) { return has(kInformationRelations, name); }

model::EffectSet effects_of_reading_system_relation(base::View name) {
  model::EffectSet effects{model::Effect::read};
  if (has(kCredentials, name)) effects.add(model::Effect::privilege);
  if (has(kServerFiles, name)) effects.add(model::Effect::server);
  return effects;
}

bool shows_values_of_others(base::View name) { return has(kStatistics, name); }

bool is_harmless_extension(base::View name) { return has(kHarmlessExtensions, name); }
bool is_server_extension(base::View name) { return has(kServerExtensions, name); }

}  // namespace sallyport::sql
