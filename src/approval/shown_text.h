#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "model/command.h"

/// What an approver reads. A statement is hostile text: it must not be able to look like another one. Nothing is ever
/// cut. Pure.
namespace sallyport::approval {

/// The text with every character that shows nothing, moves others, or steers a terminal written as \u{202E}, and
/// octets that are no UTF-8 as \x{FF}. Line feeds and tabs stay.
std::string shown_text(base::View text);

/// What a reader should be warned of, in words; empty for ordinary text: "control characters", "invisible or
/// bidirectional characters", "scripts mixed in one word: pаyments", "not UTF-8".
std::vector<std::string> oddities(base::View text);

/// A parameter's value as people read it: text, numbers, truth values, uuid; what has no such form as \x and
/// hexadecimal digits; NULL. REQUIRES: it is whole.
std::string shown_value(const model::Parameter& parameter);
/// "int4", "text" …; the OID for a type that has no well-known name, "unknown" for 0.
std::string type_name(std::uint32_t oid);

}  // namespace sallyport::approval
