#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mask/finders.h"
#include "model/command.h"
#include "model/result_format.h"
#include "policy/masks.h"

/// What a client may see of a Reply. Pure.
namespace sallyport::mask {

/// Where masking changed a Reply's octets.
struct Change {
  std::size_t begin = 0, size = 0;  // octets of the raw Reply
  std::size_t masked_size = 0;      // octets in their place
  std::uint32_t rule = 0;           // of Masked::rules()
};

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
  /// In order, not overlapping.
  const std::vector<Change>& changes() const { return changes_; }
  /// Names of the masks that changed something.
  const std::vector<std::string>& rules() const { return rules_; }

 private:
  friend class Masker;
  explicit Masked(model::Reply&& reply) : reply_(std::move(reply)) {}
  std::uint32_t rule(const std::string& name);
  model::Reply reply_;
  base::Bytes raw_{};
  bool is_changed_ = false;
  std::vector<Change> changes_{};
  std::vector<std::string> rules_{};
};

/// Memory that masking needs while it is at work: one a core.
struct Scratch {
  model::Rows rows{};
  std::vector<model::Cell> cells{};
  std::vector<base::Bytes> storage{};
  std::vector<Hit> hits{};
  std::vector<Part> parts{};
};

/// Masks one session's replies, in their order. One session, one thread.
///
/// A value is masked when its column is (by the plan of its Command, which the target's own description must not
/// contradict), when a Command has no plan though the target has column masks, and where detectors find something in
/// it. Once a Command that mentions a masked column was answered, texts of errors and notices say nothing until its
/// transaction is over.
class Masker {
 public:
  struct Options {
    bool has_column_masks = false;
    /// What all of it is looked through for: the target's own credential, detectors. nullptr: for nothing.
    std::shared_ptr<const std::vector<Finders>> finders{};
    const model::ResultFormat* format = nullptr;  // nullptr: of the gateway's own session, where nothing is masked
    Scratch* scratch = nullptr;                   // outlives the Masker; nullptr: it has its own
  };
  Masker() : Masker(Options{}) {}
  explicit Masker(Options options);

  /// Before anything is expected or masked.
  void begin(Options options);

  /// A Command was forwarded. Called in order; `plan` may be nullptr.
  void expect(std::uint64_t command, std::shared_ptr<const policy::MaskPlan> plan);
  /// Also when the target's masks change.
  void look_for(bool has_column_masks, std::shared_ptr<const std::vector<Finders>> finders) {
    options_.has_column_masks = has_column_masks;
    options_.finders = std::move(finders);
  }

  /// Error: what the target sent cannot be read, so that it cannot be masked: the session ends.
  base::Result<Masked> mask(model::Reply&& reply);

 private:
  struct Place {
    std::uint64_t command = ~std::uint64_t{0};
    std::uint32_t statement = 0;
    friend bool operator==(const Place&, const Place&) = default;
  };
  /// How one column of the result at hand is shown.
  struct Shown {
    const policy::MaskRule* mask = nullptr;
    policy::MaskWay way{};
    std::uint32_t type = 0;
    Form form = Form::text;
    bool is_known = false;  // type and form
  };
  struct Current {
    Place place{};
    std::shared_ptr<const model::ResultShape> shape{};
    std::optional<std::vector<model::Column>> columns{};
    std::optional<std::vector<Shown>> shown{};  // of rows of the width that it has
    bool masks_any = false;
    std::unique_ptr<model::CopyRewriter> copy{};
  };
  class Writing;
  class CopyRows;

  const policy::MaskPlan* plan_of(std::uint64_t command) const;
  const model::StatementLineage* lineage_of(const Place& place) const;
  void turn_to(const model::Section& section);
  void show(std::size_t width);
  Shown decide(std::size_t column, std::size_t width) const;
  bool agrees(const model::Column& column, const model::ResultColumn& traced) const;
  bool concerns(const model::Section& section, base::View wire, bool finds);
  base::Result<void> write(const model::Section& section, Writing& out, bool finds);
  base::Result<void> write_rows(const model::Section& section, Writing& out, bool finds);
  base::Result<void> write_copy(const model::Section& section, Writing& out, bool finds);
  base::Result<void> write_value(const model::Section& section, Writing& out, bool finds);
  base::Result<void> write_text(const model::Section& section, Writing& out);
  void write_part(const model::Section& section, Writing& out);
  /// False: the cell stays as it is.
  bool mask_cell(model::Cell& cell, const Shown& shown, bool finds, base::Bytes& storage, const policy::MaskRule*& by);
  std::optional<std::string> mask_text(base::View text, const policy::MaskRule*& by);
  void settle(model::Reply& reply);

  Options options_;
  struct Expected {
    std::uint64_t command;
    std::shared_ptr<const policy::MaskPlan> plan;
  };
  std::deque<Expected> expected_{};
  Current current_{};
  bool is_veiled_ = false;
  std::unique_ptr<Scratch> own_{};
  Scratch* scratch_ = nullptr;
};

}  // namespace sallyport::mask
