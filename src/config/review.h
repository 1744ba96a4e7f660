#pragma once
#include <string>
#include <vector>

#include "config/config.h"

/// What the rules of a configuration come to: for each principal and target, and what in them is likely to be a
/// mistake. For `check`. Pure.
namespace sallyport::config {

/// What one rule means to one principal.
struct Clause {
  std::string rule{};
  std::string what{};                    // in words
  std::string message{};                 // of a deny
  std::vector<std::string> approvers{};  // of a hold: who of the configuration's people can approve for this principal
  HoldOptions hold{};
};

struct Entitlement {
  std::string principal{};
  std::string target{};
  std::vector<Clause> allowed{}, held{}, denied{};
  bool only_reads = false;  // sessions are read-only at the target
};

struct Review {
  std::vector<Entitlement> entitlements{};  // principals in the order of the file, then targets
  std::vector<std::string> warnings{};
};

Review review(const Config& config);
/// One line each.
std::vector<std::string> to_lines(const Entitlement& entitlement);

}  // namespace sallyport::config
