#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace sallyport::net {

namespace asio = boost::asio;
template <class T = void>
using Task = asio::awaitable<T>;

/// A connected byte stream, plain or TLS, so that only this module knows which. One core; one coroutine
/// may read while another one writes. Throws boost::system::system_error on failure; end of file reads as 0.
class Stream {
 public:
  virtual ~Stream() = default;
  virtual Task<std::size_t> read_some(asio::mutable_buffer buffer) = 0;
  /// All of `octets`, which must stay valid until it returns.
  virtual Task<void> write(base::View octets) = 0;
  /// Writes what the kernel takes at once; may be 0. Only when no write() is under way.
  virtual std::size_t try_write(base::View octets) = 0;
  /// Says that nothing more will be written; best effort.
  virtual Task<void> finish() = 0;
  /// Ends both directions now; pending operations fail. Any number of times.
  virtual void close() = 0;
  /// Gives up the socket, so that a handshake can take it over. Only a plain stream has one to give.
  virtual std::optional<asio::ip::tcp::socket> release() { return std::nullopt; }
  /// True when the peer has gone although nothing is read (POLLRDHUP).
  virtual bool is_abandoned() = 0;
};

/// Over TCP, with Nagle's algorithm off and keep-alive on.
std::unique_ptr<Stream> make_stream(asio::ip::tcp::socket socket);

/// "192.0.2.1:5432" or "[2001:db8::1]:5432".
std::string to_string(const asio::ip::tcp::endpoint& endpoint);

struct Address {
  std::string host;
  std::uint16_t port = 0;
};
/// "host:port", "[v6]:port".
base::Result<Address> parse_address(base::View text);

/// Resolves and connects, trying each address; throws boost::system::system_error, also after `seconds`.
Task<asio::ip::tcp::socket> connect(Address address, int seconds);

}  // namespace sallyport::net
