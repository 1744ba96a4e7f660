#pragma once
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/digest.h"

/// The frames of a segment (docs/formats/trail.md section 5). Pure.
namespace sallyport::audit {

enum class FrameKind : std::uint8_t { open = 1, entry = 2, payload = 3, commit = 4, footer = 5 };

inline constexpr std::size_t kFrameHead = 16;
inline constexpr std::size_t kMaxFrameBody = 16 << 20;
/// Octets that a frame with a body of `length` takes: head, body, check, padding to 8.
constexpr std::size_t frame_size(std::size_t length) { return (kFrameHead + length + 4 + 7) & ~std::size_t{7}; }

/// The check sum of a segment's frames begins with this, so that octets of another log or place never pass.
std::uint32_t frame_seed(const base::Digest& log_id, std::uint32_t segment);

/// Two-step writing: the body is made where it is first known, id and check are filled in where the place is known.
/// Appends the head of a frame whose body the caller appends next.
void begin_frame(base::Bytes& to, FrameKind kind, std::size_t body_length);
/// Appends room for the check and the padding behind the body.
void end_frame(base::Bytes& to, std::size_t body_length);
/// Fills in id and check. REQUIRES: `frame` is the start of a frame_size(body_length) frame.
void seal_frame(char* frame, std::size_t body_length, std::uint64_t id, std::uint32_t seed);
/// All at once.
void put_frame(base::Bytes& to, FrameKind kind, std::uint64_t id, base::View body, std::uint32_t seed);

struct Frame {
  FrameKind kind = FrameKind::open;
  std::uint64_t id = 0;
  base::View body{};
  base::View head_and_body{};
  std::size_t size = 0;  // in the segment
};

/// The frame at the front of `octets`; nothing when it is not whole and right in every octet.
/// Valid as long as `octets`.
std::optional<Frame> parse_frame(base::View octets, std::uint32_t seed);

/// The body of a COMMIT.
struct Commit {
  std::uint64_t first = 0, end = 0;
  base::Digest root{}, previous{};
};
inline constexpr std::size_t kCommitBody = 80;
base::Bytes encode(const Commit& commit);
std::optional<Commit> parse_commit(base::View body);

/// The body of a PAYLOAD.
struct Payload {
  std::uint8_t slot = 0, encoding = 0;
  base::View session{};
  std::uint64_t seq = 0;
  base::View authenticated{}, nonce{}, ciphertext{}, tag{};
};
inline constexpr std::size_t kPayloadHead = 40, kPayloadAuthenticated = 28, kNonce = 12, kTag = 16;
/// Valid as long as `body`.
std::optional<Payload> parse_payload(base::View body);

}  // namespace sallyport::audit
