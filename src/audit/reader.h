#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "audit/checkpoint.h"
#include "audit/event.h"
#include "audit/files.h"
#include "audit/keys.h"
#include "audit/segments.h"
#include "base/result.h"

/// Reads what a trail holds, also while its gateway writes to it: events in log order with their contents decrypted.
/// What is handed out was checked: the tree at each COMMIT, and each content against its commitment. One thread at a
/// time; several Readers may read one trail.
namespace sallyport::audit {

class Reader {
 public:
  /// Needs DATA/keys: to read recordings is the operator's right alone.
  static base::Result<Reader> open(std::string data_folder, Files& files = disk());

  /// One event. Views are valid during the call that hands it out.
  struct Record {
    std::uint64_t index = 0;  // in the log
    base::View entry{};       // as it is in the log
    Event event{};
    std::optional<base::View> meta{}, content{},
        map{};                // content: the octets as they were passed on (masked, or else raw)
    bool is_missing = false;  // the session's keys are gone: there is no meta and no content
  };
  enum class Go : std::uint8_t { on, stop };

  struct Selection {
    std::set<base::Bytes> sessions{};  // ids of 16 octets; empty: all
    std::uint64_t from_index = 0;
    std::set<std::string> types{};  // empty: all
    bool with_content = true;       // false: meta only, which is cheaper
  };
  /// Hands out what is durable, in log order. Code::corrupt names segment and offset.
  base::Result<void> each(const Selection& selection, const std::function<Go(const Record&)>& take);

  /// What section 8 needs of an event's payloads: the salt of a slot, the salt of rules. The session's keys must be
  /// there.
  base::Result<base::Digest> salt(base::View session, std::uint64_t key_id, std::uint64_t seq, SlotName slot);

  const LogKey& log_key() const { return log_key_; }
  const std::string& origin() const { return origin_; }
  const std::string& verification_line() const { return verification_line_; }

 private:
  struct Held {  // a frame of the group that is being read
    Frame frame;
    base::Bytes octets;
    std::uint64_t offset;
  };
  Reader(Files& files, std::string data, LogKey key)
      : files_(&files), data_(std::move(data)), log_key_(std::move(key)) {}
  base::Result<Go> read_segment(std::uint32_t number, const Selection& selection,
                                const std::function<Go(const Record&)>& take);
  base::Result<Go> hand_out(const std::vector<Held>& group, const Selection& selection,
                            const std::function<Go(const Record&)>& take, std::uint32_t segment);
  base::Result<void> open_payload(const Held& held, const Selection& selection, Record& record,
                                  base::Bytes (&contents)[4]);
  base::Result<const SessionKeys*> keys_of(base::View session, std::uint64_t key_id);
  bool may_skip(File& file, std::uint32_t number, const Selection& selection) const;

  Files* files_;
  std::string data_;
  LogKey log_key_;
  std::string origin_, verification_line_;
  base::Digest log_id_{};
  base::Secret key_encryption_key_;
  std::map<std::uint64_t, SessionKeys> keys_;  // of the sessions read last
};

/// Hexadecimal, as written by base::to_hex, back to octets; nothing when it is not that.
std::optional<base::Bytes> from_hex(base::View text);

}  // namespace sallyport::audit
