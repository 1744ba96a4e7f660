#pragma once
#include <openssl/crypto.h>

#include <string>
#include <string_view>
#include <utility>

namespace sallyport::base {

/// A credential. Cannot be printed or compared by accident; wiped when it dies. Move-only.
/// The octets are reachable only by `reveal()`, so that a reader of the code can find every use.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string octets) : octets_(std::move(octets)) {}
  Secret(Secret&& other) noexcept : octets_(std::move(other.octets_)) { other.wipe(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe();
      octets_ = std::move(other.octets_);
      other.wipe();
    }
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(); }

  /// Valid until this Secret is changed or dies.
  std::string_view reveal() const { return octets_; }
  bool is_empty() const { return octets_.empty(); }
  Secret copy() const { return Secret(octets_); }

 private:
  void wipe() {
    // Also wipes the small-string buffer that a move leaves behind.
    octets_.resize(octets_.capacity());
    OPENSSL_cleanse(octets_.data(), octets_.size());
    octets_.clear();
  }
  std::string octets_;
};

}  // namespace sallyport::base
