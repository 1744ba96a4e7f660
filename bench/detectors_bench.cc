// How well and how fast the built-in detectors find secrets: precision and recall on made-up lines, MB/s on rows of an
// ordinary table, of each detector alone and of all together, on one core.
//
// usage: detectors_bench [MEBIBYTES] [LINES]
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <map>

#include "mask/detector_lines_testing.h"
#include "mask/detectors_testing.h"

namespace {

using namespace sallyport;
using Clock = std::chrono::steady_clock;

/// Of this process: what others do on the machine does not count.
double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }
using mask::testing::Line;
using mask::testing::LineMaker;

std::shared_ptr<const mask::Detectors> compiled(std::vector<mask::DetectorRule> rules) {
  auto detectors = mask::Detectors::compile(std::move(rules));
  if (!detectors) fmt::print(stderr, "{}\n", detectors.error().message), std::exit(1);
  return *detectors;
}

/// The best of three, in MB a second of CPU.
template <class Work>
double rate(std::size_t octets, Work work) {
  double best = 0;
  for (int round = 0; round < 3; ++round) {
    const double start = cpu_seconds();
    work();
    const double seconds = cpu_seconds() - start;
    best = std::max(best, static_cast<double>(octets) / seconds / 1e6);
  }
  return best;
}

struct Rows {
  std::vector<std::string> rows{};
  std::string joined{};  // as they would stand in the frames of one read
};

Rows rows_of(std::size_t octets, bool has_hits) {
  LineMaker maker(1);
  Rows out;
  while (out.joined.size() < octets) {
    out.rows.push_back(maker.row());
    if (!has_hits) std::replace(out.rows.back().begin(), out.rows.back().end(), '@', ' ');
    out.joined += out.rows.back() + "\n";
  }
  return out;
}

void print_rates(const std::string& name, mask::Scanner& scanner, const Rows& rows) {
  std::vector<mask::Hit> hits;
  std::size_t found = 0, maybe = 0;
  const std::size_t octets = rows.joined.size();
  const base::View joined = rows.joined;
  constexpr std::size_t kRead = 16384;
  const double by_read = rate(octets, [&] {
    found = 0;
    for (std::size_t at = 0; at < octets; at += kRead)
      scanner.scan(joined.substr(at, kRead), hits), found += hits.size();
  });
  const double by_row = rate(octets, [&] {
    for (const std::string& row : rows.rows) scanner.scan(row, hits);
  });
  const double prefilter = rate(octets, [&] {
    maybe = 0;
    for (std::size_t at = 0; at < octets; at += kRead) maybe += scanner.may_hit(joined.substr(at, kRead));
  });
  fmt::print("{:<24} {:>9.0f} {:>9.0f} {:>9.0f} {:>9} {:>9}\n", name, by_read, by_row, prefilter, found, maybe);
}

void print_scores(mask::Scanner& scanner, std::size_t lines) {
  const auto& rules = scanner.detectors().rules();
  std::map<std::string, mask::testing::Score> scores;
  std::vector<mask::Hit> hits;
  LineMaker maker(2);
  std::size_t positives = lines / 10;
  for (std::size_t i = 0; i < lines + positives; ++i) {
    const Line line = i < positives ? maker.positive() : maker.negative();
    scanner.scan(line.text, hits);
    bool is_found = false;
    for (const mask::Hit& hit : hits) {
      const std::string& name = rules[hit.rule].name;
      if (name == line.rule && hit.begin <= line.begin && hit.end >= line.end) {
        is_found = true;
        scores[name].inexact += hit.begin != line.begin || hit.end != line.end;
      } else {
        ++scores[name].false_hits;
      }
    }
    if (!line.rule.empty()) ++(is_found ? scores[line.rule].found : scores[line.rule].missed);
  }
  mask::testing::Score all;
  fmt::print("\n{} lines with a secret, {} without\n{:<24} {:>9} {:>9} {:>9} {:>9} {:>9}\n", positives, lines, "",
             "precision", "recall", "found", "false", "inexact");
  const auto print = [](const std::string& name, const mask::testing::Score& score) {
    fmt::print("{:<24} {:>9.4f} {:>9.4f} {:>9} {:>9} {:>9}\n", name, score.precision(), score.recall(), score.found,
               score.false_hits, score.inexact);
  };
  for (const auto& [name, score] : scores) {
    print(name, score);
    all.found += score.found, all.missed += score.missed;
    all.false_hits += score.false_hits, all.inexact += score.inexact;
  }
  print("all", all);
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t mebibytes = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 32;
  const std::size_t lines = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 100000;
  const auto rules = mask::testing::builtin_rules();
  const Rows rows = rows_of(mebibytes << 20, true), clean = rows_of(mebibytes << 20, false);

  auto start = Clock::now();
  const auto all = compiled(rules);
  const double compiling = std::chrono::duration<double>(Clock::now() - start).count();
  const base::Bytes cache = all->serialised();
  start = Clock::now();
  const auto again = mask::Detectors::compile(rules, cache);
  const double reading = std::chrono::duration<double>(Clock::now() - start).count();
  fmt::print("compiled in {:.1f} ms, from {} octets of cache in {:.1f} ms\n\n", compiling * 1e3, cache.size(),
             reading * 1e3);

  fmt::print("MB/s on {} MiB of rows      16KiB       row  may_hit      hits  may_hit\n", mebibytes);
  for (const mask::DetectorRule& rule : rules) {
    mask::Scanner scanner(compiled({rule}));
    print_rates(rule.name, scanner, rows);
  }
  mask::Scanner scanner(all);
  print_rates("all", scanner, rows);
  print_rates("all, rows without '@'", scanner, clean);
  print_scores(scanner, lines);
  return 0;
}
