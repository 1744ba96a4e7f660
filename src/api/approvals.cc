#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "api/event_json.h"
#include "api/reading.h"
#include "api/routes.h"
#include "approval/shown_text.h"

// What approvers see and say.
namespace sallyport::api {
namespace {

namespace json = boost::json;
using approval::State;

/// Each text as it may be looked at, and what a reader should be warned of.
class Shown {
 public:
  std::string text(base::View octets) {
    for (auto& oddity : approval::oddities(octets))
      if (std::ranges::find(warnings_, oddity) == warnings_.end()) warnings_.push_back(std::move(oddity));
    return approval::shown_text(octets);
  }
  void warn(std::string warning) { warnings_.push_back(std::move(warning)); }
  json::array warnings() const { return json::value_from(warnings_).as_array(); }

 private:
  std::vector<std::string> warnings_;
};

json::array demands_json(const approval::Status& status) {
  json::array out;
  const auto& demands = status.request.terms.demands;
  for (std::size_t i = 0; i < demands.size(); ++i)
    out.push_back({{"rule", demands[i].rule},
                   {"groups", json::value_from(demands[i].groups)},
                   {"principals", json::value_from(demands[i].principals)},
                   {"count", demands[i].count},
                   {"missing", status.missing[i]}});
  return out;
}

json::array votes_json(const approval::Status& status) {
  json::array out;
  for (const approval::Vote& vote : status.votes)
    out.push_back({{"by", vote.by},
                   {"verdict", vote.is_yes ? "approve" : "deny"},
                   {"reason", vote.reason},
                   {"time", time_text(vote.wall_ns)}});
  return out;
}

json::object approval_json(const approval::Status& status) {
  const approval::Request& request = status.request;
  Shown shown;
  json::object out{{"id", status.id}, {"state", approval::name_of(status.state)}};
  out["principal"] = request.requester.name;
  if (!request.requester.owner.empty()) out["owner"] = request.requester.owner;
  if (!request.requester.act.empty()) out["act"] = json::value_from(request.requester.act);
  out["target"] = request.target;
  out["database"] = shown.text(request.database);
  out["rule"] = request.rules;
  out["statement"] = shown.text(request.statement);
  json::array parameters, types, stored, relations;
  for (const auto& parameter : request.parameters) {
    if (!parameter.is_binary && !parameter.is_null) static_cast<void>(shown.text(parameter.octets));
    parameters.push_back(parameter.is_null ? json::value(nullptr) : json::value(approval::shown_value(parameter)));
    types.emplace_back(approval::type_name(parameter.type));
  }
  for (const auto& each : request.stored)
    stored.push_back({{"name", shown.text(each.name)}, {"text", shown.text(each.text)}});
  for (const auto& relation : request.relations) relations.emplace_back(shown.text(relation));
  out["parameters"] = std::move(parameters);
  out["parameter_types"] = std::move(types);
  if (!stored.empty()) out["stored"] = std::move(stored);
  out["effects"] = request.effects;
  out["kinds"] = json::value_from(request.kinds);
  out["relations"] = std::move(relations);
  if (!request.note.empty()) out["note"] = shown.text(request.note);
  if (std::ranges::find(request.kinds, "COPY FROM") != request.kinds.end())
    shown.warn("the rows that COPY will be given are not shown");
  out["warnings"] = shown.warnings();
  out["in_transaction"] = request.is_in_transaction;
  out["asked"] = time_text(status.asked_wall_ns);
  out["expires"] = time_text(status.expires_wall_ns);
  out["needs"] = demands_json(status);
  out["votes"] = votes_json(status);
  if (!status.why.empty()) out["why"] = status.why;
  out["session"] = request.session;
  out["op"] = request.op;
  out["fingerprint"] = request.fingerprint;
  return out;
}

Response not_there(const std::string& id) {
  return problem(404, "Not there", fmt::format("there is no approval '{}'", id),
                 "'sallyport approvals list' shows what waits");
}

Response refused(const base::Error& error) { return problem(409, "Refused", error.message, error.hint); }

}  // namespace

Response Routes::list_approvals(const Request& request) const {
  if (auto known = only_known(request, {"limit", "state"}); !known) return problem(known.error());
  const auto limit = limit_of(request, 100, options_.most_rows);
  if (!limit) return problem(limit.error());
  const auto found = request.query.find("state");
  const std::string wanted = found == request.query.end() ? "all" : found->second;
  if (wanted != "all" && wanted != "pending") return problem(400, "Refused", "state must be all or pending");
  json::array approvals;
  for (const approval::Status& status : desk_.list())
    if (approvals.size() < *limit && (wanted == "all" || status.state == State::pending))
      approvals.push_back(approval_json(status));
  return answer({{"approvals", std::move(approvals)}});
}

Response Routes::show_approval(const std::string& id) const {
  const auto status = desk_.find(id);
  return status ? answer(approval_json(*status)) : not_there(id);
}

/// Who speaks: a person, when break_glass lets the operator speak for one; else the operator, who may only say no.
base::Result<std::optional<model::Principal>> Routes::speaker(const std::string& name, bool is_yes) const {
  if (name.empty()) {
    if (!is_yes) return std::optional<model::Principal>();
    return base::fail(base::Code::denied, "an approval is a person's: the operator of the machine is none",
                      "name one: --as NAME, which break_glass: true in the configuration must allow");
  }
  if (!gateway_.is_break_glass())
    return base::fail(base::Code::denied, "nobody can be spoken for here, because break_glass is not set",
                      "set break_glass: true in the configuration, which is recorded, or let " + name + " approve");
  auto person = tokens_.principal(name);
  if (!person)
    return base::fail(base::Code::denied, "there is no principal '" + name + "'",
                      "--as takes a name of identity.principals");
  return std::optional(std::move(*person));
}

Response Routes::decide_approval(const Request& request, const Caller& caller, const std::string& id) {
  const auto body = body_object(request, {"verdict", "as", "reason"});
  if (!body) return problem(body.error());
  const auto verdict = text_of(*body, "verdict"), name = text_of(*body, "as"), reason = text_of(*body, "reason");
  for (const auto* text : {&verdict, &name, &reason})
    if (!*text) return problem(text->error());
  if (*verdict != "approve" && *verdict != "deny") return problem(400, "Refused", "verdict must be approve or deny");
  if (reason->size() > 1000) return problem(400, "Refused", "a reason has at most 1000 octets");
  const bool is_yes = *verdict == "approve";
  const auto status = desk_.find(id);
  if (!status) return not_there(id);
  const auto person = speaker(*name, is_yes);
  if (!person) return problem(403, "Refused", person.error().message, person.error().hint);
  if (*person) {
    if (auto may = desk_.may_vote(id, **person); !may) return refused(may.error());
  }
  auto recorded = record(caller, is_yes ? "approval.approve" : "approval.deny",
                         {{"id", id},
                          {"as", *person ? (*person)->name : ""},
                          {"session", status->request.session},
                          {"fingerprint", status->request.fingerprint},
                          {"reason", *reason}});
  if (!recorded) return problem(recorded.error());
  const auto state = *person ? desk_.vote(id, **person, is_yes, *reason) : desk_.refuse(id, caller.name, *reason);
  if (!state) return refused(state.error());
  const auto now = desk_.find(id);
  return answer(now ? approval_json(*now) : approval_json(*status));
}

}  // namespace sallyport::api
