#include "cmd/verify/event.h"

#include "cmd/verify/cbor.h"

namespace sallyport::verify {
namespace {

struct Known {
  base::View name;
  Type type;
  std::uint8_t direction;
};
constexpr Known kTypes[] = {
    {"log_start", Type::log_start, 2},
    {"recovery", Type::recovery, 2},
    {"config", Type::config, 2},
    {"admin", Type::admin, 2},
    {"heartbeat", Type::heartbeat, 2},
    {"log_end", Type::log_end, 2},
    {"session_open", Type::session_open, 2},
    {"request", Type::request, 0},
    {"response", Type::response, 1},
    {"cancel", Type::note, 2},
    {"decision", Type::note, 2},
    {"hold", Type::note, 2},
    {"approval", Type::note, 2},
    {"gap", Type::note, 2},
    {"session_close", Type::session_close, 2},
    {"session_abort", Type::session_abort, 2},
};
constexpr std::uint64_t kKeys = 17;
constexpr std::uint64_t kMaxProtocol = 7, kInternal = 7;

std::unexpected<base::Error> wrong(std::string what) { return base::fail(base::Code::malformed, std::move(what)); }

bool take_number(const Item* item, std::uint64_t& to) {
  if (item == nullptr || !item->is(Item::Kind::natural)) return false;
  to = item->number;
  return true;
}
bool take_octets(const Item* item, std::size_t length, base::View& to) {
  if (item == nullptr || !item->is_octets(length)) return false;
  to = item->octets;
  return true;
}
bool is_array(const Item* item, std::size_t count) {
  return item != nullptr && item->is(Item::Kind::array) && item->items.size() == count;
}

/// The items of an event's map by their key, 1 to 17.
struct Fields {
  const Item* at[kKeys + 1] = {};
  bool fill(const Item& map) {
    for (std::size_t i = 0; i + 1 < map.items.size(); i += 2) {
      const Item& key = map.items[i];
      if (!key.is(Item::Kind::natural) || key.number == 0 || key.number > kKeys) return false;
      at[key.number] = &map.items[i + 1];
    }
    return true;
  }
  bool has(std::size_t key) const { return at[key] != nullptr; }
};

bool take_head(const Fields& fields, Event& event) {
  std::uint64_t version = 0;
  if (!take_number(fields.at[1], version) || version != 1) return false;
  if (!fields.has(2) || !fields.at[2]->is(Item::Kind::text)) return false;
  event.type_name = fields.at[2]->octets;
  return take_octets(fields.at[3], 16, event.session) && take_number(fields.at[4], event.seq) &&
         take_octets(fields.at[5], 32, event.previous) && take_number(fields.at[6], event.wall_ns) &&
         take_number(fields.at[7], event.mono_ns) && take_number(fields.at[8], event.protocol) &&
         take_number(fields.at[9], event.direction);
}

bool take_type(Event& event) {
  for (const Known& known : kTypes) {
    if (known.name != event.type_name) continue;
    event.type = known.type;
    // A session of protocol 7 is the gateway's own with a target: it reads the catalogue.
    const bool is_protocol_right = !event.is_gateway() || event.protocol == kInternal;
    return event.direction == known.direction && event.protocol >= 1 && event.protocol <= kMaxProtocol &&
           is_protocol_right;
  }
  return false;
}

/// Which keys an event of a type has (the table of section 2).
bool has_right_keys(const Fields& fields, const Event& event) {
  const bool is_request = event.type == Type::request;
  const bool is_content = is_request || event.type == Type::response;
  const bool has_slot = fields.has(11) || fields.has(12) || fields.has(13) || fields.has(14);
  return fields.has(10) == is_content && fields.has(11) == is_content && (!fields.has(12) || is_content) &&
         fields.has(13) == (event.type != Type::session_abort) && (!fields.has(14) || fields.has(12)) &&
         fields.has(15) == is_request && fields.has(16) == has_slot && fields.has(17) == event.is_last();
}

bool is_place(const Item* item) {
  if (item == nullptr) return true;
  std::uint64_t op = 0, chunk = 0, flags = 0;
  if (!is_array(item, 3) || !take_number(&item->items[1], chunk) || !take_number(&item->items[2], flags)) return false;
  if (item->items[0].is(Item::Kind::null)) return chunk == 0 && flags < 8;
  return take_number(&item->items[0], op) && flags < 8;
}

bool take_slots(const Fields& fields, Event& event) {
  for (std::uint8_t slot = kRaw; slot <= kMap; ++slot) {
    const Item* const item = fields.at[11 + slot];
    if (item == nullptr) continue;
    Commitment one;
    if (!is_array(item, 2) || !take_number(&item->items[0], one.length) ||
        !take_octets(&item->items[1], 32, one.digest)) {
      return false;
    }
    event.slots[slot] = one;
  }
  return true;
}

bool take_rest(const Fields& fields, Event& event) {
  if (const Item* const item = fields.at[15]) {
    event.has_decision = true;
    if (!is_array(item, 3) || !take_number(&item->items[0], event.verdict) || event.verdict > 2 ||
        !take_number(&item->items[1], event.rule_set) || !take_octets(&item->items[2], 32, event.rules)) {
      return false;
    }
  }
  if (fields.has(16)) {
    std::uint64_t key = 0;
    if (!take_number(fields.at[16], key)) return false;
    event.key = key;
  }
  if (const Item* const item = fields.at[17]) {
    event.has_end = true;
    return is_array(item, 2) && take_number(&item->items[0], event.end_count) &&
           take_octets(&item->items[1], 32, event.end_head);
  }
  return true;
}

}  // namespace

base::Result<Event> decode_event(base::View entry) {
  const auto item = decode_item(entry);
  if (!item) return wrong("the entry is not deterministic CBOR");
  Fields fields;
  Event event;
  if (!item->is(Item::Kind::map) || !fields.fill(*item)) return wrong("the entry is no map with the keys of an event");
  if (!take_head(fields, event)) return wrong("one of the event's keys 1 to 9 is absent or not what it must be");
  if (!take_type(event)) return wrong("the event's type, protocol and direction do not go together");
  if (!has_right_keys(fields, event)) return wrong("an event of this type has other keys");
  if (!is_place(fields.at[10])) return wrong("the event's place (key 10) is malformed");
  if (!take_slots(fields, event)) return wrong("a commitment (key 11 to 14) is malformed");
  if (!take_rest(fields, event)) return wrong("the event's decision, key or end (keys 15 to 17) is malformed");
  return event;
}

base::Digest leaf_hash(base::View entry) {
  thread_local base::Sha256 hash;
  return hash.update(base::View("\0", 1)).update(entry).finish();
}

base::Digest node_hash(base::View left, base::View right) {
  thread_local base::Sha256 hash;
  return hash.update(base::View("\1", 1)).update(left).update(right).finish();
}

base::Digest commitment(std::uint8_t slot, base::View salt, base::View octets) {
  base::Bytes head("audit-commit/v1\0", 16);
  head.push_back(static_cast<char>(slot));
  head += salt;
  base::append_big(head, static_cast<std::uint64_t>(octets.size()));
  thread_local base::Sha256 hash;
  return hash.update(head).update(octets).finish();
}

base::Bytes salt_input(base::View session, std::uint64_t seq, std::uint8_t slot) {
  base::Bytes input(session);
  base::append_big(input, seq);
  input.push_back(static_cast<char>(slot));
  return input;
}

}  // namespace sallyport::verify
