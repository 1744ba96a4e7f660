#include "proto/postgres/substitute.h"

#include <cstdint>

#include "proto/postgres/messages.h"

namespace sallyport::proto::postgres {
namespace {

// No statement begins with an identifier that is no key word, so this fails in the grammar, before the transaction's
// state is looked at. It names us for whoever reads the target's log.
constexpr base::View kNoStatement = "sallyport refused this statement";
constexpr base::View kNoName = "sallyport refused this";

}  // namespace

void append_substitute(base::Bytes& out, const Request& request) {
  switch (request.kind) {
    case RequestKind::query:
      FrameWriter(out, 'Q').string(kNoStatement);
      return;
    case RequestKind::parse:
      // Under its own name: a failed Parse drops the unnamed statement, and only that.
      FrameWriter(out, 'P').string(request.statement).string(kNoStatement).number<std::uint16_t>(0);
      return;
    case RequestKind::bind:
      // Two formats for no parameter: wrong even if somebody had prepared a statement of that name.
      FrameWriter(out, 'B')
          .string({})
          .string(kNoName)
          .number<std::uint16_t>(2)
          .number<std::uint16_t>(0)
          .number<std::uint16_t>(0)
          .number<std::uint16_t>(0)
          .number<std::uint16_t>(0);
      return;
    case RequestKind::describe_statement:
    case RequestKind::describe_portal:
      FrameWriter(out, 'D').number<char>('?').string(kNoName);
      return;
    case RequestKind::close_statement:
    case RequestKind::close_portal:
      // Closing what does not exist would succeed, so the kind of object is what does not exist.
      FrameWriter(out, 'C').number<char>('?').string(kNoName);
      return;
    case RequestKind::execute:
      // The number of rows is missing: fails even if a portal of that name exists.
      FrameWriter(out, 'E').string(kNoName);
      return;
    case RequestKind::function_call:
      FrameWriter(out, 'F')
          .number<std::uint32_t>(0)
          .number<std::uint16_t>(0)
          .number<std::uint16_t>(0)
          .number<std::uint16_t>(0);
      return;
    case RequestKind::sync:
    case RequestKind::flush:
    case RequestKind::terminate:
    case RequestKind::copy_data:
    case RequestKind::copy_end:
    case RequestKind::rest:
      return;
  }
}

}  // namespace sallyport::proto::postgres
