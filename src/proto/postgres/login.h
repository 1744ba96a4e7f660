#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/secret.h"
#include "proto/login.h"

/// PostgreSQL's two handshakes (manual 55.2.1, 55.3, 55.7, 55.10). Pure; one session, one thread.
namespace sallyport::proto::postgres {

class ScramKeys;

enum class ClientTls : std::uint8_t {
  required,  // a token is asked for inside TLS only
  offered,   // for tests and loopback: TLS when the client asks for it
  none,      // an `insecure` listener: the client is told that there is no TLS
};

struct ClientLoginOptions {
  ClientTls tls = ClientTls::required;
};
std::unique_ptr<ClientLogin> make_client_login(ClientLoginOptions options);

enum class TargetTls : std::uint8_t { disable, require, verify_ca, verify_full };

/// How the gateway may show its credential to the target.
struct AllowedMethods {
  bool scram = true;       // SCRAM-SHA-256 and -PLUS
  bool md5 = false;        // a captured answer can be used for an attack on the password
  bool cleartext = false;  // the target, or whoever stands in its place, learns the password
};

struct TargetLoginOptions {
  std::string user{};
  std::string database{};
  base::Secret password{};
  /// Sent after ours; client_encoding and standard_conforming_strings are always ours.
  Settings settings{};
  TargetTls tls = TargetTls::verify_full;
  AllowedMethods allowed{};
  /// Random octets for SCRAM, at least 18, never used twice.
  base::Bytes nonce{};
  /// Where SCRAM's keys are kept from login to login; outlives the login, same thread. Null: nowhere.
  ScramKeys* keys = nullptr;
};
std::unique_ptr<TargetLogin> make_target_login(TargetLoginOptions options);

}  // namespace sallyport::proto::postgres
