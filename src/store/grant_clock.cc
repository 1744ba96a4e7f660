#include "store/grant_clock.h"

#include <time.h>

#include <algorithm>

namespace sallyport::store {
namespace {

std::int64_t read_clock(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

GrantClock::GrantClock(std::int64_t floor)
    : GrantClock(floor, [] { return read_clock(CLOCK_REALTIME); }, [] { return read_clock(CLOCK_BOOTTIME); }) {}

GrantClock::GrantClock(std::int64_t floor, Source wall, Source since_boot)
    : wall_(std::move(wall)),
      since_boot_(std::move(since_boot)),
      base_(std::max(floor, wall_())),
      base_boot_(since_boot_()),
      highest_(base_) {}

std::int64_t GrantClock::now() const {
  const std::int64_t time = std::max(wall_(), base_ + (since_boot_() - base_boot_));
  std::int64_t highest = highest_.load(std::memory_order_relaxed);
  while (highest < time && !highest_.compare_exchange_weak(highest, time, std::memory_order_relaxed)) {
  }
  return std::max(highest, time);
}

}  // namespace sallyport::store
