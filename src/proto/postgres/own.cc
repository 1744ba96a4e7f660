#include "proto/postgres/own.h"

namespace sallyport::proto::postgres {
namespace {

constexpr std::uint32_t kCancelCode = 80877102;
constexpr std::uint32_t kSslCode = 80877103;

std::unexpected<base::Error> cut_short() {
  return base::fail(base::Code::malformed, "the target's answer to the gateway's own query is cut short");
}

/// One DataRow's body: int16 count, then for each cell int32 length (-1: NULL) and octets.
base::Result<std::vector<std::optional<std::string>>> decode_row(base::View body) {
  if (body.size() < 2) return cut_short();
  const auto count = base::load_big<std::uint16_t>(body.data());
  body.remove_prefix(2);
  std::vector<std::optional<std::string>> row;
  row.reserve(count);
  for (unsigned i = 0; i < count; ++i) {
    if (body.size() < 4) return cut_short();
    const auto length = base::load_big<std::int32_t>(body.data());
    body.remove_prefix(4);
    if (length < 0) {
      row.emplace_back();
      continue;
    }
    if (body.size() < static_cast<std::size_t>(length)) return cut_short();
    row.emplace_back(std::string(body.substr(0, static_cast<std::size_t>(length))));
    body.remove_prefix(static_cast<std::size_t>(length));
  }
  return row;
}

}  // namespace

base::Bytes encode_query(base::View text) {
  base::Bytes out = "Q";
  base::append_big(out, static_cast<std::uint32_t>(4 + text.size() + 1));
  out += text;
  out.push_back('\0');
  return out;
}

base::Result<TextRows> decode_text_rows(base::View frames) {
  TextRows rows;
  while (!frames.empty()) {
    if (frames.size() < 5) return cut_short();
    const char type = frames.front();
    const auto length = base::load_big<std::uint32_t>(frames.data() + 1);
    if (length < 4 || frames.size() - 1 < length) return cut_short();
    if (type == 'E')
      return base::fail(base::Code::unavailable, "the target answered the gateway's own query with an error");
    if (type == 'D') {
      auto row = decode_row(frames.substr(5, length - 4));
      if (!row) return std::unexpected(row.error());
      rows.push_back(std::move(*row));
    }
    frames.remove_prefix(1 + length);
  }
  return rows;
}

base::Bytes encode_cancel_request(std::uint32_t process, std::uint32_t key) {
  base::Bytes out;
  base::append_big<std::uint32_t>(out, 16);
  base::append_big(out, kCancelCode);
  base::append_big(out, process);
  base::append_big(out, key);
  return out;
}

base::Bytes encode_ssl_request() {
  base::Bytes out;
  base::append_big<std::uint32_t>(out, 8);
  base::append_big(out, kSslCode);
  return out;
}

}  // namespace sallyport::proto::postgres
