#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "mask/ways.h"

/// Arrays as PostgreSQL sends them: text form (manual 8.15.6) and binary form (array_send: dimensions, flags, element
/// type, then each element behind its length). Only what array_out and array_send write is read. Pure.
namespace sallyport::mask {

/// One element that is not NULL.
struct ArrayElement {
  std::size_t begin = 0, end = 0;  // of its octets, in text form as they are written, between the quotes
  bool is_quoted = false;
};

/// The elements in order; nullopt: not an array of `element_type`. The octets of an element are not looked at.
std::optional<std::vector<ArrayElement>> read_array(base::View value, Form form, std::uint32_t element_type);

/// The value of an element in text form. `from`: where in `written` each of its octets begins, and one beyond.
void unescape_element(base::View written, base::Bytes& value, std::vector<std::size_t>& from);
/// Quoted where array_out quotes.
void append_element(base::View value, base::Bytes& out);
/// An array of this one element.
void append_array(base::View element, Form form, std::uint32_t element_type, base::Bytes& out);

}  // namespace sallyport::mask
