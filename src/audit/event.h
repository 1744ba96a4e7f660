#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "audit/keys.h"
#include "base/digest.h"
#include "base/result.h"

/// One log entry, `audit-event/v1` (docs/formats/trail.md section 2). Pure.
namespace sallyport::audit {

enum SlotName : std::uint8_t { kRaw = 0, kMaskedSlot = 1, kMeta = 2, kMap = 3, kRules = 4 };

struct Event {
  struct Place {
    std::optional<std::uint64_t> op{};
    std::uint64_t chunk = 0;
    std::uint64_t flags = 0;
  };
  struct Slot {
    std::uint64_t length = 0;
    base::Digest commitment{};
  };
  enum class Verdict : std::uint8_t { permit = 0, deny = 1, hold = 2 };
  struct Decision {
    Verdict verdict = Verdict::permit;
    std::uint64_t rule_set = 0;
    base::Digest rules{};
  };
  struct End {
    std::uint64_t count = 0;
    base::Digest head{};
  };
  static constexpr std::uint64_t kFinal = 1, kBlocked = 2, kCutShort = 4;  // bits of Place::flags

  std::string_view type{};  // of a decoded event: a view of what was decoded
  base::View session{};
  std::uint64_t seq = 0;
  base::Digest previous{};
  std::uint64_t wall_ns = 0, mono_ns = 0;
  std::uint8_t protocol = 0, direction = 2;
  std::optional<Place> place{};
  std::optional<Slot> slots[4]{};  // by SlotName
  std::optional<Decision> decision{};
  std::optional<std::uint64_t> key{};
  std::optional<End> end{};
};

/// Appends the one encoding.
void encode(base::Bytes& to, const Event& event);
/// Views of `entry`: valid as long as it. Refuses anything that `encode` would not give.
base::Result<Event> decode_event(base::View entry);

/// Slots that have a payload (section 3): what was passed on, meta, map; not those of length 0.
bool has_payload(const Event& event, SlotName slot);

/// C of section 3. One thread at a time for `hash`.
base::Digest commitment(base::Sha256& hash, SlotName slot, const base::Digest& salt, base::View octets);
/// What a salt is the HMAC of.
base::Bytes salt_input(base::View session, std::uint64_t seq, SlotName slot);
inline constexpr std::uint64_t kRulesSeq = ~std::uint64_t{0};  // the seq in the salt of rules

}  // namespace sallyport::audit
