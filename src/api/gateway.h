#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

/// What the API needs of the running gateway; cmd/gateway implements it. The API itself knows no session and no trail.
namespace sallyport::api {

struct LiveSession {
  std::string id{};  // 32 hexadecimal digits
  std::string principal{}, target{}, database{}, client_address{}, token_id{};
  std::int64_t opened_wall_ns = 0;
};

struct TargetInfo {
  std::string name{}, kind{}, address{}, database{}, tls{}, durability{};
  std::vector<std::pair<std::string, std::string>> labels{};
};

/// One event of the trail, opened. Field by field as docs/formats/trail.md says.
struct Event {
  std::uint64_t log_index = 0;
  std::string session{};  // 32 hexadecimal digits
  std::uint64_t seq = 0;
  std::string type{};
  std::int64_t wall_ns = 0;
  std::uint8_t protocol = 0;
  std::uint8_t direction = 0;
  std::optional<std::uint64_t> op{};
  std::uint64_t chunk = 0;
  std::uint64_t flags = 0;
  std::optional<std::uint64_t> verdict{};  // 0 permit, 1 deny, 2 hold
  /// CBOR; empty: the event has none, or its key was destroyed.
  base::Bytes meta{};
  /// The octets as they were passed on; empty when they are not kept.
  base::Bytes content{};
};

struct Head {
  std::string origin{};
  std::uint64_t size = 0;
  std::string root{};        // hexadecimal
  std::string checkpoint{};  // the signed note
};

/// Called from the API's threads, several at once; every call may block. Implementations are thread-safe.
class Gateway {
 public:
  Gateway() = default;
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;
  virtual ~Gateway() = default;

  virtual std::vector<LiveSession> live_sessions() const = 0;
  virtual std::vector<TargetInfo> targets() const = 0;
  /// May the operator of this machine speak for a local principal?
  virtual bool is_break_glass() const = 0;
  /// Ends a live session; `by` goes into its last words. False: it is not live.
  virtual bool end_session(const std::string& id, const std::string& by) = 0;

  /// Appends an `admin` event with this meta (a CBOR map with at least `act` and `by`). Durable when it returns;
  /// an error means that the act must not happen.
  virtual base::Result<void> record(base::Bytes meta) = 0;

  /// Which events: of these sessions (empty: of all, the gateway's own included), from this log index on.
  struct Selection {
    std::set<std::string> sessions{};
    std::uint64_t from_log_index = 0;
  };
  /// False: enough.
  using Visitor = std::function<bool(Event&& event)>;
  /// In the order of the log, up to what is durable now. Each event's payloads are checked against its commitments, and
  /// the event against the tree, before it is handed over; an event that fails is an error (corrupt), not a gap.
  virtual base::Result<void> read(const Selection& selection, const Visitor& visitor) = 0;

  /// Writes an audit-bundle/v1 of the sessions to `path`, which does not exist yet.
  virtual base::Result<void> export_bundle(const std::vector<std::string>& sessions, const std::string& path) = 0;

  virtual base::Result<Head> head() const = 0;
};

}  // namespace sallyport::api
