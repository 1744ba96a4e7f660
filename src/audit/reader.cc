#include "audit/reader.h"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>

#include "audit/cbor.h"
#include "audit/seal.h"
#include "audit/trail_body.h"

namespace sallyport::audit {
namespace {

constexpr std::size_t kMaxKeys = 1024;  // sessions whose keys are kept at hand
constexpr std::size_t kWindow = 1 << 20;

std::optional<base::Bytes> decompress(base::View octets, std::uint64_t length) {
  base::Bytes plaintext(static_cast<std::size_t>(length), '\0');
  const std::size_t size = ZSTD_decompress(plaintext.data(), plaintext.size(), octets.data(), octets.size());
  if (ZSTD_isError(size) != 0 || size != length) return std::nullopt;
  return plaintext;
}

struct Footer {
  std::uint64_t size = 0;  // of the tree behind the segment
  base::Bytes sessions{};
};

/// Of a sealed segment; nothing when it has none.
std::optional<Footer> find_footer(File& file, std::uint32_t seed) {
  const std::uint64_t size = file.size();
  const std::uint64_t from = size > 2 * kWindow ? (size - 2 * kWindow) & ~std::uint64_t{7} : 0;
  const base::Bytes tail = file.read_at(from, static_cast<std::size_t>(size - from));
  const auto last = base::View(tail).find_last_not_of('\0');
  if (last == base::View::npos) return std::nullopt;
  for (std::size_t at = (last & ~std::size_t{7}) + 8; at >= 8;) {
    at -= 8;
    const base::View here = base::View(tail).substr(at);
    if (here.size() < kFrameHead || here[4] != static_cast<char>(FrameKind::footer)) continue;
    const auto frame = parse_frame(here, seed);
    if (!frame || frame->kind != FrameKind::footer) continue;
    const auto body = cbor::decode(frame->body);
    const cbor::Value* const sessions = body ? body->find("sessions") : nullptr;
    const cbor::Value* const tree_size = body ? body->find("size") : nullptr;
    if (sessions == nullptr || tree_size == nullptr) return std::nullopt;
    return Footer{tree_size->number, sessions->octets};
  }
  return std::nullopt;
}

}  // namespace

std::optional<base::Bytes> from_hex(base::View text) {
  if (text.size() % 2 != 0) return std::nullopt;
  base::Bytes octets;
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  for (std::size_t i = 0; i < text.size(); i += 2) {
    if (digit(text[i]) < 0 || digit(text[i + 1]) < 0) return std::nullopt;
    octets.push_back(static_cast<char>(digit(text[i]) << 4 | digit(text[i + 1])));
  }
  return octets;
}

base::Result<Reader> Reader::open(std::string data_folder, Files& files) try {
  const TrailPaths paths(data_folder);
  const base::Secret pem(files.read_whole(paths.log_key, 64 << 10));
  auto key = LogKey::from_pem(pem);
  if (!key) return base::fail(key.error().code, paths.log_key + ": " + key.error().message);
  Reader reader(files, std::move(data_folder), std::move(*key));
  base::Bytes line = files.read_whole(paths.verification_line, 4096);
  if (line.ends_with('\n')) line.pop_back();
  reader.verification_line_ = line;
  reader.origin_ = line.substr(0, line.find('+'));
  if (reader.log_key_.verification_line(reader.origin_) != line) {
    return base::fail(base::Code::corrupt, paths.verification_line + " does not belong to the log's key");
  }
  reader.log_id_ = log_id_of(line);
  const base::Secret hex(files.read_whole(paths.content_key, 256));
  auto octets = from_hex(hex.reveal().substr(0, 64));
  if (!octets || octets->size() != 32) {
    return base::fail(base::Code::malformed, paths.content_key + " is missing or not 64 hexadecimal digits");
  }
  reader.key_encryption_key_ = base::Secret(std::move(*octets));
  return reader;
} catch (const DiskFailure& failure) {
  return base::fail(base::Code::unavailable, "the trail cannot be read: " + failure.what);
}

base::Result<void> Reader::each(const Selection& selection, const std::function<Go(const Record&)>& take) try {
  const auto numbers = segments_in(*files_, TrailPaths(data_).segments);
  if (!numbers) return std::unexpected(numbers.error());
  for (const std::uint32_t number : *numbers) {
    const auto go = read_segment(number, selection, take);
    if (!go) return std::unexpected(go.error());
    if (*go == Go::stop) break;
  }
  return {};
} catch (const DiskFailure& failure) {
  return base::fail(base::Code::unavailable, "the trail cannot be read: " + failure.what);
}

bool Reader::may_skip(File& file, std::uint32_t number, const Selection& selection) const {
  if (selection.sessions.empty() && selection.from_index == 0) return false;
  const auto footer = find_footer(file, frame_seed(log_id_, number));
  if (!footer) return false;
  if (footer->size <= selection.from_index) return true;
  if (selection.sessions.empty()) return false;
  for (std::size_t at = 0; at + kSessionId <= footer->sessions.size(); at += kSessionId) {
    if (selection.sessions.contains(footer->sessions.substr(at, kSessionId))) return false;
  }
  return true;
}

base::Result<Reader::Go> Reader::read_segment(std::uint32_t number, const Selection& selection,
                                              const std::function<Go(const Record&)>& take) {
  const auto file = files_->open(TrailPaths(data_).segments + "/" + segment_name(number), Files::Access::read);
  if (may_skip(*file, number, selection)) return Go::on;
  const auto corrupt = [number](std::uint64_t at, const char* what) {
    return base::fail(base::Code::corrupt, fmt::format("segment {} offset {}: {}", segment_name(number), at, what),
                      "run sallyport-verify to see how far the damage goes");
  };
  SegmentReader reader(*file, frame_seed(log_id_, number));
  Frontier tree;
  std::vector<Held> group;
  while (true) {
    const std::uint64_t at = reader.offset();
    const auto frame = reader.next();
    if (!frame) return Go::on;  // what follows is not durable, or not there
    switch (frame->kind) {
      case FrameKind::open: {
        auto open = parse_open(frame->body);
        if (!open) return corrupt(at, "a malformed OPEN frame");
        tree = Frontier(open->size, std::move(open->frontier));
        break;
      }
      case FrameKind::entry:
        tree.append(leaf_hash(frame->body));
        [[fallthrough]];
      case FrameKind::payload:
        group.push_back({*frame, base::Bytes(frame->body), at});
        break;
      case FrameKind::commit: {
        const auto commit = parse_commit(frame->body);
        if (!commit || commit->end != tree.size() || commit->root != tree.root()) {
          return corrupt(at, "the entries of the group do not give its root");
        }
        const auto go = hand_out(group, selection, take, number);
        if (!go || *go == Go::stop) return go;
        group.clear();
        break;
      }
      case FrameKind::footer:
        return Go::on;
    }
  }
}

base::Result<Reader::Go> Reader::hand_out(const std::vector<Held>& group, const Selection& selection,
                                          const std::function<Go(const Record&)>& take, std::uint32_t segment) {
  for (std::size_t i = 0; i < group.size();) {
    const Held& entry = group[i];
    std::size_t next = i + 1;
    while (next < group.size() && group[next].frame.kind == FrameKind::payload) ++next;
    const std::size_t first_payload = i + 1;
    i = next;
    if (entry.frame.id < selection.from_index) continue;
    const auto looks = peek(entry.octets);
    if (!looks) return base::fail(base::Code::corrupt, "a malformed ENTRY frame");
    if (!selection.sessions.empty() && !selection.sessions.contains(base::Bytes(looks->session))) continue;
    if (!selection.types.empty() && !selection.types.contains(std::string(looks->type))) continue;
    auto event = decode_event(entry.octets);
    if (!event) return std::unexpected(event.error());
    Record record{.index = entry.frame.id, .entry = entry.octets, .event = *event};
    base::Bytes contents[4];
    for (std::size_t p = first_payload; p < next; ++p) {
      auto done = open_payload(group[p], selection, record, contents);
      if (done) continue;
      done.error().message =
          fmt::format("segment {} offset {}: {}", segment_name(segment), group[p].offset, done.error().message);
      return std::unexpected(done.error());
    }
    // A slot of length 0 has no payload; it is there all the same.
    if (event->slots[kRaw] && !event->slots[kMaskedSlot] && event->slots[kRaw]->length == 0)
      record.content = base::View();
    if (event->slots[kMaskedSlot] && event->slots[kMaskedSlot]->length == 0) record.content = base::View();
    if (take(record) == Go::stop) return Go::stop;
  }
  return Go::on;
}

base::Result<void> Reader::open_payload(const Held& held, const Selection& selection, Record& record,
                                        base::Bytes (&contents)[4]) {
  const auto payload = parse_payload(held.octets);
  if (!payload) return base::fail(base::Code::corrupt, "a malformed PAYLOAD frame");
  const auto slot = static_cast<SlotName>(payload->slot);
  if (payload->session != record.event.session || payload->seq != record.event.seq || !record.event.key ||
      !has_payload(record.event, slot)) {
    return base::fail(base::Code::corrupt, "a PAYLOAD frame that its entry does not know");
  }
  if (slot != kMeta && !selection.with_content) return {};
  const auto keys = keys_of(record.event.session, *record.event.key);
  if (!keys && keys.error().code == base::Code::denied) {
    record.is_missing = true;
    return {};
  }
  if (!keys) return std::unexpected(keys.error());
  auto plaintext =
      open_sealed((*keys)->content(), payload->nonce, payload->authenticated, payload->ciphertext, payload->tag);
  const Event::Slot& committed = *record.event.slots[slot];
  if (plaintext && payload->encoding == 1) plaintext = decompress(*plaintext, committed.length);
  if (!plaintext || plaintext->size() != committed.length) {
    return base::fail(base::Code::corrupt, "a PAYLOAD that does not decrypt");
  }
  base::Sha256 hash;
  base::HmacSha256 salts((*keys)->salt_of(slot));
  const base::Digest salt = salts.sign(salt_input(record.event.session, record.event.seq, slot));
  if (commitment(hash, slot, salt, *plaintext) != committed.commitment) {
    return base::fail(base::Code::corrupt, "a PAYLOAD that is not what its entry commits to");
  }
  contents[slot] = std::move(*plaintext);
  switch (slot) {
    case kRaw:
    case kMaskedSlot:
      record.content = contents[slot];
      break;
    case kMeta:
      record.meta = contents[slot];
      break;
    case kMap:
      record.map = contents[slot];
      break;
    case kRules:
      break;
  }
  return {};
}

base::Result<const SessionKeys*> Reader::keys_of(base::View session, std::uint64_t key_id) {
  const auto found = keys_.find(key_id);
  if (found != keys_.end()) return &found->second;
  const std::string path = TrailPaths(data_).session_keys + "/" + KeyFolder::file_name(key_id);
  if (!files_->exists(path)) return base::fail(base::Code::denied, "the session's keys were destroyed");
  const base::Bytes record = files_->open(path, Files::Access::read)->read_at(KeyFolder::offset_of(key_id), kKeyRecord);
  auto keys = unwrap(record, session, key_id, log_id_, key_encryption_key_);
  if (!keys) return std::unexpected(keys.error());
  if (keys_.size() >= kMaxKeys) keys_.erase(keys_.begin());
  return &keys_.emplace(key_id, std::move(*keys)).first->second;
}

base::Result<base::Digest> Reader::salt(base::View session, std::uint64_t key_id, std::uint64_t seq, SlotName slot) {
  const auto keys = keys_of(session, key_id);
  if (!keys) return std::unexpected(keys.error());
  base::HmacSha256 salts((*keys)->salt_of(slot == kRules ? kMeta : slot));
  return salts.sign(salt_input(session, seq, slot));
}

}  // namespace sallyport::audit
