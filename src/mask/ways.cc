#include "mask/ways.h"

#include <algorithm>
#include <span>

#include "mask/arrays.h"
#include "mask/json_strings.h"

namespace sallyport::mask {
namespace {

using base::Bytes;
using base::View;
using policy::MaskRule;
using policy::MaskWay;

constexpr model::Cell kNull{{}, true};
constexpr std::size_t kNameLength = 63;  // NAMEDATALEN - 1
constexpr std::size_t kMaxStars = 8;     // more would tell how long the value is
constexpr char kJsonbVersion = 1;
constexpr std::size_t kMaxElement = 0x3fffffff;  // MaxAllocSize: nothing longer is a value

/// What a value may look like.
enum class Kind : std::uint8_t { text, padded, name, xml, json, jsonb, other };

/// OIDs of pg_type.dat, which never change. Types of extensions have OIDs of their own in each database.
Kind kind_of(std::uint32_t type) {
  switch (type) {
    case 25:    // text
    case 705:   // unknown
    case 1043:  // varchar
    case 1790:  // refcursor
    case 2275:  // cstring
      return Kind::text;
    case 1042:  // bpchar
      return Kind::padded;
    case 19:
      return Kind::name;
    case 142:
      return Kind::xml;
    case 114:
      return Kind::json;
    case 3802:
      return Kind::jsonb;
    default:
      return Kind::other;
  }
}

/// The type of the elements of an array of texts or JSON; 0: `type` is no such array.
std::uint32_t element_of(std::uint32_t type) {
  switch (type) {
    case 143:
      return 142;
    case 199:
      return 114;
    case 1003:
      return 19;
    case 1009:
      return 25;
    case 1014:
      return 1042;
    case 1015:
      return 1043;
    case 1263:
      return 2275;
    case 2201:
      return 1790;
    case 3807:
      return 3802;
    default:
      return 0;
  }
}

/// The configuration allows these in a name anyway. All else would mean something in XML, JSON or an array.
bool is_label_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         View("-_. :/@").find(c) != View::npos;
}

void append_label(const MaskRule& mask, Bytes& out, std::size_t limit = View::npos) {
  constexpr View kBegin = "[masked:";
  const std::size_t name_limit = limit == View::npos ? limit : limit - kBegin.size() - 1;
  out.append(kBegin);
  for (const char c : View(mask.name).substr(0, name_limit)) out.push_back(is_label_character(c) ? c : '_');
  out.push_back(']');
}

/// False: nothing but NULL can stand there.
bool append_redacted(Kind kind, Form form, const MaskRule& mask, Bytes& out) {
  switch (kind) {
    case Kind::text:
    case Kind::padded:
    case Kind::xml:
      append_label(mask, out);
      return true;
    case Kind::name:
      append_label(mask, out, kNameLength);
      return true;
    case Kind::jsonb:
      if (form == Form::binary) out.push_back(kJsonbVersion);
      [[fallthrough]];
    case Kind::json:
      out.push_back('"');
      append_label(mask, out);
      out.push_back('"');
      return true;
    case Kind::other:
      return false;
  }
  return false;
}

/// Octets of the character at an offset.
using Step = std::size_t (*)(View text, std::size_t at);

/// REQUIRES: whole characters.
void append_kept(View text, std::uint32_t keep, Step step, Bytes& out) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); at += step(text, at)) ++count;
  const std::size_t gone = count - std::min<std::size_t>(keep, count / 4);
  out.append(std::min(gone, kMaxStars), '*');
  std::size_t at = 0;
  for (std::size_t i = 0; i < gone; ++i) at += step(text, at);
  out.append(text.substr(at));
}

/// The JSON text of a value of Kind::json or jsonb; false: it does not begin as one.
bool json_of(View value, Kind kind, Form form, View& json) {
  json = value;
  if (kind == Kind::json || form == Form::text) return true;
  if (value.empty() || value.front() != kJsonbVersion) return false;
  json.remove_prefix(1);
  return true;
}

/// False: NULL.
bool append_masked(View value, std::uint32_t type, Form form, const MaskRule& mask, MaskWay way, Bytes& out) {
  const Kind kind = kind_of(type);
  switch (kind) {
    case Kind::text:
    case Kind::padded:
    case Kind::name:
      if (way.kind != MaskWay::Kind::keep_last) return append_redacted(kind, form, mask, out);
      if (!base::is_utf8_without_nul(value)) return false;
      if (kind == Kind::padded) value = value.substr(0, value.find_last_not_of(' ') + 1);
      append_kept(value, way.keep, utf8_character, out);
      return true;
    case Kind::xml:
      return append_redacted(kind, form, mask, out);
    case Kind::json:
    case Kind::jsonb: {
      View json;
      return json_of(value, kind, form, json) && read_json(json, nullptr) && append_redacted(kind, form, mask, out);
    }
    case Kind::other:
      break;
  }
  const std::uint32_t element_type = element_of(type);
  if (element_type == 0 || !read_array(value, form, element_type)) return false;
  Bytes element;
  if (!append_redacted(kind_of(element_type), form, mask, element)) return false;
  append_array(element, form, element_type, out);
  return true;
}

/// A part, and where at or before it a character is known to begin.
struct Place {
  Part part{};
  std::size_t start = 0;
};

void append_part(View characters, const MaskRule& mask, Step step, Bytes& out) {
  switch (mask.way.kind) {
    case MaskWay::Kind::keep_last:
      append_kept(characters, mask.way.keep, step, out);
      return;
    case MaskWay::Kind::redact:
    case MaskWay::Kind::null:  // the whole value is NULL: mask_parts does not come here
      append_label(mask, out);
      return;
  }
}

void splice(View value, std::span<const Place> places, Step step, Bytes& out) {
  std::size_t copied = 0, at = 0;
  for (const auto& [part, start] : places) {
    at = std::max(at, start);
    if (part.end <= at) continue;  // in a character that the part before it took
    while (at < part.begin) {
      const std::size_t next = at + step(value, at);
      if (next > part.begin) break;
      at = next;
    }
    std::size_t end = at;
    while (end < part.end) end += step(value, end);
    out.append(value.substr(copied, at - copied));
    append_part(value.substr(at, end - at), *part.mask, step, out);
    copied = at = end;
  }
  out.append(value.substr(copied));
}

bool replace_in_text(View value, std::span<const Part> parts, Bytes& out) {
  if (!base::is_utf8_without_nul(value)) return false;
  std::vector<Place> places;
  places.reserve(parts.size());
  for (const Part& part : parts) places.push_back({part, 0});
  splice(value, places, utf8_character, out);
  return true;
}

/// Each part stands between two pieces of markup, in character data, and not in a reference. Everything that is not
/// told from that at once (a comment, CDATA, a document type) counts as not. One pass: there may be many parts.
bool is_character_data(View xml, std::span<const Part> parts) {
  if (xml.find("<!") != View::npos) return false;
  char markup = '>';  // the last of < and > before `at`
  bool is_reference = false;
  std::size_t at = 0, next = 0;
  for (const Part& part : parts) {
    for (; at < part.begin; ++at) {
      const char c = xml[at];
      if (c == '<' || c == '>') markup = c;
      is_reference = c == '&' || (is_reference && c != ';');
    }
    if (markup == '<' || is_reference) return false;
    if (xml.substr(part.begin, part.end - part.begin).find_first_of("<>&;") != View::npos) return false;
    if (next < part.end) next = std::min(xml.find_first_of("<>", part.end), xml.size());
    if (next < xml.size() && xml[next] == '>') return false;
  }
  return true;
}

bool replace_in_xml(View value, std::span<const Part> parts, Bytes& out) {
  return is_character_data(value, parts) && replace_in_text(value, parts, out);
}

bool replace_in_name(View value, std::span<const Part> parts, Bytes& out) {
  const std::size_t begin = out.size();
  if (!replace_in_text(value, parts, out)) return false;
  std::size_t end = 0;
  const View name = View(out).substr(begin);
  while (end < name.size() && end + utf8_character(name, end) <= kNameLength) end += utf8_character(name, end);
  out.resize(begin + end);
  return true;
}

/// Cut to [begin, end), whose quotes may belong to the part; false: it reaches beyond them, or holds nothing between.
bool fit_between_quotes(Part& part, std::size_t begin, std::size_t end) {
  if (part.begin + 1 < begin || part.end > end + 1) return false;
  part.begin = std::max(part.begin, begin);
  part.end = std::min(part.end, end);
  return part.begin < part.end;
}

bool replace_in_json(View json, std::span<const Part> parts, Bytes& out) {
  std::vector<JsonString> strings;
  if (!read_json(json, &strings)) return false;
  std::vector<Place> places;
  places.reserve(parts.size());
  auto string = strings.begin();
  for (Part part : parts) {
    while (string != strings.end() && string->end < part.begin) ++string;
    if (string == strings.end() || !fit_between_quotes(part, string->begin, string->end)) return false;
    places.push_back({part, string->begin});
  }
  splice(json, places, json_character, out);
  return true;
}

bool replace_within(View value, std::uint32_t type, Form form, std::span<const Part> parts, Bytes& out);

const MaskRule& strongest_of(std::span<const Part> parts) {
  const auto is_weaker = [](const Part& left, const Part& right) {
    const MaskWay a = left.mask->way, b = right.mask->way;
    return a.kind != b.kind ? a.kind < b.kind : a.kind == MaskWay::Kind::keep_last && a.keep > b.keep;
  };
  return *std::ranges::max_element(parts, is_weaker)->mask;
}

/// False: NULL.
bool mask_element(View element, std::uint32_t type, Form form, std::span<const Part> parts, Bytes& out) {
  out.clear();
  if (replace_within(element, type, form, parts, out)) return true;
  out.clear();
  const MaskRule& mask = strongest_of(parts);
  return append_masked(element, type, form, mask, mask.way, out);
}

/// Changes one element of an array in text form.
class WrittenElement {
 public:
  bool append(View written, bool is_quoted, std::uint32_t type, std::vector<Part> parts, Bytes& out) {
    unescape_element(written, value_, from_);
    for (Part& part : parts) {
      const auto first = std::ranges::upper_bound(from_, part.begin) - 1;
      const auto last = std::ranges::lower_bound(from_, part.end);
      part.begin = static_cast<std::size_t>(first - from_.begin());
      part.end = static_cast<std::size_t>(last - from_.begin());
    }
    if (!mask_element(value_, type, Form::text, parts, masked_)) return false;
    if (is_quoted) out.pop_back();  // append_element says whether there is one
    append_element(masked_, out);
    return true;
  }

 private:
  Bytes value_{}, masked_{};
  std::vector<std::size_t> from_{};
};

bool replace_in_array(View value, std::uint32_t type, Form form, std::span<const Part> parts, Bytes& out) {
  if (form == Form::text && !base::is_utf8_without_nul(value)) return false;
  const auto elements = read_array(value, form, type);
  if (!elements) return false;
  WrittenElement written;
  Bytes masked;
  std::size_t copied = 0;
  auto element = elements->begin();
  for (std::size_t i = 0; i < parts.size();) {
    while (element != elements->end() && element->end < parts[i].begin + (element->is_quoted ? 0 : 1)) ++element;
    if (element == elements->end()) return false;
    const std::size_t begin = element->begin, end = element->end, quote = element->is_quoted ? 1 : 0;
    std::vector<Part> inside;
    for (; i < parts.size() && parts[i].begin < end + quote; ++i) {
      Part part = parts[i];
      if (quote == 0 && (part.begin < begin || part.end > end)) return false;
      if (!fit_between_quotes(part, begin, end)) return false;
      inside.push_back({part.begin - begin, part.end - begin, part.mask});
    }
    if (inside.empty()) return false;
    const View octets = value.substr(begin, end - begin);
    if (form == Form::text) {
      out.append(value.substr(copied, begin - copied));
      if (!written.append(octets, element->is_quoted, type, std::move(inside), out)) return false;
    } else {
      out.append(value.substr(copied, begin - 4 - copied));
      if (!mask_element(octets, type, form, inside, masked) || masked.size() > kMaxElement) return false;
      base::append_big<std::uint32_t>(out, static_cast<std::uint32_t>(masked.size()));
      out.append(masked);
    }
    copied = end + quote;
    ++element;
  }
  out.append(value.substr(copied));
  return true;
}

/// False: the whole value is to be masked. `out` may hold some octets then.
bool replace_within(View value, std::uint32_t type, Form form, std::span<const Part> parts, Bytes& out) {
  switch (kind_of(type)) {
    case Kind::text:
    case Kind::padded:
      return replace_in_text(value, parts, out);
    case Kind::name:
      return replace_in_name(value, parts, out);
    case Kind::xml:
      return replace_in_xml(value, parts, out);
    case Kind::jsonb:
      if (form == Form::binary) {
        if (value.empty() || value.front() != kJsonbVersion || parts.front().begin == 0) return false;
        std::vector<Part> moved(parts.begin(), parts.end());
        for (Part& part : moved) --part.begin, --part.end;
        out.push_back(kJsonbVersion);
        return replace_in_json(value.substr(1), moved, out);
      }
      [[fallthrough]];
    case Kind::json:
      return replace_in_json(value, parts, out);
    case Kind::other:
      break;
  }
  const std::uint32_t element_type = element_of(type);
  return element_type != 0 && replace_in_array(value, element_type, form, parts, out);
}

/// As mask_parts demands them, and none makes the value NULL.
bool can_replace(View value, std::span<const Part> parts) {
  std::size_t at = 0;
  for (const Part& part : parts) {
    if (part.begin < at || part.end <= part.begin || part.end > value.size()) return false;
    if (part.mask == nullptr || part.mask->way.kind == MaskWay::Kind::null) return false;
    at = part.end;
  }
  return true;
}

}  // namespace

model::Cell mask_value(const model::Cell& value, std::uint32_t type, Form form, const MaskRule& mask, MaskWay way,
                       Bytes& storage) {
  storage.clear();
  if (value.is_null || way.kind == MaskWay::Kind::null) return kNull;
  if (!append_masked(value.octets, type, form, mask, way, storage)) return kNull;
  return {storage, false};
}

model::Cell mask_parts(const model::Cell& value, std::uint32_t type, Form form, const std::vector<Part>& parts,
                       Bytes& storage) {
  storage.clear();
  if (value.is_null || parts.empty()) return value;
  if (!can_replace(value.octets, parts)) return kNull;
  if (replace_within(value.octets, type, form, parts, storage)) return {storage, false};
  const MaskRule& mask = strongest_of(parts);
  return mask_value(value, type, form, mask, mask.way, storage);
}

bool is_text(std::uint32_t type) { return kind_of(type) != Kind::other || element_of(type) != 0; }

}  // namespace sallyport::mask
