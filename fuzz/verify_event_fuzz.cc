#include <cstdlib>

#include "cmd/verify/cbor.h"
#include "cmd/verify/event.h"

// The verifier's reader of entries: whatever it takes is the one encoding of what it understood.
using namespace sallyport;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::View octets(reinterpret_cast<const char*>(data), size);
  if (const auto item = verify::decode_item(octets)) {
    base::Bytes again;
    verify::encode_item(again, *item);
    if (again != octets) std::abort();
  }
  const auto event = verify::decode_event(octets);
  if (event && (event->session.size() != 16 || event->previous.size() != 32)) std::abort();
  return 0;
}
