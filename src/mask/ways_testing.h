#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "mask/ways.h"

/// For the tests and fuzzers of ways.h only: readers of values that share no code with what is tested.
namespace sallyport::mask::testing {

using base::Bytes;
using base::View;

/// Every type that is_text names, with the type of its elements (0: it is no array).
struct Type {
  std::uint32_t oid = 0, element = 0;
};
inline constexpr Type kTexts[] = {{25, 0},      {705, 0},     {1043, 0},    {1790, 0},   {2275, 0},
                                  {1042, 0},    {19, 0},      {142, 0},     {114, 0},    {3802, 0},
                                  {143, 142},   {199, 114},   {1003, 19},   {1009, 25},  {1014, 1042},
                                  {1015, 1043}, {1263, 2275}, {2201, 1790}, {3807, 3802}};

/// Recursive descent over RFC 8259; gives what is left behind the value.
inline std::optional<View> after_json(View text, int depth = 0) {
  const auto space = [&] { text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size())); };
  const auto take = [&](View token) {
    if (!text.starts_with(token)) return false;
    text.remove_prefix(token.size());
    return true;
  };
  const auto string = [&] {
    if (!take("\"")) return false;
    while (!text.empty() && text[0] != '"') {
      if (static_cast<unsigned char>(text[0]) < 0x20) return false;
      if (text[0] == '\\' && text.size() > 1) {
        if (text[1] == 'u' && (text.size() < 6 || text.substr(2, 4).find_first_not_of("0123456789abcdefABCDEF") < 4))
          return false;
        if (View("\"\\/bfnrtu").find(text[1]) == View::npos) return false;
        text.remove_prefix(1);
      }
      text.remove_prefix(1);
    }
    return take("\"");
  };
  if (depth > 2000) return std::nullopt;
  space();
  if (text.empty()) return std::nullopt;
  if (text[0] == '{' || text[0] == '[') {
    const bool is_object = text[0] == '{';
    const View end = is_object ? "}" : "]";
    text.remove_prefix(1);
    space();
    if (take(end)) return text;
    for (;;) {
      space();
      if (is_object && !string()) return std::nullopt;
      space();
      if (is_object && !take(":")) return std::nullopt;
      const auto rest = after_json(text, depth + 1);
      if (!rest) return std::nullopt;
      text = *rest;
      space();
      if (take(end)) return text;
      if (!take(",")) return std::nullopt;
    }
  }
  if (text[0] == '"') return string() ? std::optional(text) : std::nullopt;
  if (take("true") || take("false") || take("null")) return text;
  take("-");
  const auto digits = [&] {
    const auto count = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(count);
    return count > 0;
  };
  if (!take("0") && !digits()) return std::nullopt;
  if (take(".") && !digits()) return std::nullopt;
  if (take("e") || take("E")) {
    if (!take("+")) take("-");
    if (!digits()) return std::nullopt;
  }
  return text;
}

inline bool is_json(View text) {
  const auto rest = after_json(text);
  return rest && rest->find_first_not_of(" \t\r\n") == View::npos && base::is_utf8_without_nul(text);
}

/// The elements of an array in text form, NULLs left out; nullopt: array_in would not read it, or reads it differently
/// from how array_out writes it.
inline std::optional<std::vector<Bytes>> elements_of(View text) {
  if (text.starts_with('[')) text.remove_prefix(std::min(text.find('=') + 1, text.size()));
  std::vector<Bytes> elements;
  std::size_t open = 0;
  bool is_behind_item = false;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '{') {
      if (is_behind_item) return std::nullopt;
      ++open, ++i;
    } else if (c == '}') {
      if (open == 0) return std::nullopt;
      if (--open == 0) return i + 1 == text.size() ? std::optional(elements) : std::nullopt;
      is_behind_item = true, ++i;
    } else if (c == ',') {
      if (!is_behind_item) return std::nullopt;
      is_behind_item = false, ++i;
    } else if (is_behind_item || open == 0) {
      return std::nullopt;
    } else if (c == '"') {
      Bytes element;
      for (++i; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\\' && ++i == text.size()) return std::nullopt;
        element.push_back(text[i]);
      }
      elements.push_back(element);
      is_behind_item = true, ++i;
    } else {
      Bytes element;
      for (; i < text.size() && text[i] != ',' && text[i] != '}'; ++i) element.push_back(text[i]);
      if (element.find_first_of("\"\\{ \t\n\v\f\r") != Bytes::npos) return std::nullopt;
      if (element != "NULL") elements.push_back(element);
      is_behind_item = true;
    }
  }
  return std::nullopt;
}

/// The same for array_send.
inline std::optional<std::vector<Bytes>> elements_of_binary(View value, std::uint32_t type) {
  const auto number = [&](std::size_t at) { return base::load_big<std::int32_t>(value.data() + at); };
  if (value.size() < 12 || number(0) < 0 || number(0) > 6 || (number(4) != 0 && number(4) != 1)) return std::nullopt;
  if (static_cast<std::uint32_t>(number(8)) != type) return std::nullopt;
  const auto dimensions = static_cast<std::size_t>(number(0));
  std::size_t at = 12 + 8 * dimensions;
  if (value.size() < at) return std::nullopt;
  double count = dimensions == 0 ? 0 : 1;
  for (std::size_t i = 0; i < dimensions; ++i) {
    if (number(12 + 8 * i) < 1) return std::nullopt;  // an array without elements has no dimensions
    count *= number(12 + 8 * i);
  }
  std::vector<Bytes> elements;
  for (; count > 0; --count) {
    if (value.size() - at < 4) return std::nullopt;
    const auto length = number(at);
    at += 4;
    if (length == -1) continue;
    if (length < 0 || value.size() - at < static_cast<std::size_t>(length)) return std::nullopt;
    elements.emplace_back(value.substr(at, static_cast<std::size_t>(length)));
    at += static_cast<std::size_t>(length);
  }
  return at == value.size() ? std::optional(elements) : std::nullopt;
}

/// Whether PostgreSQL would read `value` as this type. Of XML only that no markup is cut (see markup_of).
inline bool is_valid(View value, std::uint32_t type, Form form) {
  for (const auto& [oid, element] : kTexts) {
    if (oid != type) continue;
    if (element != 0) {
      const auto elements = form == Form::text ? elements_of(value) : elements_of_binary(value, element);
      return elements && std::ranges::all_of(*elements, [&](const Bytes& one) { return is_valid(one, element, form); });
    }
    if (type == 3802 && form == Form::binary) return value.starts_with('\1') && is_json(value.substr(1));
    if (type == 114 || type == 3802) return is_json(value);
    return base::is_utf8_without_nul(value) && (type != 19 || value.size() <= 63);
  }
  return false;
}

/// `elements` as array_send writes one dimension of them.
inline Bytes binary_array(std::uint32_t type, const std::vector<std::optional<Bytes>>& elements) {
  Bytes out;
  const auto number = [&](std::size_t value) { base::append_big(out, static_cast<std::uint32_t>(value)); };
  const bool has_null = std::ranges::any_of(elements, [](const auto& element) { return !element; });
  number(elements.empty() ? 0 : 1), number(has_null ? 1 : 0), number(type);
  if (!elements.empty()) number(elements.size()), number(1);
  for (const auto& element : elements) {
    number(element ? element->size() : std::size_t{0xffffffff});
    if (element) out += *element;
  }
  return out;
}

/// `elements` as array_out writes them, all of them quoted.
inline Bytes text_array(const std::vector<std::optional<Bytes>>& elements) {
  Bytes out = "{";
  for (const auto& element : elements) {
    if (out.size() > 1) out += ',';
    if (!element) {
      out += "NULL";
      continue;
    }
    out += '"';
    for (const char c : *element) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out + "}";
}

}  // namespace sallyport::mask::testing
