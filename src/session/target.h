#pragma once
#include <memory>
#include <string>
#include <vector>

#include "audit/recorder.h"
#include "base/secret.h"
#include "mask/detectors.h"
#include "model/principal.h"
#include "net/stream.h"
#include "net/tls.h"

namespace sallyport::session {

/// How one target is reached, and with which credential. Immutable once the gateway runs; shared between cores.
struct Target {
  model::TargetName name{};
  net::Address address{};
  std::string database{};  // when the client names none
  std::string user{};
  base::Secret password{};
  net::TargetTls tls_mode = net::TargetTls::verify_full;
  std::shared_ptr<const net::ClientTls> tls{};  // null: plain text
  bool allows_md5 = false;                      // the target's configuration says so
  bool allows_clear_text = false;
  audit::Durability durability = audit::Durability::strict;
  std::shared_ptr<const mask::Detectors> credential{};  // finds `password`; null: it is not looked for
};

}  // namespace sallyport::session
