#pragma once
#include "approval/desk.h"

/// The meta of the `hold` and `approval` events in a session's chain (docs/formats/trail.md section 3). Pure.
namespace sallyport::approval {

/// Before it waits: all that approvers will see, but for secrets that `hider` finds.
base::Bytes hold_meta(const Status& status, const mask::Hider& hider);
/// How it ended.
base::Bytes approval_meta(const Status& status);

}  // namespace sallyport::approval
