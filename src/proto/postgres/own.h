#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

/// The few messages that the gateway itself writes and reads as a client of a target. Pure.
namespace sallyport::proto::postgres {

/// A Query message. REQUIRES: no NUL in `text`.
base::Bytes encode_query(base::View text);

/// The text of each DataRow among whole frames; nullopt is NULL. An ErrorResponse among them is an error.
using TextRows = std::vector<std::vector<std::optional<std::string>>>;
base::Result<TextRows> decode_text_rows(base::View frames);

/// CancelRequest and SSLRequest (manual 55.7): the whole of what is sent, without a type octet.
base::Bytes encode_cancel_request(std::uint32_t process, std::uint32_t key);
base::Bytes encode_ssl_request();

}  // namespace sallyport::proto::postgres
