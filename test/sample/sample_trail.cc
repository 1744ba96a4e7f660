#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "audit/bundle.h"
#include "audit/cbor.h"
#include "audit/recorder.h"
#include "audit/trail.h"
#include "policy/engine.h"

/// A trail by the gateway's own writer without a gateway, for those who check trails:
///   sample-trail DATA SESSIONS REQUESTS [PAUSE_MS]     appends SESSIONS sessions with REQUESTS requests each, closes
///   sample-trail --bundle DATA OUT COUNT               exports the first COUNT sessions that `ids` (DATA/ids) names
/// Opening again continues the log. DATA/heads gets the checkpoints, as a head outside would.
namespace {

using namespace sallyport;

base::Bytes act(const char* what) {
  base::Bytes meta;
  audit::cbor::put_map(meta, 1);
  audit::cbor::put_text(meta, "act");
  audit::cbor::put_text(meta, what);
  return meta;
}

policy::Engine readers(std::uint64_t rule_set) {
  policy::Rule rule{.name = "readers"};
  rule.if_.effects = model::EffectSet{model::Effect::read};
  rule.then = policy::Rule::Allow{};
  return policy::Engine({rule}, rule_set);
}

policy::Decided decide(const policy::Engine& engine, std::uint64_t op, std::string text, model::Effect effect) {
  auto understanding = std::make_shared<model::Understanding>();
  understanding->effects.add(effect);
  understanding->statements.push_back({.kind = "SELECT", .effects = {effect}});
  model::Command command{.op = op, .number = op};
  command.wire = "Q" + text;
  command.text = std::make_shared<std::string>(std::move(text));
  auto verdict = engine.judge(std::move(command), understanding, {.name = "agent-1"}, {.name = "orders"});
  if (auto* const permit = std::get_if<policy::Permit>(&verdict)) return std::move(*permit);
  return std::move(std::get<policy::Denial>(verdict));
}

mask::Masked answer(std::uint64_t op) {
  model::Reply reply{.op = op};
  // Some are large enough to be compressed, and one larger than one event.
  const std::size_t size = op == 5 ? 300'000 : op % 6 == 3 ? 6'000 : 20 + op * 13 % 100;
  for (std::size_t i = 0; i < size; ++i) reply.wire.push_back(static_cast<char>('a' + i * op % 26));
  reply.ends_op = true;
  reply.rows = 1;
  reply.tags = {"SELECT 1"};
  return *mask::Masker().mask(std::move(reply));
}

struct Plan {
  int requests = 0;
  int pause_ms = 0;
  std::FILE* ids = nullptr;
};

boost::asio::awaitable<void> converse(audit::Trail& trail, audit::Lane& lane, const policy::Engine& engine, Plan plan) {
  audit::Recorder recorder(trail, lane, audit::Durability::strict);
  audit::SessionOpen open;
  open.principal.name = "agent-1";
  open.target = "orders";
  co_await recorder.open(std::move(open));
  std::fprintf(plan.ids, "%s\n", base::to_hex(recorder.session()).c_str());
  std::fflush(plan.ids);
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  for (int i = 0; i < plan.requests; ++i) {
    const auto op = static_cast<std::uint64_t>(i);
    std::vector<policy::Decided> batch;
    const auto effect = i % 5 == 4 ? model::Effect::write : model::Effect::read;
    batch.push_back(
        decide(engine, op, "SELECT " + std::to_string(i) + " /* " + std::string(i % 50 * 100U, '.') + " */", effect));
    co_await recorder.durable(recorder.append_requests(std::move(batch)));
    std::vector<mask::Masked> replies;
    replies.push_back(answer(op));
    co_await recorder.durable(recorder.append_replies(std::move(replies)));
    if (plan.pause_ms > 0) {
      timer.expires_after(std::chrono::milliseconds(plan.pause_ms));
      co_await timer.async_wait(boost::asio::use_awaitable);
    }
  }
  co_await recorder.note("cancel", act("a note"));
  co_await recorder.close("done");
}

int append(const std::string& data, int sessions, const Plan& plan) {
  audit::TrailOptions options;
  options.data_folder = data;
  options.origin = "sample/gate";
  options.version = "sample";
  options.segment_octets = 1 << 20;
  options.push.push_back({.file = data + "/heads"});
  auto trail = audit::Trail::open(std::move(options));
  if (!trail) {
    std::fprintf(stderr, "sample-trail: %s\n", trail.error().message.c_str());
    return 1;
  }
  const policy::Engine engine = readers((*trail)->append_config(act("rules")));
  {
    boost::asio::io_context io(1);
    audit::Lane lane(**trail, io.get_executor());
    const auto must_end = [](std::exception_ptr failure) {
      if (failure) std::rethrow_exception(failure);
    };
    for (int i = 0; i < sessions; ++i) boost::asio::co_spawn(io, converse(**trail, lane, engine, plan), must_end);
    io.run();
  }
  (*trail)->append_admin(act("end"));
  (*trail)->close("sample");
  return 0;
}

int bundle(const std::string& data, const std::string& out, int count) {
  std::vector<base::Bytes> sessions;
  std::FILE* const ids = std::fopen((data + "/ids").c_str(), "r");
  for (char line[64]; ids != nullptr && count > 0 && std::fgets(line, sizeof line, ids) != nullptr; --count) {
    base::Bytes id;
    for (int i = 0; i < 16; ++i) id.push_back(static_cast<char>(std::stoi(std::string(line + 2 * i, 2), nullptr, 16)));
    sessions.push_back(id);
  }
  if (ids != nullptr) std::fclose(ids);
  const auto done = audit::export_bundle(data, sessions, out);
  if (!done) std::fprintf(stderr, "sample-trail: %s\n", done.error().message.c_str());
  return done ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
  try {
    if (count == 5 && std::string(words[1]) == "--bundle") return bundle(words[2], words[3], std::atoi(words[4]));
    if (count < 4) return 2;
    const std::string data = words[1];
    std::FILE* const ids = std::fopen((data + "/ids").c_str(), "a");
    if (ids == nullptr) return 1;
    const Plan plan{.requests = std::atoi(words[3]), .pause_ms = count > 4 ? std::atoi(words[4]) : 0, .ids = ids};
    const int result = append(data, std::atoi(words[2]), plan);
    std::fclose(ids);
    return result;
  } catch (const audit::Unavailable& gone) {
    std::fprintf(stderr, "sample-trail: %s\n", gone.reason.c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sample-trail: %s\n", error.what());
  }
  return 1;
}
