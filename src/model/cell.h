#pragma once
#include <cstdint>
#include <string>

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

}  // namespace sallyport::model
