#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "model/catalogue.h"
#include "sql/reviewed.h"
#include "sql/understand.h"

/// What a name in a statement may mean. Conservative: where the search path or the argument types decide, every
/// candidate counts. Pure.
namespace sallyport::sql {

/// A name as written: one to three parts. Views of the tree.
struct DottedName {
  base::View schema{};  // empty: not stated
  base::View name{};
  static DottedName of(const std::vector<base::View>& parts);
  std::string text() const;
};

struct RelationMeaning {
  std::string schema{};  // empty: not known
  const model::CatalogueRelation* relation = nullptr;
  bool is_system = false;  // comes with PostgreSQL
  bool is_view = false;    // of one that this session made
};

struct FunctionMeaning {
  model::EffectSet effects{};  // empty: harmless
  bool is_setting = false;     // set_config
  bool is_known = false;       // some function has that name
  std::string note{};
};

struct TypeMeaning {
  bool is_system = false;
  std::vector<const model::CatalogueType*> types{};  // users'
};

class Resolver {
 public:
  /// Both must outlive the Resolver; either may be nullptr (see Input).
  Resolver(const model::Catalogue* catalogue, const SessionState* session);

  /// Empty: there is none.
  std::vector<RelationMeaning> relations(const DottedName& name) const;
  /// The schema where an unqualified new relation goes; empty: not known.
  std::string creation_schema() const;
  FunctionMeaning function(const DottedName& name) const;
  FunctionMeaning function(std::uint32_t oid) const;
  /// A user's function that `value.name` would call: one that takes a row.
  FunctionMeaning row_function(base::View name) const;
  TypeMeaning type(const DottedName& name) const;
  const model::Catalogue* catalogue() const { return catalogue_; }
  /// The user's operators of that name that are visible; `is_system`: PostgreSQL has one of that name.
  std::vector<const model::CatalogueOperator*> operators(const DottedName& name, bool& is_system) const;

  bool is_path_known() const { return is_path_known_; }
  /// A change of the path, or a new relation, earlier in the same text.
  void set_path(const model::NameChange& change);
  void add_provisional(SessionState::Made made);
  /// The role is another one.
  void forget_standard_path() { standard_ = model::NameChange{.kind = model::NameChange::Kind::search_path}; }
  /// nullptr: the catalogue does not show it, or there is none.
  const model::CatalogueRelation* relation(std::uint32_t oid) const {
    return catalogue_ == nullptr ? nullptr : catalogue_->relation(oid);
  }
  /// Inside definitions that the catalogue prints: everything outside pg_catalog is qualified there.
  Resolver for_definitions() const;

 private:
  bool is_visible(std::uint32_t schema_oid) const;
  void use_standard_path();

  const model::Catalogue* catalogue_;
  std::optional<model::NameChange> standard_{};  // see SessionState
  bool is_path_known_ = false;
  std::vector<std::string> path_{};  // "pg_catalog" included
  std::vector<SessionState::Made> provisional_{};
};

/// What calling `function` does, whoever asks.
FunctionMeaning meaning_of(const model::CatalogueFunction& function, base::View schema);

}  // namespace sallyport::sql
