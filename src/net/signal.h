#pragma once
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <utility>

#include "net/stream.h"

namespace sallyport::net {

/// Lets one coroutine sleep until another one of the same core wakes it. A wake before the wait is kept (once).
/// At most one waiter. The Signal must outlive the wait; destroying it drops the waiter's frame.
class Signal {
 public:
  /// Wakes the waiter, or lets the next wait() return at once.
  void wake() {
    if (!waiter_) {
      is_set_ = true;
      return;
    }
    auto waiter = std::exchange(waiter_, nullptr);
    waiter->resume();
  }

  Task<void> wait() {
    if (std::exchange(is_set_, false)) co_return;
    co_await asio::async_initiate<decltype(asio::use_awaitable), void()>(
        [this](auto handler) { waiter_ = std::make_unique<Holder<decltype(handler)>>(std::move(handler)); },
        asio::use_awaitable);
  }

 private:
  struct Waiter {
    virtual ~Waiter() = default;
    virtual void resume() = 0;
  };
  template <class Handler>
  struct Holder final : Waiter {
    explicit Holder(Handler h) : handler(std::move(h)) {}
    void resume() override {
      const auto executor = asio::get_associated_executor(handler);
      asio::post(executor, std::move(handler));
    }
    Handler handler;
  };
  std::unique_ptr<Waiter> waiter_;
  bool is_set_ = false;
};

}  // namespace sallyport::net
