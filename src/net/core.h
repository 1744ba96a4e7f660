#pragma once
#include <pthread.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "net/stream.h"

namespace sallyport::net {

/// One thread with its own event loop. What is spawned here never leaves it. The stack is 64 MiB, because the SQL
/// parser recurses (TOOLCHAIN: libpg_query overflows 8 MiB with 64 KiB of hostile text).
///
/// CREATED -start-> RUNNING -stop-> STOPPED (joined)
class Core {
 public:
  Core() : loop_(1), work_(loop_.get_executor()) {}
  ~Core() { stop(); }
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  asio::io_context& loop() { return loop_; }
  void start();
  /// Lets the loop return and joins the thread. What was still spawned is destroyed with the loop.
  void stop();

 private:
  static void* run(void* self);
  asio::io_context loop_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  pthread_t thread_{};
  bool is_running_ = false;
};

inline constexpr std::size_t kStackSize = std::size_t{64} << 20;

}  // namespace sallyport::net
