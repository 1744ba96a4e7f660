#include "audit/spares.h"

#include <algorithm>

#include "audit/segments.h"

namespace sallyport::audit {

Spares::Spares(Files& files, std::string folder, std::uint64_t segment_size)
    : files_(files),
      folder_(std::move(folder)),
      segment_size_(segment_size),
      reserve_size_(std::min<std::uint64_t>(segment_size, base::operator""_MiB(4))) {}

std::string Spares::path_of(std::uint32_t number) const { return folder_ + "/" + segment_name(number); }

void Spares::make(const std::string& path, std::uint64_t size) {
  const std::string aside = path + ".new";
  try {
    const auto file = files_.open(aside, Files::Access::fresh);
    file->reserve(size);
    file->sync();
  } catch (const DiskFailure&) {
    // What it took is given back: on a full disk others need it.
    files_.remove(aside);
    throw;
  }
  files_.rename(aside, path);
  files_.sync_folder(folder_);
}

void Spares::prepare(std::uint32_t number) {
  const std::lock_guard lock(mutex_);
  if (!files_.exists(reserve_path())) make(reserve_path(), reserve_size_);
  if (!files_.exists(path_of(number))) make(path_of(number), segment_size_);
}

Spares::Taken Spares::take(std::uint32_t number) {
  const std::lock_guard lock(mutex_);
  Taken taken;
  try {
    if (!files_.exists(path_of(number))) make(path_of(number), segment_size_);
  } catch (const DiskFailure& failure) {
    if (!failure.is_full() || !files_.exists(reserve_path())) throw;
    files_.rename(reserve_path(), path_of(number));
    files_.sync_folder(folder_);
    taken.is_reserve = true;
  }
  taken.file = files_.open(path_of(number), Files::Access::write);
  taken.size = taken.file->size();
  return taken;
}

}  // namespace sallyport::audit
