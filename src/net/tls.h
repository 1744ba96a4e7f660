#pragma once
#include <memory>
#include <string>

#include "net/stream.h"

namespace boost::asio::ssl {
class context;
}

namespace sallyport::net {

/// How much of the target's certificate is believed; the words of libpq's sslmode.
enum class TargetTls : std::uint8_t { disable, require, verify_ca, verify_full };

/// Our side as a server: a certificate chain and its key. Shared by all sessions of a listener, immutable.
class ServerTls {
 public:
  /// TLS 1.2 or newer. The error names the file.
  static base::Result<std::shared_ptr<const ServerTls>> load(const std::string& certificate, const std::string& key);
  ~ServerTls();

 private:
  friend Task<std::unique_ptr<Stream>> accept_tls(std::unique_ptr<Stream>, std::shared_ptr<const ServerTls>);
  ServerTls();
  std::unique_ptr<asio::ssl::context> context_;
};

/// Our side as a client of one target. Shared by all its sessions, immutable.
class ClientTls {
 public:
  /// `ca`: file of trusted certificates; empty: the system's.
  static base::Result<std::shared_ptr<const ClientTls>> load(TargetTls mode, const std::string& ca, std::string host);
  ~ClientTls();

 private:
  friend struct ClientTlsAccess;
  ClientTls();
  std::unique_ptr<asio::ssl::context> context_;
  TargetTls mode_ = TargetTls::verify_full;
  std::string host_;
};

/// Both take a plain stream over and throw boost::system::system_error.
Task<std::unique_ptr<Stream>> accept_tls(std::unique_ptr<Stream> plain, std::shared_ptr<const ServerTls> tls);

struct Secured {
  std::unique_ptr<Stream> stream;
  base::Bytes certificate_hash;  // RFC 5929 tls-server-end-point; empty when the signature has no usable hash
};
Task<Secured> connect_tls(std::unique_ptr<Stream> plain, std::shared_ptr<const ClientTls> tls);

}  // namespace sallyport::net
