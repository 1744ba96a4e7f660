#pragma once
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

/// A request and its answer as the routes see them; no socket, no parser. Values.
namespace sallyport::api {

/// Who asks. On the local socket: "operator uid N", by the kernel's word.
struct Caller {
  std::string name{};
};

struct Request {
  std::string method{};
  std::vector<std::string> path{};  // decoded segments: {"api", "v1", "tokens"}
  std::map<std::string, std::string> query{};
  std::string body{};
};

/// "/api/v1/search?q=a%20b". Malformed: a bad escape, NUL, invalid UTF-8, a key twice.
base::Result<Request> parse_target(std::string_view method, std::string_view target);

/// Where a streamed body goes. False: the client has left, or the server stops; end soon.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual bool write(std::string_view octets) = 0;
  virtual bool is_open() = 0;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body{};
  /// Instead of `body`: called once, after the head was sent. An error cuts the body off so that the client notices.
  std::function<base::Result<void>(Sink&)> stream{};
};

/// RFC 9457.
Response problem(int status, std::string_view title, std::string_view detail, std::string_view hint = {});
Response problem(const base::Error& error);

}  // namespace sallyport::api
