#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/principal.h"
#include "model/refusal.h"
#include "model/understanding.h"
#include "policy/rules.h"

/// Which values of a target are masked, and what is refused because it would tell about them (DESIGN.md section 6,
/// docs/masks.md). How a value is masked is mask's. Immutable, shared between threads. Pure.
namespace sallyport::policy {

/// What becomes of a value.
struct MaskWay {
  enum class Kind : std::uint8_t {
    keep_last,  // the last `keep` characters of a text stay, at most a quarter of it
    redact,     // "[masked:NAME]" in a text, NULL elsewhere
    null,
  };
  Kind kind = Kind::redact;  // of two masks the later kind wins; of two keep_last the smaller
  std::uint32_t keep = 0;
};

/// Of two masks of one value the stronger counts.
bool is_stronger(MaskWay one, MaskWay other);

/// A mask as the configuration states it: either `columns` or `find`.
struct MaskRule {
  std::string name{};
  Rule::On on{};
  std::vector<std::string> columns{};  // globs, SCHEMA.TABLE.COLUMN or TABLE.COLUMN in any schema
  std::vector<std::string> find{};     // names of detectors (mask/detectors.h)
  MaskWay way{};
  bool allows_oracle = false;  // it may be used in WHERE and the like all the same
};

class TargetMasks;

/// What of one Command's results is masked. Made by TargetMasks; immutable.
struct MaskPlan {
  struct Column {
    const MaskRule* mask = nullptr;  // nullptr: clear
    MaskWay way{};
  };
  std::shared_ptr<const TargetMasks> masks{};                   // owns what `mask` points at
  std::shared_ptr<const model::Understanding> understanding{};  // whose lineage the results' OIDs must agree with
  /// In the order of understanding->lineage.statements and of their results; empty: nothing is masked.
  std::vector<std::vector<Column>> results{};
  bool is_veiled = false;  // it mentions a masked column, or what is not traced: texts of errors and notices are masked
};

/// The masks of one target.
class TargetMasks : public std::enable_shared_from_this<TargetMasks> {
 public:
  /// Those of `all` that are about `target`; nullptr: there are none.
  static std::shared_ptr<const TargetMasks> of(const std::vector<MaskRule>& all, const model::TargetName& target);

  bool has_columns() const { return has_columns_; }
  const std::vector<MaskRule>& rules() const { return rules_; }

  /// What a client could infer from a masked column, by default refused; nullopt: nothing.
  std::optional<model::Refusal> judge(const model::Understanding& what) const;
  std::shared_ptr<const MaskPlan> plan(std::shared_ptr<const model::Understanding> what) const;

  /// What masks this column; nullptr: nothing does.
  const MaskRule* mask_of(const model::LineageColumn& column) const;
  /// For values that cannot be traced.
  static const MaskRule& untraced();

 private:
  explicit TargetMasks(std::vector<MaskRule> rules);
  std::vector<const MaskRule*> masks_of(const model::Lineage& lineage) const;
  const MaskRule* forbids(const model::LineageColumn& column) const;
  const MaskRule* loses(std::string_view schema) const;

  std::vector<MaskRule> rules_;
  bool has_columns_ = false;
};

/// What TargetMasks said of the latest Understandings, which are shared by the texts of one shape. One thread: one a
/// core.
class MaskPlans {
 public:
  struct Entry {
    std::optional<model::Refusal> refusal{};
    std::shared_ptr<const MaskPlan> plan{};  // never nullptr
  };
  const Entry& of(const TargetMasks& masks, const std::shared_ptr<const model::Understanding>& what);

 private:
  static constexpr std::size_t kKept = 512;
  struct Key {
    const TargetMasks* masks;
    const model::Understanding* what;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  std::map<Key, Entry> entries_{};
};

}  // namespace sallyport::policy
