#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "audit/checkpoint.h"
#include "audit/files.h"
#include "audit/lane.h"
#include "audit/publisher.h"
#include "audit/recorder.h"
#include "base/result.h"

/// The trail of one gateway (docs/formats/trail.md): opens or recovers the folder DATA, then runs its threads:
/// the committer (committer.h), the publisher of checkpoints (publisher.h), and a keeper that readies segments, watches
/// the space that is left and writes the heartbeats.
///
/// open -> (append_* | Lane, Recorder)* -> close | destroyed      a Trail that was closed takes no more events
///
/// Any thread. Outlives its Lanes; Lanes outlive their Recorders.
namespace sallyport::audit {

struct TrailOptions {
  std::string data_folder{};            // holds trail/ and keys/
  std::string origin{};                 // `<deployment>/<gateway>`: the name of the log, for ever
  std::string version{};                // of the program, for log_start
  std::vector<std::string> weakened{};  // settings that weaken a promise, for log_start
  std::vector<PushTarget> push{};
  std::uint64_t segment_octets = 64 << 20;
  std::uint64_t principal_octets_per_hour = 0;  // 0: no limit
  std::uint64_t heartbeat_seconds = 60;
  std::chrono::milliseconds checkpoint_interval{1000};
  Files* files = &disk();
};

class TrailBody;

class Trail {
 public:
  /// Code::corrupt: the trail was changed, set back or is damaged; the message names segment and offset.
  static base::Result<std::unique_ptr<Trail>> open(TrailOptions options);
  ~Trail();
  Trail(const Trail&) = delete;
  Trail& operator=(const Trail&) = delete;

  /// Each blocks until the event is durable and returns its log index; not for io threads. `meta` is a deterministic
  /// CBOR map (cbor.h). Throw Unavailable.
  std::uint64_t append_config(base::Bytes meta);
  std::uint64_t append_admin(base::Bytes meta);

  /// The durable tree.
  Head head() const;
  /// The newest signed note; empty before the first.
  std::string checkpoint() const;
  std::string verification_line() const;
  std::uint64_t open_sessions() const;
  /// False below the low-water mark, when the disk is full, and when the trail has failed.
  bool accepts_sessions() const;

  /// log_end, a last checkpoint, everything synced; then every append throws Unavailable. Sessions that are still open
  /// get a session_abort. Blocks. Idempotent.
  void close(base::View reason);

  TrailBody& body() { return *body_; }

 private:
  explicit Trail(std::unique_ptr<TrailBody> body);
  std::unique_ptr<TrailBody> body_;
};

}  // namespace sallyport::audit
