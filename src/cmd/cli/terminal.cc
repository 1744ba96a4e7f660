#include "cmd/cli/terminal.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <vector>

#include "base/digest.h"
#include "base/utf8.h"

namespace sallyport::cmd {
namespace {

namespace json = boost::json;

bool is_dangerous(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || c == 0x200e || c == 0x200f ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

/// A text of the object, or what a number looks like; empty when it is not there.
std::string at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return "";
  return value->is_string() ? std::string(std::string_view(value->get_string())) : json::serialize(*value);
}

std::string joined(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_array()) return "";
  std::string out;
  for (const json::value& item : value->get_array()) {
    if (!out.empty()) out += ", ";
    out += item.is_string() ? std::string(std::string_view(item.get_string())) : json::serialize(item);
  }
  return out;
}

std::string error_text(const json::object& event) {
  const json::value* error = event.if_contains("error");
  if (error == nullptr || !error->is_object()) return "";
  const std::string code = at(error->get_object(), "code");
  return fmt::format("  error{} {}", code.empty() ? "" : " " + code, at(error->get_object(), "message"));
}

std::string request_text(const json::object& event) {
  std::string statement = at(event, "statement");
  if (event.contains("statements")) statement = joined(event, "statements");
  std::string out = fmt::format("> {}", statement.empty() ? joined(event, "controls") : statement);
  if (const std::string values = joined(event, "parameters"); !values.empty()) out += fmt::format("  [{}]", values);
  if (const std::string rule = at(event, "rule"); !rule.empty() || at(event, "verdict") != "permit")
    out += fmt::format("  {}{}", at(event, "verdict"), rule.empty() ? "" : " by " + rule);
  return out + error_text(event);
}

std::string response_text(const json::object& event) {
  std::string out = "< " + joined(event, "tags");
  if (const std::string rows = at(event, "rows"); !rows.empty() && rows != "0") out += fmt::format("  {} rows", rows);
  if (const std::string time = at(event, "duration_us"); !time.empty()) out += fmt::format("  {} us", time);
  return out + error_text(event);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto [value, length] = base::first_code_point(text);
    if (length == 0)
      out += fmt::format("\\x{:02x}", value);
    else if (value == '\n')
      out += "\\n";
    else if (value == '\t')
      out += "\\t";
    else if (is_dangerous(value))
      out += fmt::format("\\u{{{:x}}}", value);
    else
      out += text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

std::string printable_json(std::string_view line) {
  std::string out;
  while (!line.empty()) {
    const auto [value, length] = base::first_code_point(line);
    // Outside its texts, JSON has no such characters; below U+10000, so one \u is enough.
    if (length == 0)
      out += "\\ufffd";
    else if (is_dangerous(value))
      out += fmt::format("\\u{:04x}", value);
    else
      out += line.substr(0, length);
    line.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

std::string event_text(const json::object& event) {
  if (event.contains("notice")) return "notice: " + printable(at(event, "notice"));
  const std::string kind = at(event, "kind");
  std::string what;
  if (kind == "request")
    what = request_text(event);
  else if (kind == "response")
    what = response_text(event);
  else if (kind == "session_open")
    what = fmt::format("{} opens {} of {} from {}", at(event, "principal"), at(event, "database"), at(event, "target"),
                       at(event, "client_address"));
  else
    what = fmt::format("{} {}", kind, at(event, "meta"));
  if (const std::string content = at(event, "content"); !content.empty()) what += "\n" + base::from_base64(content);
  return fmt::format("{} {:>5} {}", at(event, "time"), at(event, "seq"), printable(what));
}

std::string hit_text(const json::object& event) {
  return printable(fmt::format("{} {}@{} ", at(event, "session"), at(event, "principal"), at(event, "target"))) +
         event_text(event);
}

std::string session_text(const json::object& session) {
  return printable(fmt::format("{}  {:<4}  {}  {}  {}/{}  {}  {}", at(session, "session"), at(session, "state"),
                               at(session, "time"), at(session, "principal"), at(session, "target"),
                               at(session, "database"), at(session, "client_address"), at(session, "reason")));
}

std::string token_text(const json::object& token) {
  const std::string targets = joined(token, "targets");
  return printable(fmt::format("{}  {:<7}  {}  expires {}  {}  {}", at(token, "id"), at(token, "state"),
                               at(token, "principal"), at(token, "expires"), targets.empty() ? "every target" : targets,
                               at(token, "reason")));
}

std::string approval_text(const json::object& approval) {
  std::string who = at(approval, "principal");
  if (const std::string owner = at(approval, "owner"); !owner.empty()) who += " (of " + owner + ")";
  std::string out = printable(fmt::format("{}  {}  {} on {}/{}  rule {}  expires {}{}", at(approval, "id"),
                                          at(approval, "state"), who, at(approval, "target"), at(approval, "database"),
                                          at(approval, "rule"), at(approval, "expires"),
                                          at(approval, "in_transaction") == "true" ? "  inside a transaction" : ""));
  const auto put = [&](const std::string& word, const std::string& text) {
    if (!text.empty()) out += fmt::format("\n  {:<10} {}", word, printable(text));
  };
  // In its own lines, as it would be read; what could imitate them is escaped.
  const std::string statement = at(approval, "statement");
  std::string_view rest = statement;
  for (bool is_first = true; is_first || !rest.empty(); is_first = false) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    out += fmt::format("\n  {:<10} | {}", is_first ? "statement" : "", printable(line));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }
  if (const json::value* stored = approval.if_contains("stored"); stored != nullptr && stored->is_array())
    for (const json::value& each : stored->get_array())
      if (each.is_object()) put("where", at(each.get_object(), "name") + " is: " + at(each.get_object(), "text"));
  const json::value* values = approval.if_contains("parameters");
  const json::value* types = approval.if_contains("parameter_types");
  if (values != nullptr && values->is_array() && types != nullptr && types->is_array())
    for (std::size_t i = 0; i < values->get_array().size() && i < types->get_array().size(); ++i) {
      const json::value& value = values->get_array()[i];
      put(fmt::format("${}", i + 1),
          fmt::format("{} ({})", value.is_string() ? std::string(std::string_view(value.get_string())) : "NULL",
                      std::string_view(types->get_array()[i].as_string())));
    }
  put("does", at(approval, "effects") + ": " + joined(approval, "kinds"));
  put("touches", joined(approval, "relations"));
  put("note", at(approval, "note"));
  put("WARNING", joined(approval, "warnings"));
  if (const json::value* needs = approval.if_contains("needs"); needs != nullptr && needs->is_array())
    for (const json::value& each : needs->get_array()) {
      if (!each.is_object()) continue;
      const json::object& need = each.get_object();
      const std::string groups = joined(need, "groups"), names = joined(need, "principals");
      put("needs",
          fmt::format("{} of {}{}{}{}, {} missing ({})", at(need, "count"), groups.empty() ? "" : "group ", groups,
                      groups.empty() || names.empty() ? "" : " or ", names, at(need, "missing"), at(need, "rule")));
    }
  if (const json::value* votes = approval.if_contains("votes"); votes != nullptr && votes->is_array())
    for (const json::value& each : votes->get_array()) {
      if (!each.is_object()) continue;
      const std::string reason = at(each.get_object(), "reason");
      put(at(each.get_object(), "verdict"),
          at(each.get_object(), "by") + (reason.empty() ? "" : ": " + reason) + ", " + at(each.get_object(), "time"));
    }
  put("ended", at(approval, "why"));
  return out;
}

std::string decision_text(const json::object& approval) {
  const std::string state = at(approval, "state");
  return printable(at(approval, "id") + " is " + state + (state == "pending" ? ": more people must approve it" : ""));
}

std::string target_text(const json::object& target) {
  return printable(fmt::format("{}  {}  {}  {}  tls {}  {}", at(target, "name"), at(target, "kind"),
                               at(target, "address"), at(target, "database"), at(target, "tls"),
                               at(target, "durability")));
}

}  // namespace sallyport::cmd
