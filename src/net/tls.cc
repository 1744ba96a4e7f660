#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "net/plain_stream.h"

namespace sallyport::net {
namespace {

using SslStream = asio::ssl::stream<asio::ip::tcp::socket>;

class TlsStream final : public Stream {
 public:
  explicit TlsStream(SslStream stream, std::shared_ptr<const void> keeps)
      : keeps_(std::move(keeps)), stream_(std::move(stream)) {}

  Task<std::size_t> read_some(asio::mutable_buffer buffer) override {
    const auto [error, count] = co_await stream_.async_read_some(buffer, asio::as_tuple(asio::use_awaitable));
    // A peer that closes without close_notify is an end too: every protocol here frames its own messages.
    if (error == asio::error::eof || error == asio::ssl::error::stream_truncated) co_return 0;
    if (error) throw boost::system::system_error(error);
    co_return count;
  }

  Task<void> write(base::View octets) override {
    co_await asio::async_write(stream_, asio::buffer(octets.data(), octets.size()), asio::use_awaitable);
  }

  std::size_t try_write(base::View) override { return 0; }  // the record layer is not ours to interrupt

  Task<void> finish() override {
    // One close_notify out; not waiting for the peer's, which may never come.
    SSL_set_quiet_shutdown(stream_.native_handle(), 0);
    boost::system::error_code ignored;
    stream_.next_layer().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    co_return;
  }

  void close() override {
    boost::system::error_code ignored;
    stream_.next_layer().close(ignored);
  }

  bool is_abandoned() override { return is_peer_gone(stream_.next_layer().native_handle()); }

 private:
  std::shared_ptr<const void> keeps_;  // the context outlives the stream
  SslStream stream_;
};

asio::ip::tcp::socket take_socket(Stream& plain) {
  auto socket = plain.release();
  if (!socket) throw std::logic_error("TLS begins on a plain stream only");
  return std::move(*socket);
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
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
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
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
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
  static SslStream make(asio::ip::tcp::socket socket, const ClientTls& tls) {
    SslStream stream(std::move(socket), *tls.context_);
    SSL* const ssl = stream.native_handle();
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
    return stream;
  }
};

Task<std::unique_ptr<Stream>> accept_tls(std::unique_ptr<Stream> plain, std::shared_ptr<const ServerTls> tls) {
  SslStream stream(take_socket(*plain), *tls->context_);
  co_await stream.async_handshake(SslStream::server, asio::use_awaitable);
  co_return std::make_unique<TlsStream>(std::move(stream), std::move(tls));
}

Task<Secured> connect_tls(std::unique_ptr<Stream> plain, std::shared_ptr<const ClientTls> tls) {
  SslStream stream = ClientTlsAccess::make(take_socket(*plain), *tls);
  co_await stream.async_handshake(SslStream::client, asio::use_awaitable);

  Secured out;
  // RFC 5929 4.1: the hash of the certificate's signature, but SHA-256 where that is MD5 or SHA-1.
  if (X509* const certificate = SSL_get0_peer_certificate(stream.native_handle()); certificate != nullptr) {
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
  out.stream = std::make_unique<TlsStream>(std::move(stream), std::move(tls));
  co_return out;
}

}  // namespace sallyport::net
