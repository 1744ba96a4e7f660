#include "mask/hider.h"

#include <algorithm>

namespace sallyport::mask {

bool Hider::may_find(base::View octets) const { return finders_ != nullptr && mask::may_find(*finders_, octets); }

std::optional<Hidden> Hider::hide(base::View octets, std::span<const base::View> values) const {
  std::optional<Hidden> hidden;
  if (!may_find(octets)) return hidden;
  std::vector<Hit> hits;
  std::vector<Part> parts;
  const auto take = [&](const Part& part) {
    if (!hidden) hidden.emplace(Hidden{.octets = base::Bytes(octets)});
    const std::string& name = part.mask->name;
    auto rule = std::ranges::find(hidden->rules, name);
    if (rule == hidden->rules.end()) rule = hidden->rules.insert(rule, name);
    const std::size_t size = part.end - part.begin;
    hidden->octets.replace(part.begin, size, size, '*');
    hidden->changes.push_back({.begin = part.begin,
                               .size = size,
                               .masked_size = size,
                               .rule = static_cast<std::uint32_t>(rule - hidden->rules.begin())});
  };
  find_parts(*finders_, octets, hits, parts);
  for (const Part& part : parts) take(part);
  // Beside the octets that frame it a value may not be told from a part of a longer word: each is looked at alone, too.
  for (const base::View value : values) {
    find_parts(*finders_, value, hits, parts);
    for (const Part& part : parts) {
      const base::View secret = value.substr(part.begin, part.end - part.begin);
      for (std::size_t at = octets.find(secret); at != base::View::npos; at = octets.find(secret, at + secret.size()))
        take({at, at + secret.size(), part.mask});
    }
  }
  if (!hidden) return hidden;
  std::ranges::sort(hidden->changes, {}, &Change::begin);
  // Several may have found the same.
  std::size_t end = 0;
  std::erase_if(hidden->changes, [&](Change& change) {
    const std::size_t own_end = change.begin + change.size;
    if (own_end <= end) return true;
    change.begin = std::max(change.begin, end);
    change.size = change.masked_size = own_end - change.begin;
    end = own_end;
    return false;
  });
  return hidden;
}

std::string Hider::shown(base::View text) const {
  auto hidden = hide(text);
  return hidden ? std::move(hidden->octets) : std::string(text);
}

}  // namespace sallyport::mask
