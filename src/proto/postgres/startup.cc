#include "proto/postgres/startup.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "proto/postgres/messages.h"

namespace sallyport::proto::postgres {
namespace {

using base::Code;
using base::fail;
using base::Result;
using base::View;

bool is_space(char character) { return std::isspace(static_cast<unsigned char>(character)) != 0; }

/// Lower case, and only letters and digits: how the server compares names of encodings.
std::string canonical(View text) {
  std::string out;
  for (const char character : text) {
    if (std::isalnum(static_cast<unsigned char>(character))) {
      out.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(character))));
    }
  }
  return out;
}

/// Words between white space; a backslash takes the next octet as it is (pg_split_opts).
std::vector<std::string> split_options(View text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    while (at < text.size() && is_space(text[at])) ++at;
    if (at == text.size()) break;
    std::string word;
    for (; at < text.size() && !is_space(text[at]); ++at) {
      if (text[at] == '\\' && ++at == text.size()) break;
      word.push_back(text[at]);
    }
    words.push_back(std::move(word));
  }
  return words;
}

/// "name=value"; a dash in the name stands for an underscore (ParseLongOption).
Result<void> add_setting(View assignment, Settings& settings) {
  const auto equals = assignment.find('=');
  if (equals == View::npos || equals == 0) {
    return fail(Code::malformed, "a startup option lacks its value: " + std::string(assignment));
  }
  std::string name(assignment.substr(0, equals));
  std::ranges::replace(name, '-', '_');
  settings.emplace_back(std::move(name), std::string(assignment.substr(equals + 1)));
  return {};
}

Result<void> read_options(View text, Settings& settings) {
  const auto words = split_options(text);
  for (std::size_t at = 0; at < words.size(); ++at) {
    View word = words[at];
    if (word.starts_with("--")) {
      word.remove_prefix(2);
    } else if (word.starts_with("-c")) {
      word.remove_prefix(2);
      if (word.empty()) {
        if (++at == words.size()) return fail(Code::malformed, "the startup option -c lacks its setting");
        word = words[at];
      }
    } else {
      return fail(Code::unsupported, "startup option " + words[at] + " is not supported",
                  "only -c name=value and --name=value are");
    }
    if (auto added = add_setting(word, settings); !added) return added;
  }
  return {};
}

bool is_false(View value) {
  const std::string word = canonical(value);
  return word == "0" || word == "f" || word == "false" || word == "n" || word == "no" || word == "of" || word == "off";
}

/// What must be as we assume for the parser and the server to read the same statement.
Result<void> check_pinned(const Settings& settings) {
  for (const auto& [name, value] : settings) {
    const std::string word = canonical(name) == "clientencoding" ? canonical(value) : std::string();
    if (!word.empty() && word != "utf8" && word != "unicode") {
      return fail(Code::unsupported, "client_encoding " + value + " is not supported: it must be UTF8",
                  "set PGCLIENTENCODING=UTF8, or leave it out");
    }
    if (canonical(name) == "standardconformingstrings" && canonical(value) != "on" && canonical(value) != "true" &&
        canonical(value) != "1" && canonical(value) != "yes") {
      return fail(Code::unsupported, "standard_conforming_strings must stay on");
    }
  }
  return {};
}

}  // namespace

Result<Startup> read_startup(View body) {
  Startup startup;
  Settings parameters;
  Reader reader(body);
  for (;;) {
    const View name = reader.string();
    if (name.empty()) break;
    const View value = reader.string();
    if (!reader.is_good()) break;
    if (name == "user") {
      startup.user = value;
    } else if (name == "database") {
      startup.database = value;
    } else if (name == "options") {
      startup.settings.clear();  // the server, too, keeps the last one only
      if (auto read = read_options(value, startup.settings); !read) return std::unexpected(read.error());
    } else if (name == "replication") {
      if (!is_false(value)) return fail(Code::unsupported, "replication is not supported through the gateway");
    } else if (name.starts_with("_pq_.")) {
      startup.unknown_options.emplace_back(name);
    } else {
      parameters.emplace_back(name, value);
    }
  }
  if (!reader.is_exactly_read()) return fail(Code::malformed, "invalid startup packet layout");
  startup.settings.insert(startup.settings.end(), parameters.begin(), parameters.end());
  if (auto pinned = check_pinned(startup.settings); !pinned) return std::unexpected(pinned.error());
  return startup;
}

}  // namespace sallyport::proto::postgres
