#pragma once
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "audit/keys.h"
#include "audit/lane.h"
#include "audit/segments.h"
#include "audit/spares.h"

/// Takes what the lanes have staged, numbers it, writes it as one group, syncs, and wakes who waited. The batch is what
/// arrived during the last sync; there is no timer, except that events nobody waits for are synced every 5 ms.
///
///            kick                    staged events                 written and synced
///   IDLE ----------> gather (take) ---------------> commit_group ---------------------> wake -> gather | IDLE
///                                                        | DiskFailure
///                                                        v
///                                       Health::fail, everybody waiting is woken: nothing more is acknowledged
///
/// One thread writes; kick, add_lane and committed are for any thread.
namespace sallyport::audit {

class Committer {
 public:
  /// `end` is where the log ends; REQUIRES that nothing stands behind it. The others outlive the Committer.
  Committer(std::string segments_folder, const base::Digest& log_id, LogEnd end, KeyFolder& keys, Spares& spares,
            Health& health);
  ~Committer();

  void add_lane(std::shared_ptr<LaneBody> lane);
  /// All but `own` take nothing more.
  void close_lanes(const LaneBody& own);
  enum class Urgency : std::uint8_t { somebody_waits, nobody_waits };
  void kick(Urgency urgency);

  /// How far the log is durable.
  struct Committed {
    Head head{};
    std::uint32_t segment = 0;
    std::uint64_t offset = 0;  // behind the last group
    std::uint64_t open_sessions = 0;
  };
  Committed committed() const;
  /// Chains that are open. Before start() or after stop() only.
  std::vector<Standing*> open_chains();
  /// Waits until the trail's state changed or `lane` is durable up to `position`.
  void wait(const LaneBody& lane, std::uint64_t position);

  /// The thread. Between construction and start(), and after stop(), commit_now() may be called instead.
  void start();
  /// Commits what is staged, then ends the thread.
  void stop();
  /// One round. False: there was nothing to do.
  bool commit_now();

 private:
  struct Batch {
    std::shared_ptr<LaneBody> lane;
    base::Bytes frames;
    std::vector<Mark> marks;
  };
  struct Share {  // of the group that is being made
    LaneBody* lane;
    std::uint64_t events, octets;
  };
  void run();
  bool gather();
  void add_batch(Batch& batch);
  void add_event(base::View frames, Mark& mark);
  bool has_room(std::size_t octets) const;
  void begin_segment();
  void commit_group();
  void put_commit();
  void put_footer();
  void publish();
  void wake_all();
  void settle(Mark& mark, std::uint64_t index);
  void adopt(std::unique_ptr<Standing> standing);

  std::string folder_;
  base::Digest log_id_;
  KeyFolder& keys_;
  Spares& spares_;
  Health& health_;

  // The committing thread only.
  std::unique_ptr<File> file_;
  std::uint32_t segment_;
  std::uint32_t seed_;
  std::uint64_t offset_, segment_size_ = 0;
  Frontier tree_;
  std::uint64_t next_group_, first_of_group_;
  base::Digest last_commit_;
  base::Bytes group_;
  std::vector<Share> shares_;
  std::vector<Batch> batches_;
  std::vector<std::unique_ptr<Standing>> standings_;  // open chains; order is of no meaning
  std::vector<std::array<char, kSessionId>> in_segment_;

  mutable std::mutex mutex_;  // lanes_, committed_, and the two conditions
  std::vector<std::shared_ptr<LaneBody>> lanes_;
  Committed committed_;
  std::condition_variable work_there_, state_changed_;
  std::atomic<bool> has_work_{false}, is_urgent_{false};
  bool is_stopping_ = false;
  std::chrono::steady_clock::time_point last_commit_time_{};
  std::thread thread_;
};

}  // namespace sallyport::audit
