#pragma once
#include <openssl/evp.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/result.h"

/// C2SP signed-note and tlog-checkpoint, as docs/formats/trail.md section 7 uses them. Pure.
namespace sallyport::verify {

/// Root of the tree at one size.
struct Head {
  std::uint64_t size = 0;
  base::Digest root{};
};

/// The public key of one log: what a verifier must have from elsewhere.
class LogKey {
 public:
  /// `text` is the line of log.vkey, with or without its newline.
  static base::Result<LogKey> parse(base::View text);
  const std::string& origin() const { return origin_; }
  const std::string& line() const { return line_; }
  /// SHA-256("sallyport-log/v1\0" ‖ line).
  base::Digest log_id() const;
  bool is_signed(base::View text, base::View signature) const;
  base::View hash() const { return hash_; }

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  };
  LogKey() = default;
  std::string origin_, line_;
  base::Bytes hash_;  // 4 octets
  std::unique_ptr<EVP_PKEY, Free> key_;
};

/// The head of the note at the front of `notes`, which is advanced behind it. Further signatures, of other names, are
/// passed over. Refused: another origin, another form than the one canonical one, no right signature by `key`.
base::Result<Head> take_head_note(base::View& notes, const LogKey& key);
/// One or more notes one behind the other, empty lines between them allowed. Code::malformed for anything else.
base::Result<std::vector<Head>> read_heads(base::View notes, const LogKey& key);

}  // namespace sallyport::verify
