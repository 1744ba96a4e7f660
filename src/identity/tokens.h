#pragma once
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "base/secret.h"
#include "model/principal.h"
#include "model/refusal.h"
#include "store/store.h"

/// Tokens that Sallyport issues: who holds one is its principal, at its targets, until it expires or is revoked.
///
/// Any thread. `verify` looks at memory only (a few hundred nanoseconds and one SHA-256), so that it may be called on
/// an io thread; `issue`, `revoke` and `list` touch the disk. Times are the store's GrantClock, which never goes back.
namespace sallyport::identity {

struct TokenOptions {
  std::vector<model::Principal> principals{};
  std::chrono::nanoseconds lifetime = std::chrono::hours(1);  // what a token lives unless asked for less; also the most
};

class Tokens {
 public:
  struct Request {
    std::string principal{};
    std::vector<std::string> targets{};    // empty: every target
    std::chrono::nanoseconds lifetime{0};  // 0: as configured
    std::string reason{};
    std::string issued_by{};  // "operator uid 0"
  };
  /// Checked and complete, and not yet valid: its issue is recorded in the trail before `issue` makes it so.
  struct Draft {
    store::TokenRow row{};
    base::Secret token{};
  };
  struct Accepted {
    model::Principal principal{};
    model::Authentication authentication{};
  };
  /// Told of every revoked token, on the thread that revoked it, after it ceased to be valid. Must not block.
  using Revoked = std::function<void(const std::string& token_id)>;

  /// REQUIRES: `store` outlives it. Loads what is valid.
  static base::Result<std::unique_ptr<Tokens>> open(store::Store& store, TokenOptions options);
  Tokens(const Tokens&) = delete;
  Tokens& operator=(const Tokens&) = delete;

  base::Result<Draft> draft(const Request& request) const;
  base::Result<void> issue(const Draft& draft);

  /// Whose is it, and is it good for `target`? REQUIRES nothing of `token`: it is what a stranger sent.
  std::expected<Accepted, model::Refusal> verify(std::string_view token, std::string_view target) const;

  /// A local principal of the configuration; nullopt: there is none of that name.
  std::optional<model::Principal> principal(const std::string& name) const;

  /// True when the token may be revoked, that is, it is there and not revoked yet.
  bool is_revocable(const std::string& id) const;
  /// Live sessions of the token are told through the subscriptions. An error when there is no such token.
  base::Result<void> revoke(const std::string& id, const std::string& reason);

  /// Ends with the returned object, which the caller keeps. After its end the callback runs no more.
  class Subscription;
  [[nodiscard]] std::shared_ptr<Subscription> on_revoked(Revoked callback);

  /// Valid and recently ended ones, oldest first. `hash` is left empty.
  std::vector<store::TokenRow> list() const;

  /// After a reload of the configuration. A token of a principal that is gone is refused from now on.
  void replace(TokenOptions options);

  std::int64_t now_ns() const { return store_.clock().now(); }

 private:
  struct HashOf {
    std::size_t operator()(const base::Digest& digest) const { return base::load_little<std::size_t>(digest.data()); }
  };
  struct Subscribers;
  explicit Tokens(store::Store& store, TokenOptions options);

  store::Store& store_;
  std::shared_ptr<Subscribers> subscribers_;
  mutable std::shared_mutex mutex_;
  TokenOptions options_;
  std::unordered_map<base::Digest, store::TokenRow, HashOf> by_hash_;
  std::map<std::string, base::Digest> hash_by_id_;
};

}  // namespace sallyport::identity
