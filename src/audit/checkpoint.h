#pragma once
#include <openssl/evp.h>

#include <memory>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "base/secret.h"

/// Signed heads of the log: C2SP tlog-checkpoint in a signed-note by Ed25519 (docs/formats/trail.md section 7). Pure
/// but for the randomness of a new key.
namespace sallyport::audit {

/// A tree at one size.
struct Head {
  std::uint64_t size = 0;
  base::Digest root{};
};

/// The key that signs. Immutable; any thread.
class LogKey {
 public:
  static LogKey make();
  static base::Result<LogKey> from_pem(const base::Secret& pem);
  base::Secret to_pem() const;
  /// `<origin>+<hash>+<key>`, no newline.
  std::string verification_line(base::View origin) const;
  /// The whole signed note.
  std::string sign(base::View origin, const Head& head) const;
  /// The head in a note of `origin` with a right signature of this key.
  base::Result<Head> verify(base::View origin, base::View note) const;

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  };
  explicit LogKey(EVP_PKEY* key);
  base::Bytes key_hash(base::View origin) const;
  std::unique_ptr<EVP_PKEY, Free> key_;
  base::Bytes public_;
};

/// A name that an origin and a key name can be: printable, no space, no plus, 1 to 200 octets.
bool is_origin(base::View origin);

/// SHA-256("sallyport-log/v1\0" ‖ verification line).
base::Digest log_id_of(base::View verification_line);

}  // namespace sallyport::audit
