#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/command.h"
#include "model/refusal.h"
#include "model/result_format.h"
#include "model/understanding.h"

namespace sallyport::proto {

/// The wire of one session after both logins: cuts each direction into steps and replies, owns the queue of outstanding
/// requests, and matches every reply to its op. Pure: no I/O, no clock; one session, one thread.
///
/// Client to target, for each read:   from_client -> Steps -> (judged, recorded) -> forward | refuse, in the same
/// order. Target to client, for each read:   from_target -> Replies -> (masked, recorded) -> written.
///
/// Guarantees, each shown by the property suite (proto/codec_properties.h): any chunking of the input gives the same
/// steps and the same bytes (split invariance); `wire` of everything yielded, in order, is every octet consumed
/// (accounted); never more than Limits held (bounded); any input ends in steps, need-more or an Error (total); a
/// refused Command is answered in its turn (refusal in order). After an Error the codec is dead: the session ends.
class Codec {
 public:
  Codec() = default;
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;
  virtual ~Codec() = default;

  /// Appends the steps that `octets` complete.
  virtual base::Result<void> from_client(base::View octets, std::vector<model::Step>& steps) = 0;

  /// Looks again for the text and types that a Command's name stands for. To be called before it is judged when a
  /// Command before it could change names, or when it names something and has no text: once nothing is outstanding,
  /// what is still unknown is unknown to the target as well. REQUIRES: the Command is not yet handed back.
  virtual void resolve(model::Command& command) { static_cast<void>(command); }

  /// Appends to `out` what the target is sent for an admitted Step, and expects its replies.
  /// REQUIRES: Steps are handed back in the order in which from_client gave them; each once, to forward or to refuse.
  /// `changes`: what the Command does to names, valid once the target confirms (empty for Chunk and Control).
  virtual void forward(const model::Step& step, const std::vector<model::NameChange>& changes, base::Bytes& out) = 0;

  /// Appends to `out` a deliberately invalid request in the Command's place; the target's error to it is replaced by
  /// `refusal`, so that the state afterwards (aborted transaction, skip to Sync) is the target's own.
  virtual void refuse(const model::Command& command, const model::Refusal& refusal, base::Bytes& out) = 0;

  /// Appends to `out` what makes the target answer what is outstanding without changing anything (PostgreSQL: Flush).
  /// The client never sees a trace of it.
  virtual void nudge(base::Bytes& out) = 0;

  /// Appends the replies that `octets` complete, or a part of one too large to hold. A Reply may be without octets: it
  /// tells of Commands that the target ignores. Without `octets`, what is known without an answer of the target:
  /// whoever waits for a Completion calls it so after the forward, since a target that ignores a Command stays silent.
  virtual base::Result<void> from_target(base::View octets, std::vector<model::Reply>& replies) = 0;

  /// What masks need of the replies. From here on.
  struct Sight {
    bool keeps_shapes = false;   // Section::shape is told
    std::size_t whole_rows = 0;  // rows up to this many octets are never cut, longer ones are an Error; 0: they are cut
  };
  virtual void look(Sight sight) = 0;
  virtual const model::ResultFormat& format() const = 0;

  /// The protocol's own way to end the session with a reason; to be written to the client before closing.
  virtual base::Bytes farewell(const model::Refusal& refusal) const = 0;
  /// A remark that the client shows and otherwise ignores (PostgreSQL: NOTICE); empty where the protocol has none.
  virtual base::Bytes notice(const model::Refusal& remark) const = 0;

  /// The text that a name stands for when the SQL itself uses it (EXECUTE name, FETCH FROM name); nullptr: not known.
  virtual const std::string* prepared_text(base::View name) const = 0;
  virtual const std::string* cursor_text(base::View name) const = 0;
  /// The number of the Command that made that cursor; nullopt: not certain.
  virtual std::optional<std::uint64_t> cursor_maker(base::View name) const = 0;

  /// True when the target would ignore the next Command, because an earlier one of the same pipeline failed.
  virtual bool is_skipping() const = 0;
  /// True when what is forwarded now shares a transaction with what was forwarded before, though none was begun.
  virtual bool is_pipelining() const = 0;
  /// True while the target owes an answer: a cancel request may be passed on only then.
  virtual bool is_outstanding() const = 0;
  /// The transaction state the target last told: 'I', 'T' or 'E'; 0 when the protocol has none.
  virtual char transaction() const = 0;
};

}  // namespace sallyport::proto
