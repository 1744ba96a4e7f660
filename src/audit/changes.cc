#include "audit/changes.h"

#include <algorithm>

namespace sallyport::audit {

Changes changes_of(std::span<const mask::Masked> items) {
  Changes all;
  std::size_t offset = 0;
  for (const mask::Masked& item : items) {
    for (mask::Change change : item.changes()) {
      const std::string& name = item.rules()[change.rule];
      auto rule = std::ranges::find(all.rules, name);
      if (rule == all.rules.end()) rule = all.rules.insert(rule, name);
      change.begin += offset;
      change.rule = static_cast<std::uint32_t>(rule - all.rules.begin());
      all.list.push_back(change);
    }
    offset += item.raw().size();
  }
  return all;
}

Cut next_cut(const std::vector<mask::Change>& changes, Cut at, Cut end, std::size_t most) {
  Cut to = at;
  for (;;) {
    const bool is_last = to.change == changes.size();
    const std::size_t stretch = (is_last ? end.raw : changes[to.change].begin) - to.raw;
    const std::size_t room = most - std::min(most, std::max(to.raw - at.raw, to.masked - at.masked));
    if (is_last && stretch <= room) return {end.raw, end.masked, to.change};
    if (stretch >= room) return {to.raw + room, to.masked + room, to.change};
    const mask::Change& change = changes[to.change];
    to = {to.raw + stretch + change.size, to.masked + stretch + change.masked_size, to.change + 1};
  }
}

std::vector<mask::Change> changes_between(const std::vector<mask::Change>& changes, Cut from, Cut to) {
  std::vector<mask::Change> between(changes.begin() + static_cast<std::ptrdiff_t>(from.change),
                                    changes.begin() + static_cast<std::ptrdiff_t>(to.change));
  for (mask::Change& change : between) change.begin -= from.raw;
  return between;
}

std::vector<mask::Change> changes_within(const std::vector<mask::Change>& changes, std::size_t begin,
                                         std::size_t size) {
  std::vector<mask::Change> within;
  for (const mask::Change& change : changes) {
    const std::size_t first = std::max(change.begin, begin);
    const std::size_t end = std::min(change.begin + change.size, begin + size);
    if (first >= end) continue;
    within.push_back({.begin = first - begin, .size = end - first, .masked_size = end - first, .rule = change.rule});
  }
  return within;
}

}  // namespace sallyport::audit
