#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>
#include <variant>

#include "audit/lane.h"
#include "net/clock.h"
#include "session/session.h"
#include "sql/understand.h"

namespace sallyport::session {
namespace {

using model::Refusal;
using net::Task;
using net::wall_ns;
constexpr auto kLoginTime = std::chrono::seconds(10);

/// A client that has said who it claims to be.
struct Greeting {
  std::unique_ptr<net::Stream> stream;
  std::unique_ptr<proto::ClientLogin> login;
  proto::ClientLogin::Identify who;
};

/// The client's handshake up to its token. Nothing when there is no session to come: a cancel request, a client that
/// was rejected or left.
Task<std::optional<Greeting>> greet(std::unique_ptr<net::Stream> stream, std::string client_address,
                                    const Protocol* protocol, std::shared_ptr<const net::ServerTls> tls,
                                    const Ground* ground) {
  auto login = protocol->client_login();
  char buffer[2048];
  base::View arrived;
  for (;;) {
    auto action = login->resume(arrived);
    arrived = {};
    if (auto* const send = std::get_if<proto::ClientLogin::Send>(&action)) {
      co_await stream->write(send->octets);
    } else if (auto* const secure = std::get_if<proto::ClientLogin::Secure>(&action)) {
      co_await stream->write(secure->octets);
      stream = co_await net::accept_tls(std::move(stream), tls);
      login->secured();
    } else if (auto* const identify = std::get_if<proto::ClientLogin::Identify>(&action)) {
      co_return Greeting{std::move(stream), std::move(login), std::move(*identify)};
    } else if (const auto* const cancel = std::get_if<proto::ClientLogin::Cancel>(&action)) {
      // Whether there is such a session is not told, as in PostgreSQL.
      ground->directory->cancel({cancel->process, cancel->key}, client_address);
      co_return std::nullopt;
    } else if (auto* const reject = std::get_if<proto::ClientLogin::Reject>(&action)) {
      ground->log("login rejected from=" + client_address + " reason=\"" + reject->reason.message + "\"");
      if (!reject->octets.empty()) co_await stream->write(reject->octets);
      co_await stream->finish();
      co_return std::nullopt;
    } else {
      const auto count = co_await stream->read_some(net::asio::buffer(buffer));
      if (count == 0) co_return std::nullopt;
      arrived = base::View(buffer, count);
    }
  }
}

/// A client that broke off is no greeting. A value, because `a || b` takes an exception for one that did not finish.
Task<std::optional<Greeting>> try_greet(std::unique_ptr<net::Stream> stream, std::string client_address,
                                        const Protocol* protocol, std::shared_ptr<const net::ServerTls> tls,
                                        const Ground* ground) {
  try {
    co_return co_await greet(std::move(stream), client_address, protocol, std::move(tls), ground);
  } catch (const boost::system::system_error& error) {
    ground->log("login broken off from=" + client_address + " reason=\"" + error.code().message() + "\"");
    co_return std::nullopt;
  }
}

/// Writes what may be the last thing this client hears; it has a second to take it.
Task<> say(net::Stream* stream, base::Bytes octets) {
  using net::asio::experimental::awaitable_operators::operator||;
  // A value and no exception: `a || b` would wait for the other side of one that throws.
  const auto write = [](net::Stream* to, base::View what) -> Task<bool> {
    try {
      co_await to->write(what);
      co_return true;
    } catch (const boost::system::system_error&) {
      co_return false;
    }
  };
  net::asio::steady_timer timer(co_await net::asio::this_coro::executor, std::chrono::seconds(1));
  co_await (write(stream, octets) || timer.async_wait(net::asio::use_awaitable));
  co_await stream->finish();
}

/// One who has logged in, or tried to.
class Visit {
 public:
  Visit(Greeting greeting, std::string client_address, const Protocol& protocol, const Ground& ground)
      : greeting_(std::move(greeting)), protocol_(protocol), ground_(ground) {
    open_.protocol = protocol.trail_number;
    open_.target = greeting_.who.target;
    open_.database = greeting_.who.database;
    open_.client_address = std::move(client_address);
    open_.client_user = greeting_.who.user;
    open_.settings = greeting_.who.settings;
  }

  Task<> run() {
    const Target* target = nullptr;
    if (auto refusal = identify(target)) co_return co_await reject(std::move(*refusal), nullptr);
    open_.database = greeting_.who.database.empty() ? target->database : greeting_.who.database;

    std::optional<Dialled> dialled;
    std::optional<TargetFailed> failed;
    try {
      auto settings = greeting_.who.settings;
      // The last one counts. What would lift it is refused (policy::Engine).
      if (ground_.rules()->may_only_read(open_.principal, target->name))
        settings.emplace_back("default_transaction_read_only", "on");
      dialled = co_await dial(target, &protocol_, open_.database, std::move(settings));
    } catch (TargetFailed& failure) {
      failed = std::move(failure);
    }
    if (failed) co_return co_await reject(std::move(failed->reason), &failed->target_error);
    co_await converse(target, std::move(*dialled));
  }

 private:
  /// Who is it, and may they have a session on this target with these settings? The reason if not.
  std::optional<Refusal> identify(const Target*& target) {
    if (auto refusal = ground_.refuses_sessions()) return refusal;
    const auto& who = greeting_.who;
    auto identified = ground_.identify(who.token, who.target);
    greeting_.who.token = {};
    if (!identified) return identified.error();
    open_.principal = std::move(identified->principal);
    open_.authentication = std::move(identified->authentication);
    target = ground_.target(who.target);
    if (target == nullptr)
      return Refusal{.kind = Refusal::Kind::unknown_target,
                     .message = "there is no target \"" + who.target + "\" here",
                     .hint =
                         "The database name names the target: dbname=TARGET or dbname=TARGET/DATABASE. "
                         "'sallyport targets' lists them."};
    return ground_.rules()->judge_settings(sql::understand_settings(who.settings), open_.principal, target->name);
  }

  /// A login that failed is recorded too, as a session that ended at once.
  Task<> reject(Refusal reason, const base::Bytes* target_error) {
    ground_.log("login refused from=" + open_.client_address + " target=" + open_.target +
                " principal=" + open_.principal.name + " reason=\"" + reason.message + "\"");
    if (!open_.principal.name.empty() || ground_.may_record_failure()) {
      try {
        audit::Recorder recorder(*ground_.trail, *ground_.lane, audit::Durability::strict);
        co_await recorder.open(open_);
        co_await recorder.close("refused: " + reason.message);
      } catch (const audit::Unavailable& error) {
        ground_.log("a refused login was not recorded: " + error.reason);
      }
    }
    base::Bytes octets = greeting_.login->reject(reason);
    if (target_error != nullptr && !target_error->empty()) octets = *target_error;
    co_await say(greeting_.stream.get(), std::move(octets));
  }

  Task<> converse(const Target* target, Dialled dialled) {
    audit::Recorder recorder(*ground_.trail, *ground_.lane, target->durability);
    open_.target_session = std::to_string(dialled.login.process);
    std::optional<Refusal> unrecorded;
    try {
      co_await recorder.open(open_);
    } catch (const audit::Unavailable& error) {
      unrecorded = Refusal{.kind = Refusal::Kind::trail_unavailable,
                           .message = "no session begins because it could not be recorded",
                           .detail = error.reason,
                           .hint = "The gateway's operator must make the trail writable again."};
    }
    if (unrecorded) {
      ground_.log("session refused: " + unrecorded->detail);
      co_return co_await say(greeting_.stream.get(), greeting_.login->reject(*unrecorded));
    }

    const std::string id = base::to_hex(recorder.session());
    if (ground_.index != nullptr)
      ground_.index->add(store::SessionRow{.id = id,
                                           .principal = open_.principal.name,
                                           .target = open_.target,
                                           .database = open_.database,
                                           .client_address = open_.client_address,
                                           .token_id = open_.authentication.token_id,
                                           .opened_ns = wall_ns()});
    const proto::Settings parameters = dialled.login.parameters;
    std::string why;
    {
      Session session({.client = std::move(greeting_.stream),
                       .rest_of_client = greeting_.login->take_rest(),
                       .target = std::move(dialled),
                       .client_address = open_.client_address,
                       .principal = open_.principal,
                       .authentication = open_.authentication,
                       .to = target,
                       .database = open_.database,
                       .settings = greeting_.who.settings},
                      protocol_, ground_, recorder);
      const auto key = session.enter();
      bool is_welcome = true;
      try {
        co_await session.client().write(greeting_.login->accept(parameters, key.process, key.key));
      } catch (const boost::system::system_error& error) {
        is_welcome = false;
        why = "the client left during the login: " + error.code().message();
      }
      greeting_.login.reset();
      if (is_welcome) why = co_await session.run();
    }
    co_await recorder.close(why);
    if (ground_.index != nullptr)
      ground_.index->add(store::SessionEnd{.id = id, .closed_ns = wall_ns(), .reason = why});
  }

  Greeting greeting_;
  audit::SessionOpen open_;
  const Protocol& protocol_;
  const Ground& ground_;
};

}  // namespace

Task<> serve(std::unique_ptr<net::Stream> stream, std::string client_address, const Protocol* protocol,
             std::shared_ptr<const net::ServerTls> tls, const Ground* ground, std::function<void()> admitted) {
  using net::asio::experimental::awaitable_operators::operator||;
  try {
    std::optional<Greeting> greeting;
    {
      net::asio::steady_timer timer(co_await net::asio::this_coro::executor, kLoginTime);
      auto first = co_await (try_greet(std::move(stream), client_address, protocol, std::move(tls), ground) ||
                             timer.async_wait(net::asio::use_awaitable));
      admitted();
      if (first.index() == 1) co_return;  // silent: nobody to tell
      greeting = std::move(std::get<0>(first));
    }
    if (!greeting) co_return;
    Visit visit(std::move(*greeting), std::move(client_address), *protocol, *ground);
    co_await visit.run();
  } catch (const boost::system::system_error& error) {
    admitted();
    ground->log("login ended: " + error.code().message());
  } catch (const std::exception& error) {
    admitted();
    ground->log(std::string("login ended by an error of the gateway's own: ") + error.what());
  }
}

}  // namespace sallyport::session
