#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "model/cell.h"

/// What a codec reads from a client: a Step is a Command, a Chunk or a Control (docs/life-of-a-command.md). Pure.
/// All of them own their octets and are moved along the path, never copied.
namespace sallyport::model {

/// What the client wants done with a statement; the same for every database protocol.
enum class CommandKind : std::uint8_t {
  run,       // text, to be run now                            PostgreSQL Query, MySQL COM_QUERY
  prepare,   // text, to be run later                          Parse, COM_STMT_PREPARE
  bind,      // values for a prepared statement                Bind
  describe,  // what would a statement or portal give          Describe
  execute,   // run a bound portal                             Execute, COM_STMT_EXECUTE
  close,     // forget a prepared statement or portal          Close
  call,      // run one function by its OID                    FunctionCall
};
std::string_view name_of(CommandKind kind);

/// A value that came beside the text. `octets` may be cut (then `full_size` is larger): large values are streamed.
struct Parameter {
  std::uint32_t type = 0;  // the target's type OID, 0 when it was not stated
  bool is_null = false;
  bool is_binary = false;
  base::Bytes octets{};
  std::uint64_t full_size = 0;
};

/// One act on the target. Judged before anything of it is forwarded.
struct Command {
  std::uint64_t op = 0;      // ordinal of the request that its replies answer; several Commands may share one
  std::uint64_t number = 0;  // ordinal of this Command in the session; Completion names it
  CommandKind kind = CommandKind::run;
  base::Bytes wire{};  // the frame as it came; for a streamed one its head, the rest follows as Chunks
  /// The statement it is about: its own text, or that of the name it refers to. Empty pointer: the name is not
  /// known to us, or the Command has no text (call).
  std::shared_ptr<const std::string> text{};
  std::vector<std::uint32_t> parameter_types{};
  std::vector<Parameter> parameters{};
  std::uint32_t function = 0;    // OID, for `call`
  bool names_something = false;  // it refers to a statement or portal by name (text may then be unknown)
  /// Of `execute`: the number of the Command that bound or declared the portal; empty: not certain.
  std::optional<std::uint64_t> bound_by{};
};

/// Payload of a Command that was admitted: COPY data, the rest of a streamed value.
struct Chunk {
  std::uint64_t op = 0;
  base::Bytes wire{};
};

/// Harmless housekeeping from a closed list: Sync, Flush, Terminate.
struct Control {
  enum class Kind : std::uint8_t { sync, flush, terminate };
  std::uint64_t op = 0;
  Kind kind = Kind::sync;
  base::Bytes wire{};
};

using Step = std::variant<Command, Chunk, Control>;

/// How a Command ended at the target.
struct Completion {
  enum class Outcome : std::uint8_t {
    done,     // the target confirmed it
    failed,   // the target (or we, in its place) answered with an error
    skipped,  // an earlier error of the same pipeline made the target ignore it
  };
  std::uint64_t command = 0;  // Command::number
  Outcome outcome = Outcome::done;
};

/// A run of a Reply's octets that a mask may be about. What stands in no Section holds no value of the target's.
struct Section {
  enum class Kind : std::uint8_t {
    description,   // of the rows that follow, or that were asked about
    rows,          // whole rows
    copy_rows,     // whole frames of COPY data
    value,         // a function's result
    error,         // one frame
    text,          // one frame: a notice, a setting
    notification,  // one frame: what another session wrote, and nobody can trace
    part,          // of a frame that is too long to be held
  };
  Kind kind = Kind::rows;
  std::uint64_t command = ~std::uint64_t{0};  // Command::number that it answers; ~0: none
  std::uint32_t statement = 0;                // which of the Command's statements
  std::size_t begin = 0, end = 0;             // octets of Reply::wire
  /// Of rows that no description precedes: what an earlier one said. nullptr: there was none.
  std::shared_ptr<const ResultShape> shape{};
};

/// What a target sent for one op: whole frames, or a part of one that is streamed.
struct Reply {
  static constexpr std::uint64_t kNoOp = ~std::uint64_t{0};  // asynchronous: notices, notifications, parameters

  struct Error {
    std::string severity, code, message;
    bool is_ours = false;  // stands in the place of the target's answer to a refused Command
  };

  std::uint64_t op = kNoOp;
  base::Bytes wire{};
  bool ends_op = false;             // nothing more will come for this op
  bool ends_frame = true;           // `wire` ends where a frame ends; false: the rest of a streamed frame follows
  std::uint64_t rows = 0;           // rows that end in `wire`
  std::vector<std::string> tags{};  // command tags, or the protocol's status
  std::optional<Error> error{};
  std::vector<Completion> completions{};
  std::vector<Section> sections{};  // in order, not overlapping
  char transaction = 0;             // PostgreSQL: 'I', 'T' or 'E' when it became known in `wire`; else 0
};

}  // namespace sallyport::model
