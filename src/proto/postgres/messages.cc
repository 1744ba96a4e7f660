#include "proto/postgres/messages.h"

#include <algorithm>
#include <string>

namespace sallyport::proto::postgres {
namespace {

using base::View;

/// A string of the protocol ends at its first NUL; what would follow is not to be taken for another field.
View without_nul(View text) { return text.substr(0, text.find('\0')); }

std::string_view word_of(Severity severity) {
  switch (severity) {
    case Severity::notice:
      return "NOTICE";
    case Severity::error:
      return "ERROR";
    case Severity::fatal:
      return "FATAL";
  }
  return "FATAL";
}

}  // namespace

FrameWriter::~FrameWriter() {
  const auto length = std::byteswap(static_cast<std::uint32_t>(out_.size() - start_));
  static_assert(std::endian::native == std::endian::little, "the length is written in the network's order");
  std::memcpy(out_.data() + start_, &length, sizeof length);
}

std::optional<ErrorFields> read_error(View body) {
  ErrorFields fields;
  View translated;
  Reader reader(body);
  for (;;) {
    const char field = reader.number<char>();
    if (!reader.is_good()) return std::nullopt;
    if (field == '\0') break;
    const View value = reader.string();
    if (field == 'V') fields.severity = value;
    if (field == 'S') translated = value;
    if (field == 'C') fields.code = value;
    if (field == 'M') fields.message = value;
  }
  if (!reader.is_exactly_read()) return std::nullopt;
  if (fields.severity.empty()) fields.severity = translated;
  return fields;
}

std::string_view sqlstate_of(model::Refusal::Kind kind) {
  using Kind = model::Refusal::Kind;
  switch (kind) {
    case Kind::not_allowed:
      return "42501";
    case Kind::statement_too_long:
      return "54000";
    case Kind::bad_encoding:
      return "22021";
    case Kind::not_supported:
      return "0A000";
    case Kind::protocol_violation:
      return "08P01";
    case Kind::authentication:
      return "28000";
    case Kind::unknown_target:
      return "3D000";
    case Kind::target_unavailable:
      return "08006";
    case Kind::too_many_sessions:
      return "53300";
    case Kind::trail_unavailable:
      return "53100";
    case Kind::session_ended:
      return "57P01";
    case Kind::cancelled:
      return "57014";
    case Kind::internal:
      return "XX000";
  }
  return "XX000";
}

void append_refusal(base::Bytes& out, Severity severity, const model::Refusal& refusal) {
  FrameWriter frame(out, severity == Severity::notice ? 'N' : 'E');
  frame.octets("S").string(word_of(severity)).octets("V").string(word_of(severity));
  // A remark is not a failure: successful completion, as the server's own notices say.
  frame.octets("C").string(severity == Severity::notice ? "00000" : sqlstate_of(refusal.kind));
  frame.octets("M").string(without_nul(refusal.message));
  if (!refusal.detail.empty()) frame.octets("D").string(without_nul(refusal.detail));
  if (!refusal.hint.empty()) frame.octets("H").string(without_nul(refusal.hint));
  frame.octets(View("\0", 1));
}

}  // namespace sallyport::proto::postgres
