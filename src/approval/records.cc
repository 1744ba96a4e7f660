#include "approval/records.h"

#include "audit/cbor.h"

namespace sallyport::approval {
namespace {

namespace cbor = audit::cbor;

void put_text(base::Bytes& to, const std::string& text) { cbor::put_text_or_octets(to, text); }

void put_parameter(base::Bytes& to, const model::Parameter& parameter) {
  cbor::put_array(to, 2);
  cbor::put_unsigned(to, parameter.type);
  parameter.is_null ? cbor::put_null(to) : cbor::put_octets(to, parameter.octets);
}

void put_stored(base::Bytes& to, const model::StoredText& stored) {
  cbor::Map map;
  map.text("kind", stored.kind == model::StoredText::Kind::cursor ? "cursor" : "statement");
  map.text("name", stored.name);
  map.text("text", stored.text);
  to += map.finish();
}

void put_demand(base::Bytes& to, const policy::Demand& demand) {
  cbor::Map map;
  map.text("rule", demand.rule);
  map.number("count", static_cast<std::uint64_t>(demand.count));
  map.list("groups", demand.groups, put_text);
  map.list("principals", demand.principals, put_text);
  to += map.finish();
}

void put_vote(base::Bytes& to, const Vote& vote) {
  cbor::Map map;
  map.text("by", vote.by);
  map.flag("is_yes", vote.is_yes);
  map.text("reason", vote.reason);
  map.number("wall_ns", static_cast<std::uint64_t>(vote.wall_ns));
  to += map.finish();
}

}  // namespace

base::Bytes hold_meta(const Status& status, const mask::Hider& hider) {
  Request request = status.request;
  request.statement = hider.shown(request.statement);
  for (auto& stored : request.stored) stored.text = hider.shown(stored.text);
  for (auto& parameter : request.parameters) parameter.octets = hider.shown(parameter.octets);
  cbor::Map map;
  map.text("id", status.id);
  map.number("op", request.op);
  map.text("rules", request.rules);
  map.number("rule_set", request.rule_set);
  map.text("statement", request.statement);
  map.list("stored", request.stored, put_stored);
  map.list("parameters", request.parameters, put_parameter);
  map.list("kinds", request.kinds, put_text);
  map.list("relations", request.relations, put_text);
  map.text("effects", request.effects);
  map.text("note", request.note);
  map.text("fingerprint", request.fingerprint);
  map.list("demands", request.terms.demands, put_demand);
  map.flag("is_in_transaction", request.is_in_transaction);
  map.number("expires_wall_ns", static_cast<std::uint64_t>(status.expires_wall_ns));
  return map.finish();
}

base::Bytes approval_meta(const Status& status) {
  cbor::Map map;
  map.text("id", status.id);
  map.number("op", status.request.op);
  map.text("state", name_of(status.state));
  map.text("why", status.why);
  map.list("votes", status.votes, put_vote);
  map.text("fingerprint", status.request.fingerprint);
  return map.finish();
}

}  // namespace sallyport::approval
