#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/codec.h"
#include "proto/login.h"
#include "session/target.h"

namespace sallyport::session {

/// What a protocol supplies, so that a session knows none. Filled in once, in cmd/gateway; immutable.
struct Protocol {
  std::uint8_t trail_number = 0;  // audit::SessionOpen::protocol
  bool is_tls_required = true;

  std::function<std::unique_ptr<proto::ClientLogin>()> client_login;
  std::function<std::unique_ptr<proto::TargetLogin>(const Target&, const std::string& database,
                                                    const proto::Settings& client_settings)>
      target_login;
  std::function<std::unique_ptr<proto::Codec>()> codec;
  /// What a fresh connection to the target sends to cancel what runs on another one; preceded by `cancel_tls_request`
  /// where the target has TLS (answered by one octet, 'S').
  std::function<base::Bytes(std::uint32_t process, std::uint32_t key)> cancel_request;
  base::Bytes cancel_tls_request{};
  /// One statement as a client would send it, for what the gateway itself asks.
  std::function<base::Bytes(const std::string& text)> query;
  /// The rows inside the frames of a reply to `query`, as text; nullopt is NULL.
  using Rows = std::vector<std::vector<std::optional<std::string>>>;
  std::function<base::Result<Rows>(base::View wire)> rows;
};

}  // namespace sallyport::session
