#include "proto/postgres/cells.h"

#include <cstdint>
#include <string>
#include <utility>

#include "proto/postgres/messages.h"

namespace sallyport::proto::postgres {
namespace {

using base::Bytes;
using base::Code;
using base::fail;
using base::Result;
using base::View;

/// False: malformed.
bool rewrite_row(View frame, CellVisitor& visitor, Bytes& out) {
  Reader reader(frame.substr(kHeader));
  const auto count = reader.number<std::uint16_t>();
  FrameWriter row(out, 'D');
  row.number(count);
  for (std::size_t column = 0; column < count; ++column) {
    const auto length = reader.number<std::int32_t>();
    if (!reader.is_good() || length < -1) return false;
    model::Cell cell;
    cell.is_null = length == -1;
    if (!cell.is_null) cell.octets = reader.octets(static_cast<std::size_t>(length));
    if (!reader.is_good()) return false;
    const model::Cell shown = visitor.visit(column, cell);
    row.number<std::int32_t>(shown.is_null ? -1 : static_cast<std::int32_t>(shown.octets.size()));
    if (!shown.is_null) row.octets(shown.octets);
  }
  return reader.is_exactly_read();
}

}  // namespace

std::optional<std::vector<model::Column>> read_row_description(View body) {
  Reader reader(body);
  std::vector<model::Column> columns(reader.number<std::uint16_t>());
  for (auto& column : columns) {
    column.name = reader.string();
    column.table = reader.number<std::uint32_t>();
    column.attribute = reader.number<std::uint16_t>();
    column.type = reader.number<std::uint32_t>();
    reader.number<std::uint16_t>();  // the type's size
    reader.number<std::uint32_t>();  // the type's modifier
    column.is_binary = reader.number<std::uint16_t>() != 0;
    if (!reader.is_good()) return std::nullopt;
  }
  return reader.is_exactly_read() ? std::optional(std::move(columns)) : std::nullopt;
}

Result<Bytes> rewrite_cells(View wire, CellVisitor& visitor) {
  Bytes out;
  out.reserve(wire.size());
  while (!wire.empty()) {
    if (wire.size() < kHeader) return fail(Code::malformed, "a reply ends inside a message");
    const std::size_t total = std::size_t{base::load_big<std::uint32_t>(wire.data() + 1)} + 1;
    if (total < kHeader || total > wire.size()) return fail(Code::malformed, "a reply ends inside a message");
    const View frame = wire.substr(0, total);
    wire.remove_prefix(total);
    if (frame.front() == 'D') {
      if (!rewrite_row(frame, visitor, out)) return fail(Code::malformed, "a row of the target is malformed");
      continue;
    }
    if (frame.front() == 'T') {
      const auto columns = read_row_description(frame.substr(kHeader));
      if (!columns) return fail(Code::malformed, "a description of rows of the target is malformed");
      visitor.columns(*columns);
    }
    out.append(frame);
  }
  return out;
}

}  // namespace sallyport::proto::postgres
