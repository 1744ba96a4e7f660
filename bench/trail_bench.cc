// How fast the trail takes durable events: writers on one core each record a request, wait until it is durable, record
// the response, wait again. Prints events/s and CPU per event, beside the raw latency of fdatasync on the same disk.
//
// usage: trail_bench [FOLDER] [SECONDS] [WRITERS] [CORES]
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

#include "audit/trail.h"
#include "policy/engine.h"

namespace {

using namespace sallyport;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

/// Median and 99th percentile, in microseconds, of a 4 KiB write and its sync in a preallocated file.
void print_raw_latency(const std::string& folder) {
  const std::string path = folder + "/raw";
  std::vector<double> micros;
  {
    const auto file = audit::disk().open(path, audit::Files::Access::fresh);
    file->reserve(16 << 20);
    const base::Bytes block(4096, 'x');
    for (int i = 0; i < 1000; ++i) {
      const auto start = Clock::now();
      file->write_at(static_cast<std::uint64_t>(i) * block.size(), block);
      file->sync();
      micros.push_back(seconds_since(start) * 1e6);
    }
  }
  audit::disk().remove(path);
  std::ranges::sort(micros);
  fmt::print("raw 4 KiB write + fdatasync: median {:.0f} us, p99 {:.0f} us\n", micros[500], micros[990]);
}

struct Writers {
  audit::Trail& trail;
  const policy::Engine& engine;
  audit::Durability durability;
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> events{0};
};

boost::asio::awaitable<void> write(Writers& writers, audit::Lane& lane) {
  static const auto text = std::make_shared<std::string>("SELECT abalance FROM pgbench_accounts WHERE aid = 12345;");
  static const auto understanding = [] {
    auto known = std::make_shared<model::Understanding>();
    known->effects.add(model::Effect::read);
    known->statements.push_back({.kind = "SELECT", .effects = {model::Effect::read}});
    known->relations.push_back({.schema = "public", .name = "pgbench_accounts", .oid = 16400, .is_read = true});
    return known;
  }();
  audit::Recorder recorder(writers.trail, lane, writers.durability);
  audit::SessionOpen open;
  open.principal.name = "bench";
  co_await recorder.open(std::move(open));
  const model::Principal principal{.name = "bench"};
  const model::TargetName target{.name = "bench"};
  for (std::uint64_t op = 0; !writers.stop; ++op) {
    model::Command command{.op = op, .number = op};
    command.wire = *text;
    command.text = text;
    std::vector<policy::Decided> commands;
    auto verdict = writers.engine.judge(std::move(command), understanding, principal, target);
    commands.emplace_back(std::move(std::get<policy::Permit>(verdict)));
    co_await recorder.durable(recorder.append_requests(std::move(commands)));
    model::Reply reply{.op = op};
    reply.wire.assign(90, 'r');
    reply.ends_op = true;
    reply.rows = 1;
    reply.tags = {"SELECT 1"};
    reply.transaction = 'I';
    std::vector<mask::Masked> replies;
    replies.push_back(*mask::Masker().mask(std::move(reply)));
    co_await recorder.durable(recorder.append_replies(std::move(replies)));
    writers.events.fetch_add(2, std::memory_order_relaxed);
  }
  co_await recorder.close("done");
}

void run(const std::string& folder, audit::Durability durability, const char* name, double seconds, int count,
         int cores) {
  audit::TrailOptions options;
  options.data_folder = folder + "/" + name;
  options.origin = "bench/gate";
  auto trail = audit::Trail::open(std::move(options));
  if (!trail) {
    fmt::print(stderr, "{}\n", trail.error().message);
    std::exit(1);
  }
  policy::Rule rule{.name = "agents-read"};
  rule.if_.effects = model::EffectSet{model::Effect::read};
  rule.then = policy::Rule::Allow{};
  const policy::Engine engine({rule}, 1);
  Writers writers{**trail, engine, durability};
  std::vector<std::unique_ptr<boost::asio::io_context>> contexts;
  std::vector<std::unique_ptr<audit::Lane>> lanes;
  for (int i = 0; i < cores; ++i) {
    contexts.push_back(std::make_unique<boost::asio::io_context>(1));
    lanes.push_back(std::make_unique<audit::Lane>(**trail, contexts.back()->get_executor()));
  }
  for (int i = 0; i < count; ++i) {
    const auto core = static_cast<std::size_t>(i % cores);
    boost::asio::co_spawn(*contexts[core], write(writers, *lanes[core]), boost::asio::detached);
  }
  std::vector<std::thread> threads;
  const auto start = Clock::now();
  const double cpu = cpu_seconds();
  for (auto& context : contexts) threads.emplace_back([&context] { context->run(); });
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  writers.stop = true;
  for (std::thread& thread : threads) thread.join();
  const double took = seconds_since(start), used = cpu_seconds() - cpu;
  const auto events = static_cast<double>(writers.events);
  fmt::print("{:8} {} writers, {} cores: {:.0f} events/s, {:.2f} us CPU an event\n", name, count, cores, events / took,
             used / events * 1e6);
  lanes.clear();
  (*trail)->close("bench");
  std::filesystem::remove_all(folder + "/" + name);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string folder = (argc > 1 ? std::string(argv[1]) : "/tmp") + "/trail-bench";
  const double seconds = argc > 2 ? std::stod(argv[2]) : 5;
  const int count = argc > 3 ? std::stoi(argv[3]) : 64;
  const int cores = argc > 4 ? std::stoi(argv[4]) : 1;
  std::filesystem::create_directories(folder);
  print_raw_latency(folder);
  run(folder, audit::Durability::strict, "strict", seconds, count, cores);
  run(folder, audit::Durability::request, "request", seconds, count, cores);
  run(folder, audit::Durability::batch, "batch", seconds, count, cores);
  print_raw_latency(folder);
  std::filesystem::remove_all(folder);
  return 0;
}
