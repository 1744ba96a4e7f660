#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "proto/postgres/codec.h"

/// The client's side of the codec: any octets, in any chunks, give the same octets in Steps, or an Error.
using namespace sallyport;

namespace {

std::size_t taken_apart(base::View input, std::size_t chunk, std::string& wire) {
  proto::postgres::CodecOptions options;
  options.limits.held = 64;
  const auto codec = proto::postgres::make_codec(options);
  std::vector<model::Step> steps;
  base::Bytes out;
  std::size_t commands = 0;
  for (; !input.empty(); input.remove_prefix(std::min(chunk, input.size()))) {
    const auto block =
        std::vector<char>(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(std::min(chunk, input.size())));
    steps.clear();
    const bool is_good = codec->from_client({block.data(), block.size()}, steps).has_value();
    for (auto& step : steps) {
      std::visit([&](const auto& each) { wire += each.wire; }, step);
      if (auto* command = std::get_if<model::Command>(&step)) {
        ++commands;
        codec->resolve(*command);
      }
      codec->forward(step, {}, out);
    }
    if (!is_good) break;
  }
  return commands;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const base::View input(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string whole, split;
  const auto commands = taken_apart(input, input.size() + 1, whole);
  if (commands != taken_apart(input, 1 + data[0] % 32, split) || whole != split) std::abort();
  if (!input.starts_with(whole)) std::abort();
  return 0;
}
