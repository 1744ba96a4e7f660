#include "api/routes.h"

// The routes that show recordings: a session's events, and the search.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <chrono>
#include <set>
#include <thread>

#include "api/event_json.h"

namespace sallyport::api {
namespace {

namespace json = boost::json;

Response lines(std::function<base::Result<void>(Sink&)> stream) {
  return {200, "application/x-ndjson", "", std::move(stream)};
}

/// A line for the reader's attention; it is no event.
std::string notice(std::string_view message) { return json::serialize(json::object{{"notice", message}}) + "\n"; }

}  // namespace

Response Routes::session_events(const Request& request, const Caller& caller, const std::string& id) {
  for (const auto& [key, value] : request.query)
    if ((key != "follow" && key != "content") || (value != "true" && value != "false"))
      return problem(400, "Refused", fmt::format("the address has an unknown parameter '{}'", key),
                     "follow=true, content=true");
  if (id.size() != 32 || id.find_first_not_of("0123456789abcdef") != std::string::npos)
    return problem(400, "Refused", "a session's id is 32 hexadecimal digits", "sallyport sessions list shows them");
  if (auto recorded = record(caller, "replay", {{"session", id}}); !recorded) return problem(recorded.error());

  const auto asked = [&](const char* key) { return request.query.contains(key) && request.query.at(key) == "true"; };
  const bool is_following = asked("follow");
  const Content content = asked("content") ? Content::include : Content::leave_out;
  // The first reading happens here, so that an unknown session is a 404 and not an empty answer.
  bool is_there = false;
  auto looked = gateway_.read({{id}, 0}, [&](Event&&) {
    is_there = true;
    return false;
  });
  if (!looked) return problem(looked.error());
  if (!is_there)
    return problem(404, "Not there", "the trail has no such session", "sallyport sessions list shows them");

  return lines([this, id, is_following, content](Sink& sink) -> base::Result<void> {
    Narrator narrator(content);
    std::uint64_t next = 0;
    bool is_over = false;
    for (;;) {
      auto read = gateway_.read({{id}, next}, [&](Event&& event) {
        next = event.log_index + 1;
        is_over = event.type == "session_close" || event.type == "session_abort" || event.type == "log_end";
        return sink.write(json::serialize(narrator.tell(event)) + "\n");
      });
      if (!read) return read;
      if (!is_following || is_over || !sink.is_open()) return {};
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
    }
  });
}

Response Routes::search(const Request& request, const Caller& caller) {
  for (const auto& [key, value] : request.query)
    if (key != "q" && key != "limit")
      return problem(400, "Refused", fmt::format("the address has an unknown parameter '{}'", key));
  const auto text = request.query.find("q");
  if (text == request.query.end() || text->second.empty() || text->second.size() > 1000)
    return problem(400, "Refused", "q must be the text to search for, at most 1000 bytes");
  std::size_t limit = 50;
  if (const auto asked = request.query.find("limit"); asked != request.query.end()) {
    limit = std::strtoul(asked->second.c_str(), nullptr, 10);
    if (limit < 1 || limit > options_.most_rows)
      return problem(400, "Refused", fmt::format("limit must be a number from 1 to {}", options_.most_rows));
  }
  if (auto recorded = record(caller, "search", {{"text", text->second}}); !recorded) return problem(recorded.error());
  index_.flush();
  auto hits = index_.search(text->second, limit);
  if (!hits) return problem(hits.error());

  return lines([this, hits = std::move(*hits)](Sink& sink) -> base::Result<void> {
    // The index is only a hint: a hit is shown as the trail has it, or not at all.
    std::set<std::tuple<std::string, std::uint64_t, std::string>> wanted;
    Gateway::Selection selection;
    for (const store::StatementRow& hit : hits) {
      wanted.emplace(hit.session, hit.op, hit.text);
      selection.sessions.insert(hit.session);
    }
    const bool has_hits = !wanted.empty();
    Narrator narrator;
    auto read = !has_hits ? base::Result<void>{} : gateway_.read(selection, [&](Event&& event) {
      json::object told = narrator.tell(event);
      if (event.type != "request" || !event.op) return true;
      for (std::string& statement : statements_of(event)) {
        if (wanted.erase({event.session, *event.op, std::move(statement)}) == 0) continue;
        if (!sink.write(json::serialize(told) + "\n")) return false;
        break;
      }
      return !wanted.empty();
    });
    if (!read) return read;
    if (!wanted.empty() && sink.is_open())
      sink.write(notice(fmt::format(
          "{} hits of the index are not in the trail as it is now; 'sallyport reindex' rebuilds it", wanted.size())));
    if (!index_.is_complete())
      sink.write(notice("the search index is not complete, so there may be more; 'sallyport reindex' rebuilds it"));
    return {};
  });
}

}  // namespace sallyport::api
