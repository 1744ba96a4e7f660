#pragma once
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "model/command.h"
#include "model/refusal.h"
#include "model/understanding.h"

/// The three verdicts. Each is move-only and owns the Step it is about; only policy::Engine makes one, so whoever holds
/// a Permit knows that its Step was judged. Pure.
namespace sallyport::policy {

class Engine;

/// What was decided and on what grounds; goes into the trail with the Step.
struct Grounds {
  std::string rules{};         // names of the rules that decided, ", " between; empty: no rule matched
  std::uint64_t rule_set = 0;  // log index of the rule set's event in the trail
  std::shared_ptr<const model::Understanding> understanding{};  // never null for a Command
};

class Permit {
 public:
  Permit(Permit&&) noexcept = default;
  Permit& operator=(Permit&&) noexcept = default;
  const model::Step& step() const { return step_; }
  const Grounds& grounds() const { return grounds_; }

 private:
  friend class Engine;
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
  Denial(model::Command&& command, Grounds grounds, model::Refusal refusal)
      : command_(std::move(command)), grounds_(std::move(grounds)), refusal_(std::move(refusal)) {}
  model::Command command_;
  Grounds grounds_;
  model::Refusal refusal_;
};

/// Waits for people. Its seat only: nothing makes one before the approval desk exists.
class Hold {
 public:
  Hold(Hold&&) noexcept = default;
  Hold& operator=(Hold&&) noexcept = default;

 private:
  friend class Engine;
  Hold(model::Command&& command, Grounds grounds) : command_(std::move(command)), grounds_(std::move(grounds)) {}
  model::Command command_;
  Grounds grounds_;
};

/// What the gate acts on once every Hold has become one of the two.
using Decided = std::variant<Permit, Denial>;

}  // namespace sallyport::policy
