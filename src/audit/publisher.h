#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "audit/checkpoint.h"
#include "audit/committer.h"
#include "audit/tiles.h"

/// Where each checkpoint is also put, so that a head exists outside the gateway.
namespace sallyport::audit {

struct PushTarget {
  std::string file{};                  // replaced each time; or
  std::vector<std::string> command{};  // run with the note as its standard input, at most once a minute and at the end
};

/// Makes tiles, bundles and checkpoints of what is durable: each second when there is something new. Reads the
/// segments, so that it holds nothing that a crash could take. Its own thread, and one more for the pushes.
class Publisher {
 public:
  struct Place {
    std::string trail_folder, segments_folder;
    std::string origin;
    base::Digest log_id{};
    std::chrono::milliseconds interval{1000};
  };
  Publisher(Files& files, Place place, const LogKey& key, std::vector<PushTarget> targets, Committer& committer,
            Health& health);
  ~Publisher();

  /// Brings the tiles up to what is durable and compares their root with the log's. Before start().
  base::Result<void> catch_up();
  /// Fails unless `note` is a head of a prefix of the log. After catch_up, before start().
  base::Result<void> expect_prefix(base::View note, const std::string& where) const;

  void start();
  /// A last checkpoint, everything synced and pushed, threads ended.
  void stop();
  /// One round. Throws DiskFailure.
  void publish_now();
  /// Of the newest checkpoint.
  std::string note() const;

 private:
  void run();
  void run_pushes();
  void read_segments(const Committer::Committed& until);
  bool find_start(std::uint64_t size);

  Files& files_;
  Place place_;
  const LogKey& key_;
  std::vector<PushTarget> targets_;
  Committer& committer_;
  Health& health_;

  // The publishing thread only.
  Tiles tiles_;
  std::uint32_t segment_ = 0;  // read up to here
  std::uint64_t offset_ = 0;
  std::uint64_t skip_ = 0;  // entries of the segment that the tiles have already
  std::uint32_t synced_segment_ = 0;
  std::chrono::steady_clock::time_point last_sync_{};
  bool must_reload_ = false;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string note_;
  std::uint64_t signed_size_ = 0;
  bool is_stopping_ = false, is_last_pushed_ = false;
  std::thread thread_, push_thread_;
};

}  // namespace sallyport::audit
