#include "approval/shown_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

#include "base/utf8.h"

namespace sallyport::approval {
namespace {

struct Range {
  std::uint32_t first, last;
};
template <std::size_t N>
bool is_in(const std::array<Range, N>& ranges, std::uint32_t c) {
  for (const Range& range : ranges)
    if (c >= range.first && c <= range.last) return true;
  return false;
}

bool is_control(std::uint32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }

/// Unicode's Default_Ignorable_Code_Point, Bidi_Control and White_Space but the blank, and what is for private use or
/// no character at all.
constexpr std::array<Range, 24> kInvisible{{
    {0x00A0, 0x00A0}, {0x00AD, 0x00AD}, {0x034F, 0x034F},   {0x061C, 0x061C},   {0x115F, 0x1160},   {0x1680, 0x1680},
    {0x17B4, 0x17B5}, {0x180B, 0x180F}, {0x2000, 0x200F},   {0x2028, 0x202F},   {0x205F, 0x206F},   {0x2800, 0x2800},
    {0x3000, 0x3000}, {0x3164, 0x3164}, {0xE000, 0xF8FF},   {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},
    {0xFFF0, 0xFFFB}, {0xFFFE, 0xFFFF}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF}, {0xF0000, 0x10FFFF},
}};

/// Scripts whose letters are taken for one another's.
enum class Script { none, latin, greek, cyrillic, armenian, cherokee, fullwidth, mathematical };
Script script_of(std::uint32_t c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0x24F && c != 0xD7 && c != 0xF7) ||
      (c >= 0x1E00 && c <= 0x1EFF))
    return Script::latin;
  if ((c >= 0x370 && c <= 0x3FF) || (c >= 0x1F00 && c <= 0x1FFF)) return Script::greek;
  if ((c >= 0x400 && c <= 0x52F) || (c >= 0x1C80 && c <= 0x1C8F) || (c >= 0x2DE0 && c <= 0x2DFF) ||
      (c >= 0xA640 && c <= 0xA69F))
    return Script::cyrillic;
  if (c >= 0x530 && c <= 0x58F) return Script::armenian;
  if ((c >= 0x13A0 && c <= 0x13FF) || (c >= 0xAB70 && c <= 0xABBF)) return Script::cherokee;
  if (c >= 0xFF01 && c <= 0xFF5E) return Script::fullwidth;
  if ((c >= 0x2100 && c <= 0x214F) || (c >= 0x1D400 && c <= 0x1D7FF)) return Script::mathematical;
  return Script::none;
}

template <class T>
T load(base::View octets) {
  return base::load_big<T>(octets.data());
}

std::string hexadecimal(base::View octets) { return "\\x" + base::to_hex(octets); }

std::string uuid_text(base::View octets) {
  const std::string hex = base::to_hex(octets);
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
         hex.substr(20);
}

struct Type {
  std::uint32_t oid;
  std::string_view name;
};
// pg_type.dat; the types that drivers send.
constexpr std::array<Type, 24> kTypes{{
    {16, "bool"},      {17, "bytea"},     {18, "char"},    {19, "name"},        {20, "int8"},
    {21, "int2"},      {23, "int4"},      {25, "text"},    {26, "oid"},         {114, "json"},
    {142, "xml"},      {700, "float4"},   {701, "float8"}, {790, "money"},      {869, "inet"},
    {1042, "bpchar"},  {1043, "varchar"}, {1082, "date"},  {1114, "timestamp"}, {1184, "timestamptz"},
    {1700, "numeric"}, {2950, "uuid"},    {3802, "jsonb"}, {705, "unknown"},
}};

bool is_textual(std::uint32_t type) {
  constexpr std::array<std::uint32_t, 8> kTextual{18, 19, 25, 114, 142, 705, 1042, 1043};
  for (const auto each : kTextual)
    if (each == type) return true;
  return false;
}

}  // namespace

std::string shown_text(base::View text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto [c, length] = base::first_code_point(text);
    if (length == 0)
      out += fmt::format("\\x{{{:02X}}}", c);
    else if (c != '\n' && c != '\t' && (is_control(c) || is_in(kInvisible, c)))
      out += fmt::format("\\u{{{:04X}}}", c);
    else
      out += text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

std::vector<std::string> oddities(base::View text) {
  bool has_control = false, has_invisible = false, is_broken = false;
  std::string mixed, word;
  Script script = Script::none;
  bool is_mixed = false;
  const auto end_word = [&] {
    if (is_mixed && mixed.empty()) mixed = word;
    word.clear();
    script = Script::none;
    is_mixed = false;
  };
  while (!text.empty()) {
    const auto [c, length] = base::first_code_point(text);
    const bool is_character = length != 0;
    is_broken = is_broken || !is_character;
    has_control = has_control || (is_character && is_control(c) && c != '\n' && c != '\t' && c != '\r');
    has_invisible = has_invisible || (is_character && is_in(kInvisible, c));
    const Script own = is_character ? script_of(c) : Script::none;
    if (is_character && (own != Script::none || c == '_' || (c >= '0' && c <= '9') || c > 0xBF)) {
      word += text.substr(0, length);
      // Letters that only imitate Latin ones are odd without any Latin beside them.
      is_mixed = is_mixed || own == Script::fullwidth || own == Script::mathematical ||
                 (own != Script::none && script != Script::none && own != script);
      if (own != Script::none) script = own;
    } else {
      end_word();
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  end_word();
  std::vector<std::string> out;
  if (is_broken) out.emplace_back("not UTF-8");
  if (has_control) out.emplace_back("control characters");
  if (has_invisible) out.emplace_back("invisible or bidirectional characters");
  if (!mixed.empty()) out.push_back("scripts mixed in one word: " + shown_text(mixed));
  return out;
}

std::string type_name(std::uint32_t oid) {
  if (oid == 0) return "unknown";
  for (const Type& type : kTypes)
    if (type.oid == oid) return std::string(type.name);
  return fmt::format("type {}", oid);
}

std::string shown_value(const model::Parameter& parameter) {
  if (parameter.is_null) return "NULL";
  const base::View octets = parameter.octets;
  if (!parameter.is_binary || is_textual(parameter.type)) return shown_text(octets);
  switch (parameter.type) {
    case 16:
      if (octets.size() == 1) return octets[0] != 0 ? "true" : "false";
      break;
    case 20:
      if (octets.size() == 8) return fmt::format("{}", load<std::int64_t>(octets));
      break;
    case 21:
      if (octets.size() == 2) return fmt::format("{}", load<std::int16_t>(octets));
      break;
    case 23:
      if (octets.size() == 4) return fmt::format("{}", load<std::int32_t>(octets));
      break;
    case 26:
      if (octets.size() == 4) return fmt::format("{}", load<std::uint32_t>(octets));
      break;
    case 700:
      if (octets.size() == 4) return fmt::format("{}", std::bit_cast<float>(load<std::uint32_t>(octets)));
      break;
    case 701:
      if (octets.size() == 8) return fmt::format("{}", std::bit_cast<double>(load<std::uint64_t>(octets)));
      break;
    case 2950:
      if (octets.size() == 16) return uuid_text(octets);
      break;
    case 3802:  // a version octet, then text
      if (!octets.empty() && octets[0] == 1) return shown_text(octets.substr(1));
      break;
    default:
      break;
  }
  return hexadecimal(octets);
}

}  // namespace sallyport::approval
