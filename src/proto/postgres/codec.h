#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "proto/codec.h"

/// PostgreSQL's protocol 3.0 after the login (manual, chapter 55; docs/protocols/postgres.md). Pure; one session, one
/// thread. Replication and COPY BOTH are refused.
namespace sallyport::proto::postgres {

using base::operator""_KiB;
using base::operator""_MiB;

/// Octets are of whole frames. What exceeds a limit is a fatal Error(limit), but for Bind and the bulk of both
/// directions, which pass in parts.
struct Limits {
  std::size_t statement_frame = 1_MiB;  // Query, Parse, FunctionCall: judged whole, so held whole
  std::size_t held = 256_KiB;           // a longer Bind, DataRow, CopyData … passes in parts
  std::size_t reply_frame = 1_MiB;      // what the target sends that must be read whole: errors, descriptions
  std::size_t outstanding = 65536;      // requests forwarded and not answered
  std::size_t names = 16384;            // prepared statements and portals
  std::size_t names_octets = 32_MiB;    // their texts
};

struct CodecOptions {
  Limits limits{};
  /// A ParameterStatus that says otherwise ends the session: the server must read a statement as we read it.
  std::vector<std::pair<std::string, std::string>> pinned{{"client_encoding", "UTF8"},
                                                          {"standard_conforming_strings", "on"}};
};

std::unique_ptr<Codec> make_codec(CodecOptions options = {});

}  // namespace sallyport::proto::postgres
