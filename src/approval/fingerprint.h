#pragma once
#include <string>

#include "base/digest.h"
#include "model/catalogue.h"
#include "model/command.h"
#include "model/principal.h"
#include "model/understanding.h"
#include "sql/understand.h"

/// What an approval is bound to (DESIGN.md section 6, Holds). While the fingerprint is the same, what would run is what
/// people looked at. Pure.
namespace sallyport::approval {

struct Basis {
  const model::Principal* principal = nullptr;
  const std::string* target = nullptr;
  const std::string* database = nullptr;
  std::uint64_t rule_set = 0;
  const model::Command* command = nullptr;
  const model::Understanding* understanding = nullptr;
  const model::Catalogue* catalogue = nullptr;  // null: names were not resolved
  const sql::SessionState* session = nullptr;   // search_path
};

/// SHA-256 over the principal, target and database, the rule set, the text and the texts that its names stand for, the
/// parameters with types and formats, the role and search_path, and of each relation it touches the OID, columns and
/// definition. With Values::without the parameters are left out: what a portal's Execute can be held against.
enum class Values : std::uint8_t { with, without };
base::Digest fingerprint(const Basis& basis, Values values);

}  // namespace sallyport::approval
