#include <algorithm>
#include <cstdlib>

#include "mask/detectors_body.h"

namespace sallyport::mask {
namespace {

using base::operator""_KiB;

/// Bounds what a value full of hits costs in memory, and Hyperscan takes lengths of 32 bits.
constexpr std::size_t kPiece = 64_KiB;

struct Ends {
  std::vector<PatternEnd>& ends;
  std::size_t offset, known;  // of what is scanned, in the value; ends up to `known` were told before
};

int note_end(unsigned id, unsigned long long, unsigned long long to, unsigned, void* to_ends) {
  auto& ends = *static_cast<Ends*>(to_ends);
  const std::size_t at = ends.offset + to;
  if (at > ends.known) ends.ends.push_back({at, id});
  return 0;
}

int stop_at_first(unsigned, unsigned long long, unsigned long long, unsigned, void*) { return 1; }

/// True: it was stopped. Hyperscan refuses only what breaks its contract, and going on would let secrets through.
bool run(const hs_database_t& database, base::View piece, hs_scratch_t& scratch, match_event_handler on_match,
         void* to) {
  const hs_error_t result =
      hs_scan(&database, piece.data(), static_cast<unsigned>(piece.size()), 0, &scratch, on_match, to);
  if (result != HS_SUCCESS && result != HS_SCAN_TERMINATED) std::abort();
  return result == HS_SCAN_TERMINATED;
}

/// What `pattern` found where it ends at `end` of `text`. It depends on the octets from end - pattern.back() to end +
/// ahead, and on nothing else.
std::optional<Hit> judge(const DetectorPattern& pattern, base::View text, std::size_t end) {
  const std::size_t from = end - std::min(end, pattern.back());
  const base::View window = text.substr(from, end - from + pattern.check->ahead);
  const std::size_t stop = end - from;
  Span match{stop, stop};
  if (pattern.check->from == DetectorCheck::From::match) {
    match.begin = stop - std::min(stop, pattern.most);
    if (pattern.backward) {
      re2::StringPiece found;
      const re2::StringPiece within(window.data() + match.begin, stop - match.begin);
      if (!pattern.backward->Match(within, 0, within.size(), re2::RE2::UNANCHORED, &found, 1)) return std::nullopt;
      match.begin = static_cast<std::size_t>(found.data() - window.data());
    }
  }
  const auto span = pattern.check->judge(window, match);
  if (!span || span->begin >= span->end) return std::nullopt;
  return Hit{from + span->begin, from + span->end, pattern.rule};
}

Found as_found(const Hit& hit) { return {hit, hit.end - hit.begin}; }

/// Puts in order, and joins what overlaps.
void join(std::vector<Found>& found) {
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) { return a.hit.begin < b.hit.begin; });
  std::size_t last = 0;
  for (std::size_t at = 1; at < found.size(); ++at) {
    const Found next = found[at];
    Found& joined = found[last];
    if (next.hit.begin >= joined.hit.end) {
      found[++last] = next;
      continue;
    }
    if (next.longest > joined.longest || (next.longest == joined.longest && next.hit.rule < joined.hit.rule)) {
      joined.longest = next.longest;
      joined.hit.rule = next.hit.rule;
    }
    joined.hit.end = std::max(joined.hit.end, next.hit.end);
  }
  if (!found.empty()) found.resize(last + 1);
}

}  // namespace

void Scanner::Body::find_ends(const Detectors::Body& all, base::View piece, std::size_t offset, std::size_t known,
                              std::vector<PatternEnd>& to) {
  Ends sink{to, offset, known};
  if (all.database) run(*all.database, piece, *scratch, note_end, &sink);
  for (const auto& [id, pattern] : all.runs) {
    run_ends.clear();
    pattern->find(piece, known - offset, RunPattern::Stop::never, run_ends);
    for (const std::size_t end : run_ends) to.push_back({offset + end, id});
  }
}

Scanner::Scanner(std::shared_ptr<const Detectors> detectors)
    : detectors_(std::move(detectors)), body_(std::make_unique<Body>()) {
  body_->told.resize(detectors_->body_->patterns.size());
  if (!detectors_->body_->database) return;
  hs_scratch_t* scratch = nullptr;
  if (hs_alloc_scratch(detectors_->body_->database.get(), &scratch) != HS_SUCCESS) std::abort();
  body_->scratch.reset(scratch);
}
Scanner::~Scanner() = default;

bool Scanner::may_hit(base::View octets) {
  const Detectors::Body& all = *detectors_->body_;
  auto& run_ends = body_->run_ends;
  run_ends.clear();
  for (std::size_t at = 0; at < octets.size(); at += kPiece) {
    const std::size_t from = at - std::min(at, all.widest);
    const base::View piece = octets.substr(from, at - from + kPiece);
    if (all.database && run(*all.database, piece, *body_->scratch, stop_at_first, nullptr)) return true;
    for (const auto& [id, pattern] : all.runs) {
      pattern->find(piece, 0, RunPattern::Stop::at_first, run_ends);
      if (!run_ends.empty()) return true;
    }
  }
  return false;
}

void Scanner::scan(base::View value, std::vector<Hit>& hits) {
  hits.clear();
  const Detectors::Body& all = *detectors_->body_;
  auto& ends = body_->ends;
  auto& found = body_->found;
  auto& told = body_->told;
  found.clear();
  bool is_first = true;
  for (std::size_t at = 0; at < value.size(); at += kPiece) {
    const std::size_t from = at - std::min(at, all.widest);
    ends.clear();
    body_->find_ends(all, value.substr(from, at - from + kPiece), from, at, ends);
    if (ends.empty()) continue;
    if (std::exchange(is_first, false)) std::fill(told.begin(), told.end(), 0);
    if (!std::is_sorted(ends.begin(), ends.end())) std::sort(ends.begin(), ends.end());
    for (const auto& [end, id] : ends) {
      if (end <= told[id]) continue;
      const auto hit = judge(all.patterns[id], value, end);
      if (!hit) continue;
      told[id] = hit->end;
      found.push_back(as_found(*hit));
    }
  }
  join(found);
  for (const Found& one : found) hits.push_back(one.hit);
}

struct Stream::Body {
  Scanner& scanner;
  const Detectors::Body& all;
  base::Bytes kept{};               // octets of the value from `offset` on
  std::size_t offset = 0;           // in the value
  std::size_t scanned = 0;          // ends up to here are known
  std::vector<PatternEnd> ends{};   // in order; not judged yet
  std::vector<Found> found{};       // in order; something later may still join them
  std::vector<std::size_t> told{};  // as Scanner's
  std::size_t safe = 0;

  std::size_t total() const { return offset + kept.size(); }
  void find_ends();
  void judge_ends(bool is_last);
  void tell(bool is_last, std::vector<Hit>& hits);
};

Stream::Stream(Scanner& scanner) : body_(new Body{scanner, *scanner.detectors_->body_}) {
  body_->told.resize(body_->all.patterns.size());
}
Stream::~Stream() = default;
std::size_t Stream::safe_until() const { return body_->safe; }

void Stream::Body::find_ends() {
  const std::size_t before = ends.size();
  for (; scanned < total(); scanned = std::min(total(), scanned + kPiece)) {
    const std::size_t from = std::max(offset, scanned - std::min(scanned, all.widest));
    scanner.body_->find_ends(all, base::View(kept).substr(from - offset, scanned - from + kPiece), from, scanned, ends);
  }
  std::sort(ends.begin() + static_cast<std::ptrdiff_t>(before), ends.end());
}

void Stream::Body::judge_ends(bool is_last) {
  std::size_t judged = 0;
  for (; judged < ends.size(); ++judged) {
    const auto [end, id] = ends[judged];
    if (end <= told[id]) continue;
    const DetectorPattern& pattern = all.patterns[id];
    if (!is_last && total() < end + pattern.check->ahead) break;
    auto hit = judge(pattern, kept, end - offset);
    if (!hit) continue;
    hit->begin += offset;
    hit->end += offset;
    told[id] = hit->end;
    found.push_back(as_found(*hit));
  }
  ends.erase(ends.begin(), ends.begin() + static_cast<std::ptrdiff_t>(judged));
  join(found);
}

void Stream::Body::tell(bool is_last, std::vector<Hit>& hits) {
  // No hit that is still to be found begins before the horizon.
  const std::size_t next = ends.empty() ? total() + 1 : ends.front().at;
  const std::size_t horizon = is_last ? total() : std::min(total(), next - std::min(next, all.back));
  std::size_t told_until = 0;
  for (; told_until < found.size() && found[told_until].hit.end <= horizon; ++told_until)
    hits.push_back(found[told_until].hit);
  safe = told_until == found.size() ? horizon : std::min(horizon, found[told_until].hit.begin);
  found.erase(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(told_until));
  if (horizon > offset) {
    kept.erase(0, horizon - offset);
    offset = horizon;
  }
}

void Stream::feed(base::View chunk, std::vector<Hit>& hits) {
  body_->kept += chunk;
  body_->find_ends();
  body_->judge_ends(false);
  body_->tell(false, hits);
}

void Stream::finish(std::vector<Hit>& hits) {
  body_->judge_ends(true);
  body_->tell(true, hits);
}

}  // namespace sallyport::mask
