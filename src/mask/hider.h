#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mask/masker.h"

/// What the trail's readable part holds of what a client sends. Pure.
namespace sallyport::mask {

/// Octets in which what detectors found is overwritten by `*`: lengths stay, so that frames stay frames.
struct Hidden {
  base::Bytes octets{};
  std::vector<Change> changes{};     // in order
  std::vector<std::string> rules{};  // Change::rule is of these
};

/// Looks for secrets in what goes to the target and to the trail. The client's own octets go on as they are.
class Hider {
 public:
  Hider() = default;  // hides nothing
  explicit Hider(std::shared_ptr<const std::vector<Finders>> finders) : finders_(std::move(finders)) {}
  /// False: hide() of any part of `octets` finds nothing.
  bool may_find(base::View octets) const;
  /// nullopt: there is nothing to hide. `values` stand somewhere in `octets` and are looked at by themselves as well.
  std::optional<Hidden> hide(base::View octets, std::span<const base::View> values = {}) const;
  /// The same, for a text.
  std::string shown(base::View text) const;

 private:
  std::shared_ptr<const std::vector<Finders>> finders_{};
};

}  // namespace sallyport::mask
