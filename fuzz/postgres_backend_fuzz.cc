#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "proto/postgres/codec.h"

/// Both sides of the codec in turns, with some Commands refused. The input is a list of turns: one octet says whose
/// turn it is and what to do with its Commands, one how many octets follow.
using namespace sallyport;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  proto::postgres::CodecOptions options;
  options.limits.held = 64;
  options.limits.reply_frame = 512;
  options.limits.outstanding = 64;
  const auto codec = proto::postgres::make_codec(options);
  std::vector<model::Step> steps;
  std::vector<model::Reply> replies;
  base::Bytes out;
  const model::Refusal refusal{};
  base::View rest(reinterpret_cast<const char*>(data), size);
  while (rest.size() >= 2) {
    const auto turn = static_cast<unsigned char>(rest[0]);
    const base::View piece = rest.substr(2, static_cast<unsigned char>(rest[1]));
    rest.remove_prefix(2 + piece.size());
    const std::vector<char> block(piece.begin(), piece.end());
    const base::View octets(block.data(), block.size());
    bool is_good = true;
    if (turn % 2 == 0) {
      steps.clear();
      is_good = codec->from_client(octets, steps).has_value();
      for (auto& step : steps) {
        auto* command = std::get_if<model::Command>(&step);
        if (command) codec->resolve(*command);
        std::vector<model::NameChange> changes;
        if ((turn & 4) != 0) {
          changes.push_back({model::NameChange::Kind::prepare, "s", "SELECT 1"});
          changes.push_back({model::NameChange::Kind::deallocate_all, {}, {}});
          changes.push_back({model::NameChange::Kind::declare, "p", "SELECT 2"});
        }
        if (command && (turn & 2) != 0) {
          codec->refuse(*command, refusal, out);
        } else {
          codec->forward(step, changes, out);
        }
      }
      static_cast<void>(codec->prepared_text("s"));
      static_cast<void>(codec->cursor_text("p"));
    } else {
      replies.clear();
      is_good = codec->from_target(octets, replies).has_value();
      for (const auto& reply : replies) {
        if (reply.wire.empty() && !reply.ends_op && reply.completions.empty()) std::abort();
      }
    }
    if (!is_good) break;
    out.clear();
  }
  return 0;
}
