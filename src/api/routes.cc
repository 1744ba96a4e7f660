#include "api/routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <chrono>
#include <optional>
#include <thread>

#include "api/event_json.h"
#include "api/reading.h"
#include "audit/cbor.h"

namespace sallyport::api {
namespace {

namespace json = boost::json;

json::object token_json(const store::TokenRow& row, std::int64_t now_ns) {
  json::object out{{"id", row.id}, {"principal", row.principal}, {"targets", json::value_from(row.targets)}};
  out["created"] = time_text(row.created_ns);
  out["expires"] = time_text(row.expires_ns);
  out["state"] = row.revoked_ns != 0 ? "revoked" : row.expires_ns <= now_ns ? "expired" : "valid";
  if (row.revoked_ns != 0) out["revoked"] = time_text(row.revoked_ns);
  if (!row.revoked_reason.empty()) out["revoked_reason"] = row.revoked_reason;
  out["reason"] = row.reason;
  out["issued_by"] = row.issued_by;
  return out;
}

constexpr std::chrono::seconds kCheckpointPatience(5);

/// The size that a signed note states in its second line; the largest number when it is none, since then nothing can be
/// waited for.
std::uint64_t signed_size(std::string_view note) {
  std::uint64_t size = 0;
  const auto line = note.find('\n');
  if (line == std::string_view::npos) return note.empty() ? 0 : ~std::uint64_t{0};
  const auto [end, error] = std::from_chars(note.data() + line + 1, note.data() + note.size(), size);
  return error == std::errc() ? size : ~std::uint64_t{0};
}

bool is_session_id(std::string_view id) {
  return id.size() == 32 && id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

json::object session_json(const LiveSession& session) {
  json::object out{{"session", session.id},
                   {"seq", 0},
                   {"time", time_text(session.opened_wall_ns)},
                   {"principal", session.principal},
                   {"target", session.target},
                   {"kind", "session_open"}};
  out["state"] = "live";
  out["database"] = session.database;
  out["client_address"] = session.client_address;
  out["token_id"] = session.token_id;
  return out;
}

json::object session_json(const store::SessionRow& row) {
  LiveSession session{row.id, row.principal, row.target, row.database, row.client_address, row.token_id, row.opened_ns};
  json::object out = session_json(session);
  out["state"] = "past";
  if (row.closed_ns != 0) out["closed"] = time_text(row.closed_ns);
  if (!row.reason.empty()) out["reason"] = row.reason;
  return out;
}

}  // namespace

Response Routes::handle(const Request& request, const Caller& caller) {
  std::vector<std::string> path = request.path;
  if (path == std::vector<std::string>{"healthz"}) path = {"api", "v1", "healthz"};
  if (path.size() < 3 || path[0] != "api" || path[1] != "v1")
    return problem(404, "Not there", "there is nothing at this address", "the API is below /api/v1");
  path.erase(path.begin(), path.begin() + 2);
  return route(request, caller, path);
}

Response Routes::route(const Request& request, const Caller& caller, const std::vector<std::string>& path) {
  const std::string& noun = path[0];
  const std::string& method = request.method;
  std::string allowed;
  const auto is = [&](std::string_view wanted, std::string_view word, std::size_t size) {
    if (noun != word || path.size() != size) return false;
    if (method == wanted) return true;
    allowed += (allowed.empty() ? "" : ", ") + std::string(wanted);
    return false;
  };
  if (is("GET", "tokens", 1)) return list_tokens();
  if (is("POST", "tokens", 1)) return issue_token(request, caller);
  if (is("DELETE", "tokens", 2)) return revoke_token(request, caller, path[1]);
  if (is("GET", "targets", 1)) return list_targets();
  if (is("GET", "sessions", 1)) return list_sessions(request);
  if (is("GET", "sessions", 2)) return show_session(path[1]);
  if (is("DELETE", "sessions", 2)) return end_session(caller, path[1]);
  if (path.size() == 3 && path[2] == "events" && is("GET", "sessions", 3))
    return session_events(request, caller, path[1]);
  if (is("GET", "approvals", 1)) return list_approvals(request);
  if (is("GET", "approvals", 2)) return show_approval(path[1]);
  if (path.size() == 3 && path[2] == "decision" && is("POST", "approvals", 3))
    return decide_approval(request, caller, path[1]);
  if (is("GET", "search", 1)) return search(request, caller);
  if (is("POST", "export", 1)) return export_bundle(request, caller);
  if (is("POST", "reindex", 1)) return reindex(caller);
  if (path.size() == 2 && path[1] == "head" && is("GET", "trail", 2)) return head();
  if (is("GET", "healthz", 1)) return health();
  if (!allowed.empty())
    return problem(405, "Method not allowed", fmt::format("{} is not known here; known: {}", method, allowed));
  return problem(404, "Not there", "there is nothing at this address", "api/openapi.yaml lists what there is");
}

base::Result<void> Routes::record(const Caller& caller, std::string_view act, const Details& details) {
  audit::cbor::Map meta;
  meta.whole_text("act", act);
  meta.whole_text("by", caller.name);
  for (const auto& [key, value] : details) meta.whole_text(key, value);
  return gateway_.record(meta.finish());
}

Response Routes::list_tokens() const {
  json::array tokens;
  const std::int64_t now = tokens_.now_ns();
  const auto rows = tokens_.list();
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) tokens.push_back(token_json(*row, now));
  return answer({{"tokens", std::move(tokens)}});
}

Response Routes::issue_token(const Request& request, const Caller& caller) {
  const auto body = body_object(request, {"principal", "targets", "ttl_seconds", "reason"});
  if (!body) return problem(body.error());
  const auto principal = text_of(*body, "principal");
  auto targets = texts_of(*body, "targets");
  const auto reason = text_of(*body, "reason");
  if (!principal) return problem(principal.error());
  if (!targets) return problem(targets.error());
  if (!reason) return problem(reason.error());
  std::vector<std::string> known;
  for (const TargetInfo& target : gateway_.targets()) known.push_back(target.name);
  for (const std::string& target : *targets)
    if (std::find(known.begin(), known.end(), target) == known.end())
      return problem(400, "Refused", fmt::format("there is no target '{}'", target), "sallyport targets lists them");
  identity::Tokens::Request wanted{*principal, std::move(*targets), std::chrono::nanoseconds(0), *reason, caller.name};
  if (const json::value* ttl = body->if_contains("ttl_seconds")) {
    const std::int64_t* seconds = ttl->if_int64();
    if (seconds == nullptr || *seconds < 1 || *seconds > std::int64_t{366} * 86400)
      return problem(400, "Refused", "ttl_seconds must be a positive number");
    wanted.lifetime = std::chrono::seconds(*seconds);
  }
  auto draft = tokens_.draft(wanted);
  if (!draft) return problem(400, "Refused", draft.error().message, draft.error().hint);
  const store::TokenRow& row = draft->row;
  auto recorded = record(caller, "token.issue",
                         {{"token", row.id},
                          {"principal", row.principal},
                          {"expires", time_text(row.expires_ns)},
                          {"targets", fmt::format("{}", fmt::join(row.targets, ", "))},
                          {"reason", row.reason}});
  if (!recorded) return problem(recorded.error());
  if (auto issued = tokens_.issue(*draft); !issued) return problem(issued.error());
  json::object out = token_json(row, tokens_.now_ns());
  out["token"] = draft->token.reveal();
  return answer(out, 201);
}

Response Routes::revoke_token(const Request& request, const Caller& caller, const std::string& id) {
  if (auto known = only_known(request, {"reason"}); !known) return problem(known.error());
  if (!tokens_.is_revocable(id))
    return problem(404, "Not there", "there is no such token, or it was revoked before",
                   "sallyport token list shows them");
  const auto reason = request.query.find("reason");
  const std::string why = reason == request.query.end() ? "" : reason->second;
  if (auto recorded = record(caller, "token.revoke", {{"token", id}, {"reason", why}}); !recorded)
    return problem(recorded.error());
  if (auto revoked = tokens_.revoke(id, why); !revoked) return problem(revoked.error());
  return {204, "", "", {}};
}

Response Routes::list_targets() const {
  json::array targets;
  for (const TargetInfo& target : gateway_.targets()) {
    json::object out{{"name", target.name},         {"kind", target.kind}, {"address", target.address},
                     {"database", target.database}, {"tls", target.tls},   {"durability", target.durability}};
    json::object labels;
    for (const auto& [key, value] : target.labels) labels[key] = value;
    out["labels"] = std::move(labels);
    targets.push_back(std::move(out));
  }
  return answer({{"targets", std::move(targets)}});
}

Response Routes::list_sessions(const Request& request) {
  if (auto known = only_known(request, {"limit", "state"}); !known) return problem(known.error());
  const auto limit = limit_of(request, 100, options_.most_rows);
  if (!limit) return problem(limit.error());
  const auto state = request.query.find("state");
  const std::string wanted = state == request.query.end() ? "all" : state->second;
  if (wanted != "all" && wanted != "live" && wanted != "past")
    return problem(400, "Refused", "state must be all, live or past");
  std::vector<LiveSession> live = gateway_.live_sessions();
  std::sort(live.begin(), live.end(), [](const auto& a, const auto& b) { return a.opened_wall_ns > b.opened_wall_ns; });
  std::set<std::string> live_ids;
  json::array sessions;
  for (const LiveSession& session : live) {
    live_ids.insert(session.id);
    if (wanted != "past" && sessions.size() < *limit) sessions.push_back(session_json(session));
  }
  if (wanted != "live") {
    index_.flush();
    const auto rows = index_.sessions(*limit + live_ids.size());
    if (!rows) return problem(rows.error());
    for (const store::SessionRow& row : *rows)
      if (!live_ids.contains(row.id) && sessions.size() < *limit) sessions.push_back(session_json(row));
  }
  return answer({{"sessions", std::move(sessions)}, {"is_complete", index_.is_complete()}});
}

Response Routes::show_session(const std::string& id) {
  for (const LiveSession& session : gateway_.live_sessions())
    if (session.id == id) return answer(session_json(session));
  index_.flush();
  const auto row = index_.session(id);
  return row ? answer(session_json(*row)) : problem(row.error());
}

Response Routes::end_session(const Caller& caller, const std::string& id) {
  const auto live = gateway_.live_sessions();
  if (std::none_of(live.begin(), live.end(), [&](const LiveSession& session) { return session.id == id; }))
    return problem(404, "Not there", "there is no such live session", "sallyport sessions list shows them");
  if (auto recorded = record(caller, "session.end", {{"session", id}}); !recorded) return problem(recorded.error());
  // It may have ended by itself in between: then what was asked for is so.
  static_cast<void>(gateway_.end_session(id, caller.name));
  return {204, "", "", {}};
}

base::Result<void> Routes::wait_for_checkpoint() const {
  const auto now = gateway_.head();
  if (!now) return std::unexpected(now.error());
  const auto until = std::chrono::steady_clock::now() + kCheckpointPatience;
  for (auto head = now; signed_size(head->checkpoint) < now->size; head = gateway_.head()) {
    if (!head) return std::unexpected(head.error());
    if (std::chrono::steady_clock::now() > until)
      return base::fail(base::Code::unavailable, "no checkpoint was signed for what is recorded",
                        "try again; look into the gateway's log");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return {};
}

Response Routes::export_bundle(const Request& request, const Caller& caller) {
  const auto body = body_object(request, {"sessions"});
  if (!body) return problem(body.error());
  auto sessions = texts_of(*body, "sessions");
  if (!sessions) return problem(sessions.error());
  if (sessions->empty() || sessions->size() > options_.most_rows)
    return problem(400, "Refused", "name at least one session", "{\"sessions\": [\"…\"]}");
  for (const std::string& id : *sessions)
    if (!is_session_id(id)) return problem(400, "Refused", "a session's id is 32 hexadecimal digits");
  if (auto recorded = record(caller, "export", {{"sessions", fmt::format("{}", fmt::join(*sessions, ", "))}});
      !recorded)
    return problem(recorded.error());
  // A bundle reaches as far as the signed head, which is up to a second behind: what was asked for is to be in it.
  if (auto covered = wait_for_checkpoint(); !covered) return problem(covered.error());
  const std::string path = fmt::format("{}/export-{}", options_.scratch_folder, base::to_hex(base::random_bytes(8)));
  if (auto made = gateway_.export_bundle(*sessions, path); !made) {
    std::remove(path.c_str());
    return problem(made.error());
  }
  // Unlinked at once: the octets live as long as the answer does.
  const std::shared_ptr<std::FILE> file(std::fopen(path.c_str(), "rbe"), [](std::FILE* open) {
    if (open != nullptr) std::fclose(open);
  });
  std::remove(path.c_str());
  if (!file) return problem(500, "A fault of the gateway", "the bundle could not be read back");
  Response response{200, "application/x-tar", "", {}};
  response.stream = [file](Sink& sink) -> base::Result<void> {
    std::string buffer(std::size_t{64} << 10, '\0');
    while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), file.get()))
      if (!sink.write(std::string_view(buffer).substr(0, size))) return {};
    if (std::ferror(file.get()) != 0) return base::fail(base::Code::unavailable, "the bundle could not be read back");
    return {};
  };
  return response;
}

base::Result<void> rebuild_index(Gateway& gateway, store::SearchIndex& index) {
  return index.rebuild([&](const store::SearchIndex::Sink& sink) {
    Narrator narrator;
    return gateway.read({}, [&](Event&& event) {
      for (auto& row : narrator.rows(event)) sink(std::move(row));
      return true;
    });
  });
}

Response Routes::reindex(const Caller& caller) {
  if (auto recorded = record(caller, "reindex", {}); !recorded) return problem(recorded.error());
  if (auto rebuilt = rebuild_index(gateway_, index_); !rebuilt) return problem(rebuilt.error());
  return answer({{"is_complete", index_.is_complete()}});
}

Response Routes::head() const {
  const auto head = gateway_.head();
  if (!head) return problem(head.error());
  return answer(
      {{"origin", head->origin}, {"size", head->size}, {"root", head->root}, {"checkpoint", head->checkpoint}});
}

Response Routes::health() const {
  return answer({{"status", "ok"},
                 {"live_sessions", gateway_.live_sessions().size()},
                 {"index_is_complete", index_.is_complete()}});
}

}  // namespace sallyport::api
