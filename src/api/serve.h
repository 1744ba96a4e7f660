#pragma once
#include <chrono>
#include <string_view>

#include "api/routes.h"

namespace sallyport::api {

struct ServeLimits {
  std::size_t head_octets, body_octets;
  std::chrono::milliseconds patience;
};

/// Reads one HTTP/1.1 request from a connected socket, answers it, returns. Blocks at most `patience` for the request
/// and for each write. Throws nothing; leaves the socket open.
void serve_one(int socket, Routes& routes, const Caller& caller, ServeLimits limits);

/// Answers 403 or 503 without reading.
void refuse_connection(int socket, std::string_view why, std::chrono::milliseconds patience);

}  // namespace sallyport::api
