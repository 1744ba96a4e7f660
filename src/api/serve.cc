#include "api/serve.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/system/system_error.hpp>
#include <cerrno>

namespace sallyport::api {
namespace {

namespace http = boost::beast::http;
using Clock = std::chrono::steady_clock;

/// Blocking reads and writes with a time limit.
class Socket {
 public:
  Socket(int number, std::chrono::milliseconds patience) : number_(number), patience_(patience) {}

  /// 0: the peer has left, or was too slow.
  std::size_t read(char* to, std::size_t size, Clock::time_point until) {
    while (wait(POLLIN, until)) {
      const ssize_t got = ::recv(number_, to, size, MSG_DONTWAIT);
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EAGAIN && errno != EINTR) return 0;
    }
    return 0;
  }

  bool write(std::string_view octets) {
    while (!octets.empty()) {
      if (!wait(POLLOUT, Clock::now() + patience_)) return false;
      const ssize_t sent = ::send(number_, octets.data(), octets.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
      if (sent > 0) octets.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  bool is_abandoned() const {
    pollfd state{number_, POLLRDHUP, 0};
    return ::poll(&state, 1, 0) != 0 && (state.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
  }

 private:
  bool wait(short what, Clock::time_point until) const {
    for (;;) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
      if (left <= 0) return false;
      pollfd state{number_, what, 0};
      const int count = ::poll(&state, 1, static_cast<int>(left));
      if (count > 0) return true;
      if (count == 0 || errno != EINTR) return false;
    }
  }
  int number_;
  std::chrono::milliseconds patience_;
};

/// The body of unknown length: HTTP/1.1 chunks, collected to sensible sizes.
class ChunkedSink : public Sink {
 public:
  explicit ChunkedSink(Socket& socket) : socket_(socket) {}
  bool write(std::string_view octets) override {
    pending_ += octets;
    // A line that a follower waits for is not held back for long: what is pending goes when nothing else comes
    // (is_open).
    return pending_.size() < 16384 ? is_good_ : flush();
  }
  bool is_open() override {
    flush();
    return is_good_ && !socket_.is_abandoned();
  }
  bool flush() {
    if (is_good_ && !pending_.empty())
      is_good_ = socket_.write(fmt::format("{:x}\r\n", pending_.size()) + pending_ + "\r\n");
    pending_.clear();
    return is_good_;
  }
  void finish() {
    flush();
    if (is_good_) socket_.write("0\r\n\r\n");
  }

 private:
  Socket& socket_;
  std::string pending_;
  bool is_good_ = true;
};

std::string head_of(const Response& response, std::string_view length) {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", response.status,
                                 std::string_view(http::obsolete_reason(static_cast<http::status>(response.status))));
  if (!response.content_type.empty()) head += fmt::format("Content-Type: {}\r\n", response.content_type);
  return head + std::string(length) +
         "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n";
}

void send(Socket& socket, const Response& response) {
  if (!response.stream) {
    const std::string length =
        response.status == 204 ? "" : fmt::format("Content-Length: {}\r\n", response.body.size());
    socket.write(head_of(response, length) + response.body);
    return;
  }
  if (!socket.write(head_of(response, "Transfer-Encoding: chunked\r\n"))) return;
  ChunkedSink sink(socket);
  // On an error the last chunk is missing, by which the client knows that something is.
  if (response.stream(sink)) sink.finish();
}

using Parser = http::request_parser<http::string_body>;

/// What Beast's parser lets pass and we do not.
base::Result<void> check(const Parser& parser) {
  const auto& message = parser.get();
  if (message.version() != 11) return base::fail(base::Code::unsupported, "only HTTP/1.1 is spoken here");
  if (message.count(http::field::transfer_encoding) != 0)
    return base::fail(base::Code::unsupported, "send the body with Content-Length");
  if (message.count(http::field::host) != 1) return base::fail(base::Code::malformed, "send one Host");
  if (message.count(http::field::content_length) > 1)
    return base::fail(base::Code::malformed, "send one Content-Length");
  if (message.count(http::field::expect) != 0 || message.count(http::field::upgrade) != 0)
    return base::fail(base::Code::unsupported, "Expect and Upgrade are not understood here");
  return {};
}

/// The request, or the answer to what is none; neither when the client has left.
std::variant<std::monostate, Request, Response> read_request(Socket& socket, const ServeLimits& limits) {
  Parser parser;
  parser.header_limit(static_cast<std::uint32_t>(limits.head_octets));
  parser.body_limit(limits.body_octets);
  parser.eager(true);
  const auto until = Clock::now() + limits.patience;
  std::string buffer;
  bool has_begun = false;
  char chunk[4096];
  while (!parser.is_done()) {
    const std::size_t got = socket.read(chunk, sizeof chunk, until);
    if (got == 0) {
      if (!has_begun) return std::monostate{};
      return problem(408, "Too slow", "the request was not complete in time");
    }
    has_begun = true;
    buffer.append(chunk, got);
    boost::system::error_code error;
    buffer.erase(0, parser.put(boost::asio::buffer(buffer), error));
    if (error == http::error::need_more) continue;
    if (error == http::error::body_limit) return problem(413, "Too large", "the body is larger than is taken here");
    if (error == http::error::header_limit) return problem(431, "Too large", "the head is larger than is taken here");
    if (error) return problem(400, "Refused", "this is not an HTTP/1.1 request");
    if (parser.is_header_done())
      if (const auto good = check(parser); !good) return problem(good.error());
  }
  const auto& message = parser.get();
  auto request = parse_target(std::string_view(message.method_string()), std::string_view(message.target()));
  if (!request) return problem(request.error());
  request->body = message.body();
  return std::move(*request);
}

}  // namespace

void serve_one(int socket_number, Routes& routes, const Caller& caller, ServeLimits limits) {
  Socket socket(socket_number, limits.patience);
  try {
    auto read = read_request(socket, limits);
    if (const auto* refused = std::get_if<Response>(&read)) send(socket, *refused);
    if (const auto* request = std::get_if<Request>(&read)) send(socket, routes.handle(*request, caller));
  } catch (const std::exception& failure) {
    // Once for all routes: no memory, or a bug of ours. The answer may have begun; then this only ends it wrongly.
    send(socket, problem(500, "A fault of the gateway", failure.what()));
  }
}

void refuse_connection(int socket_number, std::string_view why, std::chrono::milliseconds patience) {
  Socket socket(socket_number, patience);
  const bool is_busy = why.starts_with("too many");
  send(socket, problem(is_busy ? 503 : 403, is_busy ? "Not available" : "Forbidden", why));
}

}  // namespace sallyport::api
