#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "model/effects.h"
#include "model/principal.h"
#include "policy/pattern.h"

/// A rule as the configuration states it (DESIGN.md section 6). Plain data. Pure.
/// Every field that is stated must match; an empty list or nullopt is a field that is not stated.
namespace sallyport::policy {

struct Rule {
  /// Any of each list.
  struct Who {
    std::vector<std::string> principals{};
    std::vector<std::string> groups{};
    std::vector<model::PrincipalKind> kinds{};
  };
  /// Any of `targets`; all of `labels`.
  struct On {
    std::vector<std::string> targets{};
    std::vector<std::pair<std::string, std::string>> labels{};
  };
  struct If {
    /// Not stated in an allow: every effect but privilege, server and unknown, which must be named.
    std::optional<model::EffectSet> effects{};
    std::vector<std::string> statements{};  // kinds, "DROP TABLE"; case does not matter
    /// Globs over schema.table, `*` for any run of characters; without a dot the schema is any.
    std::vector<std::string> relations{};
    /// In a deny or hold true: some statement changes a whole table. In an allow false: none does.
    std::optional<bool> missing_where{};
    /// In a deny or hold: some text of the Command, its own or one that it stands for, has a match anywhere in it. In
    /// an allow: each of these texts is matched as a whole by one of them; a Command without a text never is.
    std::vector<Pattern> patterns{};
    /// Globs over schema.table.column; with one part less the schema is any, with two the table, too. In a deny or
    /// hold: a WHERE, ON, HAVING … may look at such a column. In an allow: each mention of a relation whose rows are
    /// read or written has one that the WHERE sets equal to constants or parameters.
    std::vector<std::string> filters_on{};
  };

  struct Allow {};
  struct Deny {
    std::string message{};
  };
  struct HoldFor {
    std::vector<std::string> approver_groups{}, approver_principals{};  // any of either may approve
    int count = 1;
    std::chrono::seconds timeout = std::chrono::minutes(15);
    std::chrono::seconds in_transaction_timeout = std::chrono::minutes(1);
  };
  using Then = std::variant<Allow, Deny, HoldFor>;

  std::string name{};
  Who who{};
  On on{};
  If if_{};
  Then then = Deny{};
};

/// True when `text` matches `glob` (`*` any run, also an empty one; `?` one octet). Linear in the text for each `*`.
bool glob_matches(std::string_view glob, std::string_view text);

}  // namespace sallyport::policy
