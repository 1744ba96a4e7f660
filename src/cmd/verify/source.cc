#include "cmd/verify/source.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sallyport::verify {
namespace {

constexpr std::size_t kPiece = 1 << 20;

class DiskSource : public Source {
 public:
  DiskSource(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  ~DiskSource() override { ::close(descriptor_); }

  std::uint64_t size() override {
    struct stat info{};
    if (::fstat(descriptor_, &info) != 0) fail();
    return static_cast<std::uint64_t>(info.st_size);
  }

  base::Bytes read_at(std::uint64_t offset, std::size_t count) override {
    // Bounded by what is there: a hostile length must not reserve memory.
    const std::uint64_t end = size();
    if (offset >= end) return {};
    base::Bytes out(static_cast<std::size_t>(std::min<std::uint64_t>(count, end - offset)), '\0');
    std::size_t done = 0;
    while (done < out.size()) {
      const auto got = ::pread(descriptor_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail();
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    out.resize(done);
    return out;
  }

 private:
  [[noreturn]] void fail() const { throw Unreadable{path_ + ": " + std::strerror(errno)}; }
  int descriptor_;
  std::string path_;
};

}  // namespace

std::unique_ptr<Source> open_file(const std::string& path) {
  // O_NONBLOCK: a pipe in the place of a file must not hang us.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ENXIO || errno == ELOOP || errno == ENAMETOOLONG)
      return nullptr;
    throw Unreadable{path + ": " + std::strerror(errno)};
  }
  struct stat info{};
  if (::fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(descriptor);
    return nullptr;
  }
  return std::make_unique<DiskSource>(descriptor, path);
}

bool Folder::read(const std::string& name, std::size_t limit, base::Bytes& into) {
  const auto source = open(name);
  if (!source) return false;
  into = source->read_at(0, limit + 1);
  return true;
}

std::unique_ptr<Source> DiskFolder::open(const std::string& name) { return open_file(path_ + "/" + name); }

std::vector<std::string> DiskFolder::list(const std::string& folder) {
  const std::string path = path_ + "/" + folder;
  std::vector<std::string> names;
  DIR* const open_folder = ::opendir(path.c_str());
  if (open_folder == nullptr) {
    if (errno == ENOENT || errno == ENOTDIR) return names;
    throw Unreadable{path + ": " + std::strerror(errno)};
  }
  while (const dirent* entry = ::readdir(open_folder)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  ::closedir(open_folder);
  std::ranges::sort(names);
  return names;
}

base::Bytes MemorySource::read_at(std::uint64_t offset, std::size_t count) {
  if (offset >= octets_.size()) return {};
  return base::Bytes(octets_.substr(static_cast<std::size_t>(offset), count));
}

std::unique_ptr<Source> MemoryFolder::open(const std::string& name) {
  const auto found = files.find(name);
  return found == files.end() ? nullptr : std::make_unique<MemorySource>(found->second);
}

std::vector<std::string> MemoryFolder::list(const std::string& folder) {
  std::vector<std::string> names;
  const std::string start = folder + "/";
  for (auto at = files.lower_bound(start); at != files.end() && at->first.starts_with(start); ++at) {
    const std::string rest = at->first.substr(start.size());
    if (rest.find('/') == std::string::npos) names.push_back(rest);
  }
  return names;
}

base::View Window::view(std::uint64_t offset, std::size_t count) {
  const bool is_inside =
      offset >= start_ && offset - start_ <= buffer_.size() && count <= buffer_.size() - (offset - start_);
  if (!is_inside) {
    buffer_ = source_.read_at(offset, std::max(count, kPiece));
    start_ = offset;
  }
  return base::View(buffer_).substr(static_cast<std::size_t>(offset - start_), count);
}

}  // namespace sallyport::verify
