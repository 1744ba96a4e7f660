#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

#include "net/plain_stream.h"

namespace sallyport::net {
namespace {

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using Ssl = std::unique_ptr<SSL, FreeSsl>;

/// OpenSSL on the socket itself, without boost::asio::ssl::stream between them: that one keeps 68 KiB of buffers for as
/// long as it lives, OpenSSL gives its own back whenever a stream is idle (SSL_MODE_RELEASE_BUFFERS).
class TlsStream final : public Stream {
 public:
  /// REQUIRES: `socket` does not block (prepare_socket). `keeps`: the context that `ssl` was made of.
  TlsStream(asio::ip::tcp::socket socket, Ssl ssl, std::shared_ptr<const void> keeps)
      : keeps_(std::move(keeps)), socket_(std::move(socket)), ssl_(std::move(ssl)) {
    if (SSL_set_fd(ssl_.get(), socket_.native_handle()) != 1) throw boost::system::system_error(asio::error::no_memory);
  }

  SSL* ssl() { return ssl_.get(); }

  /// `step`: SSL_accept or SSL_connect.
  Task<void> handshake(int (*step)(SSL*)) {
    for (;;) {
      ERR_clear_error();
      const int result = step(ssl_.get());
      if (result == 1) co_return;
      co_await until_ready(outcome_of(result));
    }
  }

  Task<std::size_t> read_some(asio::mutable_buffer buffer) override {
    for (;;) {
      ERR_clear_error();
      std::size_t count = 0;
      const int result = SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &count);
      if (result == 1) co_return count;
      const Outcome outcome = outcome_of(result);
      // A peer that closes without close_notify is an end too: every protocol here frames its own messages.
      if (outcome.is_end) co_return 0;
      co_await until_ready(outcome);
    }
  }

  Task<void> write(base::View octets) override {
    while (!octets.empty()) {
      ERR_clear_error();
      std::size_t count = 0;
      const int result = SSL_write_ex(ssl_.get(), octets.data(), octets.size(), &count);
      if (result == 1) {
        octets.remove_prefix(count);
        continue;
      }
      co_await until_ready(outcome_of(result));
    }
  }

  std::size_t try_write(base::View octets) override {
    std::size_t written = 0;
    while (written < octets.size()) {
      ERR_clear_error();
      std::size_t count = 0;
      // What OpenSSL has encrypted and could not send it wants to be given again: write() begins with the same octets.
      if (SSL_write_ex(ssl_.get(), octets.data() + written, octets.size() - written, &count) != 1) break;
      written += count;
    }
    return written;
  }

  Task<void> finish() override {
    // One close_notify out; not waiting for the peer's, which may never come.
    ERR_clear_error();
    static_cast<void>(SSL_shutdown(ssl_.get()));
    boost::system::error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    co_return;
  }

  void close() override {
    // The number may soon be another session's socket: OpenSSL must forget it too.
    BIO_set_fd(SSL_get_rbio(ssl_.get()), -1, BIO_NOCLOSE);
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

  bool is_abandoned() override { return is_peer_gone(socket_.native_handle()); }

 private:
  /// Why a call of OpenSSL did not do its work.
  struct Outcome {
    enum class Wants : std::uint8_t { nothing, to_read, to_write } wants = Wants::nothing;
    bool is_end = false;
    boost::system::error_code error{};
  };

  Outcome outcome_of(int result) const {
    const int system_error = errno;
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return {.wants = Outcome::Wants::to_read};
      case SSL_ERROR_WANT_WRITE:
        return {.wants = Outcome::Wants::to_write};
      case SSL_ERROR_ZERO_RETURN:
        return {.is_end = true, .error = asio::error::eof};
      case SSL_ERROR_SYSCALL:
        if (ERR_peek_error() == 0 && system_error == 0) return {.is_end = true, .error = asio::error::eof};
        if (ERR_peek_error() == 0) return {.error = {system_error, boost::system::system_category()}};
        break;
      default:
        break;
    }
    return {.error = {static_cast<int>(ERR_get_error()), asio::error::get_ssl_category()}};
  }

  /// Throws what is no reason to wait.
  Task<void> until_ready(Outcome outcome) {
    if (outcome.wants == Outcome::Wants::nothing) throw boost::system::system_error(outcome.error);
    const auto what =
        outcome.wants == Outcome::Wants::to_read ? asio::socket_base::wait_read : asio::socket_base::wait_write;
    co_await socket_.async_wait(what, asio::use_awaitable);
  }

  std::shared_ptr<const void> keeps_;  // the context outlives the stream
  asio::ip::tcp::socket socket_;
  Ssl ssl_;
};

asio::ip::tcp::socket take_socket(Stream& plain) {
  auto socket = plain.release();
  if (!socket) throw std::logic_error("TLS begins on a plain stream only");
  return std::move(*socket);
}

Ssl make_ssl(asio::ssl::context& context) {
  Ssl ssl(SSL_new(context.native_handle()));
  if (!ssl) throw boost::system::system_error(asio::error::no_memory);
  return ssl;
}

/// What both sides want of OpenSSL.
void prepare_context(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // A record's head and body in one read.
  SSL_CTX_set_read_ahead(context, 1);
  // Nobody resumes: sessions last, and each one's memory counts.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

std::string openssl_reason() {
  char text[256] = "unknown reason";
  if (const auto code = ERR_get_error(); code != 0) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return text;
}

}  // namespace

ServerTls::ServerTls() : context_(std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server)) {}
ServerTls::~ServerTls() = default;
ClientTls::ClientTls() : context_(std::make_unique<asio::ssl::context>(asio::ssl::context::tls_client)) {}
ClientTls::~ClientTls() = default;

base::Result<std::shared_ptr<const ServerTls>> ServerTls::load(const std::string& certificate, const std::string& key) {
  std::shared_ptr<ServerTls> out(new ServerTls);
  SSL_CTX* const context = out->context_->native_handle();
  prepare_context(context);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1)
    return base::fail(base::Code::unavailable, "cannot use the certificate " + certificate + ": " + openssl_reason(),
                      "it must be a readable PEM chain, the server's own certificate first");
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1)
    return base::fail(base::Code::unavailable, "cannot use the key " + key + ": " + openssl_reason(),
                      "it must be the readable PEM key of " + certificate);
  return out;
}

base::Result<std::shared_ptr<const ClientTls>> ClientTls::load(TargetTls mode, const std::string& ca,
                                                               std::string host) {
  std::shared_ptr<ClientTls> out(new ClientTls);
  out->mode_ = mode;
  out->host_ = std::move(host);
  SSL_CTX* const context = out->context_->native_handle();
  prepare_context(context);
  if (mode == TargetTls::verify_ca || mode == TargetTls::verify_full) {
    const int loaded = ca.empty() ? SSL_CTX_set_default_verify_paths(context)
                                  : SSL_CTX_load_verify_locations(context, ca.c_str(), nullptr);
    if (loaded != 1)
      return base::fail(base::Code::unavailable, "cannot use the certificates in " + ca + ": " + openssl_reason(),
                        "'ca' must be a readable PEM file");
  }
  return out;
}

struct ClientTlsAccess {
  static Ssl make(const ClientTls& tls) {
    Ssl made = make_ssl(*tls.context_);
    SSL* const ssl = made.get();
    if (tls.mode_ == TargetTls::verify_ca || tls.mode_ == TargetTls::verify_full) {
      SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
      if (tls.mode_ == TargetTls::verify_full) {
        // An IP literal is matched against the certificate's addresses, a name against its names (RFC 6125).
        X509_VERIFY_PARAM* const parameters = SSL_get0_param(ssl);
        if (X509_VERIFY_PARAM_set1_ip_asc(parameters, tls.host_.c_str()) != 1) {
          X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
          X509_VERIFY_PARAM_set1_host(parameters, tls.host_.c_str(), 0);
        }
      }
    }
    boost::system::error_code not_an_address;
    asio::ip::make_address(tls.host_, not_an_address);
    if (not_an_address) SSL_set_tlsext_host_name(ssl, tls.host_.c_str());
    return made;
  }
};

Task<std::unique_ptr<Stream>> accept_tls(std::unique_ptr<Stream> plain, std::shared_ptr<const ServerTls> tls) {
  Ssl ssl = make_ssl(*tls->context_);
  auto stream = std::make_unique<TlsStream>(take_socket(*plain), std::move(ssl), std::move(tls));
  co_await stream->handshake(SSL_accept);
  co_return stream;
}

Task<Secured> connect_tls(std::unique_ptr<Stream> plain, std::shared_ptr<const ClientTls> tls) {
  Ssl ssl = ClientTlsAccess::make(*tls);
  auto stream = std::make_unique<TlsStream>(take_socket(*plain), std::move(ssl), std::move(tls));
  co_await stream->handshake(SSL_connect);

  Secured out;
  // RFC 5929 4.1: the hash of the certificate's signature, but SHA-256 where that is MD5 or SHA-1.
  if (X509* const certificate = SSL_get0_peer_certificate(stream->ssl()); certificate != nullptr) {
    int digest_id = NID_undef;
    if (X509_get_signature_info(certificate, &digest_id, nullptr, nullptr, nullptr) == 1 && digest_id != NID_undef) {
      if (digest_id == NID_md5 || digest_id == NID_sha1) digest_id = NID_sha256;
      unsigned char hash[EVP_MAX_MD_SIZE];
      unsigned int size = 0;
      const EVP_MD* const method = EVP_get_digestbynid(digest_id);
      if (method != nullptr && X509_digest(certificate, method, hash, &size) == 1)
        out.certificate_hash.assign(reinterpret_cast<const char*>(hash), size);
    }
  }
  out.stream = std::move(stream);
  co_return out;
}

}  // namespace sallyport::net
