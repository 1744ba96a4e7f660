#pragma once
#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "api/http.h"

/// What routes read from a request, strictly, and how they answer. Pure.
namespace sallyport::api {

Response answer(const boost::json::value& body, int status = 200);

/// The body as an object whose keys are all of `known`.
base::Result<boost::json::object> body_object(const Request& request, const std::vector<std::string_view>& known);
/// Absent: an empty text, an empty list. Of another kind: an error.
base::Result<std::string> text_of(const boost::json::object& object, std::string_view key);
base::Result<std::vector<std::string>> texts_of(const boost::json::object& object, std::string_view key);

/// The parameter `limit` of the address, from 1 to `most`; `usual` when it is absent.
base::Result<std::size_t> limit_of(const Request& request, std::size_t usual, std::size_t most);
/// An error when the address has a parameter that is not of `known`.
base::Result<void> only_known(const Request& request, const std::vector<std::string_view>& known);

}  // namespace sallyport::api
