#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"

/// Where octets to be verified come from: a disk, or memory in tests. One thread at a time. Reading what is there but
/// cannot be read (rights, a failing disk) throws Unreadable; what is not there is a value, never an exception.
namespace sallyport::verify {

struct Unreadable {
  std::string what{};
};

/// One file. It may grow while it is read.
class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;
  virtual std::uint64_t size() = 0;
  /// Fewer than `count` octets only at the end.
  virtual base::Bytes read_at(std::uint64_t offset, std::size_t count) = 0;
};

/// A folder with folders. Names are relative, with '/'.
class Folder {
 public:
  Folder() = default;
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  virtual ~Folder() = default;
  /// nullptr: no regular file of that name.
  virtual std::unique_ptr<Source> open(const std::string& name) = 0;
  /// Names of the files directly in `folder`, ascending.
  virtual std::vector<std::string> list(const std::string& folder) = 0;
  /// The whole of a file of at most `limit` octets; one octet more than `limit` when it is larger.
  bool read(const std::string& name, std::size_t limit, base::Bytes& into);
};

class DiskFolder : public Folder {
 public:
  explicit DiskFolder(std::string path) : path_(std::move(path)) {}
  std::unique_ptr<Source> open(const std::string& name) override;
  std::vector<std::string> list(const std::string& folder) override;

 private:
  std::string path_;
};

/// A regular file by its path; nullptr: not there, or something else than a file.
std::unique_ptr<Source> open_file(const std::string& path);

class MemorySource : public Source {
 public:
  /// `octets` must outlive this.
  explicit MemorySource(base::View octets) : octets_(octets) {}
  std::uint64_t size() override { return octets_.size(); }
  base::Bytes read_at(std::uint64_t offset, std::size_t count) override;

 private:
  base::View octets_;
};

class MemoryFolder : public Folder {
 public:
  MemoryFolder() = default;
  MemoryFolder(const MemoryFolder& other) : Folder(), files(other.files) {}
  std::unique_ptr<Source> open(const std::string& name) override;
  std::vector<std::string> list(const std::string& folder) override;
  std::map<std::string, base::Bytes> files;
};

/// A sliding view of a Source, read in large pieces.
class Window {
 public:
  explicit Window(Source& source) : source_(source) {}
  /// `count` octets at `offset`, fewer only at the end. Valid until the next call.
  base::View view(std::uint64_t offset, std::size_t count);
  /// Forgets what was read: the file may have changed.
  void refresh() { buffer_.clear(); }
  std::uint64_t size() { return source_.size(); }

 private:
  Source& source_;
  base::Bytes buffer_;
  std::uint64_t start_ = 0;
};

}  // namespace sallyport::verify
