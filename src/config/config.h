#pragma once
#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "mask/detectors.h"
#include "model/effects.h"
#include "model/principal.h"
#include "policy/masks.h"
#include "policy/rules.h"

/// The one configuration file as plain Options structs (docs/configuration.md). Read at start and at SIGHUP, by cmd/
/// only; nothing here is consulted while a command is judged. Values, no globals; any thread.
///
/// Strict: an unknown key, a wrong type, a duplicate key, a name that nothing defines and a file that cannot be read
/// are errors, and all of them are told at once. What this version cannot do (https, oidc, kinds of target other than
/// postgres) is validated and then refused, never ignored.
namespace sallyport::config {

using base::operator""_KiB;
using base::operator""_MiB;

/// Where it stands (line and column from 1; 0: the file as a whole), what is wrong, what to do. Holds no secret.
struct Problem {
  std::string file{};
  int line = 0;
  int column = 0;
  std::string message{};
  std::string hint{};
};
using Problems = std::vector<Problem>;
/// "FILE:LINE:COLUMN: message; hint", one line, control characters escaped.
std::string to_string(const Problem& problem);

struct Address {
  std::string host{};  // a name, an IPv4 or an IPv6 address (without brackets)
  std::uint16_t port = 0;
  bool is_loopback() const;
};
/// "HOST:PORT", with brackets around an IPv6 address.
std::string to_string(const Address& address);

struct Listener {
  std::string name{};  // "postgres" or "https"
  Address address{};
  std::string certificate{};  // path of a PEM chain; empty only when is_insecure
  std::string key{};
  bool is_insecure = false;  // plain text allowed; loopback only
};

enum class Durability : std::uint8_t { strict, request, batch };
std::string_view name_of(Durability durability);

/// Where each checkpoint is also put.
struct Push {
  enum class Kind : std::uint8_t { file, command };
  Kind kind = Kind::file;
  std::string file{};                  // path
  std::vector<std::string> command{};  // program and arguments; the checkpoint comes on its standard input
};

struct TrailOptions {
  Durability durability = Durability::strict;
  std::vector<Push> push{};
};

struct IdentityOptions {
  std::vector<model::Principal> principals{};
  std::chrono::milliseconds token_lifetime = std::chrono::hours(1);  // what a token lives, and the most it may
};

enum class TargetTls : std::uint8_t { disable, require, verify_ca, verify_full };
std::string_view name_of(TargetTls tls);
/// How a target may ask for the credential. Without `md5` and `cleartext` a target that asks so is refused.
enum class TargetAuth : std::uint8_t { scram, md5, cleartext };
std::string_view name_of(TargetAuth auth);

struct Target {
  std::string name{};
  std::string kind{};  // "postgres"
  Address address{};
  std::string database{};  // default: the target's name
  std::string user{};
  base::Secret password{};             // empty with Secrets::leave, or when none is configured
  std::string password_source{};       // as written: "${env:NAME}"; empty: no password
  bool is_password_file_open = false;  // everybody on the machine can read ${file:…}
  TargetTls tls = TargetTls::verify_full;
  std::string ca{};  // path; empty: the system's store
  std::vector<TargetAuth> auth{TargetAuth::scram};
  std::vector<std::pair<std::string, std::string>> labels{};
  std::optional<Durability> durability{};  // overrides the trail's
};

struct Limits {
  std::size_t masked_row = 16_MiB;  // the largest row that is masked
  std::size_t statement = 64_KiB;
  std::uint32_t holds_per_principal = 5;
  std::chrono::milliseconds pause_after_denial = std::chrono::seconds(30);  // before a principal may ask again
  /// Bytes of trail one principal may cause in `trail_period`; 0: no limit.
  std::uint64_t trail_bytes_per_principal = 0;
  std::chrono::milliseconds trail_period = std::chrono::hours(1);
};

struct HoldOptions {
  std::vector<std::string> principals{}, groups{};  // who may approve
  std::uint32_t count = 1;
  std::chrono::milliseconds timeout = std::chrono::minutes(15);
  std::chrono::milliseconds in_transaction_timeout = std::chrono::minutes(1);
};

struct RuleOptions {
  struct Who {
    std::vector<std::string> principals{}, groups{};
    std::vector<model::PrincipalKind> kinds{};
  };
  using On = policy::Rule::On;
  struct If {
    std::optional<model::EffectSet> effects{};
    std::vector<std::string> statements{};  // upper case, one space between words
    std::vector<std::string> relations{};   // globs, SCHEMA.NAME or NAME in any schema
    std::optional<bool> missing_where{};
    std::vector<policy::Pattern> patterns{};
    std::vector<std::string> filters_on{};  // globs, SCHEMA.TABLE.COLUMN, TABLE.COLUMN or COLUMN
  };
  enum class Then : std::uint8_t { allow, hold, deny };

  std::string name{};
  Who who{};
  On on{};
  If conditions{};
  Then then = Then::deny;
  std::string deny_message{};
  std::optional<HoldOptions> hold{};
  int line = 0;
};

struct Config {
  std::string path{};
  std::string text{};  // the file's octets, for the trail's config event; no secret can stand in it
  std::string data{};  // absolute
  bool break_glass = false;
  std::vector<Listener> listeners{};
  TrailOptions trail{};
  IdentityOptions identity{};
  std::vector<Target> targets{};
  Limits limits{};
  std::vector<RuleOptions> rules{};
  std::vector<mask::DetectorRule> detectors{};  // those that are built in, then those of the files
  std::vector<policy::MaskRule> masks{};
};

/// Whether ${env:…} and ${file:…} are read. A command that only needs to know what is configured leaves them alone.
enum class Secrets : std::uint8_t { resolve, leave };

/// Relative paths in the file count from the file's own folder. Throws nothing.
std::expected<Config, Problems> load(const std::string& path, Secrets secrets);

/// The data folder alone: how the command line finds a running gateway even when the rest of the file was broken since.
base::Result<std::string> data_folder_of(const std::string& path);

/// Every setting that weakens a promise, one sentence each, in the order of the file. Empty: nothing does.
std::vector<std::string> weakenings(const Config& config);
/// The rules as the engine takes them.
std::vector<policy::Rule> rules_of(const Config& config);
/// What the configuration means, for `check`: listeners, targets, rules, masks. One line each.
std::vector<std::string> explain(const Config& config);

}  // namespace sallyport::config
