#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/command.h"
#include "proto/postgres/codec.h"
#include "proto/postgres/names.h"
#include "proto/postgres/request.h"

/// The client's octets, cut into Steps. Pure; one thread.
///
/// An op is what one round of the client is about: Query, FunctionCall, or Parse Bind Describe Execute Close in that
/// order with the Sync or Flush that ends it.
///
///   CLOSED   -Query, FunctionCall->          CLOSED      [begin_op, close_op]
///   any      -Parse->                        OPEN        [begin_op]
///   CLOSED, EXECUTED -Bind Describe Close->  OPEN        [join_op begins one]
///   OPEN     -Bind (the second)->            OPEN        [begin_op]
///   OPEN     -Bind Describe Close->          OPEN        [join_op]
///   any      -Execute->                      EXECUTED    [join_op]
///   OPEN, EXECUTED -Sync Flush->             CLOSED      [close_op]
///   CLOSED   -Sync->                         CLOSED      an op of its own, or the op whose COPY it follows
namespace sallyport::proto::postgres {

class Frontend {
 public:
  /// `names` outlives it.
  Frontend(const Limits& limits, Names& names) : limits_(limits), names_(names) {}

  /// Appends the Steps that `octets` complete, and for each Step its Request.
  base::Result<void> cut(base::View octets, std::vector<model::Step>& steps, Fifo<Request>& asked);
  /// Looks again for what the Command's name stands for; `request` is its own.
  void resolve(const Request& request, model::Command& command);

  void keep_shapes() { keeps_shapes_ = true; }

  /// True while a later message of the client may still join `op`.
  bool is_open(std::uint64_t op) const { return op == op_ && state_ != State::closed; }
  /// The target answered all of `op`.
  void on_ended(std::uint64_t op) { has_ended_ = has_ended_ || op == op_; }

 private:
  enum class State : std::uint8_t { closed, open, executed };
  struct Output {
    std::vector<model::Step>& steps;
    Fifo<Request>& asked;
    std::size_t first;  // Steps before this index are not of this call
  };

  base::Result<std::size_t> hold_size(char type, std::uint32_t length) const;
  base::Result<void> begin_frame(base::View& octets, Output& output);
  base::Result<void> message(base::View frame, std::size_t total, Output& output);
  base::Result<void> query(base::View frame, Output& output);
  base::Result<void> parse(base::View frame, Output& output);
  base::Result<void> bind(base::View frame, std::size_t total, Output& output);
  base::Result<void> execute(base::View frame, Output& output);
  base::Result<void> describe_or_close(base::View frame, Output& output);
  base::Result<void> function_call(base::View frame, Output& output);
  base::Result<void> sync(base::View frame, Output& output);
  base::Result<void> flush(base::View frame, Output& output);
  base::Result<void> terminate(base::View frame, Output& output);
  base::Result<void> copy_end(base::View frame, Output& output);
  void chunk(base::View octets, RequestKind kind, Output& output);
  base::Result<void> check_names() const;

  void begin_op();
  void join_op();
  model::Command command(model::CommandKind kind, base::View frame);
  Request request(RequestKind kind) const;

  const Limits limits_;
  Names& names_;
  base::Bytes held_;           // the beginning of a frame that is not complete
  std::size_t streaming_ = 0;  // octets of the current frame that are still to pass as Chunks
  RequestKind streaming_kind_ = RequestKind::copy_data;

  std::uint64_t op_ = model::Reply::kNoOp;
  std::uint64_t next_op_ = 0, next_number_ = 0, segment_ = 0;
  State state_ = State::closed;
  bool has_bind_ = false, has_chunks_ = false, has_ended_ = false;  // of op_
  bool keeps_shapes_ = false;
};

}  // namespace sallyport::proto::postgres
