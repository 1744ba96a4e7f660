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
/// `storage` keeps the octets of what is returned: they are valid until it changes, and each call begins it anew.
/// REQUIRES: `value` is what the target sent for this type and form; what shows that it is not is answered by NULL.
/// `value` is not in `storage`.
///
/// redact: "[masked:NAME]" in a text, that as a string in JSON, one element of it in an array of these, else NULL.
/// keep_last: in a text, at most eight `*` for what is gone and then the last characters, at most a quarter of them;
/// blanks that pad a bpchar are no characters. In all else, xml too, as redact. The length that a column's type allows
/// (varchar(5)) is not known here and may be exceeded, but a name's 63 octets are not.
model::Cell mask_value(const model::Cell& value, std::uint32_t type, Form form, const policy::MaskRule& mask,
                       policy::MaskWay way, base::Bytes& storage);

/// One part of a value and what masks it. `mask` is not nullptr.
struct Part {
  std::size_t begin = 0, end = 0;  // octets of the value as it was sent, in its form
  const policy::MaskRule* mask = nullptr;
};
/// The parts that a detector found, replaced inside the value where its type allows it (texts; strings inside JSON;
/// elements of an array of these), else the whole value as mask_value does, by the strongest of the masks. One mask
/// whose way is null makes the value NULL. `parts`: in order, not overlapping, not empty; else NULL. A part that holds
/// half of a character or of an escape is taken to hold all of it. `storage` as above; no parts: `value` itself.
model::Cell mask_parts(const model::Cell& value, std::uint32_t type, Form form, const std::vector<Part>& parts,
                       base::Bytes& storage);

/// "[masked:NAME]" can stand in it: a text, JSON, or an array of these.
bool is_text(std::uint32_t type);

}  // namespace sallyport::mask
