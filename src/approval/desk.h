#pragma once
#include <algorithm>
#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "audit/recorder.h"
#include "base/result.h"
#include "model/principal.h"
#include "model/refusal.h"
#include "net/stream.h"
#include "policy/verdict.h"

/// Where held Commands wait for people (DESIGN.md section 6, Holds).
namespace sallyport::approval {

/// What is asked: everything that an approver must see, and nothing of it cut. Texts are as the requester sent them:
/// approval/shown_text.h makes them fit to be looked at.
struct Request {
  std::string session{};  // 32 hexadecimal digits
  std::uint64_t op = 0;
  model::Principal requester{};
  std::string target{}, database{};
  std::string rules{};  // names of those that hold it
  std::uint64_t rule_set = 0;
  policy::Terms terms{};
  std::string statement{};
  std::vector<model::StoredText> stored{};  // what names in the statement stand for
  std::vector<model::Parameter> parameters{};
  std::vector<std::string> kinds{}, relations{};
  std::string effects{}, note{};
  std::string fingerprint{};  // hexadecimal; approval/fingerprint.h
  bool is_in_transaction = false;

  /// How long people have.
  std::chrono::seconds timeout() const {
    return is_in_transaction ? std::min(terms.timeout, terms.in_transaction_timeout) : terms.timeout;
  }
};

/// OPENING (not shown yet) -recorded-> PENDING -people-> APPROVED | DENIED
/// OPENING, PENDING, APPROVED -time-> EXPIRED, -client or session-> CANCELLED. What was approved is released once, or
/// is CANCELLED: changed in between.
enum class State : std::uint8_t { opening, pending, approved, denied, expired, cancelled };
std::string_view name_of(State state);

struct Vote {
  std::string by{};
  bool is_yes = false;
  std::string reason{};
  std::int64_t wall_ns = 0;
};

/// What anybody may know of one that waits or has waited.
struct Status {
  std::string id{};
  Request request{};
  State state = State::pending;
  std::vector<Vote> votes{};
  std::vector<int> missing{};  // how many more people each of terms.demands needs
  std::string why{};           // it ended: "the client left"
  std::int64_t asked_wall_ns = 0, expires_wall_ns = 0;
};

class Ticket;

/// Thread-safe, and outlives every Ticket. What waits is decided exactly once: under the mutex, by whoever is first.
class Desk {
 public:
  struct Options {
    std::size_t holds_per_principal = 5;
    std::chrono::seconds pause_after_denial{30};
    std::size_t kept = 1000;  // ended ones that list() still shows
  };
  explicit Desk(Options options) : options_(options) {}
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;
  void replace(Options options);

  /// A seat for what is to wait. The refusal when the principal has too many, or was denied a moment ago.
  /// `core`: where the waiting session lives.
  std::expected<Ticket, model::Refusal> open(Request request, net::asio::any_io_executor core);

  /// Newest first.
  std::vector<Status> list() const;
  std::optional<Status> find(const std::string& id) const;
  /// Could this one's word count now? The reason if not. Asked before the vote is recorded.
  base::Result<void> may_vote(const std::string& id, const model::Principal& approver) const;
  /// Takes the vote. One no ends it; it is approved once every demand has its number of different people. The state
  /// after the vote.
  base::Result<State> vote(const std::string& id, const model::Principal& approver, bool is_yes, std::string reason);
  /// The operator of this machine says no: that needs nobody's rule.
  base::Result<State> refuse(const std::string& id, const std::string& by, std::string reason);

 private:
  friend class Ticket;
  struct Entry;
  using EntryPointer = std::shared_ptr<Entry>;

  const EntryPointer* look(const std::string& id) const;
  base::Result<Entry*> pending(const std::string& id) const;
  base::Result<void> may_vote(const Entry& entry, const model::Principal& approver) const;
  void end(Entry& entry, State state, std::string why);
  void forget(Entry& entry);
  policy::Decided settle(const EntryPointer& entry, policy::Hold hold, std::optional<model::Refusal> voided);

  mutable std::mutex mutex_;  // held for a lookup or a change of state, never across a wait
  Options options_;
  std::unordered_map<std::string, EntryPointer> entries_;
  std::deque<std::string> ended_;  // oldest first
  struct Standing {
    std::size_t open = 0;
    std::chrono::steady_clock::time_point paused_until{};
  };
  std::unordered_map<std::string, Standing> principals_;
};

/// One that waits, held by the session that waits; on that session's core. Gone without being settled: cancelled.
class Ticket {
 public:
  Ticket(Ticket&&) noexcept = default;
  Ticket& operator=(Ticket&&) = delete;
  ~Ticket();

  const std::string& id() const;
  /// How long people have; counted from open().
  std::chrono::seconds timeout() const;

  /// Shows it to approvers and waits for the first of: their decision, the time, cancel(), `is_client_gone` (asked each
  /// second). REQUIRES: `held`, `is_client_gone` outlive the wait.
  net::Task<State> wait(const audit::Recorded<policy::Hold>* held, const std::function<bool()>* is_client_gone);
  /// The client asked for it, or its session ends. Wakes wait(); also takes back an approval that is not settled yet.
  void cancel(model::Refusal reason);

  Status status() const;
  /// The Permit if it was approved and is not `voided`; else the Denial that says why. Once.
  policy::Decided settle(audit::Recorded<policy::Hold>&& held, std::optional<model::Refusal> voided) &&;

 private:
  friend class Desk;
  Ticket(Desk& desk, Desk::EntryPointer entry) : desk_(&desk), entry_(std::move(entry)) {}
  Desk* desk_;
  Desk::EntryPointer entry_;
};

}  // namespace sallyport::approval
