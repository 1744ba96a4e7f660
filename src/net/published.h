#pragma once
#include <memory>
#include <mutex>
#include <utility>

namespace sallyport::net {

/// The newest of a series of immutable snapshots, written by one thread and read by many. Thread-safe.
/// (std::atomic<std::shared_ptr> of libstdc++ 12 reads its pointer outside of its own order of memory: PR 101761.)
template <class T>
class Published {
 public:
  std::shared_ptr<const T> load() const {
    const std::scoped_lock lock(mutex_);
    return value_;
  }
  void store(std::shared_ptr<const T> value) {
    {
      const std::scoped_lock lock(mutex_);
      value_.swap(value);
    }
    // The one before may end here, outside of the lock.
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;
};

}  // namespace sallyport::net
