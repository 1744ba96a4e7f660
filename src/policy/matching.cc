#include "policy/matching.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace sallyport::policy {
namespace {

using model::Effect;
using model::EffectSet;
using model::Understanding;

bool contains(const std::vector<std::string>& list, std::string_view item) {
  return std::ranges::find(list, item) != list.end();
}

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; };
    return upper(x) == upper(y);
  });
}

/// Cuts the last part off `glob`, and the dot before it; what is left may be empty.
std::string_view take_last_part(std::string_view& glob) {
  const auto dot = glob.rfind('.');
  const std::string_view part = dot == std::string_view::npos ? glob : glob.substr(dot + 1);
  glob = dot == std::string_view::npos ? std::string_view{} : glob.substr(0, dot);
  return part;
}

/// Part by part, because a name may hold dots. A part that the glob does not state is any.
bool relation_matches(std::string_view glob, std::string_view schema, std::string_view name) {
  if (!glob_matches(take_last_part(glob), name)) return false;
  return glob.empty() || glob_matches(glob, schema);
}

/// A relation whose schema is not known might be the one that the glob means; "*" is any relation (model::Relation).
bool relation_may_match(std::string_view glob, std::string_view schema, std::string_view name) {
  const std::string_view glob_name = take_last_part(glob);
  if (name != "*" && !glob_matches(glob_name, name)) return false;
  return schema.empty() || glob.empty() || glob_matches(glob, schema);
}

bool is_about_relations(std::string_view kind) {
  static constexpr std::string_view kWords[] = {"TABLE",   "VIEW", "INDEX",  "SEQUENCE",
                                                "TRIGGER", "RULE", "POLICY", "INTO"};
  return std::ranges::any_of(kWords, [&](auto word) { return kind.find(word) != std::string_view::npos; });
}

bool relations_are_covered(const Rule::If& when, const Understanding& what) {
  return std::ranges::all_of(
             what.relations,
             [&](const auto& relation) { return relation.is_implied || names_relation(when, relation); }) &&
         std::ranges::all_of(what.statements, [](const model::Statement& statement) {
           return !statement.effects.has(Effect::schema) || is_about_relations(statement.kind);
         });
}

bool patterns_cover(const Rule::If& when, const Subject& subject) {
  const auto is_matched = [&](const std::string& text) {
    return std::ranges::any_of(when.patterns, [&](const Pattern& pattern) { return pattern.matches_whole(text); });
  };
  return subject.text != nullptr && is_matched(*subject.text) &&
         std::ranges::all_of(subject.what.stored, [&](const auto& stored) { return is_matched(stored.text); });
}

bool patterns_meet(const Rule::If& when, const Subject& subject) {
  const auto has_match = [&](const std::string& text) {
    return std::ranges::any_of(when.patterns, [&](const Pattern& pattern) { return pattern.is_found_in(text); });
  };
  if (subject.text == nullptr) return subject.what.effects.has(Effect::unknown);
  return has_match(*subject.text) ||
         std::ranges::any_of(subject.what.stored, [&](const auto& stored) { return has_match(stored.text); });
}

bool filters_cover(const Rule::If& when, const Understanding& what) {
  return !what.effects.has(Effect::unknown) &&
         std::ranges::all_of(what.rows, [&](const auto& rows) { return pins_rows(when, rows); });
}

bool filters_meet(const Rule::If& when, const Understanding& what) {
  return what.effects.has(Effect::unknown) ||
         std::ranges::any_of(what.filters, [&](const auto& filter) { return may_name_filter(when, filter); });
}

}  // namespace

bool is_about(const Rule::Who& who, const model::Principal& principal) {
  if (!who.principals.empty() && !contains(who.principals, principal.name)) return false;
  if (!who.groups.empty() &&
      std::ranges::none_of(who.groups, [&](const auto& group) { return contains(principal.groups, group); })) {
    return false;
  }
  return who.kinds.empty() || std::ranges::find(who.kinds, principal.kind) != who.kinds.end();
}

bool is_about(const Rule::On& on, const model::TargetName& target) {
  if (!on.targets.empty() && !contains(on.targets, target.name)) return false;
  return std::ranges::all_of(
      on.labels, [&](const auto& label) { return std::ranges::find(target.labels, label) != target.labels.end(); });
}

EffectSet weighty_effects(const Understanding& what) {
  if (what.statements.empty()) return what.effects;
  if (std::ranges::all_of(what.statements, &model::Statement::is_housekeeping)) {
    return what.effects.without({Effect::session});
  }
  const bool other_session = std::ranges::any_of(what.statements, [](const model::Statement& statement) {
    return !statement.is_housekeeping && statement.effects.has(Effect::session);
  });
  return other_session ? what.effects : what.effects.without({Effect::session});
}

bool is_housekeeping(const Understanding& what) {
  return !what.statements.empty() && weighty_effects(what).is_empty() &&
         std::ranges::all_of(what.statements, &model::Statement::is_housekeeping);
}

bool names_statement(const Rule::If& when, const model::Statement& statement) {
  return std::ranges::any_of(when.statements, [&](const auto& kind) { return same_word(kind, statement.kind); });
}

bool names_relation(const Rule::If& when, const model::Relation& relation) {
  return std::ranges::any_of(when.relations,
                             [&](const auto& glob) { return relation_matches(glob, relation.schema, relation.name); });
}

bool may_name_relation(const Rule::If& when, const model::Relation& relation) {
  return std::ranges::any_of(
      when.relations, [&](const auto& glob) { return relation_may_match(glob, relation.schema, relation.name); });
}

bool may_name_filter(const Rule::If& when, const model::FilterColumn& filter) {
  return std::ranges::any_of(when.filters_on, [&](std::string_view glob) {
    const std::string_view column = take_last_part(glob);
    if (!filter.column.empty() && !glob_matches(column, filter.column)) return false;
    return glob.empty() || relation_may_match(glob, filter.schema, filter.relation);
  });
}

bool pins_rows(const Rule::If& when, const model::RowAccess& rows) {
  return std::ranges::any_of(when.filters_on, [&](std::string_view glob) {
    const std::string_view column = take_last_part(glob);
    return std::ranges::any_of(rows.pinned, [&](const auto& name) { return glob_matches(column, name); }) &&
           (glob.empty() || relation_matches(glob, rows.schema, rows.relation));
  });
}

std::optional<Gap> gap_of(const Rule::If& allow, const Subject& subject) {
  const Understanding& what = subject.what;
  if (!allow.effects.value_or(kUnlessNamed).covers(weighty_effects(what))) return Gap::effects;
  if (!allow.statements.empty() && std::ranges::any_of(what.statements, [&](const model::Statement& statement) {
        return !statement.is_housekeeping && !names_statement(allow, statement);
      })) {
    return Gap::statements;
  }
  if (!allow.relations.empty() && !relations_are_covered(allow, what)) return Gap::relations;
  if (allow.missing_where == false && std::ranges::any_of(what.statements, &model::Statement::missing_where))
    return Gap::missing_where;
  if (!allow.patterns.empty() && !patterns_cover(allow, subject)) return Gap::patterns;
  if (!allow.filters_on.empty() && !filters_cover(allow, what)) return Gap::filters_on;
  return std::nullopt;
}

bool meets(const Rule::If& when, const Subject& subject) {
  const Understanding& what = subject.what;
  if (when.effects && !when.effects->meets(what.effects)) return false;
  if (!when.statements.empty() &&
      std::ranges::none_of(what.statements, [&](const auto& statement) { return names_statement(when, statement); })) {
    return false;
  }
  if (!when.relations.empty() &&
      std::ranges::none_of(what.relations, [&](const auto& relation) { return may_name_relation(when, relation); })) {
    return false;
  }
  if (!when.patterns.empty() && !patterns_meet(when, subject)) return false;
  if (!when.filters_on.empty() && !filters_meet(when, what)) return false;
  if (!when.missing_where) return true;
  const bool is_missing = std::ranges::any_of(what.statements, &model::Statement::missing_where);
  return is_missing == *when.missing_where;
}

}  // namespace sallyport::policy
