#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/refusal.h"
#include "model/understanding.h"
#include "proto/postgres/names.h"
#include "proto/postgres/shapes.h"

/// What one message of the client asks for: noted when it is cut from the stream, kept until the target answered it.
/// Pure.
namespace sallyport::proto::postgres {

enum class RequestKind : std::uint8_t {
  query,
  parse,
  bind,
  describe_statement,
  describe_portal,
  execute,
  close_statement,
  close_portal,
  function_call,
  sync,
  flush,      // no reply of its own
  terminate,  // no reply
  copy_data,  // no reply
  copy_end,   // CopyDone or CopyFail: no reply, but it ends the COPY that reads it
  rest,       // octets that belong to a Command cut before
};

/// What is judged and answered under a number of its own.
constexpr bool is_command(RequestKind kind) { return kind <= RequestKind::function_call; }

struct Request {
  RequestKind kind = RequestKind::query;
  std::uint64_t op = 0;
  std::uint64_t number = 0;   // of its Command; else of the next Command
  std::uint64_t segment = 0;  // counts the points at which the target begins anew after an error
  std::string statement{}, portal{};
  Shapes::Formats formats{};  // of a Bind's results, when shapes are kept

  // Known once it is forwarded:
  std::unique_ptr<model::Refusal> refusal{};  // set: an invalid request stands in its place
  std::vector<model::NameChange> changes{};   // what its SQL does to names, not yet confirmed ones only
  bool is_skipped = false;  // the target ignores it because of an earlier error, or swallowed it inside a COPY
  bool has_ended = false;   // its result or its error came; only ReadyForQuery is still to come
  bool has_failed = false;
  bool is_copying_in = false;   // CopyInResponse came
  bool has_parameters = false;  // ParameterDescription came
  std::uint32_t done = 0;       // statements of a Query that are answered

  /// True when an answer of its own will come.
  bool is_live() const { return !is_skipped && kind != RequestKind::copy_end; }
};

/// First in, first out, in one block that is reused. References are valid until the next push.
template <class T>
class Fifo {
 public:
  bool is_empty() const { return head_ == items_.size(); }
  std::size_t size() const { return items_.size() - head_; }
  T& front() { return items_[head_]; }
  const T& front() const { return items_[head_]; }
  T& operator[](std::size_t index) { return items_[head_ + index]; }
  const T& operator[](std::size_t index) const { return items_[head_ + index]; }
  T& back() { return items_.back(); }
  void push(T&& item) {
    if (head_ > 64 && head_ > items_.size() / 2) {
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
    items_.push_back(std::move(item));
  }
  T pop() {
    T item = std::move(items_[head_++]);
    if (head_ == items_.size()) {
      if (items_.capacity() > kKept) std::vector<T>().swap(items_);
      items_.clear();
      head_ = 0;
    }
    return item;
  }

 private:
  static constexpr std::size_t kKept = 64;  // places that an empty one may keep
  std::vector<T> items_;
  std::size_t head_ = 0;
};

}  // namespace sallyport::proto::postgres
