#include "session/catalogue_source.h"

#include <boost/asio/co_spawn.hpp>
#include <map>

#include "session/gate.h"
#include "session/target_writer.h"
#include "sql/understanding_cache.h"

namespace sallyport::session {
namespace {

using net::Task;
using Snapshot = std::shared_ptr<const model::Catalogue>;
/// How long a snapshot is believed, and how long its absence is.
std::chrono::seconds good_for(const Snapshot& snapshot) { return std::chrono::seconds(snapshot ? 60 : 2); }
constexpr std::size_t kAnswerLimit = std::size_t{256} << 20;

struct Unreadable {
  std::string why;
};

/// The gateway's own session with a target: the same codec, gate and recorder, and nobody at the other end.
class OwnSession {
 public:
  OwnSession(Dialled dialled, const CatalogueSource::Options& options, audit::Recorder& recorder)
      : protocol_(*options.protocol),
        stream_(std::move(dialled.stream)),
        codec_(protocol_.codec()),
        recorder_(recorder),
        gate_(gate_options(options), *codec_, recorder),
        writer_(*stream_, *codec_) {}

  /// Sends as many texts at once as the gate lets through: a wait for the trail and one for the target are for all.
  Task<std::vector<Protocol::Rows>> ask(std::vector<std::string> texts) {
    std::vector<model::Step> steps;
    for (const std::string& text : texts)
      if (auto cut = codec_->from_client(protocol_.query(text), steps); !cut) throw Unreadable{cut.error().message};
    std::map<std::uint64_t, base::Bytes> answers;  // by op, which ascend in the order of the texts
    for (const model::Step& step : steps) answers[std::get<model::Command>(step).op];
    std::size_t next = 0, ended = 0;
    while (next < steps.size()) {
      for (auto& one : co_await gate_.admit(&steps, &next))
        std::visit([this](auto& step) { writer_.send(std::move(step)); }, one);
      co_await writer_.flush();
      while (ended < next) ended += co_await read(&answers);
    }
    std::vector<Protocol::Rows> out;
    for (const auto& [op, wire] : answers) {
      auto rows = protocol_.rows(wire);
      if (!rows) throw Unreadable{rows.error().message};
      out.push_back(std::move(*rows));
    }
    co_return out;
  }

 private:
  Gate::Options gate_options(const CatalogueSource::Options& options) {
    return {.rules = options.rules,
            .principal = {.name = "sallyport", .kind = model::PrincipalKind::internal},
            .target = options.target->name,
            .catalogue = nullptr,
            .understandings = &understandings_,
            .mask_plans = nullptr,
            .limits = {},
            .announce = {},
            .is_client_gone = {}};
  }

  /// One read: adds to the answers; how many of them are complete now.
  Task<std::size_t> read(std::map<std::uint64_t, base::Bytes>* answers) {
    buffer_.resize(64 * 1024);
    const auto count = co_await stream_->read_some(net::asio::buffer(buffer_));
    if (count == 0) throw Unreadable{"the target closed the connection"};
    std::vector<model::Reply> replies;
    if (auto cut = codec_->from_target({buffer_.data(), count}, replies); !cut) throw Unreadable{cut.error().message};
    std::vector<mask::Masked> masked;
    for (auto& reply : replies) {
      gate_.note(reply);
      auto one = masker_.mask(std::move(reply));
      if (!one) throw Unreadable{one.error().message};
      masked.push_back(std::move(*one));
    }
    std::size_t ended = 0;
    for (auto& recorded : co_await recorder_.durable(recorder_.append_replies(std::move(masked)))) {
      const model::Reply& reply = recorded.value().reply();
      if (reply.error) throw Unreadable{reply.error->message};
      if (reply.op != model::Reply::kNoOp) (*answers)[reply.op] += reply.wire;
      octets_ += reply.wire.size();
      if (reply.ends_op) ++ended;
    }
    if (octets_ > kAnswerLimit) throw Unreadable{"the catalogue is larger than 256 MiB"};
    co_return ended;
  }

  const Protocol& protocol_;
  std::unique_ptr<net::Stream> stream_;
  std::unique_ptr<proto::Codec> codec_;
  audit::Recorder& recorder_;
  sql::UnderstandingCache understandings_;
  mask::Masker masker_;
  Gate gate_;
  TargetWriter writer_;
  std::vector<char> buffer_;
  std::size_t octets_ = 0;
};

}  // namespace

bool CatalogueSource::is_current(const Snapshot& snapshot) const {
  const auto loaded = loaded_.load(std::memory_order_acquire);
  if (loaded == 0 || loaded != wanted_.load(std::memory_order_acquire)) return false;
  const Clock::duration age = Clock::now().time_since_epoch() - Clock::duration(loaded_at_.load());
  return age < good_for(snapshot) && snapshot == snapshot_.load();
}

Task<Snapshot> CatalogueSource::current() {
  const auto newest = snapshot_.load();
  if (is_current(newest)) co_return newest;
  co_return co_await net::asio::co_spawn(options_.core, refresh(wanted_.load(std::memory_order_acquire)),
                                         net::asio::use_awaitable);
}

Task<Snapshot> CatalogueSource::refresh(std::uint64_t wanted) {
  // Whoever finds a reading under way waits for it by polling: readings are rare and take milliseconds.
  net::asio::steady_timer pause(co_await net::asio::this_coro::executor);
  for (;;) {
    const auto newest = snapshot_.load();
    const Clock::duration age = Clock::now().time_since_epoch() - Clock::duration(loaded_at_.load());
    // Also while the next reading is under way already: else each reading would serve one of many that wait.
    if (loaded_.load(std::memory_order_acquire) >= wanted && age < good_for(newest)) co_return newest;
    if (!is_loading_) break;
    pause.expires_after(std::chrono::milliseconds(2));
    co_await pause.async_wait(net::asio::use_awaitable);
  }

  // What is invalidated while this reads is not in what it reads: it counts as wanted afterwards.
  const std::uint64_t reached = wanted_.load(std::memory_order_acquire);
  is_loading_ = true;
  Snapshot fresh;
  try {
    fresh = co_await load();
  } catch (...) {
    is_loading_ = false;
    throw;
  }
  is_loading_ = false;
  snapshot_.store(fresh);
  loaded_at_.store(Clock::now().time_since_epoch().count());
  loaded_.store(reached, std::memory_order_release);
  co_return fresh;
}

Task<Snapshot> CatalogueSource::load() {
  audit::Recorder recorder(*options_.trail, *options_.lane, options_.target->durability);
  Snapshot snapshot;
  std::string failure;
  bool is_open = false;
  try {
    auto dialled = co_await dial(options_.target, options_.protocol, options_.database, {});
    audit::SessionOpen open{.protocol = 7,
                            .principal = {.name = "sallyport", .kind = model::PrincipalKind::internal},
                            .authentication = {.method = "internal"},
                            .target = options_.target->name.name,
                            .database = options_.database,
                            .target_session = std::to_string(dialled.login.process)};
    co_await recorder.open(std::move(open));
    is_open = true;
    OwnSession own(std::move(dialled), options_, recorder);
    const auto answers = co_await own.ask(options_.reading.queries());
    auto built = options_.reading.build(options_.versions->fetch_add(1) + 1, answers);
    if (built) snapshot = std::move(*built);
    if (!built) failure = built.error().message;
  } catch (const Unreadable& error) {
    failure = error.why;
  } catch (const TargetFailed& error) {
    failure = error.reason.message;
  } catch (const boost::system::system_error& error) {
    failure = error.code().message();
  }
  if (is_open) co_await recorder.close(failure.empty() ? "catalogue read" : "catalogue not readable: " + failure);
  if (!failure.empty())
    options_.log("catalogue of target=" + options_.target->name.name + " database=" + options_.database +
                 " is not readable, so names are unknown: " + failure);
  co_return snapshot;
}

}  // namespace sallyport::session
