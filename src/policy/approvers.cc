#include "policy/approvers.h"

#include <algorithm>

namespace sallyport::policy {

bool is_among(const Demand& demand, const model::Principal& approver) {
  if (std::ranges::find(demand.principals, approver.name) != demand.principals.end()) return true;
  return std::ranges::any_of(demand.groups, [&](const auto& group) {
    return std::ranges::find(approver.groups, group) != approver.groups.end();
  });
}

std::string people_of(const Demand& demand) {
  std::string people;
  const auto add = [&](const std::string& word) { people += (people.empty() ? "" : " or ") + word; };
  for (const auto& group : demand.groups) add("group " + group);
  for (const auto& principal : demand.principals) add(principal);
  return people;
}

std::optional<std::string> why_no_approver(const model::Principal& requester, const model::Principal& approver) {
  if (approver.kind != model::PrincipalKind::human)
    return approver.name + " is " + (approver.kind == model::PrincipalKind::agent ? "an agent" : "a service") +
           ": only people approve";
  // Somebody else's mouth: a human who acts for the requester is the requester's tool.
  if (std::ranges::find(approver.act, requester.name) != approver.act.end())
    return approver.name + " acts on behalf of " + requester.name + ", who asked for this";
  if (approver.name == requester.name) return approver.name + " asked for this: nobody approves their own request";
  if (approver.name == requester.owner)
    return approver.name + " answers for " + requester.name + ": an owner counts as the requester";
  if (std::ranges::find(requester.act, approver.name) != requester.act.end())
    return requester.name + " acts on behalf of " + approver.name + ", who therefore counts as the requester";
  return std::nullopt;
}

}  // namespace sallyport::policy
