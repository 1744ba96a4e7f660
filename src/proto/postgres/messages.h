#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "model/refusal.h"

/// The grain of PostgreSQL's protocol 3.0 (manual, chapter 55.7): a frame is one type octet, an Int32 length that
/// counts itself but not the type, and a body. Pure. Views point into what was handed in.
namespace sallyport::proto::postgres {

inline constexpr std::size_t kHeader = 5;
/// The server's own bound of a message (MaxAllocSize); a length beyond it is not a length.
inline constexpr std::uint32_t kMaxLength = 0x40000000;
/// What a buffer may keep while nothing is in it: a session is idle most of its life.
inline constexpr std::size_t kIdleCapacity = 4096;
/// The server's bound of messages that hold only names and numbers (PQ_SMALL_MESSAGE_LIMIT).
inline constexpr std::uint32_t kMaxSmallLength = 10000;
/// Names are compared in the server up to this many octets (NAMEDATALEN - 1): longer ones that begin alike are the
/// same.
inline constexpr std::size_t kNameLength = 63;

/// Reads a body from its beginning. After the first read that does not fit, `is_good` stays false and every read gives
/// zero or nothing, so that a parser needs to look only once, at its end.
class Reader {
 public:
  explicit Reader(base::View body) : rest_(body) {}

  template <class T>
  T number() {
    if (rest_.size() < sizeof(T)) {
      is_good_ = false;
      rest_ = {};
      return 0;
    }
    const T value = base::load_big<T>(rest_.data());
    rest_.remove_prefix(sizeof(T));
    return value;
  }
  /// Up to the next NUL, which is consumed and not given.
  base::View string() {
    const auto end = rest_.find('\0');
    if (end == base::View::npos) {
      is_good_ = false;
      rest_ = {};
      return {};
    }
    const base::View text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return text;
  }
  base::View octets(std::size_t count) {
    if (rest_.size() < count) {
      is_good_ = false;
      rest_ = {};
      return {};
    }
    const base::View taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  base::View rest() const { return rest_; }
  bool is_good() const { return is_good_; }
  /// Everything was there, and nothing is left over.
  bool is_exactly_read() const { return is_good_ && rest_.empty(); }

 private:
  base::View rest_;
  bool is_good_ = true;
};

/// Appends one frame to `out`: the length is filled in when it goes out of scope.
class FrameWriter {
 public:
  FrameWriter(base::Bytes& out, char type) : out_(out), start_(out.size() + 1) {
    out_.push_back(type);
    base::append_big<std::uint32_t>(out_, 0);
  }
  ~FrameWriter();
  FrameWriter(const FrameWriter&) = delete;
  FrameWriter& operator=(const FrameWriter&) = delete;

  template <class T>
  FrameWriter& number(T value) {
    base::append_big<T>(out_, value);
    return *this;
  }
  /// REQUIRES: no NUL in `text` (see without_nul).
  FrameWriter& string(base::View text) {
    out_.append(text);
    out_.push_back('\0');
    return *this;
  }
  FrameWriter& octets(base::View octets) {
    out_.append(octets);
    return *this;
  }

 private:
  base::Bytes& out_;
  std::size_t start_;
};

/// The fields of ErrorResponse and NoticeResponse that we look at (manual 55.8). Views into the body.
struct ErrorFields {
  base::View severity;  // V, which is never translated; S from servers older than 9.6
  base::View code, message;
  /// ERROR leaves the session alive; FATAL and PANIC end it.
  bool ends_session() const { return severity == "FATAL" || severity == "PANIC"; }
};
/// Nothing when the body is not a list of fields that ends with a NUL.
std::optional<ErrorFields> read_error(base::View body);

/// SQLSTATE for a refusal.
std::string_view sqlstate_of(model::Refusal::Kind kind);
enum class Severity : std::uint8_t { notice, error, fatal };
/// ErrorResponse, or NoticeResponse for Severity::notice, with severity, code, message, detail and hint of `refusal`.
void append_refusal(base::Bytes& out, Severity severity, const model::Refusal& refusal);

}  // namespace sallyport::proto::postgres
