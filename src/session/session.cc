#include "session/session.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <chrono>
#include <utility>

#include "audit/cbor.h"
#include "audit/lane.h"
#include "net/clock.h"
#include "session/read_buffer.h"

namespace sallyport::session {
namespace {

using model::Refusal;
using net::Task;
using net::wall_ns;
constexpr std::size_t kClientQueueLimit = std::size_t{1} << 20;
constexpr std::size_t kEventLimit = std::size_t{256} << 10;
constexpr auto kLastWordsTime = std::chrono::milliseconds(500);

Refusal trail_unavailable(const audit::Unavailable& error) {
  return {
      .kind = Refusal::Kind::trail_unavailable,
      .message = "the session ends because it can no longer be recorded",
      .detail = error.reason,
      .hint = "The gateway's operator must make the trail writable again; what was not confirmed was not forwarded."};
}

Refusal of_error(const base::Error& error) {
  const auto kind = error.code == base::Code::unsupported ? Refusal::Kind::not_supported
                    : error.code == base::Code::limit     ? Refusal::Kind::statement_too_long
                                                          : Refusal::Kind::protocol_violation;
  return {.kind = kind, .message = error.message, .hint = error.hint};
}

}  // namespace

Session::Session(Parts parts, const Protocol& protocol, const Ground& ground, audit::Recorder& recorder)
    : protocol_(protocol),
      ground_(ground),
      recorder_(recorder),
      client_(std::move(parts.client)),
      target_(std::move(parts.target.stream)),
      rest_of_client_(std::move(parts.rest_of_client)),
      rest_of_target_(std::move(parts.target.login.rest)),
      to_(*parts.to),
      target_process_(parts.target.login.process),
      target_key_(parts.target.login.key),
      what_{.id = base::to_hex(recorder.session()),
            .principal = parts.principal.name,
            .target = parts.to->name.name,
            .database = parts.database,
            .client_address = parts.client_address,
            .token_id = parts.authentication.token_id,
            .opened_wall_ns = wall_ns()},
      expires_ns_(parts.authentication.expires_wall_ns),
      codec_(protocol.codec()),
      gate_({.rules = ground.rules,
             .principal = std::move(parts.principal),
             .target = to_.name,
             .database = parts.database,
             .catalogue = ground.catalogue(to_, parts.database),
             .understandings = ground.understandings,
             .mask_plans = ground.mask_plans,
             .limits = ground.sql_limits,
             .start = sql::start_of(sql::understand_settings(parts.settings)),
             .desk = ground.desk,
             .core = ground.core,
             .announce = [this](const auto& held, const auto& remark) { client_writer_.announce(held, remark); },
             .is_client_gone = [this] { return client_->is_abandoned(); }},
            *codec_, recorder),
      target_writer_(*target_, *codec_),
      client_writer_(*client_, recorder, *codec_, kClientQueueLimit),
      expiry_(ground.core) {
  look();
}

Session::~Session() { ground_.directory->leave(what_.id); }

Directory::CancelKey Session::enter() { return ground_.directory->enter(what_, *this, ground_.core); }

Task<std::string> Session::run() {
  using net::asio::experimental::awaitable_operators::operator&&;
  co_await (guard(read_client()) && guard(read_target()) && guard(write_client()) && guard(pass_cancels()) &&
            guard(watch_time()));
  co_return why_.empty() ? "the client ended the session" : why_;
}

/// What ends a session is caught here and nowhere else: the other parts are told, and all of them end.
Task<> Session::guard(Task<> part) {
  std::optional<Refusal> reason;
  bool is_client_lost = false;
  try {
    co_await std::move(part);
  } catch (const audit::Unavailable& error) {
    reason = trail_unavailable(error);
  } catch (const boost::system::system_error& error) {
    if (!is_over_ && !is_ending_) why_ = "connection failed: " + error.code().message();
    is_client_lost = true;
  } catch (const std::exception& error) {
    ground_.log("session " + what_.id + " ends by an error of the gateway's own: " + error.what());
    reason = Refusal{.kind = Refusal::Kind::internal, .message = "the session ends because of an error in the gateway"};
  }
  if (reason) end(*reason);
  if (is_client_lost && !is_ending_) stop();
}

Task<> Session::read_client() {
  ReadBuffer buffer;
  std::vector<model::Step> steps;
  base::View arrived = rest_of_client_;
  for (;;) {
    if (!arrived.empty()) {
      const auto cut = codec_->from_client(arrived, steps);
      co_await pass(&steps);
      if (!cut) {
        end(of_error(cut.error()));
        co_return;
      }
      steps.clear();
      rest_of_client_ = {};
      buffer.consumed();
    }
    if (is_ending_ || is_over_) co_return;
    const auto count = co_await client_->read_some(buffer.space());
    if (count == 0) break;
    buffer.took(count);
    arrived = base::View(buffer.data(), count);
  }
  // Half-close: what the client asked for is still answered, if it listens.
  if (why_.empty()) why_ = has_said_goodbye_ ? "the client ended the session" : "the client closed the connection";
  has_said_goodbye_ = true;
  co_await target_->finish();
}

Task<> Session::pass(std::vector<model::Step>* all) {
  auto& steps = *all;
  for (std::size_t next = 0; next < steps.size();) {
    co_await settle(all, next);
    if (const auto* control = std::get_if<model::Control>(&steps.back());
        control != nullptr && control->kind == model::Control::Kind::terminate)
      has_said_goodbye_ = true;
    auto admitted = co_await gate_.admit(all, &next);
    if (is_ending_ || is_over_) co_return;
    look();
    for (auto& one : admitted) {
      index(one);
      if (const auto* permit = std::get_if<audit::Recorded<policy::Permit>>(&one)) {
        if (const auto* command = std::get_if<model::Command>(&permit->value().step()))
          masker_.expect(command->number, permit->value().grounds().masks);
      }
      std::visit([this](auto& recorded) { target_writer_.send(std::move(recorded)); }, one);
    }
    co_await target_writer_.flush();
    // What the target ignores (after an error, until Sync) is known here and never answered by it.
    take_from_target({}, false);
  }
}

/// Waits until it is certain what the next Command is about: an earlier one may still change what names mean.
Task<> Session::settle(std::vector<model::Step>* all, std::size_t next) {
  auto& steps = *all;
  if (!gate_.is_blocked_for(steps, next)) co_return;
  target_writer_.nudge();
  co_await target_writer_.flush();
  co_await gate_.unblocked(all, next);
  for (; next < steps.size(); ++next)
    if (auto* const command = std::get_if<model::Command>(&steps[next])) codec_->resolve(*command);
}

/// What is masked, by the rules that the gate has now.
void Session::look() {
  if (!ground_.sight || sight_of_ == gate_.engine()) return;
  const bool is_first = sight_of_ == nullptr;
  sight_of_ = gate_.engine();
  const Sight sight = ground_.sight(to_);
  codec_->look({.keeps_shapes = sight.has_column_masks || sight.has_detectors,
                .whole_rows = sight.has_column_masks || sight.has_detectors ? sight.masked_row : 0});
  if (is_first) {
    masker_.begin({.has_column_masks = sight.has_column_masks,
                   .finders = sight.finders,
                   .format = &codec_->format(),
                   .scratch = sight.scratch});
  } else {
    masker_.look_for(sight.has_column_masks, sight.finders);
  }
  recorder_.hide(mask::Hider(sight.finders));
}

/// Each distinct statement once: the index leads to the trail, it does not repeat it.
void Session::index(const audit::Recorder::RecordedDecision& decision) {
  if (ground_.index == nullptr) return;
  const model::Command* command = nullptr;
  if (const auto* permit = std::get_if<audit::Recorded<policy::Permit>>(&decision))
    command = std::get_if<model::Command>(&permit->value().step());
  else
    command = &std::get<audit::Recorded<policy::Denial>>(decision).value().command();
  if (command == nullptr || !command->text || !indexed_.is_wanted(*command->text)) return;
  ground_.index->add(store::StatementRow{
      .session = what_.id, .op = command->op, .time_ns = wall_ns(), .text = recorder_.hider().shown(*command->text)});
}

/// Cuts, masks and hands over for recording. An event closes at its op's end, at 256 KiB, or when the target has
/// nothing more to say right now.
void Session::take_from_target(base::View octets, bool may_have_more) {
  std::vector<model::Reply> replies;
  const auto cut = codec_->from_target(octets, replies);
  bool ends_op = false;
  for (auto& reply : replies) {
    gate_.note(reply);
    ends_op = reply.ends_op;
    auto masked = masker_.mask(std::move(reply));
    if (!masked) {
      // What came before it is recorded, and the client's to see.
      if (!unrecorded_.empty()) client_writer_.queue(recorder_.append_replies(std::exchange(unrecorded_, {})));
      return end(of_error(masked.error()));
    }
    if (const auto& error = masked->reply().error;
        error && (error->severity == "FATAL" || error->severity == "PANIC")) {
      has_said_goodbye_ = true;
      why_ = "the target ended the session: " + error->message;
    }
    unrecorded_octets_ += masked->raw().size();
    unrecorded_.push_back(std::move(*masked));
  }
  if (!unrecorded_.empty() && (ends_op || unrecorded_octets_ >= kEventLimit || !may_have_more || !cut)) {
    client_writer_.queue(recorder_.append_replies(std::exchange(unrecorded_, {})));
    unrecorded_octets_ = 0;
  }
  if (!cut)
    end({.kind = Refusal::Kind::protocol_violation,
         .message = "the target sent what is not understood: " + cut.error().message,
         .hint = cut.error().hint});
}

Task<> Session::read_target() {
  ReadBuffer buffer;
  bool may_have_more = false;
  if (!rest_of_target_.empty()) take_from_target(std::exchange(rest_of_target_, {}), false);
  for (;;) {
    if (is_ending_ || is_over_) co_return;
    const auto count = co_await target_->read_some(buffer.space());
    if (count == 0) break;
    may_have_more = buffer.took(count);
    take_from_target({buffer.data(), count}, may_have_more);
    buffer.consumed();
    co_await client_writer_.room();
  }
  if (!unrecorded_.empty()) client_writer_.queue(recorder_.append_replies(std::exchange(unrecorded_, {})));
  if (has_said_goodbye_) {
    client_writer_.drain();
  } else {
    end({.kind = Refusal::Kind::target_unavailable, .message = "the target closed the connection unexpectedly"});
  }
}

Task<> Session::write_client() {
  std::optional<Refusal> last_words;
  try {
    co_await client_writer_.run();
  } catch (const audit::Unavailable& error) {
    last_words = trail_unavailable(error);
  }
  if (last_words) {
    end(*last_words);
    client_writer_.discard();
    co_await client_writer_.run();
  }
  co_await client_->finish();
  stop();
}

Task<> Session::pass_cancels() {
  for (;;) {
    while (cancels_.empty() && !is_over_) co_await cancel_wanted_.wait();
    if (is_over_) co_return;
    const std::string from = std::move(cancels_.back());
    cancels_.clear();
    const bool is_passed_on = codec_->is_outstanding() && !gate_.is_holding();
    audit::cbor::Map meta;
    meta.flag("is_passed_on", is_passed_on);
    meta.whole_text("client_address", from);
    co_await recorder_.note("cancel", meta.finish());
    // What waits for people has not begun: there is nothing for the target to cancel.
    gate_.cancel_hold({.kind = Refusal::Kind::cancelled,
                       .message = "canceling statement due to user request",
                       .detail = "It waited for an approval; nothing of it ran."});
    // Asked again: what was outstanding may have been answered while this was recorded.
    if (is_passed_on && codec_->is_outstanding() && !is_over_)
      co_await dial_cancel(&to_, &protocol_, target_process_, target_key_);
  }
}

/// Ends the session when its token expires, and cuts the client off when it does not take the last words.
Task<> Session::watch_time() {
  while (!is_over_) {
    if (is_ending_) {
      expiry_.expires_after(kLastWordsTime);
    } else if (expires_ns_ != 0) {
      expiry_.expires_after(std::chrono::nanoseconds(std::max<std::int64_t>(expires_ns_ - ground_.granting_ns(), 0)));
    } else {
      expiry_.expires_at(std::chrono::steady_clock::time_point::max());
    }
    const bool was_ending = is_ending_;
    const auto [error] = co_await expiry_.async_wait(net::asio::as_tuple(net::asio::use_awaitable));
    if (error || is_over_) continue;
    if (was_ending) {
      stop();
    } else {
      end({.kind = Refusal::Kind::session_ended,
           .message = "the session ends because its token has expired",
           .hint = "Ask for a new token and connect again."});
    }
  }
}

void Session::end(const Refusal& reason) {
  if (is_ending_ || is_over_) return;
  is_ending_ = true;
  why_ = reason.detail.empty() ? reason.message : reason.message + ": " + reason.detail;
  if (codec_->is_outstanding()) {
    // What runs at the target must not go on unwatched. Outlives the session: everything it needs is copied or global.
    net::asio::co_spawn(ground_.core, dial_cancel(&to_, &protocol_, target_process_, target_key_), net::asio::detached);
  }
  client_writer_.finish(reason);
  target_->close();
  gate_.release();
  expiry_.cancel();
}

void Session::cancel(std::string from_address) {
  if (cancels_.size() < 8) cancels_.push_back(std::move(from_address));
  cancel_wanted_.wake();
}

void Session::stop() {
  is_over_ = true;
  client_->close();
  target_->close();
  client_writer_.abandon();
  gate_.release();
  cancel_wanted_.wake();
  expiry_.cancel();
}

}  // namespace sallyport::session
