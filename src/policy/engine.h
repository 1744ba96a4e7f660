#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/command.h"
#include "model/principal.h"
#include "model/refusal.h"
#include "model/understanding.h"
#include "policy/masks.h"
#include "policy/rules.h"
#include "policy/verdict.h"

namespace sallyport::policy {

struct Concerned;
struct Subject;

/// Judges Commands by rules (DESIGN.md section 6). Immutable after construction, shared between threads. Pure.
///
/// All rules that match count; the strongest wins: deny > hold > allow; no match is a denial. An allow matches only
/// when it covers every effect, statement and relation; a deny or a hold matches when any is covered (matching.h). Any
/// allow or hold that the principal has on the target implies housekeeping (model::Statement::is_housekeeping) and what
/// does nothing by itself; a hold is about these only when it names effects or statements. Whoever may only read is
/// refused what lifts a read-only session. An allow that lists relations covers no schema change of anything but
/// relations. Principals of kind `internal` (the gateway itself) are judged by one built-in rule and by no other: they
/// may read, and see what is masked for everybody else. What a rule allows or holds is refused all the same when a
/// masked column could be inferred from it (masks.h).
class Engine {
 public:
  /// `rule_set`: log index of the event that recorded these rules.
  /// `targets`: all that there are, so that a refusal can name another one where the same is allowed.
  explicit Engine(std::vector<Rule> rules, std::uint64_t rule_set = 0, std::vector<model::TargetName> targets = {},
                  const std::vector<MaskRule>& masks = {});

  /// REQUIRES: `understanding` is not null; `plans`, of this thread, keeps what the masks said of the like. It goes
  /// into the verdict's Grounds. What only prepares (CommandKind::prepare, PREPARE) is not held: what it prepares is,
  /// with its values, when it is bound or run.
  Verdict judge(model::Command&& command, std::shared_ptr<const model::Understanding> understanding,
                const model::Principal& principal, const model::TargetName& target, MaskPlans* plans = nullptr) const;
  /// Would judge() hold it? The Command stays where it is.
  bool would_hold(const model::Command& command, const model::Understanding& understanding,
                  const model::Principal& principal, const model::TargetName& target) const;
  /// False: would_hold is false for anything that they do there.
  bool may_hold(const model::Principal& principal, const model::TargetName& target) const;

  /// No rule would allow, or hold, anything but reading (and changes of the session) there. Sessions of such principals
  /// are to be read-only at the target, too; the Engine refuses them what would lift that.
  bool may_only_read(const model::Principal& principal, const model::TargetName& target) const;

  /// The one maker of a Permit for what is not judged by itself: payload of an admitted Command, whose grounds these
  /// are; the Execute or FETCH of what an admitted Command bound or declared, while nothing that was judged there has
  /// changed (that it has not is the caller's to know); and housekeeping from the codec's closed list.
  Permit follow(model::Chunk&& chunk, Grounds grounds) const;
  Permit follow(model::Command&& command, const Precedent& precedent) const;
  Permit follow(model::Control&& control) const;

  /// At the beginning of a session: may the principal have one on the target, with these settings
  /// (sql::understand_settings; an Understanding of nothing when there are none)? nullopt: yes.
  std::optional<model::Refusal> judge_settings(const model::Understanding& settings, const model::Principal& principal,
                                               const model::TargetName& target) const;

  /// nullptr: nothing of it is masked.
  std::shared_ptr<const TargetMasks> masks(const model::TargetName& target) const;

  const std::vector<Rule>& rules() const { return rules_; }
  std::uint64_t rule_set() const { return rule_set_; }

 private:
  struct Outcome {
    std::string rules{};                // that decided
    std::vector<const Rule*> denies{};  // that are about it
    bool is_allowed = false;
    std::optional<Terms> hold{};              // set: held
    std::optional<model::Refusal> refusal{};  // set: denied, by a rule or because none allows it
  };
  Outcome weigh(const Subject& subject, const Concerned& concerned) const;
  /// The other targets where it would be allowed.
  std::vector<std::string> elsewhere(const Subject& subject, const model::Principal& principal,
                                     const model::TargetName& target) const;
  Outcome decide(const Subject& subject, const model::Principal& principal, const model::TargetName& target) const;

  std::vector<Rule> rules_;
  std::uint64_t rule_set_;
  std::vector<model::TargetName> targets_;
  std::map<std::string, std::shared_ptr<const TargetMasks>, std::less<>> masks_;  // by target; those that have any
};

}  // namespace sallyport::policy
