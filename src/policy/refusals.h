#pragma once
#include <string>
#include <vector>

#include "model/principal.h"
#include "model/refusal.h"
#include "policy/matching.h"
#include "policy/rules.h"

/// What a refused client reads: which rule, why, and what to do next. The same text serves every protocol. Pure.
namespace sallyport::policy {

/// The rules that are about one principal on one target, by what they do.
struct Concerned {
  Concerned(const std::vector<Rule>& rules, const model::Principal& principal, const model::TargetName& target);
  std::vector<const Rule*> allows{}, holds{}, denies{};
};

/// "a, b"
void append_name(std::string& list, std::string_view name);

/// " On a, b you may do this: connect there instead."; empty for none.
std::string elsewhere_hint(const std::vector<std::string>& elsewhere);

/// Refused by a built-in rule or before there is a session.
model::Refusal refused(std::string rule, std::string message, const model::Understanding& what, std::string hint);

/// Refused by deny rules. REQUIRES: not empty, all of them met. `elsewhere`: other targets where it would be allowed.
model::Refusal denied(const std::vector<const Rule*>& denies, const Subject& subject,
                      const std::vector<std::string>& elsewhere);

/// Refused because no allow covers it.
model::Refusal not_covered(const Concerned& concerned, const Subject& subject, const model::Principal& principal,
                           const model::TargetName& target, const std::vector<std::string>& elsewhere);

}  // namespace sallyport::policy
