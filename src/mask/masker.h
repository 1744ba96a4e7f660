#pragma once
#include <utility>
#include <vector>

#include "model/command.h"

/// What a client may see of a Reply. Pure.
namespace sallyport::mask {

/// Which columns of an op's result are masked, and how. The first version masks nothing.
struct MaskPlan {};

/// A Reply as the client may see it. Only Masker makes one. Move-only.
class Masked {
 public:
  Masked(Masked&&) noexcept = default;
  Masked& operator=(Masked&&) noexcept = default;
  /// `reply().wire` is the masked octets.
  const model::Reply& reply() const { return reply_; }
  /// The octets as the target sent them; the same as `reply().wire` when nothing was masked.
  base::View raw() const { return is_changed_ ? base::View(raw_) : base::View(reply_.wire); }
  bool is_changed() const { return is_changed_; }

 private:
  friend class Masker;
  explicit Masked(model::Reply&& reply) : reply_(std::move(reply)) {}
  model::Reply reply_;
  base::Bytes raw_{};
  bool is_changed_ = false;
};

class Masker {
 public:
  Masked mask(model::Reply&& reply, const MaskPlan& plan) const;
};

}  // namespace sallyport::mask
