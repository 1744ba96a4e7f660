#include "base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <cstdlib>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace sallyport::base {
namespace {

void require(bool done) {
  if (!done) std::abort();  // only allocation failure gets here
}

std::uint32_t crc32c_portable(View octets, std::uint32_t crc) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> t{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t c = i;
      for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? (c >> 1) ^ 0x82F63B78U : c >> 1;
      t[i] = c;
    }
    return t;
  }();
  for (const char c : octets) crc = table[(crc ^ static_cast<unsigned char>(c)) & 0xFF] ^ (crc >> 8);
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse42(View octets, std::uint32_t crc) {
  const char* p = octets.data();
  std::size_t left = octets.size();
  std::uint64_t wide = crc;
  for (; left >= 8; p += 8, left -= 8) {
    std::uint64_t word;
    std::memcpy(&word, p, 8);
    wide = _mm_crc32_u64(wide, word);
  }
  crc = static_cast<std::uint32_t>(wide);
  for (; left > 0; ++p, --left) crc = _mm_crc32_u8(crc, static_cast<unsigned char>(*p));
  return crc;
}
#endif

}  // namespace

// Deprecated in OpenSSL 3 in favour of EVP, and kept through all of 3.x; why it is used is said in the header.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"

Sha256::Sha256() { require(SHA256_Init(&state_) == 1); }

Sha256& Sha256::update(View octets) {
  require(SHA256_Update(&state_, octets.data(), octets.size()) == 1);
  return *this;
}

Digest Sha256::finish() {
  Digest out;
  require(SHA256_Final(reinterpret_cast<unsigned char*>(out.data()), &state_) == 1 && SHA256_Init(&state_) == 1);
  return out;
}

Digest sha256(View octets) { return Sha256().update(octets).finish(); }

HmacSha256::HmacSha256(View key) {
  std::array<unsigned char, 64> block{};
  if (key.size() > block.size()) {
    const Digest hashed = sha256(key);
    std::memcpy(block.data(), hashed.data(), hashed.size());
  } else {
    std::memcpy(block.data(), key.data(), key.size());
  }
  for (auto& octet : block) octet ^= 0x36;
  require(SHA256_Init(&inner_) == 1 && SHA256_Update(&inner_, block.data(), block.size()) == 1);
  for (auto& octet : block) octet ^= 0x36 ^ 0x5C;
  require(SHA256_Init(&outer_) == 1 && SHA256_Update(&outer_, block.data(), block.size()) == 1);
  OPENSSL_cleanse(block.data(), block.size());
}

HmacSha256::~HmacSha256() {
  OPENSSL_cleanse(&inner_, sizeof inner_);
  OPENSSL_cleanse(&outer_, sizeof outer_);
}

Digest HmacSha256::sign(View octets) const {
  Digest out;
  auto* const raw = reinterpret_cast<unsigned char*>(out.data());
  SHA256_CTX work = inner_;
  require(SHA256_Update(&work, octets.data(), octets.size()) == 1 && SHA256_Final(raw, &work) == 1);
  work = outer_;
  require(SHA256_Update(&work, raw, out.size()) == 1 && SHA256_Final(raw, &work) == 1);
  return out;
}

#pragma clang diagnostic pop

std::uint32_t crc32c(View octets, std::uint32_t seed) {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) return ~crc32c_sse42(octets, ~seed);
#endif
  return ~crc32c_portable(octets, ~seed);
}

bool equal_in_constant_time(View a, View b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Bytes random_bytes(std::size_t count) {
  Bytes out(count, '\0');
  require(count == 0 || RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count)) == 1);
  return out;
}

Bytes to_base64(View octets) {
  Bytes out((octets.size() + 2) / 3 * 4 + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(octets.data()), static_cast<int>(octets.size()));
  out.resize(static_cast<std::size_t>(length));
  return out;
}

Bytes from_base64(View text) {
  if (text.empty() || text.size() % 4 != 0) return {};
  // EVP_DecodeBlock skips surrounding white space and ignores where the padding stands; RFC 4648 does not.
  std::size_t padding = 0;
  while (padding < 2 && text[text.size() - 1 - padding] == '=') ++padding;
  const View digits = text.substr(0, text.size() - padding);
  if (digits.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") != View::npos)
    return {};
  Bytes out(text.size() / 4 * 3, '\0');
  const int length =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(text.data()),
                      static_cast<int>(text.size()));
  if (length < 0) return {};
  out.resize(static_cast<std::size_t>(length) - padding);
  // Bits behind the last octet are zeros (RFC 4648 section 3.5): one value has one text.
  if (to_base64(out) != text) return {};
  return out;
}

}  // namespace sallyport::base
