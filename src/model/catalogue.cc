#include "model/catalogue.h"

#include <algorithm>
#include <set>
#include <utility>

namespace sallyport::model {
namespace {

template <class Items, class Names>
void index(const Items& items, Names& names) {
  for (const auto& item : items) names[item.name].push_back(&item);
}

template <class Items, class Names, class Oids>
void index(const Items& items, Names& names, Oids& oids) {
  index(items, names);
  for (const auto& item : items) oids.emplace(item.oid, &item);
}

template <class Names>
const auto& named(const Names& names, std::string_view name) {
  static const typename Names::mapped_type kNone;
  const auto found = names.find(name);
  return found == names.end() ? kNone : found->second;
}

template <class Oids>
typename Oids::mapped_type by_oid(const Oids& oids, std::uint32_t oid) {
  const auto found = oids.find(oid);
  return found == oids.end() ? nullptr : found->second;
}

}  // namespace

Catalogue::Catalogue(Parts parts) : parts_(std::move(parts)) {
  for (const auto& [oid, name] : parts_.schemas) schemas_.emplace(oid, name);
  index(parts_.relations, relations_by_name_, relations_);
  index(parts_.functions, functions_by_name_, functions_);
  index(parts_.types, types_by_name_, types_);
  index(parts_.operators, operators_by_name_);
}

bool Catalogue::has_schema(std::string_view name) const {
  return std::ranges::any_of(parts_.schemas, [&](const auto& schema) { return schema.second == name; });
}

std::string_view Catalogue::schema_name(std::uint32_t oid) const {
  const auto found = schemas_.find(oid);
  return found == schemas_.end() ? std::string_view{} : std::string_view(found->second);
}

const Catalogue::Relations& Catalogue::relations_named(std::string_view name) const {
  return named(relations_by_name_, name);
}
const Catalogue::Functions& Catalogue::functions_named(std::string_view name) const {
  return named(functions_by_name_, name);
}
const Catalogue::Operators& Catalogue::operators_named(std::string_view name) const {
  return named(operators_by_name_, name);
}
const Catalogue::Types& Catalogue::types_named(std::string_view name) const { return named(types_by_name_, name); }
const CatalogueRelation* Catalogue::relation(std::uint32_t oid) const { return by_oid(relations_, oid); }
Catalogue::Relations Catalogue::above(const CatalogueRelation& relation) const {
  return reached(relation, &CatalogueRelation::parents);
}
Catalogue::Relations Catalogue::below(const CatalogueRelation& relation) const {
  return reached(relation, &CatalogueRelation::children);
}

Catalogue::Relations Catalogue::reached(const CatalogueRelation& from,
                                        std::vector<std::uint32_t> CatalogueRelation::* next) const {
  Relations found;
  std::set<std::uint32_t> seen{from.oid};
  std::vector<const CatalogueRelation*> open{&from};
  while (!open.empty()) {
    const auto* at = open.back();
    open.pop_back();
    for (const std::uint32_t oid : at->*next) {
      const auto* other = relation(oid);
      if (other == nullptr || !seen.insert(oid).second) continue;
      found.push_back(other);
      open.push_back(other);
    }
  }
  return found;
}

const CatalogueFunction* Catalogue::function(std::uint32_t oid) const { return by_oid(functions_, oid); }
const CatalogueType* Catalogue::type(std::uint32_t oid) const { return by_oid(types_, oid); }

}  // namespace sallyport::model
