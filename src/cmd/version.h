#pragma once

namespace sallyport::cmd {
inline constexpr const char* kVersion = "0.1.0";
}
