#pragma once
#include <cstddef>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/cell.h"

/// The values in what a target sent (manual 55.7, RowDescription and DataRow), to be looked at and changed. Pure.
namespace sallyport::proto::postgres {

class CellVisitor {
 public:
  virtual ~CellVisitor() = default;
  /// A RowDescription came: the rows behind it have these columns.
  virtual void columns(const std::vector<model::Column>& columns) = 0;
  /// What the client is to see in the place of `cell`; `cell` itself to leave it. The result is copied before the next
  /// call.
  virtual model::Cell visit(std::size_t column, const model::Cell& cell) = 0;
};

/// Nothing when the body is malformed.
std::optional<std::vector<model::Column>> read_row_description(base::View body);

/// `wire`: whole messages, as in a Reply. Gives them with every DataRow as the visitor wants it; the same octets when
/// it changes nothing. COPY data has no cells here, and passes as it is. Error(malformed) when a row is.
base::Result<base::Bytes> rewrite_cells(base::View wire, CellVisitor& visitor);

}  // namespace sallyport::proto::postgres
