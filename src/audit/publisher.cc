#include "audit/publisher.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "audit/recorder.h"

extern char** environ;

namespace sallyport::audit {
namespace {

// How much of the log a start reads again to make its tiles: what came since the last sync of them.
constexpr auto kTileSync = std::chrono::seconds(10);
constexpr auto kCommandInterval = std::chrono::seconds(60);
constexpr auto kCommandLimit = std::chrono::seconds(10);

/// Runs `arguments` with `note` as standard input. A command that does not end in time is killed: the next checkpoint
/// covers what this one would have said.
void run_command(const std::vector<std::string>& arguments, const std::string& note) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[0], 0);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t child = 0;
  const int failed = ::posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[0]);
  // A note is shorter than a pipe's buffer: this does not block. SIGPIPE is ignored by the program.
  if (failed == 0) [[maybe_unused]]
    const ssize_t written = ::write(ends[1], note.data(), note.size());
  ::close(ends[1]);
  if (failed != 0) return;
  for (auto waited = std::chrono::milliseconds(0); waited < kCommandLimit; waited += std::chrono::milliseconds(20)) {
    if (::waitpid(child, nullptr, WNOHANG) != 0) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

}  // namespace

Publisher::Publisher(Files& files, Place place, const LogKey& key, std::vector<PushTarget> targets,
                     Committer& committer, Health& health)
    : files_(files),
      place_(std::move(place)),
      key_(key),
      targets_(std::move(targets)),
      committer_(committer),
      health_(health),
      tiles_(files, place_.trail_folder) {}

Publisher::~Publisher() { stop(); }

bool Publisher::find_start(std::uint64_t size) {
  const auto numbers = segments_in(files_, place_.segments_folder);
  if (!numbers) return false;
  for (auto number = numbers->rbegin(); number != numbers->rend(); ++number) {
    const auto file = files_.open(place_.segments_folder + "/" + segment_name(*number), Files::Access::read);
    SegmentReader reader(*file, frame_seed(place_.log_id, *number));
    const auto frame = reader.next();
    if (!frame || frame->kind != FrameKind::open) continue;
    const auto open = parse_open(frame->body);
    if (!open || open->size > size) continue;
    segment_ = *number;
    offset_ = reader.offset();
    skip_ = size - open->size;
    return true;
  }
  segment_ = numbers->empty() ? 0 : numbers->front();
  offset_ = skip_ = 0;
  return size == 0;
}

base::Result<void> Publisher::catch_up() {
  const auto until = committer_.committed();
  const std::uint64_t durable = tiles_.durable_size();
  if (durable > until.head.size) {
    return base::fail(base::Code::corrupt,
                      fmt::format("the log has {} entries, but its tiles were made from {}: it was set back",
                                  until.head.size, durable),
                      "restore the newest copy of the whole trail folder; never an older one alone");
  }
  // What was durable is on the disk unless somebody took it away; then the tiles are made anew from the beginning.
  if (!tiles_.load(durable) || !find_start(durable)) {
    if (!tiles_.load(0) || !find_start(0)) {
      return base::fail(base::Code::corrupt, "tiles are missing and the segments that they came from are too");
    }
  }
  read_segments(until);
  if (tiles_.size() != until.head.size || tiles_.root() != until.head.root) {
    return base::fail(base::Code::corrupt,
                      fmt::format("the tiles ({} entries) do not give the root of the segments ({} entries)",
                                  tiles_.size(), until.head.size),
                      "remove the folder tile and the file tile-durable to have them made anew; if that does not help, "
                      "the trail was changed");
  }
  synced_segment_ = segment_;
  return {};
}

base::Result<void> Publisher::expect_prefix(base::View note, const std::string& where) const {
  const auto head = key_.verify(place_.origin, note);
  if (!head) return base::fail(head.error().code, where + ": " + head.error().message, "it is not a head of this log");
  if (head->size > tiles_.size()) {
    return base::fail(base::Code::corrupt,
                      fmt::format("{}: it is a head of {} entries, but the log has only {}: the log was set back",
                                  where, head->size, tiles_.size()),
                      "restore the newest copy of the data folder; the missing entries are lost otherwise");
  }
  const auto root = tiles_.root_at(head->size);
  if (!root) return std::unexpected(root.error());
  if (*root != head->root) {
    return base::fail(base::Code::corrupt,
                      fmt::format("{}: the first {} entries of the log are not those of this head: the log was changed",
                                  where, head->size));
  }
  return {};
}

void Publisher::read_segments(const Committer::Committed& until) {
  while (segment_ < until.segment || (segment_ == until.segment && offset_ < until.offset)) {
    const auto file = files_.open(place_.segments_folder + "/" + segment_name(segment_), Files::Access::read);
    SegmentReader reader(*file, frame_seed(place_.log_id, segment_), offset_);
    while (segment_ < until.segment || reader.offset() < until.offset) {
      const auto frame = reader.next();
      if (!frame || frame->kind == FrameKind::footer) break;
      if (frame->kind != FrameKind::entry) continue;
      if (skip_ > 0) {
        --skip_;
      } else {
        tiles_.append(frame->body);
      }
    }
    offset_ = reader.offset();
    if (segment_ == until.segment) return;
    ++segment_;
    offset_ = 0;
  }
}

void Publisher::publish_now() {
  const auto until = committer_.committed();
  if (must_reload_) {
    const auto reloaded = catch_up();
    if (!reloaded) return health_.fail(reloaded.error().message);
    must_reload_ = false;
  }
  {
    const std::lock_guard lock(mutex_);
    if (until.head.size == 0 || until.head.size == signed_size_) return;
  }
  read_segments(until);
  if (tiles_.size() < until.head.size) return;  // catch_up had a later look; the next round signs that
  // Never two roots for one size: what is signed was computed twice, from memory and from what was read back.
  if (tiles_.size() == until.head.size && tiles_.root() != until.head.root) {
    return health_.fail("what was read back from the segments is not what was written");
  }
  const Head head{tiles_.size(), tiles_.root()};
  tiles_.write_edge();
  if (segment_ != synced_segment_ && std::chrono::steady_clock::now() - last_sync_ > kTileSync) {
    tiles_.sync();
    synced_segment_ = segment_;
    last_sync_ = std::chrono::steady_clock::now();
  }
  std::string note = key_.sign(place_.origin, head);
  files_.replace(place_.trail_folder + "/checkpoint", note);
  {
    const std::lock_guard lock(mutex_);
    note_ = std::move(note);
    signed_size_ = head.size;
  }
  changed_.notify_all();
}

std::string Publisher::note() const {
  const std::lock_guard lock(mutex_);
  return note_;
}

void Publisher::start() {
  thread_ = std::thread(&Publisher::run, this);
  if (!targets_.empty()) push_thread_ = std::thread(&Publisher::run_pushes, this);
}

void Publisher::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  {
    const std::lock_guard lock(mutex_);
    is_last_pushed_ = true;
  }
  changed_.notify_all();
  if (push_thread_.joinable()) push_thread_.join();
}

void Publisher::run() {
  pthread_setname_np(pthread_self(), "publisher");
  for (bool is_last = false; !is_last;) {
    {
      std::unique_lock lock(mutex_);
      is_last = changed_.wait_for(lock, place_.interval, [this] { return is_stopping_; });
    }
    try {
      publish_now();
      if (is_last) tiles_.sync();
    } catch (const DiskFailure& failure) {
      // The tiles in memory are ahead of those on the disk now.
      must_reload_ = true;
      if (failure.is_full()) {
        health_.no_space("the disk of the trail is full: " + failure.what);
      } else {
        health_.fail("the trail's checkpoint cannot be written: " + failure.what);
      }
    }
  }
}

void Publisher::run_pushes() {
  std::string pushed;
  auto last_command = std::chrono::steady_clock::time_point{};
  std::string commanded;
  for (bool is_last = false; !is_last;) {
    std::string note;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kCommandInterval, [&] { return is_last_pushed_ || note_ != pushed; });
      is_last = is_last_pushed_;
      note = note_;
    }
    if (note.empty()) continue;
    const auto now = std::chrono::steady_clock::now();
    const bool is_command_due = note != commanded && (is_last || now - last_command >= kCommandInterval);
    for (const PushTarget& target : targets_) {
      try {
        if (!target.file.empty() && note != pushed) files_.replace(target.file, note);
      } catch (const DiskFailure&) {
        // The other side is away. The log itself is whole; the next checkpoint is pushed again.
      }
      if (!target.command.empty() && is_command_due) run_command(target.command, note);
    }
    pushed = note;
    if (is_command_due) {
      commanded = note;
      last_command = now;
    }
  }
}

}  // namespace sallyport::audit
