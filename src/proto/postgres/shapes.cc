#include "proto/postgres/shapes.h"

#include <utility>

namespace sallyport::proto::postgres {

void Shapes::parsed(base::View statement) {
  if (statements_.size() >= names_) statements_.clear();
  statements_[std::string(statement)] = std::make_shared<Statement>();
}

void Shapes::bound(base::View portal, base::View statement, Formats formats) {
  if (portals_.size() >= names_) portals_.clear();
  const auto found = statements_.find(std::string(statement));
  portals_[std::string(portal)] = {.statement = found == statements_.end() ? nullptr : found->second,
                                   .formats = std::move(formats)};
}

void Shapes::described_statement(base::View statement, base::View description) {
  const auto found = statements_.find(std::string(statement));
  if (found != statements_.end()) found->second->description = base::Bytes(description);
}

void Shapes::described_portal(base::View portal, base::View description) {
  const auto found = portals_.find(std::string(portal));
  if (found == portals_.end()) return;
  found->second.shape =
      std::make_shared<const model::ResultShape>(model::ResultShape{.description = base::Bytes(description)});
}

std::shared_ptr<const model::ResultShape> Shapes::of_portal(base::View portal) {
  const auto found = portals_.find(std::string(portal));
  if (found == portals_.end()) return nullptr;
  Portal& bound = found->second;
  if (!bound.shape && bound.formats && bound.statement && bound.statement->description) {
    bound.shape = std::make_shared<const model::ResultShape>(
        model::ResultShape{.description = *bound.statement->description, .formats = bound.formats});
  }
  return bound.shape;
}

}  // namespace sallyport::proto::postgres
