#include <cstddef>
#include <cstdint>
#include <string>

#include "proto/postgres/scram.h"

/// SCRAM with a server that says anything; half of the time with our nonce where it belongs, to come further.
using namespace sallyport;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  using Client = proto::postgres::ScramClient;
  const base::Bytes nonce(18, 'n');
  Client client(static_cast<Client::Binding>(data[0] % 3), base::Bytes(32, 'h'), nonce);
  const base::Secret password("password");
  const base::View input(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto cut = std::min<std::size_t>(data[1], input.size());
  base::Bytes first(input.substr(0, cut));
  if ((data[0] & 4) != 0) first = "r=" + base::to_base64(nonce) + first;
  // Many rounds are only slow.
  if (const auto rounds = first.find("i="); rounds != base::Bytes::npos && first.size() - rounds > 5) return 0;
  if (client.answer(first, password)) static_cast<void>(client.verify(input.substr(cut)));
  return 0;
}
