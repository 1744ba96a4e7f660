#pragma once
#include <map>
#include <mutex>
#include <optional>

#include "audit/chain.h"
#include "audit/committer.h"
#include "audit/publisher.h"
#include "audit/trail.h"

/// What is behind Trail; for Lane, Recorder and Reader only.
namespace sallyport::audit {

/// Where things lie below DATA.
struct TrailPaths {
  explicit TrailPaths(const std::string& data);
  std::string data, trail, segments, session_keys, secrets, content_key, log_key, verification_line, checkpoint;
};

/// Octets that one principal may still write. Refills evenly; holds an hour's share at most. Any thread.
class Allowance {
 public:
  explicit Allowance(std::uint64_t octets_per_hour);
  /// False: it is used up.
  bool take(std::uint64_t octets, std::uint64_t mono_ns);

 private:
  std::mutex mutex_;
  double per_ns_, most_, left_;
  std::uint64_t last_ns_ = 0;
};

class TrailBody {
 public:
  static base::Result<std::unique_ptr<TrailBody>> open(TrailOptions options);
  ~TrailBody();

  std::shared_ptr<LaneBody> add_lane(boost::asio::any_io_executor executor);
  Health& health() { return health_; }
  Committer& committer() { return *committer_; }
  const Publisher& publisher() const { return *publisher_; }
  const std::string& verification_line() const { return verification_line_; }
  bool accepts_sessions() const;

  /// New keys, wrapped and staged so that they are durable before the chain's first event.
  std::unique_ptr<Chain> make_chain(base::View session, std::uint8_t protocol);
  /// nullptr: there is no limit.
  std::shared_ptr<Allowance> allowance_of(const std::string& principal);

  /// An event of the gateway's own chain. Blocks until durable. Throws Unavailable.
  std::uint64_t append(std::string_view type, base::View meta);
  void close(base::View reason);

 private:
  explicit TrailBody(TrailOptions options);
  base::Result<void> load_keys();
  base::Result<void> recover();
  base::Result<void> check_heads();
  void begin_run(const LogEnd& found);
  std::uint64_t stage(std::string_view type, base::View meta, Mark::Role role, std::uint64_t* index);
  void stage_aborts();
  void keep();
  void watch_space();

  TrailOptions options_;
  Files& files_;
  TrailPaths paths_;
  std::unique_ptr<File> lock_;
  std::optional<LogKey> log_key_;
  std::string verification_line_;
  base::Digest log_id_{};
  base::Secret key_encryption_key_;
  Health health_;
  std::optional<KeyFolder> keys_;
  std::optional<Spares> spares_;
  std::unique_ptr<Committer> committer_;
  std::unique_ptr<Publisher> publisher_;

  std::mutex own_mutex_;  // the gateway's own chain
  std::unique_ptr<Chain> own_chain_;
  Standing* own_standing_ = nullptr;
  std::shared_ptr<LaneBody> own_lane_;
  bool is_closed_ = false;

  std::mutex allowances_mutex_;
  std::map<std::string, std::shared_ptr<Allowance>> allowances_;

  std::atomic<bool> is_low_{false};
  std::mutex keeper_mutex_;
  std::condition_variable keeper_wakes_;
  bool keeper_stops_ = false;
  std::thread keeper_;
};

}  // namespace sallyport::audit
