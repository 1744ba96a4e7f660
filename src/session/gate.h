#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <vector>

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
/// While BLOCKED no Command is judged, because what it means is not certain; Chunks and Controls pass, since the
/// outstanding Command may need them.
class Gate {
 public:
  struct Options {
    std::function<std::shared_ptr<const policy::Engine>()> rules;  // the newest rule set
    model::Principal principal{};
    model::TargetName target{};
    CatalogueSource* catalogue = nullptr;               // null: of a session that reads the catalogue itself
    sql::UnderstandingCache* understandings = nullptr;  // of the core
    sql::Limits limits{};
  };
  /// `codec` and `recorder` outlive the gate.
  Gate(Options options, const proto::Codec& codec, audit::Recorder& recorder);
  ~Gate();

  using Admitted = std::vector<audit::Recorder::RecordedDecision>;
  /// Takes the steps from the cursor on, up to and with the first that blocks, and moves the cursor past them. They are
  /// recorded as the target's durability demands when it returns. REQUIRES: !is_blocked_for the first of them. Throws
  /// audit::Unavailable.
  net::Task<Admitted> admit(std::vector<model::Step>* all, std::size_t* cursor);

  /// True when `step` must wait for unblocked().
  bool is_blocked_for(const model::Step& step) const;
  net::Task<> unblocked();
  /// Takes notice of what completed. Called for each Reply, before it is passed on.
  void note(const model::Reply& reply);
  /// The session ends: whoever waits in unblocked() goes on.
  void release();

 private:
  struct SessionNames;
  std::shared_ptr<const model::Understanding> understand(const model::Command& command);
  policy::Decided judge(model::Step&& step);

  Options options_;
  audit::Recorder& recorder_;
  std::unique_ptr<SessionNames> names_;
  sql::SessionState state_;
  std::shared_ptr<const model::Catalogue> catalogue_;
  std::shared_ptr<const policy::Engine> engine_;
  policy::Grounds last_permit_;  // of the Command that Chunks belong to
  struct Barrier {
    std::uint64_t command;
    std::shared_ptr<const model::Understanding> understanding;
  };
  std::optional<Barrier> barrier_;
  char transaction_ = 'I';
  bool changed_relations_in_transaction_ = false;
  net::Signal unblocked_;
  bool is_released_ = false;
};

}  // namespace sallyport::session
