#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/command.h"
#include "proto/postgres/codec.h"
#include "proto/postgres/frontend.h"
#include "proto/postgres/outstanding.h"
#include "proto/postgres/request.h"

/// The target's octets, cut into Replies: consecutive messages of one op in one read are one Reply, copied once. Pure;
/// one thread.
///
/// Every op that has a Command gets exactly one Reply with `ends_op`; it has no octets when the target had nothing to
/// say (all of the op was skipped) or had said everything before the op could be known to be over.
namespace sallyport::proto::postgres {

class Backend {
 public:
  /// All outlive it. `asked`: the Requests that are not forwarded yet.
  Backend(const CodecOptions& options, Frontend& frontend, Outstanding& outstanding, const Fifo<Request>& asked)
      : options_(options), frontend_(frontend), outstanding_(outstanding), asked_(asked) {}

  base::Result<void> cut(base::View octets, std::vector<model::Reply>& replies);
  /// Rows up to this many octets are held whole, longer ones are an Error; 0: `Limits::held`, and longer ones are cut.
  void keep_rows_whole(std::size_t most) { whole_rows_ = most; }

 private:
  base::Result<void> next(base::View& octets);
  base::Result<void> stream(base::View& octets);
  base::Result<void> frame(base::View frame);
  base::Result<void> begin_stream(char type);
  base::Result<void> asynchronous(base::View frame);
  base::Result<void> check_parameter(base::View body) const;

  model::Reply& reply_for(std::uint64_t op);
  void mark(model::Section::Kind kind, Outstanding::Place place, std::size_t size);
  bool is_held_whole(char type, std::size_t total) const;
  void extend(base::View octets);
  void copy_run();
  void yield();
  void settle();
  bool is_over(std::uint64_t op) const;
  void end_last_op();

  const CodecOptions& options_;
  Frontend& frontend_;
  Outstanding& outstanding_;
  const Fifo<Request>& asked_;

  std::size_t whole_rows_ = 0;
  base::Bytes held_;           // the beginning of a frame that is not complete
  std::size_t streaming_ = 0;  // octets of the current frame that are still to pass
  char streaming_type_ = 0;

  std::vector<model::Reply>* replies_ = nullptr;  // of the current call
  model::Reply reply_;                            // being put together
  bool has_reply_ = false;
  base::View run_;  // octets of the current call that end reply_.wire and are not copied yet
  std::uint64_t last_op_ = model::Reply::kNoOp;  // was answered, and nobody was told that it ended
};

}  // namespace sallyport::proto::postgres
