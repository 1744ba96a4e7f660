#pragma once
#include <expected>
#include <string>
#include <utility>

/// Errors below the pure line are values (house rule 8).
namespace sallyport::base {

enum class Code {
  malformed,    // the bytes or the text do not follow their specification
  limit,        // a limit that was set at construction is exceeded
  unsupported,  // well formed, and refused because we do not know or do not allow it
  denied,       // the credential or the rule says no
  unavailable,  // the other side, the disk or the clock failed
  corrupt,      // stored data contradicts itself
  internal,     // a bug of ours
};

/// `message` says what happened, `hint` what to do about it (may be empty). Neither holds a secret.
struct Error {
  Code code = Code::internal;
  std::string message;
  std::string hint{};
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Code code, std::string message, std::string hint = {}) {
  return std::unexpected(Error{code, std::move(message), std::move(hint)});
}

}  // namespace sallyport::base
