#include "proto/postgres/copy_rows.h"

#include <algorithm>
#include <utility>

#include "proto/postgres/messages.h"

namespace sallyport::proto::postgres {
namespace {

using base::Bytes;
using base::Code;
using base::fail;
using base::Result;
using base::View;

constexpr View kSignature{"PGCOPY\n\377\r\n\0", 11};
constexpr View kEndMarker = "\\.\n";

std::optional<unsigned> digit(char c, unsigned radix) {
  unsigned value = radix;
  if (c >= '0' && c <= '9') value = static_cast<unsigned>(c - '0');
  if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') value = static_cast<unsigned>((c | 0x20) - 'a') + 10;
  return value < radix ? std::optional(value) : std::nullopt;
}

/// Up to `most` digits at `at`, which moves behind them.
char number(View text, std::size_t& at, unsigned radix, std::size_t most) {
  unsigned value = 0;
  for (std::size_t i = 0; i < most && at < text.size(); ++i, ++at) {
    const auto next = digit(text[at], radix);
    if (!next) break;
    value = value * radix + *next;
  }
  return static_cast<char>(value);
}

/// As CopyReadAttributesText reads it. Never longer than `written`.
void unescape(View written, Bytes& out) {
  for (std::size_t at = 0; at < written.size();) {
    char c = written[at++];
    if (c != '\\' || at == written.size()) {
      out.push_back(c);
      continue;
    }
    c = written[at];
    if (digit(c, 8)) {
      out.push_back(number(written, at, 8, 3));
      continue;
    }
    ++at;
    if (c == 'x' && at < written.size() && digit(written[at], 16)) {
      out.push_back(number(written, at, 16, 2));
      continue;
    }
    constexpr View kLetters = "bfnrtv", kMeanings = "\b\f\n\r\t\v";
    const auto letter = kLetters.find(c);
    out.push_back(letter == View::npos ? c : kMeanings[letter]);
  }
}

}  // namespace

CopyRows::CopyRows(model::CopyFormat format) : format_(std::move(format)) {
  is_readable_ = is_readable();
  for (const char c : {format_.delimiter, '\\', '\n', '\r'}) stops_[static_cast<unsigned char>(c)] = true;
  if (format_.kind != model::CopyFormat::Kind::text) return;
  Bytes value, written;
  unescape(format_.null, value);
  append_text(value, written);
  is_null_certain_ = written != format_.null;
}

/// The server refuses what is not readable here too; a wrong format must not mean that a value is not seen.
bool CopyRows::is_readable() const {
  if (!format_.is_readable) return false;
  const auto has = [&](char c) { return format_.null.find(c) != Bytes::npos; };
  const auto is_line_end = [](char c) { return c == '\n' || c == '\r'; };
  switch (format_.kind) {
    case model::CopyFormat::Kind::binary:
      return !format_.has_header;
    case model::CopyFormat::Kind::text:
      return View("\\\r\n.abcdefghijklmnopqrstuvwxyz0123456789").find(format_.delimiter) == View::npos &&
             !has(format_.delimiter) && !has('\n') && !has('\r');
    case model::CopyFormat::Kind::csv:
      return !is_line_end(format_.delimiter) && !is_line_end(format_.quote) && format_.delimiter != format_.quote &&
             !has(format_.delimiter) && !has(format_.quote) && !has('\n') && !has('\r');
  }
  return false;
}

Result<void> CopyRows::rewrite(View body, CopyVisitor& visitor, Bytes& out) { return read(body, &visitor, &out); }

Result<void> CopyRows::skip(View body) { return read(body, nullptr, nullptr); }

Result<void> CopyRows::read(View body, CopyVisitor* visitor, Bytes* out) {
  if (!is_readable_) return fail(Code::unsupported, "rows of COPY come in a format that the gateway does not read");
  const std::size_t size = out == nullptr ? 0 : out->size();
  const bool is_binary = format_.kind == model::CopyFormat::Kind::binary;
  const bool is_good = is_binary ? read_binary(body, visitor, out) : read_lines(body, visitor, out);
  if (is_good) return {};
  if (out != nullptr) out->resize(size);
  return fail(Code::malformed, "COPY data of the target is not whole rows of its format");
}

// ---- text and csv ----

bool CopyRows::read_lines(View body, CopyVisitor* visitor, Bytes* out) {
  const bool is_text = format_.kind == model::CopyFormat::Kind::text;
  while (!body.empty()) {
    if (is_ended_) return false;
    // No value is written like this in text. In csv it may be a row of two columns with a dot between them.
    if (is_text && format_.null != "\\." && body.starts_with(kEndMarker)) {
      is_ended_ = true;
      is_at_start_ = false;
      if (out != nullptr) out->append(body);
      return body == kEndMarker;
    }
    fields_.clear();
    std::size_t at = 0;
    for (;;) {
      Field field;
      const auto size = is_text ? text_field(body.substr(at), field) : csv_field(body.substr(at), field);
      if (!size || at + *size >= body.size()) return false;
      fields_.push_back(field);
      at += *size;
      const char end = body[at++];
      if (end == '\n') break;
      if (end != format_.delimiter) return false;
    }
    const Line line = is_at_start_ && format_.has_header ? Line::header : Line::row;
    is_at_start_ = false;
    if (!finish_row(body.substr(0, at), line, visitor, out)) return false;
    body.remove_prefix(at);
  }
  return true;
}

std::optional<std::size_t> CopyRows::text_field(View rest, Field& field) const {
  std::size_t at = 0;
  while (at < rest.size()) {
    if (!stops_[static_cast<unsigned char>(rest[at])]) {
      ++at;
      continue;
    }
    if (rest[at] != '\\') break;
    // COPY FROM takes an escaped end of line; the server writes none.
    if (at + 1 >= rest.size() || rest[at + 1] == '\n' || rest[at + 1] == '\r') return std::nullopt;
    field.has_escape = true;
    at += 2;
  }
  field.written = rest.substr(0, at);
  field.is_null = is_null_certain_ && field.written == format_.null;
  return at;
}

std::optional<std::size_t> CopyRows::csv_field(View rest, Field& field) const {
  std::size_t at = 0;
  if (rest.empty() || rest[0] != format_.quote) {
    while (at < rest.size() && rest[at] != format_.delimiter && rest[at] != '\n') {
      if (rest[at] == format_.quote || rest[at] == '\r') return std::nullopt;
      ++at;
    }
    field.written = rest.substr(0, at);
    field.is_null = field.written == format_.null;
    return at;
  }
  field.is_quoted = true;
  for (at = 1; at < rest.size(); ++at) {
    // In this order: the quote may be its own escape.
    if (rest[at] == format_.escape && at + 1 < rest.size() &&
        (rest[at + 1] == format_.escape || rest[at + 1] == format_.quote)) {
      field.has_escape = true;
      ++at;
      continue;
    }
    if (rest[at] == format_.quote) {
      field.written = rest.substr(0, at + 1);
      return at + 1;
    }
    if (rest[at] == format_.escape) return std::nullopt;
  }
  return std::nullopt;
}

/// As CopyAttributeOutText.
void CopyRows::append_text(View value, Bytes& out) const {
  for (const char c : value) {
    constexpr View kLetters = "bfnrtv", kMeanings = "\b\f\n\r\t\v";
    const auto letter = kMeanings.find(c);
    if (letter != View::npos) {
      out.push_back('\\');
      out.push_back(kLetters[letter]);
      continue;
    }
    if (c == '\\' || c == format_.delimiter) out.push_back('\\');
    out.push_back(c);
  }
}

/// As CopyAttributeOutCSV; what was quoted stays quoted (FORCE_QUOTE).
void CopyRows::append_csv(View value, bool is_quoted, Bytes& out) const {
  const auto wants_quotes = [&](char c) {
    return c == format_.delimiter || c == format_.quote || c == '\n' || c == '\r';
  };
  if (!is_quoted && value != format_.null && !(fields_.size() == 1 && value == "\\.") &&
      std::ranges::none_of(value, wants_quotes)) {
    out.append(value);
    return;
  }
  out.push_back(format_.quote);
  for (const char c : value) {
    if (c == format_.quote || c == format_.escape) out.push_back(format_.escape);
    out.push_back(c);
  }
  out.push_back(format_.quote);
}

// ---- binary ----

bool CopyRows::take_signature(View& body, Bytes* out) {
  Reader reader(body);
  const View signature = reader.octets(kSignature.size());
  const auto flags = reader.number<std::uint32_t>();
  const auto extension = reader.number<std::uint32_t>();
  reader.octets(extension);
  // Flags 16 to 31 change how rows are read: 16 puts an OID in front of each.
  if (!reader.is_good() || signature != kSignature || flags >> 16 != 0) return false;
  if (out != nullptr) out->append(body.substr(0, body.size() - reader.rest().size()));
  body = reader.rest();
  return true;
}

bool CopyRows::read_binary(View body, CopyVisitor* visitor, Bytes* out) {
  if (is_at_start_) {
    if (!take_signature(body, out)) return false;
    is_at_start_ = false;
  }
  while (!body.empty()) {
    if (is_ended_) return false;
    Reader reader(body);
    const auto count = reader.number<std::int16_t>();
    if (reader.is_good() && count == -1) {
      is_ended_ = true;
      if (out != nullptr) out->append(body);
      return reader.rest().empty();
    }
    if (count < 0) return false;
    fields_.clear();
    for (int i = 0; i < count; ++i) {
      const auto length = reader.number<std::int32_t>();
      if (!reader.is_good() || length < -1) return false;
      Field field;
      field.is_null = length == -1;
      if (!field.is_null) field.written = reader.octets(static_cast<std::size_t>(length));
      fields_.push_back(field);
    }
    if (!reader.is_good()) return false;
    if (!finish_row(body.substr(0, body.size() - reader.rest().size()), Line::row, visitor, out)) return false;
    body = reader.rest();
  }
  return true;
}

// ---- every format ----

bool CopyRows::finish_row(View written, Line line, CopyVisitor* visitor, Bytes* out) {
  if (columns_ && *columns_ != fields_.size()) return false;
  columns_ = fields_.size();
  if (visitor == nullptr || out == nullptr) return true;
  decoded_.clear();
  decoded_.reserve(written.size());  // cells point into it: it must not grow
  came_.clear();
  for (const Field& field : fields_) came_.push_back(decode(field));
  shown_ = came_;
  const auto row = line == Line::header ? visitor->header(shown_) : visitor->row(shown_);
  switch (row) {
    case CopyVisitor::Row::as_it_came:
      out->append(written);
      return true;
    case CopyVisitor::Row::changed:
      append_row(*out);
      return true;
  }
  return false;
}

model::Cell CopyRows::decode(const Field& field) {
  View written = field.written;
  if (field.is_null) return {{}, true};
  if (field.is_quoted) written = written.substr(1, written.size() - 2);
  if (!field.has_escape) return {written, false};
  const std::size_t begin = decoded_.size();
  if (field.is_quoted) {
    for (std::size_t at = 0; at < written.size(); ++at) {
      if (written[at] == format_.escape) ++at;
      decoded_.push_back(written[at]);
    }
  } else {
    unescape(written, decoded_);
  }
  return {View(decoded_).substr(begin), false};
}

void CopyRows::append_row(Bytes& out) const {
  const bool is_binary = format_.kind == model::CopyFormat::Kind::binary;
  if (is_binary) base::append_big(out, static_cast<std::uint16_t>(fields_.size()));
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    if (i > 0 && !is_binary) out.push_back(format_.delimiter);
    const bool is_left = came_[i].is_null == shown_[i].is_null && came_[i].octets.data() == shown_[i].octets.data() &&
                         came_[i].octets.size() == shown_[i].octets.size();
    if (is_left && !is_binary) {
      out.append(fields_[i].written);
    } else {
      append_cell(fields_[i], shown_[i], out);
    }
  }
  if (!is_binary) out.push_back('\n');
}

void CopyRows::append_cell(const Field& field, const model::Cell& cell, Bytes& out) const {
  switch (format_.kind) {
    case model::CopyFormat::Kind::text:
      if (cell.is_null) {
        out.append(format_.null);
      } else {
        append_text(cell.octets, out);
      }
      return;
    case model::CopyFormat::Kind::csv:
      if (cell.is_null) {
        out.append(format_.null);
      } else {
        append_csv(cell.octets, field.is_quoted, out);
      }
      return;
    case model::CopyFormat::Kind::binary:
      base::append_big<std::int32_t>(out, cell.is_null ? -1 : static_cast<std::int32_t>(cell.octets.size()));
      if (!cell.is_null) out.append(cell.octets);
      return;
  }
}

}  // namespace sallyport::proto::postgres
