#include <algorithm>
#include <utility>

#include "approval/records.h"
#include "policy/approvers.h"
#include "session/gate.h"

// What of the gate waits for people.
namespace sallyport::session {

using model::Command;
using model::CommandKind;
using model::Refusal;
using model::Understanding;

namespace {

constexpr std::size_t kMostApproved = 64;  // portals and cursors that people approved and that may still be executed

std::uint64_t op_of(const model::Step& step) {
  return std::visit([](const auto& one) { return one.op; }, step);
}

/// Does it act by itself? A portal's Execute follows its Bind, and what is prepared acts when it is bound.
bool may_be_asked(CommandKind kind) {
  return kind == CommandKind::run || kind == CommandKind::bind || kind == CommandKind::call;
}

bool is_whole(const model::Parameter& parameter) {
  return parameter.is_null || parameter.full_size <= parameter.octets.size();
}

std::string relation_text(const model::Relation& relation) {
  return (relation.schema.empty() ? "" : relation.schema + ".") + relation.name +
         (relation.is_written ? (relation.is_read ? " (read, written)" : " (written)") : " (read)");
}

std::string people_of(const policy::Terms& terms) {
  std::string text;
  for (const policy::Demand& demand : terms.demands) {
    if (!text.empty()) text += ", and ";
    text += std::to_string(demand.count) + " of " + policy::people_of(demand);
  }
  return text;
}

/// Only FETCH and MOVE, of cursors alone.
bool only_fetches(const Understanding& what) {
  const bool is_fetch =
      !what.statements.empty() && (what.statements[0].kind == "FETCH" || what.statements[0].kind == "MOVE");
  return is_fetch && what.stored.size() == 1 && what.stored[0].kind == model::StoredText::Kind::cursor &&
         std::ranges::count_if(what.statements, [](const auto& statement) {
           return statement.kind == "FETCH" || statement.kind == "MOVE";
         }) == 1;
}

/// Lets `to` point at the ticket while this lives.
class Shown {
 public:
  Shown(approval::Ticket*& to, approval::Ticket* ticket) : to_(to) { to_ = ticket; }
  ~Shown() { to_ = nullptr; }
  Shown(const Shown&) = delete;
  Shown& operator=(const Shown&) = delete;

 private:
  approval::Ticket*& to_;
};

}  // namespace

/// What the engine says; a Hold that nobody can be asked about any more is refused.
policy::Decided Gate::decide(policy::Verdict verdict) const {
  if (auto* const permit = std::get_if<policy::Permit>(&verdict)) return std::move(*permit);
  if (auto* const denial = std::get_if<policy::Denial>(&verdict)) return std::move(*denial);
  auto& hold = std::get<policy::Hold>(verdict);
  const std::string rules = hold.grounds().rules;
  const bool is_portal = hold.command().kind == CommandKind::execute;
  return std::move(hold).refuse(
      {.rule = rules,
       .message = "refused by rule " + rules + ": it needs an approval" +
                  (is_portal ? ", and what it was bound to has changed since, or was never approved" : ""),
       .hint = is_portal ? "Bind it again: then people are asked." : "Nobody can be asked here."});
}

std::optional<std::size_t> Gate::find_hold(const std::vector<model::Step>& steps, std::size_t next) const {
  if (!may_hold_ || is_released_ || !std::holds_alternative<Command>(steps[next])) return std::nullopt;
  const std::uint64_t op = op_of(steps[next]);
  for (std::size_t at = next; at < steps.size() && op_of(steps[at]) == op; ++at) {
    const auto* const command = std::get_if<Command>(&steps[at]);
    if (command == nullptr || !may_be_asked(command->kind)) continue;
    const auto understanding = understand(*command);
    if (precedent_of(*command) == nullptr &&
        engine_->would_hold(*command, *understanding, options_.principal, options_.target))
      return at;
    if (command->kind != CommandKind::bind && understanding->is_barrier()) break;
  }
  return std::nullopt;
}

base::Digest Gate::fingerprint(const Command& command, const Understanding& what, approval::Values values) const {
  return approval::fingerprint({.principal = &options_.principal,
                                .target = &options_.target.name,
                                .database = &options_.database,
                                .rule_set = engine_->rule_set(),
                                .command = &command,
                                .understanding = &what,
                                .catalogue = catalogue_.get(),
                                .session = &state_},
                               values);
}

std::optional<Refusal> Gate::why_not_asked(const Command& command, const Understanding& what) const {
  if (options_.desk == nullptr) return Refusal{.message = "refused: nobody can be asked here"};
  // The target ignores it: the client hears of the earlier error alone.
  if (codec_.is_skipping()) return Refusal{.message = "not asked for: an earlier command of the pipeline failed"};
  const bool is_housekeeping = std::ranges::all_of(what.statements, &model::Statement::is_housekeeping);
  if (codec_.transaction() == 'E' && !is_housekeeping)
    return Refusal{.message = "refused: it needs an approval, and the transaction it is in has failed",
                   .hint = "ROLLBACK first."};
  if (!std::ranges::all_of(command.parameters, is_whole))
    return Refusal{.kind = Refusal::Kind::statement_too_long,
                   .message = "refused: it needs an approval, and a parameter is too long to be shown to an approver",
                   .hint =
                       "What people approve they must see whole. Send the long values with a statement that needs "
                       "no approval, or ask a person to run it."};
  return std::nullopt;
}

approval::Request Gate::request_of(const policy::Hold& hold) const {
  const Understanding& what = *hold.grounds().understanding;
  const Command& command = hold.command();
  approval::Request request{
      .session = base::to_hex(recorder_.session()),
      .op = command.op,
      .requester = options_.principal,
      .target = options_.target.name,
      .database = options_.database,
      .rules = hold.grounds().rules,
      .rule_set = engine_->rule_set(),
      .terms = hold.terms(),
      .statement = command.text ? *command.text : "function " + std::to_string(command.function) + " by its OID",
      .stored = what.stored,
      .parameters = command.parameters,
      .effects = model::to_string(what.effects),
      .note = what.note,
      .fingerprint = base::to_hex(base::view(fingerprint(command, what, approval::Values::with))),
      .is_in_transaction = codec_.transaction() != 'I' || codec_.is_pipelining()};
  for (const auto& statement : what.statements) request.kinds.push_back(statement.kind);
  for (const auto& relation : what.relations) request.relations.push_back(relation_text(relation));
  return request;
}

Refusal Gate::remark_of(const approval::Ticket& ticket, const policy::Hold& hold) const {
  return {.rule = hold.grounds().rules,
          .message = "held by rule " + hold.grounds().rules + ": approval " + ticket.id() + " is needed",
          .detail = "Needed: " + people_of(hold.terms()) + ", within " + std::to_string(ticket.timeout().count()) +
                    " s. The statement waits and runs once it is approved.",
          .hint = "An approver runs: sallyport approvals approve " + ticket.id()};
}

net::Task<policy::Decided> Gate::ask(Command command) {
  auto understanding = understand(command);
  auto not_asked = why_not_asked(command, *understanding);
  auto verdict =
      engine_->judge(std::move(command), understanding, options_.principal, options_.target, options_.mask_plans);
  auto* const hold = std::get_if<policy::Hold>(&verdict);
  if (hold == nullptr) co_return decide(std::move(verdict));
  if (not_asked) {
    not_asked->rule = hold->grounds().rules;
    co_return std::move(*hold).refuse(std::move(*not_asked));
  }
  auto ticket = options_.desk->open(request_of(*hold), options_.core);
  if (!ticket) co_return std::move(*hold).refuse(std::move(ticket.error()));

  const auto before = fingerprint(hold->command(), *understanding, approval::Values::with);
  auto held = co_await recorder_.hold(std::move(*hold), approval::hold_meta(ticket->status(), recorder_.hider()));
  std::optional<policy::Decided> decided;
  {
    const Shown shown(ticket_, &*ticket);
    if (is_released_) release();
    options_.announce(held, remark_of(*ticket, held.value()));
    const auto state = co_await ticket->wait(&held, &options_.is_client_gone);
    std::optional<Refusal> voided;
    if (state == approval::State::approved) voided = co_await what_changed(&held.value(), &before);
    decided = std::move(*ticket).settle(std::move(held), std::move(voided));
  }
  co_await recorder_.note("approval", approval::approval_meta(ticket->status()));
  if (const auto* const permit = std::get_if<policy::Permit>(&*decided)) remember(*permit);
  co_return std::move(*decided);
}

/// Would something else run than what people looked at? Everything is looked up anew.
net::Task<std::optional<Refusal>> Gate::what_changed(const policy::Hold* hold, const base::Digest* before) {
  co_await refresh_all();
  const std::string rules = hold->grounds().rules;
  const std::string start = "refused by rule " + rules + ": the approval is void, because ";
  const std::string hint = "Run it again: then people see what it does now.";
  if (engine_->rule_set() != hold->grounds().rule_set)
    co_return Refusal{.rule = rules, .message = start + "the rules changed while it waited", .hint = hint};
  const auto understanding = understand(hold->command());
  if (fingerprint(hold->command(), *understanding, approval::Values::with) != *before)
    co_return Refusal{.rule = rules,
                      .message = start + "what its names mean changed while it waited",
                      .detail = "A table, view or search path that it uses is not what it was.",
                      .hint = hint};
  co_return std::nullopt;
}

void Gate::cancel_hold(Refusal reason) {
  if (ticket_ != nullptr) ticket_->cancel(std::move(reason));
}

void Gate::remember(const policy::Permit& permit) {
  const auto& command = std::get<Command>(permit.step());
  const Understanding& what = *permit.grounds().understanding;
  base::Digest basis{};
  if (command.kind == CommandKind::bind) {
    basis = fingerprint(command, what, approval::Values::without);
  } else if (what.changes.size() == 1 && what.changes[0].kind == model::NameChange::Kind::declare) {
    basis = cursor_basis(what.changes[0].text, what);
  } else {
    return;
  }
  if (approved_.size() == kMostApproved) approved_.pop_front();
  approved_.push_back({command.number, basis, permit.precedent()});
}

/// A cursor's text, whichever statement uses it.
base::Digest Gate::cursor_basis(const std::string& text, const Understanding& what) const {
  Command cursor;
  cursor.text = std::make_shared<const std::string>(text);
  Understanding bare;
  bare.effects = what.effects.without({model::Effect::session});
  bare.relations = what.relations;
  return fingerprint(cursor, bare, approval::Values::without);
}

/// What people approved when the portal was bound, or the cursor declared, while it still means the same.
const policy::Precedent* Gate::precedent_of(const Command& command) const {
  if (approved_.empty() || (command.kind != CommandKind::execute && command.kind != CommandKind::run)) return nullptr;
  const auto understanding = understand(command);
  const bool is_fetch = command.kind == CommandKind::run && only_fetches(*understanding);
  if (command.kind == CommandKind::run && !is_fetch) return nullptr;
  const auto maker = is_fetch ? codec_.cursor_maker(understanding->stored[0].name) : command.bound_by;
  if (!maker) return nullptr;
  const auto found = std::ranges::find(approved_, *maker, &Approved::command);
  if (found == approved_.end()) return nullptr;
  const auto basis = is_fetch ? cursor_basis(understanding->stored[0].text, *understanding)
                              : fingerprint(command, *understanding, approval::Values::without);
  return basis == found->basis ? &found->precedent : nullptr;
}

}  // namespace sallyport::session
