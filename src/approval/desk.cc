#include "approval/desk.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <set>
#include <utility>

#include "base/digest.h"
#include "net/clock.h"
#include "policy/approvers.h"

namespace sallyport::approval {
namespace {

using base::Code;
using model::Refusal;
using net::wall_ns;
using SteadyClock = std::chrono::steady_clock;
constexpr auto kLookAtClient = std::chrono::seconds(1);

/// Short enough to be said on the phone: 10 characters without vowels and without what looks like something else.
std::string new_id() {
  static constexpr std::string_view kAlphabet = "23456789bcdfghjkmnpqrstvwxyz";
  std::string id;
  while (id.size() < 10) {
    for (const char c : base::random_bytes(16)) {
      const auto octet = static_cast<unsigned char>(c);
      if (octet < 252 && id.size() < 10) id.push_back(kAlphabet[octet % kAlphabet.size()]);
    }
  }
  return id;
}

std::string duration_text(std::chrono::seconds time) {
  if (time.count() % 60 != 0 || time.count() == 0) return fmt::format("{} s", time.count());
  return time.count() == 60 ? "1 minute" : fmt::format("{} minutes", time.count() / 60);
}

/// Lets `to` point at the timer while this lives.
class Alarm {
 public:
  Alarm(net::asio::steady_timer*& to, net::asio::steady_timer* timer) : to_(to) { to_ = timer; }
  ~Alarm() { to_ = nullptr; }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

 private:
  net::asio::steady_timer*& to_;
};

}  // namespace

std::string_view name_of(State state) {
  switch (state) {
    case State::opening:
      return "opening";
    case State::pending:
      return "pending";
    case State::approved:
      return "approved";
    case State::denied:
      return "denied";
    case State::expired:
      return "expired";
    case State::cancelled:
      return "cancelled";
  }
  return "";
}

struct Desk::Entry {
  Entry(Status what, net::asio::any_io_executor executor, SteadyClock::time_point until)
      : status(std::move(what)), core(std::move(executor)), deadline(until) {}

  // Under the desk's mutex:
  Status status;
  std::optional<Refusal> cancelled{};
  bool is_settled = false;  // its verdict was given, or it ended without one: it counts no more
  // Fixed:
  const net::asio::any_io_executor core;
  const SteadyClock::time_point deadline;
  // The core's alone: set while somebody waits.
  net::asio::steady_timer* alarm = nullptr;

  bool is_live() const {
    return status.state == State::opening || status.state == State::pending || status.state == State::approved;
  }
};

void Desk::replace(Options options) {
  const std::scoped_lock lock(mutex_);
  options_ = options;
}

std::expected<Ticket, Refusal> Desk::open(Request request, net::asio::any_io_executor core) {
  const auto timeout = request.timeout();
  const auto now = SteadyClock::now();
  const std::scoped_lock lock(mutex_);
  Standing& standing = principals_[request.requester.name];
  if (standing.paused_until > now) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(standing.paused_until - now);
    return std::unexpected(
        Refusal{.rule = request.rules,
                .message = "refused by rule " + request.rules + ": a request of " + request.requester.name +
                           " was denied a moment ago",
                .detail = "After a denial nothing more can be asked for some time.",
                .hint = "Do not repeat it. Ask for something else in " + duration_text(left) + ", or ask a person."});
  }
  if (standing.open >= options_.holds_per_principal)
    return std::unexpected(Refusal{.rule = request.rules,
                                   .message = fmt::format("refused by rule {}: {} already has {} requests that wait",
                                                          request.rules, request.requester.name, standing.open),
                                   .detail = "So many may wait at once for one principal.",
                                   .hint = "Wait until one is decided or cancel one, then try again."});
  Status status{.id = new_id(), .request = std::move(request), .state = State::opening, .asked_wall_ns = wall_ns()};
  for (const policy::Demand& demand : status.request.terms.demands) status.missing.push_back(demand.count);
  status.expires_wall_ns = status.asked_wall_ns + std::chrono::nanoseconds(timeout).count();
  auto entry = std::make_shared<Entry>(std::move(status), std::move(core), now + timeout);
  entries_.emplace(entry->status.id, entry);
  ++standing.open;
  return Ticket(*this, std::move(entry));
}

const Desk::EntryPointer* Desk::look(const std::string& id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() || found->second->status.state == State::opening ? nullptr : &found->second;
}

std::vector<Status> Desk::list() const {
  std::vector<Status> all;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [id, entry] : entries_)
      if (entry->status.state != State::opening) all.push_back(entry->status);
  }
  std::ranges::sort(all, std::greater{}, &Status::asked_wall_ns);
  return all;
}

std::optional<Status> Desk::find(const std::string& id) const {
  const std::scoped_lock lock(mutex_);
  const EntryPointer* entry = look(id);
  return entry == nullptr ? std::nullopt : std::optional((*entry)->status);
}

/// The mutex is held. The one that waits for a decision, or why none is due.
base::Result<Desk::Entry*> Desk::pending(const std::string& id) const {
  static constexpr auto kHint = "'sallyport approvals list' shows what waits";
  const EntryPointer* entry = look(id);
  if (entry == nullptr) return base::fail(Code::unsupported, "there is no approval '" + id + "'", kHint);
  const State state = (*entry)->status.state;
  if (state != State::pending) return base::fail(Code::denied, fmt::format("it is {} already", name_of(state)), kHint);
  return entry->get();
}

base::Result<void> Desk::may_vote(const Entry& entry, const model::Principal& approver) const {
  const Status& status = entry.status;
  if (SteadyClock::now() >= entry.deadline)
    return base::fail(Code::denied, "its time is over", "'sallyport approvals list' shows what waits");
  if (auto why = policy::why_no_approver(status.request.requester, approver))
    return base::fail(Code::denied, std::move(*why), "somebody else must decide");
  std::string wanted;
  for (const policy::Demand& demand : status.request.terms.demands) {
    if (policy::is_among(demand, approver)) return {};
    wanted += (wanted.empty() ? "" : "; ") + demand.rule + ": " + policy::people_of(demand);
  }
  return base::fail(Code::denied, approver.name + " is not among its approvers", "those are: " + wanted);
}

base::Result<void> Desk::may_vote(const std::string& id, const model::Principal& approver) const {
  const std::scoped_lock lock(mutex_);
  const auto entry = pending(id);
  if (!entry) return std::unexpected(entry.error());
  return may_vote(**entry, approver);
}

base::Result<State> Desk::vote(const std::string& id, const model::Principal& approver, bool is_yes,
                               std::string reason) {
  const std::scoped_lock lock(mutex_);
  const auto found = pending(id);
  if (!found) return std::unexpected(found.error());
  Entry& entry = **found;
  if (auto may = may_vote(entry, approver); !may) return std::unexpected(may.error());
  auto& votes = entry.status.votes;
  if (std::ranges::any_of(votes, [&](const Vote& vote) { return vote.by == approver.name && vote.is_yes == is_yes; }))
    return base::fail(Code::denied, approver.name + " has said so already", "the others must be other people");
  votes.push_back({approver.name, is_yes, std::move(reason), wall_ns()});
  if (!is_yes) {
    end(entry, State::denied, "denied by " + approver.name);
    return State::denied;
  }
  auto& missing = entry.status.missing;
  const auto& demands = entry.status.request.terms.demands;
  for (std::size_t i = 0; i < demands.size(); ++i)
    if (missing[i] > 0 && policy::is_among(demands[i], approver)) --missing[i];
  if (std::ranges::all_of(missing, [](int count) { return count == 0; })) end(entry, State::approved, "");
  return entry.status.state;
}

base::Result<State> Desk::refuse(const std::string& id, const std::string& by, std::string reason) {
  const std::scoped_lock lock(mutex_);
  const auto found = pending(id);
  if (!found) return std::unexpected(found.error());
  Entry& entry = **found;
  entry.status.votes.push_back({by, false, std::move(reason), wall_ns()});
  end(entry, State::denied, "denied by " + by);
  return State::denied;
}

/// The mutex is held. Wakes whoever waits, on its own core.
void Desk::end(Entry& entry, State state, std::string why) {
  entry.status.state = state;
  entry.status.why = std::move(why);
  if (state == State::denied)
    principals_[entry.status.request.requester.name].paused_until = SteadyClock::now() + options_.pause_after_denial;
  const auto found = entries_.find(entry.status.id);
  net::asio::post(entry.core, [kept = found->second] {
    if (kept->alarm != nullptr) kept->alarm->cancel();
  });
}

/// The mutex is held. It waits no more: its principal may ask again, and only list() still knows it.
void Desk::forget(Entry& entry) {
  if (std::exchange(entry.is_settled, true)) return;
  const auto standing = principals_.find(entry.status.request.requester.name);
  if (--standing->second.open == 0 && standing->second.paused_until <= SteadyClock::now()) principals_.erase(standing);
  // What was never shown is not listed; what is kept of the others is what people look at.
  if (entry.status.state == State::opening) {
    entries_.erase(entry.status.id);
    return;
  }
  ended_.push_back(entry.status.id);
  while (ended_.size() > options_.kept) {
    entries_.erase(ended_.front());
    ended_.pop_front();
  }
}

namespace {

Refusal refusal_of(const Status& status, const std::optional<Refusal>& cancelled) {
  const std::string rules = status.request.rules;
  const std::string start = "refused by rule " + rules + ": approval " + status.id;
  switch (status.state) {
    case State::denied: {
      const Vote& last = status.votes.back();
      return {
          .rule = rules,
          .message = start + " was denied by " + last.by + (last.reason.empty() ? "" : ": " + last.reason),
          .hint = "Do not repeat it unchanged: what was denied stays denied. Ask " + last.by + " what would be right."};
    }
    case State::expired:
      return {.rule = rules,
              .message = start + " was not given in time",
              .detail = fmt::format("It waited until its time was over; {} had said yes.",
                                    std::ranges::count_if(status.votes, &Vote::is_yes)),
              .hint = status.request.is_in_transaction
                          ? "Inside a transaction the time is short: run it alone, or ask the approvers to be ready."
                          : "Run it again when an approver can look at it."};
    case State::cancelled:
      if (cancelled) return *cancelled;
      break;
    case State::opening:
    case State::pending:
    case State::approved:
      break;
  }
  return {.kind = Refusal::Kind::internal, .rule = rules, .message = start + " ended without a decision"};
}

}  // namespace

policy::Decided Desk::settle(const EntryPointer& entry, policy::Hold hold, std::optional<Refusal> voided) {
  const std::scoped_lock lock(mutex_);
  Status& status = entry->status;
  const bool is_approved = !entry->is_settled && status.state == State::approved;
  if (is_approved && voided) {
    status.state = State::cancelled;
    status.why = voided->message;
  }
  const bool is_released = is_approved && !voided;
  Refusal refusal;
  if (!is_released) refusal = voided && is_approved ? std::move(*voided) : refusal_of(status, entry->cancelled);
  forget(*entry);
  if (is_released) return std::move(hold).release(policy::Approval());
  return std::move(hold).refuse(std::move(refusal));
}

Ticket::~Ticket() {
  if (!entry_) return;
  const std::scoped_lock lock(desk_->mutex_);
  if (entry_->is_settled) return;
  if (entry_->is_live() && entry_->status.state != State::opening) {
    entry_->status.state = State::cancelled;
    entry_->status.why = "its session ended";
  }
  desk_->forget(*entry_);
}

const std::string& Ticket::id() const { return entry_->status.id; }

std::chrono::seconds Ticket::timeout() const { return entry_->status.request.timeout(); }

Status Ticket::status() const {
  const std::scoped_lock lock(desk_->mutex_);
  return entry_->status;
}

void Ticket::cancel(Refusal reason) {
  const std::scoped_lock lock(desk_->mutex_);
  if (entry_->is_settled || !entry_->is_live()) return;
  entry_->cancelled = std::move(reason);
  desk_->end(*entry_, State::cancelled, entry_->cancelled->message);
}

net::Task<State> Ticket::wait(const audit::Recorded<policy::Hold>* held, const std::function<bool()>* is_client_gone) {
  static_cast<void>(held);  // that it is recorded is what lets it be shown
  const Desk::EntryPointer entry = entry_;
  {
    const std::scoped_lock lock(desk_->mutex_);
    if (entry->status.state == State::opening) entry->status.state = State::pending;
  }
  net::asio::steady_timer alarm(entry->core);
  const Alarm set(entry->alarm, &alarm);
  for (;;) {
    {
      const std::scoped_lock lock(desk_->mutex_);
      if (entry->status.state == State::pending && SteadyClock::now() >= entry->deadline)
        desk_->end(*entry, State::expired, "nobody decided in time");
      if (entry->status.state != State::pending) co_return entry->status.state;
    }
    if ((*is_client_gone)()) {
      cancel({.kind = Refusal::Kind::cancelled, .rule = entry->status.request.rules, .message = "the client left"});
      continue;
    }
    alarm.expires_at(std::min(entry->deadline, SteadyClock::now() + kLookAtClient));
    co_await alarm.async_wait(net::asio::as_tuple(net::asio::use_awaitable));
  }
}

policy::Decided Ticket::settle(audit::Recorded<policy::Hold>&& held, std::optional<Refusal> voided) && {
  return desk_->settle(entry_, audit::Recorder::take(std::move(held)), std::move(voided));
}

}  // namespace sallyport::approval
