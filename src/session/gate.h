#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "approval/desk.h"
#include "approval/fingerprint.h"
#include "audit/recorder.h"
#include "net/signal.h"
#include "policy/engine.h"
#include "proto/codec.h"
#include "session/catalogue_source.h"
#include "sql/understand.h"

namespace sallyport::sql {
class UnderstandingCache;
}

namespace sallyport::session {

/// The one gate of the data path: every Step of a client is understood, judged and recorded here, in order, and comes
/// out in the only form that TargetWriter takes. One session, one core.
///
/// OPEN -admit(a Command that changes what names mean)-> BLOCKED -note(its completion)-> OPEN
/// OPEN -admit(a Command that a rule holds)-> HOLDING -decision, time, cancel_hold, the client's end-> OPEN
/// While BLOCKED no Command is judged, because what it means is not certain; Chunks and Controls pass, since the
/// outstanding Command may need them. What a rule holds waits until every earlier Command was answered, so that people
/// are asked about what is certain; of its own round trip nothing is forwarded before they have decided.
class Gate {
 public:
  struct Options {
    std::function<std::shared_ptr<const policy::Engine>()> rules;  // the newest rule set
    model::Principal principal{};
    model::TargetName target{};
    std::string database{};
    CatalogueSource* catalogue = nullptr;               // null: of a session that reads the catalogue itself
    sql::UnderstandingCache* understandings = nullptr;  // of the core
    policy::MaskPlans* mask_plans = nullptr;            // of the core; null: none are kept
    sql::Limits limits{};
    sql::SessionState start{};  // sql::start_of(the settings of the session's start)

    approval::Desk* desk = nullptr;  // null: what a rule holds is refused
    net::asio::any_io_executor core{};
    /// Tells the client that it waits.
    std::function<void(const audit::Recorded<policy::Hold>&, const model::Refusal& remark)> announce;
    /// Has the client gone although nothing is read? Asked each second of a hold.
    std::function<bool()> is_client_gone;
  };
  /// `codec` and `recorder` outlive the gate.
  Gate(Options options, const proto::Codec& codec, audit::Recorder& recorder);
  ~Gate();

  using Admitted = std::vector<audit::Recorder::RecordedDecision>;
  /// Takes the steps from the cursor on, up to and with the first that blocks, and moves the cursor past them; none
  /// when the rules have changed so that the first must wait now. They are recorded as the target's durability demands
  /// when it returns. REQUIRES: !is_blocked_for the first of them. Throws audit::Unavailable.
  net::Task<Admitted> admit(std::vector<model::Step>* all, std::size_t* cursor);

  /// True when the step at `next` must wait for unblocked(): a name may change its meaning, or people are to be asked
  /// while an earlier Command is not answered.
  bool is_blocked_for(const std::vector<model::Step>& steps, std::size_t next) const;
  net::Task<> unblocked(const std::vector<model::Step>* steps, std::size_t next);
  /// Takes notice of what completed. Called for each Reply, before it is passed on.
  void note(const model::Reply& reply);

  /// The rules that it judges by now.
  const std::shared_ptr<const policy::Engine>& engine() const { return engine_; }
  bool is_holding() const { return ticket_ != nullptr; }
  /// What waits for people waits no more. Only while is_holding().
  void cancel_hold(model::Refusal reason);
  /// The session ends: whoever waits in unblocked() or for people goes on.
  void release();

 private:
  struct SessionNames;
  using UnderstandingPointer = std::shared_ptr<const model::Understanding>;
  net::Task<> refresh();
  net::Task<> refresh_all();
  UnderstandingPointer understand(const model::Command& command) const;
  policy::Decided judge(model::Step&& step);
  policy::Decided decide(policy::Verdict verdict) const;

  bool must_be_first(const std::vector<model::Step>& steps, std::size_t next) const;
  /// Which step of the round trip that begins at `next` people must be asked about.
  std::optional<std::size_t> find_hold(const std::vector<model::Step>& steps, std::size_t next) const;
  net::Task<policy::Decided> ask(model::Command command);
  std::optional<model::Refusal> why_not_asked(const model::Command& command, const model::Understanding& what) const;
  approval::Request request_of(const policy::Hold& hold) const;
  model::Refusal remark_of(const approval::Ticket& ticket, const policy::Hold& hold) const;
  net::Task<std::optional<model::Refusal>> what_changed(const policy::Hold* hold, const base::Digest* before);
  base::Digest fingerprint(const model::Command& command, const model::Understanding& what,
                           approval::Values values) const;
  void remember(const policy::Permit& permit);
  base::Digest cursor_basis(const std::string& text, const model::Understanding& what) const;
  const policy::Precedent* precedent_of(const model::Command& command) const;
  void passed(const policy::Permit& permit);
  void settle_barrier(model::Completion::Outcome outcome, bool is_ready);
  void settle_pipeline();
  void follow_pipeline();

  Options options_;
  const proto::Codec& codec_;
  audit::Recorder& recorder_;
  std::unique_ptr<SessionNames> names_;
  sql::SessionState state_;
  std::shared_ptr<const model::Catalogue> catalogue_;
  std::shared_ptr<const policy::Engine> engine_;
  bool may_hold_ = false;        // some rule of engine_ may hold what this principal does
  policy::Grounds last_permit_;  // of the Command that Chunks belong to
  struct Barrier {
    std::uint64_t command;
    UnderstandingPointer understanding;
  };
  std::optional<Barrier> barrier_;
  approval::Ticket* ticket_ = nullptr;
  /// What people approved and the session may go on with: portals by their Bind, cursors by their DECLARE.
  struct Approved {
    std::uint64_t command;
    base::Digest basis;  // without the values, which are bound
    policy::Precedent precedent;
  };
  std::deque<Approved> approved_;
  char transaction_ = 'I';
  /// Of Commands of the extended protocol that are done: until ReadyForQuery they may still be rolled back.
  std::vector<std::shared_ptr<const model::Understanding>> unsynced_;
  bool is_followed_ = false;  // other Commands came behind them
  bool is_synced_ = false;    // their Sync came
  bool changed_relations_in_transaction_ = false;
  net::Signal unblocked_;
  bool is_waited_for_ = false;  // somebody is in unblocked()
  bool is_released_ = false;
};

}  // namespace sallyport::session
