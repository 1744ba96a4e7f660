#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "model/command.h"
#include "proto/postgres/codec.h"
#include "proto/postgres/names.h"
#include "proto/postgres/request.h"
#include "proto/postgres/shapes.h"

/// The requests that were forwarded and not yet answered, in order, and what each message of the target means to them.
/// Pure; one thread.
///
/// 1. The target answers in the order of requests; the front one is the one being answered.
/// 2. An error inside the extended protocol makes the target ignore everything until a Sync that it reads as one: the
///    requests up to there are marked as skipped, and what is pushed later is born skipped until a Sync is pushed.
/// 3. Query and FunctionCall end with ReadyForQuery, also after an error; Sync is answered by it alone.
/// 4. Inside COPY FROM STDIN the target ignores Sync and Flush. A Sync before the CopyDone was swallowed if the COPY
///    succeeded; if it failed, it was swallowed or not, depending on a race inside the target: it is taken for
///    swallowed, and one ReadyForQuery more than expected is then let through (`stray_ready_`).
/// 5. A request that was refused is answered by an error or it is skipped. Anything else is an Error: the substitute
/// did
///    not stay without effect.
namespace sallyport::proto::postgres {

class Outstanding {
 public:
  enum class Answer : std::uint8_t {
    pass,     // as it is
    replace,  // by the refusal of the front request: `refusal()`
  };

  /// `names` outlives it.
  Outstanding(const Limits& limits, Names& names) : limits_(limits), names_(names), shapes_(limits.names) {}
  void keep_shapes() { keeps_shapes_ = true; }

  /// What was forwarded, or refused (then `request.refusal` is set). Requests without an answer are noted, not kept.
  base::Result<void> push(Request&& request);

  /// A message of the target that is no notice, notification or parameter; adds what it means to `reply`.
  base::Result<Answer> take(char type, base::View body, model::Reply& reply);
  /// The refusal that the last `take` put in the place of the target's error.
  const model::Refusal& refusal() const { return *refusal_; }

  /// The op that the next message of the target answers; Reply::kNoOp when none is outstanding.
  std::uint64_t op() const { return queue_.is_empty() ? model::Reply::kNoOp : queue_.front().op; }
  /// The Command that the next message of the target answers, and which of its statements.
  struct Place {
    std::uint64_t command = ~std::uint64_t{0};
    std::uint32_t statement = 0;
  };
  Place place() const;
  /// What was said of the rows that come now; nullptr: nothing, or it stands before them.
  std::shared_ptr<const model::ResultShape> shape();
  /// Takes away a front request that will not be answered. False: the front one is live, or there is none.
  bool drop_unanswered(std::optional<model::Completion>& completion);
  /// True when rows may come: bulk is passed without looking at the queue for each.
  bool takes_rows() const;

  bool is_skipping() const { return is_skipping_; }
  bool is_pipelining() const { return is_extended_; }
  bool is_outstanding() const { return live_ != 0; }
  char transaction() const { return transaction_; }

 private:
  using Taken = base::Result<Answer>;
  Taken take_error(base::View body, model::Reply& reply);
  Taken take_ready(base::View body, model::Reply& reply);
  Taken take_result(char type, base::View body, model::Reply& reply);
  Taken take_description(char type, base::View body, model::Reply& reply);
  Taken take_complete(model::Reply& reply);
  Taken begin_copy_in();
  void end_copy(bool is_done);
  void skip_until_sync();
  void apply_tag(base::View tag);
  void finish(model::Completion::Outcome outcome, model::Reply& reply);
  void undo(const Request& request);

  const Limits limits_;
  Names& names_;
  Shapes shapes_;
  bool keeps_shapes_ = false;
  Fifo<Request> queue_;
  std::optional<model::Refusal> refusal_;
  std::size_t live_ = 0;
  std::size_t stray_ready_ = 0;
  bool is_skipping_ = false;   // what is pushed now is ignored by the target
  bool is_extended_ = false;   // an error now would make it skip
  bool is_copy_open_ = false;  // the front COPY reads, and its end was not forwarded
  char transaction_ = 'I';
};

}  // namespace sallyport::proto::postgres
