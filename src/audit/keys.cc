#include "audit/keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "audit/frame.h"
#include "audit/seal.h"

namespace sallyport::audit {
namespace {

constexpr std::size_t kKeys = 160;
constexpr base::View kMagic = "SPK1";
// Offsets in a record; docs/formats/trail.md section 4.
constexpr std::size_t kNonceAt = 12, kSessionAt = 24, kSealedAt = 40, kCheckAt = 220;

base::Bytes authenticated(const base::Digest& log_id, base::View front, base::View session) {
  base::Bytes octets(base::view(log_id));
  octets += front;
  octets += session;
  return octets;
}

}  // namespace

SessionKeys SessionKeys::make() { return {base::Secret(base::random_bytes(kKeys))}; }

base::Bytes wrap(const SessionKeys& keys, base::View session, std::uint64_t key_id, const base::Digest& log_id,
                 const base::Secret& key_encryption_key) {
  base::Bytes record(kMagic);
  base::append_big(record, key_id);
  const base::Bytes front = record;
  const base::Bytes nonce(next_nonce());
  record += nonce;
  record += session;
  Sealer sealer(key_encryption_key.reveal());
  sealer.seal(nonce, authenticated(log_id, front, session), keys.octets.reveal(), record);
  record.resize(kCheckAt, '\0');
  base::append_big(record, base::crc32c(record));
  record.resize(kKeyRecord, '\0');
  return record;
}

base::Result<SessionKeys> unwrap(base::View record, base::View session, std::uint64_t key_id,
                                 const base::Digest& log_id, const base::Secret& key_encryption_key) {
  if (record.find_first_not_of('\0') == base::View::npos) {
    return base::fail(base::Code::denied, "the session's keys were destroyed or never written");
  }
  const auto corrupt = [&] {
    return base::fail(base::Code::corrupt, fmt::format("key record {} does not fit its session or key", key_id));
  };
  if (record.size() != kKeyRecord || !record.starts_with(kMagic) ||
      base::load_big<std::uint64_t>(record.data() + 4) != key_id || record.substr(kSessionAt, kSessionId) != session ||
      base::load_big<std::uint32_t>(record.data() + kCheckAt) != base::crc32c(record.substr(0, kCheckAt))) {
    return corrupt();
  }
  auto octets = open_sealed(key_encryption_key.reveal(), record.substr(kNonceAt, kNonce),
                            authenticated(log_id, record.substr(0, kNonceAt), session), record.substr(kSealedAt, kKeys),
                            record.substr(kSealedAt + kKeys, kTag));
  if (!octets) return corrupt();
  return SessionKeys{base::Secret(std::move(*octets))};
}

std::string KeyFolder::file_name(std::uint64_t key_id) {
  return fmt::format("{:08}.keys", key_id / kKeyRecordsPerFile);
}

KeyFolder::KeyFolder(Files& files, std::string folder) : files_(files), folder_(std::move(folder)) {
  std::uint64_t file = 0;
  std::string last;
  for (const std::string& name : files_.list(folder_)) {
    if (name.size() != 13 || !name.ends_with(".keys")) continue;
    file = std::stoull(name);
    last = name;
  }
  if (last.empty()) return;
  const std::uint64_t size = files_.open(folder_ + "/" + last, Files::Access::read)->size();
  next_ = file * kKeyRecordsPerFile + std::min((size + kKeyRecord - 1) / kKeyRecord, kKeyRecordsPerFile);
}

std::uint64_t KeyFolder::take_id() {
  const std::lock_guard lock(mutex_);
  return next_++;
}

void KeyFolder::stage(std::uint64_t key_id, base::Bytes record) {
  const std::lock_guard lock(mutex_);
  staged_.push_back({key_id, std::move(record)});
}

bool KeyFolder::write() {
  std::vector<Staged> staged;
  {
    const std::lock_guard lock(mutex_);
    staged.swap(staged_);
  }
  if (staged.empty()) return false;
  std::ranges::sort(staged, {}, &Staged::key_id);
  for (std::size_t i = 0; i < staged.size();) {
    const std::string name = file_name(staged[i].key_id);
    if (name != file_name_) {
      const bool is_new = !files_.exists(folder_ + "/" + name);
      file_ = files_.open(folder_ + "/" + name, Files::Access::create);
      file_name_ = name;
      if (is_new) files_.sync_folder(folder_);
    }
    // Neighbours go in one write.
    const std::uint64_t at = offset_of(staged[i].key_id);
    base::Bytes run = std::move(staged[i].record);
    std::size_t next = i + 1;
    while (next < staged.size() && staged[next].key_id == staged[next - 1].key_id + 1 &&
           file_name(staged[next].key_id) == name) {
      run += staged[next++].record;
    }
    file_->write_at(at, run);
    if (next == staged.size() || file_name(staged[next].key_id) != name) file_->sync();
    i = next;
  }
  return true;
}

}  // namespace sallyport::audit
