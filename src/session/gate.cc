#include "session/gate.h"

#include <utility>

#include "sql/understanding_cache.h"

namespace sallyport::session {

using model::Command;
using model::CommandKind;
using model::Completion;
using model::NameChange;
using model::Understanding;

/// What sql asks about names, answered by the codec's maps.
struct Gate::SessionNames final : sql::Names {
  explicit SessionNames(const proto::Codec& of) : codec(of) {}
  const std::string* prepared_text(base::View name) const override { return codec.prepared_text(name); }
  const std::string* cursor_text(base::View name) const override { return codec.cursor_text(name); }
  const proto::Codec& codec;
};

namespace {

bool changes(const Understanding& understanding, NameChange::Kind kind) {
  for (const auto& change : understanding.changes)
    if (change.kind == kind) return true;
  return false;
}

/// What was prepared takes effect when it runs, so only what runs can block.
bool runs(CommandKind kind) {
  switch (kind) {
    case CommandKind::run:
    case CommandKind::execute:
    case CommandKind::call:
      return true;
    case CommandKind::prepare:
    case CommandKind::bind:
    case CommandKind::describe:
    case CommandKind::close:
      return false;
  }
  return true;
}

std::shared_ptr<const Understanding> of_nothing() {
  static const auto nothing = std::make_shared<const Understanding>();
  return nothing;
}

std::shared_ptr<const Understanding> of_unknown_name() {
  static const auto unknown = [] {
    Understanding out;
    out.effects.add(model::Effect::unknown);
    out.note = "the name of a statement or portal was not made in this session through the gateway";
    return std::make_shared<const Understanding>(std::move(out));
  }();
  return unknown;
}

}  // namespace

Gate::Gate(Options options, const proto::Codec& codec, audit::Recorder& recorder)
    : options_(std::move(options)),
      recorder_(recorder),
      names_(std::make_unique<SessionNames>(codec)),
      engine_(options_.rules()) {}
Gate::~Gate() = default;

std::shared_ptr<const Understanding> Gate::understand(const Command& command) {
  switch (command.kind) {
    case CommandKind::describe:
    case CommandKind::close:
      return of_nothing();
    case CommandKind::call:
      return std::make_shared<const Understanding>(sql::understand_call(command.function, catalogue_.get()));
    case CommandKind::run:
    case CommandKind::prepare:
    case CommandKind::bind:
    case CommandKind::execute:
      break;
  }
  if (!command.text) return of_unknown_name();
  const sql::Input input{.text = *command.text,
                         .parameter_types = command.parameter_types,
                         .names = names_.get(),
                         .catalogue = catalogue_.get(),
                         .session = &state_,
                         .limits = options_.limits};
  return options_.understandings->understand(input);
}

policy::Decided Gate::judge(model::Step&& step) {
  if (auto* const chunk = std::get_if<model::Chunk>(&step)) return engine_->follow(std::move(*chunk), last_permit_);
  if (auto* const control = std::get_if<model::Control>(&step)) return engine_->follow(std::move(*control));

  auto& command = std::get<Command>(step);
  const std::uint64_t number = command.number;
  const bool can_block = runs(command.kind);
  auto understanding = understand(command);
  auto verdict = engine_->judge(std::move(command), understanding, options_.principal, options_.target);
  if (auto* const hold = std::get_if<policy::Hold>(&verdict)) {
    const std::string rules = hold->grounds().rules;
    return std::move(*hold).refuse({.rule = rules,
                                    .message = "refused by rule " + rules + ": it needs an approval",
                                    .hint = "Approvals are not available on this gateway yet."});
  }
  if (auto* const denial = std::get_if<policy::Denial>(&verdict)) return std::move(*denial);
  auto& permit = std::get<policy::Permit>(verdict);
  last_permit_ = permit.grounds();
  if (can_block && understanding->is_barrier()) barrier_ = Barrier{number, std::move(understanding)};
  return std::move(permit);
}

net::Task<Gate::Admitted> Gate::admit(std::vector<model::Step>* all, std::size_t* cursor) {
  auto& steps = *all;
  auto& next = *cursor;
  if (options_.catalogue != nullptr && !options_.catalogue->is_current(catalogue_)) {
    catalogue_ = co_await options_.catalogue->current();
    // Outside a transaction the new snapshot shows all that this session changed.
    if (catalogue_ && transaction_ == 'I') sql::settle(state_);
  }
  engine_ = options_.rules();

  std::vector<policy::Decided> decided;
  decided.reserve(steps.size() - next);
  while (next < steps.size() && !is_blocked_for(steps[next])) decided.push_back(judge(std::move(steps[next++])));

  auto recorded = co_await recorder_.durable(recorder_.append_requests(std::move(decided)));
  Admitted out;
  out.reserve(recorded.size());
  for (auto& one : recorded) out.push_back(audit::Recorder::split(std::move(one)));
  co_return out;
}

bool Gate::is_blocked_for(const model::Step& step) const {
  return barrier_.has_value() && !is_released_ && std::holds_alternative<Command>(step);
}

net::Task<> Gate::unblocked() {
  while (barrier_.has_value() && !is_released_) co_await unblocked_.wait();
}

void Gate::release() {
  is_released_ = true;
  unblocked_.wake();
}

void Gate::note(const model::Reply& reply) {
  if (reply.transaction != 0) transaction_ = reply.transaction;
  if (barrier_.has_value()) {
    for (const Completion& completion : reply.completions) {
      if (completion.command != barrier_->command) continue;
      const Understanding& what = *barrier_->understanding;
      const bool may_have_run = completion.outcome != Completion::Outcome::skipped;
      if (completion.outcome == Completion::Outcome::done) {
        sql::apply(what, transaction_ != 'I', state_);
      } else if (may_have_run && changes(what, NameChange::Kind::search_path)) {
        // Of several statements some may have been carried out before one failed.
        state_.path = sql::SessionState::Path::unknown;
      }
      if (may_have_run && changes(what, NameChange::Kind::relations)) {
        if (options_.catalogue != nullptr) options_.catalogue->invalidate();
        changed_relations_in_transaction_ = true;
      }
      barrier_.reset();
      unblocked_.wake();
      break;
    }
  }
  // What a transaction changed shows to the catalogue's own session only now.
  if (reply.transaction == 'I' && std::exchange(changed_relations_in_transaction_, false)) {
    if (options_.catalogue != nullptr) options_.catalogue->invalidate();
  }
}

}  // namespace sallyport::session
