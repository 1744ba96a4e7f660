#pragma once
#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "model/catalogue.h"
#include "net/published.h"
#include "net/signal.h"
#include "session/dial.h"

namespace sallyport::audit {
class Trail;
class Lane;
}  // namespace sallyport::audit

namespace sallyport::policy {
class Engine;
}

namespace sallyport::session {

/// Reads one text from a target and gives the snapshot that the answers make. Supplied by cmd/gateway from
/// sql/catalogue_queries.h; pure functions.
struct CatalogueReading {
  std::function<std::vector<std::string>()> queries;
  std::function<base::Result<std::shared_ptr<const model::Catalogue>>(std::uint64_t version,
                                                                      const std::vector<Protocol::Rows>& answers)>
      build;
};

/// The newest Catalogue of one database of one target. `current` may be called on any core; the reading itself happens
/// on one core, as a recorded session of the internal principal "sallyport", through the same gate as everybody's.
class CatalogueSource {
 public:
  struct Options {
    const Target* target = nullptr;  // outlives the source
    const Protocol* protocol = nullptr;
    std::string database{};
    CatalogueReading reading{};
    std::function<std::shared_ptr<const policy::Engine>()> rules{};  // the newest rule set; its built-in rule judges
    std::atomic<std::uint64_t>* versions = nullptr;  // shared by all sources: no two snapshots have one version
    audit::Trail* trail = nullptr;
    audit::Lane* lane = nullptr;  // of `core`
    net::asio::any_io_executor core{};
    std::function<void(std::string line)> log;  // operational log; told why a catalogue is not readable
  };
  explicit CatalogueSource(Options options) : options_(std::move(options)) {}
  CatalogueSource(const CatalogueSource&) = delete;
  CatalogueSource& operator=(const CatalogueSource&) = delete;

  /// What names mean now. Changes by others are seen within a minute, changes through us at once. Null when the target
  /// has not been readable: then nothing but what comes with PostgreSQL is known. Throws audit::Unavailable.
  net::Task<std::shared_ptr<const model::Catalogue>> current();
  /// A Command changed what names mean: the next current() reads again. Any thread.
  void invalidate() { wanted_.fetch_add(1, std::memory_order_acq_rel); }
  /// True when `snapshot` is what current() would give without waiting.
  bool is_current(const std::shared_ptr<const model::Catalogue>& snapshot) const;

 private:
  using Clock = std::chrono::steady_clock;
  net::Task<std::shared_ptr<const model::Catalogue>> refresh(std::uint64_t wanted);
  net::Task<std::shared_ptr<const model::Catalogue>> load();

  const Options options_;
  net::Published<model::Catalogue> snapshot_{};
  std::atomic<std::uint64_t> wanted_{1};
  std::atomic<std::uint64_t> loaded_{0};  // the value of wanted_ that snapshot_ satisfies
  std::atomic<Clock::rep> loaded_at_{0};
  // Of the core alone:
  bool is_loading_ = false;
};

}  // namespace sallyport::session
