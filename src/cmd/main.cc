// The program `sallyport`: reads its command line, runs one command, ends with its status.
#include <cstdio>
#include <exception>

#include "cmd/cli/arguments.h"
#include "cmd/cli/commands.h"
#include "cmd/gateway/gateway.h"
#include "config/config.h"

namespace sallyport::cmd {
namespace {

int run(const Common& common, const GatewayCommand&) {
  auto config = config::load(common.config, config::Secrets::resolve);
  if (!config) return complain(common, config.error());
  return run_gateway(std::move(*config));
}
int run(const Common& common, const CheckCommand&) { return run_check(common); }
int run(const Common& common, const VerifyCommand& command) { return run_verify(common, command); }

int main_of(int count, const char* const* words) {
  const auto arguments = parse_arguments(count, words);
  if (!arguments) {
    std::fputs(arguments.error().text.c_str(), arguments.error().status == 0 ? stdout : stderr);
    return arguments.error().status;
  }
  if (arguments->common.config.empty()) {
    std::fputs("sallyport: no configuration is named; use --config FILE or SALLYPORT_CONFIG\n", stderr);
    return 2;
  }
  return std::visit([&](const auto& command) { return run(arguments->common, command); }, arguments->command);
}

}  // namespace
}  // namespace sallyport::cmd

int main(int count, char** words) {
  try {
    return sallyport::cmd::main_of(count, words);
  } catch (const std::exception& error) {
    return sallyport::cmd::complain(error.what());
  }
}
