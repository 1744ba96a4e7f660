#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "base/digest.h"
#include "base/result.h"

/// A log entry, `audit-event/v1` (docs/formats/trail.md section 2), and the commitments in it (section 3). Pure.
namespace sallyport::verify {

enum Slot : std::uint8_t { kRaw = 0, kMasked = 1, kMeta = 2, kMap = 3, kRules = 4 };
inline constexpr std::uint64_t kRulesSeq = ~std::uint64_t{0};
/// The largest content of a slot that is read; an event holds 256 KiB of raw octets.
inline constexpr std::uint64_t kMaxSlot = 16 << 20;

enum class Type : std::uint8_t {
  log_start,
  recovery,
  config,
  admin,
  heartbeat,
  log_end,  // the gateway's own chain
  session_open,
  request,
  response,
  note,
  session_close,
  session_abort  // a session's; note: five types alike
};

struct Commitment {
  std::uint64_t length = 0;
  base::View digest{};
};

/// Views are of the entry that was decoded.
struct Event {
  Type type = Type::log_start;
  base::View type_name{}, session{}, previous{};
  std::uint64_t seq = 0, wall_ns = 0, mono_ns = 0, protocol = 0, direction = 0;
  std::optional<Commitment> slots[4]{};  // by Slot
  bool has_decision = false;
  std::uint64_t verdict = 0, rule_set = 0;
  base::View rules{};  // R
  std::optional<std::uint64_t> key{};
  bool has_end = false;
  std::uint64_t end_count = 0;
  base::View end_head{};

  bool is_gateway() const { return type <= Type::log_end; }
  bool is_first() const { return type == Type::log_start || type == Type::session_open; }
  bool is_last() const { return type == Type::log_end || type == Type::session_close || type == Type::session_abort; }
  /// Section 3: what was passed on, meta and map are kept, unless empty.
  bool has_payload(std::uint8_t slot) const {
    return slots[slot] && slots[slot]->length > 0 && (slot != kRaw || !slots[kMasked]);
  }
};

/// What is wrong with it is the error's message.
base::Result<Event> decode_event(base::View entry);

base::Digest leaf_hash(base::View entry);
base::Digest node_hash(base::View left, base::View right);
base::Digest commitment(std::uint8_t slot, base::View salt, base::View octets);
/// What the salt is the HMAC of.
base::Bytes salt_input(base::View session, std::uint64_t seq, std::uint8_t slot);

}  // namespace sallyport::verify
