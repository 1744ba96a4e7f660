#include "store/store.h"

#include <chrono>
#include <cstring>

namespace sallyport::store {
namespace {

// Never edit a line that was released: add one.
const std::vector<const char*> kMigrations = {
    "CREATE TABLE tokens (id TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, principal TEXT NOT NULL,"
    " created_ns INTEGER NOT NULL, expires_ns INTEGER NOT NULL, revoked_ns INTEGER NOT NULL DEFAULT 0,"
    " reason TEXT NOT NULL, revoked_reason TEXT NOT NULL DEFAULT '', issued_by TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX tokens_by_expiry ON tokens (expires_ns);"
    "CREATE TABLE token_targets (token TEXT NOT NULL REFERENCES tokens (id) ON DELETE CASCADE, target TEXT NOT NULL,"
    " PRIMARY KEY (token, target)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE clock (one INTEGER PRIMARY KEY CHECK (one = 1), highest_ns INTEGER NOT NULL) STRICT;"
    "INSERT INTO clock VALUES (1, 0)",
};

/// Rolls back unless committed.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database), began_(database.execute("BEGIN IMMEDIATE")) {}
  ~Transaction() {
    if (began_ && !is_done_) static_cast<void>(database_.execute("ROLLBACK"));
  }
  const base::Result<void>& began() const { return began_; }
  base::Result<void> commit() {
    auto done = database_.execute("COMMIT");
    is_done_ = done.has_value();
    return done;
  }

 private:
  Database& database_;
  base::Result<void> began_;
  bool is_done_ = false;
};

}  // namespace

base::Result<std::unique_ptr<Store>> Store::open(const std::string& path) {
  auto database = Database::open(path, Sync::full, kMigrations);
  if (!database) return std::unexpected(database.error());
  std::unique_ptr<Store> store(new Store(std::move(*database)));
  const auto highest = store->highest_time();
  if (!highest) return std::unexpected(highest.error());
  store->clock_ = std::make_unique<GrantClock>(*highest);
  if (auto kept = store->keep_time(store->clock_->now()); !kept) return std::unexpected(kept.error());
  store->ticker_ = std::thread([raw = store.get()] { raw->tick(); });
  return store;
}

Store::~Store() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  stopping_.notify_all();
  if (ticker_.joinable()) ticker_.join();
  if (clock_) static_cast<void>(keep_time(clock_->now()));
}

void Store::tick() {
  std::unique_lock lock(mutex_);
  while (!stopping_.wait_for(lock, std::chrono::seconds(1), [this] { return is_stopping_; })) {
    lock.unlock();
    // A failure is met again by the next write of a token, which reports it.
    static_cast<void>(keep_time(clock_->now()));
    lock.lock();
  }
}

base::Result<std::int64_t> Store::highest_time() {
  const std::lock_guard lock(mutex_);
  auto query = database_.prepare("SELECT highest_ns FROM clock");
  if (!query) return std::unexpected(query.error());
  const auto row = query->step();
  if (!row) return std::unexpected(row.error());
  if (!*row) return base::fail(base::Code::corrupt, "the store has lost its clock", "restore store.db from a backup");
  return query->number(0);
}

base::Result<void> Store::keep_time(std::int64_t time_ns) {
  const std::lock_guard lock(mutex_);
  auto query = database_.prepare("UPDATE clock SET highest_ns = max(highest_ns, ?1)");
  if (!query) return std::unexpected(query.error());
  return query->bind(1, time_ns).run();
}

base::Result<void> Store::put(const TokenRow& token) {
  const std::lock_guard lock(mutex_);
  Transaction transaction(database_);
  if (!transaction.began()) return transaction.began();
  auto insert = database_.prepare(
      "INSERT INTO tokens (id, hash, principal, created_ns, expires_ns, reason, issued_by) VALUES "
      "(?1,?2,?3,?4,?5,?6,?7)");
  if (!insert) return std::unexpected(insert.error());
  insert->bind(1, token.id).bind_octets(2, base::view(token.hash)).bind(3, token.principal).bind(4, token.created_ns);
  insert->bind(5, token.expires_ns).bind(6, token.reason).bind(7, token.issued_by);
  if (auto done = insert->run(); !done) return done;
  auto target = database_.prepare("INSERT INTO token_targets VALUES (?1, ?2)");
  if (!target) return std::unexpected(target.error());
  for (const std::string& name : token.targets)
    if (auto done = target->bind(1, token.id).bind(2, name).run(); !done) return done;
  return transaction.commit();
}

base::Result<bool> Store::revoke(const std::string& id, std::int64_t when_ns, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  auto query =
      database_.prepare("UPDATE tokens SET revoked_ns = ?2, revoked_reason = ?3 WHERE id = ?1 AND revoked_ns = 0");
  if (!query) return std::unexpected(query.error());
  if (auto done = query->bind(1, id).bind(2, when_ns).bind(3, reason).run(); !done)
    return std::unexpected(done.error());
  return database_.changes() > 0;
}

base::Result<std::vector<TokenRow>> Store::tokens_expiring_after(std::int64_t after_ns) {
  const std::lock_guard lock(mutex_);
  auto query = database_.prepare(
      "SELECT id, hash, principal, created_ns, expires_ns, revoked_ns, reason, revoked_reason, issued_by FROM tokens"
      " WHERE expires_ns > ?1 ORDER BY created_ns, id");
  auto targets = database_.prepare("SELECT target FROM token_targets WHERE token = ?1 ORDER BY target");
  if (!query) return std::unexpected(query.error());
  if (!targets) return std::unexpected(targets.error());
  query->bind(1, after_ns);
  std::vector<TokenRow> tokens;
  auto more = query->step();
  for (; more && *more; more = query->step()) {
    TokenRow& token = tokens.emplace_back();
    token.id = query->text(0);
    const std::string hash = query->text(1);
    if (hash.size() != token.hash.size())
      return base::fail(base::Code::corrupt, "the store holds a token hash of a wrong size");
    std::memcpy(token.hash.data(), hash.data(), hash.size());
    token.principal = query->text(2);
    token.created_ns = query->number(3);
    token.expires_ns = query->number(4);
    token.revoked_ns = query->number(5);
    token.reason = query->text(6);
    token.revoked_reason = query->text(7);
    token.issued_by = query->text(8);
    targets->bind(1, token.id);
    auto target = targets->step();
    for (; target && *target; target = targets->step()) token.targets.push_back(targets->text(0));
    if (!target) return std::unexpected(target.error());
    targets->reset();
  }
  if (!more) return std::unexpected(more.error());
  return tokens;
}

base::Result<void> Store::forget_expired(std::int64_t before_ns) {
  const std::lock_guard lock(mutex_);
  auto query = database_.prepare("DELETE FROM tokens WHERE expires_ns < ?1");
  if (!query) return std::unexpected(query.error());
  return query->bind(1, before_ns).run();
}

}  // namespace sallyport::store
