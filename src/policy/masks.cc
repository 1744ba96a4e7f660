#include "policy/masks.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "policy/matching.h"

namespace sallyport::policy {
namespace {

using model::Effect;
using model::LineageColumn;

/// The part of a glob behind its last dot; the glob loses it.
std::string_view take_last(std::string_view& glob) {
  const auto dot = glob.rfind('.');
  const std::string_view last = dot == std::string_view::npos ? glob : glob.substr(dot + 1);
  glob = dot == std::string_view::npos ? std::string_view{} : glob.substr(0, dot);
  return last;
}

/// What is not known of a column matches.
bool may_match(std::string_view glob, const LineageColumn& column) {
  const std::string_view name = take_last(glob);
  const std::string_view table = take_last(glob);
  return (column.column.empty() || glob_matches(name, column.column)) && glob_matches(table, column.relation) &&
         (glob.empty() || column.schema.empty() || glob_matches(glob, column.schema));
}

std::string text_of(const LineageColumn& column) {
  std::string text = column.schema.empty() ? "" : column.schema + ".";
  text += column.relation + ".";
  return text + (column.column.empty() ? "*" : column.column);
}

bool is_untraced(const model::Lineage& lineage) {
  const auto of_result = [](const model::ResultColumn& result) { return result.origin.is_untraced; };
  return std::ranges::any_of(lineage.sinks, [](const model::Sink& sink) { return sink.origin.is_untraced; }) ||
         std::ranges::any_of(lineage.statements, [&](const model::StatementLineage& statement) {
           return std::ranges::any_of(statement.results, of_result);
         });
}

model::Refusal refusal_of(const MaskRule& mask, const std::string& what, const std::string& place, bool stores) {
  return {.rule = mask.name,
          .message = "refused by mask " + mask.name + ": " + what + " is used in " + place,
          .detail = stores ? "A masked value may only be selected: stored elsewhere it could be read from there."
                           : "A masked value may only be selected: what it decides would tell about it.",
          .hint =
              "Select it, and it is shown masked; choose, order and compute by other columns. Who keeps the masks "
              "can permit this with oracle: allow."};
}

/// The first statement that changes what there is.
std::string_view change_of(const model::Understanding& what) {
  const auto found = std::ranges::find_if(
      what.statements, [](const model::Statement& statement) { return statement.effects.has(Effect::schema); });
  return found == what.statements.end() ? "it" : std::string_view(found->kind);
}

model::Refusal refusal_of_change(const MaskRule& mask, const model::Understanding& by, const std::string& what) {
  return {
      .rule = mask.name,
      .message = "refused by mask " + mask.name + ": " + std::string(change_of(by)) + " changes what " + what + " is",
      .detail = "Under another name or definition the column would no longer be masked.",
      .hint = "Who keeps the masks can permit this with oracle: allow."};
}

}  // namespace

bool is_stronger(MaskWay one, MaskWay other) {
  if (one.kind != other.kind) return one.kind > other.kind;
  return one.kind == MaskWay::Kind::keep_last && one.keep < other.keep;
}

TargetMasks::TargetMasks(std::vector<MaskRule> rules) : rules_(std::move(rules)) {
  has_columns_ = std::ranges::any_of(rules_, [](const MaskRule& rule) { return !rule.columns.empty(); });
}

std::shared_ptr<const TargetMasks> TargetMasks::of(const std::vector<MaskRule>& all, const model::TargetName& target) {
  std::vector<MaskRule> own;
  for (const MaskRule& rule : all) {
    if (is_about(rule.on, target)) own.push_back(rule);
  }
  if (own.empty()) return nullptr;
  return std::shared_ptr<const TargetMasks>(new TargetMasks(std::move(own)));
}

const MaskRule& TargetMasks::untraced() {
  static const MaskRule kUntraced{.name = "untraced"};
  return kUntraced;
}

const MaskRule* TargetMasks::mask_of(const LineageColumn& column) const {
  const MaskRule* strongest = nullptr;
  for (const MaskRule& rule : rules_) {
    const bool matches =
        std::ranges::any_of(rule.columns, [&](const std::string& glob) { return may_match(glob, column); });
    if (matches && (strongest == nullptr || is_stronger(rule.way, strongest->way))) strongest = &rule;
  }
  return strongest;
}

std::vector<const MaskRule*> TargetMasks::masks_of(const model::Lineage& lineage) const {
  std::vector<const MaskRule*> masks;
  masks.reserve(lineage.columns.size());
  for (const LineageColumn& column : lineage.columns) masks.push_back(mask_of(column));
  return masks;
}

/// Of several masks of one column each counts: one that does not permit it is enough.
const MaskRule* TargetMasks::forbids(const LineageColumn& column) const {
  for (const MaskRule& rule : rules_) {
    if (!rule.allows_oracle &&
        std::ranges::any_of(rule.columns, [&](const std::string& glob) { return may_match(glob, column); }))
      return &rule;
  }
  return nullptr;
}

/// Every relation of this schema gets another name: a glob that states the schema would no longer match.
const MaskRule* TargetMasks::loses(std::string_view schema) const {
  for (const MaskRule& rule : rules_) {
    if (rule.allows_oracle) continue;
    for (std::string_view glob : rule.columns) {
      take_last(glob);
      take_last(glob);
      if (!glob.empty() && glob_matches(glob, schema)) return &rule;
    }
  }
  return nullptr;
}

std::optional<model::Refusal> TargetMasks::judge(const model::Understanding& what) const {
  const model::Lineage& lineage = what.lineage;
  if (!has_columns_) return std::nullopt;
  const auto strict =
      std::ranges::find_if(rules_, [](const MaskRule& rule) { return !rule.columns.empty() && !rule.allows_oracle; });
  if (strict == rules_.end()) return std::nullopt;
  for (const model::StatementLineage& statement : lineage.statements) {
    if (statement.is_copy && !statement.copy.is_readable)
      return model::Refusal{.rule = strict->name,
                            .message =
                                "refused: COPY with these options is not read by the gateway, which has columns "
                                "of this target to mask",
                            .hint = "Use FORMAT text, csv or binary, in UTF8."};
  }
  for (const model::Sink& sink : lineage.sinks) {
    const bool stores = sink.kind == model::Sink::Kind::stores;
    for (const std::uint32_t index : sink.origin.from) {
      if (const MaskRule* mask = forbids(lineage.columns[index]))
        return refusal_of(*mask, text_of(lineage.columns[index]), sink.place, stores);
    }
    if (sink.origin.is_untraced)
      return refusal_of(untraced(), "a value that cannot be traced, and may be a masked one,", sink.place, stores);
  }
  for (const std::uint32_t index : lineage.redefined) {
    if (const MaskRule* mask = forbids(lineage.columns[index]))
      return refusal_of_change(*mask, what, text_of(lineage.columns[index]));
  }
  const bool renames_schema = std::ranges::any_of(
      what.statements, [](const model::Statement& statement) { return statement.kind == "ALTER SCHEMA"; });
  for (const model::Relation& relation : what.relations) {
    if (!renames_schema || relation.name != "*" || !relation.is_written) continue;
    if (const MaskRule* mask = loses(relation.schema))
      return refusal_of_change(*mask, what, "schema " + relation.schema);
  }
  return std::nullopt;
}

std::shared_ptr<const MaskPlan> TargetMasks::plan(std::shared_ptr<const model::Understanding> what) const {
  auto plan = std::make_shared<MaskPlan>();
  plan->masks = shared_from_this();
  plan->understanding = std::move(what);
  if (!has_columns_) return plan;
  const model::Lineage& lineage = plan->understanding->lineage;
  const auto masks = masks_of(lineage);
  plan->is_veiled = std::ranges::any_of(masks, [](const MaskRule* mask) { return mask != nullptr; }) ||
                    plan->understanding->effects.meets({Effect::call, Effect::unknown}) || is_untraced(lineage);
  bool masks_any = false;
  std::vector<std::vector<MaskPlan::Column>> results;
  for (const model::StatementLineage& statement : lineage.statements) {
    auto& columns = results.emplace_back();
    for (const model::ResultColumn& result : statement.results) {
      MaskPlan::Column column;
      const auto take = [&](const MaskRule& mask) {
        if (column.mask != nullptr && !is_stronger(mask.way, column.way)) return;
        column = {&mask, mask.way};
      };
      for (const std::uint32_t index : result.origin.from) {
        if (masks[index] != nullptr) take(*masks[index]);
      }
      if (result.origin.is_untraced) take(untraced());
      // The last characters of a value are only known of the value itself.
      if (column.way.kind == MaskWay::Kind::keep_last && !result.is_plain) column.way = {.kind = MaskWay::Kind::redact};
      masks_any = masks_any || column.mask != nullptr;
      columns.push_back(column);
    }
  }
  if (masks_any) plan->results = std::move(results);
  return plan;
}

const MaskPlans::Entry& MaskPlans::of(const TargetMasks& masks,
                                      const std::shared_ptr<const model::Understanding>& what) {
  const Key key{&masks, what.get()};
  if (const auto known = entries_.find(key); known != entries_.end()) return known->second;
  if (entries_.size() >= kKept) entries_.clear();
  // The plan owns both that the key points at.
  return entries_.emplace(key, Entry{masks.judge(*what), masks.plan(what)}).first->second;
}

}  // namespace sallyport::policy
