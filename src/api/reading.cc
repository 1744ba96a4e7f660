#include "api/reading.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace sallyport::api {

namespace json = boost::json;

Response answer(const json::value& body, int status) { return {status, "application/json", json::serialize(body), {}}; }

base::Result<json::object> body_object(const Request& request, const std::vector<std::string_view>& known) {
  boost::system::error_code error;
  json::parse_options strict;
  strict.max_depth = 8;
  const json::value value = json::parse(request.body, error, {}, strict);
  if (error || !value.is_object()) return base::fail(base::Code::malformed, "the body must be a JSON object");
  for (const auto& pair : value.get_object())
    if (std::find(known.begin(), known.end(), std::string_view(pair.key())) == known.end())
      return base::fail(base::Code::malformed,
                        fmt::format("the body has an unknown key '{}'", std::string_view(pair.key())));
  return value.get_object();
}

base::Result<std::string> text_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return std::string();
  if (!value->is_string()) return base::fail(base::Code::malformed, fmt::format("'{}' must be text", key));
  return std::string(std::string_view(value->get_string()));
}

base::Result<std::vector<std::string>> texts_of(const json::object& object, std::string_view key) {
  std::vector<std::string> texts;
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return texts;
  if (!value->is_array()) return base::fail(base::Code::malformed, fmt::format("'{}' must be a list of texts", key));
  for (const json::value& item : value->get_array()) {
    if (!item.is_string()) return base::fail(base::Code::malformed, fmt::format("'{}' must be a list of texts", key));
    texts.emplace_back(std::string_view(item.get_string()));
  }
  return texts;
}

base::Result<std::size_t> limit_of(const Request& request, std::size_t usual, std::size_t most) {
  const auto found = request.query.find("limit");
  if (found == request.query.end()) return usual;
  std::size_t limit = 0;
  const auto [end, error] = std::from_chars(found->second.data(), found->second.data() + found->second.size(), limit);
  if (error != std::errc() || *end != '\0' || limit < 1 || limit > most)
    return base::fail(base::Code::malformed, fmt::format("limit must be a number from 1 to {}", most));
  return limit;
}

base::Result<void> only_known(const Request& request, const std::vector<std::string_view>& known) {
  for (const auto& [key, value] : request.query)
    if (std::find(known.begin(), known.end(), key) == known.end())
      return base::fail(base::Code::malformed, fmt::format("the address has an unknown parameter '{}'", key));
  return {};
}

}  // namespace sallyport::api
