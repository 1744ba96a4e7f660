#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "model/refusal.h"

/// The two handshakes as conversations without I/O: hand in what arrived, do what comes back. Pure but for the random
/// nonces, which are passed in. One session, one thread.
namespace sallyport::proto {

/// Settings that the client asked for at start-up, in order (PostgreSQL: GUC names and `options` parsed into them).
using Settings = std::vector<std::pair<std::string, std::string>>;

/// The handshake with the client, whose server we are.
///
/// START -> (Send | Secure)* -> Ask -> Identify -> accept() | reject()
///       -> Cancel                                    (no session: a cancel request)
class ClientLogin {
 public:
  struct NeedMore {};  // read more and call resume again
  struct Send {
    base::Bytes octets;
  };  // write, then resume({})
  struct Secure {
    base::Bytes octets;
  };  // write, then begin TLS as the server, then resume({}) on the secured stream
  struct Identify {        // who is it? then call accept() or reject()
    std::string target;    // the Target's name
    std::string database;  // empty: the target's default
    std::string user;      // as the client calls itself: recorded, never trusted
    base::Secret token;
    Settings settings;
  };
  struct Cancel {
    std::uint32_t process;
    std::uint32_t key;
  };
  struct Reject {
    base::Bytes octets;
    model::Refusal reason;
  };  // write (may be empty) and close
  using Action = std::variant<NeedMore, Send, Secure, Identify, Cancel, Reject>;

  virtual ~ClientLogin() = default;
  /// `octets`: what arrived since the last call, may be empty. What is not consumed is kept inside (bounded).
  virtual Action resume(base::View octets) = 0;
  /// TLS stands: from here on the octets are the inner ones. Call before resume({}) after Secure.
  virtual void secured() = 0;
  /// The last words of the login, after the target's own login: AuthenticationOk, parameters, the key, ready.
  virtual base::Bytes accept(const Settings& target_parameters, std::uint32_t process, std::uint32_t key) = 0;
  virtual base::Bytes reject(const model::Refusal& refusal) = 0;
  /// Octets that came behind the login and belong to the codec.
  virtual base::Bytes take_rest() = 0;
};

/// The handshake with the target, whose client we are.
class TargetLogin {
 public:
  struct NeedMore {};
  struct Send {
    base::Bytes octets;
  };
  struct Secure {};  // begin TLS as the client, call secured(), then resume({})
  struct Done {
    Settings parameters;                 // as the target reported them, in order
    std::uint32_t process = 0, key = 0;  // for cancel; `process` also joins the target's own log
    base::Bytes rest;                    // octets that belong to the codec
  };
  struct Failed {
    model::Refusal reason;
    base::Bytes target_error;  // the target's own error frame when it may be shown to the client as it is; else empty
  };
  using Action = std::variant<NeedMore, Send, Secure, Done, Failed>;

  virtual ~TargetLogin() = default;
  virtual Action resume(base::View octets) = 0;
  /// `server_certificate_hash`: the channel binding data of RFC 5929 tls-server-end-point; empty when there is none.
  virtual void secured(base::Bytes server_certificate_hash) = 0;
};

}  // namespace sallyport::proto
