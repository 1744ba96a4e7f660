#pragma once
#include <boost/json.hpp>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "api/gateway.h"
#include "store/search_index.h"

namespace sallyport::api {

/// "2026-01-31T12:00:00.123456789Z".
std::string time_text(std::int64_t wall_ns);

enum class Content : std::uint8_t { leave_out, include };

/// Turns events of the trail into the JSON objects of the API (api/openapi.yaml, schema Event) and into rows of the
/// search index. Remembers of each open session who it is, from its session_open: hand it a session's events from the
/// first on. One thread.
class Narrator {
 public:
  explicit Narrator(Content content = Content::leave_out) : content_(content) {}

  /// Has at least session, seq, time, principal, target, kind. Text that is not UTF-8 is given as "\x" and hexadecimal.
  boost::json::object tell(const Event& event);

  /// What the search index keeps of the event; nothing for most.
  std::vector<store::SearchIndex::Row> rows(const Event& event);

 private:
  struct Who {
    std::string principal{}, target{};
  };
  void learn(const Event& event);
  Content content_;
  std::map<std::string, Who> sessions_;
  std::set<std::string> internal_;
};

/// The whole statements in an event's meta.
std::vector<std::string> statements_of(const Event& event);

}  // namespace sallyport::api
