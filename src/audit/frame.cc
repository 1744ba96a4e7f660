#include "audit/frame.h"

namespace sallyport::audit {
namespace {

std::optional<FrameKind> kind_of(std::uint8_t octet) {
  if (octet < 1 || octet > 5) return std::nullopt;
  return static_cast<FrameKind>(octet);
}

base::Digest digest_from(base::View octets) {
  base::Digest digest;
  std::memcpy(digest.data(), octets.data(), digest.size());
  return digest;
}

}  // namespace

std::uint32_t frame_seed(const base::Digest& log_id, std::uint32_t segment) {
  base::Bytes prefix(base::view(log_id));
  base::append_big(prefix, segment);
  return base::crc32c(prefix);
}

void begin_frame(base::Bytes& to, FrameKind kind, std::size_t body_length) {
  char head[kFrameHead] = {};
  base::store_big(head, static_cast<std::uint32_t>(body_length));
  head[4] = static_cast<char>(kind);
  to.append(head, sizeof head);
}

void end_frame(base::Bytes& to, std::size_t body_length) {
  to.append(frame_size(body_length) - kFrameHead - body_length, '\0');
}

void seal_frame(char* frame, std::size_t body_length, std::uint64_t id, std::uint32_t seed) {
  base::store_big(frame + 8, id);
  base::store_big(frame + kFrameHead + body_length, base::crc32c({frame, kFrameHead + body_length}, seed));
}

void put_frame(base::Bytes& to, FrameKind kind, std::uint64_t id, base::View body, std::uint32_t seed) {
  const std::size_t at = to.size();
  begin_frame(to, kind, body.size());
  to += body;
  end_frame(to, body.size());
  seal_frame(to.data() + at, body.size(), id, seed);
}

std::optional<Frame> parse_frame(base::View octets, std::uint32_t seed) {
  if (octets.size() < frame_size(0)) return std::nullopt;
  const auto length = base::load_big<std::uint32_t>(octets.data());
  const auto kind = kind_of(static_cast<std::uint8_t>(octets[4]));
  if (!kind || octets[5] != 0 || octets[6] != 0 || octets[7] != 0) return std::nullopt;
  if (length > kMaxFrameBody || frame_size(length) > octets.size()) return std::nullopt;
  Frame frame{.kind = *kind, .id = base::load_big<std::uint64_t>(octets.data() + 8)};
  frame.head_and_body = octets.substr(0, kFrameHead + length);
  frame.body = frame.head_and_body.substr(kFrameHead);
  frame.size = frame_size(length);
  const auto check = base::load_big<std::uint32_t>(octets.data() + kFrameHead + length);
  if (base::crc32c(frame.head_and_body, seed) != check) return std::nullopt;
  for (const char c : octets.substr(kFrameHead + length + 4, frame.size - kFrameHead - length - 4)) {
    if (c != 0) return std::nullopt;
  }
  return frame;
}

base::Bytes encode(const Commit& commit) {
  base::Bytes body;
  base::append_big(body, commit.first);
  base::append_big(body, commit.end);
  body += base::view(commit.root);
  body += base::view(commit.previous);
  return body;
}

std::optional<Commit> parse_commit(base::View body) {
  if (body.size() != kCommitBody) return std::nullopt;
  return Commit{.first = base::load_big<std::uint64_t>(body.data()),
                .end = base::load_big<std::uint64_t>(body.data() + 8),
                .root = digest_from(body.substr(16, 32)),
                .previous = digest_from(body.substr(48, 32))};
}

std::optional<Payload> parse_payload(base::View body) {
  if (body.size() < kPayloadHead + kTag) return std::nullopt;
  Payload payload{.slot = static_cast<std::uint8_t>(body[0]), .encoding = static_cast<std::uint8_t>(body[1])};
  if (payload.slot > 3 || payload.encoding > 1 || body[2] != 0 || body[3] != 0) return std::nullopt;
  payload.session = body.substr(4, 16);
  payload.seq = base::load_big<std::uint64_t>(body.data() + 20);
  payload.authenticated = body.substr(0, kPayloadAuthenticated);
  payload.nonce = body.substr(kPayloadAuthenticated, kNonce);
  payload.ciphertext = body.substr(kPayloadHead, body.size() - kPayloadHead - kTag);
  payload.tag = body.substr(body.size() - kTag);
  return payload;
}

}  // namespace sallyport::audit
