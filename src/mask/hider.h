#pragma once
#include <optional>
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
  /// nullopt: there is nothing to hide.
  std::optional<Hidden> hide(base::View octets) const;
  /// The same, for a text.
  std::string shown(base::View text) const;

 private:
  std::shared_ptr<const std::vector<Finders>> finders_{};
};

}  // namespace sallyport::mask
