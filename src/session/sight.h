#pragma once
#include <memory>
#include <vector>

#include "mask/masker.h"

namespace sallyport::session {

/// What masking needs to know of one target on one core. Good until the rules change.
struct Sight {
  bool has_column_masks = false;
  /// Something besides the target's own credential is looked for.
  bool has_detectors = false;
  std::shared_ptr<const std::vector<mask::Finders>> finders{};
  mask::Scratch* scratch = nullptr;  // of the core
  std::size_t masked_row = 0;        // octets of a row that are read whole
};

}  // namespace sallyport::session
