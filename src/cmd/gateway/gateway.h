#pragma once
#include "config/config.h"

namespace sallyport::cmd {

/// Runs the gateway until SIGTERM or SIGINT; SIGHUP reads the file again. Prints `listening NAME ADDRESS:PORT` for each
/// listener, then `ready`. Returns the process's exit status; what went wrong is told in one line on stderr.
int run_gateway(config::Config config);

}  // namespace sallyport::cmd
