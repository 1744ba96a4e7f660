#include "cmd/cli/commands.h"

// check and verify: they need no running gateway.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cmd/cli/heads.h"
#include "cmd/cli/terminal.h"
#include "config/config.h"
#include "config/review.h"

namespace sallyport::cmd {
namespace {

namespace json = boost::json;

json::array texts(const std::vector<std::string>& lines) {
  json::array out;
  for (const std::string& line : lines) out.emplace_back(line);
  return out;
}

json::array to_json(const std::vector<config::Clause>& clauses) {
  json::array out;
  for (const auto& clause : clauses) {
    json::object one{{"rule", clause.rule}, {"what", clause.what}};
    if (!clause.message.empty()) one["message"] = clause.message;
    if (!clause.hold.groups.empty() || !clause.hold.principals.empty()) {
      one["approvers"] = texts(clause.approvers);
      one["count"] = clause.hold.count;
      one["timeout_ms"] = clause.hold.timeout.count();
      one["in_transaction_timeout_ms"] = clause.hold.in_transaction_timeout.count();
    }
    out.push_back(std::move(one));
  }
  return out;
}

json::object to_json(const config::Entitlement& entitlement) {
  return {{"principal", entitlement.principal},     {"target", entitlement.target},
          {"is_read_only", entitlement.only_reads}, {"allowed", to_json(entitlement.allowed)},
          {"held", to_json(entitlement.held)},      {"denied", to_json(entitlement.denied)}};
}

}  // namespace

int complain(const std::string& message, const std::string& hint) {
  fmt::print(stderr, "sallyport: {}{}\n", printable(message), hint.empty() ? "" : "; " + printable(hint));
  return 1;
}

int complain(const Common& common, const config::Problems& problems) {
  json::array all;
  for (const config::Problem& problem : problems) {
    if (common.is_json)
      all.push_back({{"file", problem.file},
                     {"line", problem.line},
                     {"column", problem.column},
                     {"message", problem.message},
                     {"hint", problem.hint}});
    else
      fmt::print(stderr, "{}\n", printable(config::to_string(problem)));
  }
  if (common.is_json)
    fmt::print("{}\n", printable_json(json::serialize(json::object{{"is_good", false}, {"problems", all}})));
  return 1;
}

int run_check(const Common& common) {
  const auto config = config::load(common.config, config::Secrets::resolve);
  if (!config) return complain(common, config.error());
  const auto weak = config::weakenings(*config);
  const config::Review review = config::review(*config);
  if (common.is_json) {
    json::array entitlements;
    for (const auto& entitlement : review.entitlements) entitlements.push_back(to_json(entitlement));
    const json::object out{{"is_good", true},
                           {"meaning", texts(config::explain(*config))},
                           {"entitlements", entitlements},
                           {"warnings", texts(review.warnings)},
                           {"weakenings", texts(weak)}};
    fmt::print("{}\n", printable_json(json::serialize(out)));
    return 0;
  }
  for (const std::string& line : config::explain(*config)) fmt::print("{}\n", printable(line));
  for (const auto& entitlement : review.entitlements)
    for (const std::string& line : config::to_lines(entitlement)) fmt::print("{}\n", printable(line));
  for (const std::string& line : review.warnings) fmt::print("warning: {}\n", printable(line));
  for (const std::string& line : weak) fmt::print("weakened: {}\n", printable(line));
  fmt::print("{} is good; {}{}\n", printable(common.config),
             weak.empty() ? "nothing weakens a promise" : fmt::format("{} settings weaken a promise", weak.size()),
             review.warnings.empty() ? "" : fmt::format(", {} warnings", review.warnings.size()));
  return 0;
}

int run_verify(const Common& common, const VerifyCommand& command) {
  const auto data = config::data_folder_of(common.config);
  if (!data) return complain(data.error().message, data.error().hint);
  const std::string trail = *data + "/trail", key = trail + "/log.vkey";
  std::ifstream in(key, std::ios::binary);
  const std::string verification_key(std::istreambuf_iterator<char>(in), {});
  if (!in || verification_key.empty())
    return complain(fmt::format("there is no trail in {}", *data), "has the gateway ever run?");

  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string verifier = (self.parent_path() / "sallyport-verify").string();
  std::vector<std::string> words{verifier, trail, "--key", key};
  std::string head = command.known_head;
  if (const std::string folder = heads_folder(); head.empty() && !folder.empty())
    if (const std::string file = heads_file(folder, verification_key); std::filesystem::exists(file, error))
      head = file;
  if (head.empty())
    words.emplace_back("--unanchored-ok");
  else
    words.insert(words.end(), {"--known-head", head});
  if (common.is_json) words.emplace_back("--json");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  const pid_t child = ::fork();
  if (child < 0) return complain(fmt::format("cannot start {}: {}", verifier, std::strerror(errno)));
  if (child == 0) {
    ::execv(verifier.c_str(), argv.data());
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
    return complain(fmt::format("cannot run {}", verifier), "install it beside sallyport");
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}

}  // namespace sallyport::cmd
