#include "cmd/verify/payload.h"

#include <openssl/evp.h>
#include <zstd.h>

#include "cmd/verify/cbor.h"
#include "cmd/verify/tree.h"

namespace sallyport::verify {
namespace {

constexpr std::size_t kRecord = 256, kRecordsPerFile = 4096;
constexpr std::size_t kWrapped = 160, kNonce = 12, kTag = 16;
constexpr std::size_t kPayloadHead = 40, kAuthenticated = 28;

/// AES-256-GCM; nothing when the tag is wrong.
std::optional<base::Bytes> decrypt(base::View key, base::View nonce, base::View authenticated, base::View ciphertext,
                                   base::View tag) {
  struct Free {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };
  const std::unique_ptr<EVP_CIPHER_CTX, Free> context(EVP_CIPHER_CTX_new());
  const auto octets = [](base::View of) { return reinterpret_cast<const unsigned char*>(of.data()); };
  base::Bytes out(ciphertext.size(), '\0');
  base::Bytes expected(tag);
  int done = 0;
  const bool is_right =
      context && EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, octets(key), octets(nonce)) == 1 &&
      EVP_DecryptUpdate(context.get(), nullptr, &done, octets(authenticated), static_cast<int>(authenticated.size())) ==
          1 &&
      EVP_DecryptUpdate(context.get(), reinterpret_cast<unsigned char*>(out.data()), &done, octets(ciphertext),
                        static_cast<int>(ciphertext.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(kTag), expected.data()) == 1 &&
      EVP_DecryptFinal_ex(context.get(), reinterpret_cast<unsigned char*>(out.data()) + out.size(), &done) == 1;
  if (!is_right) return std::nullopt;
  return out;
}

std::string key_file(std::uint64_t number) {
  std::string digits = std::to_string(number);
  if (digits.size() < 8) digits.insert(0, 8 - digits.size(), '0');
  return "keys/" + digits + ".keys";
}

/// What is wrong with the open parts of a record; empty: nothing.
std::string wrong_in_record(base::View record, base::View session, std::uint64_t key_id) {
  if (base::crc32c(record.substr(0, 220)) != base::load_big<std::uint32_t>(record.data() + 220)) return "check sum";
  if (!record.starts_with("SPK1")) return "magic";
  if (base::load_big<std::uint64_t>(record.data() + 4) != key_id) return "key id";
  if (record.substr(24, 16) != session) return "session";
  if (record.substr(216, 4) != base::View("\0\0\0\0", 4) || record.substr(224) != base::Bytes(32, '\0'))
    return "padding";
  return {};
}

std::string meta_fault(const Content& content, const base::Digest& log_id) {
  const auto meta = decode_item(content.octets);
  if (!meta || !meta->is(Item::Kind::map)) return "meta is no deterministic CBOR map";
  for (std::size_t i = 0; i < meta->items.size(); i += 2) {
    if (!meta->items[i].is(Item::Kind::text)) return "a key of meta is no text";
  }
  if (content.event.type == Type::request) {
    const Item* const rules = meta->find("rules");
    if (rules != nullptr && !rules->is(Item::Kind::text) && !rules->is(Item::Kind::octets))
      return "meta's rules are no text";
    const base::View names = rules == nullptr ? base::View{} : rules->octets;
    if (base::view(commitment(kRules, content.rules_salt, names)) != content.event.rules) {
      return "the decision's rules (R) are not those that meta names";
    }
  }
  if (content.event.type == Type::log_start) {
    const Item* const log = meta->find("log");
    const Item* const size = meta->find("size");
    if (log == nullptr || !log->is_octets(32) || log->octets != base::view(log_id))
      return "log_start names another log";
    if (size != nullptr && (!size->is(Item::Kind::natural) || size->number != content.index)) {
      return "log_start names another size than its log index";
    }
  }
  return {};
}

/// map: [offset in raw, length in raw, length in masked, rule] …, ascending, within raw.
std::string map_fault(const Content& content) {
  const auto map = decode_item(content.octets);
  if (!map || !map->is(Item::Kind::array)) return "map is no deterministic CBOR array";
  const std::uint64_t raw = content.event.slots[kRaw] ? content.event.slots[kRaw]->length : 0;
  std::uint64_t end = 0;
  for (const Item& one : map->items) {
    if (!one.is(Item::Kind::array) || one.items.size() != 4) return "an item of map is not of four";
    for (std::size_t i = 0; i < 3; ++i) {
      if (!one.items[i].is(Item::Kind::natural)) return "an item of map is malformed";
    }
    const std::uint64_t offset = one.items[0].number, length = one.items[1].number;
    if (offset < end || offset > raw || length > raw - offset) return "map's items overlap or leave raw";
    end = offset + length;
  }
  return {};
}

}  // namespace

base::Digest SessionKeys::salt(base::View session, std::uint64_t seq, std::uint8_t slot) const {
  const std::size_t which = slot == kRules ? kMeta : slot;
  base::HmacSha256 mac(octets_.reveal().substr(32 + 32 * which, 32));
  return mac.sign(salt_input(session, seq, slot));
}

KeyRing::KeyRing(Folder& trail, base::Secret content_key, const base::Digest& log_id)
    : trail_(trail), content_key_(std::move(content_key)), log_id_(log_id) {}

KeyRing::Answer KeyRing::of(base::View session, std::uint64_t key_id) {
  const auto [at, is_new] = known_.try_emplace(base::Bytes(session));
  if (is_new) read(session, key_id, at->second);
  return at->second.answer;
}

void KeyRing::read(base::View session, std::uint64_t key_id, Known& into) {
  const std::uint64_t number = key_id / kRecordsPerFile;
  Answer& answer = into.answer;
  answer.place = {
      .file = key_file(number), .offset = key_id % kRecordsPerFile * kRecord, .session = base::to_hex(session)};
  if (!file_ || file_number_ != number) {
    file_ = trail_.open(answer.place.file);
    file_number_ = number;
  }
  const base::Bytes record = file_ ? file_->read_at(answer.place.offset, kRecord) : base::Bytes{};
  if (record.find_first_not_of('\0') == base::Bytes::npos) {
    answer.found = Found::destroyed;
    return;
  }
  answer.found = Found::damaged;
  answer.what = record.size() == kRecord ? wrong_in_record(record, session, key_id) : "length";
  if (!answer.what.empty()) {
    answer.what = "the key record's " + answer.what + " is wrong";
    return;
  }
  answer.found = Found::not_at_hand;
  if (content_key_.is_empty()) return;
  const base::View view = record;
  const base::Bytes authenticated = base::Bytes(base::view(log_id_)) + record.substr(0, 12) + base::Bytes(session);
  auto keys = decrypt(content_key_.reveal(), view.substr(12, kNonce), authenticated, view.substr(40, kWrapped),
                      view.substr(200, kTag));
  if (!keys) {
    answer.found = Found::damaged;
    answer.what = "the key record does not open under the content key";
    return;
  }
  answer.found = Found::keys;
  answer.keys = &into.keys.emplace(base::Secret(std::move(*keys)));
}

std::optional<base::Secret> parse_content_key(base::View text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.size() != 64) return std::nullopt;
  base::Bytes octets;
  for (std::size_t i = 0; i < 64; i += 2) {
    unsigned value = 0;
    for (const char c : text.substr(i, 2)) {
      const auto digit = base::View("0123456789abcdef").find(c);
      if (digit == base::View::npos) return std::nullopt;
      value = value << 4 | static_cast<unsigned>(digit);
    }
    octets.push_back(static_cast<char>(value));
  }
  return base::Secret(std::move(octets));
}

std::optional<Payload> parse_payload(base::View body) {
  if (body.size() < kPayloadHead + kTag || body[2] != 0 || body[3] != 0) return std::nullopt;
  Payload payload;
  payload.slot = static_cast<std::uint8_t>(body[0]);
  payload.encoding = static_cast<std::uint8_t>(body[1]);
  payload.session = body.substr(4, 16);
  payload.seq = base::load_big<std::uint64_t>(body.data() + 20);
  payload.authenticated = body.substr(0, kAuthenticated);
  payload.nonce = body.substr(kAuthenticated, kNonce);
  payload.ciphertext = body.substr(kPayloadHead, body.size() - kPayloadHead - kTag);
  payload.tag = body.substr(body.size() - kTag);
  if (payload.slot > kMap || payload.encoding > 1) return std::nullopt;
  return payload;
}

base::Result<base::Bytes> open_payload(const Payload& payload, base::View key, std::uint64_t length) {
  if (length > kMaxSlot) return base::fail(base::Code::limit, "the payload is larger than an event's may be");
  auto octets = decrypt(key, payload.nonce, payload.authenticated, payload.ciphertext, payload.tag);
  if (!octets) return base::fail(base::Code::corrupt, "the payload does not open under the session's key");
  if (payload.encoding == 1) {
    if (ZSTD_findFrameCompressedSize(octets->data(), octets->size()) != octets->size()) {
      return base::fail(base::Code::corrupt, "the payload is not one zstd frame");
    }
    base::Bytes plain(static_cast<std::size_t>(length), '\0');
    const std::size_t size = ZSTD_decompress(plain.data(), plain.size(), octets->data(), octets->size());
    if (ZSTD_isError(size) != 0)
      return base::fail(base::Code::corrupt, "the payload does not decompress to its length");
    plain.resize(size);
    octets = std::move(plain);
  }
  if (octets->size() != length)
    return base::fail(base::Code::corrupt, "the payload has another length than its event says");
  return std::move(*octets);
}

void check_content(const Content& content, const base::Digest& log_id, const Place& place, Report& report) {
  const auto& slot = content.event.slots[content.slot];
  if (!slot || slot->length != content.octets.size() ||
      base::view(commitment(content.slot, content.salt, content.octets)) != slot->digest) {
    report.add(Verdict::tampered, place, "the content is not what the event commits to");
    return;
  }
  std::string what;
  if (content.slot == kMeta) what = meta_fault(content, log_id);
  if (content.slot == kMap) what = map_fault(content);
  if (what.empty()) {
    ++report.counts.payloads;
  } else {
    report.add(Verdict::tampered, place, what);
  }
}

}  // namespace sallyport::verify
