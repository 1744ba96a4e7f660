#include "cmd/verify/segment.h"

#include <algorithm>

namespace sallyport::verify {

std::uint32_t frame_seed(const base::Digest& log_id, std::uint32_t segment) {
  base::Bytes number;
  base::append_big(number, segment);
  return base::crc32c(number, base::crc32c(base::view(log_id)));
}

Look look_at(Window& window, std::uint64_t offset, std::uint32_t seed, Frame& frame) {
  const base::View head = window.view(offset, kFrameHead);
  if (head.find_first_not_of('\0') == base::View::npos) return Look::blank;
  if (head.size() < kFrameHead) return Look::cut;
  const auto length = base::load_big<std::uint32_t>(head.data());
  const auto kind = static_cast<std::uint8_t>(head[4]);
  if (length > kMaxBody || kind < 1 || kind > 5 || head.substr(5, 3) != base::View("\0\0\0", 3)) return Look::bad;
  const std::uint64_t size = frame_size(length);
  const base::View whole = window.view(offset, static_cast<std::size_t>(size));
  if (whole.size() < size) return Look::cut;
  const std::size_t checked = kFrameHead + length;
  if (base::crc32c(whole.substr(0, checked), seed) != base::load_big<std::uint32_t>(whole.data() + checked))
    return Look::bad;
  if (whole.substr(checked + 4).find_first_not_of('\0') != base::View::npos) return Look::bad;
  frame.kind = static_cast<FrameKind>(kind);
  frame.id = base::load_big<std::uint64_t>(whole.data() + 8);
  frame.head_and_body = whole.substr(0, checked);
  frame.body = frame.head_and_body.substr(kFrameHead);
  frame.size = size;
  return Look::frame;
}

std::optional<Commit> parse_commit(base::View body) {
  if (body.size() != 80) return std::nullopt;
  return Commit{base::load_big<std::uint64_t>(body.data()), base::load_big<std::uint64_t>(body.data() + 8),
                body.substr(16, 32), body.substr(48, 32)};
}

std::uint64_t count_not_zero(Window& window, std::uint64_t offset) {
  constexpr std::size_t kStep = 1 << 16;
  std::uint64_t count = 0;
  for (base::View piece; !(piece = window.view(offset, kStep)).empty(); offset += piece.size()) {
    count += piece.size() - static_cast<std::uint64_t>(std::ranges::count(piece, '\0'));
  }
  return count;
}

}  // namespace sallyport::verify
