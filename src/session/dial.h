#pragma once
#include <memory>

#include "model/refusal.h"
#include "session/protocol.h"
#include "session/target.h"

namespace sallyport::session {

/// A target that let us in.
struct Dialled {
  std::unique_ptr<net::Stream> stream;
  proto::TargetLogin::Done login;
};

/// Thrown by dial(): why there is no session with the target.
struct TargetFailed {
  model::Refusal reason;
  base::Bytes target_error;  // the target's own error frame, when the client may see it
};

/// Connects and logs in with the target's credential. Throws TargetFailed only. What is pointed at outlives the
/// gateway's sessions.
net::Task<Dialled> dial(const Target* target, const Protocol* protocol, std::string database,
                        proto::Settings client_settings);

/// Connects once more only to cancel what runs on the session with that pair. Best effort: throws nothing.
net::Task<> dial_cancel(const Target* target, const Protocol* protocol, std::uint32_t process, std::uint32_t key);

}  // namespace sallyport::session
