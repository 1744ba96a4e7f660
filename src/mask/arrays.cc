#include "mask/arrays.h"

#include <algorithm>

namespace sallyport::mask {
namespace {

using base::Bytes;
using base::View;

using Elements = std::vector<ArrayElement>;

constexpr std::size_t kMaxDimensions = 6;    // MAXDIM
constexpr View kSpace = " \t\n\v\f\r";       // array_isspace
constexpr View kSpecial = "\"\\{},";         // what array_out quotes besides
constexpr std::size_t kBinaryHeader = 12;    // dimensions, flags, element type
constexpr std::size_t kBinaryDimension = 8;  // length, lower bound

bool is_null_word(View text) {
  return std::ranges::equal(text, View("null"), [](char a, char b) { return (a | 0x20) == b; });
}

/// "[0:2][1:3]=" in front of an array whose indexes do not begin with 1; false: it is not one.
bool skip_bounds(View value, std::size_t& at) {
  if (!value.starts_with('[')) return true;
  const auto equals = value.find('=');
  if (equals == View::npos || value[equals - 1] != ']') return false;
  if (value.substr(0, equals).find_first_not_of("[]:-0123456789") != View::npos) return false;
  at = equals + 1;
  return true;
}

/// One element that is written at `at`, which moves behind it.
bool read_written(View value, std::size_t& at, Elements& elements) {
  if (value[at] == '"') {
    const std::size_t begin = ++at;
    while (at < value.size() && value[at] != '"') at += value[at] == '\\' ? 2 : 1;
    if (at >= value.size()) return false;
    elements.push_back({begin, at, true});
    ++at;
    return true;
  }
  const std::size_t begin = at;
  at = std::min(value.find_first_of(",}", at), value.size());
  const View written = value.substr(begin, at - begin);
  if (written.empty() || written.find_first_of("\"\\{ \t\n\v\f\r") != View::npos) return false;
  if (!is_null_word(written)) elements.push_back({begin, at, false});
  return true;
}

/// "{a,{b}}" has elements at two depths, which no array has: every element is `depth` deep.
std::optional<Elements> read_text(View value) {
  std::size_t at = 0;
  if (!skip_bounds(value, at)) return std::nullopt;
  if (value.substr(at) == "{}") return Elements{};
  Elements elements;
  std::size_t open = 0, depth = 0;
  bool wants_item = true;  // a brace that opens, or an element
  while (at < value.size()) {
    const char c = value[at];
    if (wants_item && c == '{') {
      if (++open > kMaxDimensions || (depth != 0 && open > depth)) return std::nullopt;
      ++at;
    } else if (wants_item) {
      if (open == 0 || (depth != 0 && open != depth)) return std::nullopt;
      depth = open;
      if (!read_written(value, at, elements)) return std::nullopt;
      wants_item = false;
    } else if (c == ',') {
      wants_item = true;
      ++at;
    } else if (c == '}') {
      ++at;
      if (--open == 0) break;
    } else {
      return std::nullopt;
    }
  }
  if (open != 0 || at != value.size() || wants_item) return std::nullopt;
  return elements;
}

std::optional<Elements> read_binary(View value, std::uint32_t element_type) {
  if (value.size() < kBinaryHeader) return std::nullopt;
  const auto dimensions = base::load_big<std::uint32_t>(value.data());
  const auto flags = base::load_big<std::uint32_t>(value.data() + 4);
  if (dimensions > kMaxDimensions || flags > 1 || base::load_big<std::uint32_t>(value.data() + 8) != element_type)
    return std::nullopt;
  std::size_t at = kBinaryHeader + dimensions * kBinaryDimension;
  if (value.size() < at) return std::nullopt;
  std::size_t count = dimensions == 0 ? 0 : 1;
  for (std::size_t i = 0; i < dimensions; ++i) {
    count *= base::load_big<std::uint32_t>(value.data() + kBinaryHeader + i * kBinaryDimension);
    // Each element takes at least its length; this also keeps the product far from overflow.
    // An array without elements has no dimensions.
    if (count == 0 || count > value.size() / 4) return std::nullopt;
  }
  Elements elements;
  for (; count > 0; --count) {
    if (value.size() - at < 4) return std::nullopt;
    const auto length = base::load_big<std::int32_t>(value.data() + at);
    at += 4;
    if (length == -1) continue;
    if (length < 0 || value.size() - at < static_cast<std::size_t>(length)) return std::nullopt;
    elements.push_back({at, at + static_cast<std::size_t>(length), false});
    at += static_cast<std::size_t>(length);
  }
  return at == value.size() ? std::optional(std::move(elements)) : std::nullopt;
}

}  // namespace

std::optional<Elements> read_array(View value, Form form, std::uint32_t element_type) {
  switch (form) {
    case Form::text:
      return read_text(value);
    case Form::binary:
      return read_binary(value, element_type);
  }
  return std::nullopt;
}

void unescape_element(View written, Bytes& value, std::vector<std::size_t>& from) {
  value.clear();
  from.clear();
  for (std::size_t at = 0; at < written.size(); ++at) {
    from.push_back(at);
    if (written[at] == '\\' && at + 1 < written.size()) ++at;
    value.push_back(written[at]);
  }
  from.push_back(written.size());
}

void append_element(View value, Bytes& out) {
  const bool is_plain = !value.empty() && value.find_first_of(kSpecial) == View::npos &&
                        value.find_first_of(kSpace) == View::npos && !is_null_word(value);
  if (is_plain) {
    out.append(value);
    return;
  }
  out.push_back('"');
  for (const char c : value) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
}

void append_array(View element, Form form, std::uint32_t element_type, Bytes& out) {
  switch (form) {
    case Form::text:
      out.push_back('{');
      append_element(element, out);
      out.push_back('}');
      return;
    case Form::binary:
      base::append_big<std::uint32_t>(out, 1);  // one dimension
      base::append_big<std::uint32_t>(out, 0);  // no element is NULL
      base::append_big<std::uint32_t>(out, element_type);
      base::append_big<std::uint32_t>(out, 1);  // one element
      base::append_big<std::uint32_t>(out, 1);  // whose index is 1
      base::append_big<std::uint32_t>(out, static_cast<std::uint32_t>(element.size()));
      out.append(element);
      return;
  }
}

}  // namespace sallyport::mask
