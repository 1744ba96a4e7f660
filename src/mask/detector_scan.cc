#include <algorithm>
#include <cstdlib>

#include "mask/detectors_body.h"

namespace sallyport::mask {
namespace {

using base::operator""_KiB;

/// Bounds what a value full of hits costs in memory, and vectorscan takes lengths of 32 bits.
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

/// True: it was stopped. vectorscan refuses only what breaks its contract, and going on would let secrets through.
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

void sort(std::vector<Hit>& found) {
  std::sort(found.begin(), found.end(), [](const Hit& a, const Hit& b) { return a.begin < b.begin; });
}

/// Joins what overlaps, from `at` on; `at` becomes the next that does not. REQUIRES: sorted.
Hit join(const std::vector<Hit>& found, std::size_t& at) {
  Hit joined = found[at];
  std::size_t longest = joined.end - joined.begin;
  for (++at; at < found.size() && found[at].begin < joined.end; ++at) {
    const std::size_t length = found[at].end - found[at].begin;
    if (length > longest || (length == longest && found[at].rule < joined.rule)) {
      longest = length;
      joined.rule = found[at].rule;
    }
    joined.end = std::max(joined.end, found[at].end);
  }
  return joined;
}

}  // namespace

Scanner::Scanner(std::shared_ptr<const Detectors> detectors)
    : detectors_(std::move(detectors)), body_(std::make_unique<Body>()) {
  if (!detectors_->body_->database) return;
  hs_scratch_t* scratch = nullptr;
  if (hs_alloc_scratch(detectors_->body_->database.get(), &scratch) != HS_SUCCESS) std::abort();
  body_->scratch.reset(scratch);
  body_->told.resize(detectors_->body_->patterns.size());
}
Scanner::~Scanner() = default;

bool Scanner::may_hit(base::View octets) {
  const Detectors::Body& all = *detectors_->body_;
  if (!all.database) return false;
  for (std::size_t at = 0; at < octets.size(); at += kPiece) {
    const std::size_t from = at - std::min(at, all.widest);
    if (run(*all.database, octets.substr(from, at - from + kPiece), *body_->scratch, stop_at_first, nullptr))
      return true;
  }
  return false;
}

void Scanner::scan(base::View value, std::vector<Hit>& hits) {
  hits.clear();
  const Detectors::Body& all = *detectors_->body_;
  if (!all.database) return;
  auto& [scratch, ends, found, told] = *body_;
  found.clear();
  bool is_first = true;
  for (std::size_t at = 0; at < value.size(); at += kPiece) {
    const std::size_t from = at - std::min(at, all.widest);
    ends.clear();
    Ends to{ends, from, at};
    run(*all.database, value.substr(from, at - from + kPiece), *scratch, note_end, &to);
    if (ends.empty()) continue;
    if (std::exchange(is_first, false)) std::fill(told.begin(), told.end(), 0);
    if (!std::is_sorted(ends.begin(), ends.end())) std::sort(ends.begin(), ends.end());
    for (const auto& [end, id] : ends) {
      if (end <= told[id]) continue;
      const auto hit = judge(all.patterns[id], value, end);
      if (!hit) continue;
      told[id] = hit->end;
      found.push_back(*hit);
    }
  }
  sort(found);
  for (std::size_t at = 0; at < found.size();) hits.push_back(join(found, at));
}

struct Stream::Body {
  Scanner& scanner;
  const Detectors::Body& all;
  base::Bytes kept{};               // octets of the value from `offset` on
  std::size_t offset = 0;           // in the value
  std::size_t scanned = 0;          // ends up to here are known
  std::vector<PatternEnd> ends{};   // in order; not judged yet
  std::vector<Hit> found{};         // in order; something later may still join them
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
    Ends to{ends, from, scanned};
    run(*all.database, base::View(kept).substr(from - offset, scanned - from + kPiece), *scanner.body_->scratch,
        note_end, &to);
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
    found.push_back(*hit);
  }
  ends.erase(ends.begin(), ends.begin() + static_cast<std::ptrdiff_t>(judged));
  sort(found);
}

void Stream::Body::tell(bool is_last, std::vector<Hit>& hits) {
  // No hit that is still to be found begins before the horizon.
  const std::size_t next = ends.empty() ? total() + 1 : ends.front().at;
  const std::size_t horizon = is_last ? total() : next - std::min(next, all.back);
  std::size_t at = 0, told_until = 0;
  while (at < found.size()) {
    const Hit hit = join(found, at);
    if (hit.end > horizon) {
      safe = std::min(horizon, hit.begin);
      break;
    }
    hits.push_back(hit);
    told_until = at;
  }
  if (told_until == found.size()) safe = horizon;
  found.erase(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(told_until));
  if (horizon > offset) {
    kept.erase(0, horizon - offset);
    offset = horizon;
  }
}

void Stream::feed(base::View chunk, std::vector<Hit>& hits) {
  body_->kept += chunk;
  if (!body_->all.database) {
    body_->offset += body_->kept.size();
    body_->kept.clear();
    body_->safe = body_->offset;
    return;
  }
  body_->find_ends();
  body_->judge_ends(false);
  body_->tell(false, hits);
}

void Stream::finish(std::vector<Hit>& hits) {
  if (!body_->all.database) return;
  body_->judge_ends(true);
  body_->tell(true, hits);
}

}  // namespace sallyport::mask
