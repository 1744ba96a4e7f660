#pragma once
#include <cstddef>
#include <vector>

#include "base/bytes.h"

/// Where the strings of a JSON text stand (RFC 8259), so that one can be changed and the rest stays as it is. Pure.
namespace sallyport::mask {

/// One string, of a key or a value: the octets between its quotes.
struct JsonString {
  std::size_t begin = 0, end = 0;
};

/// False: `text` is not JSON in UTF-8. Otherwise its strings in order, when `strings` is not nullptr. As PostgreSQL's
/// json does it lets half of a surrogate pair pass.
bool read_json(base::View text, std::vector<JsonString>* strings);

/// Octets of the character at `at` inside a string: an escape is one character, and so are the two of a surrogate pair.
/// REQUIRES: `text` passed read_json, and a character begins at `at`.
std::size_t json_character(base::View text, std::size_t at);
/// The same for UTF-8 without escapes. REQUIRES: well-formed, and a character begins at `at`.
std::size_t utf8_character(base::View text, std::size_t at);

}  // namespace sallyport::mask
