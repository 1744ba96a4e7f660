#include <cstdlib>

#include "cmd/verify/segment.h"
#include "cmd/verify/trail.h"

// The verifier on a trail whose only segment is the input. The first octet chooses whether check sums are made right,
// so that the fuzzer gets behind them; nothing made here is signed, so nothing may ever pass.
using namespace sallyport;

namespace {

void seal(base::Bytes& segment, std::uint32_t seed) {
  for (std::size_t at = 0; at + 20 <= segment.size();) {
    const auto length = base::load_big<std::uint32_t>(segment.data() + at);
    const std::uint64_t size = verify::frame_size(length);
    if (length > segment.size() || at + size > segment.size()) return;
    base::Bytes sum;
    base::append_big(sum, base::crc32c(base::View(segment).substr(at, 16 + length), seed));
    segment.replace(at + 16 + length, 4, sum);
    at += static_cast<std::size_t>(size);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto key =
      verify::LogKey::parse("example.org/gate+e151caf9+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4");
  if (size == 0) return 0;
  verify::MemoryFolder folder;
  folder.files["log.vkey"] = key->line() + "\n";
  base::Bytes& segment = folder.files["segments/00000000.seg"];
  segment.assign(reinterpret_cast<const char*>(data + 1), size - 1);
  if ((data[0] & 1) != 0) seal(segment, verify::frame_seed(key->log_id(), 0));
  verify::Report report;
  verify::TrailOptions options{.content_key = base::Secret(base::Bytes(32, 'k')), .now_ns = 1};
  verify::verify_trail(folder, *key, std::move(options), report);
  if (!report.has_faults()) std::abort();
  (void)report.text();
  (void)report.json();
  return 0;
}
