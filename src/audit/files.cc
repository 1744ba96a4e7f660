#include "audit/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sallyport::audit {
namespace {

[[noreturn]] void fail(const std::string& what, const std::string& path) {
  const int number = errno;
  throw DiskFailure{number, what + " " + path + ": " + std::strerror(number)};
}

class RealFile final : public File {
 public:
  RealFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  ~RealFile() override { ::close(descriptor_); }

  void write_at(std::uint64_t offset, base::View octets) override {
    while (!octets.empty()) {
      const ssize_t done = ::pwrite(descriptor_, octets.data(), octets.size(), static_cast<off_t>(offset));
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) fail("write", path_);
      octets.remove_prefix(static_cast<std::size_t>(done));
      offset += static_cast<std::uint64_t>(done);
    }
  }

  base::Bytes read_at(std::uint64_t offset, std::size_t count) override {
    base::Bytes octets(count, '\0');
    std::size_t have = 0;
    while (have < count) {
      const ssize_t got = ::pread(descriptor_, octets.data() + have, count - have, static_cast<off_t>(offset + have));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail("read", path_);
      if (got == 0) break;
      have += static_cast<std::size_t>(got);
    }
    octets.resize(have);
    return octets;
  }

  std::uint64_t size() override {
    struct stat status{};
    if (::fstat(descriptor_, &status) != 0) fail("stat", path_);
    return static_cast<std::uint64_t>(status.st_size);
  }

  void sync() override {
    if (::fdatasync(descriptor_) != 0) fail("sync", path_);
  }

  void reserve(std::uint64_t wanted) override {
    // Zeros are written, not only promised (fallocate): a later fdatasync then has no extents to convert and is faster.
    static const base::Bytes zeros(1 << 20, '\0');
    for (std::uint64_t at = size(); at < wanted;) {
      const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(zeros.size(), wanted - at));
      write_at(at, base::View(zeros).substr(0, step));
      at += step;
    }
    sync();
  }

 private:
  int descriptor_;
  std::string path_;
};

class RealFiles final : public Files {
 public:
  std::unique_ptr<File> open(const std::string& path, Access access) override {
    int flags = O_CLOEXEC;
    switch (access) {
      case Access::read:
        flags |= O_RDONLY;
        break;
      case Access::write:
        flags |= O_RDWR;
        break;
      case Access::create:
        flags |= O_RDWR | O_CREAT;
        break;
      case Access::fresh:
        flags |= O_RDWR | O_CREAT | O_TRUNC;
        break;
    }
    const int descriptor = ::open(path.c_str(), flags, 0600);
    if (descriptor < 0) fail("open", path);
    return std::make_unique<RealFile>(descriptor, path);
  }

  bool exists(const std::string& path) override { return ::access(path.c_str(), F_OK) == 0; }

  std::vector<std::string> list(const std::string& folder) override {
    std::vector<std::string> names;
    DIR* const stream = ::opendir(folder.c_str());
    if (stream == nullptr) {
      if (errno == ENOENT) return names;
      fail("list", folder);
    }
    while (const dirent* entry = ::readdir(stream)) {
      const base::View name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    ::closedir(stream);
    std::ranges::sort(names);
    return names;
  }

  void make_folder(const std::string& path) override {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) fail("make folder", path);
  }

  void rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) fail("rename to", to);
  }

  void remove(const std::string& path) override {
    if (::remove(path.c_str()) != 0 && errno != ENOENT) fail("remove", path);
  }

  void sync_folder(const std::string& path) override {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) fail("open folder", path);
    const int failed = ::fsync(descriptor);
    const int number = errno;
    ::close(descriptor);
    errno = number;
    if (failed != 0) fail("sync folder", path);
  }

  void sync_all(const std::string& path) override {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) fail("open folder", path);
    const int failed = ::syncfs(descriptor);
    const int number = errno;
    ::close(descriptor);
    errno = number;
    if (failed != 0) fail("sync the disk of", path);
  }

  Space space(const std::string& path) override {
    struct statvfs status{};
    if (::statvfs(path.c_str(), &status) != 0) fail("ask for space", path);
    return {status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize};
  }

  std::unique_ptr<File> lock(const std::string& path) override {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) fail("open", path);
    auto file = std::make_unique<RealFile>(descriptor, path);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) fail("lock", path);
    return file;
  }
};

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

bool DiskFailure::is_full() const { return number == ENOSPC || number == EDQUOT || number == EFBIG; }

base::Bytes Files::read_whole(const std::string& path, std::size_t limit) {
  if (!exists(path)) return {};
  return open(path, Access::read)->read_at(0, limit);
}

void Files::replace(const std::string& path, base::View octets) {
  const std::string aside = path + ".new";
  {
    const auto file = open(aside, Access::fresh);
    file->write_at(0, octets);
    file->sync();
  }
  rename(aside, path);
  sync_folder(folder_of(path));
}

Files& disk() {
  static RealFiles files;
  return files;
}

}  // namespace sallyport::audit
