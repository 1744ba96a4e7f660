#include "cmd/gateway/gateway.h"

#include <fmt/core.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>

#include "cmd/gateway/admin.h"
#include "cmd/gateway/gatehouse.h"

namespace sallyport::cmd {
namespace {

int complain(const base::Error& error) {
  fmt::print(stderr, "sallyport: {}{}{}\n", error.message, error.hint.empty() ? "" : "; ", error.hint);
  return 1;
}

/// No core dump may hold a credential, and every client needs a descriptor or two.
void prepare_process() {
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  std::signal(SIGPIPE, SIG_IGN);
  // A file that reached a size limit is a full disk to us, not a reason to die.
  std::signal(SIGXFSZ, SIG_IGN);
}

void reload(Gatehouse& house, const std::string& path) {
  auto config = config::load(path, config::Secrets::resolve);
  if (!config) {
    log_line("the configuration was not reloaded: it has errors");
    for (const auto& problem : config.error()) log_line(config::to_string(problem));
    return;
  }
  try {
    if (const auto done = house.reload(std::move(*config)); !done)
      log_line("the configuration was not reloaded: " + done.error().message + "; " + done.error().hint);
    else
      log_line("the configuration was reloaded");
  } catch (const audit::Unavailable& error) {
    log_line("the configuration was not reloaded: it could not be recorded: " + error.reason);
  }
}

}  // namespace

int run_gateway(config::Config config) {
  prepare_process();
  const std::string path = config.path;
  // Blocked before the first thread starts, so that all of them leave these to the loop below.
  sigset_t awaited;
  ::sigemptyset(&awaited);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&awaited, signal);
  ::pthread_sigmask(SIG_BLOCK, &awaited, nullptr);

  for (const auto& weakness : config::weakenings(config)) log_line("weakened: " + weakness);
  auto house = Gatehouse::open(std::move(config));
  if (!house) return complain(house.error());
  auto admin = Admin::open(**house);
  if (!admin) return complain(admin.error());
  const auto announce = [](const std::string& what) { fmt::print("listening {}\n", what); };
  if (const auto serving = (*house)->serve(announce); !serving) return complain(serving.error());
  fmt::print("ready\n");
  std::fflush(stdout);

  for (;;) {
    int signal = 0;
    if (::sigwait(&awaited, &signal) != 0) continue;
    if (signal != SIGHUP) break;
    reload(**house, path);
  }
  log_line("shutting down");
  (*admin)->close();
  (*house)->shut();
  return 0;
}

}  // namespace sallyport::cmd
