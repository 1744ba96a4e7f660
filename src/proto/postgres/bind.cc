#include "proto/postgres/bind.h"

#include <algorithm>

#include "proto/postgres/messages.h"

namespace sallyport::proto::postgres {
namespace {

using base::View;

struct Formats {
  std::uint16_t count = 0;
  View codes;  // Int16 each

  /// One code stands for all values, none for text.
  bool is_binary(std::size_t index) const {
    if (count == 0) return false;
    const std::size_t at = count == 1 ? 0 : index;
    return at < count && base::load_big<std::uint16_t>(codes.data() + 2 * at) != 0;
  }
};

Formats read_formats(Reader& reader) {
  Formats formats;
  formats.count = reader.number<std::uint16_t>();
  formats.codes = reader.octets(std::size_t{formats.count} * 2);
  if (!reader.is_good()) formats.count = 0;
  return formats;
}

enum class ValueRead : std::uint8_t { complete, cut, malformed };

/// One value: Int32 length, -1 for NULL, then as many octets.
ValueRead read_value(Reader& reader, model::Parameter& parameter) {
  const auto length = reader.number<std::int32_t>();
  if (!reader.is_good()) return ValueRead::cut;
  if (length < -1) return ValueRead::malformed;
  parameter.is_null = length == -1;
  if (parameter.is_null) return ValueRead::complete;
  parameter.full_size = static_cast<std::uint64_t>(length);
  const std::size_t there = std::min<std::size_t>(parameter.full_size, reader.rest().size());
  parameter.octets.assign(reader.octets(there));
  return there == parameter.full_size ? ValueRead::complete : ValueRead::cut;
}

/// False: malformed. Stops quietly where a body that is not whole ends.
bool read_values(Reader& reader, const Formats& formats, Whole whole, std::vector<model::Parameter>& parameters) {
  const auto count = reader.number<std::uint16_t>();
  if (!reader.is_good()) return whole == Whole::no;
  parameters.reserve(std::min<std::size_t>(count, reader.rest().size() / 4));
  for (std::size_t at = 0; at < count; ++at) {
    model::Parameter parameter;
    parameter.is_binary = formats.is_binary(at);
    const std::size_t left = reader.rest().size();
    const ValueRead read = read_value(reader, parameter);
    if (read == ValueRead::malformed || (read == ValueRead::cut && whole == Whole::yes)) return false;
    if (read == ValueRead::complete || left > 4) parameters.push_back(std::move(parameter));
    if (read == ValueRead::cut) return true;
  }
  return true;
}

}  // namespace

std::optional<Bind> read_bind(View body, Whole whole) {
  Reader reader(body);
  Bind bind;
  bind.portal = reader.string();
  bind.statement = reader.string();
  if (!reader.is_good()) return std::nullopt;
  const Formats formats = read_formats(reader);
  if (!reader.is_good()) return whole == Whole::no ? std::optional(std::move(bind)) : std::nullopt;
  if (!read_values(reader, formats, whole, bind.parameters)) return std::nullopt;
  if (whole == Whole::no) return bind;
  const Formats results = read_formats(reader);
  bind.formats.emplace();
  for (std::size_t at = 0; at < results.count; ++at) bind.formats->push_back(results.is_binary(at));
  return reader.is_exactly_read() ? std::optional(std::move(bind)) : std::nullopt;
}

std::optional<FunctionCall> read_function_call(View body) {
  Reader reader(body);
  FunctionCall call;
  call.function = reader.number<std::uint32_t>();
  const Formats formats = read_formats(reader);
  if (!reader.is_good() || !read_values(reader, formats, Whole::yes, call.parameters)) return std::nullopt;
  reader.number<std::uint16_t>();  // the result's format
  return reader.is_exactly_read() ? std::optional(std::move(call)) : std::nullopt;
}

}  // namespace sallyport::proto::postgres
