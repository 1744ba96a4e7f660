#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace re2 {
class RE2;
}

namespace sallyport::policy {

/// A regular expression over the text of a command, in the syntax of RE2: it takes time linear in the text, whatever
/// the expression. Case matters, unless it begins with (?i); `.` matches a line's end, too. Immutable, copies share it;
/// any thread. Pure.
class Pattern {
 public:
  /// The error says what is wrong with the expression.
  static base::Result<Pattern> compile(const std::string& expression);

  bool is_found_in(std::string_view text) const;
  /// The text from its beginning to its end, blanks around it and one semicolon at the end aside.
  bool matches_whole(std::string_view text) const;
  const std::string& expression() const;

 private:
  explicit Pattern(std::shared_ptr<const re2::RE2> compiled) : compiled_(std::move(compiled)) {}
  std::shared_ptr<const re2::RE2> compiled_;
};

}  // namespace sallyport::policy
