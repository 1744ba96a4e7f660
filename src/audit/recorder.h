#pragma once
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "mask/hider.h"
#include "mask/masker.h"
#include "model/principal.h"
#include "policy/verdict.h"

namespace sallyport::audit {

class Trail;  // trail.h: one per gateway; segments, committer thread, tree, checkpoints
class Lane;   // trail.h: one per core; where events of that core are staged, and where its coroutines wait

/// Thrown when the trail cannot take or keep an event. The session ends; caught only in session::Session::run.
struct Unavailable {
  std::string reason;
  bool is_disk_full = false;
};

/// Appended to the trail in its place, not yet durable. Only Recorder makes one. Move-only.
template <class T>
class Appended {
 public:
  Appended(Appended&&) noexcept = default;
  Appended& operator=(Appended&&) noexcept = default;
  std::uint64_t position() const { return position_; }
  const T& peek() const { return value_; }  // to look at (sizes, ends_op), never to forward

 private:
  friend class Recorder;
  Appended(T&& value, std::uint64_t position) : value_(std::move(value)), position_(position) {}
  T value_;
  std::uint64_t position_;
};

/// Recorded as the durability setting demands. The writers take nothing else. Only Recorder makes one. Move-only.
template <class T>
class Recorded {
 public:
  Recorded(Recorded&&) noexcept = default;
  Recorded& operator=(Recorded&&) noexcept = default;
  const T& value() const { return value_; }

 private:
  friend class Recorder;
  explicit Recorded(T&& value) : value_(std::move(value)) {}
  T value_;
};

struct SessionOpen {
  std::uint8_t protocol = 1;  // 1 pg 2 mysql 3 k8s 4 ssh 5 http 6 mcp 7 internal
  model::Principal principal{};
  model::Authentication authentication{};
  std::string target{};
  std::string database{};
  std::string client_address{};
  std::string client_user{};
  std::string target_session{};  // the target's own id of the connection
  std::vector<std::pair<std::string, std::string>> settings{};
};

enum class Durability : std::uint8_t { strict, request, batch };

/// Writes one session's chain of events. Lives on one core (its Lane's); every call from that core's thread.
///
/// CREATED -open-> OPEN -(append_*, durable)*-> OPEN -close-> CLOSED
/// Destroyed while OPEN: the trail gets a session_abort for it, best effort.
class Recorder {
 public:
  Recorder(Trail& trail, Lane& lane, Durability durability);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  /// 16 random octets; the session's id everywhere (hex for people).
  base::View session() const;

  /// From here on, secrets that it finds in what the client sends are hidden in the readable part.
  void hide(mask::Hider hider);
  const mask::Hider& hider() const;

  /// The session's keys and its session_open event are durable when this returns. Throws Unavailable.
  boost::asio::awaitable<void> open(SessionOpen what);

  /// One request event per op in `batch` (or several of 256 KiB), in order. Throws Unavailable.
  std::vector<Appended<policy::Decided>> append_requests(std::vector<policy::Decided> batch);
  /// One response event per op. `batch` is moved from. Throws Unavailable.
  std::vector<Appended<mask::Masked>> append_replies(std::vector<mask::Masked> batch);

  /// Waits until all of `batch` is as durable as the setting demands of its direction. Throws Unavailable.
  boost::asio::awaitable<std::vector<Recorded<policy::Decided>>> durable(std::vector<Appended<policy::Decided>> batch);
  boost::asio::awaitable<std::vector<Recorded<mask::Masked>>> durable(std::vector<Appended<mask::Masked>> batch);
  /// True when durable() of a batch ending at `position` would not wait.
  bool is_durable(std::uint64_t position) const;

  /// Takes a durable request apart for the writer, which has one overload for each.
  using RecordedDecision = std::variant<Recorded<policy::Permit>, Recorded<policy::Denial>>;
  static RecordedDecision split(Recorded<policy::Decided>&& decided);

  /// A `hold` event with this meta; what comes back may be shown to people. Durable when it returns. Throws
  /// Unavailable.
  boost::asio::awaitable<Recorded<policy::Hold>> hold(policy::Hold hold, base::Bytes meta_cbor);
  /// For the approval desk, which makes a Permit or a Denial of it.
  static policy::Hold take(Recorded<policy::Hold>&& held) { return std::move(held.value_); }

  /// An event that is neither request nor reply: a cancel request, an admin act. Durable when it returns.
  boost::asio::awaitable<void> note(std::string_view type, base::Bytes meta_cbor);

  /// session_close{count, head} with the reason; durable when it returns, best effort when the trail is gone.
  boost::asio::awaitable<void> close(std::string_view reason);

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace sallyport::audit
