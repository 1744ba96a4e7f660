#include "audit/recorder.h"

#include <deque>

#include "audit/changes.h"
#include "audit/meta.h"
#include "audit/trail_body.h"

namespace sallyport::audit {
namespace {

constexpr std::size_t kMaxEvent = 256 << 10;
constexpr std::size_t kMaxLag = 4 << 20;         // of responses with `request`
constexpr std::size_t kMaxBatchLag = 16 << 20;   // with `batch`
constexpr std::uint64_t kMaxLagNs = 50'000'000;  // of responses with `request`
constexpr std::size_t kMaxOps = 4096;            // whose start is remembered

std::uint64_t op_of(const policy::Decided& item) {
  if (const auto* denial = std::get_if<policy::Denial>(&item)) return denial->command().op;
  return std::visit([](const auto& step) { return step.op; }, std::get<policy::Permit>(item).step());
}
const base::Bytes& wire_of(const policy::Decided& item) {
  if (const auto* denial = std::get_if<policy::Denial>(&item)) return denial->command().wire;
  return std::visit([](const auto& step) -> const base::Bytes& { return step.wire; },
                    std::get<policy::Permit>(item).step());
}
const policy::Grounds& grounds_of(const policy::Decided& item) {
  return std::visit([](const auto& verdict) -> const policy::Grounds& { return verdict.grounds(); }, item);
}

/// How many items from the front make one event: the same op, and together at most 256 KiB.
template <class T, class Op, class Size>
std::size_t group_length(std::span<const T> items, Op op, Size size) {
  std::size_t count = 1, octets = size(items[0]);
  while (count < items.size() && op(items[count]) == op(items[0]) && octets + size(items[count]) <= kMaxEvent) {
    octets += size(items[count++]);
  }
  return count;
}

/// The octets of the items one behind the other: a view of the only one, or of `scratch`.
template <class T, class Octets>
base::View joined(std::span<const T> items, Octets octets, base::Bytes& scratch) {
  if (items.size() == 1) return octets(items[0]);
  scratch.clear();
  for (const T& item : items) scratch += octets(item);
  return scratch;
}

/// The values that came beside the texts.
std::vector<base::View> values_of(std::span<const policy::Decided> items) {
  std::vector<base::View> values;
  for (const policy::Decided& item : items) {
    const model::Command* const command = command_of(item);
    if (command == nullptr) continue;
    for (const model::Parameter& parameter : command->parameters) values.push_back(parameter.octets);
  }
  return values;
}

}  // namespace

struct Recorder::Body {
  Body(Trail& trail, Lane& lane, LaneBody& lane_body, Durability how)
      : trail(trail.body()), lane(lane), lane_body(lane_body), durability(how), id(base::random_bytes(kSessionId)) {}

  enum class State : std::uint8_t { created, open, closed };

  TrailBody& trail;
  Lane& lane;
  LaneBody& lane_body;
  const Durability durability;
  const base::Bytes id;
  State state = State::created;
  std::unique_ptr<Chain> chain{};
  Standing* standing = nullptr;  // the committer's; only handed back to it
  std::shared_ptr<Allowance> allowance{};
  struct Start {
    std::uint64_t op, mono_ns;
  };
  std::deque<Start> starts{};  // of the ops that are not answered yet
  struct Counter {
    std::uint64_t op = model::Reply::kNoOp, chunk = 0;
  };
  Counter requests{}, replies{};
  mask::Hider hider{};
  std::uint64_t lag_position = 0, lag_since_ns = 0;  // the oldest response that may lag, and since when

  void must_be_open(std::size_t octets) {
    if (state != State::open) throw Unavailable{"the session is not open in the trail", false};
    if (trail.health().state() != Health::State::good) throw trail.health().why();
    // Before anything is built: a chain that advanced must be staged.
    if (allowance && !allowance->take(octets + 1024, Times::now().mono_ns)) {
      throw Unavailable{"the principal has used up its share of the trail for this hour", false};
    }
  }

  std::uint64_t append(const Chain::Contents& contents, const Times& times) {
    thread_local base::Bytes frames;
    frames.clear();
    Mark mark{.standing = standing};
    mark.leaf = chain->append(contents, times, frames);
    const std::uint64_t position = lane_body.stage(frames, std::move(mark));
    if (frames.capacity() > kMaxLag) base::Bytes().swap(frames);
    return position;
  }

  std::uint64_t append_end(std::string_view type, base::View meta) {
    base::Bytes frames;
    Mark mark{.standing = standing, .role = Mark::Role::ends};
    mark.leaf = chain->append_end(type, meta, Times::now(), frames);
    state = State::closed;
    return lane_body.stage(frames, std::move(mark));
  }

  void kick(Durability least) {
    if (durability <= least) return lane_body.kick_soon(trail.committer());
    trail.committer().kick(Committer::Urgency::nobody_waits);
  }

  Event::Place next_place(Counter& counter, std::uint64_t op, std::uint64_t flags) {
    if (op == model::Reply::kNoOp) return {std::nullopt, 0, flags};
    counter.chunk = counter.op == op ? counter.chunk + 1 : 0;
    counter.op = op;
    return {op, counter.chunk, flags};
  }

  std::uint64_t append_request(std::span<const policy::Decided> items);
  std::uint64_t append_response(std::span<const mask::Masked> items);
  std::uint64_t duration_us(std::uint64_t op, std::uint64_t now_ns, bool ends);
  bool may_lag(std::uint64_t position, std::uint64_t now_ns);
  boost::asio::awaitable<void> until(std::uint64_t position);
};

std::uint64_t Recorder::Body::append_request(std::span<const policy::Decided> items) {
  const std::uint64_t op = op_of(items[0]);
  // The strictest verdict speaks for the event, and the first item that has it for the grounds.
  const policy::Decided* speaker = nullptr;
  bool is_blocked = false;
  for (const policy::Decided& item : items) {
    const bool is_denial = std::holds_alternative<policy::Denial>(item);
    const bool is_command = is_denial || std::holds_alternative<model::Command>(std::get<policy::Permit>(item).step());
    if ((is_denial && !is_blocked) || (is_command && speaker == nullptr)) speaker = &item;
    is_blocked = is_blocked || is_denial;
  }
  if (speaker == nullptr) speaker = &items[0];
  thread_local base::Bytes scratch, meta, map;
  const base::View all = joined(items, wire_of, scratch);
  const bool may_hide = hider.may_find(all);
  const auto hidden = may_hide ? hider.hide(all, values_of(items)) : std::nullopt;
  const policy::Grounds& grounds = grounds_of(*speaker);
  const Times times = Times::now();
  Chain::Contents contents{.type = "request", .direction = 0};
  contents.verdict = is_blocked ? Event::Verdict::deny : Event::Verdict::permit;
  contents.rule_set = grounds.rule_set;
  contents.rules = grounds.rules;
  std::uint64_t position = 0;
  // A frame longer than an event goes on in further ones.
  for (std::size_t at = 0; at == 0 || at < all.size(); at += kMaxEvent) {
    meta.clear();
    at == 0 ? put_request_meta(meta, items, grounds.rules, hider, may_hide)
            : put_continued_request_meta(meta, grounds.rules);
    contents.raw = all.substr(at, kMaxEvent);
    contents.meta = meta;
    contents.masked = {};
    contents.map = {};
    if (hidden) {
      const auto here = changes_within(hidden->changes, at, contents.raw->size());
      map.clear();
      put_mask_map(map, here, hidden->rules);
      if (!here.empty()) contents.masked = base::View(hidden->octets).substr(at, contents.raw->size());
      if (!here.empty()) contents.map = map;
    }
    contents.place = next_place(requests, op, is_blocked ? Event::kBlocked : 0);
    position = append(contents, times);
  }
  if ((starts.empty() || starts.back().op != op) && starts.size() < kMaxOps) starts.push_back({op, times.mono_ns});
  return position;
}

std::uint64_t Recorder::Body::duration_us(std::uint64_t op, std::uint64_t now_ns, bool ends) {
  if (op == model::Reply::kNoOp) return 0;
  while (!starts.empty() && starts.front().op < op) starts.pop_front();
  if (starts.empty() || starts.front().op != op) return 0;
  const std::uint64_t duration = (now_ns - starts.front().mono_ns) / 1000;
  if (ends) starts.pop_front();
  return duration;
}

std::uint64_t Recorder::Body::append_response(std::span<const mask::Masked> items) {
  thread_local base::Bytes raw_scratch, masked_scratch, meta, map;
  const std::uint64_t op = items[0].reply().op;
  bool is_changed = false, ends = false, is_ours = false;
  for (const mask::Masked& item : items) {
    is_changed = is_changed || item.is_changed();
    ends = ends || item.reply().ends_op;
    is_ours = is_ours || (item.reply().error && item.reply().error->is_ours);
  }
  const base::View raw = joined(items, [](const mask::Masked& item) { return item.raw(); }, raw_scratch);
  const Times times = Times::now();
  meta.clear();
  put_response_meta(meta, items, duration_us(op, times.mono_ns, ends));
  Chain::Contents contents{.type = "response", .direction = 1};
  const std::uint64_t flags = is_ours ? Event::kBlocked : 0;
  if (!is_changed) {
    std::uint64_t position = 0;
    for (std::size_t at = 0; at == 0 || at < raw.size(); at += kMaxEvent) {
      const bool is_last = at + kMaxEvent >= raw.size();
      contents.raw = raw.substr(at, kMaxEvent);
      if (at > 0) {
        meta.clear();
        put_response_meta(meta, {}, 0);
      }
      contents.meta = meta;
      contents.place = next_place(replies, op, flags | (ends && is_last ? Event::kFinal : 0));
      position = append(contents, times);
    }
    return position;
  }
  const base::View masked =
      joined(items, [](const mask::Masked& item) { return base::View(item.reply().wire); }, masked_scratch);
  const Changes changes = changes_of(items);
  std::uint64_t position = 0;
  Cut at{};
  do {
    const Cut end = next_cut(changes.list, at, {raw.size(), masked.size()}, kMaxEvent);
    contents.raw = raw.substr(at.raw, end.raw - at.raw);
    // Together with raw, so that whoever reads takes it for nothing else; the same octets where nothing changed.
    contents.masked = masked.substr(at.masked, end.masked - at.masked);
    map.clear();
    put_mask_map(map, changes_between(changes.list, at, end), changes.rules);
    contents.map = map;
    contents.meta = meta;
    contents.place = next_place(replies, op, flags | (ends && end.raw == raw.size() ? Event::kFinal : 0));
    position = append(contents, times);
    at = end;
    meta.clear();
    put_response_meta(meta, {}, 0);
  } while (at.raw < raw.size());
  return position;
}

/// With `request`, responses may be ahead of the disk by 4 MiB or 50 ms, whichever is first.
bool Recorder::Body::may_lag(std::uint64_t position, std::uint64_t now_ns) {
  if (lane_body.is_durable(lag_position)) {
    lag_position = position;
    lag_since_ns = now_ns;
    return true;
  }
  const std::uint64_t lag = lane_body.staged_octets - lane_body.durable_octets.load(std::memory_order_relaxed);
  return lag <= kMaxLag && now_ns - lag_since_ns <= kMaxLagNs;
}

boost::asio::awaitable<void> Recorder::Body::until(std::uint64_t position) {
  if (lane_body.is_durable(position)) co_return;
  lane_body.kick_soon(trail.committer());
  co_await lane.until_durable(position);
}

Recorder::Recorder(Trail& trail, Lane& lane, Durability durability)
    : body_(std::make_unique<Body>(trail, lane, *lane.body_, durability)) {}

Recorder::~Recorder() {
  if (body_->state != Body::State::open || body_->trail.health().state() == Health::State::failed) return;
  try {
    body_->append_end("session_abort", {});
    // Not kick_soon: the loop may be what destroys us.
    body_->trail.committer().kick(Committer::Urgency::somebody_waits);
  } catch (const Unavailable&) {
    // The trail is closed: it has ended the chain itself.
  }
}

void Recorder::hide(mask::Hider hider) { body_->hider = std::move(hider); }
const mask::Hider& Recorder::hider() const { return body_->hider; }

base::View Recorder::session() const { return body_->id; }

boost::asio::awaitable<void> Recorder::open(SessionOpen what) {
  Body& body = *body_;
  if (body.state != Body::State::created) throw Unavailable{"the session was opened before", false};
  if (!body.trail.accepts_sessions()) {
    if (body.trail.health().state() != Health::State::good) throw body.trail.health().why();
    throw Unavailable{"the trail's disk is below its low-water mark: no new sessions", true};
  }
  body.allowance = body.trail.allowance_of(what.principal.name);
  if (body.allowance && !body.allowance->take(4096, Times::now().mono_ns)) {
    throw Unavailable{"the principal has used up its share of the trail for this hour", false};
  }
  body.chain = body.trail.make_chain(body.id, what.protocol);
  const base::Bytes meta = session_open_meta(what, body.durability);
  Mark mark{.role = Mark::Role::opens};
  mark.opened = std::make_unique<Standing>();
  std::memcpy(mark.opened->session.data(), body.id.data(), kSessionId);
  mark.opened->protocol = what.protocol;
  mark.standing = body.standing = mark.opened.get();
  base::Bytes frames;
  mark.leaf = body.chain->append({.type = "session_open", .meta = meta}, Times::now(), frames);
  const std::uint64_t position = body.lane_body.stage(frames, std::move(mark));
  body.state = Body::State::open;
  co_await body.until(position);
}

std::vector<Appended<policy::Decided>> Recorder::append_requests(std::vector<policy::Decided> batch) {
  std::size_t octets = 0;
  for (const policy::Decided& item : batch) octets += wire_of(item).size();
  body_->must_be_open(octets);
  std::vector<Appended<policy::Decided>> appended;
  appended.reserve(batch.size());
  for (std::size_t at = 0; at < batch.size();) {
    const std::span<const policy::Decided> rest = std::span(batch).subspan(at);
    const std::size_t count = group_length(rest, op_of, [](const auto& item) { return wire_of(item).size(); });
    const std::uint64_t position = body_->append_request(rest.first(count));
    for (std::size_t i = 0; i < count; ++i) {
      appended.push_back(Appended<policy::Decided>(std::move(batch[at + i]), position));
    }
    at += count;
  }
  body_->kick(Durability::request);
  return appended;
}

std::vector<Appended<mask::Masked>> Recorder::append_replies(std::vector<mask::Masked> batch) {
  std::size_t octets = 0;
  for (const mask::Masked& item : batch) octets += item.raw().size();
  body_->must_be_open(octets);
  std::vector<Appended<mask::Masked>> appended;
  appended.reserve(batch.size());
  for (std::size_t at = 0; at < batch.size();) {
    const std::span<const mask::Masked> rest = std::span(batch).subspan(at);
    const std::size_t count = group_length(
        rest, [](const mask::Masked& item) { return item.reply().op; },
        [](const mask::Masked& item) { return item.raw().size(); });
    const std::uint64_t position = body_->append_response(rest.first(count));
    for (std::size_t i = 0; i < count; ++i) {
      appended.push_back(Appended<mask::Masked>(std::move(batch[at + i]), position));
    }
    at += count;
  }
  body_->kick(Durability::strict);
  return appended;
}

boost::asio::awaitable<std::vector<Recorded<policy::Decided>>> Recorder::durable(
    std::vector<Appended<policy::Decided>> batch) {
  if (!batch.empty()) {
    Body& body = *body_;
    const bool may_pass = body.durability == Durability::batch &&
                          body.lane_body.staged_octets - body.lane_body.durable_octets <= kMaxBatchLag;
    if (!may_pass) co_await body.until(batch.back().position());
  }
  std::vector<Recorded<policy::Decided>> recorded;
  recorded.reserve(batch.size());
  for (auto& item : batch) recorded.push_back(Recorded<policy::Decided>(std::move(item.value_)));
  co_return recorded;
}

boost::asio::awaitable<std::vector<Recorded<mask::Masked>>> Recorder::durable(
    std::vector<Appended<mask::Masked>> batch) {
  if (!batch.empty()) {
    Body& body = *body_;
    const std::uint64_t position = batch.back().position();
    bool may_pass = false;
    switch (body.durability) {
      case Durability::strict:
        break;
      case Durability::request:
        may_pass = body.may_lag(position, Times::now().mono_ns);
        break;
      case Durability::batch:
        may_pass = body.lane_body.staged_octets - body.lane_body.durable_octets <= kMaxBatchLag;
        break;
    }
    if (!may_pass) co_await body.until(position);
  }
  std::vector<Recorded<mask::Masked>> recorded;
  recorded.reserve(batch.size());
  for (auto& item : batch) recorded.push_back(Recorded<mask::Masked>(std::move(item.value_)));
  co_return recorded;
}

bool Recorder::is_durable(std::uint64_t position) const {
  return body_->durability == Durability::batch || body_->lane_body.is_durable(position);
}

Recorder::RecordedDecision Recorder::split(Recorded<policy::Decided>&& decided) {
  if (auto* const permit = std::get_if<policy::Permit>(&decided.value_)) {
    return Recorded<policy::Permit>(std::move(*permit));
  }
  return Recorded<policy::Denial>(std::move(std::get<policy::Denial>(decided.value_)));
}

boost::asio::awaitable<void> Recorder::note(std::string_view type, base::Bytes meta_cbor) {
  body_->must_be_open(meta_cbor.size());
  const std::uint64_t position = body_->append({.type = type, .meta = meta_cbor}, Times::now());
  co_await body_->until(position);
}

boost::asio::awaitable<Recorded<policy::Hold>> Recorder::hold(policy::Hold hold, base::Bytes meta_cbor) {
  co_await note("hold", std::move(meta_cbor));
  co_return Recorded<policy::Hold>(std::move(hold));
}

boost::asio::awaitable<void> Recorder::close(std::string_view reason) {
  Body& body = *body_;
  if (body.state != Body::State::open || body.trail.health().state() == Health::State::failed) co_return;
  try {
    const std::uint64_t position = body.append_end("session_close", reason_meta(reason));
    co_await body.until(position);
  } catch (const Unavailable&) {
    // Best effort: the next start ends the chain.
  }
}

}  // namespace sallyport::audit
