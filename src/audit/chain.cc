#include "audit/chain.h"

#include <zstd.h>

#include <ctime>

#include "audit/frame.h"
#include "audit/tree.h"

namespace sallyport::audit {
namespace {

constexpr std::size_t kCompressFrom = 4096;

std::uint64_t clock_ns(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(time.tv_nsec);
}

base::Sha256& hasher() {
  thread_local base::Sha256 hash;
  return hash;
}

/// The octets compressed; empty when that does not make them smaller.
base::View compress(base::View octets) {
  if (octets.size() < kCompressFrom) return {};
  struct Free {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };
  thread_local const std::unique_ptr<ZSTD_CCtx, Free> context(ZSTD_createCCtx());
  thread_local base::Bytes buffer;
  buffer.resize(ZSTD_compressBound(octets.size()));
  const std::size_t size =
      ZSTD_compressCCtx(context.get(), buffer.data(), buffer.size(), octets.data(), octets.size(), 1);
  if (ZSTD_isError(size) != 0 || size >= octets.size()) return {};
  return base::View(buffer).substr(0, size);
}

/// Appends the ENTRY frame and returns the leaf.
base::Digest put_entry(const Event& event, base::Bytes& frames) {
  thread_local base::Bytes entry;
  entry.clear();
  encode(entry, event);
  begin_frame(frames, FrameKind::entry, entry.size());
  frames += entry;
  end_frame(frames, entry.size());
  return leaf_hash(entry);
}

}  // namespace

Times Times::now() { return {clock_ns(CLOCK_REALTIME), clock_ns(CLOCK_MONOTONIC)}; }

Chain::Chain(base::View session, std::uint8_t protocol, std::uint64_t key_id, const SessionKeys& keys)
    : protocol_(protocol),
      key_id_(key_id),
      raw_salt_(keys.salt_of(kRaw)),
      meta_salt_(keys.salt_of(kMeta)),
      masked_key_(std::string(keys.salt_of(kMaskedSlot))),
      map_key_(std::string(keys.salt_of(kMap))),
      sealer_(keys.content()) {
  std::memcpy(id_.data(), session.data(), id_.size());
}

base::Digest Chain::salt(std::uint64_t seq, SlotName slot) {
  const base::Bytes input = salt_input(session_, seq, slot);
  switch (slot) {
    case kRaw:
      return raw_salt_.sign(input);
    case kMeta:
    case kRules:
      return meta_salt_.sign(input);
    case kMaskedSlot:
      if (!masked_salt_) masked_salt_.emplace(masked_key_.reveal());
      return masked_salt_->sign(input);
    case kMap:
      if (!map_salt_) map_salt_.emplace(map_key_.reveal());
      return map_salt_->sign(input);
  }
  return {};
}

Event::Slot Chain::commit(SlotName slot, base::View octets) {
  return {octets.size(), commitment(hasher(), slot, salt(seq_, slot), octets)};
}

base::Digest Chain::commit_rules(base::View rules) {
  // One salt a session, so that the same names, which decide most events, are hashed once.
  if (!last_rules_commitment_ || last_rules_ != rules) {
    last_rules_ = rules;
    last_rules_commitment_ = commitment(hasher(), kRules, rules_salt(), rules);
  }
  return *last_rules_commitment_;
}

Event Chain::begin(std::string_view type, std::uint8_t direction, const Times& times) const {
  Event event;
  event.type = type;
  event.session = session_;
  event.seq = seq_;
  event.previous = head_;
  event.wall_ns = times.wall_ns;
  event.mono_ns = times.mono_ns;
  event.protocol = protocol_;
  event.direction = direction;
  return event;
}

base::Digest Chain::append(const Contents& contents, const Times& times, base::Bytes& frames) {
  Event event = begin(contents.type, contents.direction, times);
  event.place = contents.place;
  if (contents.raw) event.slots[kRaw] = commit(kRaw, *contents.raw);
  if (contents.masked) {
    event.slots[kMaskedSlot] = commit(kMaskedSlot, *contents.masked);
    event.slots[kMap] = commit(kMap, contents.map);
  }
  event.slots[kMeta] = commit(kMeta, contents.meta);
  if (contents.verdict) event.decision = {*contents.verdict, contents.rule_set, commit_rules(contents.rules)};
  event.key = key_id_;
  return finish(event, contents, frames);
}

base::Digest Chain::append_end(std::string_view type, base::View meta, const Times& times, base::Bytes& frames) {
  Event event = begin(type, 2, times);
  if (!meta.empty()) {
    event.slots[kMeta] = commit(kMeta, meta);
    event.key = key_id_;
  }
  event.end = {seq_, head_};
  Contents contents;
  contents.meta = meta;
  return finish(event, contents, frames);
}

base::Digest Chain::finish(const Event& event, const Contents& contents, base::Bytes& frames) {
  const base::Digest leaf = put_entry(event, frames);
  if (has_payload(event, kRaw)) put_payload(kRaw, *contents.raw, frames);
  if (has_payload(event, kMaskedSlot)) put_payload(kMaskedSlot, *contents.masked, frames);
  if (has_payload(event, kMeta)) put_payload(kMeta, contents.meta, frames);
  if (has_payload(event, kMap)) put_payload(kMap, contents.map, frames);
  head_ = leaf;
  ++seq_;
  return leaf;
}

void Chain::put_payload(SlotName slot, base::View octets, base::Bytes& frames) {
  const base::View compressed = compress(octets);
  const base::View plaintext = compressed.empty() ? octets : compressed;
  const std::size_t length = kPayloadHead + plaintext.size() + kTag;
  begin_frame(frames, FrameKind::payload, length);
  char head[kPayloadHead] = {static_cast<char>(slot), compressed.empty() ? '\0' : '\1'};
  std::memcpy(head + 4, session_.data(), kSessionId);
  base::store_big(head + 20, seq_);
  const base::View nonce = next_nonce();
  std::memcpy(head + kPayloadAuthenticated, nonce.data(), kNonce);
  frames.append(head, kPayloadHead);
  sealer_.seal(nonce, {head, kPayloadAuthenticated}, plaintext, frames);
  end_frame(frames, length);
}

base::Digest append_abort(base::View session, std::uint8_t protocol, std::uint64_t seq, const base::Digest& head,
                          const Times& times, base::Bytes& frames) {
  Event event;
  event.type = "session_abort";
  event.session = session;
  event.seq = seq;
  event.previous = head;
  event.wall_ns = times.wall_ns;
  event.mono_ns = times.mono_ns;
  event.protocol = protocol;
  event.end = {seq, head};
  return put_entry(event, frames);
}

}  // namespace sallyport::audit
