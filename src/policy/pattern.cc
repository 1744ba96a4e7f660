#include "policy/pattern.h"

#include <re2/re2.h>

#include <algorithm>
#include <utility>

namespace sallyport::policy {
namespace {

constexpr int kMaxMemory = 4 << 20;  // octets of one compiled expression and its automaton

constexpr auto kBlanks = " \t\r\n\f\v";

std::string_view without_blanks_behind(std::string_view text) {
  const auto last = text.find_last_not_of(kBlanks);
  return last == std::string_view::npos ? std::string_view{} : text.substr(0, last + 1);
}

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

base::Result<Pattern> Pattern::compile(const std::string& expression) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  options.set_max_mem(kMaxMemory);
  auto compiled = std::make_shared<const re2::RE2>(expression, options);
  if (!compiled->ok()) {
    return std::unexpected(
        base::Error{.message = compiled->error(), .hint = "the syntax is RE2's: no look-around, no back references"});
  }
  return Pattern(std::move(compiled));
}

bool Pattern::is_found_in(std::string_view text) const { return re2::RE2::PartialMatch(piece(text), *compiled_); }

bool Pattern::matches_whole(std::string_view text) const {
  text = without_blanks_behind(text);
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  if (text.ends_with(';')) text = without_blanks_behind(text.substr(0, text.size() - 1));
  return re2::RE2::FullMatch(piece(text), *compiled_);
}

const std::string& Pattern::expression() const { return compiled_->pattern(); }

}  // namespace sallyport::policy
