#pragma once
#include "audit/recorder.h"
#include "net/stream.h"
#include "proto/codec.h"

namespace sallyport::session {

/// The only way to the target after its login: it takes what was judged and recorded, and has no overload for anything
/// else (test/compile_fail). One core; called by the coroutine that reads the client, alone.
class TargetWriter {
 public:
  /// Both must outlive the writer.
  TargetWriter(net::Stream& stream, proto::Codec& codec) : stream_(stream), codec_(codec) {}

  void send(audit::Recorded<policy::Permit> permit);
  /// Enacted at the target: something that fails there takes the Command's place, so that the state is the target's
  /// own.
  void send(audit::Recorded<policy::Denial> denial);
  /// Makes the target answer what is outstanding; changes nothing there.
  void nudge();

  /// Writes what was sent so far. Throws boost::system::system_error.
  net::Task<> flush();

 private:
  net::Stream& stream_;
  proto::Codec& codec_;
  base::Bytes out_;
};

}  // namespace sallyport::session
