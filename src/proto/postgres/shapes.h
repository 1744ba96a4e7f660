#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "model/cell.h"

/// What the target said about the results of statements and portals (RowDescription, manual 55.7), for rows that come
/// without one. Told in the order of the target's answers, so that a name always means what it means there. Pure; one
/// thread.
namespace sallyport::proto::postgres {

class Shapes {
 public:
  using Formats = std::optional<std::vector<bool>>;  // of a Bind; nullopt: not read

  /// `names`: of statements and of portals, that are kept; with one more all are forgotten, and rows have no shape.
  explicit Shapes(std::size_t names) : names_(names) {}

  void parsed(base::View statement);
  void bound(base::View portal, base::View statement, Formats formats);
  void described_statement(base::View statement, base::View description);
  void described_portal(base::View portal, base::View description);
  void closed_statement(base::View statement) { statements_.erase(std::string(statement)); }
  void closed_portal(base::View portal) { portals_.erase(std::string(portal)); }

  /// nullptr: nothing was said.
  std::shared_ptr<const model::ResultShape> of_portal(base::View portal);

 private:
  struct Statement {
    std::optional<base::Bytes> description{};
  };
  struct Portal {
    std::shared_ptr<const Statement> statement{};
    Formats formats{};
    std::shared_ptr<const model::ResultShape> shape{};
  };
  const std::size_t names_;
  std::unordered_map<std::string, std::shared_ptr<Statement>> statements_{};
  std::unordered_map<std::string, Portal> portals_{};
};

}  // namespace sallyport::proto::postgres
