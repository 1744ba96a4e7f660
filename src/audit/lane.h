#pragma once
#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "audit/event.h"

/// Where the events of one core are staged until the committer takes them, and where its coroutines wait for them.
namespace sallyport::audit {

struct Unavailable;
class Committer;

/// Whether the trail takes events; shared by all of its parts. Any thread.
///
/// GOOD -no_space-> FULL (sessions may only end) -space_again-> GOOD
/// GOOD, FULL -fail-> FAILED, for ever
class Health {
 public:
  enum class State : int { good, full, failed };
  State state() const { return state_.load(std::memory_order_acquire); }
  void no_space(std::string reason);
  void space_again();
  void fail(std::string reason, bool is_disk_full = false);
  /// Why it is not good.
  Unavailable why() const;

 private:
  std::atomic<State> state_{State::good};
  mutable std::mutex mutex_;
  std::string reason_;
  bool is_disk_full_ = false;
};

/// What the committer must know of a session between its events: for OPEN and FOOTER, and to abort it.
/// The committer's alone from the session's first Mark on, until it has settled the last one.
struct Standing {
  std::array<char, kSessionId> session{};
  std::uint8_t protocol = 0;
  std::uint64_t next_seq = 0;
  base::Digest head{};
  std::int64_t last_segment = -1;  // the newest segment that has an event of it
  std::size_t place = 0;           // among the committer's
};

/// Beside the frames of each staged event.
struct Mark {
  enum class Role : std::uint8_t { opens, goes_on, ends };
  base::Digest leaf{};
  Standing* standing = nullptr;
  std::unique_ptr<Standing> opened{};  // `opens`: the standing itself
  Role role = Role::goes_on;
  std::uint64_t* index = nullptr;  // gets the log index; lives until the event is durable or the trail has failed
};

/// Shared by a Lane and the committer. Lane's thread: all but `durable` and the staging. Positions count events.
struct LaneBody : std::enable_shared_from_this<LaneBody> {
  LaneBody(boost::asio::any_io_executor executor, const Health& health)
      : executor(std::move(executor)), health(health) {}

  // Staging: either thread, under the mutex.
  std::mutex mutex;
  base::Bytes frames;
  std::vector<Mark> marks;
  bool is_closed = false;

  // The committer writes, the lane reads.
  std::atomic<std::uint64_t> durable{0};
  std::atomic<std::uint64_t> durable_octets{0};
  // The lane sets it when somebody waits, the committer clears it when it posts.
  std::atomic<bool> is_awaited{false};

  // Held while posting, so that the io_context cannot go away under a post that is still at work.
  std::mutex post_mutex;
  bool is_gone = false;

  // The lane's thread only.
  bool is_kick_due = false;
  std::uint64_t staged = 0, staged_octets = 0;
  struct Waiter {
    std::uint64_t position;
    std::move_only_function<void()> resume;
  };
  std::vector<Waiter> waiters;
  boost::asio::any_io_executor executor;
  const Health& health;

  /// Returns the event's position. Any one thread at a time. Throws Unavailable when the trail or the lane is closed.
  std::uint64_t stage(base::View event_frames, Mark mark);
  bool is_durable(std::uint64_t position) const { return durable.load(std::memory_order_acquire) >= position; }
  /// Kicks the committer, because somebody waits, once what is ready to run on this core has run: what that stages goes
  /// into the same group. The lane's thread.
  void kick_soon(Committer& committer);
  /// Resumes whoever's position is durable; everybody when the trail has failed. The lane's thread.
  void wake();
  /// The committer's, after a commit or a failure: one post if somebody waits.
  void notify();
};

class Trail;

/// One per core. Must live as long as the Recorders that use it, and no longer than its Trail and its io_context.
class Lane {
 public:
  /// `executor` is that of the core's single-threaded io_context.
  Lane(Trail& trail, boost::asio::any_io_executor executor);
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  /// Suspends until everything up to `position` is durable; not at all if it is. Throws Unavailable.
  boost::asio::awaitable<void> until_durable(std::uint64_t position);

 private:
  friend class Recorder;
  std::shared_ptr<LaneBody> body_;
};

}  // namespace sallyport::audit
