#pragma once
#include <span>
#include <string_view>

#include "audit/recorder.h"
#include "mask/hider.h"
#include "mask/masker.h"
#include "policy/verdict.h"

/// The meta of the events that Recorder writes (docs/formats/trail.md section 3): deterministic CBOR maps. Pure.
namespace sallyport::audit {

inline constexpr std::size_t kMaxStatement = 64 << 10;
inline constexpr std::size_t kMaxParameter = 4 << 10;

/// nullptr: it is payload or housekeeping.
const model::Command* command_of(const policy::Decided& item);

base::Bytes session_open_meta(const SessionOpen& what, Durability durability);
base::Bytes reason_meta(base::View reason);

/// Appends to `to`, which is empty. `rules`: what the event's decision commits to.
/// Texts are as `hider` shows them, and values where `hides_values` (they stand in the items' octets, where the caller
/// has looked).
void put_request_meta(base::Bytes& to, std::span<const policy::Decided> items, base::View rules,
                      const mask::Hider& hider, bool hides_values);
/// The meta of the events that carry the rest of a frame too long for one.
void put_continued_request_meta(base::Bytes& to, base::View rules);
void put_response_meta(base::Bytes& to, std::span<const mask::Masked> items, std::uint64_t duration_us);
/// Where raw octets were changed; `rules`: what Change::rule is of.
void put_mask_map(base::Bytes& to, std::span<const mask::Change> changes, const std::vector<std::string>& rules);

}  // namespace sallyport::audit
