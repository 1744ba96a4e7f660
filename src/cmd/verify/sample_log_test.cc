#include "cmd/verify/sample_log.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <zstd.h>

#include <algorithm>

#include "cmd/verify/archive.h"
#include "cmd/verify/cbor.h"
#include "cmd/verify/event.h"
#include "cmd/verify/segment.h"
#include "cmd/verify/tree.h"

namespace sallyport::verify {
namespace {

constexpr base::View kOrigin = "example.org/gate";
const base::Bytes kSeed(32, 7);

struct Pkey {
  EVP_PKEY* key =
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, reinterpret_cast<const unsigned char*>(kSeed.data()), 32);
  ~Pkey() { EVP_PKEY_free(key); }
};

void number(base::Bytes& to, std::uint64_t value) { put_head(to, 0, value); }
void octets(base::Bytes& to, base::View value) {
  put_head(to, 2, value.size());
  to += value;
}
void text(base::Bytes& to, base::View value) {
  put_head(to, 3, value.size());
  to += value;
}

base::Bytes derived(base::View what) { return base::Bytes(base::view(base::sha256(what))); }
base::Bytes session_key(char name, int which) { return derived(std::string("key ") + name + std::to_string(which)); }
base::Bytes salt_of(char name, std::uint64_t seq, std::uint8_t slot) {
  base::HmacSha256 mac(session_key(name, slot == kRules ? 1 + kMeta : 1 + slot));
  return base::Bytes(base::view(mac.sign(salt_input(session_id(name), seq, slot))));
}

base::Bytes encrypt(base::View key, base::View nonce, base::View authenticated, base::View plain) {
  EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
  const auto in = [](base::View of) { return reinterpret_cast<const unsigned char*>(of.data()); };
  base::Bytes out(plain.size() + 16, '\0');
  auto* const to = reinterpret_cast<unsigned char*>(out.data());
  int done = 0;
  EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nullptr, in(key), in(nonce));
  EVP_EncryptUpdate(context, nullptr, &done, in(authenticated), static_cast<int>(authenticated.size()));
  EVP_EncryptUpdate(context, to, &done, in(plain), static_cast<int>(plain.size()));
  EVP_EncryptFinal_ex(context, to + plain.size(), &done);
  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, 16, to + plain.size());
  EVP_CIPHER_CTX_free(context);
  return out;
}

std::uint64_t key_id_of(char name) { return static_cast<std::uint64_t>(name - 'a'); }

base::Bytes meta_of(const std::string& rules) {
  base::Bytes meta;
  put_head(meta, 5, 1);
  text(meta, "rules");
  text(meta, rules);
  return meta;
}

}  // namespace

base::Bytes session_id(char name) { return base::Bytes(15, '\xAA') + name; }

SampleLog::SampleLog(std::size_t rounds, Forger forger) : forger_(std::move(forger)) {
  base::Bytes start;
  put_head(start, 5, 2);
  text(start, "log");
  octets(start, base::view(log_id()));
  text(start, "size");
  number(start, 0);
  base::Bytes empty;
  put_head(empty, 5, 0);
  const auto event = [&](std::string type, char name, std::uint64_t direction, base::Bytes meta) {
    Draft draft{.type = std::move(type), .name = name, .direction = direction};
    draft.slots[kMeta] = std::move(meta);
    return draft;
  };
  add(event("log_start", 'g', 2, start));
  add(event("config", 'g', 2, empty));
  add(event("session_open", 'a', 2, empty));
  add(event("session_open", 'b', 2, empty));
  for (std::size_t i = 0; i < rounds; ++i) {
    const char name = i % 3 == 2 ? 'b' : 'a';
    Draft request = event("request", name, 0, meta_of("readers"));
    request.slots[kRaw] = "Q" + std::to_string(i);
    request.rules = "readers";
    request.rule_set = 1;
    add(request);
    Draft response = event("response", name, 1, empty);
    response.slots[kRaw] = i % 5 == 4 ? base::Bytes() : base::Bytes(40 + i * 37 % 200, static_cast<char>('A' + i % 26));
    if (i % 7 == 3) response.slots[kRaw] = base::Bytes(5000, 'z');
    if (i == 1) {
      response.slots[kMasked] = "name ****";
      response.slots[kRaw] = "name Kurt";
      base::Bytes map;
      put_head(map, 4, 1);
      put_head(map, 4, 4);
      number(map, 5);
      number(map, 4);
      number(map, 4);
      text(map, "names");
      response.slots[kMap] = map;
    }
    add(response);
  }
  Draft close = event("session_close", 'a', 2, empty);
  add(close);
  add(event("heartbeat", 'g', 2, empty));
}

void SampleLog::add(Draft draft) {
  Chain& chain = chains_[draft.name];
  draft.seq = chain.next;
  draft.previous = chain.head;
  draft.mono_ns = 1000 + entries_.size();
  draft.wall_ns = 1'700'000'000'000'000'000 + entries_.size();
  draft.key = key_id_of(draft.name);
  if (draft.name == 'g') draft.protocol = 7;
  if (draft.type == "session_close" || draft.type == "session_abort" || draft.type == "log_end")
    draft.end = {draft.seq, draft.previous};
  if (forger_) forger_(entries_.size(), draft);
  std::vector<Stored> stored;
  entries_.push_back(encode(draft, stored));
  stored_.push_back(std::move(stored));
  chain.next = draft.seq + 1;
  chain.head = base::Bytes(base::view(leaf_hash(entries_.back())));
  chain.protocol = draft.protocol;
  chain.is_open = draft.type != "session_close" && draft.type != "session_abort" && draft.type != "log_end";
  drafts_.push_back(std::move(draft));
  after_.push_back(chains_);
}

base::Bytes SampleLog::encode(const Draft& draft, std::vector<Stored>& stored) const {
  const bool has_place = draft.type == "request" || draft.type == "response";
  std::uint64_t keys = 9 + (has_place ? 1 : 0) + (draft.rules ? 1 : 0) + (draft.end ? 1 : 0);
  bool has_slot = false;
  for (const auto& slot : draft.slots) {
    has_slot = has_slot || slot;
    keys += slot ? 1 : 0;
  }
  base::Bytes entry;
  put_head(entry, 5, keys + (has_slot ? 1 : 0));
  const auto key = [&](std::uint64_t which) { number(entry, which); };
  key(1), number(entry, 1);
  key(2), text(entry, draft.type);
  key(3), octets(entry, session_id(draft.name));
  key(4), number(entry, draft.seq);
  key(5), octets(entry, draft.previous);
  key(6), number(entry, draft.wall_ns);
  key(7), number(entry, draft.mono_ns);
  key(8), number(entry, draft.protocol);
  key(9), number(entry, draft.direction);
  if (has_place) key(10), put_head(entry, 4, 3), number(entry, draft.seq), number(entry, 0), number(entry, 1);
  for (std::uint8_t slot = 0; slot < 4; ++slot) {
    if (!draft.slots[slot]) continue;
    const base::Bytes salt = salt_of(draft.name, draft.seq, slot);
    key(11U + slot), put_head(entry, 4, 2), number(entry, draft.slots[slot]->size());
    octets(entry, base::view(commitment(slot, salt, *draft.slots[slot])));
    if (slot != kRaw || !draft.slots[kMasked]) stored.push_back({slot, *draft.slots[slot], salt});
  }
  if (draft.rules) {
    key(15), put_head(entry, 4, 3), number(entry, 0), number(entry, draft.rule_set);
    octets(entry, base::view(commitment(kRules, salt_of(draft.name, kRulesSeq, kRules), *draft.rules)));
  }
  if (has_slot) key(16), number(entry, draft.key);
  if (draft.end) key(17), put_head(entry, 4, 2), number(entry, draft.end->first), octets(entry, draft.end->second);
  return entry;
}

std::string SampleLog::key_line() const {
  const Pkey pkey;
  base::Bytes typed(33, '\1');
  std::size_t length = 32;
  EVP_PKEY_get_raw_public_key(pkey.key, reinterpret_cast<unsigned char*>(typed.data() + 1), &length);
  const base::Digest hash = base::sha256(base::Bytes(kOrigin) + "\n" + typed);
  return base::Bytes(kOrigin) + "+" + base::to_hex(base::view(hash).substr(0, 4)) + "+" + base::to_base64(typed);
}

base::Digest SampleLog::log_id() const { return base::sha256(base::Bytes("sallyport-log/v1\0", 17) + key_line()); }
base::Secret SampleLog::content_key() const { return base::Secret(derived("content")); }

std::string SampleLog::sign(base::View message) const {
  const Pkey pkey;
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  base::Bytes signature(64, '\0');
  std::size_t length = 64;
  EVP_DigestSignInit(context, nullptr, nullptr, nullptr, pkey.key);
  EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &length,
                 reinterpret_cast<const unsigned char*>(message.data()), message.size());
  EVP_MD_CTX_free(context);
  return signature;
}

base::Bytes SampleLog::root(std::size_t size) const {
  // RFC 6962 section 2.1 as it stands there.
  const std::function<base::Bytes(std::size_t, std::size_t)> naive = [&](std::size_t from, std::size_t to) {
    if (from == to) return derived("");
    if (to - from == 1) return base::Bytes(base::view(leaf_hash(entries_[from])));
    std::size_t split = 1;
    while (split * 2 < to - from) split *= 2;
    return base::Bytes(base::view(node_hash(naive(from, from + split), naive(from + split, to))));
  };
  return naive(0, size);
}

std::string SampleLog::note(std::size_t size) const {
  const std::string body =
      std::string(kOrigin) + "\n" + std::to_string(size) + "\n" + base::to_base64(root(size)) + "\n";
  const std::string line = key_line();
  base::Bytes hash;
  for (int i = 0; i < 4; ++i) {
    hash.push_back(static_cast<char>(
        std::stoi(line.substr(kOrigin.size() + 1 + 2 * static_cast<std::size_t>(i), 2), nullptr, 16)));
  }
  return body + "\n\xE2\x80\x94 " + std::string(kOrigin) + " " + base::to_base64(hash + sign(body)) + "\n";
}

base::Bytes SampleLog::frame(std::uint32_t segment, std::uint8_t kind, std::uint64_t id, base::View body) const {
  base::Bytes out;
  base::append_big(out, static_cast<std::uint32_t>(body.size()));
  out.push_back(static_cast<char>(kind));
  out.append(3, '\0');
  base::append_big(out, id);
  out += body;
  base::append_big(out, base::crc32c(out, frame_seed(log_id(), segment)));
  out.append((8 - out.size() % 8) % 8, '\0');
  return out;
}

base::Bytes SampleLog::payload_frame(std::uint32_t segment, std::size_t index, const Stored& stored) const {
  const Draft& draft = drafts_[index];
  base::Bytes plain = stored.octets;
  std::uint8_t encoding = 0;
  if (plain.size() >= 4096) {
    base::Bytes packed(ZSTD_compressBound(plain.size()), '\0');
    packed.resize(ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), 1));
    plain = packed;
    encoding = 1;
  }
  base::Bytes body;
  body.push_back(static_cast<char>(stored.slot));
  body.push_back(static_cast<char>(encoding));
  body.append(2, '\0');
  body += session_id(draft.name);
  base::append_big(body, draft.seq);
  const base::Bytes nonce = derived(std::to_string(index) + "." + std::to_string(stored.slot)).substr(0, 12);
  const base::Bytes sealed = encrypt(session_key(draft.name, 0), nonce, body, plain);
  return frame(segment, 3, index, body + nonce + sealed);
}

base::Bytes SampleLog::open_body(std::size_t size, std::uint64_t group, base::View previous) const {
  Frontier tree;
  for (std::size_t i = 0; i < size; ++i) tree.push(leaf_hash(entries_[i]));
  base::Bytes body;
  put_head(body, 5, 6);
  text(body, "root"), octets(body, root(size));
  text(body, "size"), number(body, size);
  text(body, "group"), number(body, group);
  text(body, "frontier"), put_head(body, 4, tree.subtrees().size());
  for (const base::Digest& one : tree.subtrees()) octets(body, base::view(one));
  text(body, "previous"), octets(body, previous);
  text(body, "sessions");
  base::Bytes sessions;
  std::uint64_t count = 0;
  if (size > 0) {
    for (const auto& [name, chain] : after_[size - 1]) {
      if (!chain.is_open) continue;
      ++count;
      put_head(sessions, 4, 4), octets(sessions, session_id(name)), number(sessions, chain.next);
      octets(sessions, chain.head), number(sessions, chain.protocol);
    }
  }
  put_head(body, 4, count);
  return body + sessions;
}

void SampleLog::put_keys(MemoryFolder& folder) const {
  base::Bytes file('g' - 'a' + 1 > 0 ? 256 * 7 : 0, '\0');
  for (const char name : {'a', 'b', 'g'}) {
    base::Bytes record = "SPK1";
    base::append_big(record, key_id_of(name));
    const base::Bytes nonce = derived(std::string("nonce ") + name).substr(0, 12);
    base::Bytes keys;
    for (int i = 0; i < 5; ++i) keys += session_key(name, i);
    const base::Bytes authenticated = base::Bytes(base::view(log_id())) + record + session_id(name);
    record += nonce + session_id(name) + encrypt(derived("content"), nonce, authenticated, keys) + base::Bytes(4, '\0');
    base::append_big(record, base::crc32c(record));
    record.resize(256);
    file.replace(key_id_of(name) * 256, 256, record);
  }
  folder.files["keys/00000000.keys"] = file;
}

MemoryFolder SampleLog::trail(const Shape& shape) const {
  MemoryFolder folder;
  const std::size_t promised = shape.signed_size.value_or(size());
  folder.files["log.vkey"] = key_line() + "\n";
  folder.files["checkpoint"] = note(promised);
  folder.files["segments/reserve"] = base::Bytes(1024, '\0');
  put_keys(folder);
  put_tiles(folder.files, promised, false, "");
  std::uint64_t group = 0;
  base::Bytes previous(32, '\0');
  std::uint32_t segment = 0;
  for (std::size_t first = 0; first < size(); ++segment) {
    base::Bytes octets_ = frame(segment, 1, segment, open_body(first, group, previous));
    std::set<base::Bytes> sessions;
    for (std::size_t g = 0; g < shape.groups_a_segment && first < size(); ++g, ++group) {
      const std::size_t end = std::min(size(), first + shape.group);
      for (std::size_t i = first; i < end; ++i) {
        octets_ += frame(segment, 2, i, entries_[i]);
        sessions.insert(session_id(drafts_[i].name));
        for (const Stored& stored : stored_[i]) {
          if (!stored.octets.empty()) octets_ += payload_frame(segment, i, stored);
        }
      }
      base::Bytes commit;
      base::append_big(commit, static_cast<std::uint64_t>(first));
      base::append_big(commit, static_cast<std::uint64_t>(end));
      commit += root(end) + previous;
      const base::Bytes sealed = frame(segment, 4, group, commit);
      previous = derived(sealed.substr(0, 16 + 80));
      octets_ += sealed;
      first = end;
    }
    if (first < size()) {
      base::Bytes footer;
      put_head(footer, 5, 2);
      text(footer, "size"), number(footer, first);
      text(footer, "sessions");
      base::Bytes ids;
      for (const base::Bytes& id : sessions) ids += id;
      octets(footer, ids);
      octets_ += frame(segment, 5, segment, footer);
    }
    octets_.resize(std::max(octets_.size(), shape.segment_octets));
    folder.files[fmt::format("segments/{:08}.seg", segment)] = octets_;
  }
  folder.files[fmt::format("segments/{:08}.seg", segment)] = base::Bytes(4096, '\0');
  return folder;
}

void SampleLog::put_tiles(std::map<std::string, base::Bytes>& files, std::size_t size, bool is_sparse,
                          const std::string& names) const {
  base::Bytes hashes;
  for (std::size_t i = 0; i < size; ++i) hashes += base::view(leaf_hash(entries_[i]));
  std::set<std::uint64_t> wanted;
  for (std::size_t from = 0; from < size; from += kTileWidth) {
    base::Bytes bundle;
    bool is_wanted = !is_sparse;
    const std::size_t end = std::min(size, from + kTileWidth);
    for (std::size_t i = from; i < end; ++i) {
      base::append_big(bundle, static_cast<std::uint16_t>(entries_[i].size()));
      bundle += entries_[i];
      is_wanted = is_wanted || names.find(drafts_[i].name) != std::string::npos;
    }
    if (!is_wanted) continue;
    wanted.insert(from / kTileWidth);
    files[tile_name("entries", from / kTileWidth, end - from)] = bundle;
  }
  for (unsigned level = 0; !hashes.empty(); ++level) {
    base::Bytes above;
    std::set<std::uint64_t> parents;
    const std::size_t count = hashes.size() / kHash;
    for (std::size_t from = 0; from < count; from += kTileWidth) {
      const std::size_t end = std::min(count, from + kTileWidth);
      const base::Bytes tile = hashes.substr(from * kHash, (end - from) * kHash);
      const bool is_rightmost = end == count;
      if (!is_sparse || wanted.contains(from / kTileWidth) || is_rightmost) {
        files[tile_name(std::to_string(level), from / kTileWidth, end - from)] = tile;
        parents.insert(from / kTileWidth / kTileWidth);
      }
      if (end - from == kTileWidth) above += base::view(root_of_hashes(tile));
    }
    hashes = above;
    wanted = parents;
  }
}

std::map<std::string, base::Bytes> SampleLog::members(const std::string& names) const {
  std::map<std::string, base::Bytes> files;
  files["checkpoint"] = note(size());
  files["log.vkey"] = key_line() + "\n";
  put_tiles(files, size(), true, names);
  for (const char name : names) {
    base::Bytes& file = files["sessions/" + base::to_hex(session_id(name))];
    put_head(file, 4, 3), text(file, "audit-session/v1"), octets(file, session_id(name));
    octets(file, salt_of(name, kRulesSeq, kRules));
    for (std::size_t i = 0; i < size(); ++i) {
      if (drafts_[i].name != name) continue;
      for (const Stored& stored : stored_[i]) {
        put_head(file, 4, 4), number(file, drafts_[i].seq), number(file, stored.slot);
        octets(file, stored.salt), octets(file, stored.octets);
      }
    }
  }
  return files;
}

base::Bytes SampleLog::archive(const std::map<std::string, base::Bytes>& members) {
  std::string manifest = "audit-bundle/v1\n";
  for (const auto& [name, content] : members) {
    manifest +=
        base::to_hex(base::view(base::sha256(content))) + " " + std::to_string(content.size()) + " " + name + "\n";
  }
  base::Bytes out;
  const auto put = [&](const std::string& name, const base::Bytes& content) {
    out += ustar_header(name, content.size()) + content;
    out.append((512 - content.size() % 512) % 512, '\0');
  };
  put("MANIFEST", manifest);
  for (const auto& [name, content] : members) put(name, content);
  return out + base::Bytes(1024, '\0');
}

base::Bytes SampleLog::bundle(const std::string& names) const { return archive(members(names)); }

}  // namespace sallyport::verify
