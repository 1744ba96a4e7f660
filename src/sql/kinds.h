#pragma once
#include <string>
#include <vector>

/// The closed list of words that understand() gives to statements (model::Statement::kind) and that rules may name.
/// Pure.
namespace sallyport::sql {

/// Sorted, each once.
const std::vector<std::string>& statement_kinds();

}  // namespace sallyport::sql
