#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"

/// The only way in which the trail touches a disk, so that a test can stand in for it: lose what was not synced, tear a
/// write, be full, fail. Any thread. Paths are whole paths. Every function throws DiskFailure.
namespace sallyport::audit {

struct DiskFailure {
  int number = 0;  // errno
  std::string what{};
  bool is_full() const;
};

class File {
 public:
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  virtual ~File() = default;

  /// All of `octets` or DiskFailure; not durable before sync().
  virtual void write_at(std::uint64_t offset, base::View octets) = 0;
  /// As many as there are, up to `count`.
  virtual base::Bytes read_at(std::uint64_t offset, std::size_t count) = 0;
  virtual std::uint64_t size() = 0;
  /// The octets and what is needed to find them are durable (fdatasync).
  virtual void sync() = 0;
  /// Extends the file to `size` octets of zeros that take their space now: later writes within it need none.
  virtual void reserve(std::uint64_t size) = 0;
};

class Files {
 public:
  enum class Access : std::uint8_t {
    read,    // must exist
    write,   // must exist; read and write
    create,  // made if it does not exist
    fresh,   // made, or emptied
  };

  Files() = default;
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  virtual ~Files() = default;

  /// A file that is made has mode 0600.
  virtual std::unique_ptr<File> open(const std::string& path, Access access) = 0;
  virtual bool exists(const std::string& path) = 0;
  /// Names in a folder, ascending; none if there is no such folder.
  virtual std::vector<std::string> list(const std::string& folder) = 0;
  virtual void make_folder(const std::string& path) = 0;  // with mode 0700; no fault if it is there
  virtual void rename(const std::string& from, const std::string& to) = 0;
  virtual void remove(const std::string& path) = 0;  // no fault if it is not there
  /// What was created, renamed or removed in the folder is durable.
  virtual void sync_folder(const std::string& path) = 0;
  /// Everything that was written or named on the disk of `path` is durable; for many small files at once.
  virtual void sync_all(const std::string& path) = 0;
  struct Space {
    std::uint64_t free = 0, total = 0;
  };
  virtual Space space(const std::string& path) = 0;
  /// Held until the result dies; DiskFailure when another process has it.
  virtual std::unique_ptr<File> lock(const std::string& path) = 0;

  /// The whole file, empty when it does not exist; for small ones. Throws DiskFailure.
  base::Bytes read_whole(const std::string& path, std::size_t limit);
  /// Replaces a file so that a crash leaves the old or the new one: write aside, sync, rename, sync the folder.
  void replace(const std::string& path, base::View octets);
};

/// The real ones; lives as long as the program.
Files& disk();

}  // namespace sallyport::audit
