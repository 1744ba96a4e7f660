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
      codec_(codec),
      recorder_(recorder),
      names_(std::make_unique<SessionNames>(codec)),
      state_(options_.start),
      engine_(options_.rules()),
      may_hold_(engine_->may_hold(options_.principal, options_.target)) {
  // A Chunk that belongs to no Command (the target ignores it) is recorded under the rules that let it pass.
  last_permit_.rule_set = engine_->rule_set();
}
Gate::~Gate() = default;

/// As refresh(), and what others did at the target a moment ago is in it.
net::Task<> Gate::refresh_all() {
  if (options_.catalogue != nullptr) options_.catalogue->invalidate();
  co_await refresh();
}

/// The newest catalogue and rules.
net::Task<> Gate::refresh() {
  if (options_.catalogue != nullptr && !options_.catalogue->is_current(catalogue_)) {
    const bool is_committed = transaction_ == 'I' && unsynced_.empty();
    catalogue_ = co_await options_.catalogue->current();
    // Outside a transaction the new snapshot shows all that this session changed.
    if (catalogue_ && is_committed) sql::settle(state_);
  }
  auto newest = options_.rules();
  if (newest == engine_) co_return;
  engine_ = std::move(newest);
  may_hold_ = engine_->may_hold(options_.principal, options_.target);
}

Gate::UnderstandingPointer Gate::understand(const Command& command) const {
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
  if (auto* const control = std::get_if<model::Control>(&step)) {
    is_synced_ |= control->kind == model::Control::Kind::sync;
    return engine_->follow(std::move(*control));
  }
  follow_pipeline();

  auto& command = std::get<Command>(step);
  if (const auto* precedent = precedent_of(command)) {
    auto permit = engine_->follow(std::move(command), *precedent);
    passed(permit);
    return permit;
  }
  auto understanding = understand(command);
  auto decided = decide(engine_->judge(std::move(command), std::move(understanding), options_.principal,
                                       options_.target, options_.mask_plans));
  if (const auto* const permit = std::get_if<policy::Permit>(&decided)) passed(*permit);
  return decided;
}

/// A Command behind what waits for its Sync may roll that back: by failing, also where it is refused, or by its text.
void Gate::follow_pipeline() { is_followed_ |= !unsynced_.empty() && !is_synced_; }

/// Takes notice of a Command that will be forwarded.
void Gate::passed(const policy::Permit& permit) {
  last_permit_ = permit.grounds();
  const auto& command = std::get<Command>(permit.step());
  if (!runs(command.kind) || !last_permit_.understanding->is_barrier()) return;
  barrier_ = Barrier{command.number, last_permit_.understanding};
  is_synced_ = false;
}

net::Task<Gate::Admitted> Gate::admit(std::vector<model::Step>* all, std::size_t* cursor) {
  auto& steps = *all;
  auto& next = *cursor;
  co_await refresh();
  auto held = find_hold(steps, next);
  // The rules may have begun to hold it just now.
  if (held && codec_.is_outstanding()) co_return Admitted{};
  if (held) {
    // People are asked about what names mean now, not a minute ago.
    co_await refresh_all();
    held = find_hold(steps, next);
  }
  std::optional<policy::Decided> settled;
  if (held) {
    settled = co_await ask(std::move(std::get<Command>(steps[*held])));
    co_await refresh();
  }

  std::vector<policy::Decided> decided;
  decided.reserve(steps.size() - next);
  while (next < steps.size()) {
    if (settled && next == *held) {
      follow_pipeline();
      if (const auto* const permit = std::get_if<policy::Permit>(&*settled)) passed(*permit);
      decided.push_back(std::move(*settled));
      settled.reset();
      ++next;
      continue;
    }
    if (!settled && (is_blocked_for(steps, next) || (!decided.empty() && must_be_first(steps, next)))) break;
    decided.push_back(judge(std::move(steps[next++])));
  }

  auto recorded = co_await recorder_.durable(recorder_.append_requests(std::move(decided)));
  Admitted out;
  out.reserve(recorded.size());
  for (auto& one : recorded) out.push_back(audit::Recorder::split(std::move(one)));
  co_return out;
}

bool Gate::is_blocked_for(const std::vector<model::Step>& steps, std::size_t next) const {
  if (is_released_ || !std::holds_alternative<Command>(steps[next])) return false;
  return barrier_ || (codec_.is_outstanding() && must_be_first(steps, next));
}

/// Must everything before it have been answered? A name may become known; people are asked about what is certain.
bool Gate::must_be_first(const std::vector<model::Step>& steps, std::size_t next) const {
  const auto* const command = std::get_if<Command>(&steps[next]);
  if (command == nullptr || is_released_) return false;
  const bool may_become_known = command->names_something && !command->text &&
                                (command->kind == CommandKind::bind || command->kind == CommandKind::execute);
  return may_become_known || find_hold(steps, next).has_value();
}

net::Task<> Gate::unblocked(const std::vector<model::Step>* steps, std::size_t next) {
  is_waited_for_ = true;
  while (is_blocked_for(*steps, next)) co_await unblocked_.wait();
  is_waited_for_ = false;
}

void Gate::release() {
  is_released_ = true;
  unblocked_.wake();
  if (ticket_ != nullptr)
    ticket_->cancel({.kind = model::Refusal::Kind::cancelled, .message = "the session ended while it waited"});
}

void Gate::note(const model::Reply& reply) {
  const bool is_ready = reply.transaction != 0;
  if (is_ready) transaction_ = reply.transaction;
  for (const Completion& completion : reply.completions) {
    if (barrier_ && completion.command == barrier_->command) settle_barrier(completion.outcome, is_ready);
  }
  if (is_ready) settle_pipeline();
  if (!barrier_ && is_waited_for_ && !codec_.is_outstanding()) unblocked_.wake();
  // What a transaction changed shows to the catalogue's own session only now.
  if (reply.transaction == 'I' && std::exchange(changed_relations_in_transaction_, false)) {
    if (options_.catalogue != nullptr) options_.catalogue->invalidate();
  }
}

/// The transaction that a pipeline is by itself has ended at its Sync.
void Gate::settle_pipeline() {
  // One step alone, and no transaction is open: it is committed. Else it may have been rolled back.
  const bool is_committed = transaction_ == 'I' && unsynced_.size() == 1 && !is_followed_;
  if (is_committed) sql::apply(*unsynced_.front(), false, state_);
  unsynced_.clear();
  is_followed_ = false;
}

/// What names mean is certain again, but for what the target may still roll back.
void Gate::settle_barrier(Completion::Outcome outcome, bool is_ready) {
  const Understanding& what = *barrier_->understanding;
  const bool may_have_run = outcome != Completion::Outcome::skipped;
  if (outcome == Completion::Outcome::done) {
    sql::apply(what, !is_ready || transaction_ != 'I', state_);
    if (!is_ready) unsynced_.push_back(barrier_->understanding);
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
}

}  // namespace sallyport::session
