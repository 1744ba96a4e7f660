#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "mask/detector_lines_testing.h"
#include "mask/detectors_testing.h"

// The built-in detectors over any octets: hits are in order, inside, not empty and do not overlap; may_hit is true for
// every whole of which a part has a hit; a value in parts gives the hits of the whole, and no hit begins before what
// was told to be safe.
namespace {

using namespace sallyport;
using Hits = std::vector<mask::Hit>;

void require(bool is_true) {
  if (!is_true) std::abort();
}

mask::Scanner& scanner() {
  static mask::Scanner scanner(*mask::Detectors::compile(mask::testing::builtin_rules()));
  return scanner;
}

void require_good(const Hits& hits, std::size_t size) {
  std::size_t last = 0;
  for (const mask::Hit& hit : hits) {
    require(hit.begin >= last && hit.begin < hit.end && hit.end <= size);
    require(hit.rule < scanner().detectors().rules().size());
    last = hit.end;
  }
}

/// The octets of `seed`, one after the other, say how long the parts are.
Hits in_parts(base::View text, base::View seed) {
  mask::Stream stream(scanner());
  Hits hits;
  std::size_t safe = 0;
  const auto look = [&](std::size_t told) {
    for (std::size_t i = told; i < hits.size(); ++i) require(hits[i].begin >= safe);
    require(stream.safe_until() >= safe);
    safe = stream.safe_until();
    if (hits.size() > told) require(hits.back().end <= safe);
  };
  for (std::size_t at = 0, turn = 0; at < text.size(); ++turn) {
    const std::size_t size = seed.empty() ? 1 : static_cast<unsigned char>(seed[turn % seed.size()]) % 64;
    const std::size_t told = hits.size();
    stream.feed(text.substr(at, std::max<std::size_t>(size, 1)), hits);
    at += std::max<std::size_t>(size, 1);
    look(told);
  }
  const std::size_t told = hits.size();
  stream.finish(hits);
  look(told);
  require(safe == text.size());
  return hits;
}

/// A secret amid the octets: made here and not among the seeds, where source hosts would take it for a real one.
void put_secret(std::vector<char>& octets, base::View seed) {
  mask::testing::LineMaker maker(static_cast<unsigned char>(seed[3]));
  mask::testing::Line line;
  for (int i = static_cast<unsigned char>(seed[3]) % 21; i >= 0; --i) line = maker.positive();
  const std::size_t at = static_cast<unsigned char>(seed[0]) * octets.size() / 256;
  octets.insert(octets.begin() + static_cast<std::ptrdiff_t>(at), line.text.begin(), line.text.end());
  octets.shrink_to_fit();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4 || size > 4096) return 0;
  const std::string seed(reinterpret_cast<const char*>(data), 4);
  std::vector<char> exact(data + 4, data + size);
  if (seed[2] % 4 == 0) put_secret(exact, seed);
  const base::View text(exact.data(), exact.size());
  Hits whole, part;
  scanner().scan(text, whole);
  require_good(whole, text.size());
  require(whole.empty() || scanner().may_hit(text));
  require(in_parts(text, seed) == whole);
  require(in_parts(text, {}) == whole);

  const std::size_t begin = static_cast<unsigned char>(seed[0]) * text.size() / 256;
  scanner().scan(text.substr(begin, static_cast<unsigned char>(seed[1])), part);
  require(part.empty() || scanner().may_hit(text));
  return 0;
}
