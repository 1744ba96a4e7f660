#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string>
#include <vector>

#include "mask/ways.h"
#include "mask/ways_testing.h"

/// What stands for a masked value is of its type, whatever the value is. The input is a type, a form, how many parts
/// and where each begins and how long it is; the rest is the value.
using namespace sallyport;
using mask::Form;
using policy::MaskWay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const auto type = mask::testing::kTexts[data[0] % std::size(mask::testing::kTexts)];
  const Form form = (data[1] & 1) != 0 ? Form::binary : Form::text;
  const std::size_t count = data[2] % 8;
  if (size < 3 + 2 * count) return 0;
  const std::vector<char> block(data + 3 + 2 * count, data + size);
  const base::View value(block.data(), block.size());

  policy::MaskRule redact, keep;
  redact.name = "pii";
  keep.name = "card";
  keep.way = {MaskWay::Kind::keep_last, 4};
  std::vector<mask::Part> parts;
  std::size_t at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    at += data[3 + 2 * i];
    const std::size_t end = at + data[4 + 2 * i] % 32;
    parts.push_back({at, end, (data[4 + 2 * i] & 32) != 0 ? &keep : &redact});
    at = end;
  }

  const bool is_valid = mask::testing::is_valid(value, type.oid, form);
  base::Bytes storage, again;
  for (const MaskWay way : {redact.way, keep.way}) {
    const auto masked = mask::mask_value({value, false}, type.oid, form, redact, way, storage);
    // The reader of written arrays that stands beside the tests takes more than array_out writes.
    const bool is_loose = type.element != 0 && form == Form::text;
    if (is_valid && !is_loose && masked.is_null) std::abort();
    if (masked.is_null) continue;
    if (!mask::testing::is_valid(masked.octets, type.oid, form)) std::abort();
    const auto twice = mask::mask_value(masked, type.oid, form, redact, way, again);
    if (twice.is_null || (way.kind == MaskWay::Kind::redact && twice.octets != masked.octets)) std::abort();
  }
  const auto masked = mask::mask_parts({value, false}, type.oid, form, parts, storage);
  if (is_valid && !masked.is_null && !mask::testing::is_valid(masked.octets, type.oid, form)) std::abort();
  return 0;
}
