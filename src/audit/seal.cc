#include "audit/seal.h"

#include <openssl/rand.h>

#include <cstdlib>

#include "audit/frame.h"

namespace sallyport::audit {
namespace {

const EVP_CIPHER* cipher() {
  static EVP_CIPHER* const method = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return method;
}
void require(bool done) {
  if (!done) std::abort();  // only allocation failure gets here
}
const unsigned char* raw(base::View octets) { return reinterpret_cast<const unsigned char*>(octets.data()); }

}  // namespace

Sealer::Sealer(base::View key) : context_(EVP_CIPHER_CTX_new()) {
  require(context_ && key.size() == 32 &&
          EVP_EncryptInit_ex2(context_.get(), cipher(), raw(key), nullptr, nullptr) == 1);
}

void Sealer::seal(base::View nonce, base::View authenticated, base::View plaintext, base::Bytes& to) {
  EVP_CIPHER_CTX* const context = context_.get();
  const std::size_t at = to.size();
  to.resize(at + plaintext.size() + kTag);
  auto* const out = reinterpret_cast<unsigned char*>(to.data() + at);
  int length = 0;
  require(EVP_EncryptInit_ex2(context, nullptr, nullptr, raw(nonce), nullptr) == 1 &&
          EVP_EncryptUpdate(context, nullptr, &length, raw(authenticated), static_cast<int>(authenticated.size())) ==
              1 &&
          EVP_EncryptUpdate(context, out, &length, raw(plaintext), static_cast<int>(plaintext.size())) == 1);
  int rest = 0;
  require(EVP_EncryptFinal_ex(context, out + length, &rest) == 1 &&
          EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTag, out + plaintext.size()) == 1);
}

std::optional<base::Bytes> open_sealed(base::View key, base::View nonce, base::View authenticated,
                                       base::View ciphertext, base::View tag) {
  if (key.size() != 32 || nonce.size() != kNonce || tag.size() != kTag) return std::nullopt;
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                                EVP_CIPHER_CTX_free);
  base::Bytes plaintext(ciphertext.size() + 1, '\0');
  auto* const out = reinterpret_cast<unsigned char*>(plaintext.data());
  base::Bytes expected(tag);
  int length = 0, rest = 0;
  const bool is_right =
      EVP_DecryptInit_ex2(context.get(), cipher(), raw(key), raw(nonce), nullptr) == 1 &&
      EVP_DecryptUpdate(context.get(), nullptr, &length, raw(authenticated), static_cast<int>(authenticated.size())) ==
          1 &&
      EVP_DecryptUpdate(context.get(), out, &length, raw(ciphertext), static_cast<int>(ciphertext.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kTag, expected.data()) == 1 &&
      EVP_DecryptFinal_ex(context.get(), out + length, &rest) == 1;
  if (!is_right) return std::nullopt;
  plaintext.resize(ciphertext.size());
  return plaintext;
}

base::View next_nonce() {
  // A call into the generator costs as much as sealing a small message; it is asked for many nonces at once.
  thread_local std::array<char, kNonce * 128> buffer;
  thread_local std::size_t used = buffer.size();
  if (used == buffer.size()) {
    require(RAND_bytes(reinterpret_cast<unsigned char*>(buffer.data()), static_cast<int>(buffer.size())) == 1);
    used = 0;
  }
  used += kNonce;
  return {buffer.data() + used - kNonce, kNonce};
}

}  // namespace sallyport::audit
