#include "mask/finders.h"

#include <algorithm>

namespace sallyport::mask {

bool may_find(const std::vector<Finders>& finders, base::View octets) {
  return std::ranges::any_of(finders, [&](const Finders& each) { return each.scanner->may_hit(octets); });
}

void find_parts(const std::vector<Finders>& finders, base::View value, std::vector<Hit>& hits,
                std::vector<Part>& parts) {
  parts.clear();
  for (const Finders& each : finders) {
    each.scanner->scan(value, hits);
    for (const Hit& hit : hits) {
      const bool is_ours = hit.rule < each.rules.size() && !each.rules[hit.rule].name.empty();
      if (is_ours) parts.push_back({hit.begin, hit.end, &each.rules[hit.rule]});
    }
  }
  if (parts.size() < 2) return;
  std::ranges::sort(parts, {}, &Part::begin);
  std::size_t last = 0;
  for (std::size_t at = 1; at < parts.size(); ++at) {
    if (parts[at].begin >= parts[last].end) {
      parts[++last] = parts[at];
      continue;
    }
    parts[last].end = std::max(parts[last].end, parts[at].end);
    if (policy::is_stronger(parts[at].mask->way, parts[last].mask->way)) parts[last].mask = parts[at].mask;
  }
  parts.resize(last + 1);
}

}  // namespace sallyport::mask
