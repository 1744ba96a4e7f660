#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/gateway.h"
#include "approval/desk.h"
#include "audit/lane.h"
#include "audit/trail.h"
#include "cmd/gateway/sights.h"
#include "cmd/gateway/targets.h"
#include "config/config.h"
#include "identity/tokens.h"
#include "net/core.h"
#include "net/published.h"
#include "policy/engine.h"
#include "session/catalogue_source.h"
#include "session/directory.h"
#include "session/listener.h"
#include "sql/understanding_cache.h"
#include "store/search_index.h"
#include "store/store.h"

namespace sallyport::cmd {

/// Everything that runs: trail, store, cores, listeners. Built in order, taken down in the reverse one.
///
/// open -> serve -> (reload)* -> shut -> destroyed
class Gatehouse {
 public:
  /// The configuration is in the trail before anything listens. Errors say what to do.
  static base::Result<std::unique_ptr<Gatehouse>> open(config::Config config);
  ~Gatehouse();
  Gatehouse(const Gatehouse&) = delete;
  Gatehouse& operator=(const Gatehouse&) = delete;

  /// Opens the listeners; `announce` gets "postgres 127.0.0.1:15432" for each.
  base::Result<void> serve(const std::function<void(const std::string&)>& announce);
  /// Rules, principals and targets of `config`; sessions go on. In the trail before it is used. Throws
  /// audit::Unavailable.
  base::Result<void> reload(config::Config config);
  /// Stops accepting, ends sessions with last words, waits for them (a few seconds), closes the trail.
  void shut();

  audit::Trail& trail() { return *trail_; }
  store::SearchIndex& index() { return *index_; }
  identity::Tokens& tokens() { return *tokens_; }
  session::Directory& directory() { return directory_; }
  approval::Desk& desk() { return desk_; }
  bool is_break_glass() const { return is_break_glass_; }
  std::shared_ptr<const TargetSet> targets() const { return targets_.load(); }
  const std::string& data() const { return config_.data; }
  std::vector<api::TargetInfo> describe_targets() const;

 private:
  struct Core {
    net::Core core;
    std::unique_ptr<audit::Lane> lane;
    sql::UnderstandingCache understandings;
    policy::MaskPlans mask_plans;
    std::optional<Sights> sights;
    session::Ground ground;
  };
  explicit Gatehouse(config::Config config) : config_(std::move(config)) {}
  base::Result<void> open_stores();
  base::Result<void> use(config::Config& config);
  void build_cores();
  session::Ground make_ground(Core& core);
  session::CatalogueSource* catalogue_of(const session::Target& target, const std::string& database);
  bool may_record_failure();

  config::Config config_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<store::SearchIndex> index_;
  std::unique_ptr<identity::Tokens> tokens_;
  std::unique_ptr<audit::Trail> trail_;
  session::Directory directory_;
  approval::Desk desk_{{}};
  std::atomic<bool> is_break_glass_{false};
  std::shared_ptr<identity::Tokens::Subscription> on_revoked_;
  /// What judges, and what looks for secrets, since one reading of the configuration.
  struct RuleSet {
    std::shared_ptr<const policy::Engine> engine{};
    std::shared_ptr<const mask::Detectors> detectors{};
  };
  net::Published<RuleSet> rules_{};
  net::Published<TargetSet> targets_{};
  std::vector<std::shared_ptr<const TargetSet>> all_targets_;  // sessions keep pointers into older ones
  std::map<bool, session::Protocol> postgres_;                 // by is_tls_required
  std::atomic<std::uint64_t> catalogue_versions_{0};
  std::mutex catalogues_mutex_;
  std::map<std::pair<const session::Target*, std::string>, std::unique_ptr<session::CatalogueSource>> catalogues_;
  std::atomic<std::int64_t> failure_second_{0};
  std::atomic<int> failures_{0};
  std::atomic<bool> is_shutting_{false};
  std::vector<std::unique_ptr<Core>> cores_;
  std::vector<std::unique_ptr<session::Listener>> listeners_;
};

/// One line on stderr, with the time, control characters escaped. Any thread.
void log_line(std::string_view line);

}  // namespace sallyport::cmd
