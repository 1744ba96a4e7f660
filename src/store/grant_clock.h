#pragma once
#include <atomic>
#include <cstdint>
#include <functional>

/// The clock for times that grant something. Nanoseconds since 1970. Any thread.
namespace sallyport::store {

/// Never goes back: not when somebody sets the machine's clock back, and not across a restart, since the highest time
/// it told is kept by Store. While it runs it also advances by the time since boot, so that a clock that was set back
/// does not lengthen a token. A clock that was ever too far ahead stays ahead: what it grants is then still as long as
/// meant, since issue and expiry are measured by the same clock; what was granted before expires early, never late.
class GrantClock {
 public:
  using Source = std::function<std::int64_t()>;
  /// `floor`: the highest time told before the restart.
  explicit GrantClock(std::int64_t floor);
  GrantClock(std::int64_t floor, Source wall, Source since_boot);

  std::int64_t now() const;

 private:
  Source wall_, since_boot_;
  std::int64_t base_;       // what the clock said at construction …
  std::int64_t base_boot_;  // … and the time since boot then
  mutable std::atomic<std::int64_t> highest_;
};

}  // namespace sallyport::store
