#pragma once
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "model/command.h"
#include "model/refusal.h"
#include "model/understanding.h"

/// The three verdicts. Each is move-only and owns the Step it is about. policy::Engine makes them; a Hold becomes one
/// of the other two, and becomes a Permit only against an Approval, which approval::Desk alone can make. So whoever
/// holds a Permit knows that its Step was judged. Pure.
namespace sallyport::approval {
class Desk;
}

namespace sallyport::policy {

class Engine;
class Hold;
struct MaskPlan;

/// What was decided and on what grounds; goes into the trail with the Step.
struct Grounds {
  std::string rules{};         // names of the rules that decided, ", " between; empty: no rule matched
  std::uint64_t rule_set = 0;  // log index of the rule set's event in the trail
  std::shared_ptr<const model::Understanding> understanding{};  // never null for a Command
  std::shared_ptr<const MaskPlan> masks{};  // of what its replies show; null: nothing of the target is masked
};

/// That a Command was admitted: what a portal's Execute or a cursor's FETCH may follow. Only Permit makes one.
class Precedent {
 public:
  const Grounds& grounds() const { return grounds_; }

 private:
  friend class Permit;
  explicit Precedent(Grounds grounds) : grounds_(std::move(grounds)) {}
  Grounds grounds_;
};

class Permit {
 public:
  Permit(Permit&&) noexcept = default;
  Permit& operator=(Permit&&) noexcept = default;
  const model::Step& step() const { return step_; }
  const Grounds& grounds() const { return grounds_; }
  Precedent precedent() const { return Precedent(grounds_); }

 private:
  friend class Engine;
  friend class Hold;
  Permit(model::Step&& step, Grounds grounds) : step_(std::move(step)), grounds_(std::move(grounds)) {}
  model::Step step_;
  Grounds grounds_;
};

class Denial {
 public:
  Denial(Denial&&) noexcept = default;
  Denial& operator=(Denial&&) noexcept = default;
  const model::Command& command() const { return command_; }
  const Grounds& grounds() const { return grounds_; }
  const model::Refusal& refusal() const { return refusal_; }

 private:
  friend class Engine;
  friend class Hold;
  Denial(model::Command&& command, Grounds grounds, model::Refusal refusal)
      : command_(std::move(command)), grounds_(std::move(grounds)), refusal_(std::move(refusal)) {}
  model::Command command_;
  Grounds grounds_;
  model::Refusal refusal_;
};

/// Who must say yes before a held Command goes on: `count` different people of these groups or names.
struct Demand {
  std::string rule{};
  std::vector<std::string> groups{}, principals{};
  int count = 1;
};

/// What a Hold waits for, and how long: of several rules that hold, all demands and the shortest times.
struct Terms {
  std::vector<Demand> demands{};
  std::chrono::seconds timeout = std::chrono::minutes(15);
  std::chrono::seconds in_transaction_timeout = std::chrono::minutes(1);
};

/// That people said yes to one Hold. Made by approval::Desk for the waiting Hold, once; used up by Hold::release.
class Approval {
 public:
  Approval(Approval&&) noexcept = default;
  Approval& operator=(Approval&&) noexcept = default;

 private:
  friend class approval::Desk;
  Approval() = default;
};

/// Waits for people.
class Hold {
 public:
  Hold(Hold&&) noexcept = default;
  Hold& operator=(Hold&&) noexcept = default;
  const model::Command& command() const { return command_; }
  const Grounds& grounds() const { return grounds_; }
  const Terms& terms() const { return terms_; }

  Permit release(Approval&&) && { return Permit(model::Step(std::move(command_)), std::move(grounds_)); }
  Denial refuse(model::Refusal refusal) && {
    return Denial(std::move(command_), std::move(grounds_), std::move(refusal));
  }

 private:
  friend class Engine;
  Hold(model::Command&& command, Grounds grounds, Terms terms)
      : command_(std::move(command)), grounds_(std::move(grounds)), terms_(std::move(terms)) {}
  model::Command command_;
  Grounds grounds_;
  Terms terms_;
};

/// What policy::Engine says of a Command.
using Verdict = std::variant<Permit, Hold, Denial>;
/// What the gate acts on once every Hold has become one of the two.
using Decided = std::variant<Permit, Denial>;

}  // namespace sallyport::policy
