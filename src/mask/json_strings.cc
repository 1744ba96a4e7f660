#include "mask/json_strings.h"

#include <cstdint>

namespace sallyport::mask {
namespace {

using base::View;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

/// Takes tokens from the front of a text.
class Scan {
 public:
  Scan(View text, std::vector<JsonString>* strings) : text_(text), strings_(strings) {}

  bool is_at_end() const { return at_ == text_.size(); }
  void skip_space() {
    while (at_ < text_.size() && View(" \t\n\r").find(text_[at_]) != View::npos) ++at_;
  }
  bool takes(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool string() {
    if (!takes('"')) return false;
    const std::size_t begin = at_;
    for (; at_ < text_.size(); ++at_) {
      const auto octet = static_cast<unsigned char>(text_[at_]);
      if (octet < 0x20) return false;
      if (octet == '\\' && !escape()) return false;
      if (octet != '"') continue;
      if (strings_ != nullptr) strings_->push_back({begin, at_});
      ++at_;
      return true;
    }
    return false;
  }
  bool key() {
    skip_space();
    if (!string()) return false;
    skip_space();
    return takes(':');
  }
  /// A value that holds no other.
  bool scalar() {
    if (at_ >= text_.size()) return false;
    switch (text_[at_]) {
      case '"':
        return string();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }

 private:
  /// Leaves `at_` on the last octet of the escape.
  bool escape() {
    if (++at_ >= text_.size()) return false;
    if (text_[at_] != 'u') return View("\"\\/bfnrt").find(text_[at_]) != View::npos;
    for (int i = 0; i < 4; ++i) {
      if (++at_ >= text_.size() || !is_hex(text_[at_])) return false;
    }
    return true;
  }
  bool word(View expected) {
    if (!text_.substr(at_).starts_with(expected)) return false;
    at_ += expected.size();
    return true;
  }
  bool digits() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    return at_ > begin;
  }
  bool number() {
    takes('-');
    if (!takes('0') && !digits()) return false;
    if (takes('.') && !digits()) return false;
    if (!takes('e') && !takes('E')) return true;
    if (!takes('+')) takes('-');
    return digits();
  }

  View text_;
  std::vector<JsonString>* strings_;
  std::size_t at_ = 0;
};

std::uint32_t code_unit(View text, std::size_t at) {
  std::uint32_t value = 0;
  for (const char c : text.substr(at + 2, 4))
    value = value << 4 | static_cast<std::uint32_t>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
  return value;
}

bool is_unit_between(View text, std::size_t at, std::uint32_t low, std::uint32_t high) {
  if (text.size() < at + 6 || text[at] != '\\' || text[at + 1] != 'u') return false;
  const std::uint32_t unit = code_unit(text, at);
  return unit >= low && unit <= high;
}

}  // namespace

bool read_json(View text, std::vector<JsonString>* strings) {
  if (!base::is_utf8_without_nul(text)) return false;
  Scan scan(text, strings);
  std::vector<bool> open;  // what is not closed yet; true: an object. On the heap, so that depth costs no stack.
  for (;;) {
    scan.skip_space();
    if (scan.takes('{')) {
      scan.skip_space();
      if (!scan.takes('}')) {
        if (!scan.key()) return false;
        open.push_back(true);
        continue;
      }
    } else if (scan.takes('[')) {
      scan.skip_space();
      if (!scan.takes(']')) {
        open.push_back(false);
        continue;
      }
    } else if (!scan.scalar()) {
      return false;
    }
    // A value ended here, and perhaps those around it.
    for (;;) {
      scan.skip_space();
      if (open.empty()) return scan.is_at_end();
      if (scan.takes(',')) {
        if (open.back() && !scan.key()) return false;
        break;
      }
      if (!scan.takes(open.back() ? '}' : ']')) return false;
      open.pop_back();
    }
  }
}

std::size_t json_character(View text, std::size_t at) {
  if (text[at] != '\\') return utf8_character(text, at);
  if (text[at + 1] != 'u') return 2;
  return is_unit_between(text, at, 0xd800, 0xdbff) && is_unit_between(text, at + 6, 0xdc00, 0xdfff) ? 12 : 6;
}

std::size_t utf8_character(View text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

}  // namespace sallyport::mask
