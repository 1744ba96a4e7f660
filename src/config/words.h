#pragma once
#include <chrono>
#include <string>

#include "config/config.h"

/// The parts of a rule or a mask in words, for what `check` prints. Pure.
namespace sallyport::config {

std::string who_of(const RuleOptions& rule);
std::string on_of(const policy::Rule::On& on);
std::string what_of(const RuleOptions& rule);
/// "1 of dana, group dba approves, within 15m, inside a transaction 1m"
std::string approval_of(const HoldOptions& hold);
/// "columns public.customers.email, *.ssn", "what jwt, iban find"
std::string what_of(const policy::MaskRule& mask);
/// "redact", "null", "keep_last 4"
std::string name_of(policy::MaskWay way);
std::string to_text(std::chrono::milliseconds time);

}  // namespace sallyport::config
