#include <optional>
#include <string>
#include <utility>

#include "proto/postgres/login.h"
#include "proto/postgres/messages.h"
#include "proto/postgres/startup.h"

namespace sallyport::proto::postgres {
namespace {

using base::Bytes;
using base::View;
using model::Refusal;

constexpr std::uint32_t kCancelRequest = 80877102, kSslRequest = 80877103, kGssRequest = 80877104;
constexpr std::uint32_t kProtocol3 = 3U << 16;
/// The server's bound of a startup packet (MAX_STARTUP_PACKET_LENGTH), and ours of a password.
constexpr std::uint32_t kMaxStartup = 10000;
/// What a client may send ahead of the login's end.
constexpr std::size_t kMaxRest = 64 * 1024;

/// START    -GSSENCRequest-> START       answered 'N', once                            [start]
/// START    -SSLRequest->    SECURING    answered 'S'; or START, answered 'N', once    [start]
/// SECURING -secured()->     START
/// START    -CancelRequest-> DONE        [start]
/// START    -Startup->       PASSWORD    asked for in clear text                       [startup]
/// PASSWORD -'p'->           DONE        Identify; then accept() or reject()           [password]
/// any      -else->          DONE        Reject
class PostgresClientLogin final : public ClientLogin {
 public:
  explicit PostgresClientLogin(ClientLoginOptions options) : options_(options) {}

  Action resume(View octets) override {
    received_.append(octets);
    if (received_.size() > kMaxStartup + kMaxRest)
      return refuse(Refusal::Kind::protocol_violation, "too much was sent before the login");
    switch (state_) {
      case State::start:
        return start();
      case State::securing:
        return refuse(Refusal::Kind::protocol_violation, "octets arrived between SSLRequest and TLS");
      case State::password:
        return password();
      case State::done:
        return NeedMore{};
    }
    return NeedMore{};
  }

  void secured() override {
    is_secured_ = true;
    if (state_ == State::securing) state_ = State::start;
  }

  Bytes accept(const Settings& target_parameters, std::uint32_t process, std::uint32_t key) override {
    Bytes out;
    FrameWriter(out, 'R').number<std::uint32_t>(0);
    for (const auto& [name, value] : target_parameters) FrameWriter(out, 'S').string(name).string(value);
    FrameWriter(out, 'K').number(process).number(key);
    FrameWriter(out, 'Z').number<char>('I');
    return out;
  }

  Bytes reject(const Refusal& refusal) override {
    Bytes out;
    append_refusal(out, Severity::fatal, refusal);
    return out;
  }

  Bytes take_rest() override { return std::exchange(received_, {}); }

 private:
  enum class State : std::uint8_t { start, securing, password, done };

  Action refuse(Refusal::Kind kind, std::string message, std::string hint = {}) {
    state_ = State::done;
    received_.clear();
    Refusal reason;
    reason.kind = kind;
    reason.message = std::move(message);
    reason.hint = std::move(hint);
    Bytes octets;
    append_refusal(octets, Severity::fatal, reason);
    return Reject{std::move(octets), std::move(reason)};
  }

  Action start() {
    if (received_.size() < 8) return NeedMore{};
    const auto length = base::load_big<std::uint32_t>(received_.data());
    const auto code = base::load_big<std::uint32_t>(received_.data() + 4);
    if (length < 8 || length > kMaxStartup) {
      return refuse(Refusal::Kind::protocol_violation, "invalid length of startup packet");
    }
    if (received_.size() < length) return NeedMore{};
    const Bytes body = received_.substr(8, length - 8);
    received_.erase(0, length);
    if (code == kGssRequest) return decline_gss(body);
    if (code == kSslRequest) return offer_tls(body);
    if (code == kCancelRequest) return cancel(body);
    return startup(code, body);
  }

  Action decline_gss(View body) {
    if (!body.empty() || has_asked_gss_ || is_secured_) {
      return refuse(Refusal::Kind::protocol_violation, "unexpected request for GSSAPI encryption");
    }
    has_asked_gss_ = true;
    return Send{"N"};
  }

  Action offer_tls(View body) {
    if (!body.empty() || has_asked_tls_ || is_secured_) {
      return refuse(Refusal::Kind::protocol_violation, "unexpected request for TLS");
    }
    has_asked_tls_ = true;
    // Somebody between may have put it there, to be read as if it had come inside TLS (CVE-2021-23214).
    if (!received_.empty()) {
      return refuse(Refusal::Kind::protocol_violation, "received unencrypted data after SSL request");
    }
    if (options_.tls == ClientTls::none) return Send{"N"};
    state_ = State::securing;
    return Secure{"S"};
  }

  Action cancel(View body) {
    Reader reader(body);
    const auto process = reader.number<std::uint32_t>(), key = reader.number<std::uint32_t>();
    if (!reader.is_exactly_read()) {
      return refuse(Refusal::Kind::protocol_violation, "invalid length of cancel request");
    }
    state_ = State::done;
    return Cancel{process, key};
  }

  Action startup(std::uint32_t code, View body) {
    if ((code >> 16) != 3) {
      return refuse(Refusal::Kind::not_supported, "unsupported frontend protocol " + std::to_string(code >> 16) + "." +
                                                      std::to_string(code & 0xffff) + ": server supports 3.0 to 3.0");
    }
    if (options_.tls == ClientTls::required && !is_secured_) {
      return refuse(Refusal::Kind::authentication, "this gateway takes tokens inside TLS only",
                    "connect with sslmode=verify-full");
    }
    auto read = read_startup(body);
    if (!read) {
      const auto kind = read.error().code == base::Code::unsupported ? Refusal::Kind::not_supported
                                                                     : Refusal::Kind::protocol_violation;
      return refuse(kind, read.error().message, read.error().hint);
    }
    if (read->user.empty()) {
      return refuse(Refusal::Kind::authentication, "no PostgreSQL user name specified in startup packet");
    }
    startup_ = std::move(*read);
    state_ = State::password;
    Bytes out;
    if (code != kProtocol3 || !startup_.unknown_options.empty()) {
      FrameWriter frame(out, 'v');
      frame.number(kProtocol3).number(static_cast<std::uint32_t>(startup_.unknown_options.size()));
      for (const auto& option : startup_.unknown_options) frame.string(option);
    }
    FrameWriter(out, 'R').number<std::uint32_t>(3);
    return Send{std::move(out)};
  }

  Action password() {
    if (received_.size() < kHeader) return NeedMore{};
    const auto length = base::load_big<std::uint32_t>(received_.data() + 1);
    if (received_.front() == 'X') {
      // The client thought better of it (psql asks for the password in a second connection); there is nobody to tell.
      state_ = State::done;
      Refusal reason;
      reason.kind = Refusal::Kind::authentication;
      reason.message = "the client left before it sent a token";
      return Reject{{}, std::move(reason)};
    }
    if (received_.front() != 'p' || length < 4 || length > kMaxStartup) {
      return refuse(Refusal::Kind::protocol_violation, "expected password response");
    }
    const std::size_t total = std::size_t{length} + 1;
    if (received_.size() < total) return NeedMore{};
    Reader reader(View(received_).substr(kHeader, total - kHeader));
    base::Secret token{std::string(reader.string())};
    const bool is_good = reader.is_exactly_read();
    OPENSSL_cleanse(received_.data(), total);
    received_.erase(0, total);
    if (!is_good) return refuse(Refusal::Kind::protocol_violation, "invalid password packet size");
    if (token.is_empty()) return refuse(Refusal::Kind::authentication, "empty token returned by client");
    return identify(std::move(token));
  }

  /// dbname is TARGET or TARGET/DATABASE; without one it is the user's name, as in the server.
  Action identify(base::Secret token) {
    state_ = State::done;
    const std::string& name = startup_.database.empty() ? startup_.user : startup_.database;
    const auto slash = name.find('/');
    Identify who;
    who.target = name.substr(0, slash);
    who.database = slash == std::string::npos ? std::string() : name.substr(slash + 1);
    who.user = std::move(startup_.user);
    who.token = std::move(token);
    who.settings = std::move(startup_.settings);
    return who;
  }

  const ClientLoginOptions options_;
  State state_ = State::start;
  bool has_asked_gss_ = false, has_asked_tls_ = false, is_secured_ = false;
  Bytes received_;
  Startup startup_;
};

}  // namespace

std::unique_ptr<ClientLogin> make_client_login(ClientLoginOptions options) {
  return std::make_unique<PostgresClientLogin>(options);
}

}  // namespace sallyport::proto::postgres
