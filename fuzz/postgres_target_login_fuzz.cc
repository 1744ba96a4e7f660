#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include "proto/postgres/login.h"

/// The login at a target that answers anything.
using namespace sallyport;
using Login = proto::TargetLogin;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  proto::postgres::TargetLoginOptions options;
  options.user = "user";
  options.password = base::Secret("password");
  options.tls = static_cast<proto::postgres::TargetTls>(data[0] % 4);
  options.allowed = {(data[0] & 4) == 0, (data[0] & 8) != 0, (data[0] & 16) != 0};
  options.nonce = base::Bytes(18, 'n');
  const auto login = proto::postgres::make_target_login(std::move(options));
  const std::size_t chunk = 1 + data[1];
  base::View rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  base::Bytes given;
  for (int calls = 0; calls < 10000; ++calls) {
    const std::vector<char> block(given.begin(), given.end());
    const auto action = login->resume({block.data(), block.size()});
    given.clear();
    if (std::holds_alternative<Login::Done>(action) || std::holds_alternative<Login::Failed>(action)) return 0;
    if (std::holds_alternative<Login::Secure>(action)) {
      login->secured((data[0] & 32) != 0 ? base::Bytes(32, 'h') : base::Bytes());
    } else if (std::holds_alternative<Login::NeedMore>(action)) {
      if (rest.empty()) return 0;
      given = rest.substr(0, chunk);
      rest.remove_prefix(given.size());
    }
  }
  return 0;
}
