#include "audit/event.h"

#include "audit/cbor.h"

namespace sallyport::audit {
namespace {

enum Key : std::uint8_t {
  kVersion = 1,
  kType,
  kSession,
  kSeq,
  kPrevious,
  kWall,
  kMono,
  kProtocol,
  kDirection,
  kPlace,
  kSlotRaw,
  kSlotMasked,
  kSlotMeta,
  kSlotMap,
  kDecision,
  kKeyId,
  kEnd,
};

void put_slot(base::Bytes& to, std::uint8_t key, const Event::Slot& slot) {
  cbor::put_unsigned(to, key);
  cbor::put_array(to, 2);
  cbor::put_unsigned(to, slot.length);
  cbor::put_octets(to, base::view(slot.commitment));
}

base::Digest digest_of(const cbor::Value& value) {
  base::Digest digest;
  std::memcpy(digest.data(), value.octets.data(), digest.size());
  return digest;
}

/// Takes typed fields out of a decoded map; remembers whether every one had its shape.
class Fields {
 public:
  explicit Fields(const cbor::Value& map) : map_(map) {}
  bool is_right() const { return is_right_; }
  const cbor::Value* optional(Key key) const { return map_.find(std::uint64_t{key}); }

  std::uint64_t number(const cbor::Value* value, std::uint64_t limit = ~std::uint64_t{0}) {
    if (value == nullptr || !value->is(cbor::Value::Kind::unsigned_) || value->number > limit) return wrong(), 0;
    return value->number;
  }
  std::uint64_t number(Key key, std::uint64_t limit = ~std::uint64_t{0}) { return number(optional(key), limit); }
  base::Digest digest(const cbor::Value* value) {
    if (value == nullptr || !value->is(cbor::Value::Kind::octets) || value->octets.size() != 32) {
      return wrong(), base::Digest{};
    }
    return digest_of(*value);
  }
  const cbor::Value* array(Key key, std::size_t count) {
    const cbor::Value* const value = optional(key);
    if (value == nullptr) return nullptr;
    if (!value->is(cbor::Value::Kind::array) || value->items.size() != count) return wrong(), nullptr;
    return value;
  }
  void wrong() { is_right_ = false; }

 private:
  const cbor::Value& map_;
  bool is_right_ = true;
};

void read_optional_fields(Fields& fields, Event& event) {
  if (const auto* place = fields.array(kPlace, 3)) {
    Event::Place to;
    if (!place->items[0].is(cbor::Value::Kind::null)) to.op = fields.number(&place->items[0]);
    to.chunk = fields.number(&place->items[1]);
    to.flags = fields.number(&place->items[2], 7);
    event.place = to;
  }
  for (std::uint8_t slot = 0; slot < 4; ++slot) {
    if (const auto* pair = fields.array(static_cast<Key>(kSlotRaw + slot), 2)) {
      event.slots[slot] = {fields.number(&pair->items[0]), fields.digest(&pair->items[1])};
    }
  }
  if (const auto* decision = fields.array(kDecision, 3)) {
    event.decision = {static_cast<Event::Verdict>(fields.number(&decision->items[0], 2)),
                      fields.number(&decision->items[1]), fields.digest(&decision->items[2])};
  }
  if (const auto* key = fields.optional(kKeyId)) event.key = fields.number(key);
  if (const auto* end = fields.array(kEnd, 2)) {
    event.end = {fields.number(&end->items[0]), fields.digest(&end->items[1])};
  }
}

}  // namespace

void encode(base::Bytes& to, const Event& event) {
  std::uint64_t count = 9;
  count += event.place.has_value() ? 1 : 0;
  for (const auto& slot : event.slots) count += slot.has_value() ? 1 : 0;
  count += event.decision.has_value() ? 1 : 0;
  count += event.key.has_value() ? 1 : 0;
  count += event.end.has_value() ? 1 : 0;
  cbor::put_map(to, count);
  const auto number = [&to](Key key, std::uint64_t value) {
    cbor::put_unsigned(to, key);
    cbor::put_unsigned(to, value);
  };
  number(kVersion, 1);
  cbor::put_unsigned(to, kType);
  cbor::put_text(to, event.type);
  cbor::put_unsigned(to, kSession);
  cbor::put_octets(to, event.session);
  number(kSeq, event.seq);
  cbor::put_unsigned(to, kPrevious);
  cbor::put_octets(to, base::view(event.previous));
  number(kWall, event.wall_ns);
  number(kMono, event.mono_ns);
  number(kProtocol, event.protocol);
  number(kDirection, event.direction);
  if (event.place) {
    cbor::put_unsigned(to, kPlace);
    cbor::put_array(to, 3);
    event.place->op ? cbor::put_unsigned(to, *event.place->op) : cbor::put_null(to);
    cbor::put_unsigned(to, event.place->chunk);
    cbor::put_unsigned(to, event.place->flags);
  }
  for (std::uint8_t slot = 0; slot < 4; ++slot) {
    if (event.slots[slot]) put_slot(to, static_cast<std::uint8_t>(kSlotRaw + slot), *event.slots[slot]);
  }
  if (event.decision) {
    cbor::put_unsigned(to, kDecision);
    cbor::put_array(to, 3);
    cbor::put_unsigned(to, static_cast<std::uint64_t>(event.decision->verdict));
    cbor::put_unsigned(to, event.decision->rule_set);
    cbor::put_octets(to, base::view(event.decision->rules));
  }
  if (event.key) number(kKeyId, *event.key);
  if (event.end) {
    cbor::put_unsigned(to, kEnd);
    cbor::put_array(to, 2);
    cbor::put_unsigned(to, event.end->count);
    cbor::put_octets(to, base::view(event.end->head));
  }
}

base::Result<Event> decode_event(base::View entry) {
  const auto map = cbor::decode(entry);
  if (!map) return std::unexpected(map.error());
  const auto malformed = [] { return base::fail(base::Code::malformed, "the entry is not an audit-event/v1"); };
  Fields fields(*map);
  if (fields.number(kVersion) != 1) return malformed();
  const auto* const type = fields.optional(kType);
  const auto* const session = fields.optional(kSession);
  if (type == nullptr || !type->is(cbor::Value::Kind::text) || session == nullptr ||
      !session->is(cbor::Value::Kind::octets) || session->octets.size() != kSessionId) {
    return malformed();
  }
  Event event;
  // The decoded copies die here; the views are taken from where they stand in `entry`. Their places are fixed by the
  // encoding: map head, 01 01, 02 <text>, 03 50 <16 octets>.
  const std::size_t type_head = type->octets.size() < 24 ? 1 : 2;
  event.type = entry.substr(4 + type_head, type->octets.size());
  event.session = entry.substr(4 + type_head + type->octets.size() + 2, kSessionId);
  event.seq = fields.number(kSeq);
  event.previous = fields.digest(fields.optional(kPrevious));
  event.wall_ns = fields.number(kWall);
  event.mono_ns = fields.number(kMono);
  event.protocol = static_cast<std::uint8_t>(fields.number(kProtocol, 7));
  event.direction = static_cast<std::uint8_t>(fields.number(kDirection, 2));
  read_optional_fields(fields, event);
  if (!fields.is_right()) return malformed();
  // One encoding only: this also finds keys that nobody asked for, and a wrong place of the views above.
  base::Bytes again;
  encode(again, event);
  if (again != entry) return malformed();
  return event;
}

bool has_payload(const Event& event, SlotName slot) {
  const auto there = [&](SlotName which) { return event.slots[which].has_value(); };
  switch (slot) {
    case kRaw:
      return there(kRaw) && !there(kMaskedSlot) && event.slots[kRaw]->length > 0;
    case kMaskedSlot:
    case kMeta:
    case kMap:
      return there(slot) && event.slots[slot]->length > 0;
    case kRules:
      return false;
  }
  return false;
}

base::Digest commitment(base::Sha256& hash, SlotName slot, const base::Digest& salt, base::View octets) {
  // Label, slot, salt and length in one update: calls cost more than octets at this size.
  static constexpr base::View kLabel("audit-commit/v1\0", 16);
  std::array<char, 16 + 1 + 32 + 8> head;
  std::memcpy(head.data(), kLabel.data(), kLabel.size());
  head[16] = static_cast<char>(slot);
  std::memcpy(&head[17], salt.data(), salt.size());
  base::store_big(&head[49], static_cast<std::uint64_t>(octets.size()));
  return hash.update({head.data(), head.size()}).update(octets).finish();
}

base::Bytes salt_input(base::View session, std::uint64_t seq, SlotName slot) {
  base::Bytes input;
  input.reserve(25);
  input += session;
  base::append_big(input, seq);
  input += static_cast<char>(slot);
  return input;
}

}  // namespace sallyport::audit
