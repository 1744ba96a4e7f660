#include "api/client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cerrno>
#include <limits>
#include <memory>

#include "api/admin_socket.h"
#include "base/bytes.h"

namespace sallyport::api {
namespace {

namespace http = boost::beast::http;
using Parser = http::response_parser<http::buffer_body>;

constexpr std::size_t kMaxCollected = base::operator""_MiB(64);

bool send_all(int socket, std::string_view octets) {
  while (!octets.empty()) {
    const ssize_t sent = ::send(socket, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) return false;
    if (sent > 0) octets.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

/// Feeds the parser from the socket and hands on what of the body comes out.
class Reading {
 public:
  Reading(int socket, const OnBody& on_body) : socket_(socket), on_body_(on_body) {
    parser_.body_limit(std::numeric_limits<std::uint64_t>::max());
    parser_.eager(true);
  }

  base::Result<Answer> run() {
    while (!parser_.is_done() && !is_enough_) {
      if (auto more = receive(); !more) return std::unexpected(more.error());
      while (!input_.empty() && !parser_.is_done() && !is_enough_) {
        auto progress = parse();
        if (!progress) return std::unexpected(progress.error());
        if (!*progress) break;
      }
    }
    answer_.status = parser_.get().result_int();
    answer_.content_type = std::string(parser_.get()[http::field::content_type]);
    return std::move(answer_);
  }

 private:
  base::Result<void> receive() {
    char chunk[16384];
    ssize_t got = 0;
    do got = ::recv(socket_, chunk, sizeof chunk, 0);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
      return base::fail(base::Code::unavailable, "the gateway ended the answer before it was complete",
                        "look into its log");
    input_.append(chunk, static_cast<std::size_t>(got));
    return {};
  }

  /// False: needs more input.
  base::Result<bool> parse() {
    char body[16384];
    parser_.get().body().data = body;
    parser_.get().body().size = sizeof body;
    parser_.get().body().more = true;
    boost::system::error_code error;
    const std::size_t used = parser_.put(boost::asio::buffer(input_), error);
    input_.erase(0, used);
    if (error && error != http::error::need_more && error != http::error::need_buffer)
      return base::fail(base::Code::malformed, "the gateway's answer is not HTTP");
    const std::size_t got = sizeof body - parser_.get().body().size;
    if (auto taken = hand_over({body, parser_.is_header_done() ? got : 0}); !taken)
      return std::unexpected(taken.error());
    return used > 0 || got > 0;
  }

  base::Result<void> hand_over(std::string_view octets) {
    if (octets.empty()) return {};
    if (on_body_ && parser_.get().result_int() / 100 == 2) {
      is_enough_ = !on_body_(octets);
      return {};
    }
    if (answer_.body.size() + octets.size() > kMaxCollected)
      return base::fail(base::Code::limit, "the gateway's answer is too large", "ask for less");
    answer_.body += octets;
    return {};
  }

  int socket_;
  const OnBody& on_body_;
  Parser parser_;
  std::string input_;
  Answer answer_;
  bool is_enough_ = false;
};

}  // namespace

base::Result<Answer> call(const std::string& data_folder, std::string_view method, std::string_view target,
                          std::string_view body, const OnBody& on_body) {
  const auto socket = connect_admin(data_folder);
  if (!socket) return std::unexpected(socket.error());
  const std::unique_ptr<const int, void (*)(const int*)> closing(&*socket, [](const int* number) { ::close(*number); });
  std::string request = fmt::format("{} {} HTTP/1.1\r\nHost: sallyport\r\n", method, target);
  if (!body.empty()) request += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
  request += "\r\n";
  request += body;
  // A refused connection is answered without reading: the answer is there although not all could be sent.
  static_cast<void>(send_all(*socket, request));
  return Reading(*socket, on_body).run();
}

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    const bool is_plain = std::isalnum(octet) || c == '-' || c == '.' || c == '_' || c == '~';
    out += is_plain ? std::string(1, c) : fmt::format("%{:02X}", octet);
  }
  return out;
}

}  // namespace sallyport::api
