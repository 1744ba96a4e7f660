#pragma once
#include <string>
#include <utility>
#include <vector>

#include "model/understanding.h"

/// For the tests of this folder only.
namespace sallyport::policy::testing {

/// What one statement was understood to do.
inline model::Understanding one(std::string kind, model::EffectSet effects,
                                std::vector<model::Relation> relations = {}) {
  model::Understanding what;
  what.effects = effects;
  what.statements.push_back({.kind = std::move(kind), .effects = effects});
  what.relations = std::move(relations);
  return what;
}

}  // namespace sallyport::policy::testing
