#include "cmd/verify/note.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace sallyport::verify {
namespace {

constexpr base::View kDash = "\xE2\x80\x94 ";  // "— "
constexpr std::size_t kMaxSignatures = 64;

std::unexpected<base::Error> wrong(std::string what) { return base::fail(base::Code::malformed, std::move(what)); }

/// The line at the front, without its newline, which is taken too.
std::optional<base::View> take_line(base::View& from) {
  const auto end = from.find('\n');
  if (end == base::View::npos) return std::nullopt;
  const base::View line = from.substr(0, end);
  from.remove_prefix(end + 1);
  return line;
}

/// Base64 whose spare bits are zero: one text per value.
std::optional<base::Bytes> canonical_base64(base::View text, std::size_t length) {
  base::Bytes octets = base::from_base64(text);
  if (octets.size() != length || base::to_base64(octets) != text) return std::nullopt;
  return octets;
}

base::Bytes key_hash(base::View origin, base::View typed_key) {
  base::Bytes input(origin);
  input.push_back('\n');
  input += typed_key;
  return base::Bytes(base::view(base::sha256(input)).substr(0, 4));
}

bool is_name(base::View name) {
  return !name.empty() && name.find_first_of(" +\t\r\n") == base::View::npos && base::is_utf8_without_nul(name);
}

/// Whether one of the signature lines at the front is right; takes them all.
base::Result<bool> take_signatures(base::View& notes, base::View text, const LogKey& key) {
  bool is_right = false;
  std::size_t count = 0;
  while (notes.starts_with(kDash)) {
    auto line = take_line(notes);
    if (!line || ++count > kMaxSignatures) return wrong("a signature line is cut, or there are too many");
    line->remove_prefix(kDash.size());
    const auto space = line->find(' ');
    if (space == base::View::npos || !is_name(line->substr(0, space))) return wrong("a signature line is malformed");
    const base::View signature = line->substr(space + 1);
    if (line->substr(0, space) != key.origin()) continue;
    const auto octets = canonical_base64(signature, 68);
    if (!octets || octets->substr(0, 4) != key.hash()) continue;
    if (!key.is_signed(text, base::View(*octets).substr(4))) return wrong("the signature is wrong");
    is_right = true;
  }
  return is_right;
}

}  // namespace

base::Result<LogKey> LogKey::parse(base::View text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  const auto first = text.find('+');
  const auto second = first == base::View::npos ? first : text.find('+', first + 1);
  if (second == base::View::npos) return wrong("not a verification key: <origin>+<hash>+<key>");
  LogKey key;
  key.line_ = text;
  key.origin_ = text.substr(0, first);
  const auto typed = canonical_base64(text.substr(second + 1), 33);
  if (!is_name(key.origin_) || !typed || typed->front() != 1) return wrong("not an Ed25519 verification key");
  key.hash_ = key_hash(key.origin_, *typed);
  if (base::to_hex(key.hash_) != text.substr(first + 1, second - first - 1)) {
    return wrong("the verification key's hash does not belong to it");
  }
  key.key_.reset(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr,
                                             reinterpret_cast<const unsigned char*>(typed->data() + 1), 32));
  if (!key.key_) return wrong("not an Ed25519 public key");
  return key;
}

base::Digest LogKey::log_id() const { return base::sha256(base::Bytes("sallyport-log/v1\0", 17) + line_); }

bool LogKey::is_signed(base::View text, base::View signature) const {
  struct FreeContext {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  return context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
         EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                          reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1;
}

base::Result<Head> take_head_note(base::View& notes, const LogKey& key) {
  base::View rest = notes;
  const auto origin = take_line(rest);
  const auto size = take_line(rest);
  const auto root = take_line(rest);
  const base::View text = notes.substr(0, notes.size() - rest.size());
  const auto empty = take_line(rest);
  if (!origin || !size || !root || !empty || !empty->empty()) return wrong("not a checkpoint of three lines");
  if (*origin != key.origin()) return wrong("the checkpoint is of another origin");
  Head head;
  const auto number = std::from_chars(size->data(), size->data() + size->size(), head.size);
  if (number.ec != std::errc{} || number.ptr != size->data() + size->size() || std::to_string(head.size) != *size) {
    return wrong("the checkpoint's size is not a decimal number");
  }
  const auto octets = canonical_base64(*root, 32);
  if (!octets) return wrong("the checkpoint's root is not 32 octets in base64");
  std::ranges::copy(*octets, head.root.begin());
  const auto is_right = take_signatures(rest, text, key);
  if (!is_right) return std::unexpected(is_right.error());
  if (!*is_right) return wrong("the checkpoint has no signature by the given key");
  notes = rest;
  return head;
}

base::Result<std::vector<Head>> read_heads(base::View notes, const LogKey& key) {
  std::vector<Head> heads;
  while (true) {
    while (notes.starts_with('\n')) notes.remove_prefix(1);
    if (notes.empty()) break;
    const auto head = take_head_note(notes, key);
    if (!head) return std::unexpected(head.error());
    heads.push_back(*head);
  }
  if (heads.empty()) return wrong("there is no checkpoint in it");
  return heads;
}

}  // namespace sallyport::verify
