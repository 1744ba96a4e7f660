#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

/// Octets and the two byte orders. Pure.
namespace sallyport::base {

/// Octets that are owned. Not text: may hold NUL and any encoding.
using Bytes = std::string;
/// Octets that are borrowed. Whoever hands one out states how long it is valid.
using View = std::string_view;

constexpr std::size_t operator""_KiB(unsigned long long n) { return static_cast<std::size_t>(n) << 10; }
constexpr std::size_t operator""_MiB(unsigned long long n) { return static_cast<std::size_t>(n) << 20; }
constexpr std::size_t operator""_GiB(unsigned long long n) { return static_cast<std::size_t>(n) << 30; }

/// REQUIRES: `from` points at sizeof(T) readable octets.
template <class T>
T load_big(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  if constexpr (std::endian::native == std::endian::little && sizeof(T) > 1) value = std::byteswap(value);
  return value;
}
/// REQUIRES: `to` points at sizeof(T) writable octets.
template <class T>
void store_big(char* to, T value) {
  if constexpr (std::endian::native == std::endian::little && sizeof(T) > 1) value = std::byteswap(value);
  std::memcpy(to, &value, sizeof value);
}
template <class T>
T load_little(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  if constexpr (std::endian::native == std::endian::big && sizeof(T) > 1) value = std::byteswap(value);
  return value;
}
template <class T>
void append_big(Bytes& to, T value) {
  if constexpr (std::endian::native == std::endian::little && sizeof(T) > 1) value = std::byteswap(value);
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}
template <class T>
void append_little(Bytes& to, T value) {
  if constexpr (std::endian::native == std::endian::big && sizeof(T) > 1) value = std::byteswap(value);
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// Lower-case hexadecimal of `octets`.
Bytes to_hex(View octets);
/// True for well-formed UTF-8 without NUL (RFC 3629: no surrogates, no overlong forms).
bool is_utf8_without_nul(View octets);

}  // namespace sallyport::base
