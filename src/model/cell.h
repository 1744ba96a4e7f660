#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

/// One value of a result, in the same words for every database protocol. Pure.
namespace sallyport::model {

/// What the target says about a column of its result.
struct Column {
  std::string name{};
  std::uint32_t table = 0;      // OID of the relation it comes from, 0: it is computed
  std::uint16_t attribute = 0;  // its number there
  std::uint32_t type = 0;       // OID
  bool is_binary = false;
};

/// A value as it stands in a row. The view is valid during the call that hands it out.
struct Cell {
  base::View octets{};
  bool is_null = false;
};

/// What the target said about the columns of a result, as its protocol writes it, and how they were asked for.
struct ResultShape {
  base::Bytes description{};
  /// Whether each column is binary; one for all; none: all are text. nullopt: as the description says.
  std::optional<std::vector<bool>> formats{};
};

}  // namespace sallyport::model
