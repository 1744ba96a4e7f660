#pragma once
#include <cstdint>
#include <optional>

#include "base/digest.h"
#include "cmd/verify/source.h"

/// Frames of a segment file (docs/formats/trail.md section 5). Pure but for reading the Source it is given.
namespace sallyport::verify {

enum class FrameKind : std::uint8_t { open = 1, entry = 2, payload = 3, commit = 4, footer = 5 };

/// Longer bodies are refused, and with them a length that is not one.
inline constexpr std::size_t kMaxBody = 16 << 20;
inline constexpr std::size_t kFrameHead = 16;
constexpr std::uint64_t frame_size(std::uint64_t body) { return (kFrameHead + body + 4 + 7) & ~std::uint64_t{7}; }

struct Frame {
  FrameKind kind = FrameKind::open;
  std::uint64_t id = 0;
  base::View body{}, head_and_body{};
  std::uint64_t size = 0;
};

/// What a frame's check sum begins with.
std::uint32_t frame_seed(const base::Digest& log_id, std::uint32_t segment);

enum class Look : std::uint8_t {
  frame,  // a whole frame, right in every octet
  blank,  // nothing but zeros where a head would be, or the end of the file
  cut,    // the file ends within the frame
  bad
};
/// Looks at `offset`. `frame` is valid until the next use of `window`.
Look look_at(Window& window, std::uint64_t offset, std::uint32_t seed, Frame& frame);
/// The body of a COMMIT.
struct Commit {
  std::uint64_t first = 0, end = 0;
  base::View root{}, previous{};
};
std::optional<Commit> parse_commit(base::View body);
/// Octets other than zero from `offset` on.
std::uint64_t count_not_zero(Window& window, std::uint64_t offset);

}  // namespace sallyport::verify
