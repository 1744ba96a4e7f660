#include "session/dial.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <expected>
#include <variant>

namespace sallyport::session {
namespace {

using net::Task;
constexpr int kDialSeconds = 10;

TargetFailed unreachable(const Target& target, const std::string& what) {
  return {{.kind = model::Refusal::Kind::target_unavailable,
           .message = "target \"" + target.name.name + "\" cannot be reached: " + what,
           .hint = "The gateway's operator should check that the target runs and that address and tls in its "
                   "configuration are right."},
          {}};
}

Task<Dialled> converse(const Target* target, const Protocol* protocol, std::string database,
                       proto::Settings client_settings) {
  auto stream = net::make_stream(co_await net::connect(target->address, kDialSeconds));
  const auto login = protocol->target_login(*target, database, client_settings);
  char buffer[8192];
  base::View arrived;
  for (;;) {
    auto action = login->resume(arrived);
    arrived = {};
    if (auto* const send = std::get_if<proto::TargetLogin::Send>(&action)) {
      co_await stream->write(send->octets);
    } else if (std::holds_alternative<proto::TargetLogin::Secure>(action)) {
      auto secured = co_await net::connect_tls(std::move(stream), target->tls);
      stream = std::move(secured.stream);
      login->secured(std::move(secured.certificate_hash));
    } else if (auto* const done = std::get_if<proto::TargetLogin::Done>(&action)) {
      co_return Dialled{std::move(stream), std::move(*done)};
    } else if (auto* const failed = std::get_if<proto::TargetLogin::Failed>(&action)) {
      throw TargetFailed{std::move(failed->reason), std::move(failed->target_error)};
    } else {
      const auto count = co_await stream->read_some(net::asio::buffer(buffer));
      if (count == 0) throw unreachable(*target, "it closed the connection during the login");
      arrived = base::View(buffer, count);
    }
  }
}

/// Failures as a value: `a || b` takes an exception for one that did not finish, and would wait for the timer.
Task<std::expected<Dialled, TargetFailed>> attempt(const Target* target, const Protocol* protocol, std::string database,
                                                   proto::Settings client_settings) {
  try {
    co_return co_await converse(target, protocol, std::move(database), std::move(client_settings));
  } catch (TargetFailed& failed) {
    co_return std::unexpected(std::move(failed));
  } catch (const boost::system::system_error& error) {
    // When the timer was first, this is the cancellation, and nobody looks.
    co_return std::unexpected(unreachable(*target, error.code().message()));
  }
}

Task<> send_cancel(const Target* target, const Protocol* protocol, std::uint32_t process, std::uint32_t key) {
  auto stream = net::make_stream(co_await net::connect(target->address, kDialSeconds));
  char answer = 0;
  if (target->tls) {
    co_await stream->write(protocol->cancel_tls_request);
    const auto count = co_await stream->read_some(net::asio::buffer(&answer, 1));
    if (count != 1 || answer != 'S') co_return;
    stream = (co_await net::connect_tls(std::move(stream), target->tls)).stream;
  }
  co_await stream->write(protocol->cancel_request(process, key));
  // The target closes once it has signalled the other session: only then is the cancel request carried out.
  co_await stream->read_some(net::asio::buffer(&answer, 1));
}

/// As in PostgreSQL itself, nobody is told whether a cancel request arrived.
Task<> try_cancel(const Target* target, const Protocol* protocol, std::uint32_t process, std::uint32_t key) {
  try {
    co_await send_cancel(target, protocol, process, key);
  } catch (const boost::system::system_error&) {
    co_return;
  }
}

}  // namespace

Task<Dialled> dial(const Target* target, const Protocol* protocol, std::string database,
                   proto::Settings client_settings) {
  using net::asio::experimental::awaitable_operators::operator||;
  net::asio::steady_timer timer(co_await net::asio::this_coro::executor, std::chrono::seconds(kDialSeconds));
  auto first = co_await (attempt(target, protocol, std::move(database), std::move(client_settings)) ||
                         timer.async_wait(net::asio::use_awaitable));
  if (first.index() == 0) {
    auto& outcome = std::get<0>(first);
    if (!outcome) throw std::move(outcome.error());
    co_return std::move(*outcome);
  }
  throw unreachable(*target, "no answer within " + std::to_string(kDialSeconds) + " seconds");
}

Task<> dial_cancel(const Target* target, const Protocol* protocol, std::uint32_t process, std::uint32_t key) {
  using net::asio::experimental::awaitable_operators::operator||;
  net::asio::steady_timer timer(co_await net::asio::this_coro::executor, std::chrono::seconds(kDialSeconds));
  co_await (try_cancel(target, protocol, process, key) || timer.async_wait(net::asio::use_awaitable));
}

}  // namespace sallyport::session
