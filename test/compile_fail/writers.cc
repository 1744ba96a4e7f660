// The writers take what was judged, masked and recorded, and have no overload for anything else.
#include "session/client_writer.h"
#include "session/target_writer.h"

using namespace sallyport;
using session::ClientWriter;
using session::TargetWriter;

void allowed(TargetWriter& target, ClientWriter& client, audit::Recorded<policy::Permit> permit,
             audit::Recorded<policy::Denial> denial, audit::Recorded<mask::Masked> masked) {
  target.send(std::move(permit));
  target.send(std::move(denial));
  client.send(std::move(masked));
}

#if OFFENDING == 1  // octets to the target => no matching member function for call to 'send'
void octets(TargetWriter& writer, base::Bytes octets) { writer.send(octets); }
#endif
#if OFFENDING == 2  // an unjudged Step to the target => no matching member function for call to 'send'
void step(TargetWriter& writer, model::Step step) { writer.send(std::move(step)); }
#endif
#if OFFENDING == 3  // an unjudged Command to the target => no matching member function for call to 'send'
void command(TargetWriter& writer, model::Command command) { writer.send(std::move(command)); }
#endif
#if OFFENDING == 4  // an unrecorded Permit to the target => no matching member function for call to 'send'
void permit(TargetWriter& writer, policy::Permit permit) { writer.send(std::move(permit)); }
#endif
#if OFFENDING == 5  // an unrecorded Denial to the target => no matching member function for call to 'send'
void denial(TargetWriter& writer, policy::Denial denial) { writer.send(std::move(denial)); }
#endif
#if OFFENDING == 6  // a Permit that is only appended to the target => no matching member function for call to 'send'
void appended(TargetWriter& writer, audit::Appended<policy::Decided> decided) { writer.send(std::move(decided)); }
#endif
#if OFFENDING == 7  // a recorded answer to the target => no matching member function for call to 'send'
void answer(TargetWriter& writer, audit::Recorded<mask::Masked> masked) { writer.send(std::move(masked)); }
#endif
#if OFFENDING == 8  // an open Hold to the target => no matching member function for call to 'send'
void hold(TargetWriter& writer, policy::Hold hold) { writer.send(std::move(hold)); }
#endif
#if OFFENDING == 9  // octets to the client => no viable conversion
void octets_back(ClientWriter& writer, base::Bytes octets) { writer.send(octets); }
#endif
#if OFFENDING == 10  // an unmasked Reply to the client => no viable conversion
void reply(ClientWriter& writer, model::Reply reply) { writer.send(std::move(reply)); }
#endif
#if OFFENDING == 11  // an unrecorded Masked to the client => no viable conversion
void masked(ClientWriter& writer, mask::Masked masked) { writer.send(std::move(masked)); }
#endif
#if OFFENDING == 12  // a Masked that is only appended to the client at once => no viable conversion
void appended_back(ClientWriter& writer, audit::Appended<mask::Masked> masked) { writer.send(std::move(masked)); }
#endif
#if OFFENDING == 13  // a recorded request to the client => no viable conversion
void request(ClientWriter& writer, audit::Recorded<policy::Permit> permit) { writer.send(std::move(permit)); }
#endif
#if OFFENDING == 14  // the same recorded permit twice => uses deleted function
void twice(TargetWriter& writer, audit::Recorded<policy::Permit>& permit) {
  writer.send(audit::Recorded<policy::Permit>(permit));
}
#endif
#if OFFENDING == 15  // the client is told of a Hold that is not recorded => no viable conversion
void announce(ClientWriter& writer, policy::Hold hold) { writer.announce(std::move(hold), model::Refusal{}); }
#endif
#if OFFENDING == 16  // a recorded Hold to the target => no matching member function for call to 'send'
void held(TargetWriter& writer, audit::Recorded<policy::Hold> hold) { writer.send(std::move(hold)); }
#endif
