#pragma once
#include <expected>
#include <string>
#include <variant>
#include <vector>

/// The command line as plain options (DESIGN.md section 8). The only place that knows the library which reads it.
namespace sallyport::cmd {

/// What every command takes.
struct Common {
  std::string config{};  // --config, else SALLYPORT_CONFIG; empty: not named
  bool is_json = false;
};

struct GatewayCommand {};
struct CheckCommand {};
struct TokenIssue {
  std::string principal{}, lifetime{}, reason{};
  std::vector<std::string> targets{};
};
struct TokenList {};
struct TokenRevoke {
  std::string id{}, reason{};
};
struct TargetsCommand {};
struct SessionsList {
  std::string state = "all";
  int limit = 100;
};
struct SessionsShow {
  std::string session{};
};
struct SessionsEnd {
  std::string session{};
};
struct ReplayCommand {
  std::string session{};
  bool is_following = false;  // sessions tail
  bool with_content = false;
};
struct ApprovalsList {
  std::string state = "pending";
  int limit = 100;
};
struct ApprovalsShow {
  std::string id{};
};
struct ApprovalsDecide {
  bool is_yes = false;
  std::string id{}, principal{}, reason{};
};
struct SearchCommand {
  std::string text{};
  int limit = 50;
};
struct ExportCommand {
  std::vector<std::string> sessions{};
  std::string file{};
};
struct VerifyCommand {
  std::string known_head{};
};
struct ReindexCommand {};

struct Arguments {
  Common common{};
  std::variant<GatewayCommand, CheckCommand, TokenIssue, TokenList, TokenRevoke, TargetsCommand, SessionsList,
               SessionsShow, SessionsEnd, ApprovalsList, ApprovalsShow, ApprovalsDecide, ReplayCommand, SearchCommand,
               ExportCommand, VerifyCommand, ReindexCommand>
      command{};
};

/// Nothing to run: help was asked for (status 0), or the usage is wrong (status 2).
struct Told {
  int status = 0;
  std::string text{};
};

std::expected<Arguments, Told> parse_arguments(int count, const char* const* words);

}  // namespace sallyport::cmd
