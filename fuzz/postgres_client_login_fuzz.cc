#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include "proto/postgres/login.h"

/// The login of a client that sends anything.
using namespace sallyport;
using Login = proto::ClientLogin;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto tls = static_cast<proto::postgres::ClientTls>(data[0] % 3);
  const std::size_t chunk = 1 + data[1];
  const auto login = proto::postgres::make_client_login({tls});
  base::View rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  base::Bytes given;
  for (int calls = 0; calls < 10000; ++calls) {
    const std::vector<char> block(given.begin(), given.end());
    auto action = login->resume({block.data(), block.size()});
    given.clear();
    if (std::holds_alternative<Login::NeedMore>(action)) {
      if (rest.empty()) return 0;
      given = rest.substr(0, chunk);
      rest.remove_prefix(given.size());
    } else if (std::holds_alternative<Login::Secure>(action)) {
      login->secured();
    } else if (auto* who = std::get_if<Login::Identify>(&action)) {
      static_cast<void>(login->accept(who->settings, 1, 2));
      static_cast<void>(login->take_rest());
      return 0;
    } else if (!std::holds_alternative<Login::Send>(action)) {
      return 0;
    }
  }
  return 0;
}
