#pragma once
#include <string>
#include <string_view>

#include "base/secret.h"

/// The text of a token (docs/formats/token.md): "sp_", 30 random characters of base 62 (178 bits), 6 characters of base
/// 62 that are the CRC-32 (ISO-HDLC, as in zlib) of those 30. The checksum lets secret scanners know a token from a
/// chance string without asking us, and lets us refuse a mistyped one without asking the store. Pure but for the
/// randomness.
namespace sallyport::identity {

inline constexpr std::size_t kTokenSize = 39;

base::Secret make_token_text();
/// True when prefix, alphabet, size and checksum are right. Says nothing about whether it was ever issued.
bool is_token_text(std::string_view text);

}  // namespace sallyport::identity
