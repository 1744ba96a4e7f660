#pragma once
#include <openssl/evp.h>

#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/secret.h"

/// AES-256-GCM (NIST SP 800-38D) with a 12-octet nonce and a 16-octet tag. One thread at a time.
namespace sallyport::audit {

/// Encrypts many messages under one key; the key schedule is made once.
class Sealer {
 public:
  explicit Sealer(base::View key);
  /// Appends ciphertext and tag of `plaintext` to `to`. REQUIRES: `nonce` has 12 octets, never used before with this
  /// key.
  void seal(base::View nonce, base::View authenticated, base::View plaintext, base::Bytes& to);

 private:
  struct Free {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };
  std::unique_ptr<EVP_CIPHER_CTX, Free> context_;
};

/// The plaintext; nothing when the tag does not fit.
std::optional<base::Bytes> open_sealed(base::View key, base::View nonce, base::View authenticated,
                                       base::View ciphertext, base::View tag);

/// 12 octets of randomness, from a buffer of the calling thread. Valid until the thread's next call.
base::View next_nonce();

}  // namespace sallyport::audit
