#include <cstdlib>

#include "cmd/verify/note.h"

// The verifier's reader of checkpoints: what it accepts is signed, so random octets never are.
using namespace sallyport;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto key =
      verify::LogKey::parse("example.org/gate+e151caf9+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4");
  const base::View octets(reinterpret_cast<const char*>(data), size);
  base::View rest = octets;
  const auto head = verify::take_head_note(rest, *key);
  if (head && octets.size() - rest.size() < 100) std::abort();
  (void)verify::read_heads(octets, *key);
  (void)verify::LogKey::parse(octets);
  return 0;
}
