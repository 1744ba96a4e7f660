#pragma once
#include <chrono>
#include <cstdint>

namespace sallyport::net {

/// Nanoseconds since 1970, for what people read. It may go back: what grants or ends something asks store::GrantClock.
inline std::int64_t wall_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace sallyport::net
