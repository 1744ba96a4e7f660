#include "sql/settings.h"

#include <algorithm>

#include "sql/lexer.h"

namespace sallyport::sql {
namespace {

using model::Effect;

std::string folded(base::View text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

// How values are shown and how long one waits: nothing here changes what a statement means or may do. Sorted.
constexpr base::View kDisplay[] = {
    "application_name",
    "bytea_output",
    "client_connection_check_interval",
    "client_encoding",
    "client_min_messages",
    "datestyle",
    "default_transaction_deferrable",
    "default_transaction_isolation",
    "extra_float_digits",
    "geqo",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "intervalstyle",
    "jit",
    "lc_monetary",
    "lc_numeric",
    "lc_time",
    "lock_timeout",
    "quote_all_identifiers",
    "standard_conforming_strings",
    "statement_timeout",
    "synchronize_seqscans",
    "tcp_keepalives_count",
    "tcp_keepalives_idle",
    "tcp_keepalives_interval",
    "tcp_user_timeout",
    "timezone",
    "transaction_deferrable",
    "transaction_isolation",
    "xmloption",
};

// Who one is, what one may do, and whether the target's own defences run. Sorted.
constexpr base::View kPrivilege[] = {
    "lo_compat_privileges", "role", "session_authorization", "session_replication_role", "zero_damaged_pages",
};

// Load or write files, or tell the server's own processes what to do. Sorted.
constexpr base::View kServer[] = {
    "dynamic_library_path", "jit_provider", "local_preload_libraries", "session_preload_libraries", "temp_tablespaces",
};

static_assert(std::ranges::is_sorted(kDisplay) && std::ranges::is_sorted(kPrivilege) &&
              std::ranges::is_sorted(kServer));

/// PostgreSQL compares encoding names without case and punctuation (encnames.c).
bool is_utf8(base::View value) {
  std::string bare;
  for (const char c : folded(value)) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) bare += c;
  }
  return bare == "utf8" || bare == "unicode";
}

bool is_on(base::View value) {
  const std::string word = folded(value);
  if (word.empty()) return false;
  return word == "on" || word == "1" || base::View("true").starts_with(word) || base::View("yes").starts_with(word);
}

model::Refusal pinned(base::View name, base::View wanted) {
  return {.kind = model::Refusal::Kind::not_supported,
          .message = "refused: " + std::string(name) + " is pinned to " + std::string(wanted) + " by the gateway",
          .detail = "The gateway and the server must read the same text, else a statement could hide from the rules.",
          .hint = "Leave " + std::string(name) + " as it is; values can be converted with convert_to()."};
}

/// The schemas of a search_path's value, NUL between them; nullopt: not a plain list of names.
std::optional<std::string> schema_list(base::View value) {
  std::string list;
  Lexer lexer(value);
  bool wants_name = true;
  for (Token token = lexer.next(); token.kind != Token::Kind::end; token = lexer.next()) {
    if (!wants_name) {
      if (!token.is(',')) return std::nullopt;
      wants_name = true;
      continue;
    }
    if (!list.empty()) list += '\0';
    if (token.kind == Token::Kind::word) {
      list += folded(token.text);
    } else if (token.kind == Token::Kind::name && token.text[0] == '"' &&
               token.text.substr(1, token.text.size() - 2).find('"') == base::View::npos) {
      list += token.text.substr(1, token.text.size() - 2);
    } else {
      return std::nullopt;
    }
    wants_name = false;
  }
  if (wants_name && !list.empty()) return std::nullopt;
  return list;
}

model::NameChange path_change(const std::optional<std::string>& value, bool is_default, bool is_local) {
  model::NameChange change{.kind = model::NameChange::Kind::search_path};
  if (is_local) return change;  // holds until the end of the transaction only: not known from here on
  if (is_default) {
    change.name = "standard";
  } else if (const auto list = value ? schema_list(*value) : std::nullopt) {
    change.name = "listed";
    change.text = *list;
  }
  return change;
}

}  // namespace

SettingChange understand_setting(base::View raw_name, const std::optional<std::string>& value, bool is_default,
                                 bool is_local) {
  const std::string name = folded(raw_name);
  SettingChange what{.effects = {Effect::session}};
  if (!is_default && name == "client_encoding" && !(value && is_utf8(*value))) what.refusal = pinned(name, "UTF8");
  if (!is_default && name == "standard_conforming_strings" && !(value && is_on(*value))) {
    what.refusal = pinned(name, "on");
  }
  if (name == "search_path") {
    what.change = path_change(value, is_default, is_local);
  } else if (name == "role" || name == "session_authorization") {
    what.change = model::NameChange{.kind = model::NameChange::Kind::role};
    what.effects.add(Effect::privilege);
  } else if (std::ranges::binary_search(kPrivilege, base::View(name))) {
    what.effects.add(Effect::privilege);
  } else if (std::ranges::binary_search(kServer, base::View(name))) {
    what.effects.add(Effect::server);
  }
  what.is_housekeeping = std::ranges::binary_search(kDisplay, base::View(name));
  // The gateway starts the sessions of readers read-only: switching that off is not a matter of display.
  const bool is_read_only_setting = name == "transaction_read_only" || name == "default_transaction_read_only";
  if (is_read_only_setting && !is_default && value && is_on(*value)) what.is_housekeeping = true;
  what.lifts_read_only = is_read_only_setting && !is_default && !what.is_housekeeping;
  if (!what.is_housekeeping) what.note = "SET " + name + " is more than display";
  return what;
}

}  // namespace sallyport::sql
