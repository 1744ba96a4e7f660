#pragma once
#include "cmd/cli/arguments.h"
#include "config/config.h"

/// The commands. Each returns the process's exit status, 0 done or 1 refused or failed; what went wrong is one line on
/// stderr that says what to do. Standard output has only what was asked for.
namespace sallyport::cmd {

int run_check(const Common& common);
int run_verify(const Common& common, const VerifyCommand& command);

/// Those that ask the running gateway over its local socket.
int run(const Common& common, const TokenIssue& command);
int run(const Common& common, const TokenList& command);
int run(const Common& common, const TokenRevoke& command);
int run(const Common& common, const TargetsCommand& command);
int run(const Common& common, const SessionsList& command);
int run(const Common& common, const SessionsShow& command);
int run(const Common& common, const SessionsEnd& command);
int run(const Common& common, const ApprovalsList& command);
int run(const Common& common, const ApprovalsShow& command);
int run(const Common& common, const ApprovalsDecide& command);
int run(const Common& common, const ReplayCommand& command);
int run(const Common& common, const SearchCommand& command);
int run(const Common& common, const ExportCommand& command);
int run(const Common& common, const ReindexCommand& command);

/// "sallyport: MESSAGE; HINT" on stderr; returns 1.
int complain(const std::string& message, const std::string& hint = {});
/// All that is wrong with a configuration, one line each; returns 1.
int complain(const Common& common, const config::Problems& problems);

}  // namespace sallyport::cmd
