#include "mask/masker.h"

namespace sallyport::mask {

Masked Masker::mask(model::Reply&& reply, const MaskPlan&) const { return Masked(std::move(reply)); }

}  // namespace sallyport::mask
