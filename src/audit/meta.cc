#include "audit/meta.h"

#include <algorithm>
#include <map>

#include "audit/cbor.h"

namespace sallyport::audit {
namespace {

using cbor::put_map;
using cbor::put_text;
using cbor::put_unsigned;

/// Writes the pairs of a map whose number is not known before: the head is put in at the end. At most 23 pairs, so that
/// the head is one octet. Keys come in the order of their encodings.
class MapWriter {
 public:
  explicit MapWriter(base::Bytes& to) : to_(to), head_(to.size()) { put_map(to_, 0); }
  ~MapWriter() { to_[head_] = static_cast<char>(static_cast<std::uint8_t>(to_[head_]) + count_); }
  MapWriter(const MapWriter&) = delete;
  MapWriter& operator=(const MapWriter&) = delete;

  base::Bytes& key(std::string_view name) {
    ++count_;
    put_text(to_, name);
    return to_;
  }
  void text(std::string_view name, base::View value) {
    if (!value.empty()) cbor::put_text_or_octets(key(name), value);
  }
  void number(std::string_view name, std::uint64_t value) {
    if (value != 0) put_unsigned(key(name), value);
  }
  void texts(std::string_view name, const std::vector<std::string>& values) {
    if (values.empty()) return;
    cbor::put_array(key(name), values.size());
    for (const std::string& value : values) cbor::put_text_or_octets(to_, value);
  }

 private:
  base::Bytes& to_;
  std::size_t head_;
  std::uint8_t count_ = 0;
};

std::string_view name_of(Durability durability) {
  switch (durability) {
    case Durability::strict:
      return "strict";
    case Durability::request:
      return "request";
    case Durability::batch:
      return "batch";
  }
  return "";
}

std::string_view name_of(model::Refusal::Kind kind) {
  switch (kind) {
    using enum model::Refusal::Kind;
    case not_allowed:
      return "not_allowed";
    case statement_too_long:
      return "statement_too_long";
    case bad_encoding:
      return "bad_encoding";
    case not_supported:
      return "not_supported";
    case protocol_violation:
      return "protocol_violation";
    case authentication:
      return "authentication";
    case unknown_target:
      return "unknown_target";
    case target_unavailable:
      return "target_unavailable";
    case too_many_sessions:
      return "too_many_sessions";
    case trail_unavailable:
      return "trail_unavailable";
    case session_ended:
      return "session_ended";
    case cancelled:
      return "cancelled";
    case internal:
      return "internal";
  }
  return "";
}

std::string_view name_of(model::Control::Kind kind) {
  switch (kind) {
    case model::Control::Kind::sync:
      return "sync";
    case model::Control::Kind::flush:
      return "flush";
    case model::Control::Kind::terminate:
      return "terminate";
  }
  return "";
}

void put_effects(base::Bytes& to, model::EffectSet effects) {
  int count = 0;
  for (int i = 0; i < model::kEffectCount; ++i) count += effects.has(static_cast<model::Effect>(i)) ? 1 : 0;
  cbor::put_array(to, static_cast<std::uint64_t>(count));
  for (int i = 0; i < model::kEffectCount; ++i) {
    const auto effect = static_cast<model::Effect>(i);
    if (effects.has(effect)) put_text(to, model::name_of(effect));
  }
}

void put_refusal(base::Bytes& to, const model::Refusal& refusal) {
  MapWriter map(to);
  map.text("hint", refusal.hint);
  map.text("kind", name_of(refusal.kind));
  map.text("rule", refusal.rule);
  map.text("detail", refusal.detail);
  map.text("message", refusal.message);
}

void put_relations(base::Bytes& to, const std::vector<model::Relation>& relations) {
  cbor::put_array(to, relations.size());
  for (const model::Relation& relation : relations) {
    cbor::put_array(to, 4);
    cbor::put_text_or_octets(to, relation.schema);
    cbor::put_text_or_octets(to, relation.name);
    put_unsigned(to, relation.oid);
    put_text(to, relation.is_read ? (relation.is_written ? "rw" : "r") : (relation.is_written ? "w" : ""));
  }
}

void put_parameters(base::Bytes& to, const std::vector<model::Parameter>& parameters, const mask::Hider& hider) {
  cbor::put_array(to, parameters.size());
  for (const model::Parameter& parameter : parameters) {
    cbor::put_array(to, 2);
    put_unsigned(to, parameter.type);
    // Hidden before it is cut: half of a secret is one, too.
    const auto hidden = hider.hide(parameter.octets);
    const base::View kept = base::View(hidden ? hidden->octets : parameter.octets).substr(0, kMaxParameter);
    const std::uint64_t full = std::max<std::uint64_t>(parameter.full_size, parameter.octets.size());
    if (parameter.is_null) {
      cbor::put_null(to);
    } else if (kept.size() == full) {
      cbor::put_octets(to, kept);
    } else {
      cbor::put_array(to, 2);
      cbor::put_octets(to, kept);
      put_unsigned(to, full);
    }
  }
}

void put_statement(base::Bytes& to, base::View statement, const mask::Hider& hider) {
  const auto hidden = hider.hide(statement);
  const base::View text = hidden ? base::View(hidden->octets) : statement;
  if (text.size() <= kMaxStatement) return cbor::put_text_or_octets(to, text);
  cbor::put_array(to, 2);
  base::View kept = text.substr(0, kMaxStatement);
  // Not in the middle of a character.
  while (!kept.empty() && (static_cast<std::uint8_t>(text[kept.size()]) & 0xC0) == 0x80) kept.remove_suffix(1);
  cbor::put_text_or_octets(to, kept);
  put_unsigned(to, text.size());
}

using Statements = std::vector<const std::string*>;

void put_command(base::Bytes& to, const model::Command& command, const policy::Grounds& grounds,
                 const model::Refusal* refusal, const Statements& statements, const mask::Hider& hider) {
  const model::Understanding* const understanding = grounds.understanding.get();
  MapWriter map(to);
  map.text("kind", model::name_of(command.kind));
  if (understanding != nullptr) map.text("note", understanding->note);
  if (understanding != nullptr && !understanding->statements.empty()) {
    cbor::put_array(map.key("kinds"), understanding->statements.size());
    for (const model::Statement& statement : understanding->statements) cbor::put_text_or_octets(to, statement.kind);
  }
  map.text("rules", grounds.rules);
  map.number("number", command.number);
  if (understanding != nullptr && !understanding->effects.is_empty()) {
    put_effects(map.key("effects"), understanding->effects);
  }
  if (refusal != nullptr) put_refusal(map.key("refusal"), *refusal);
  map.text("verdict", refusal != nullptr ? "deny" : "permit");
  map.number("function", command.function);
  if (understanding != nullptr && !understanding->relations.empty()) {
    put_relations(map.key("relations"), understanding->relations);
  }
  if (command.text) {
    const auto found = std::ranges::find(statements, command.text.get());
    put_unsigned(map.key("statement"), static_cast<std::uint64_t>(found - statements.begin()));
  }
  if (!command.parameters.empty()) put_parameters(map.key("parameters"), command.parameters, hider);
}

/// What a request event holds besides its commands.
struct Rest {
  std::uint64_t commands = 0, chunks = 0, chunk_octets = 0, controls = 0;
  Statements statements{};  // by identity: the messages of one op share the text
};

Rest survey(std::span<const policy::Decided> items) {
  Rest rest;
  for (const policy::Decided& item : items) {
    if (const model::Command* command = command_of(item)) {
      ++rest.commands;
      if (command->text && std::ranges::find(rest.statements, command->text.get()) == rest.statements.end()) {
        rest.statements.push_back(command->text.get());
      }
    } else if (const auto* chunk = std::get_if<model::Chunk>(&std::get<policy::Permit>(item).step())) {
      ++rest.chunks;
      rest.chunk_octets += chunk->wire.size();
    } else {
      ++rest.controls;
    }
  }
  return rest;
}

}  // namespace

const model::Command* command_of(const policy::Decided& item) {
  if (const auto* denial = std::get_if<policy::Denial>(&item)) return &denial->command();
  return std::get_if<model::Command>(&std::get<policy::Permit>(item).step());
}

base::Bytes session_open_meta(const SessionOpen& what, Durability durability) {
  base::Bytes meta;
  MapWriter map(meta);
  map.text("target", what.target);
  map.text("database", what.database);
  if (!what.settings.empty()) {
    cbor::put_array(map.key("settings"), what.settings.size());
    for (const auto& [name, value] : what.settings) {
      cbor::put_array(meta, 2);
      cbor::put_text_or_octets(meta, name);
      cbor::put_text_or_octets(meta, value);
    }
  }
  {
    MapWriter principal(map.key("principal"));
    principal.texts("act", what.principal.act);
    principal.text("kind", model::name_of(what.principal.kind));
    principal.text("name", what.principal.name);
    principal.text("owner", what.principal.owner);
    principal.texts("groups", what.principal.groups);
  }
  map.text("durability", name_of(durability));
  map.text("client_user", what.client_user);
  {
    MapWriter authentication(map.key("authentication"));
    authentication.text("method", what.authentication.method);
    authentication.text("token_id", what.authentication.token_id);
    cbor::put_integer(authentication.key("expires_ns"), what.authentication.expires_wall_ns);
  }
  map.text("client_address", what.client_address);
  map.text("target_session", what.target_session);
  return meta;
}

base::Bytes reason_meta(base::View reason) {
  base::Bytes meta;
  MapWriter map(meta);
  cbor::put_text_or_octets(map.key("reason"), reason);
  return meta;
}

void put_request_meta(base::Bytes& to, std::span<const policy::Decided> items, base::View rules,
                      const mask::Hider& hider, bool hides_values) {
  const mask::Hider of_values = hides_values ? hider : mask::Hider();
  const Rest rest = survey(items);
  MapWriter map(to);
  cbor::put_text_or_octets(map.key("rules"), rules);
  map.number("chunks", rest.chunks);
  if (rest.commands > 0) {
    cbor::put_array(map.key("commands"), rest.commands);
    for (const policy::Decided& item : items) {
      if (const auto* denial = std::get_if<policy::Denial>(&item)) {
        put_command(to, denial->command(), denial->grounds(), &denial->refusal(), rest.statements, of_values);
      } else if (const auto* command = command_of(item)) {
        put_command(to, *command, std::get<policy::Permit>(item).grounds(), nullptr, rest.statements, of_values);
      }
    }
  }
  if (rest.controls > 0) {
    cbor::put_array(map.key("controls"), rest.controls);
    for (const policy::Decided& item : items) {
      const auto* const permit = std::get_if<policy::Permit>(&item);
      if (permit == nullptr) continue;
      if (const auto* control = std::get_if<model::Control>(&permit->step())) put_text(to, name_of(control->kind));
    }
  }
  if (!rest.statements.empty()) {
    cbor::put_array(map.key("statements"), rest.statements.size());
    for (const std::string* statement : rest.statements) put_statement(to, *statement, hider);
  }
  map.number("chunk_octets", rest.chunk_octets);
}

void put_continued_request_meta(base::Bytes& to, base::View rules) {
  MapWriter map(to);
  cbor::put_text_or_octets(map.key("rules"), rules);
}

namespace {

/// Which masks changed how many values or texts.
void put_masked(MapWriter& map, std::span<const mask::Masked> items) {
  std::map<base::View, std::uint64_t> counts;
  for (const mask::Masked& item : items) {
    for (const mask::Change& change : item.changes()) ++counts[item.rules()[change.rule]];
  }
  if (counts.empty()) return;
  base::Bytes& to = map.key("masked");
  cbor::put_array(to, counts.size());
  for (const auto& [name, count] : counts) {
    cbor::put_array(to, 2);
    cbor::put_text_or_octets(to, name);
    put_unsigned(to, count);
  }
}

}  // namespace

void put_response_meta(base::Bytes& to, std::span<const mask::Masked> items, std::uint64_t duration_us) {
  std::uint64_t rows = 0, octets = 0, tags = 0;
  const model::Reply::Error* error = nullptr;
  char transaction = 0;
  for (const mask::Masked& item : items) {
    const model::Reply& reply = item.reply();
    rows += reply.rows;
    octets += reply.wire.size();
    tags += reply.tags.size();
    if (reply.error && error == nullptr) error = &*reply.error;
    if (reply.transaction != 0) transaction = reply.transaction;
  }
  MapWriter map(to);
  map.number("rows", rows);
  if (tags > 0) {
    cbor::put_array(map.key("tags"), tags);
    for (const mask::Masked& item : items) {
      for (const std::string& tag : item.reply().tags) cbor::put_text_or_octets(to, tag);
    }
  }
  map.number("bytes", octets);
  if (error != nullptr) {
    MapWriter inner(map.key("error"));
    inner.text("code", error->code);
    cbor::put_bool(inner.key("ours"), error->is_ours);
    inner.text("message", error->message);
    inner.text("severity", error->severity);
  }
  put_masked(map, items);
  map.number("duration_us", duration_us);
  if (transaction != 0) put_text(map.key("transaction"), {&transaction, 1});
}

void put_mask_map(base::Bytes& to, std::span<const mask::Change> changes, const std::vector<std::string>& rules) {
  cbor::put_array(to, changes.size());
  for (const mask::Change& change : changes) {
    cbor::put_array(to, 4);
    put_unsigned(to, change.begin);
    put_unsigned(to, change.size);
    put_unsigned(to, change.masked_size);
    put_text(to, rules[change.rule]);
  }
}

}  // namespace sallyport::audit
