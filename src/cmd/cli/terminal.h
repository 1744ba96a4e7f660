#pragma once
#include <boost/json/object.hpp>
#include <string>
#include <string_view>

/// How recorded text is shown to a person. What an attacker wrote into a statement must not drive the terminal, nor
/// look like something else: controls (C0, DEL, C1) and the marks that change the direction of text come out as
/// escapes. Pure.
namespace sallyport::cmd {

/// "\n" for a line feed, "\u{202e}" and the like for the rest; octets that are no UTF-8 as "\xff".
std::string printable(std::string_view text);
/// The same for a line of JSON, which stays the same JSON: inside its texts they become \uXXXX.
std::string printable_json(std::string_view line);

/// A hit of a search: as event_text, with where and by whom.
std::string hit_text(const boost::json::object& event);
/// An event of the trail in one line, or a few.
std::string event_text(const boost::json::object& event);
/// One line for each, as `sessions list`, `token list`, `targets` show them.
std::string session_text(const boost::json::object& session);
std::string token_text(const boost::json::object& token);
/// All that an approver must see, in several lines; the statement whole, in its own lines.
std::string approval_text(const boost::json::object& approval);
/// What a decision came to.
std::string decision_text(const boost::json::object& approval);
std::string target_text(const boost::json::object& target);

}  // namespace sallyport::cmd
