#include "sql/resolve.h"

#include <algorithm>
#include <utility>

namespace sallyport::sql {
namespace {

using model::Effect;

constexpr base::View kSystemSchema = "pg_catalog";
constexpr base::View kInformationSchema = "information_schema";
constexpr base::View kTemporarySchema = "pg_temp";

bool is_temporary(base::View schema) { return schema == kTemporarySchema || schema.starts_with("pg_temp_"); }

void add(const Reviewed& function, FunctionMeaning& meaning) {
  meaning.is_known = true;
  const std::string name(function.name);
  switch (function.does) {
    case Reviewed::Does::read:
      return;
    case Reviewed::Does::call:
      meaning.effects.add(Effect::call);
      meaning.note = "function " + name + "() runs code or statements that the gateway does not see";
      return;
    case Reviewed::Does::write:
      meaning.effects.add(Effect::write);
      meaning.note = "function " + name + "() writes";
      return;
    case Reviewed::Does::session:
      meaning.effects.add(Effect::session);
      meaning.note = "function " + name + "() changes the session";
      return;
    case Reviewed::Does::server:
      meaning.effects.add(Effect::server);
      meaning.note = "function " + name + "() reaches files, other servers or other sessions";
      return;
    case Reviewed::Does::setting:
      meaning.is_setting = true;
      return;
  }
}

void add(const FunctionMeaning& from, FunctionMeaning& to) {
  to.effects.add(from.effects);
  to.is_setting |= from.is_setting;
  to.is_known |= from.is_known;
  if (to.note.empty()) to.note = from.note;
}

}  // namespace

DottedName DottedName::of(const std::vector<base::View>& parts) {
  if (parts.empty()) return {};
  return {parts.size() > 1 ? parts[parts.size() - 2] : base::View{}, parts.back()};
}

std::string DottedName::text() const {
  return schema.empty() ? std::string(name) : std::string(schema) + "." + std::string(name);
}

FunctionMeaning meaning_of(const model::CatalogueFunction& function, base::View schema) {
  FunctionMeaning meaning{.is_known = true};
  if (function.oid < model::kFirstUserOid && (schema == kSystemSchema || schema == kInformationSchema)) {
    if (const Reviewed* reviewed = reviewed_function(function.oid, function.name)) {
      add(*reviewed, meaning);
      return meaning;
    }
  }
  // Only a superuser can replace what belongs to these extensions, so their SQL wrappers count, too.
  const bool is_extensions = function.language == "c" || function.language == "internal" || function.language == "sql";
  if (is_extensions && !function.extension.empty() && is_harmless_extension(function.extension)) return meaning;
  meaning.effects.add(Effect::call);
  if (!function.extension.empty() && is_server_extension(function.extension)) meaning.effects.add(Effect::server);
  meaning.note = "function " + std::string(schema) + "." + function.name + "() is not on the list of harmless ones";
  return meaning;
}

Resolver::Resolver(const model::Catalogue* catalogue, const SessionState* session)
    : catalogue_(catalogue), standard_(session == nullptr ? std::nullopt : session->standard) {
  use_standard_path();
  if (session == nullptr) return;
  provisional_ = session->provisional;
  if (session->path == SessionState::Path::unknown) is_path_known_ = false;
  if (session->path == SessionState::Path::listed) {
    model::NameChange change{.kind = model::NameChange::Kind::search_path, .name = "listed"};
    for (const auto& schema : session->search_path) {
      if (!change.text.empty()) change.text += '\0';
      change.text += schema;
    }
    set_path(change);
  }
}

void Resolver::use_standard_path() {
  if (standard_) return set_path(*standard_);
  is_path_known_ = true;
  path_ = catalogue_ == nullptr ? std::vector<std::string>{std::string(kSystemSchema)} : catalogue_->search_path();
  if (std::ranges::find(path_, kSystemSchema) == path_.end()) path_.emplace(path_.begin(), kSystemSchema);
}

void Resolver::set_path(const model::NameChange& change) {
  if (change.name == "standard") return use_standard_path();  // never standard_ itself: see start_of()
  is_path_known_ = change.name == "listed";
  if (!is_path_known_) return;
  path_.clear();
  for (std::size_t at = 0; at <= change.text.size();) {
    const std::size_t end = std::min(change.text.find('\0', at), change.text.size());
    std::string schema = change.text.substr(at, end - at);
    if (schema == "$user" && standard_ && standard_->name.empty()) is_path_known_ = false;  // whose, is not known
    if (schema == "$user") schema = catalogue_ == nullptr ? "" : catalogue_->role();
    if (!schema.empty()) path_.push_back(std::move(schema));
    at = end + 1;
  }
  if (std::ranges::find(path_, kSystemSchema) == path_.end()) path_.emplace(path_.begin(), kSystemSchema);
}

void Resolver::add_provisional(SessionState::Made made) { provisional_.push_back(std::move(made)); }

Resolver Resolver::for_definitions() const {
  Resolver other(catalogue_, nullptr);
  other.is_path_known_ = true;
  other.path_ = {std::string(kSystemSchema)};
  return other;
}

std::string Resolver::creation_schema() const {
  if (!is_path_known_ || catalogue_ == nullptr) return "";
  for (const auto& schema : path_) {
    if (schema != kSystemSchema && catalogue_->has_schema(schema)) return schema;
  }
  return "";
}

bool Resolver::is_visible(std::uint32_t schema_oid) const {
  if (!is_path_known_) return true;
  return std::ranges::find(path_, catalogue_->schema_name(schema_oid)) != path_.end();
}

std::vector<RelationMeaning> Resolver::relations(const DottedName& name) const {
  std::vector<RelationMeaning> found;
  for (const auto& [schema, relation, is_view] : provisional_) {
    if (relation != name.name) continue;
    const bool is_meant = name.schema.empty() || schema.empty() || name.schema == schema ||
                          (is_temporary(schema) && is_temporary(name.schema));
    if (is_meant) found.push_back({.schema = schema, .is_view = is_view});
  }
  if (catalogue_ == nullptr) {
    const bool in_system = (name.schema.empty() || name.schema == kSystemSchema) && is_system_relation(name.name);
    if (in_system) found.push_back({.schema = std::string(kSystemSchema), .is_system = true});
    if (name.schema == kInformationSchema && is_information_relation(name.name)) {
      found.push_back({.schema = std::string(kInformationSchema), .is_system = true});
    }
    return found;
  }
  const auto& candidates = catalogue_->relations_named(name.name);
  const auto take = [&](const model::CatalogueRelation* relation) {
    const std::string schema(catalogue_->schema_name(relation->schema));
    const bool is_system =
        relation->oid < model::kFirstUserOid && (schema == kSystemSchema || schema == kInformationSchema);
    found.push_back({.schema = schema, .relation = relation, .is_system = is_system});
  };
  if (!name.schema.empty() || !is_path_known_) {
    for (const auto* relation : candidates) {
      if (name.schema.empty() || catalogue_->schema_name(relation->schema) == name.schema) take(relation);
    }
    return found;
  }
  for (const auto& schema : path_) {
    const auto first = std::ranges::find_if(
        candidates, [&](const auto* relation) { return catalogue_->schema_name(relation->schema) == schema; });
    if (first == candidates.end()) continue;
    take(*first);
    break;
  }
  return found;
}

FunctionMeaning Resolver::function(const DottedName& name) const {
  FunctionMeaning meaning;
  if (catalogue_ == nullptr) {
    if (name.schema.empty() || name.schema == kSystemSchema || name.schema == kInformationSchema) {
      for (const Reviewed& function : reviewed_functions(name.name)) add(function, meaning);
    }
    return meaning;
  }
  for (const auto* function : catalogue_->functions_named(name.name)) {
    const base::View schema = catalogue_->schema_name(function->schema);
    const bool is_meant = name.schema.empty() ? is_visible(function->schema) : schema == name.schema;
    if (is_meant) add(meaning_of(*function, schema), meaning);
  }
  return meaning;
}

FunctionMeaning Resolver::function(std::uint32_t oid) const {
  FunctionMeaning meaning;
  if (catalogue_ != nullptr) {
    const auto* function = catalogue_->function(oid);
    if (function != nullptr) return meaning_of(*function, catalogue_->schema_name(function->schema));
  }
  meaning.effects.add(Effect::unknown);
  meaning.note = "function with OID " + std::to_string(oid) + " is not known";
  return meaning;
}

FunctionMeaning Resolver::row_function(base::View name) const {
  FunctionMeaning meaning;
  if (catalogue_ == nullptr) return meaning;
  for (const auto* function : catalogue_->functions_named(name)) {
    if (function->oid < model::kFirstUserOid || !is_visible(function->schema) || function->arguments.empty()) continue;
    add(meaning_of(*function, catalogue_->schema_name(function->schema)), meaning);
  }
  return meaning;
}

TypeMeaning Resolver::type(const DottedName& name) const {
  TypeMeaning meaning;
  meaning.is_system = (name.schema.empty() || name.schema == kSystemSchema) && is_system_type(name.name);
  if (catalogue_ == nullptr) return meaning;
  for (const auto* type : catalogue_->types_named(name.name)) {
    // Types of temporary schemas come first in every path; whose session's they are is not known here.
    const base::View schema = catalogue_->schema_name(type->schema);
    const bool is_meant = schema.empty()        ? name.schema.empty() || is_temporary(name.schema)
                          : name.schema.empty() ? is_visible(type->schema)
                                                : schema == name.schema;
    if (is_meant) meaning.types.push_back(type);
  }
  return meaning;
}

std::vector<const model::CatalogueOperator*> Resolver::operators(const DottedName& name, bool& is_system) const {
  std::vector<const model::CatalogueOperator*> found;
  is_system = (name.schema.empty() || name.schema == kSystemSchema) && is_system_operator(name.name);
  if (catalogue_ == nullptr) return found;
  for (const auto* candidate : catalogue_->operators_named(name.name)) {
    const base::View schema = catalogue_->schema_name(candidate->schema);
    if (name.schema.empty() ? is_visible(candidate->schema) : schema == name.schema) found.push_back(candidate);
  }
  return found;
}

}  // namespace sallyport::sql
