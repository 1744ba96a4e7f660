#pragma once
#include "model/result_format.h"

/// PostgreSQL's results as values (manual 55.7: RowDescription, DataRow, CopyData, FunctionCallResponse, and the
/// messages that hold texts). Pure.
namespace sallyport::proto::postgres {

/// Stateless; lives as long as the program.
const model::ResultFormat& result_format();

}  // namespace sallyport::proto::postgres
