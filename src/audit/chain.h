#pragma once
#include <memory>
#include <span>
#include <string_view>

#include "audit/event.h"
#include "audit/keys.h"
#include "audit/seal.h"

/// Writes the events of one session, one behind the other: seq, prev, commitments, encryption. One thread at a time.
namespace sallyport::audit {

/// Nanoseconds; wall since 1970 UTC, mono on a clock that never goes back while the machine runs.
struct Times {
  std::uint64_t wall_ns = 0, mono_ns = 0;
  static Times now();
};

class Chain {
 public:
  Chain(base::View session, std::uint8_t protocol, std::uint64_t key_id, const SessionKeys& keys);

  struct Contents {
    std::string_view type{};
    std::uint8_t direction = 2;
    std::optional<Event::Place> place{};
    /// Octets as they came, and as they were passed on when that differs. Nothing: the event has none.
    std::optional<base::View> raw{}, masked{};
    base::View meta{}, map{};  // map goes with masked
    std::optional<Event::Verdict> verdict{};
    std::uint64_t rule_set = 0;
    base::View rules{};
  };

  /// Appends the event's frames (ENTRY and PAYLOADs, not sealed) to `frames`; returns its leaf hash.
  base::Digest append(const Contents& contents, const Times& times, base::Bytes& frames);
  /// session_close and session_abort, after which nothing may come. An empty `meta`: no slot (session_abort).
  base::Digest append_end(std::string_view type, base::View meta, const Times& times, base::Bytes& frames);

  base::View session() const { return session_; }
  std::uint8_t protocol() const { return protocol_; }
  /// Of the next event: its seq, and the leaf before it.
  std::uint64_t next_seq() const { return seq_; }
  const base::Digest& head() const { return head_; }
  base::Digest rules_salt() { return salt(kRulesSeq, kRules); }

 private:
  base::Digest salt(std::uint64_t seq, SlotName slot);
  Event::Slot commit(SlotName slot, base::View octets);
  base::Digest commit_rules(base::View rules);
  Event begin(std::string_view type, std::uint8_t direction, const Times& times) const;
  base::Digest finish(const Event& event, const Contents& contents, base::Bytes& frames);
  void put_payload(SlotName slot, base::View octets, base::Bytes& frames);

  std::array<char, kSessionId> id_;
  base::View session_{id_.data(), id_.size()};
  std::uint8_t protocol_;
  std::uint64_t key_id_;
  std::uint64_t seq_ = 0;
  base::Digest head_{};
  // Pre-keyed, one per slot class; masked and map are rare and made when first used.
  base::HmacSha256 raw_salt_, meta_salt_;
  std::optional<base::HmacSha256> masked_salt_{}, map_salt_{};
  base::Secret masked_key_, map_key_;
  Sealer sealer_;
  std::string last_rules_{};
  std::optional<base::Digest> last_rules_commitment_{};
};

/// The end of a chain whose keys are gone: session_abort by a later run of the gateway.
base::Digest append_abort(base::View session, std::uint8_t protocol, std::uint64_t seq, const base::Digest& head,
                          const Times& times, base::Bytes& frames);

}  // namespace sallyport::audit
