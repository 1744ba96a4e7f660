#include "audit/lane.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "audit/recorder.h"
#include "audit/trail_body.h"

namespace sallyport::audit {

void Health::no_space(std::string reason) {
  const std::lock_guard lock(mutex_);
  if (state_ != State::good) return;
  reason_ = std::move(reason);
  is_disk_full_ = true;
  state_.store(State::full, std::memory_order_release);
}

void Health::space_again() {
  const std::lock_guard lock(mutex_);
  if (state_ == State::full) state_.store(State::good, std::memory_order_release);
}

void Health::fail(std::string reason, bool is_disk_full) {
  const std::lock_guard lock(mutex_);
  if (state_ == State::failed) return;
  reason_ = std::move(reason);
  is_disk_full_ = is_disk_full;
  state_.store(State::failed, std::memory_order_release);
}

Unavailable Health::why() const {
  const std::lock_guard lock(mutex_);
  return {reason_, is_disk_full_};
}

std::uint64_t LaneBody::stage(base::View event_frames, Mark mark) {
  {
    const std::lock_guard lock(mutex);
    if (is_closed) throw Unavailable{"the trail is closed", false};
    frames += event_frames;
    marks.push_back(std::move(mark));
  }
  staged_octets += event_frames.size();
  return ++staged;
}

void LaneBody::kick_soon(Committer& committer) {
  if (std::exchange(is_kick_due, true)) return;
  boost::asio::post(executor, [self = shared_from_this(), &committer] {
    self->is_kick_due = false;
    // A Lane that is gone may have been followed by its Trail.
    const std::lock_guard lock(self->post_mutex);
    if (!self->is_gone) committer.kick(Committer::Urgency::somebody_waits);
  });
}

void LaneBody::wake() {
  const bool has_failed = health.state() == Health::State::failed;
  // A resumed coroutine may wait again, so what is ready is taken out before anything runs.
  std::vector<Waiter> ready, rest;
  for (Waiter& waiter : waiters) {
    (has_failed || is_durable(waiter.position) ? ready : rest).push_back(std::move(waiter));
  }
  waiters = std::move(rest);
  if (!waiters.empty()) {
    is_awaited.store(true);
    // The commit may have come between the look and the flag.
    for (const Waiter& waiter : waiters) {
      if (is_durable(waiter.position) || health.state() == Health::State::failed) {
        notify();
        break;
      }
    }
  }
  for (Waiter& waiter : ready) waiter.resume();
}

void LaneBody::notify() {
  if (!is_awaited.exchange(false)) return;
  const std::lock_guard lock(post_mutex);
  if (is_gone) return;
  boost::asio::post(executor, [self = shared_from_this()] { self->wake(); });
}

Lane::Lane(Trail& trail, boost::asio::any_io_executor executor) : body_(trail.body().add_lane(std::move(executor))) {}

Lane::~Lane() {
  {
    const std::lock_guard lock(body_->post_mutex);
    body_->is_gone = true;
  }
  body_->waiters.clear();
  const std::lock_guard lock(body_->mutex);
  body_->is_closed = true;
}

boost::asio::awaitable<void> Lane::until_durable(std::uint64_t position) {
  if (!body_->is_durable(position)) {
    LaneBody* const body = body_.get();
    const auto wait = [body, position](auto handler) {
      // The io_context must not run out of work while the committer has our event.
      auto work = boost::asio::prefer(body->executor, boost::asio::execution::outstanding_work.tracked);
      body->waiters.push_back({position, [handler = std::move(handler), work = std::move(work)]() mutable {
                                 auto last = std::move(handler);
                                 last();
                               }});
      body->is_awaited.store(true);
      if (body->is_durable(position) || body->health.state() == Health::State::failed) body->notify();
    };
    co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(wait,
                                                                                       boost::asio::use_awaitable);
  }
  if (!body_->is_durable(position)) throw body_->health.why();
}

}  // namespace sallyport::audit
