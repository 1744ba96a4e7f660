#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "audit/files.h"
#include "base/digest.h"
#include "base/result.h"
#include "base/secret.h"

/// The keys of sessions, and where their wrapped form lies (docs/formats/trail.md section 4).
namespace sallyport::audit {

inline constexpr std::size_t kSessionId = 16;
inline constexpr std::size_t kKeyRecord = 256;
inline constexpr std::uint64_t kKeyRecordsPerFile = 4096;

/// Five keys of 32 octets in one secret: content, and the salts of raw, masked, meta, map.
struct SessionKeys {
  base::Secret octets{};
  base::View content() const { return octets.reveal().substr(0, 32); }
  base::View salt_of(std::uint8_t slot) const { return octets.reveal().substr(32 + 32U * slot, 32); }  // slot 0..3
  static SessionKeys make();
};

/// A wrapped record, and back. `log_id` binds it to its log. unwrap: nothing was stored -> Code::denied (destroyed).
base::Bytes wrap(const SessionKeys& keys, base::View session, std::uint64_t key_id, const base::Digest& log_id,
                 const base::Secret& key_encryption_key);
base::Result<SessionKeys> unwrap(base::View record, base::View session, std::uint64_t key_id,
                                 const base::Digest& log_id, const base::Secret& key_encryption_key);

/// The folder keys/. Throws DiskFailure.
class KeyFolder {
 public:
  /// Continues behind the last record that was ever written. Nothing but `files` is used before that.
  KeyFolder(Files& files, std::string folder);

  /// The next key id; any thread.
  std::uint64_t take_id();
  /// Any thread. `record` is kept until the next write().
  void stage(std::uint64_t key_id, base::Bytes record);
  /// Writes and syncs what was staged before the call; one thread at a time. False: there was nothing.
  bool write();

  static std::string file_name(std::uint64_t key_id);
  static std::uint64_t offset_of(std::uint64_t key_id) { return key_id % kKeyRecordsPerFile * kKeyRecord; }

 private:
  struct Staged {
    std::uint64_t key_id;
    base::Bytes record;
  };
  Files& files_;
  std::string folder_;
  std::mutex mutex_;
  std::uint64_t next_ = 0;
  std::vector<Staged> staged_;
  std::unique_ptr<File> file_;  // the one that was written last
  std::string file_name_;
};

}  // namespace sallyport::audit
