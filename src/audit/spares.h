#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "audit/files.h"

/// Segments that stand ready: the next one, and a small reserve for the last words when the disk is full.
namespace sallyport::audit {

class Spares {
 public:
  Spares(Files& files, std::string folder, std::uint64_t segment_size);

  /// Makes segment `number` ready, and the reserve, if they are not. Any thread. Throws DiskFailure.
  void prepare(std::uint32_t number);
  struct Taken {
    std::unique_ptr<File> file;
    std::uint64_t size = 0;
    bool is_reserve = false;  // the disk is full and this is the last
  };
  /// Segment `number`, empty, its name durable. Throws DiskFailure when not even the reserve is left.
  Taken take(std::uint32_t number);

 private:
  void make(const std::string& path, std::uint64_t size);
  std::string path_of(std::uint32_t number) const;
  std::string reserve_path() const { return folder_ + "/reserve"; }

  Files& files_;
  std::string folder_;
  std::uint64_t segment_size_, reserve_size_;
  std::mutex mutex_;
};

}  // namespace sallyport::audit
