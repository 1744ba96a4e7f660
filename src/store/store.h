#pragma once
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "store/grant_clock.h"
#include "store/sqlite.h"

/// What the gateway must remember and cannot derive from the trail: DATA/store.db (SQLite, WAL, mode 0600).
namespace sallyport::store {

/// A token as it is kept: never the token itself.
struct TokenRow {
  std::string id{};
  base::Digest hash{};  // SHA-256 of the token's text
  std::string principal{};
  std::vector<std::string> targets{};  // empty: every target
  std::int64_t created_ns = 0;
  std::int64_t expires_ns = 0;
  std::int64_t revoked_ns = 0;  // 0: not revoked
  std::string reason{};         // why it was issued
  std::string revoked_reason{};
  std::string issued_by{};  // "operator uid 0"
};

/// Any thread; each call is durable when it returns. Owns the clock and a thread that keeps its highest time, so that
/// a restart finds it at most a second late.
class Store {
 public:
  static base::Result<std::unique_ptr<Store>> open(const std::string& path);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  const GrantClock& clock() const { return *clock_; }

  base::Result<void> put(const TokenRow& token);
  /// False: there is no such token, or it was revoked before.
  base::Result<bool> revoke(const std::string& id, std::int64_t when_ns, const std::string& reason);
  /// All that expire after `after_ns`, oldest first.
  base::Result<std::vector<TokenRow>> tokens_expiring_after(std::int64_t after_ns);
  /// Forgets tokens that expired before `before_ns`.
  base::Result<void> forget_expired(std::int64_t before_ns);

 private:
  explicit Store(Database database) : database_(std::move(database)) {}
  base::Result<std::int64_t> highest_time();
  base::Result<void> keep_time(std::int64_t time_ns);
  void tick();

  std::mutex mutex_;
  Database database_;
  std::unique_ptr<GrantClock> clock_;
  std::condition_variable stopping_;
  bool is_stopping_ = false;
  std::thread ticker_;
};

}  // namespace sallyport::store
