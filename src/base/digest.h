#pragma once
#include <openssl/sha.h>

#include <array>

#include "base/bytes.h"

/// SHA-256, HMAC-SHA-256 (FIPS 180-4, RFC 2104) and CRC-32C (RFC 3720 appendix B.4). Pure.
namespace sallyport::base {

using Digest = std::array<char, 32>;
inline View view(const Digest& digest) { return {digest.data(), digest.size()}; }

/// OpenSSL's own SHA-256 by its plain functions, not by EVP: a state is 112 octets that are copied, where EVP allocates
/// and dispatches for longer than hashing 200 octets takes. One thread at a time.
/// `finish` leaves it ready for the next message.
class Sha256 {
 public:
  Sha256();
  Sha256& update(View octets);
  Digest finish();

 private:
  SHA256_CTX state_;
};

/// One-shot.
Digest sha256(View octets);

/// HMAC-SHA-256 with the key's two pads hashed once, at construction. Wiped when it dies. Any number of threads.
class HmacSha256 {
 public:
  explicit HmacSha256(View key);
  ~HmacSha256();
  HmacSha256(const HmacSha256&) = delete;
  HmacSha256& operator=(const HmacSha256&) = delete;
  Digest sign(View octets) const;

 private:
  SHA256_CTX inner_, outer_;
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
