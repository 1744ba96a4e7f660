#pragma once
#include <cstdint>
#include <string>

/// Why a Command, or a whole session, is refused; each codec words it in its protocol's own error form. Pure.
namespace sallyport::model {

struct Refusal {
  enum class Kind : std::uint8_t {
    not_allowed,         // PostgreSQL 42501
    statement_too_long,  // 54000
    bad_encoding,        // 22021
    not_supported,       // 0A000
    protocol_violation,  // 08P01
    authentication,      // 28000
    unknown_target,      // 3D000
    target_unavailable,  // 08006
    too_many_sessions,   // 53300
    trail_unavailable,   // 53100 (disk full), 58030 is not told apart: the client can do nothing about either
    session_ended,       // 57P01
    cancelled,           // 57014: the client itself asked for it while it waited
    internal,            // XX000
  };
  Kind kind = Kind::not_allowed;
  std::string rule{};     // the rule that decided, empty when none did
  std::string message{};  // one line: what was refused and by which rule
  std::string detail{};   // why: effects, relations
  std::string hint{};     // what to do next
};

}  // namespace sallyport::model
