#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "proto/login.h"

/// StartupMessage and the `options` in it (manual 55.7; server's src/backend/utils/init/postinit.c, pg_split_opts, and
/// tcop/postgres.c, process_postgres_switches). Pure.
namespace sallyport::proto::postgres {

struct Startup {
  std::string user{}, database{};              // `database` empty: not stated
  Settings settings{};                         // those of `options` first, as the server applies them
  std::vector<std::string> unknown_options{};  // "_pq_.…": to be declined by NegotiateProtocolVersion
};

/// `body` is what follows the protocol version. Errors: malformed; unsupported (replication, switches that are no
/// settings, encodings other than UTF8).
base::Result<Startup> read_startup(base::View body);

}  // namespace sallyport::proto::postgres
