#include "api/http.h"

#include <boost/json.hpp>

#include "base/bytes.h"

namespace sallyport::api {
namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

base::Result<std::string> decode(std::string_view text, bool is_query) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '+' && is_query) {
      out += ' ';
    } else if (text[at] != '%') {
      out += text[at];
    } else {
      const int high = at + 2 < text.size() ? digit(text[at + 1]) : -1;
      const int low = high < 0 ? -1 : digit(text[at + 2]);
      if (low < 0) return base::fail(base::Code::malformed, "the address has a bad % escape");
      out += static_cast<char>(high * 16 + low);
      at += 2;
    }
  }
  if (!base::is_utf8_without_nul(out)) return base::fail(base::Code::malformed, "the address is not UTF-8");
  return out;
}

base::Result<void> add_pair(Request& request, std::string_view pair) {
  const auto equals = pair.find('=');
  auto key = decode(pair.substr(0, equals), true);
  auto value = equals == std::string_view::npos ? base::Result<std::string>("") : decode(pair.substr(equals + 1), true);
  if (!key) return std::unexpected(key.error());
  if (!value) return std::unexpected(value.error());
  if (!request.query.emplace(std::move(*key), std::move(*value)).second)
    return base::fail(base::Code::malformed, "the address has a parameter twice");
  return {};
}

}  // namespace

base::Result<Request> parse_target(std::string_view method, std::string_view target) {
  Request request;
  request.method = method;
  if (!target.starts_with('/')) return base::fail(base::Code::malformed, "the address does not begin with /");
  const auto question = target.find('?');
  std::string_view path = target.substr(1, question == std::string_view::npos ? question : question - 1);
  while (true) {
    const auto slash = path.find('/');
    auto segment = decode(path.substr(0, slash), false);
    if (!segment) return std::unexpected(segment.error());
    request.path.push_back(std::move(*segment));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  std::string_view query = question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
  while (!query.empty()) {
    const auto amp = query.find('&');
    if (auto added = add_pair(request, query.substr(0, amp)); !added) return std::unexpected(added.error());
    query = amp == std::string_view::npos ? std::string_view() : query.substr(amp + 1);
  }
  return request;
}

Response problem(int status, std::string_view title, std::string_view detail, std::string_view hint) {
  boost::json::object body{{"type", "about:blank"}, {"title", title}, {"status", status}, {"detail", detail}};
  if (!hint.empty()) body["hint"] = hint;
  return {status, "application/problem+json", boost::json::serialize(body), {}};
}

Response problem(const base::Error& error) {
  switch (error.code) {
    case base::Code::malformed:
    case base::Code::limit:
    case base::Code::unsupported:
      return problem(400, "Refused", error.message, error.hint);
    case base::Code::denied:
      return problem(404, "Not there", error.message, error.hint);
    case base::Code::unavailable:
      return problem(503, "Not available", error.message, error.hint);
    case base::Code::corrupt:
      return problem(500, "Damaged", error.message, error.hint);
    case base::Code::internal:
      break;
  }
  return problem(500, "A fault of the gateway", error.message, error.hint);
}

}  // namespace sallyport::api
