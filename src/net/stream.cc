#include "net/stream.h"

#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <charconv>

#include "net/plain_stream.h"

namespace sallyport::net {
namespace {

class PlainStream final : public Stream {
 public:
  explicit PlainStream(asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}

  Task<std::size_t> read_some(asio::mutable_buffer buffer) override {
    const auto [error, count] = co_await socket_.async_read_some(buffer, asio::as_tuple(asio::use_awaitable));
    if (error == asio::error::eof) co_return 0;
    if (error) throw boost::system::system_error(error);
    co_return count;
  }

  Task<void> write(base::View octets) override {
    co_await asio::async_write(socket_, asio::buffer(octets.data(), octets.size()), asio::use_awaitable);
  }

  std::size_t try_write(base::View octets) override {
    const auto count = ::send(socket_.native_handle(), octets.data(), octets.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return count > 0 ? static_cast<std::size_t>(count) : 0;  // an error shows again in write()
  }

  Task<void> finish() override {
    boost::system::error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    co_return;
  }

  void close() override {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

  std::optional<asio::ip::tcp::socket> release() override { return std::move(socket_); }

  bool is_abandoned() override { return is_peer_gone(socket_.native_handle()); }

 private:
  asio::ip::tcp::socket socket_;
};

}  // namespace

bool is_peer_gone(int descriptor) {
  pollfd poll{.fd = descriptor, .events = POLLRDHUP, .revents = 0};
  return ::poll(&poll, 1, 0) > 0 && (poll.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

void prepare_socket(asio::ip::tcp::socket& socket) {
  boost::system::error_code ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  socket.non_blocking(true, ignored);
}

std::unique_ptr<Stream> make_stream(asio::ip::tcp::socket socket) {
  prepare_socket(socket);
  return std::make_unique<PlainStream>(std::move(socket));
}

std::string to_string(const asio::ip::tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + host + "]:" + port : host + ":" + port;
}

base::Result<Address> parse_address(base::View text) {
  const auto colon = text.rfind(':');
  Address out;
  if (colon != base::View::npos && colon > 0) {
    base::View host = text.substr(0, colon);
    const base::View port = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    const bool bare_v6 = !bracketed && host.find(':') != base::View::npos;
    if (error == std::errc() && end == port.data() + port.size() && !port.empty() && !bare_v6) {
      out.host = std::string(host);
      return out;
    }
  }
  return base::fail(base::Code::malformed, "'" + std::string(text) + "' is not HOST:PORT",
                    "write for example db1.internal:5432 or [2001:db8::1]:5432");
}

namespace {

/// The failure as a value: `a || b` takes an exception for one that did not finish, and would wait for the timer.
Task<boost::system::error_code> try_connect(asio::ip::tcp::socket* socket, std::string host, std::string port) {
  asio::ip::tcp::resolver resolver(socket->get_executor());
  auto [error, found] = co_await resolver.async_resolve(host, port, asio::as_tuple(asio::use_awaitable));
  if (error) co_return error;
  const auto [failure, endpoint] = co_await asio::async_connect(*socket, found, asio::as_tuple(asio::use_awaitable));
  co_return failure;
}

}  // namespace

Task<asio::ip::tcp::socket> connect(Address address, int seconds) {
  using asio::experimental::awaitable_operators::operator||;
  const auto executor = co_await asio::this_coro::executor;
  asio::ip::tcp::socket socket(executor);
  asio::steady_timer timer(executor, std::chrono::seconds(seconds));
  const auto first = co_await (try_connect(&socket, address.host, std::to_string(address.port)) ||
                               timer.async_wait(asio::use_awaitable));
  if (first.index() == 1) throw boost::system::system_error(asio::error::timed_out);
  if (std::get<0>(first)) throw boost::system::system_error(std::get<0>(first));
  co_return socket;
}

}  // namespace sallyport::net
