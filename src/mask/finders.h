#pragma once
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "mask/detectors.h"
#include "mask/ways.h"
#include "policy/masks.h"

/// What is looked for on one target, and by which mask what is found is masked. Pure; one thread: a Scanner is a
/// core's.
namespace sallyport::mask {

struct Finders {
  std::shared_ptr<Scanner> scanner{};  // of the core; not nullptr
  std::vector<policy::MaskRule>
      rules{};  // one for each of the scanner's detectors; without a name: what it finds stays
};

/// False: find_parts() of any part of `octets` finds nothing.
bool may_find(const std::vector<Finders>& finders, base::View octets);

/// `parts` becomes what all of them find in `value`: in order; what overlaps is one, by the strongest of its masks, so
/// that no octet of any is left over. Their masks are valid as long as `finders`. `hits` is memory to work in.
void find_parts(const std::vector<Finders>& finders, base::View value, std::vector<Hit>& hits,
                std::vector<Part>& parts);

}  // namespace sallyport::mask
