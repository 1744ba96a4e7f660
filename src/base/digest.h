#pragma once
#include <openssl/evp.h>

#include <array>
#include <memory>

#include "base/bytes.h"

/// SHA-256, HMAC-SHA-256 (FIPS 180-4, RFC 2104) and CRC-32C (RFC 3720 appendix B.4). Pure.
namespace sallyport::base {

using Digest = std::array<char, 32>;
inline View view(const Digest& digest) { return {digest.data(), digest.size()}; }

/// A reusable hash: OpenSSL's one-shot call costs two to three times as much at our sizes.
/// One thread at a time. `finish` leaves it ready for the next message.
class Sha256 {
 public:
  Sha256();
  Sha256& update(View octets);
  Digest finish();

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

/// One-shot on a context of the calling thread.
Digest sha256(View octets);

/// HMAC-SHA-256 with the key's two pads hashed once, at construction. One thread at a time.
class HmacSha256 {
 public:
  explicit HmacSha256(View key);
  Digest sign(View octets);

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  using Context = std::unique_ptr<EVP_MD_CTX, Free>;
  Context inner_, outer_, work_;
};

/// CRC-32C of `octets`, continuing from `seed` (0 to begin).
std::uint32_t crc32c(View octets, std::uint32_t seed = 0);

/// True when equal, in time that depends on the lengths only.
bool equal_in_constant_time(View a, View b);

/// `count` octets of the operating system's randomness. Aborts when there is none: nothing safe could follow.
Bytes random_bytes(std::size_t count);

Bytes to_base64(View octets);
/// Empty optional form: an empty result for non-empty input means malformed (RFC 4648, padding required).
Bytes from_base64(View text);

}  // namespace sallyport::base
