#include "proto/postgres/cells.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "proto/postgres/copy_rows.h"
#include "proto/postgres/messages.h"

namespace sallyport::proto::postgres {
namespace {

using base::Bytes;
using base::View;
using model::Cell;

/// The body of the frame at the front; nullopt: there is no whole one.
std::optional<View> front_frame(View frames) {
  if (frames.size() < kHeader) return std::nullopt;
  const std::size_t total = std::size_t{base::load_big<std::uint32_t>(frames.data() + 1)} + 1;
  if (total < kHeader || total > frames.size()) return std::nullopt;
  return frames.substr(0, total);
}

bool read_row(View body, std::vector<Cell>& cells) {
  Reader reader(body);
  const auto count = reader.number<std::uint16_t>();
  for (std::size_t column = 0; column < count; ++column) {
    const auto length = reader.number<std::int32_t>();
    if (!reader.is_good() || length < -1) return false;
    Cell cell{.is_null = length == -1};
    if (!cell.is_null) cell.octets = reader.octets(static_cast<std::size_t>(length));
    if (!reader.is_good()) return false;
    cells.push_back(cell);
  }
  return reader.is_exactly_read();
}

void append_cell(const Cell& cell, FrameWriter& frame) {
  frame.number<std::int32_t>(cell.is_null ? -1 : static_cast<std::int32_t>(cell.octets.size()));
  if (!cell.is_null) frame.octets(cell.octets);
}

/// Settings whose values are from a closed list, or the server's own.
bool is_closed_setting(View name) {
  static constexpr View kClosed[] = {"client_encoding",
                                     "DateStyle",
                                     "default_transaction_read_only",
                                     "in_hot_standby",
                                     "integer_datetimes",
                                     "IntervalStyle",
                                     "is_superuser",
                                     "server_encoding",
                                     "server_version",
                                     "standard_conforming_strings"};
  return std::ranges::find(kClosed, name) != std::end(kClosed);
}

/// An error about the client's text alone, found before anything ran: it says nothing of any value. PostgreSQL's file
/// and line cannot be chosen by a user's function, and what a function does has a context (manual 55.8: F, W, q).
bool is_about_the_text(View body) {
  static constexpr View kFiles[] = {
      "analyze.c",        "gram.y",         "namespace.c",  "parse_agg.c",  "parse_clause.c",
      "parse_cte.c",      "parse_expr.c",   "parse_func.c", "parse_oper.c", "parse_param.c",
      "parse_relation.c", "parse_target.c", "parse_type.c", "portalcmds.c", "postgres.c",
      "prepare.c",        "scan.l",         "utility.c",    "xact.c"};
  bool is_theirs = false;
  Reader reader(body);
  for (;;) {
    const char field = reader.number<char>();
    if (!reader.is_good()) return false;
    if (field == '\0') return is_theirs && reader.is_exactly_read();
    const View text = reader.string();
    if (field == 'W' || field == 'q' || field == 'p') return false;
    if (field == 'F') is_theirs = std::ranges::find(kFiles, text) != std::end(kFiles);
  }
}

class CopyData final : public model::CopyRewriter, private CopyVisitor {
 public:
  explicit CopyData(const model::CopyFormat& format) : rows_(format) {}
  base::Result<void> rewrite(View frame, Visitor& visitor, Bytes& out) override {
    visitor_ = &visitor;
    FrameWriter writer(out, 'd');
    return rows_.rewrite(frame.substr(kHeader), *this, out);
  }

 private:
  Row row(std::span<Cell> cells) override { return visitor_->row(cells) ? Row::changed : Row::as_it_came; }

  CopyRows rows_;
  Visitor* visitor_ = nullptr;
};

/// A string of the protocol ends at its first NUL.
View without_nul(View text) { return text.substr(0, text.find('\0')); }

class PostgresFormat final : public model::ResultFormat {
 public:
  std::optional<std::vector<model::Column>> columns(const model::ResultShape& shape) const override {
    Reader reader(shape.description);
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
    if (!reader.is_exactly_read()) return std::nullopt;
    if (!shape.formats) return columns;
    const auto& formats = *shape.formats;
    if (formats.size() > 1 && formats.size() != columns.size()) return std::nullopt;
    for (std::size_t i = 0; i < columns.size(); ++i)
      columns[i].is_binary = !formats.empty() && formats[formats.size() == 1 ? 0 : i];
    return columns;
  }

  bool rows(View frames, model::Rows& out) const override {
    std::size_t at = 0;
    while (at < frames.size()) {
      const auto frame = front_frame(frames.substr(at));
      if (!frame || frame->front() != 'D') return false;
      out.rows.push_back({at, at + frame->size(), out.cells.size()});
      if (!read_row(frame->substr(kHeader), out.cells)) return false;
      at += frame->size();
    }
    return true;
  }

  void append_row(std::span<const Cell> cells, Bytes& out) const override {
    FrameWriter frame(out, 'D');
    frame.number(static_cast<std::uint16_t>(cells.size()));
    for (const Cell& cell : cells) append_cell(cell, frame);
  }

  std::unique_ptr<model::CopyRewriter> copy(const model::CopyFormat& format) const override {
    return std::make_unique<CopyData>(format);
  }

  std::optional<Cell> value(View frame) const override {
    if (frame.size() < kHeader || frame.front() != 'V') return std::nullopt;
    Reader reader(frame.substr(kHeader));
    const auto length = reader.number<std::int32_t>();
    if (length < -1) return std::nullopt;
    Cell cell{.is_null = length == -1};
    if (!cell.is_null) cell.octets = reader.octets(static_cast<std::size_t>(length));
    return reader.is_exactly_read() ? std::optional(cell) : std::nullopt;
  }
  void append_value(const Cell& value, Bytes& out) const override {
    FrameWriter frame(out, 'V');
    append_cell(value, frame);
  }

  bool rewrite_texts(View frame, Texts& texts, Bytes& out) const override {
    const auto whole = front_frame(frame);
    if (!whole || whole->size() != frame.size()) return false;
    const char type = frame.front();
    if (type == 'E' || type == 'N') return rewrite_fields(frame.substr(kHeader), type, texts, out);
    if (type == 'T') return rewrite_description(frame.substr(kHeader), texts, out);
    if (type != 'A' && type != 'S') return false;
    Reader reader(frame.substr(kHeader));
    FrameWriter writer(out, type);
    if (type == 'A') writer.number(reader.number<std::uint32_t>());
    for (int i = 0; i < 2; ++i) append_text(reader.string(), texts, writer);
    return reader.is_exactly_read();
  }

  bool veil(View frame, View instead, Bytes& out) const override {
    const auto whole = front_frame(frame);
    if (!whole || whole->size() != frame.size()) return false;
    const char type = frame.front();
    Reader reader(frame.substr(kHeader));
    FrameWriter writer(out, type);
    if (type == 'A' || type == 'S') {
      if (type == 'A') writer.number(reader.number<std::uint32_t>());
      const View name = reader.string(), text = reader.string();
      writer.string(name).string(type == 'S' && is_closed_setting(name) ? text : without_nul(instead));
      return reader.is_exactly_read();
    }
    if (type != 'E' && type != 'N') return false;
    if (type == 'E' && is_about_the_text(frame.substr(kHeader))) {
      writer.octets(frame.substr(kHeader));
      return true;
    }
    for (;;) {
      const char field = reader.number<char>();
      if (!reader.is_good()) return false;
      if (field == '\0') break;
      const View text = reader.string();
      if (field == 'S' || field == 'V' || field == 'C') writer.octets({&field, 1}).string(text);
    }
    writer.octets("M").string(without_nul(instead)).octets(View("\0", 1));
    return reader.is_exactly_read();
  }

  std::size_t frame_size(View frames) const override {
    const auto frame = front_frame(frames);
    return frame ? frame->size() : 0;
  }

 private:
  static void append_text(View text, Texts& texts, FrameWriter& writer) {
    const auto other = texts.text(text);
    writer.string(other ? without_nul(*other) : text);
  }

  static bool rewrite_fields(View body, char type, Texts& texts, Bytes& out) {
    Reader reader(body);
    FrameWriter writer(out, type);
    for (;;) {
      const char field = reader.number<char>();
      if (!reader.is_good()) return false;
      writer.octets({&field, 1});
      if (field == '\0') return reader.is_exactly_read();
      const View text = reader.string();
      if (field == 'S' || field == 'V' || field == 'C') {
        writer.string(text);
      } else {
        append_text(text, texts, writer);
      }
    }
  }

  static bool rewrite_description(View body, Texts& texts, Bytes& out) {
    constexpr std::size_t kNumbers = 18;  // what stands behind a column's name
    Reader reader(body);
    const auto count = reader.number<std::uint16_t>();
    FrameWriter writer(out, 'T');
    writer.number(count);
    for (std::size_t i = 0; i < count && reader.is_good(); ++i) {
      append_text(reader.string(), texts, writer);
      writer.octets(reader.octets(kNumbers));
    }
    return reader.is_exactly_read();
  }
};

}  // namespace

const model::ResultFormat& result_format() {
  static const PostgresFormat kFormat;
  return kFormat;
}

}  // namespace sallyport::proto::postgres
