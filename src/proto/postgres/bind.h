#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "model/command.h"

/// The two messages that carry values: Bind and FunctionCall (manual 55.7). Pure. Views point into the body.
namespace sallyport::proto::postgres {

enum class Whole : std::uint8_t { no, yes };

struct Bind {
  base::View portal, statement;
  std::vector<model::Parameter> parameters;
  std::optional<std::vector<bool>> formats;  // of the results: is each binary; not with Whole::no
};
/// With Whole::no `body` is the beginning of a longer one: the parameters that begin in it are given, the last one cut.
/// Nothing when it is malformed, or when the names do not fit.
std::optional<Bind> read_bind(base::View body, Whole whole);

struct FunctionCall {
  std::uint32_t function = 0;
  std::vector<model::Parameter> parameters;
};
std::optional<FunctionCall> read_function_call(base::View body);

}  // namespace sallyport::proto::postgres
