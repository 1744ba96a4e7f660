#include "cmd/verify/chain.h"

#include <algorithm>

namespace sallyport::verify {
namespace {
// A clock that runs ahead of the verifier's by more than this is worth a word.
constexpr std::uint64_t kDayNs = 86'400'000'000'000;
}  // namespace

void Chains::pass_over(const Event& event, std::uint64_t index) {
  if (event.type == Type::config) configs_.push_back(index);
}

void Chains::accept(const Event& event, std::uint64_t index, const base::Digest& leaf, const Place& place) {
  const base::Bytes session(event.session);
  if (ended_.contains(session)) {
    report_.add(Verdict::tampered, place, "an event behind the last one of its session");
    return;
  }
  const auto [at, is_new] = open_.try_emplace(session);
  State& state = at->second;
  if (is_new) {
    state.era = era_;
    state.protocol = event.protocol;
    state.is_gateway = event.is_gateway();
    check_start(event, place);
  } else {
    check_link(event, state, place);
  }
  check_time(event, state, place);
  check_rules(event, index, place);
  if (event.key) {
    if (state.key && *state.key != *event.key) report_.add(Verdict::tampered, place, "the session's key id changes");
    state.key = event.key;
  }
  if (event.has_end && (event.end_count != event.seq || event.end_head != event.previous)) {
    report_.add(Verdict::tampered, place, "the end's count or head is not that of the session");
  }
  state.next = event.seq + 1;
  state.head = leaf;
  if (event.is_last()) {
    open_.erase(at);
    ended_.insert(session);
  }
  if (event.type == Type::config) configs_.push_back(index);
}

void Chains::check_start(const Event& event, const Place& place) {
  const bool is_start = event.seq == 0 && event.is_first() && event.previous == base::Bytes(32, '\0');
  if (is_start || era_ > 0) return;
  const bool is_later = event.seq > 0 && extent_ == Extent::chosen;
  report_.add(is_later ? Verdict::missing : Verdict::tampered, place,
              event.seq > 0 ? "the session's first events are not there" : "not what a session begins with");
}

void Chains::check_link(const Event& event, State& state, const Place& place) {
  if (state.era != era_) {  // what was lost in between was reported where it was lost
    state.era = era_;
    if (event.seq < state.next) report_.add(Verdict::tampered, place, "seq goes back");
    return;
  }
  if (event.seq > state.next) {
    report_.add(extent_ == Extent::chosen ? Verdict::missing : Verdict::tampered, place,
                "seq " + std::to_string(state.next) + " to " + std::to_string(event.seq - 1) + " are not there");
  } else if (event.seq < state.next) {
    report_.add(Verdict::tampered, place,
                "seq " + std::to_string(event.seq) + " stands where " + std::to_string(state.next) + " is due");
  } else if (event.previous != base::view(state.head)) {
    report_.add(Verdict::tampered, place, "prev is not the hash of the session's previous event");
  }
  if (event.is_first()) report_.add(Verdict::tampered, place, "a session begins twice");
  if (event.protocol != state.protocol) {
    report_.add(Verdict::tampered, place, "the protocol changes within a session");
  }
  // An abort ends either kind of chain.
  if (event.type != Type::session_abort && event.is_gateway() != state.is_gateway) {
    report_.add(Verdict::tampered, place, "the gateway's own events and a session's stand in one chain");
  }
}

void Chains::check_rules(const Event& event, std::uint64_t index, const Place& place) {
  if (!event.has_decision) return;
  const bool is_known = std::ranges::binary_search(configs_, event.rule_set);
  // A bundle need not hold the entry of the rules.
  if (event.rule_set >= index || (!is_known && extent_ == Extent::whole && era_ == 0)) {
    report_.add(Verdict::tampered, place, "rule_set " + std::to_string(event.rule_set) + " is no earlier config event");
  }
}

void Chains::check_time(const Event& event, State& state, const Place& place) {
  // An abort is written by a later run, perhaps after a reboot.
  if (event.type != Type::session_abort) {
    if (event.mono_ns < state.mono_ns) report_.add(Verdict::time, place, "mono_ns goes back within the session");
    state.mono_ns = event.mono_ns;
  }
  if (event.wall_ns > now_ns_ && event.wall_ns - now_ns_ > kDayNs) {
    report_.add(Verdict::time, place, "wall_ns is more than a day ahead of this machine's clock");
  }
}

}  // namespace sallyport::verify
