#include "proto/postgres/scram.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <charconv>
#include <optional>
#include <utility>

namespace sallyport::proto::postgres {
namespace {

using base::Bytes;
using base::Code;
using base::fail;
using base::Result;
using base::View;

std::unexpected<base::Error> malformed() {
  return fail(Code::malformed, "the target sent a SCRAM message that is malformed");
}

/// Takes "X=value" from the front of `message`, up to the comma, which is consumed too.
std::optional<View> take_attribute(View& message, char name) {
  if (message.size() < 2 || message[0] != name || message[1] != '=') return std::nullopt;
  const auto comma = message.find(',');
  const View value = message.substr(2, comma == View::npos ? View::npos : comma - 2);
  message.remove_prefix(comma == View::npos ? message.size() : comma + 1);
  return value;
}

/// A key that is wiped when it dies.
struct Key {
  base::Digest octets{};
  ~Key() { OPENSSL_cleanse(octets.data(), octets.size()); }
  View view() const { return base::view(octets); }
};

}  // namespace

ScramKeys::Pair::~Pair() {
  OPENSSL_cleanse(client.data(), client.size());
  OPENSSL_cleanse(server.data(), server.size());
}

const ScramKeys::Pair* ScramKeys::of(const base::Secret& password, View salt, unsigned rounds) {
  const View secret = password.reveal();
  Bytes front;
  base::append_big(front, rounds);
  base::append_big(front, static_cast<std::uint64_t>(salt.size()));
  const base::Digest name = base::Sha256().update(front).update(salt).update(secret).finish();
  if (const auto found = pairs_.find(name); found != pairs_.end()) return &found->second;

  Key salted;
  if (PKCS5_PBKDF2_HMAC(secret.data(), static_cast<int>(secret.size()),
                        reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()),
                        static_cast<int>(rounds), EVP_sha256(), static_cast<int>(salted.octets.size()),
                        reinterpret_cast<unsigned char*>(salted.octets.data())) != 1) {
    return nullptr;
  }
  if (pairs_.size() >= most_) pairs_.clear();
  Pair& pair = pairs_[name];
  const base::HmacSha256 by_salted(salted.view());
  pair.client = by_salted.sign("Client Key");
  pair.server = by_salted.sign("Server Key");
  return &pair;
}

ScramClient::ScramClient(Binding binding, Bytes certificate_hash, View nonce) : nonce_(base::to_base64(nonce)) {
  switch (binding) {
    case Binding::none:
      gs2_ = "n,,";
      break;
    case Binding::not_offered:
      gs2_ = "y,,";
      break;
    case Binding::end_point:
      gs2_ = "p=tls-server-end-point,,";
      break;
  }
  channel_binding_ = gs2_;
  if (binding == Binding::end_point) channel_binding_ += certificate_hash;
  bare_ = "n=,r=" + nonce_;
}

Bytes ScramClient::first() const { return gs2_ + bare_; }

Result<Bytes> ScramClient::answer(View server_first, const base::Secret& password, ScramKeys* kept) {
  View rest = server_first;
  const auto nonce = take_attribute(rest, 'r');
  const auto salt_text = nonce ? take_attribute(rest, 's') : std::nullopt;
  const auto rounds_text = salt_text ? take_attribute(rest, 'i') : std::nullopt;
  if (!rounds_text) return malformed();
  // The server's nonce must be ours with something of its own behind it, else an old conversation is replayed.
  if (!nonce->starts_with(nonce_) || nonce->size() == nonce_.size()) return malformed();
  const Bytes salt = base::from_base64(*salt_text);
  if (salt.empty()) return malformed();
  unsigned rounds = 0;
  const auto parsed = std::from_chars(rounds_text->data(), rounds_text->data() + rounds_text->size(), rounds);
  if (parsed.ec != std::errc{} || parsed.ptr != rounds_text->data() + rounds_text->size() || rounds == 0) {
    return malformed();
  }
  if (rounds > kMaxIterations) {
    return fail(Code::limit, "the target demands more than " + std::to_string(kMaxIterations) + " SCRAM iterations");
  }

  ScramKeys own;
  const ScramKeys::Pair* const keys = (kept != nullptr ? kept : &own)->of(password, salt, rounds);
  if (keys == nullptr) return fail(Code::internal, "the SCRAM key could not be derived");

  Bytes final_without_proof = "c=" + base::to_base64(channel_binding_) + ",r=" + Bytes(*nonce);
  const Bytes message = bare_ + "," + Bytes(server_first) + "," + final_without_proof;
  const Key stored_key{base::sha256(base::view(keys->client))};
  const Key signature{base::HmacSha256(stored_key.view()).sign(message)};
  Bytes proof;
  for (std::size_t at = 0; at < keys->client.size(); ++at) {
    proof.push_back(static_cast<char>(keys->client[at] ^ signature.octets[at]));
  }
  server_signature_ = Bytes(base::view(base::HmacSha256(base::view(keys->server)).sign(message)));
  return std::move(final_without_proof) + ",p=" + base::to_base64(proof);
}

Result<void> ScramClient::verify(View server_final) const {
  View rest = server_final;
  const auto signature = take_attribute(rest, 'v');
  if (!signature || server_signature_.empty()) return malformed();
  if (!base::equal_in_constant_time(base::from_base64(*signature), server_signature_)) {
    return fail(Code::denied, "the target did not prove that it knows the password");
  }
  return {};
}

}  // namespace sallyport::proto::postgres
