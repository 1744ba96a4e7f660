#include "proto/postgres/names.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "proto/postgres/messages.h"

namespace sallyport::proto::postgres {

using base::View;

std::size_t Names::weight(const Definition& definition) {
  return sizeof(Definition) +
         (definition.prepared && definition.prepared->text ? definition.prepared->text->size() : 0);
}

const Names::Definitions* Names::look(Space space, View name) const {
  name = name.substr(0, kNameLength);
  const Map& map = in(space);
  if (name.empty()) return &map.unnamed;
  const auto found = map.named.find(name);
  return found == map.named.end() ? nullptr : &found->second;
}

Names::Definitions* Names::look(Space space, View name) {
  return const_cast<Definitions*>(std::as_const(*this).look(space, name));
}

template <class Predicate>
void Names::erase_if(Definitions& definitions, Predicate predicate) {
  std::erase_if(definitions, [&](const Definition& definition) {
    if (!predicate(definition)) return false;
    --count_;
    octets_ -= weight(definition);
    return true;
  });
}

template <class Predicate>
void Names::erase_in(Space space, View name, Predicate predicate) {
  name = name.substr(0, kNameLength);
  Map& map = in(space);
  if (name.empty()) return erase_if(map.unnamed, predicate);
  const auto found = map.named.find(name);
  if (found == map.named.end()) return;
  erase_if(found->second, predicate);
  if (found->second.empty()) map.named.erase(found);
}

template <class Predicate>
void Names::erase_everywhere(Space space, Predicate predicate) {
  Map& map = in(space);
  erase_if(map.unnamed, predicate);
  for (auto at = map.named.begin(); at != map.named.end();) {
    erase_if(at->second, predicate);
    at = at->second.empty() ? map.named.erase(at) : std::next(at);
  }
}

void Names::define(Space space, View name, std::uint64_t number, std::uint64_t segment, PreparedPointer prepared,
                   Origin origin) {
  name = name.substr(0, kNameLength);
  Map& map = in(space);
  Definitions& definitions = name.empty() ? map.unnamed : map.named[std::string(name)];
  // SQL definitions arrive when they are forwarded, behind later messages of the same read: keep the order of numbers.
  const auto after = std::find_if(definitions.begin(), definitions.end(),
                                  [&](const Definition& definition) { return definition.number > number; });
  const auto at = definitions.insert(after, Definition{number, segment, false, origin, std::move(prepared)});
  ++count_;
  octets_ += weight(*at);
}

void Names::redefine(Space space, View name, std::uint64_t number, const PreparedPointer& prepared) {
  Definitions* found = look(space, name);
  if (!found) return;
  for (Definition& definition : *found) {
    if (definition.number != number) continue;
    octets_ -= weight(definition);
    definition.prepared = prepared;
    octets_ += weight(definition);
  }
}

void Names::describe(View name, std::uint64_t number, const std::vector<std::uint32_t>& types) {
  Definitions* found = look(Space::statements, name);
  if (!found) return;
  Definition* last = nullptr;
  for (Definition& definition : *found) {
    if (definition.number < number) last = &definition;
  }
  if (!last || !last->prepared || last->prepared->types == types) return;
  last->prepared = std::make_shared<const Prepared>(Prepared{last->prepared->text, types});
}

void Names::confirm(Space space, View name, std::uint64_t number) {
  Definitions* found = look(space, name);
  if (!found) return;
  const auto confirmed = std::find_if(found->begin(), found->end(), [&](const Definition& definition) {
    return definition.number == number && !definition.is_confirmed;
  });
  if (confirmed == found->end()) return;
  confirmed->is_confirmed = true;
  std::size_t before = static_cast<std::size_t>(confirmed - found->begin());
  if (before != 0) erase_if(*found, [&](const Definition&) { return before != 0 && before-- != 0; });
}

void Names::withdraw(Space space, View name, std::uint64_t number) {
  erase_in(space, name, [&](const Definition& each) { return each.number == number && !each.is_confirmed; });
}

void Names::remove(Space space, View name, std::uint64_t number) {
  erase_in(space, name, [&](const Definition& each) {
    return each.number < number || (each.number == number && each.is_confirmed);
  });
}

void Names::remove_all(Space space, std::uint64_t number) {
  erase_everywhere(space, [&](const Definition& each) {
    return each.number < number || (each.number == number && each.is_confirmed);
  });
}

void Names::end_transaction(std::uint64_t number) {
  erase_everywhere(Space::portals,
                   [&](const Definition& each) { return each.number < number && each.origin == Origin::protocol; });
}

PreparedPointer Names::find(Space space, View name, std::uint64_t number, std::uint64_t segment) const {
  const Definitions* found = look(space, name);
  if (!found) return nullptr;
  const Definition* last = nullptr;
  bool is_ambiguous = false;
  for (const Definition& definition : *found) {
    if (definition.number >= number) break;
    const bool differs =
        last && (!last->prepared || !definition.prepared || last->prepared->text != definition.prepared->text);
    is_ambiguous = is_ambiguous || differs;
    last = &definition;
  }
  if (!last) return nullptr;
  return is_ambiguous && last->segment != segment ? nullptr : last->prepared;
}

std::optional<std::uint64_t> Names::maker(Space space, View name, std::uint64_t number, std::uint64_t segment) const {
  const Definitions* found = look(space, name);
  if (!found) return std::nullopt;
  const Definition* last = nullptr;
  std::size_t before = 0;
  for (const Definition& definition : *found) {
    if (definition.number >= number) break;
    last = &definition;
    ++before;
  }
  if (!last || (before > 1 && last->segment != segment)) return std::nullopt;
  return last->number;
}

namespace {
constexpr auto kEnd = std::numeric_limits<std::uint64_t>::max();
}

std::optional<std::uint64_t> Names::maker(Space space, View name) const { return maker(space, name, kEnd, kEnd); }

const std::string* Names::text(Space space, View name) const {
  const PreparedPointer found = find(space, name, kEnd, kEnd);
  return found ? found->text.get() : nullptr;
}

}  // namespace sallyport::proto::postgres
