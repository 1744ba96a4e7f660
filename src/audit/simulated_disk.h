#pragma once
#include <cerrno>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "audit/files.h"

/// A disk in memory, for tests: it can die at any call, fail a call, be full, and show what a real one may hold after
/// the power failed. Any thread.
///
/// What may survive a crash: of a file, what was synced, and of the writes since then any subset, each in any subset of
/// its sectors, the last one cut at any octet; of a folder, the names that were synced, and the changes since then up
/// to any one of them (a journal keeps their order).
namespace sallyport::audit::testing {

class SimulatedDisk final : public Files {
 public:
  enum class Call : std::uint8_t { open, write, sync, reserve, rename, remove, sync_folder, lock };
  /// Asked before each call that changes something; may throw DiskFailure.
  using Fault = std::function<void(Call, std::uint64_t number, const std::string& path)>;

  struct Write {
    std::uint64_t offset;
    base::Bytes octets;
  };

  void set_fault(Fault fault) {
    const std::lock_guard lock(mutex_);
    fault_ = std::move(fault);
  }
  void set_capacity(std::uint64_t octets) {
    const std::lock_guard lock(mutex_);
    capacity_ = octets;
  }
  std::uint64_t calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  /// From now on every call fails; what was called before may or may not be on the disk.
  void die() {
    const std::lock_guard lock(mutex_);
    is_dead_ = true;
  }
  /// From now on a sync of a file with this in its path is a lie: the octets stay where a crash can take them.
  void lie_about(std::string part) {
    const std::lock_guard lock(mutex_);
    lie_about_ = std::move(part);
  }
  /// A disk as it may be found afterwards.
  std::unique_ptr<SimulatedDisk> after_crash(std::mt19937_64& random) const;
  /// Every write to the file since it got this name, in order.
  std::vector<Write> history(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    return names_.at(path)->history;
  }
  /// A disk that holds all that was written, as after an orderly end.
  std::unique_ptr<SimulatedDisk> copy() const;
  void put(const std::string& path, base::Bytes octets) {
    const std::lock_guard lock(mutex_);
    auto node = std::make_shared<Node>();
    node->now = node->synced = std::move(octets);
    names_[path] = synced_names_[path] = node;
  }

  std::unique_ptr<File> open(const std::string& path, Access access) override;
  bool exists(const std::string& path) override;
  std::vector<std::string> list(const std::string& folder) override;
  void make_folder(const std::string& path) override;
  void rename(const std::string& from, const std::string& to) override;
  void remove(const std::string& path) override;
  void sync_folder(const std::string& path) override;
  void sync_all(const std::string& path) override;
  Space space(const std::string& path) override;
  std::unique_ptr<File> lock(const std::string& path) override;

 private:
  friend class SimulatedFile;
  struct Node {
    base::Bytes now, synced;
    std::vector<Write> unsynced;
    std::vector<Write> history;
  };
  struct Change {  // of names, not synced yet
    std::string folder;
    std::function<void(std::map<std::string, std::shared_ptr<Node>>&)> apply;
  };
  void ask(Call call, const std::string& path);
  std::uint64_t used() const;
  void write(Node& node, std::uint64_t offset, base::View octets);

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Node>> names_, synced_names_;
  std::vector<Change> changes_;
  std::set<std::string> folders_;
  Fault fault_;
  std::uint64_t calls_ = 0;
  std::uint64_t capacity_ = std::uint64_t{1} << 40;
  bool is_dead_ = false;
  std::string lie_about_;
};

class SimulatedFile final : public File {
 public:
  SimulatedFile(SimulatedDisk& disk, std::string path, std::shared_ptr<SimulatedDisk::Node> node)
      : disk_(disk), path_(std::move(path)), node_(std::move(node)) {}

  void write_at(std::uint64_t offset, base::View octets) override {
    const std::lock_guard lock(disk_.mutex_);
    try {
      disk_.ask(SimulatedDisk::Call::write, path_);
    } catch (const DiskFailure&) {
      // A write that failed may have been done in part.
      if (!disk_.is_dead_) node_->unsynced.push_back({offset, base::Bytes(octets)});
      throw;
    }
    disk_.write(*node_, offset, octets);
    node_->history.push_back({offset, base::Bytes(octets)});
  }
  base::Bytes read_at(std::uint64_t offset, std::size_t count) override {
    const std::lock_guard lock(disk_.mutex_);
    if (disk_.is_dead_) throw DiskFailure{EIO, "dead"};
    if (offset >= node_->now.size()) return {};
    return node_->now.substr(static_cast<std::size_t>(offset), count);
  }
  std::uint64_t size() override {
    const std::lock_guard lock(disk_.mutex_);
    return node_->now.size();
  }
  void sync() override {
    const std::lock_guard lock(disk_.mutex_);
    disk_.ask(SimulatedDisk::Call::sync, path_);
    if (!disk_.lie_about_.empty() && path_.find(disk_.lie_about_) != std::string::npos) return;
    node_->synced = node_->now;
    node_->unsynced.clear();
  }
  void reserve(std::uint64_t size) override {
    const std::lock_guard lock(disk_.mutex_);
    disk_.ask(SimulatedDisk::Call::reserve, path_);
    if (node_->now.size() < size) disk_.write(*node_, node_->now.size(), base::Bytes(size - node_->now.size(), '\0'));
  }

 private:
  SimulatedDisk& disk_;
  std::string path_;
  std::shared_ptr<SimulatedDisk::Node> node_;
};

inline std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

inline void SimulatedDisk::ask(Call call, const std::string& path) {
  if (is_dead_) throw DiskFailure{EIO, "the disk is dead: " + path};
  ++calls_;
  if (fault_) fault_(call, calls_, path);
}

inline std::uint64_t SimulatedDisk::used() const {
  std::uint64_t octets = 0;
  for (const auto& [name, node] : names_) octets += (node->now.size() + 4095) / 4096 * 4096;
  return octets;
}

inline void SimulatedDisk::write(Node& node, std::uint64_t offset, base::View octets) {
  const auto end = static_cast<std::size_t>(offset) + octets.size();
  if (end > node.now.size()) {
    if (used() - node.now.size() + end > capacity_) throw DiskFailure{ENOSPC, "the simulated disk is full"};
    node.now.resize(end, '\0');
  }
  node.now.replace(static_cast<std::size_t>(offset), octets.size(), octets);
  node.unsynced.push_back({offset, base::Bytes(octets)});
}

inline std::unique_ptr<File> SimulatedDisk::open(const std::string& path, Access access) {
  const std::lock_guard lock(mutex_);
  if (is_dead_) throw DiskFailure{EIO, "the disk is dead: " + path};
  const auto found = names_.find(path);
  if (found == names_.end()) {
    if (access == Access::read || access == Access::write || !folders_.contains(parent_of(path))) {
      throw DiskFailure{ENOENT, "open " + path};
    }
    ask(Call::open, path);
    auto node = std::make_shared<Node>();
    names_[path] = node;
    changes_.push_back({parent_of(path), [path, node](auto& names) { names[path] = node; }});
    return std::make_unique<SimulatedFile>(*this, path, node);
  }
  if (access == Access::fresh) {
    ask(Call::open, path);
    // As a new node: what the old one held may come back after a crash, never a mixture.
    auto node = std::make_shared<Node>();
    names_[path] = node;
    changes_.push_back({parent_of(path), [path, node](auto& names) { names[path] = node; }});
    return std::make_unique<SimulatedFile>(*this, path, node);
  }
  return std::make_unique<SimulatedFile>(*this, path, found->second);
}

inline bool SimulatedDisk::exists(const std::string& path) {
  const std::lock_guard lock(mutex_);
  return names_.contains(path) || folders_.contains(path);
}

inline std::vector<std::string> SimulatedDisk::list(const std::string& folder) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> found;
  for (const auto& [name, node] : names_) {
    if (parent_of(name) == folder) found.push_back(name.substr(folder.size() + 1));
  }
  return found;
}

inline void SimulatedDisk::make_folder(const std::string& path) {
  const std::lock_guard lock(mutex_);
  folders_.insert(path);
}

inline void SimulatedDisk::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  ask(Call::rename, to);
  const auto node = names_.at(from);
  names_.erase(from);
  names_[to] = node;
  changes_.push_back({parent_of(to), [from, to, node](auto& names) {
                        names.erase(from);
                        names[to] = node;
                      }});
}

inline void SimulatedDisk::remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (folders_.erase(path) > 0) return;
  if (!names_.contains(path)) return;
  ask(Call::remove, path);
  names_.erase(path);
  changes_.push_back({parent_of(path), [path](auto& names) { names.erase(path); }});
}

inline void SimulatedDisk::sync_folder(const std::string& path) {
  const std::lock_guard lock(mutex_);
  ask(Call::sync_folder, path);
  std::vector<Change> rest;
  for (Change& change : changes_) {
    if (change.folder == path) {
      change.apply(synced_names_);
    } else {
      rest.push_back(std::move(change));
    }
  }
  changes_ = std::move(rest);
}

inline void SimulatedDisk::sync_all(const std::string& path) {
  const std::lock_guard lock(mutex_);
  ask(Call::sync, path);
  for (const auto& [name, node] : names_) {
    if (!lie_about_.empty() && name.find(lie_about_) != std::string::npos) continue;
    node->synced = node->now;
    node->unsynced.clear();
  }
  synced_names_ = names_;
  changes_.clear();
}

inline Files::Space SimulatedDisk::space(const std::string&) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t taken = used();
  return {capacity_ > taken ? capacity_ - taken : 0, capacity_};
}

inline std::unique_ptr<File> SimulatedDisk::lock(const std::string& path) {
  make_folder(parent_of(path));
  return open(path, Access::create);
}

inline std::unique_ptr<SimulatedDisk> SimulatedDisk::copy() const {
  const std::lock_guard lock(mutex_);
  auto other = std::make_unique<SimulatedDisk>();
  other->folders_ = folders_;
  for (const auto& [name, node] : names_) other->put(name, node->now);
  return other;
}

inline std::unique_ptr<SimulatedDisk> SimulatedDisk::after_crash(std::mt19937_64& random) const {
  const std::lock_guard lock(mutex_);
  auto other = std::make_unique<SimulatedDisk>();
  other->folders_ = folders_;
  auto names = synced_names_;
  const std::size_t kept = changes_.empty() ? 0 : random() % (changes_.size() + 1);
  for (std::size_t i = 0; i < kept; ++i) changes_[i].apply(names);
  for (const auto& [name, node] : names) {
    base::Bytes octets = node->synced;
    for (std::size_t i = 0; i < node->unsynced.size(); ++i) {
      const Write& write = node->unsynced[i];
      if (random() % 3 == 0) continue;
      const bool is_last = i + 1 == node->unsynced.size();
      const std::size_t length = is_last ? random() % (write.octets.size() + 1) : write.octets.size();
      const bool with_holes = random() % 2 == 0;
      for (std::size_t at = 0; at < length;) {
        const auto place = static_cast<std::size_t>(write.offset) + at;
        const std::size_t step = std::min(length - at, 512 - place % 512);
        if (!with_holes || random() % 4 != 0) {
          if (octets.size() < place + step) octets.resize(place + step, '\0');
          octets.replace(place, step, write.octets, at, step);
        }
        at += step;
      }
    }
    other->put(name, std::move(octets));
  }
  return other;
}

}  // namespace sallyport::audit::testing
