#include "sql/walk.h"

namespace sallyport::sql {

using model::Effect;

namespace {

bool is_users(std::uint32_t oid) { return oid >= model::kFirstUserOid; }

}  // namespace

/// What values of a touched type are made of can be reached from them.
void Walker::close_types() {
  const auto* catalogue = resolver_.catalogue();
  std::vector<std::uint32_t> open(types_.begin(), types_.end());
  const auto reach = [&](std::uint32_t oid) {
    if (is_users(oid) && types_.insert(oid).second) open.push_back(oid);
  };
  while (!open.empty()) {
    const auto* type = catalogue->type(open.back());
    open.pop_back();
    if (type == nullptr) {
      any_type_ = true;
      continue;
    }
    reach(type->element);
    reach(type->base);
    const auto* row = type->relation == 0 ? nullptr : catalogue->relation(type->relation);
    if (row == nullptr) continue;
    for (const auto& column : row->columns) reach(column.type);
  }
}

bool Walker::is_touched(std::uint32_t oid) const {
  if (!is_users(oid) || types_.contains(oid)) return true;
  const auto* type = resolver_.catalogue()->type(oid);
  if (type == nullptr) return true;
  return (type->relation != 0 && relations_.contains(type->relation)) ||
         (type->element != 0 && types_.contains(type->element));
}

/// The functions that read, print, compare and check values of a user's type run whenever such a value is handled.
void Walker::judge_type(const model::CatalogueType& type) {
  for (const std::uint32_t oid : type.functions) {
    if (is_users(oid)) add(resolver_.function(oid));
  }
  for (const auto& check : type.checks) {
    constexpr base::View kCheck = "CHECK ";
    if (!check.starts_with(kCheck)) {
      add_unknown("domain " + type.name + " has a constraint that the gateway does not know");
      continue;
    }
    owners_expression(check.substr(kCheck.size(), check.rfind(')') + 1 - kCheck.size()));
  }
}

/// A value of a type that is not known may be of any domain. (Other types' functions are C, which only a superuser
/// adds.)
void Walker::judge_all_types() {
  for (const auto& type : resolver_.catalogue()->types()) {
    if (type.kind == 'd') judge_type(type);
  }
}

/// Whether operands or values of these types can come up. Where a type is not known, what is compiled is let pass: only
/// a superuser adds it, and its own types would show.
bool Walker::may_run(std::uint32_t left, std::uint32_t right, std::uint32_t function) const {
  if (is_touched(left) && is_touched(right)) return true;
  if (!any_type_) return false;
  const auto* code = resolver_.catalogue()->function(function);
  return code == nullptr || (code->language != "c" && code->language != "internal");
}

void Walker::judge_casts() {
  for (const auto& cast : resolver_.catalogue()->casts()) {
    if (cast.function == 0 || !is_users(cast.function)) continue;
    const bool is_of_system_types = !is_users(cast.source) && !is_users(cast.target);
    const bool runs =
        is_of_system_types ? has_cast_ || cast.context != 'e' : may_run(cast.source, cast.target, cast.function);
    if (runs) add(resolver_.function(cast.function));
  }
}

void Walker::judge_types_and_operators() {
  const auto* catalogue = resolver_.catalogue();
  if (catalogue != nullptr) {
    close_types();
    // Domains' checks may touch more types.
    for (std::size_t judged = 0; judged != types_.size();) {
      judged = types_.size();
      for (const std::uint32_t oid : std::set(types_)) {
        if (const auto* type = catalogue->type(oid)) judge_type(*type);
      }
      close_types();
    }
    if (any_type_) judge_all_types();
    judge_casts();
  }
  for (const auto& [schema, name] : operators_) {
    const DottedName written{schema, name};
    bool is_system = false;
    const auto candidates = resolver_.operators(written, is_system);
    if (!is_system && candidates.empty()) add_unknown("operator " + written.text() + " is not known");
    for (const auto* candidate : candidates) {
      if (is_system && !may_run(candidate->left, candidate->right, candidate->function)) continue;
      add(resolver_.function(candidate->function));
    }
  }
  operators_.clear();
}

}  // namespace sallyport::sql
