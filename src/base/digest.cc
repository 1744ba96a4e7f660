#include "base/digest.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <cstdlib>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace sallyport::base {
namespace {

const EVP_MD* sha256_method() {
  // Fetched once: an implicit fetch costs more than hashing 200 octets (OpenSSL 3.0).
  static EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return method;
}

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

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  require(context_ && EVP_DigestInit_ex2(context_.get(), sha256_method(), nullptr) == 1);
}

Sha256& Sha256::update(View octets) {
  require(EVP_DigestUpdate(context_.get(), octets.data(), octets.size()) == 1);
  return *this;
}

Digest Sha256::finish() {
  Digest out;
  require(EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(out.data()), nullptr) == 1);
  require(EVP_DigestInit_ex2(context_.get(), nullptr, nullptr) == 1);
  return out;
}

Digest sha256(View octets) {
  thread_local Sha256 hash;
  return hash.update(octets).finish();
}

HmacSha256::HmacSha256(View key) : inner_(EVP_MD_CTX_new()), outer_(EVP_MD_CTX_new()), work_(EVP_MD_CTX_new()) {
  std::array<unsigned char, 64> block{};
  if (key.size() > block.size()) {
    const Digest hashed = sha256(key);
    std::memcpy(block.data(), hashed.data(), hashed.size());
  } else {
    std::memcpy(block.data(), key.data(), key.size());
  }
  for (auto& octet : block) octet ^= 0x36;
  require(EVP_DigestInit_ex2(inner_.get(), sha256_method(), nullptr) == 1 &&
          EVP_DigestUpdate(inner_.get(), block.data(), block.size()) == 1);
  for (auto& octet : block) octet ^= 0x36 ^ 0x5C;
  require(EVP_DigestInit_ex2(outer_.get(), sha256_method(), nullptr) == 1 &&
          EVP_DigestUpdate(outer_.get(), block.data(), block.size()) == 1);
  OPENSSL_cleanse(block.data(), block.size());
}

Digest HmacSha256::sign(View octets) {
  Digest out;
  auto* const raw = reinterpret_cast<unsigned char*>(out.data());
  require(EVP_MD_CTX_copy_ex(work_.get(), inner_.get()) == 1 &&
          EVP_DigestUpdate(work_.get(), octets.data(), octets.size()) == 1 &&
          EVP_DigestFinal_ex(work_.get(), raw, nullptr) == 1);
  require(EVP_MD_CTX_copy_ex(work_.get(), outer_.get()) == 1 && EVP_DigestUpdate(work_.get(), raw, out.size()) == 1 &&
          EVP_DigestFinal_ex(work_.get(), raw, nullptr) == 1);
  return out;
}

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
  return out;
}

}  // namespace sallyport::base
