#include "mask/hider.h"

#include <algorithm>

namespace sallyport::mask {

std::optional<Hidden> Hider::hide(base::View octets) const {
  std::optional<Hidden> hidden;
  if (finders_ == nullptr) return hidden;
  std::vector<Hit> hits;
  for (const Finders& finders : *finders_) {
    if (!finders.scanner->may_hit(octets)) continue;
    finders.scanner->scan(octets, hits);
    for (const Hit& hit : hits) {
      if (!finders.is_about(hit.rule)) continue;
      if (!hidden) hidden.emplace(Hidden{.octets = base::Bytes(octets)});
      const std::string& name = finders.rules[hit.rule].name;
      auto rule = std::ranges::find(hidden->rules, name);
      if (rule == hidden->rules.end()) rule = hidden->rules.insert(rule, name);
      const std::size_t size = hit.end - hit.begin;
      hidden->octets.replace(hit.begin, size, size, '*');
      hidden->changes.push_back({.begin = hit.begin,
                                 .size = size,
                                 .masked_size = size,
                                 .rule = static_cast<std::uint32_t>(rule - hidden->rules.begin())});
    }
  }
  if (!hidden) return hidden;
  std::ranges::sort(hidden->changes, {}, &Change::begin);
  // Several may have found the same.
  std::size_t end = 0;
  std::erase_if(hidden->changes, [&](const Change& change) {
    const bool overlaps = change.begin < end;
    if (!overlaps) end = change.begin + change.size;
    return overlaps;
  });
  return hidden;
}

std::string Hider::shown(base::View text) const {
  auto hidden = hide(text);
  return hidden ? std::move(hidden->octets) : std::string(text);
}

}  // namespace sallyport::mask
