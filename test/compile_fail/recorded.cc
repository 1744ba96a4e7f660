// Only audit::Recorder makes an Appended or a Recorded; neither is copied, and what is only appended cannot be
// forwarded.
#include <type_traits>

#include "audit/recorder.h"

using namespace sallyport;

using Permitted = audit::Recorded<policy::Permit>;
using Denied = audit::Recorded<policy::Denial>;
using Answered = audit::Recorded<mask::Masked>;
static_assert(std::is_move_constructible_v<Permitted> && !std::is_default_constructible_v<Permitted>);
static_assert(!std::is_copy_constructible_v<Denied> && !std::is_copy_assignable_v<Denied>);
static_assert(!std::is_copy_constructible_v<audit::Appended<mask::Masked>>);

const policy::Permit& allowed(const Permitted& recorded) { return recorded.value(); }

#if OFFENDING == 1  // a permit is called recorded => calling a private constructor of class 'sallyport::audit::Recorded
void record(policy::Permit permit) { Permitted recorded(std::move(permit)); }
#endif
#if OFFENDING == 2  // a denial is called recorded => calling a private constructor of class 'sallyport::audit::Recorded
void record(policy::Denial denial) { Denied recorded(std::move(denial)); }
#endif
#if OFFENDING == 3  // a reply is called recorded => calling a private constructor of class 'sallyport::audit::Recorded
void record(mask::Masked masked) { Answered recorded(std::move(masked)); }
#endif
#if OFFENDING == 4  // a reply is called appended => calling a private constructor of class 'sallyport::audit::Appended
void append(mask::Masked masked) { audit::Appended<mask::Masked> appended(std::move(masked), 0); }
#endif
#if OFFENDING == 5  // a Recorded is copied => call to implicitly-deleted copy constructor
Permitted copy(const Permitted& recorded) { return recorded; }
#endif
#if OFFENDING == 6  // an Appended is taken for a Recorded => no viable conversion
Answered early(audit::Appended<mask::Masked> appended) { return std::move(appended); }
#endif
#if OFFENDING == 7  // a Permit is taken for a recorded one => no viable conversion
Permitted unrecorded(policy::Permit permit) { return std::move(permit); }
#endif
#if OFFENDING == 8  // what is only appended is taken out to be forwarded => drops 'const' qualifier
mask::Masked& take(audit::Appended<mask::Masked>& appended) { return appended.peek(); }
#endif
#if OFFENDING == 9  // a Recorder is copied => call to deleted constructor of 'audit::Recorder'
audit::Recorder copy(audit::Recorder& recorder) { return recorder; }
#endif
