#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

/// The other end of AdminSocket: what the command line asks with. Blocks. One thread.
namespace sallyport::api {

struct Answer {
  int status = 0;
  std::string content_type{};
  std::string body{};  // empty when it was handed to `on_body`
};

/// Takes a piece of a body; false: enough.
using OnBody = std::function<bool(std::string_view octets)>;

/// One request to the gateway that runs on `data_folder`. A successful (2xx) body goes to `on_body` as it comes, if
/// there is one; any other, and without `on_body`, is collected (at most 64 MiB). A body that was cut off is an error:
/// what came before it may have been handed over.
base::Result<Answer> call(const std::string& data_folder, std::string_view method, std::string_view target,
                          std::string_view body = {}, const OnBody& on_body = {});

/// Everything but unreserved characters as %XX.
std::string escape(std::string_view text);

}  // namespace sallyport::api
