#pragma once
#include <boost/asio/buffer.hpp>
#include <memory>

namespace sallyport::session {

/// Where one direction is read into: small while the session is idle or chatty, large while bulk flows, so that many
/// idle sessions are cheap. What was read is valid until the next space().
class ReadBuffer {
 public:
  boost::asio::mutable_buffer space() {
    if (!octets_) octets_ = std::make_unique_for_overwrite<char[]>(size_);
    return boost::asio::buffer(octets_.get(), size_);
  }
  /// Takes notice of a read's size. Returns true when it filled the buffer: more is probably waiting.
  bool took(std::size_t count) {
    const bool was_filled = count == size_;
    const std::size_t wanted = was_filled ? kLarge : count <= kSmall ? kSmall : size_;
    if (wanted != size_) next_size_ = wanted;
    return was_filled;
  }
  const char* data() const { return octets_.get(); }
  /// Call when what was read is no longer needed.
  void consumed() {
    if (next_size_ != size_) {
      size_ = next_size_;
      octets_.reset();
    }
  }

 private:
  static constexpr std::size_t kSmall = std::size_t{4} << 10;
  static constexpr std::size_t kLarge = std::size_t{64} << 10;
  std::size_t size_ = kSmall;
  std::size_t next_size_ = kSmall;
  std::unique_ptr<char[]> octets_;
};

}  // namespace sallyport::session
