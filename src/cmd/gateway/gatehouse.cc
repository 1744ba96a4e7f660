#include "cmd/gateway/gatehouse.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "audit/cbor.h"
#include "cmd/gateway/protocols.h"
#include "cmd/version.h"

namespace sallyport::cmd {
namespace {

using base::Code;
using model::Refusal;
constexpr int kFailuresPerSecond = 20;

/// The name of the log is for ever: what the trail's own key says, else this host's.
std::string origin_of(const std::string& data) {
  std::ifstream file(data + "/trail/log.vkey");
  std::string line;
  if (std::getline(file, line))
    if (const auto plus = line.find('+'); plus != std::string::npos) return line.substr(0, plus);
  char host[256] = "localhost";
  ::gethostname(host, sizeof host - 1);
  return std::string("sallyport/") + host;
}

audit::TrailOptions trail_options(const config::Config& config) {
  audit::TrailOptions out;
  out.data_folder = config.data;
  out.origin = origin_of(config.data);
  out.version = kVersion;
  out.weakened = config::weakenings(config);
  for (const auto& push : config.trail.push) out.push.push_back({.file = push.file, .command = push.command});
  const auto period = std::chrono::duration_cast<std::chrono::seconds>(config.limits.trail_period).count();
  if (period > 0)
    out.principal_octets_per_hour = config.limits.trail_bytes_per_principal * 3600 / static_cast<std::uint64_t>(period);
  return out;
}

/// The whole file: no secret can stand in it, and an auditor reads what people read.
base::Bytes config_meta(const config::Config& config) {
  base::Bytes meta;
  audit::cbor::put_map(meta, 2);
  audit::cbor::put_text(meta, "path");
  audit::cbor::put_text_or_octets(meta, config.path);
  audit::cbor::put_text(meta, "text");
  audit::cbor::put_text_or_octets(meta, config.text);
  return meta;
}

}  // namespace

void log_line(std::string_view line) {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char time[32];
  std::strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%SZ ", &utc);
  std::string out = time;
  for (const char c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      out += "\\x" + base::to_hex({&c, 1});
    else
      out.push_back(c);
  }
  out.push_back('\n');
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, out.data(), out.size());
}

base::Result<std::unique_ptr<Gatehouse>> Gatehouse::open(config::Config config) {
  std::unique_ptr<Gatehouse> house(new Gatehouse(std::move(config)));
  if (auto done = house->open_stores(); !done) return std::unexpected(done.error());
  try {
    if (auto done = house->use(house->config_); !done) return std::unexpected(done.error());
  } catch (const audit::Unavailable& error) {
    return base::fail(Code::unavailable, "the configuration could not be recorded: " + error.reason);
  }
  house->build_cores();
  return house;
}

base::Result<void> Gatehouse::open_stores() {
  std::error_code error;
  const bool is_new = std::filesystem::create_directories(config_.data, error);
  if (error)
    return base::fail(Code::unavailable, "cannot make the data folder " + config_.data + ": " + error.message(),
                      "set 'data' to a folder that this user may write");
  if (is_new) ::chmod(config_.data.c_str(), 0700);
  auto trail = audit::Trail::open(trail_options(config_));
  if (!trail) return std::unexpected(trail.error());
  trail_ = std::move(*trail);
  auto store = store::Store::open(config_.data + "/store.db");
  if (!store) return std::unexpected(store.error());
  store_ = std::move(*store);
  auto index = store::SearchIndex::open(config_.data + "/search.db", {});
  if (!index) return std::unexpected(index.error());
  index_ = std::move(*index);
  auto tokens = identity::Tokens::open(
      *store_, {.principals = config_.identity.principals, .lifetime = config_.identity.token_lifetime});
  if (!tokens) return std::unexpected(tokens.error());
  tokens_ = std::move(*tokens);
  on_revoked_ = tokens_->on_revoked([this](const std::string& token_id) {
    directory_.end_of_token(token_id, {.kind = Refusal::Kind::session_ended,
                                       .message = "the session ends because its token was revoked",
                                       .hint = "Ask for a new token and connect again."});
  });
  return {};
}

/// Everything that can fail comes first, then the trail, then the change.
base::Result<void> Gatehouse::use(config::Config& config) {
  const auto rules = config::rules_of(config);
  auto targets = make_targets(config.targets, config.trail.durability);
  if (!targets) return std::unexpected(targets.error());
  auto detectors = compile_detectors(config, config_.data + "/detectors.db");
  if (!detectors) return std::unexpected(detectors.error());
  const std::uint64_t recorded_at = trail_->append_config(config_meta(config));
  std::vector<model::TargetName> names;
  for (const auto& target : config.targets) names.push_back({target.name, target.labels});
  auto shared = std::make_shared<const TargetSet>(std::move(*targets));
  all_targets_.push_back(shared);
  targets_.store(std::move(shared));
  auto engine = std::make_shared<const policy::Engine>(rules, recorded_at, std::move(names), config.masks);
  rules_.store(std::make_shared<const RuleSet>(RuleSet{std::move(engine), std::move(*detectors)}));
  is_break_glass_ = config.break_glass;
  desk_.replace(
      {.holds_per_principal = config.limits.holds_per_principal,
       .pause_after_denial = std::chrono::duration_cast<std::chrono::seconds>(config.limits.pause_after_denial)});
  return {};
}

void Gatehouse::build_cores() {
  postgres_.emplace(true, postgres_protocol(true));
  postgres_.emplace(false, postgres_protocol(false));
  // Half of the processors: the other half is for the trail's threads and, on one machine, for what we stand in front
  // of.
  const unsigned count = std::max(1U, std::thread::hardware_concurrency() / 2);
  for (unsigned i = 0; i < count; ++i) {
    auto core = std::make_unique<Core>();
    core->lane = std::make_unique<audit::Lane>(*trail_, core->core.loop().get_executor());
    core->sights.emplace(config_.limits.masked_row);
    core->ground = make_ground(*core);
    cores_.push_back(std::move(core));
  }
}

session::Ground Gatehouse::make_ground(Core& core) {
  session::Ground ground;
  ground.trail = trail_.get();
  ground.lane = core.lane.get();
  ground.core = core.core.loop().get_executor();
  ground.directory = &directory_;
  ground.desk = &desk_;
  ground.understandings = &core.understandings;
  ground.mask_plans = &core.mask_plans;
  ground.sql_limits.statement = config_.limits.statement;
  ground.index = index_.get();
  ground.log = [](std::string line) { log_line(line); };
  ground.rules = [this] { return rules_.load()->engine; };
  ground.sight = [this, &core](const session::Target& target) {
    const auto rules = rules_.load();
    return core.sights->of(target, rules->engine, rules->detectors);
  };
  ground.target = [this](const std::string& name) -> const session::Target* {
    const auto set = targets_.load();
    const auto found = set->find(name);
    return found == set->end() ? nullptr : &found->second;  // all_targets_ keeps it
  };
  ground.catalogue = [this](const session::Target& target, const std::string& database) {
    return catalogue_of(target, database);
  };
  ground.identify = [this](const base::Secret& token,
                           const std::string& target) -> std::expected<session::Ground::Identified, Refusal> {
    auto accepted = tokens_->verify(token.reveal(), target);
    if (!accepted) return std::unexpected(std::move(accepted.error()));
    return session::Ground::Identified{std::move(accepted->principal), std::move(accepted->authentication)};
  };
  ground.granting_ns = [this] { return tokens_->now_ns(); };
  ground.refuses_sessions = [this]() -> std::optional<Refusal> {
    if (is_shutting_) return Refusal{.kind = Refusal::Kind::session_ended, .message = "the gateway is shutting down"};
    if (!trail_->accepts_sessions())
      return Refusal{.kind = Refusal::Kind::trail_unavailable,
                     .message = "no session begins because the disk of the trail is nearly full",
                     .hint = "The gateway's operator must make room on the disk that holds the data folder."};
    return std::nullopt;
  };
  ground.may_record_failure = [this] { return may_record_failure(); };
  return ground;
}

// describe_targets names the session's settings by the configuration's words: the two must count alike.
static_assert(static_cast<int>(net::TargetTls::disable) == static_cast<int>(config::TargetTls::disable) &&
              static_cast<int>(net::TargetTls::require) == static_cast<int>(config::TargetTls::require) &&
              static_cast<int>(net::TargetTls::verify_ca) == static_cast<int>(config::TargetTls::verify_ca) &&
              static_cast<int>(net::TargetTls::verify_full) == static_cast<int>(config::TargetTls::verify_full));
static_assert(static_cast<int>(audit::Durability::strict) == static_cast<int>(config::Durability::strict) &&
              static_cast<int>(audit::Durability::request) == static_cast<int>(config::Durability::request) &&
              static_cast<int>(audit::Durability::batch) == static_cast<int>(config::Durability::batch));

std::vector<api::TargetInfo> Gatehouse::describe_targets() const {
  std::vector<api::TargetInfo> out;
  for (const auto& [name, target] : *targets_.load())
    out.push_back({.name = name,
                   .kind = "postgres",
                   .address = config::to_string(config::Address{target.address.host, target.address.port}),
                   .database = target.database,
                   .tls = std::string(config::name_of(static_cast<config::TargetTls>(target.tls_mode))),
                   .durability = std::string(config::name_of(static_cast<config::Durability>(target.durability))),
                   .labels = target.name.labels});
  return out;
}

bool Gatehouse::may_record_failure() {
  const auto second =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
  if (failure_second_.exchange(second) != second) failures_ = 0;
  return failures_.fetch_add(1) < kFailuresPerSecond;
}

session::CatalogueSource* Gatehouse::catalogue_of(const session::Target& target, const std::string& database) {
  const std::scoped_lock lock(catalogues_mutex_);
  auto& source = catalogues_[{&target, database}];
  if (!source) {
    Core& first = *cores_.front();
    source = std::make_unique<session::CatalogueSource>(
        session::CatalogueSource::Options{.target = &target,
                                          .protocol = &postgres_.at(true),
                                          .database = database,
                                          .reading = postgres_catalogue(),
                                          .rules = [this] { return rules_.load()->engine; },
                                          .versions = &catalogue_versions_,
                                          .trail = trail_.get(),
                                          .lane = first.lane.get(),
                                          .core = first.core.loop().get_executor(),
                                          .log = [](std::string line) { log_line(line); }});
  }
  return source.get();
}

base::Result<void> Gatehouse::serve(const std::function<void(const std::string&)>& announce) {
  std::vector<session::Listener::CoreGround> cores;
  for (const auto& core : cores_) cores.push_back({core->core.loop().get_executor(), &core->ground});
  for (const auto& configured : config_.listeners) {
    std::shared_ptr<const net::ServerTls> tls;
    if (!configured.is_insecure) {
      auto loaded = net::ServerTls::load(configured.certificate, configured.key);
      if (!loaded) return std::unexpected(loaded.error());
      tls = std::move(*loaded);
    }
    auto listener = session::Listener::open({.host = configured.address.host, .port = configured.address.port},
                                            postgres_.at(!configured.is_insecure), std::move(tls), cores);
    if (!listener) return std::unexpected(listener.error());
    announce(configured.name + " " + (*listener)->local_address());
    net::asio::co_spawn(cores.front().core, (*listener)->run(), net::asio::detached);
    listeners_.push_back(std::move(*listener));
  }
  for (const auto& core : cores_) core->core.start();
  return {};
}

base::Result<void> Gatehouse::reload(config::Config config) {
  if (config.data != config_.data)
    return base::fail(Code::unsupported, "'data' cannot change while the gateway runs", "restart the gateway");
  if (auto done = use(config); !done) return done;
  tokens_->replace({.principals = config.identity.principals, .lifetime = config.identity.token_lifetime});
  return {};
}

void Gatehouse::shut() {
  if (is_shutting_.exchange(true)) return;
  for (const auto& listener : listeners_) listener->close();
  directory_.end_all({.kind = Refusal::Kind::session_ended,
                      .message = "the session ends because the gateway is shutting down",
                      .hint = "Connect again in a moment."});
  for (int i = 0; i < 300 && directory_.size() != 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  trail_->close("shutdown");
  for (const auto& core : cores_) core->core.stop();
}

Gatehouse::~Gatehouse() {
  if (trail_) shut();
  listeners_.clear();
  cores_.clear();
}

}  // namespace sallyport::cmd
