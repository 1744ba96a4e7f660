#pragma once
#include <optional>
#include <string>

#include "model/principal.h"
#include "policy/verdict.h"

/// Who may say yes to what another one asked (DESIGN.md section 6, Holds). Pure.
namespace sallyport::policy {

/// Does the Demand count this one's approval? Groups and names only; asked_for_it() is another question.
bool is_among(const Demand& demand, const model::Principal& approver);

/// "group dba or group owners or mo"
std::string people_of(const Demand& demand);

/// Why this one can approve nothing of the requester's, whatever the rules say; nullopt: nothing stands against it.
/// The requester is whoever asked, the human who answers for an agent, and everyone it acts for. Only people approve.
std::optional<std::string> why_no_approver(const model::Principal& requester, const model::Principal& approver);

}  // namespace sallyport::policy
