#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "proto/postgres/login.h"
#include "proto/postgres/messages.h"
#include "proto/postgres/scram.h"

namespace sallyport::proto::postgres {
namespace {

using base::Bytes;
using base::View;
using model::Refusal;

/// A login has no long messages; an error with all its fields is the longest.
constexpr std::size_t kMaxFrame = 64 * 1024;

constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kPinned{
    {{"client_encoding", "UTF8"}, {"standard_conforming_strings", "on"}}};

/// The target's refusals that say something about the client's wishes or the target's state, and not about our
/// credential: the client may see them as they are.
constexpr std::array<std::string_view, 8> kShown{"3D000", "42501", "53300", "57P03",
                                                 "22023", "42704", "55P02", "53100"};

Bytes md5_hex(View first, View second) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  Bytes both(first);
  both += second;
  const bool done = EVP_Digest(both.data(), both.size(), digest.data(), &size, EVP_md5(), nullptr) == 1;
  OPENSSL_cleanse(both.data(), both.size());
  return done ? base::to_hex({reinterpret_cast<const char*>(digest.data()), size}) : Bytes();
}

/// START -resume-> TLS_ASKED -'S'-> SECURING -secured()-> STARTING     (without TLS: START -> AUTHENTICATING)
/// STARTING -resume-> AUTHENTICATING                                   StartupMessage is sent
/// AUTHENTICATING -R 10-> SCRAM_FIRST -R 11-> SCRAM_FINAL -R 12-> PROVED -R 0-> READYING
/// AUTHENTICATING -R 0, or R 3 or R 5 where allowed, then R 0-> READYING
/// READYING -S* K Z-> DONE
/// any -E, or anything else-> DONE     Failed
class PostgresTargetLogin final : public TargetLogin {
 public:
  explicit PostgresTargetLogin(TargetLoginOptions options) : options_(std::move(options)) {}

  Action resume(View octets) override {
    received_.append(octets);
    switch (state_) {
      case State::start:
        if (options_.tls == TargetTls::disable) return send_startup();
        state_ = State::tls_asked;
        return Send{Bytes("\0\0\0\x08\x04\xd2\x16\x2f", 8)};
      case State::tls_asked:
        return tls_answer();
      case State::securing:
        return failed(Refusal::Kind::target_unavailable, "the target sent octets ahead of TLS");
      case State::starting:
        return send_startup();
      case State::authenticating:
      case State::scram_first:
      case State::scram_final:
      case State::proved:
      case State::answered:
      case State::readying:
        return frames();
      case State::done:
        return NeedMore{};
    }
    return NeedMore{};
  }

  void secured(Bytes server_certificate_hash) override {
    is_secured_ = true;
    certificate_hash_ = std::move(server_certificate_hash);
    if (state_ == State::securing) state_ = State::starting;
  }

 private:
  enum class State : std::uint8_t {
    start,
    tls_asked,
    securing,
    starting,
    authenticating,
    scram_first,
    scram_final,
    proved,
    answered,
    readying,
    done
  };

  Action failed(Refusal::Kind kind, std::string message, Bytes target_error = {}) {
    state_ = State::done;
    Refusal reason;
    reason.kind = kind;
    reason.message = std::move(message);
    return Failed{std::move(reason), std::move(target_error)};
  }
  Action violated() {
    return failed(Refusal::Kind::target_unavailable, "the target does not follow the protocol at its login");
  }

  Action tls_answer() {
    if (received_.empty()) return NeedMore{};
    // What follows 'S' in clear text would be read as if it had come inside TLS (CVE-2021-23222).
    if (received_.size() > 1 && received_.front() != 'E') return violated();
    switch (received_.front()) {
      case 'S':
        received_.clear();
        state_ = State::securing;
        return Secure{};
      case 'N':
        return failed(Refusal::Kind::target_unavailable,
                      "the target offers no TLS, and its configuration here demands it");
      default:
        return failed(Refusal::Kind::target_unavailable, "the target did not answer the request for TLS");
    }
  }

  Action send_startup() {
    state_ = State::authenticating;
    Bytes body;
    base::append_big<std::uint32_t>(body, 3U << 16);
    const auto add = [&body](View name, View value) {
      body.append(name).push_back('\0');
      body.append(value).push_back('\0');
    };
    add("user", options_.user);
    add("database", options_.database);
    for (const auto& [name, value] : kPinned) add(name, value);
    for (const auto& [name, value] : options_.settings) {
      if (!is_reserved(name)) add(name, value);
    }
    body.push_back('\0');
    Bytes out;
    base::append_big(out, static_cast<std::uint32_t>(body.size() + 4));
    return Send{out + body};
  }

  /// What is ours to say in the start-up message; the server takes names of settings in any case.
  static bool is_reserved(View name) {
    std::string lower(name);
    std::ranges::transform(lower, lower.begin(),
                           [](char each) { return each >= 'A' && each <= 'Z' ? static_cast<char>(each + 32) : each; });
    return lower.empty() || lower == "user" || lower == "database" || lower == "options" || lower == "replication" ||
           lower.starts_with("_pq_.") ||
           std::ranges::any_of(kPinned, [&](const auto& pinned) { return lower == pinned.first; });
  }

  Action frames() {
    for (;;) {
      if (received_.size() < kHeader) return NeedMore{};
      const auto length = base::load_big<std::uint32_t>(received_.data() + 1);
      if (length < 4 || length > kMaxFrame) return violated();
      const std::size_t total = std::size_t{length} + 1;
      if (received_.size() < total) return NeedMore{};
      const Bytes frame = received_.substr(0, total);
      received_.erase(0, total);
      if (auto action = on_frame(frame)) return std::move(*action);
    }
  }

  /// Nothing: go on with the next one.
  std::optional<Action> on_frame(View frame) {
    const View body = frame.substr(kHeader);
    switch (frame.front()) {
      case 'E':
        return target_refused(frame);
      case 'N':
        return std::nullopt;  // told to nobody: no session stands yet
      case 'R':
        if (state_ == State::readying) return violated();
        return authentication(body);
      default:
        break;
    }
    if (state_ != State::readying) return violated();
    Reader reader(body);
    switch (frame.front()) {
      case 'S': {
        const View name = reader.string(), value = reader.string();
        if (!reader.is_exactly_read()) return violated();
        for (const auto& [pinned, wanted] : kPinned) {
          if (name != pinned || value == wanted) continue;
          return failed(Refusal::Kind::not_supported,
                        "the target insists on " + std::string(pinned) + " other than " + std::string(wanted));
        }
        if (result_.parameters.size() >= 256) return violated();
        result_.parameters.emplace_back(name, value);
        return std::nullopt;
      }
      case 'K':
        result_.process = reader.number<std::uint32_t>();
        result_.key = reader.number<std::uint32_t>();
        if (!reader.is_exactly_read()) return violated();
        return std::nullopt;
      case 'Z':
        if (body != "I") return violated();
        state_ = State::done;
        result_.rest = std::exchange(received_, {});
        return std::move(result_);
      default:
        return violated();
    }
  }

  std::optional<Action> authentication(View body) {
    Reader reader(body);
    const auto method = reader.number<std::uint32_t>();
    if (!reader.is_good()) return violated();
    switch (method) {
      case 0:
        // In the middle of SCRAM it would skip the target's own proof.
        if (state_ != State::authenticating && state_ != State::answered && state_ != State::proved) return violated();
        state_ = State::readying;
        return std::nullopt;
      case 3:
        return state_ == State::authenticating ? cleartext() : violated();
      case 5:
        return state_ == State::authenticating ? md5(reader.rest()) : violated();
      case 10:
        return state_ == State::authenticating ? begin_scram(reader.rest()) : violated();
      case 11:
        return state_ == State::scram_first ? answer_scram(reader.rest()) : violated();
      case 12: {
        if (state_ != State::scram_final) return violated();
        if (auto proved = scram_->verify(reader.rest()); !proved) {
          return failed(Refusal::Kind::target_unavailable, proved.error().message);
        }
        state_ = State::proved;
        return std::nullopt;
      }
      default:
        return failed(Refusal::Kind::target_unavailable,
                      "the target asks for a method of authentication that the gateway does not have");
    }
  }

  Action not_allowed(std::string_view method) {
    return failed(Refusal::Kind::target_unavailable, "the target asks for the password by " + std::string(method) +
                                                         ", which its configuration here does not allow");
  }
  Action no_password() {
    return failed(Refusal::Kind::target_unavailable, "the target asks for a password, and none is configured for it");
  }

  Action send_password(View answer) {
    state_ = State::answered;
    Bytes out;
    FrameWriter(out, 'p').string(answer);
    return Send{std::move(out)};
  }

  Action cleartext() {
    if (!options_.allowed.cleartext) return not_allowed("clear text");
    if (options_.password.is_empty()) return no_password();
    return send_password(options_.password.reveal());
  }

  Action md5(View salt) {
    if (salt.size() != 4) return violated();
    if (!options_.allowed.md5) return not_allowed("MD5");
    if (options_.password.is_empty()) return no_password();
    const Bytes inner = md5_hex(options_.password.reveal(), options_.user);
    const Bytes outer = inner.empty() ? Bytes() : md5_hex(inner, salt);
    if (outer.empty()) return failed(Refusal::Kind::internal, "MD5 is not available on this machine");
    return send_password("md5" + outer);
  }

  Action begin_scram(View mechanisms) {
    Reader reader(mechanisms);
    bool has_plain = false, has_plus = false;
    for (;;) {
      const View mechanism = reader.string();
      if (!reader.is_good()) return violated();
      if (mechanism.empty()) break;
      has_plain = has_plain || mechanism == "SCRAM-SHA-256";
      has_plus = has_plus || mechanism == "SCRAM-SHA-256-PLUS";
    }
    const bool can_bind = is_secured_ && !certificate_hash_.empty();
    const bool is_bound = can_bind && has_plus;
    if (!options_.allowed.scram) return not_allowed("SCRAM");
    if (!is_bound && !has_plain) return not_allowed("a SASL mechanism that is not SCRAM-SHA-256");
    if (options_.password.is_empty()) return no_password();
    if (options_.nonce.size() < 18) return failed(Refusal::Kind::internal, "no nonce for SCRAM");
    using Binding = ScramClient::Binding;
    scram_.emplace(is_bound ? Binding::end_point : (can_bind ? Binding::not_offered : Binding::none), certificate_hash_,
                   options_.nonce);
    const Bytes first = scram_->first();
    state_ = State::scram_first;
    Bytes out;
    FrameWriter(out, 'p')
        .string(is_bound ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256")
        .number(static_cast<std::uint32_t>(first.size()))
        .octets(first);
    return Send{std::move(out)};
  }

  Action answer_scram(View server_first) {
    auto answer = scram_->answer(server_first, options_.password, options_.keys);
    if (!answer) return failed(Refusal::Kind::target_unavailable, answer.error().message);
    state_ = State::scram_final;
    Bytes out;
    FrameWriter(out, 'p').octets(*answer);
    return Send{std::move(out)};
  }

  /// The target's words may name our user there; the client gets them only where they cannot.
  Action target_refused(View frame) {
    const auto fields = read_error(frame.substr(kHeader));
    if (!fields) return violated();
    if (fields->code == "28P01" || fields->code == "28000") {
      return failed(Refusal::Kind::target_unavailable,
                    "the target refused the gateway's credential for it; whoever runs the gateway must correct it");
    }
    const View secret = options_.password.reveal();
    const bool is_telling =
        frame.find(options_.user) != View::npos || (!secret.empty() && frame.find(secret) != View::npos);
    const bool is_shown = !is_telling && std::ranges::find(kShown, fields->code) != kShown.end();
    return failed(Refusal::Kind::target_unavailable,
                  "the target refused the session with SQLSTATE " + std::string(fields->code),
                  is_shown ? Bytes(frame) : Bytes());
  }

  TargetLoginOptions options_;
  State state_ = State::start;
  bool is_secured_ = false;
  Bytes certificate_hash_;
  Bytes received_;
  std::optional<ScramClient> scram_;
  Done result_;
};

}  // namespace

std::unique_ptr<TargetLogin> make_target_login(TargetLoginOptions options) {
  return std::make_unique<PostgresTargetLogin>(std::move(options));
}

}  // namespace sallyport::proto::postgres
