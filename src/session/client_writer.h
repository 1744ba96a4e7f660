#pragma once
#include <vector>

#include "audit/recorder.h"
#include "net/signal.h"
#include "net/stream.h"
#include "proto/codec.h"

namespace sallyport::session {

/// The only way to the client after its login: it takes what was masked and recorded, and has no overload for anything
/// else (test/compile_fail), but for the gateway's own words: that a Command waits for people, and the last ones. One
/// core.
///
/// OPEN -queue*-> OPEN -drain | finish-> DRAINING -run returns-> DONE
class ClientWriter {
 public:
  /// All must outlive the writer. `limit`: octets that may wait; room() waits below it.
  ClientWriter(net::Stream& stream, audit::Recorder& recorder, const proto::Codec& codec, std::size_t limit)
      : stream_(stream), recorder_(recorder), codec_(codec), limit_(limit) {}

  /// Replies whose recording is under way: they go out in order, each once its event is durable.
  void queue(std::vector<audit::Appended<mask::Masked>> replies);
  void send(audit::Recorded<mask::Masked> reply);
  /// Tells the client, as soon as no frame is half written, that what was recorded as held waits for people.
  void announce(const audit::Recorded<policy::Hold>& held, const model::Refusal& remark);

  /// Waits until fewer octets than the limit are queued.
  net::Task<> room();
  /// Nothing more will be queued.
  void drain();
  /// As drain(), with the protocol's own fatal error behind what is queued.
  void finish(const model::Refusal& reason);
  /// Gives up what is queued and not written: it cannot be recorded any more.
  void discard();
  /// The client is gone: run() and room() return.
  void abandon();

  /// The one coroutine that writes to the client. Returns when drained. Throws audit::Unavailable, system_error.
  net::Task<> run();

 private:
  net::Task<> flush();

  net::Stream& stream_;
  audit::Recorder& recorder_;
  const proto::Codec& codec_;
  const std::size_t limit_;
  std::vector<audit::Appended<mask::Masked>> queue_;
  std::size_t queued_ = 0;  // octets in queue_ and in what run() is writing
  base::Bytes out_;
  base::Bytes remarks_;  // whole frames of ours
  base::Bytes last_words_;
  net::Signal work_, room_;
  bool is_draining_ = false;
  bool is_abandoned_ = false;
  bool is_inside_frame_ = false;  // a part of a streamed frame went out last: no frame of ours may follow
};

}  // namespace sallyport::session
