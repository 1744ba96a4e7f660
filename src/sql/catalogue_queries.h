#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/catalogue.h"

/// How a Catalogue is read from PostgreSQL 12 to 17: fixed texts, run in order on one session of the target's role, and
/// the rows that they give. Pure: the session runs them.
namespace sallyport::sql {

/// Run each in this order, one at a time, by simple query. The first and last are BEGIN and COMMIT; when one fails, end
/// the transaction and keep the snapshot before. Each is understood as read or session.
std::span<const base::View> catalogue_queries();

/// One query's rows; the values are in text format, nullopt is NULL. Statements that give no rows have an empty list.
using Rows = std::vector<std::vector<std::optional<std::string>>>;

/// `results[i]` are the rows of catalogue_queries()[i]. `version`: a number that no
/// other snapshot of this process has, whatever its target; not 0.
base::Result<std::shared_ptr<const model::Catalogue>> build_catalogue(const std::vector<Rows>& results,
                                                                      std::uint64_t version);

}  // namespace sallyport::sql
