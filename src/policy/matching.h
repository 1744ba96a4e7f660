#pragma once
#include <optional>
#include <string>

#include "model/effects.h"
#include "model/principal.h"
#include "model/understanding.h"
#include "policy/rules.h"

/// Whether a rule is about somebody, somewhere, and about what a Command does (DESIGN.md section 6). Pure.
/// What is not known counts against the client each way: an allow does not cover it, a deny or a hold matches it.
namespace sallyport::policy {

/// What an allow covers that states no effects. The others must be named.
inline constexpr model::EffectSet kUnlessNamed{model::Effect::read, model::Effect::write, model::Effect::schema,
                                               model::Effect::session, model::Effect::call};

bool is_about(const Rule::Who& who, const model::Principal& principal);
bool is_about(const Rule::On& on, const model::TargetName& target);

/// What a rule's condition looks at. Both must outlive it.
struct Subject {
  const model::Understanding& what;
  const std::string* text = nullptr;  // the Command's own; nullptr: it has none, or it is not known
};

/// Why an allow does not cover a Command: the first of its conditions that does not.
enum class Gap : std::uint8_t { effects, statements, relations, missing_where, patterns, filters_on };
std::optional<Gap> gap_of(const Rule::If& allow, const Subject& subject);
inline bool covers(const Rule::If& allow, const Subject& subject) { return !gap_of(allow, subject); }

/// A deny or a hold.
bool meets(const Rule::If& when, const Subject& subject);

/// The effects that are left when the housekeeping that any allow implies is taken away.
model::EffectSet weighty_effects(const model::Understanding& what);
/// Nothing but that housekeeping.
bool is_housekeeping(const model::Understanding& what);

/// What of the Command a condition is about, for the texts that say why.
bool names_statement(const Rule::If& when, const model::Statement& statement);
bool names_relation(const Rule::If& when, const model::Relation& relation);
/// As names_relation, also when the relation's schema is not known.
bool may_name_relation(const Rule::If& when, const model::Relation& relation);
bool may_name_filter(const Rule::If& when, const model::FilterColumn& filter);
bool pins_rows(const Rule::If& when, const model::RowAccess& rows);

}  // namespace sallyport::policy
