#include "api/event_json.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "audit/cbor.h"
#include "base/digest.h"

namespace sallyport::api {
namespace {

namespace json = boost::json;
using audit::cbor::Value;

std::string text_or_hex(base::View octets) {
  return base::is_utf8_without_nul(octets) ? std::string(octets) : "\\x" + base::to_hex(octets);
}

json::value to_json(const Value& value) {
  switch (value.kind) {
    case Value::Kind::unsigned_:
      return value.number;
    case Value::Kind::negative:
      return -1 - static_cast<std::int64_t>(value.number);
    case Value::Kind::octets:
    case Value::Kind::text:
      return json::value(text_or_hex(value.octets));
    case Value::Kind::boolean:
      return value.number != 0;
    case Value::Kind::null:
      return nullptr;
    case Value::Kind::array: {
      json::array items;
      for (const Value& item : value.items) items.push_back(to_json(item));
      return items;
    }
    case Value::Kind::map: {
      json::object pairs;
      for (std::size_t i = 0; i + 1 < value.items.size(); i += 2) {
        const Value& key = value.items[i];
        const std::string name = key.is(Value::Kind::unsigned_) ? std::to_string(key.number) : text_or_hex(key.octets);
        pairs[name] = to_json(value.items[i + 1]);
      }
      return pairs;
    }
  }
  return nullptr;
}

std::string text_at(const Value* map, base::View key) {
  const Value* value = map == nullptr ? nullptr : map->find(key);
  return value == nullptr ? std::string() : text_or_hex(value->octets);
}

void copy(const Value& from, json::object& to, std::initializer_list<const char*> keys) {
  for (const char* key : keys)
    if (const Value* value = from.find(base::View(key))) to[key] = to_json(*value);
}

std::string_view verdict_text(std::uint64_t verdict) {
  return verdict == 0 ? "permit" : verdict == 1 ? "deny" : verdict == 2 ? "hold" : "unknown";
}

/// The statement as it stands in meta: text, or [text, full size] when it was cut.
std::string statement_text(const Value& value) {
  return text_or_hex(value.is(Value::Kind::array) && !value.items.empty() ? value.items[0].octets : value.octets);
}

/// PostgreSQL's int2, int4 and int8 in binary read better as numbers; other octets that are no text stay hexadecimal.
json::value parameter_value(std::uint64_t type, const Value& value) {
  if (value.is(Value::Kind::null)) return nullptr;
  const bool is_cut = value.is(Value::Kind::array) && value.items.size() == 2;
  const base::Bytes& octets = is_cut ? value.items[0].octets : value.octets;
  if (is_cut) return json::object{{"begins", text_or_hex(octets)}, {"octets", value.items[1].number}};
  if (!base::is_utf8_without_nul(octets)) {
    if (type == 21 && octets.size() == 2) return base::load_big<std::int16_t>(octets.data());
    if (type == 23 && octets.size() == 4) return base::load_big<std::int32_t>(octets.data());
    if (type == 20 && octets.size() == 8) return base::load_big<std::int64_t>(octets.data());
  }
  return json::value(text_or_hex(octets));
}

json::array parameters_of(const Value& command) {
  json::array out;
  if (const Value* parameters = command.find("parameters"))
    for (const Value& parameter : parameters->items)
      if (parameter.items.size() == 2) out.push_back(parameter_value(parameter.items[0].number, parameter.items[1]));
  return out;
}

void add_texts(json::array& to, const Value* from) {
  if (from == nullptr) return;
  for (const Value& item : from->items) {
    const json::value text(text_or_hex(item.octets));
    if (std::find(to.begin(), to.end(), text) == to.end()) to.push_back(text);
  }
}

void tell_request(const Value& meta, json::object& out) {
  json::array texts, effects, kinds, relations;
  if (const Value* statements = meta.find("statements"))
    for (const Value& statement : statements->items) texts.emplace_back(statement_text(statement));
  if (!texts.empty()) out["statement"] = texts.front();
  if (texts.size() > 1) out["statements"] = texts;
  if (const Value* commands = meta.find("commands")) {
    for (const Value& command : commands->items) {
      add_texts(effects, command.find("effects"));
      add_texts(kinds, command.find("kinds"));
      if (const Value* touched = command.find("relations"))
        for (const Value& relation : touched->items) {
          if (relation.items.size() < 2) continue;
          const std::string schema = text_or_hex(relation.items[0].octets);
          relations.emplace_back((schema.empty() ? "" : schema + ".") + text_or_hex(relation.items[1].octets));
        }
      if (auto values = parameters_of(command); !values.empty()) out["parameters"] = std::move(values);
      if (const Value* refusal = command.find("refusal")) out["error"] = to_json(*refusal);
      if (const Value* note = command.find("note")) out["note"] = to_json(*note);
    }
    json::array all;
    for (const Value& command : commands->items) all.push_back(to_json(command));
    if (all.size() > 1) out["commands"] = std::move(all);
  }
  if (const auto rule = text_at(&meta, "rules"); !rule.empty()) out["rule"] = rule;
  if (!effects.empty()) out["effects"] = std::move(effects);
  if (!kinds.empty()) out["kinds"] = std::move(kinds);
  if (!relations.empty()) out["relations"] = std::move(relations);
  copy(meta, out, {"chunks", "chunk_octets", "controls"});
}

/// The map in the event's meta; a null value when it has none.
Value meta_of(const Event& event) {
  if (event.meta.empty()) return {};
  auto decoded = audit::cbor::decode(event.meta);
  return decoded ? std::move(*decoded) : Value{};
}

}  // namespace

std::string time_text(std::int64_t wall_ns) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:09}Z", fmt::gmtime(static_cast<std::time_t>(wall_ns / 1'000'000'000)),
                     wall_ns % 1'000'000'000);
}

std::vector<std::string> statements_of(const Event& event) {
  std::vector<std::string> texts;
  const Value meta = meta_of(event);
  if (const Value* statements = meta.find("statements"))
    for (const Value& statement : statements->items) texts.push_back(statement_text(statement));
  return texts;
}

void Narrator::learn(const Event& event) {
  if (event.type != "session_open") return;
  const Value meta = meta_of(event);
  sessions_[event.session] = {text_at(meta.find("principal"), "name"), text_at(&meta, "target")};
}

json::object Narrator::tell(const Event& event) {
  learn(event);
  const auto who = sessions_.find(event.session);
  json::object out{{"session", event.session}, {"seq", event.seq}, {"time", time_text(event.wall_ns)}};
  out["principal"] = who == sessions_.end() ? "" : who->second.principal;
  out["target"] = who == sessions_.end() ? "" : who->second.target;
  out["kind"] = event.type;
  out["log_index"] = event.log_index;
  if (event.op) out["op"] = *event.op;
  if (event.verdict) out["verdict"] = verdict_text(*event.verdict);
  const Value meta = meta_of(event);
  if (event.type == "request") {
    tell_request(meta, out);
  } else if (event.type == "response") {
    copy(meta, out, {"rows", "bytes", "tags", "error", "masked", "duration_us", "transaction"});
  } else if (event.type == "session_open") {
    copy(meta, out,
         {"database", "client_user", "client_address", "target_session", "settings", "durability", "authentication"});
    if (const Value* principal = meta.find("principal")) out["who"] = to_json(*principal);
  } else if (meta.is(Value::Kind::map)) {
    out["meta"] = to_json(meta);
  }
  if (content_ == Content::include && !event.content.empty()) out["content"] = base::to_base64(event.content);
  if (event.type == "session_close" || event.type == "session_abort") sessions_.erase(event.session);
  return out;
}

std::vector<store::SearchIndex::Row> Narrator::rows(const Event& event) {
  std::vector<store::SearchIndex::Row> out;
  // The gateway's own chain and its own sessions with targets are no client's: they are read, not searched.
  if (event.protocol == 7 || internal_.contains(event.session)) return out;
  if (event.type == "session_open") {
    const Value meta = meta_of(event);
    if (text_at(meta.find("principal"), "kind") == "internal") {
      internal_.insert(event.session);
      return out;
    }
    store::SessionRow row;
    row.id = event.session;
    row.principal = text_at(meta.find("principal"), "name");
    row.target = text_at(&meta, "target");
    row.database = text_at(&meta, "database");
    row.client_address = text_at(&meta, "client_address");
    row.token_id = text_at(meta.find("authentication"), "token_id");
    row.opened_ns = event.wall_ns;
    out.emplace_back(std::move(row));
  } else if (event.type == "request" && event.op) {
    for (std::string& text : statements_of(event))
      out.emplace_back(store::StatementRow{event.session, *event.op, event.wall_ns, std::move(text)});
  } else if (event.type == "session_close" || event.type == "session_abort") {
    const Value meta = meta_of(event);
    const std::string reason = text_at(&meta, "reason");
    out.emplace_back(store::SessionEnd{event.session, event.wall_ns, reason.empty() ? "aborted" : reason});
  }
  return out;
}

}  // namespace sallyport::api
