#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/digest.h"
#include "base/result.h"
#include "base/secret.h"
#include "cmd/verify/event.h"
#include "cmd/verify/report.h"
#include "cmd/verify/source.h"

/// Keys of sessions, payloads, and contents against their commitments (docs/formats/trail.md sections 3 to 5).
namespace sallyport::verify {

/// The five keys of a session.
class SessionKeys {
 public:
  explicit SessionKeys(base::Secret octets) : octets_(std::move(octets)) {}
  base::View content() const { return octets_.reveal().substr(0, 32); }
  base::Digest salt(base::View session, std::uint64_t seq, std::uint8_t slot) const;

 private:
  base::Secret octets_;
};

/// The folder keys/ of a trail. One thread. Throws Unreadable.
class KeyRing {
 public:
  /// `content_key`: 32 octets, or empty when it is not at hand.
  KeyRing(Folder& trail, base::Secret content_key, const base::Digest& log_id);

  enum class Found : std::uint8_t { keys, not_at_hand, destroyed, damaged };
  struct Answer {
    Found found = Found::not_at_hand;
    const SessionKeys* keys = nullptr;  // valid until forget() of that session
    std::string what{};                 // of damaged
    Place place{};                      // of destroyed and damaged
  };
  Answer of(base::View session, std::uint64_t key_id);
  void forget(base::View session) { known_.erase(base::Bytes(session)); }

 private:
  struct Known {
    Answer answer{};
    std::optional<SessionKeys> keys{};
  };
  void read(base::View session, std::uint64_t key_id, Known& into);
  Folder& trail_;
  base::Secret content_key_;
  base::Digest log_id_;
  std::unordered_map<base::Bytes, Known> known_;
  std::unique_ptr<Source> file_;
  std::uint64_t file_number_ = 0;
};

/// 64 hexadecimal digits and a newline; nothing for anything else.
std::optional<base::Secret> parse_content_key(base::View text);

/// The body of a PAYLOAD frame. Views of it.
struct Payload {
  std::uint8_t slot = 0, encoding = 0;
  base::View session{}, authenticated{}, nonce{}, ciphertext{}, tag{};
  std::uint64_t seq = 0;
};
std::optional<Payload> parse_payload(base::View body);
/// Decrypts and decompresses to exactly `length` octets (at most kMaxSlot); the error says which of it failed.
base::Result<base::Bytes> open_payload(const Payload& payload, base::View key, std::uint64_t length);

/// What must hold between an event and the content of one of its slots. `rules_salt` is used for meta of a request.
/// Adds to `report` what does not.
struct Content {
  const Event& event;
  std::uint64_t index;
  std::uint8_t slot;
  base::View salt;
  base::View rules_salt;
  base::View octets;
};
void check_content(const Content& content, const base::Digest& log_id, const Place& place, Report& report);

}  // namespace sallyport::verify
