#include "cmd/cli/arguments.h"

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "cmd/version.h"

namespace sallyport::cmd {
namespace {

constexpr auto kApproval = "the approval's id (sallyport approvals list)";
constexpr auto kSession = "the session's id (sallyport sessions list)";

/// One command: takes --config and --json, and says which it is when it was the one.
template <class Command, class Define>
void define(CLI::App& parent, Arguments& arguments, const std::string& name, const std::string& what,
            Define&& options) {
  CLI::App* app = parent.add_subcommand(name, what);
  app->add_option("--config", arguments.common.config, "the gateway's configuration file (or SALLYPORT_CONFIG)");
  app->add_flag("--json", arguments.common.is_json, "one JSON object a line");
  auto command = std::make_shared<Command>();
  options(*app, *command);
  app->callback([&arguments, command] { arguments.command = *command; });
}

template <class Command>
void define(CLI::App& parent, Arguments& arguments, const std::string& name, const std::string& what) {
  define<Command>(parent, arguments, name, what, [](CLI::App&, Command&) {});
}

/// `token --as NAME` issues; `token list` and `token revoke ID` are below it.
void define_token(CLI::App& app, Arguments& arguments) {
  CLI::App* token = app.add_subcommand("token", "issue a token for a local principal and print it; list, revoke");
  token->add_option("--config", arguments.common.config, "the gateway's configuration file (or SALLYPORT_CONFIG)");
  token->add_flag("--json", arguments.common.is_json, "one JSON object a line");
  auto issue = std::make_shared<TokenIssue>();
  token->add_option("--as", issue->principal, "the principal, of identity.principals");
  token->add_option("--target", issue->targets, "good for this target only; may be repeated")->take_all();
  token->add_option("--ttl", issue->lifetime, "how long it lives, for example 15m");
  token->add_option("--reason", issue->reason, "why; recorded");
  token->callback([token, issue, &arguments] {
    if (!token->get_subcommands().empty()) return;
    if (issue->principal.empty()) throw CLI::RequiredError("--as NAME");
    arguments.command = *issue;
  });
  define<TokenList>(*token, arguments, "list", "tokens that are valid or ended lately");
  define<TokenRevoke>(*token, arguments, "revoke", "end a token and its sessions at once",
                      [](CLI::App& sub, TokenRevoke& command) {
                        sub.add_option("ID", command.id, "the token's id (sallyport token list)")->required();
                        sub.add_option("--reason", command.reason, "why; recorded");
                      });
}

void define_sessions(CLI::App& app, Arguments& arguments) {
  CLI::App* sessions = app.add_subcommand("sessions", "list, show, tail, end");
  sessions->require_subcommand(1);
  define<SessionsList>(
      *sessions, arguments, "list", "live sessions, then past ones", [](CLI::App& sub, SessionsList& command) {
        sub.add_option("--state", command.state, "all, live or past")->check(CLI::IsMember({"all", "live", "past"}));
        sub.add_option("--limit", command.limit, "at most so many")->check(CLI::Range(1, 10000));
      });
  define<SessionsShow>(*sessions, arguments, "show", "one session", [](CLI::App& sub, SessionsShow& command) {
    sub.add_option("SESSION", command.session, kSession)->required();
  });
  define<ReplayCommand>(*sessions, arguments, "tail", "what happens in it, until it ends",
                        [](CLI::App& sub, ReplayCommand& command) {
                          sub.add_option("SESSION", command.session, kSession)->required();
                          command.is_following = true;
                        });
  define<SessionsEnd>(*sessions, arguments, "end", "end it now", [](CLI::App& sub, SessionsEnd& command) {
    sub.add_option("SESSION", command.session, kSession)->required();
  });
}

void define_approvals(CLI::App& app, Arguments& arguments) {
  CLI::App* approvals = app.add_subcommand("approvals", "list, show, approve, deny what waits for people");
  approvals->require_subcommand(1);
  define<ApprovalsList>(*approvals, arguments, "list", "what waits now", [](CLI::App& sub, ApprovalsList& command) {
    sub.add_option("--state", command.state, "pending, or all: with those that ended lately")
        ->check(CLI::IsMember({"pending", "all"}));
    sub.add_option("--limit", command.limit, "at most so many")->check(CLI::Range(1, 10000));
  });
  define<ApprovalsShow>(
      *approvals, arguments, "show", "one, with all that would run",
      [](CLI::App& sub, ApprovalsShow& command) { sub.add_option("ID", command.id, kApproval)->required(); });
  const auto decide = [&](const std::string& name, const std::string& what, bool is_yes) {
    define<ApprovalsDecide>(*approvals, arguments, name, what, [is_yes](CLI::App& sub, ApprovalsDecide& command) {
      command.is_yes = is_yes;
      sub.add_option("ID", command.id, kApproval)->required();
      sub.add_option("--as", command.principal, "the person who decides; needs break_glass: true");
      sub.add_option("--reason", command.reason, is_yes ? "why; recorded" : "why; recorded, and told to the requester");
    });
  };
  decide("approve", "let it run, once", true);
  decide("deny", "refuse it", false);
}

void define_recordings(CLI::App& app, Arguments& arguments) {
  define<ReplayCommand>(
      app, arguments, "replay", "what was recorded of a session", [](CLI::App& sub, ReplayCommand& command) {
        sub.add_option("SESSION", command.session, kSession)->required();
        sub.add_flag("--content", command.with_content, "with the octets that were passed on (with --json: base64)");
      });
  define<SearchCommand>(app, arguments, "search", "statements that contain a text",
                        [](CLI::App& sub, SearchCommand& command) {
                          sub.add_option("TEXT", command.text, "any part of a statement")->required();
                          sub.add_option("--limit", command.limit, "at most so many")->check(CLI::Range(1, 10000));
                        });
  define<ExportCommand>(
      app, arguments, "export", "a bundle of sessions that sallyport-verify checks",
      [](CLI::App& sub, ExportCommand& command) {
        sub.add_option("--session", command.sessions, "a session; may be repeated")->required()->take_all();
        sub.add_option("-o,--output", command.file, "the file to write")->required();
      });
  define<VerifyCommand>(app, arguments, "verify", "check the whole trail in place",
                        [](CLI::App& sub, VerifyCommand& command) {
                          sub.add_option("--known-head", command.known_head, "checkpoints kept outside the gateway");
                        });
  define<ReindexCommand>(app, arguments, "reindex", "build the search index anew from the trail");
}

}  // namespace

std::expected<Arguments, Told> parse_arguments(int count, const char* const* words) {
  Arguments arguments;
  CLI::App app("Sallyport: every request and every answer passes through it, judged and recorded.", "sallyport");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("sallyport ") + kVersion);
  define<GatewayCommand>(app, arguments, "gateway", "run the gateway");
  define<CheckCommand>(
      app, arguments, "check", "check a configuration file and say what it means",
      [&](CLI::App& sub, CheckCommand&) { sub.add_option("FILE", arguments.common.config, "the configuration file"); });
  define_token(app, arguments);
  define<TargetsCommand>(app, arguments, "targets", "the configured targets");
  define_sessions(app, arguments);
  define_approvals(app, arguments);
  define_recordings(app, arguments);
  try {
    app.parse(count, words);
  } catch (const CLI::Success& asked) {
    std::ostringstream out;
    app.exit(asked, out, out);
    return std::unexpected(Told{0, out.str()});
  } catch (const CLI::Error& error) {
    return std::unexpected(Told{2, std::string("sallyport: ") + error.what() + "; sallyport --help shows the usage\n"});
  }
  if (arguments.common.config.empty())
    if (const char* path = std::getenv("SALLYPORT_CONFIG")) arguments.common.config = path;
  return arguments;
}

}  // namespace sallyport::cmd
