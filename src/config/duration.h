#pragma once
#include <chrono>
#include <optional>
#include <string_view>

namespace sallyport::config {

/// "15m": a whole number and ms, s, m, h or d. Empty: it is none. Pure.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace sallyport::config
