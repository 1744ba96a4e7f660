#pragma once
#include "base/bytes.h"
#include "proto/postgres/request.h"

/// What the target is sent in the place of a refused message: a message of the same kind that fails at once, whatever
/// names the session has and whatever state it is in, and has no other effect. Pure.
///
/// Each is refused by the server before it looks at anything the client could have prepared (docs/protocols/postgres.md
/// shows the place in the server's source, and test/integration/refusal_enacted.py asks a real one).
namespace sallyport::proto::postgres {

/// REQUIRES: `request` is of a Command.
void append_substitute(base::Bytes& out, const Request& request);

}  // namespace sallyport::proto::postgres
