#pragma once
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "model/effects.h"

/// What comes with PostgreSQL 15, reviewed by review_functions.py. Pure; constant tables.
namespace sallyport::sql {

struct Reviewed {
  /// `setting` is set_config: what it does depends on its arguments.
  enum class Does : std::uint8_t { read, call, write, session, server, setting };
  std::uint32_t oid = 0;  // 0: each initdb gives another one
  base::View name{};
  Does does = Does::call;
};

/// All functions of that name in pg_catalog and information_schema.
std::span<const Reviewed> reviewed_functions(base::View name);
/// The reviewed function of that OID and name; nullptr: none, which includes an OID that means something else here.
const Reviewed* reviewed_function(std::uint32_t oid, base::View name);
bool is_system_operator(base::View name);
bool is_system_type(base::View name);
bool is_system_relation(base::View name);
bool is_information_relation(base::View name);

/// What reading a relation of pg_catalog or information_schema does: read, and privilege for those that hold
/// credentials, server for those that show the server's files.
model::EffectSet effects_of_reading_system_relation(base::View name);

/// The planner's statistics: they hold values of every relation's rows.
bool shows_values_of_others(base::View name);

/// Extensions whose C functions, operators and types compute from their arguments and do nothing else.
bool is_harmless_extension(base::View name);
/// Extensions whose functions reach files, programs or other servers.
bool is_server_extension(base::View name);

}  // namespace sallyport::sql
