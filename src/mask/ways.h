#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "mask/detectors.h"
#include "model/cell.h"
#include "policy/masks.h"

/// What stands in the place of a masked value: valid for its type, in text and in binary form (manual, chapters 8 and
/// 55). Pure.
namespace sallyport::mask {

/// How a value is written.
enum class Form : std::uint8_t { text, binary };

/// The whole value. NULL stays NULL. `type`: OID, 0 when it is not known (then only NULL is sure to be valid).
/// `storage` keeps the octets of what is returned.
/// REQUIRES: `value` is what the target sent for this type and form; anything else is answered by NULL.
model::Cell mask_value(const model::Cell& value, std::uint32_t type, Form form, const policy::MaskRule& mask,
                       policy::MaskWay way, base::Bytes& storage);

/// One part of a value and what masks it.
struct Part {
  std::size_t begin = 0, end = 0;
  const policy::MaskRule* mask = nullptr;
};
/// The parts that a detector found, replaced inside the value where its type allows it (texts; strings inside JSON;
/// elements of an array of texts), else the whole value as mask_value does, by the strongest of the masks. `parts`: in
/// order, not overlapping, not empty.
model::Cell mask_parts(const model::Cell& value, std::uint32_t type, Form form, const std::vector<Part>& parts,
                       base::Bytes& storage);

/// A text is what detectors look at and "[masked:NAME]" can stand in.
bool is_text(std::uint32_t type);

}  // namespace sallyport::mask
