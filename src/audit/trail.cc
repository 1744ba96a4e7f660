#include "audit/trail.h"

#include <fmt/format.h>

#include <algorithm>

#include "audit/cbor.h"
#include "audit/meta.h"
#include "audit/reader.h"
#include "audit/trail_body.h"

namespace sallyport::audit {
namespace {

constexpr std::uint8_t kInternal = 7;
constexpr auto kKeeperInterval = std::chrono::milliseconds(250);

base::Error from(const DiskFailure& failure) {
  return {base::Code::unavailable, "the trail cannot be opened: " + failure.what,
          failure.is_full() ? "free some space on the disk of the data folder" : ""};
}

/// A 0600 file of a secret; empty when there is none.
base::Secret read_secret(Files& files, const std::string& path) {
  return base::Secret(files.read_whole(path, 64 << 10));
}

base::Bytes log_start_meta(const TrailOptions& options, const base::Digest& log_id, std::uint64_t size) {
  base::Bytes meta;
  cbor::put_map(meta, 5);
  cbor::put_text(meta, "log");
  cbor::put_octets(meta, base::view(log_id));
  cbor::put_text(meta, "size");
  cbor::put_unsigned(meta, size);
  cbor::put_text(meta, "origin");
  cbor::put_text_or_octets(meta, options.origin);
  cbor::put_text(meta, "version");
  cbor::put_text_or_octets(meta, options.version);
  cbor::put_text(meta, "weakened");
  cbor::put_array(meta, options.weakened.size());
  for (const std::string& setting : options.weakened) cbor::put_text_or_octets(meta, setting);
  return meta;
}

base::Bytes recovery_meta(const LogEnd& found) {
  base::Bytes meta;
  cbor::put_map(meta, 7);
  const auto number = [&meta](base::View key, std::uint64_t value) {
    cbor::put_text(meta, key);
    cbor::put_unsigned(meta, value);
  };
  number("size", found.frontier.size());
  number("group", found.next_group);
  number("frames", found.torn_frames);
  number("octets", found.torn_octets);
  number("offset", found.offset);
  number("aborted", found.chains.size());
  number("segment", found.segment);
  return meta;
}

}  // namespace

TrailPaths::TrailPaths(const std::string& folder)
    : data(folder),
      trail(folder + "/trail"),
      segments(trail + "/segments"),
      session_keys(trail + "/keys"),
      secrets(folder + "/keys"),
      content_key(secrets + "/content.key"),
      log_key(secrets + "/log.key"),
      verification_line(trail + "/log.vkey"),
      checkpoint(trail + "/checkpoint") {}

Allowance::Allowance(std::uint64_t octets_per_hour)
    : per_ns_(static_cast<double>(octets_per_hour) / 3600e9),
      most_(static_cast<double>(octets_per_hour)),
      left_(most_) {}

bool Allowance::take(std::uint64_t octets, std::uint64_t mono_ns) {
  const std::lock_guard lock(mutex_);
  if (last_ns_ != 0 && mono_ns > last_ns_) {
    left_ = std::min(most_, left_ + per_ns_ * static_cast<double>(mono_ns - last_ns_));
  }
  last_ns_ = std::max(last_ns_, mono_ns);
  if (left_ <= 0) return false;
  left_ -= static_cast<double>(octets);
  return true;
}

TrailBody::TrailBody(TrailOptions options)
    : options_(std::move(options)), files_(*options_.files), paths_(options_.data_folder) {}

TrailBody::~TrailBody() { close("ended without a word"); }

base::Result<std::unique_ptr<TrailBody>> TrailBody::open(TrailOptions options) {
  if (!is_origin(options.origin)) {
    return base::fail(base::Code::malformed, fmt::format("'{}' cannot be the name of a log", options.origin),
                      "use printable characters without spaces and plus signs, as in example.org/gateway-1");
  }
  if (options.segment_octets < (1 << 16) || options.segment_octets > (std::uint64_t{1} << 32)) {
    return base::fail(base::Code::limit, "a segment has between 64 KiB and 4 GiB");
  }
  std::unique_ptr<TrailBody> body(new TrailBody(std::move(options)));
  try {
    auto done = body->load_keys();
    if (done) done = body->recover();
    if (!done) {
      body->is_closed_ = true;
      return std::unexpected(done.error());
    }
  } catch (const DiskFailure& failure) {
    body->is_closed_ = true;
    return std::unexpected(from(failure));
  }
  return body;
}

base::Result<void> TrailBody::load_keys() {
  for (const auto& folder : {paths_.data, paths_.trail, paths_.segments, paths_.session_keys, paths_.secrets}) {
    files_.make_folder(folder);
  }
  try {
    lock_ = files_.lock(paths_.data + "/lock");
  } catch (const DiskFailure& failure) {
    return base::fail(base::Code::unavailable, "another gateway uses this data folder: " + failure.what);
  }
  const bool is_new = !files_.exists(paths_.verification_line);
  if (is_new && !files_.exists(paths_.content_key)) {
    files_.replace(paths_.content_key, base::to_hex(base::random_bytes(32)) + "\n");
  }
  if (is_new && !files_.exists(paths_.log_key)) {
    files_.replace(paths_.log_key, LogKey::make().to_pem().reveal());
  }
  auto key = LogKey::from_pem(read_secret(files_, paths_.log_key));
  if (!key) {
    return base::fail(key.error().code, paths_.log_key + ": " + key.error().message,
                      "the log can only be continued with the key that began it: restore it");
  }
  log_key_ = std::move(*key);
  verification_line_ = log_key_->verification_line(options_.origin);
  if (is_new) files_.replace(paths_.verification_line, verification_line_ + "\n");
  if (files_.read_whole(paths_.verification_line, 4096) != verification_line_ + "\n") {
    return base::fail(base::Code::corrupt,
                      paths_.verification_line + " does not belong to the signing key and the name " + options_.origin,
                      "a log keeps its name and its key for ever; use a new data folder for another");
  }
  log_id_ = log_id_of(verification_line_);
  const base::Secret hex = read_secret(files_, paths_.content_key);
  if (auto octets = from_hex(hex.reveal().substr(0, 64))) key_encryption_key_ = base::Secret(std::move(*octets));
  if (key_encryption_key_.reveal().size() != 32) {
    return base::fail(base::Code::malformed, paths_.content_key + " is missing or not 64 hexadecimal digits",
                      "restore it; without it the recorded contents cannot be read");
  }
  return {};
}

base::Result<void> TrailBody::recover() {
  auto found = find_log_end(files_, paths_.segments, log_id_);
  if (!found) return std::unexpected(found.error());
  keys_.emplace(files_, paths_.session_keys);
  spares_.emplace(files_, paths_.segments, options_.segment_octets);
  // The heads are compared before anything is changed: evidence stays as it was found.
  if (found->frontier.size() == 0 &&
      (files_.exists(paths_.checkpoint) || files_.exists(paths_.trail + "/tile-durable"))) {
    return base::fail(base::Code::corrupt, "there is a checkpoint but no log entry: the log was set back",
                      "restore the newest copy of the data folder");
  }
  committer_ = std::make_unique<Committer>(paths_.segments, log_id_, *found, *keys_, *spares_, health_);
  publisher_ = std::make_unique<Publisher>(
      files_, Publisher::Place{paths_.trail, paths_.segments, options_.origin, log_id_, options_.checkpoint_interval},
      *log_key_, options_.push, *committer_, health_);
  if (auto done = publisher_->catch_up(); !done) return done;
  if (auto done = check_heads(); !done) return done;
  clear_behind(files_, paths_.segments, *found);
  own_lane_ = add_lane({});
  begin_run(*found);
  publisher_->publish_now();
  watch_space();
  committer_->start();
  publisher_->start();
  keeper_ = std::thread(&TrailBody::keep, this);
  return {};
}

base::Result<void> TrailBody::check_heads() {
  if (files_.exists(paths_.checkpoint)) {
    auto done = publisher_->expect_prefix(files_.read_whole(paths_.checkpoint, 64 << 10), paths_.checkpoint);
    if (!done) return done;
  }
  for (const PushTarget& target : options_.push) {
    if (target.file.empty()) continue;
    base::Bytes note;
    try {
      note = files_.read_whole(target.file, 64 << 10);
    } catch (const DiskFailure&) {
      continue;  // it cannot be reached now; "the last pushed one that can be reached"
    }
    if (note.empty()) continue;
    auto done = publisher_->expect_prefix(note, target.file);
    if (!done) return done;
  }
  return {};
}

void TrailBody::begin_run(const LogEnd& found) {
  own_chain_ = make_chain(base::random_bytes(kSessionId), kInternal);
  stage("log_start", log_start_meta(options_, log_id_, found.frontier.size()), Mark::Role::opens, nullptr);
  if (!found.chains.empty() || found.torn_octets > 0) {
    stage("recovery", recovery_meta(found), Mark::Role::goes_on, nullptr);
  }
  stage_aborts();
  committer_->commit_now();
  if (health_.state() == Health::State::failed) throw DiskFailure{EIO, health_.why().reason};
}

std::shared_ptr<LaneBody> TrailBody::add_lane(boost::asio::any_io_executor executor) {
  auto lane = std::make_shared<LaneBody>(std::move(executor), health_);
  committer_->add_lane(lane);
  return lane;
}

std::unique_ptr<Chain> TrailBody::make_chain(base::View session, std::uint8_t protocol) {
  const SessionKeys keys = SessionKeys::make();
  const std::uint64_t id = keys_->take_id();
  keys_->stage(id, wrap(keys, session, id, log_id_, key_encryption_key_));
  return std::make_unique<Chain>(session, protocol, id, keys);
}

std::shared_ptr<Allowance> TrailBody::allowance_of(const std::string& principal) {
  if (options_.principal_octets_per_hour == 0) return nullptr;
  const std::lock_guard lock(allowances_mutex_);
  auto& allowance = allowances_[principal];
  if (!allowance) allowance = std::make_shared<Allowance>(options_.principal_octets_per_hour);
  return allowance;
}

std::uint64_t TrailBody::stage(std::string_view type, base::View meta, Mark::Role role, std::uint64_t* index) {
  base::Bytes frames;
  Mark mark{.role = role, .index = index};
  if (role == Mark::Role::opens) {
    mark.opened = std::make_unique<Standing>();
    std::memcpy(mark.opened->session.data(), own_chain_->session().data(), kSessionId);
    mark.opened->protocol = own_chain_->protocol();
    own_standing_ = mark.opened.get();
  }
  mark.standing = own_standing_;
  if (role == Mark::Role::ends) {
    mark.leaf = own_chain_->append_end(type, meta, Times::now(), frames);
  } else {
    mark.leaf = own_chain_->append({.type = type, .meta = meta}, Times::now(), frames);
  }
  return own_lane_->stage(frames, std::move(mark));
}

std::uint64_t TrailBody::append(std::string_view type, base::View meta) {
  std::uint64_t index = 0, position = 0;
  {
    const std::lock_guard lock(own_mutex_);
    if (is_closed_) throw Unavailable{"the trail is closed", false};
    if (health_.state() != Health::State::good) throw health_.why();
    position = stage(type, meta, Mark::Role::goes_on, &index);
  }
  committer_->kick(Committer::Urgency::somebody_waits);
  committer_->wait(*own_lane_, position);
  if (!own_lane_->is_durable(position)) throw health_.why();
  return index;
}

bool TrailBody::accepts_sessions() const { return !is_low_ && health_.state() == Health::State::good; }

void TrailBody::watch_space() {
  const Files::Space space = files_.space(paths_.trail);
  is_low_ = space.free < std::max(4 * options_.segment_octets, space.total / 20);
}

void TrailBody::keep() {
  pthread_setname_np(pthread_self(), "keeper");
  std::uint64_t last_size = committer_->committed().head.size;
  auto last_change = std::chrono::steady_clock::now();
  while (true) {
    {
      std::unique_lock lock(keeper_mutex_);
      if (keeper_wakes_.wait_for(lock, kKeeperInterval, [this] { return keeper_stops_; })) return;
    }
    const auto now = std::chrono::steady_clock::now();
    const auto committed = committer_->committed();
    try {
      watch_space();
      spares_->prepare(committed.segment + 1);
      if (health_.state() == Health::State::full && !is_low_) health_.space_again();
      if (committed.head.size != last_size) {
        last_size = committed.head.size;
        last_change = now;
      } else if (now - last_change >= std::chrono::seconds(options_.heartbeat_seconds)) {
        base::Bytes meta;
        cbor::put_map(meta, 1);
        cbor::put_text(meta, "sessions");
        cbor::put_unsigned(meta, committed.open_sessions - 1);  // without the gateway's own
        append("heartbeat", meta);
      }
    } catch (const DiskFailure&) {
      is_low_ = true;  // no room for the next segment; the committer finds out for itself when it needs it
    } catch (const Unavailable&) {
      // Everybody who waits was told.
    }
  }
}

void TrailBody::stage_aborts() {
  const Times times = Times::now();
  base::Bytes frames;
  for (Standing* const standing : committer_->open_chains()) {
    if (standing == own_standing_) continue;
    frames.clear();
    Mark mark{.standing = standing, .role = Mark::Role::ends};
    mark.leaf = append_abort({standing->session.data(), standing->session.size()}, standing->protocol,
                             standing->next_seq, standing->head, times, frames);
    own_lane_->stage(frames, std::move(mark));
  }
}

void TrailBody::close(base::View reason) {
  {
    const std::lock_guard lock(own_mutex_);
    if (is_closed_) return;
    is_closed_ = true;
  }
  {
    const std::lock_guard lock(keeper_mutex_);
    keeper_stops_ = true;
  }
  keeper_wakes_.notify_all();
  if (keeper_.joinable()) keeper_.join();
  if (committer_) {
    // From here on no core stages anything: what is open then can be ended in its place.
    committer_->close_lanes(*own_lane_);
    committer_->stop();
    stage_aborts();
    stage("log_end", reason_meta(reason), Mark::Role::ends, nullptr);
    committer_->commit_now();
  }
  if (publisher_) publisher_->stop();
}

Trail::Trail(std::unique_ptr<TrailBody> body) : body_(std::move(body)) {}
Trail::~Trail() = default;

base::Result<std::unique_ptr<Trail>> Trail::open(TrailOptions options) {
  auto body = TrailBody::open(std::move(options));
  if (!body) return std::unexpected(body.error());
  return std::unique_ptr<Trail>(new Trail(std::move(*body)));
}

std::uint64_t Trail::append_config(base::Bytes meta) { return body_->append("config", meta); }
std::uint64_t Trail::append_admin(base::Bytes meta) { return body_->append("admin", meta); }
Head Trail::head() const { return body_->committer().committed().head; }
std::string Trail::checkpoint() const { return body_->publisher().note(); }
std::string Trail::verification_line() const { return body_->verification_line(); }
std::uint64_t Trail::open_sessions() const { return body_->committer().committed().open_sessions - 1; }
bool Trail::accepts_sessions() const { return body_->accepts_sessions(); }
void Trail::close(base::View reason) { body_->close(reason); }

}  // namespace sallyport::audit
