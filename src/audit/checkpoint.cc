#include "audit/checkpoint.h"

#include <openssl/pem.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>

namespace sallyport::audit {
namespace {

using Memory = std::unique_ptr<BIO, decltype(&BIO_free_all)>;
using SignContext = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

constexpr char kAlgorithm = 1;  // signed-note: Ed25519
constexpr base::View kDash = "\xE2\x80\x94 ";

const unsigned char* raw(base::View octets) { return reinterpret_cast<const unsigned char*>(octets.data()); }

std::string body_of(base::View origin, const Head& head) {
  std::string text(origin);
  text += '\n';
  text += std::to_string(head.size);
  text += '\n';
  text += base::to_base64(base::view(head.root));
  text += '\n';
  return text;
}

std::unexpected<base::Error> malformed(const char* what) {
  return base::fail(base::Code::malformed, std::string("checkpoint: ") + what);
}

/// Cuts the line at the front of `text`, without its newline; nothing when there is no newline.
std::optional<base::View> cut_line(base::View& text) {
  const auto end = text.find('\n');
  if (end == base::View::npos) return std::nullopt;
  const base::View line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

}  // namespace

LogKey::LogKey(EVP_PKEY* key) : key_(key), public_(32, '\0') {
  std::size_t length = public_.size();
  if (EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(public_.data()), &length) != 1) std::abort();
}

LogKey LogKey::make() {
  EVP_PKEY* const key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  if (key == nullptr) std::abort();  // no memory or no randomness: nothing safe could follow
  return LogKey(key);
}

base::Result<LogKey> LogKey::from_pem(const base::Secret& pem) {
  const base::View text = pem.reveal();
  const Memory memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free_all);
  EVP_PKEY* const key = PEM_read_bio_PrivateKey(memory.get(), nullptr, nullptr, nullptr);
  if (key == nullptr) return base::fail(base::Code::malformed, "the log's signing key is not a PEM private key");
  if (EVP_PKEY_get_id(key) != EVP_PKEY_ED25519) {
    EVP_PKEY_free(key);
    return base::fail(base::Code::unsupported, "the log's signing key is not an Ed25519 key");
  }
  return LogKey(key);
}

base::Secret LogKey::to_pem() const {
  const Memory memory(BIO_new(BIO_s_secmem()), BIO_free_all);
  if (PEM_write_bio_PrivateKey(memory.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) std::abort();
  char* octets = nullptr;
  const long length = BIO_get_mem_data(memory.get(), &octets);
  return base::Secret(std::string(octets, static_cast<std::size_t>(length)));
}

base::Bytes LogKey::key_hash(base::View origin) const {
  base::Bytes input(origin);
  input += '\n';
  input += kAlgorithm;
  input += public_;
  return base::Bytes(base::view(base::sha256(input)).substr(0, 4));
}

std::string LogKey::verification_line(base::View origin) const {
  return std::string(origin) + '+' + base::to_hex(key_hash(origin)) + '+' + base::to_base64(kAlgorithm + public_);
}

std::string LogKey::sign(base::View origin, const Head& head) const {
  std::string note = body_of(origin, head);
  base::Bytes signature(64, '\0');
  std::size_t length = signature.size();
  const SignContext context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &length, raw(note),
                     note.size()) != 1) {
    std::abort();
  }
  note += '\n';
  note += kDash;
  note += origin;
  note += ' ';
  note += base::to_base64(key_hash(origin) + signature);
  note += '\n';
  return note;
}

base::Result<Head> LogKey::verify(base::View origin, base::View note) const {
  base::View rest = note;
  const auto name = cut_line(rest), size = cut_line(rest), root = cut_line(rest), blank = cut_line(rest);
  if (!name || !size || !root || !blank || !blank->empty()) return malformed("not a signed note of three lines");
  if (*name != origin) return malformed("it is of another log");
  Head head;
  const auto [end, fault] = std::from_chars(size->data(), size->data() + size->size(), head.size);
  const base::Bytes digest = base::from_base64(*root);
  if (fault != std::errc() || end != size->data() + size->size() || digest.size() != head.root.size()) {
    return malformed("size or root is malformed");
  }
  std::memcpy(head.root.data(), digest.data(), digest.size());
  const std::string body = body_of(origin, head);
  if (!note.starts_with(body)) return malformed("size or root is not in its one form");
  while (const auto line = cut_line(rest)) {
    const std::string prefix = std::string(kDash) + std::string(origin) + ' ';
    if (!line->starts_with(prefix)) continue;
    const base::Bytes signature = base::from_base64(line->substr(prefix.size()));
    if (signature.size() != 68 || !signature.starts_with(key_hash(origin))) continue;
    const SignContext context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    if (EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
        EVP_DigestVerify(context.get(), raw(base::View(signature).substr(4)), 64, raw(body), body.size()) == 1) {
      return head;
    }
  }
  return base::fail(base::Code::corrupt, "checkpoint: no right signature of this log's key");
}

bool is_origin(base::View origin) {
  return !origin.empty() && origin.size() <= 200 &&
         std::ranges::all_of(origin, [](char c) { return c > ' ' && c < 0x7F && c != '+'; });
}

base::Digest log_id_of(base::View verification_line) {
  base::Sha256 hash;
  return hash.update(base::View("sallyport-log/v1\0", 17)).update(verification_line).finish();
}

}  // namespace sallyport::audit
