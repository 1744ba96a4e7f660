#include "audit/committer.h"

#include <algorithm>
#include <cstring>

#include "audit/recorder.h"

namespace sallyport::audit {
namespace {

/// Session ids in the order of their octets: char may be signed, the format's octets are not.
bool is_before(const std::array<char, kSessionId>& a, const std::array<char, kSessionId>& b) {
  return std::memcmp(a.data(), b.data(), kSessionId) < 0;
}

constexpr std::size_t kMaxGroup = 4 << 20;
constexpr auto kLazySync = std::chrono::milliseconds(5);

}  // namespace

Committer::Committer(std::string segments_folder, const base::Digest& log_id, LogEnd end, KeyFolder& keys,
                     Spares& spares, Health& health)
    : folder_(std::move(segments_folder)),
      log_id_(log_id),
      keys_(keys),
      spares_(spares),
      health_(health),
      segment_(end.segment),
      seed_(frame_seed(log_id, end.segment)),
      offset_(end.offset),
      tree_(std::move(end.frontier)),
      next_group_(end.next_group),
      first_of_group_(tree_.size()),
      last_commit_(end.last_commit),
      in_segment_(std::move(end.in_segment)) {
  for (const OpenChain& chain : end.chains) {
    auto standing = std::make_unique<Standing>();
    standing->session = chain.session;
    standing->protocol = chain.protocol;
    standing->next_seq = chain.next_seq;
    standing->head = chain.head;
    if (std::ranges::find(in_segment_, chain.session) != in_segment_.end()) standing->last_segment = segment_;
    adopt(std::move(standing));
  }
  auto taken = spares_.take(segment_);
  file_ = std::move(taken.file);
  segment_size_ = taken.size;
  if (taken.is_reserve) health_.no_space("the disk of the trail is full");
  committed_ = {{tree_.size(), tree_.root()}, segment_, offset_, standings_.size()};
}

Committer::~Committer() { stop(); }

void Committer::add_lane(std::shared_ptr<LaneBody> lane) {
  const std::lock_guard lock(mutex_);
  lanes_.push_back(std::move(lane));
}

void Committer::close_lanes(const LaneBody& own) {
  std::vector<std::shared_ptr<LaneBody>> lanes;
  {
    const std::lock_guard lock(mutex_);
    lanes = lanes_;
  }
  for (const auto& lane : lanes) {
    if (lane.get() == &own) continue;
    const std::lock_guard lock(lane->mutex);
    lane->is_closed = true;
  }
}

void Committer::kick(Urgency urgency) {
  const bool is_news = urgency == Urgency::somebody_waits ? !is_urgent_.exchange(true) : !has_work_.exchange(true);
  if (!is_news) return;
  has_work_.store(true);
  {
    const std::lock_guard lock(mutex_);
  }
  work_there_.notify_one();
}

Committer::Committed Committer::committed() const {
  const std::lock_guard lock(mutex_);
  return committed_;
}

void Committer::wait(const LaneBody& lane, std::uint64_t position) {
  std::unique_lock lock(mutex_);
  state_changed_.wait(lock, [&] { return lane.is_durable(position) || health_.state() == Health::State::failed; });
}

void Committer::start() { thread_ = std::thread(&Committer::run, this); }

void Committer::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  work_there_.notify_one();
  thread_.join();
}

void Committer::run() {
  pthread_setname_np(pthread_self(), "committer");
  while (true) {
    bool is_last = false;
    {
      std::unique_lock lock(mutex_);
      work_there_.wait(lock, [this] { return has_work_ || is_urgent_ || is_stopping_; });
      if (!is_urgent_) {
        work_there_.wait_until(lock, last_commit_time_ + kLazySync, [this] { return is_urgent_ || is_stopping_; });
      }
      is_last = is_stopping_;
      is_urgent_ = false;
      has_work_ = false;
    }
    const bool did_something = commit_now();
    if (is_last && !did_something) return;
  }
}

bool Committer::gather() {
  std::vector<std::shared_ptr<LaneBody>> lanes;
  {
    const std::lock_guard lock(mutex_);
    lanes = lanes_;
  }
  std::size_t used = 0;
  for (auto& lane : lanes) {
    if (used == batches_.size()) batches_.emplace_back();
    Batch& batch = batches_[used];
    batch.frames.clear();
    batch.marks.clear();
    const std::lock_guard lock(lane->mutex);
    if (lane->marks.empty()) {
      if (!lane->is_closed) continue;
      const std::lock_guard lanes_lock(mutex_);
      std::erase(lanes_, lane);
      continue;
    }
    // The buffers go back and forth, so that neither side allocates in the steady state.
    batch.frames.swap(lane->frames);
    batch.marks.swap(lane->marks);
    batch.lane = lane;
    ++used;
  }
  batches_.resize(used);
  return used > 0;
}

bool Committer::commit_now() {
  if (health_.state() == Health::State::failed) {
    wake_all();
    return false;
  }
  // Lanes first: the keys of every session_open in them were staged before it.
  if (!gather()) return false;
  try {
    keys_.write();
    for (Batch& batch : batches_) add_batch(batch);
    commit_group();
  } catch (const DiskFailure& failure) {
    health_.fail("the trail cannot be written: " + failure.what, failure.is_full());
    wake_all();
  }
  last_commit_time_ = std::chrono::steady_clock::now();
  return true;
}

void Committer::add_batch(Batch& batch) {
  char* const base = batch.frames.data();
  std::size_t at = 0;
  for (Mark& mark : batch.marks) {
    // An event is its ENTRY frame and the PAYLOAD frames up to the next ENTRY.
    const std::size_t begin = at;
    do {
      at += frame_size(base::load_big<std::uint32_t>(base + at));
    } while (at < batch.frames.size() && base[at + 4] == static_cast<char>(FrameKind::payload));
    add_event({base + begin, at - begin}, mark);
    if (shares_.empty() || shares_.back().lane != batch.lane.get()) shares_.push_back({batch.lane.get(), 0, 0});
    shares_.back().events += 1;
    shares_.back().octets += at - begin;
  }
}

bool Committer::has_room(std::size_t octets) const {
  // Behind the group there must be room for its COMMIT and for the FOOTER, with one session more in it.
  const std::size_t footer = frame_size(64 + (in_segment_.size() + 1) * kSessionId);
  return offset_ + group_.size() + octets + frame_size(kCommitBody) + footer <= segment_size_;
}

void Committer::add_event(base::View frames, Mark& mark) {
  if (offset_ + group_.size() > 0 && !has_room(frames.size())) {
    put_footer();
    commit_group();
    ++segment_;
    auto taken = spares_.take(segment_);
    file_ = std::move(taken.file);
    segment_size_ = taken.size;
    offset_ = 0;
    seed_ = frame_seed(log_id_, segment_);
    in_segment_.clear();
    if (taken.is_reserve) health_.no_space("the disk of the trail is full");
  } else if (group_.size() > kMaxGroup) {
    commit_group();
  }
  if (offset_ + group_.size() == 0) begin_segment();
  if (!has_room(frames.size())) throw DiskFailure{EFBIG, "an event does not fit into a segment"};
  const std::uint64_t index = tree_.size();
  std::size_t at = group_.size();
  group_ += frames;
  while (at < group_.size()) {
    const std::size_t length = base::load_big<std::uint32_t>(group_.data() + at);
    seal_frame(group_.data() + at, length, index, seed_);
    at += frame_size(length);
  }
  tree_.append(mark.leaf);
  settle(mark, index);
}

void Committer::settle(Mark& mark, std::uint64_t index) {
  if (mark.index != nullptr) *mark.index = index;
  Standing& standing = *mark.standing;
  if (mark.role == Mark::Role::opens) adopt(std::move(mark.opened));
  standing.head = mark.leaf;
  ++standing.next_seq;
  if (standing.last_segment != segment_) {
    standing.last_segment = segment_;
    in_segment_.push_back(standing.session);
  }
  if (mark.role == Mark::Role::ends) {
    const std::size_t place = standing.place;
    standings_.back()->place = place;
    std::swap(standings_[place], standings_.back());
    standings_.pop_back();
  }
}

void Committer::adopt(std::unique_ptr<Standing> standing) {
  standing->place = standings_.size();
  standings_.push_back(std::move(standing));
}

std::vector<Standing*> Committer::open_chains() {
  std::vector<Standing*> chains;
  for (const auto& standing : standings_) chains.push_back(standing.get());
  return chains;
}

void Committer::begin_segment() {
  SegmentOpen open{.size = tree_.size(), .group = next_group_, .root = tree_.root(), .previous = last_commit_};
  for (const auto& standing : standings_) {
    open.chains.push_back({standing->session, standing->protocol, standing->next_seq, standing->head});
  }
  std::ranges::sort(open.chains, is_before, &OpenChain::session);
  open.frontier = tree_.edge();
  put_frame(group_, FrameKind::open, segment_, encode(open), seed_);
}

void Committer::put_commit() {
  if (tree_.size() == first_of_group_) return;
  const Commit commit{first_of_group_, tree_.size(), tree_.root(), last_commit_};
  const std::size_t at = group_.size();
  put_frame(group_, FrameKind::commit, next_group_++, encode(commit), seed_);
  last_commit_ = base::sha256({group_.data() + at, kFrameHead + kCommitBody});
  first_of_group_ = tree_.size();
}

void Committer::put_footer() {
  put_commit();
  std::ranges::sort(in_segment_, is_before);
  base::Bytes sessions;
  for (const auto& session : in_segment_) sessions.append(session.data(), session.size());
  put_frame(group_, FrameKind::footer, segment_, encode_footer(tree_.size(), sessions), seed_);
}

void Committer::commit_group() {
  put_commit();
  if (group_.empty()) return;
  file_->write_at(offset_, group_);
  file_->sync();
  offset_ += group_.size();
  group_.clear();
  publish();
}

void Committer::publish() {
  {
    const std::lock_guard lock(mutex_);
    committed_ = {{tree_.size(), tree_.root()}, segment_, offset_, standings_.size()};
    for (const Share& share : shares_) {
      share.lane->durable_octets.fetch_add(share.octets, std::memory_order_relaxed);
      share.lane->durable.fetch_add(share.events, std::memory_order_seq_cst);
    }
  }
  for (const Share& share : shares_) share.lane->notify();
  shares_.clear();
  state_changed_.notify_all();
}

void Committer::wake_all() {
  std::vector<std::shared_ptr<LaneBody>> lanes;
  {
    const std::lock_guard lock(mutex_);
    lanes = lanes_;
  }
  for (const auto& lane : lanes) lane->notify();
  state_changed_.notify_all();
}

}  // namespace sallyport::audit
