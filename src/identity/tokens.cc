#include "identity/tokens.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "identity/token_text.h"

namespace sallyport::identity {
namespace {

constexpr std::int64_t kDay = std::int64_t{86'400} * 1'000'000'000;
/// How long an ended token is remembered, so that its holder is told why it is refused.
constexpr std::int64_t kRemember = 7 * kDay;
constexpr std::size_t kMaxReason = 1000;

const model::Principal* find_principal(const TokenOptions& options, std::string_view name) {
  for (const model::Principal& principal : options.principals)
    if (principal.name == name) return &principal;
  return nullptr;
}

std::string time_text(std::int64_t time_ns) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(time_ns / 1'000'000'000)));
}

std::unexpected<model::Refusal> refuse(std::string message, std::string detail = {}) {
  model::Refusal refusal;
  refusal.kind = model::Refusal::Kind::authentication;
  refusal.message = std::move(message);
  refusal.detail = std::move(detail);
  refusal.hint = "Use a valid token as the password; an operator issues one with: sallyport token --as NAME";
  return std::unexpected(std::move(refusal));
}

}  // namespace

struct Tokens::Subscribers {
  std::mutex mutex;  // held while callbacks run: the end of a Subscription waits for them
  std::map<std::uint64_t, Revoked> callbacks;
  std::uint64_t next = 0;
};

class Tokens::Subscription {
 public:
  Subscription(std::shared_ptr<Subscribers> subscribers, std::uint64_t number)
      : subscribers_(std::move(subscribers)), number_(number) {}
  ~Subscription() {
    const std::lock_guard lock(subscribers_->mutex);
    subscribers_->callbacks.erase(number_);
  }
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

 private:
  std::shared_ptr<Subscribers> subscribers_;
  std::uint64_t number_;
};

Tokens::Tokens(store::Store& store, TokenOptions options)
    : store_(store), subscribers_(std::make_shared<Subscribers>()), options_(std::move(options)) {}

base::Result<std::unique_ptr<Tokens>> Tokens::open(store::Store& store, TokenOptions options) {
  std::unique_ptr<Tokens> tokens(new Tokens(store, std::move(options)));
  const std::int64_t now = tokens->now_ns();
  if (auto done = store.forget_expired(now - kRemember); !done) return std::unexpected(done.error());
  auto rows = store.tokens_expiring_after(now - kRemember);
  if (!rows) return std::unexpected(rows.error());
  for (store::TokenRow& row : *rows) {
    tokens->hash_by_id_.emplace(row.id, row.hash);
    tokens->by_hash_.emplace(row.hash, std::move(row));
  }
  return tokens;
}

base::Result<Tokens::Draft> Tokens::draft(const Request& request) const {
  const std::shared_lock lock(mutex_);
  const model::Principal* principal = find_principal(options_, request.principal);
  if (principal == nullptr)
    return base::fail(base::Code::denied, fmt::format("there is no principal '{}'", request.principal),
                      "define it in identity.principals");
  const auto lifetime = request.lifetime.count() == 0 ? options_.lifetime : request.lifetime;
  if (lifetime < std::chrono::seconds(1) || lifetime > options_.lifetime)
    return base::fail(base::Code::limit,
                      fmt::format("a token may live from 1 to {} seconds",
                                  std::chrono::duration_cast<std::chrono::seconds>(options_.lifetime).count()),
                      "ask for less, or raise identity.token_lifetime");
  if (request.reason.size() > kMaxReason || (!request.reason.empty() && !base::is_utf8_without_nul(request.reason)))
    return base::fail(base::Code::limit, "the reason must be at most 1000 bytes of UTF-8 text");
  Draft draft;
  draft.token = make_token_text();
  draft.row.id = "tok-" + base::to_hex(base::random_bytes(8));
  draft.row.hash = base::sha256(draft.token.reveal());
  draft.row.principal = request.principal;
  draft.row.targets = request.targets;
  std::sort(draft.row.targets.begin(), draft.row.targets.end());
  draft.row.targets.erase(std::unique(draft.row.targets.begin(), draft.row.targets.end()), draft.row.targets.end());
  draft.row.created_ns = now_ns();
  draft.row.expires_ns = draft.row.created_ns + lifetime.count();
  draft.row.reason = request.reason;
  draft.row.issued_by = request.issued_by;
  return draft;
}

base::Result<void> Tokens::issue(const Draft& draft) {
  if (auto done = store_.put(draft.row); !done) return done;
  const std::unique_lock lock(mutex_);
  // The place to forget: as many are added here as must leave.
  const std::int64_t forgotten = now_ns() - kRemember;
  std::erase_if(by_hash_, [&](const auto& entry) {
    if (entry.second.expires_ns >= forgotten) return false;
    hash_by_id_.erase(entry.second.id);
    return true;
  });
  by_hash_.emplace(draft.row.hash, draft.row);
  hash_by_id_.emplace(draft.row.id, draft.row.hash);
  return {};
}

std::expected<Tokens::Accepted, model::Refusal> Tokens::verify(std::string_view token, std::string_view target) const {
  if (!is_token_text(token))
    return refuse("the password is not a Sallyport token",
                  token.starts_with("sp_") ? "Its checksum is wrong: was it copied completely?" : "");
  const base::Digest hash = base::sha256(token);
  const std::shared_lock lock(mutex_);
  const auto found = by_hash_.find(hash);
  if (found == by_hash_.end()) return refuse("the token is not known to this gateway");
  const store::TokenRow& row = found->second;
  if (row.revoked_ns != 0)
    return refuse(fmt::format("the token {} was revoked at {}", row.id, time_text(row.revoked_ns)));
  if (now_ns() >= row.expires_ns)
    return refuse(fmt::format("the token {} expired at {}", row.id, time_text(row.expires_ns)));
  if (!row.targets.empty() && std::find(row.targets.begin(), row.targets.end(), target) == row.targets.end())
    return refuse(fmt::format("the token {} is not for this target", row.id),
                  fmt::format("It is for: {}", fmt::join(row.targets, ", ")));
  const model::Principal* principal = find_principal(options_, row.principal);
  if (principal == nullptr)
    return refuse(fmt::format("the token {} is of a principal that is no longer configured", row.id));
  return Accepted{*principal, {"token", row.id, row.expires_ns}};
}

bool Tokens::is_revocable(const std::string& id) const {
  const std::shared_lock lock(mutex_);
  const auto hash = hash_by_id_.find(id);
  return hash != hash_by_id_.end() && by_hash_.at(hash->second).revoked_ns == 0;
}

base::Result<void> Tokens::revoke(const std::string& id, const std::string& reason) {
  const std::int64_t when = now_ns();
  {
    const std::unique_lock lock(mutex_);
    const auto hash = hash_by_id_.find(id);
    if (hash == hash_by_id_.end())
      return base::fail(base::Code::denied, "there is no such token", "sallyport token list shows them");
    store::TokenRow& row = by_hash_.at(hash->second);
    if (row.revoked_ns != 0) return base::fail(base::Code::denied, "the token was revoked before");
    // In memory first: if the disk fails, it is refused at least until the next start, and the caller hears of it.
    row.revoked_ns = when;
    row.revoked_reason = reason;
  }
  const auto kept = store_.revoke(id, when, reason);
  {
    const std::lock_guard lock(subscribers_->mutex);
    for (const auto& [number, callback] : subscribers_->callbacks) callback(id);
  }
  if (!kept) return std::unexpected(kept.error());
  return {};
}

std::shared_ptr<Tokens::Subscription> Tokens::on_revoked(Revoked callback) {
  const std::lock_guard lock(subscribers_->mutex);
  const std::uint64_t number = subscribers_->next++;
  subscribers_->callbacks.emplace(number, std::move(callback));
  return std::make_shared<Subscription>(subscribers_, number);
}

std::vector<store::TokenRow> Tokens::list() const {
  std::vector<store::TokenRow> rows;
  {
    const std::shared_lock lock(mutex_);
    for (const auto& [hash, row] : by_hash_) rows.push_back(row);
  }
  for (store::TokenRow& row : rows) row.hash = {};
  std::sort(rows.begin(), rows.end(), [](const store::TokenRow& a, const store::TokenRow& b) {
    return std::tie(a.created_ns, a.id) < std::tie(b.created_ns, b.id);
  });
  return rows;
}

std::optional<model::Principal> Tokens::principal(const std::string& name) const {
  const std::shared_lock lock(mutex_);
  const auto found = std::ranges::find(options_.principals, name, &model::Principal::name);
  return found == options_.principals.end() ? std::nullopt : std::optional(*found);
}

void Tokens::replace(TokenOptions options) {
  const std::unique_lock lock(mutex_);
  options_ = std::move(options);
}

}  // namespace sallyport::identity
