#include "cmd/cli/commands.h"

// The commands that ask the running gateway.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "api/client.h"
#include "base/digest.h"
#include "cmd/cli/heads.h"
#include "cmd/cli/terminal.h"
#include "config/config.h"
#include "config/duration.h"

namespace sallyport::cmd {
namespace {

namespace json = boost::json;

/// A conversation with the gateway of one configuration. Complains by itself; an empty answer means: return 1.
class Operator {
 public:
  explicit Operator(const Common& common) : common_(common) {}

  std::optional<api::Answer> ask(std::string_view method, const std::string& target, std::string_view body = {},
                                 const api::OnBody& on_body = {}) {
    if (data_.empty()) {
      auto data = config::data_folder_of(common_.config);
      if (!data) return complained(data.error());
      data_ = std::move(*data);
    }
    auto answer = api::call(data_, method, "/api/v1" + target, body, on_body);
    if (!answer) return complained(answer.error());
    if (answer->status / 100 != 2) {
      complain_of(*answer);
      return std::nullopt;
    }
    return std::move(*answer);
  }

  /// The answer's body, and its member `key` if one is named, as one value.
  std::optional<json::value> ask_json(std::string_view method, const std::string& target, std::string_view body = {}) {
    const auto answer = ask(method, target, body);
    if (!answer) return std::nullopt;
    boost::system::error_code error;
    json::value value = json::parse(answer->body, error);
    if (error) {
      complain("the gateway's answer is not JSON");
      return std::nullopt;
    }
    return value;
  }

  /// Looks whether the gateway's log still extends what this user saw of it.
  void look_at_head() {
    std::ifstream in(data_ + "/trail/log.vkey", std::ios::binary);
    const std::string key(std::istreambuf_iterator<char>(in), {});
    const std::string folder = heads_folder();
    if (key.empty() || folder.empty()) return;
    const auto answer = api::call(data_, "GET", "/api/v1/trail/head");
    if (!answer || answer->status != 200) return;
    boost::system::error_code error;
    const json::value value = json::parse(answer->body, error);
    const json::value* note = error || !value.is_object() ? nullptr : value.get_object().if_contains("checkpoint");
    if (note == nullptr || !note->is_string()) return;
    if (auto kept = remember(heads_file(folder, key), std::string_view(note->get_string())); !kept)
      complain("WARNING: " + kept.error().message, kept.error().hint);
  }

 private:
  static std::nullopt_t complained(const base::Error& error) {
    complain(error.message, error.hint);
    return std::nullopt;
  }
  static void complain_of(const api::Answer& answer) {
    boost::system::error_code error;
    const json::value value = json::parse(answer.body, error);
    const auto text = [&](const char* key) {
      const json::value* member = error || !value.is_object() ? nullptr : value.get_object().if_contains(key);
      return member == nullptr || !member->is_string() ? std::string()
                                                       : std::string(std::string_view(member->get_string()));
    };
    const std::string detail = text("detail");
    complain(detail.empty() ? fmt::format("the gateway answered {}", answer.status) : detail, text("hint"));
  }

  const Common& common_;
  std::string data_;
};

using Show = std::string (*)(const json::object&);

void print_object(const Common& common, const json::object& object, Show show) {
  fmt::print("{}\n", common.is_json ? printable_json(json::serialize(object)) : show(object));
}

/// GET of a list: `{key: [object …]}`.
int print_list(const Common& common, const std::string& target, const char* key, Show show) {
  Operator operator_(common);
  const auto value = operator_.ask_json("GET", target);
  if (!value) return 1;
  const json::value* list = value->is_object() ? value->get_object().if_contains(key) : nullptr;
  if (list == nullptr || !list->is_array()) return complain("the gateway's answer has no " + std::string(key));
  for (const json::value& item : list->get_array())
    if (item.is_object()) print_object(common, item.get_object(), show);
  if (const json::value* complete = value->get_object().if_contains("is_complete");
      complete != nullptr && *complete == false)
    complain("the search index is not complete, so there may be more", "run: sallyport reindex");
  operator_.look_at_head();
  return 0;
}

/// A body of one JSON object a line, printed as it comes.
class LinePrinter {
 public:
  LinePrinter(const Common& common, Show show) : common_(common), show_(show) {}
  bool take(std::string_view octets) {
    pending_ += octets;
    for (std::size_t end; (end = pending_.find('\n')) != std::string::npos; pending_.erase(0, end + 1))
      print(std::string_view(pending_).substr(0, end));
    return std::fflush(stdout) == 0;
  }
  bool has_failed() const { return has_failed_; }

 private:
  void print(std::string_view line) {
    boost::system::error_code error;
    const json::value value = json::parse(json::string_view(line.data(), line.size()), error);
    if (error || !value.is_object()) {
      has_failed_ = true;
      return;
    }
    const json::object& object = value.get_object();
    if (const json::value* notice = object.if_contains("notice"); notice != nullptr && notice->is_string()) {
      complain(std::string(std::string_view(notice->get_string())));
      return;
    }
    if (common_.is_json)
      fmt::print("{}\n", printable_json(line));
    else
      fmt::print("{}\n", show_(object));
  }
  const Common& common_;
  Show show_;
  std::string pending_;
  bool has_failed_ = false;
};

int print_lines(const Common& common, const std::string& target, Show show) {
  Operator operator_(common);
  LinePrinter printer(common, show);
  if (!operator_.ask("GET", target, {}, [&](std::string_view octets) { return printer.take(octets); })) return 1;
  if (printer.has_failed()) return complain("the gateway's answer is not JSON");
  operator_.look_at_head();
  return 0;
}

/// A file that appears under its name only when it is whole. 0600: it holds what people said to databases.
class WholeFile {
 public:
  explicit WholeFile(std::string path)
      : path_(std::move(path)), draft_(path_ + "." + base::to_hex(base::random_bytes(4))) {
    number_ = ::open(draft_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  }
  ~WholeFile() {
    if (number_ >= 0) ::close(number_);
    if (number_ >= 0 && !is_kept_) ::unlink(draft_.c_str());
  }
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;
  bool is_open() const { return number_ >= 0; }
  bool write(std::string_view octets) {
    while (!octets.empty()) {
      const ssize_t written = ::write(number_, octets.data(), octets.size());
      if (written < 0 && errno != EINTR) return false;
      if (written > 0) octets.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }
  bool keep() {
    is_kept_ = ::fsync(number_) == 0 && ::rename(draft_.c_str(), path_.c_str()) == 0;
    return is_kept_;
  }

 private:
  std::string path_, draft_;
  int number_ = -1;
  bool is_kept_ = false;
};

}  // namespace

int run(const Common& common, const TokenIssue& command) {
  json::object body{{"principal", command.principal}, {"reason", command.reason}};
  body["targets"] = json::value_from(command.targets);
  if (!command.lifetime.empty()) {
    const auto lifetime = config::parse_duration(command.lifetime);
    if (!lifetime || *lifetime < std::chrono::seconds(1) || lifetime->count() % 1000 != 0)
      return complain(fmt::format("--ttl {} is no duration of whole seconds", command.lifetime),
                      "write for example 15m");
    body["ttl_seconds"] = std::chrono::duration_cast<std::chrono::seconds>(*lifetime).count();
  }
  Operator operator_(common);
  const auto issued = operator_.ask_json("POST", "/tokens", json::serialize(body));
  if (!issued) return 1;
  const json::value* token = issued->is_object() ? issued->get_object().if_contains("token") : nullptr;
  if (token == nullptr || !token->is_string()) return complain("the gateway's answer has no token");
  if (common.is_json)
    fmt::print("{}\n", printable_json(json::serialize(*issued)));
  else
    fmt::print("{}\n", printable(std::string_view(token->get_string())));
  operator_.look_at_head();
  return 0;
}

int run(const Common& common, const TokenList&) { return print_list(common, "/tokens", "tokens", token_text); }

int run(const Common& common, const TokenRevoke& command) {
  Operator operator_(common);
  const std::string reason = command.reason.empty() ? "" : "?reason=" + api::escape(command.reason);
  if (!operator_.ask("DELETE", "/tokens/" + api::escape(command.id) + reason)) return 1;
  operator_.look_at_head();
  return 0;
}

int run(const Common& common, const TargetsCommand&) { return print_list(common, "/targets", "targets", target_text); }

int run(const Common& common, const SessionsList& command) {
  return print_list(common, fmt::format("/sessions?state={}&limit={}", command.state, command.limit), "sessions",
                    session_text);
}

int run(const Common& common, const SessionsShow& command) {
  Operator operator_(common);
  const auto session = operator_.ask_json("GET", "/sessions/" + api::escape(command.session));
  if (!session || !session->is_object()) return 1;
  print_object(common, session->get_object(), session_text);
  return 0;
}

int run(const Common& common, const SessionsEnd& command) {
  Operator operator_(common);
  return operator_.ask("DELETE", "/sessions/" + api::escape(command.session)) ? 0 : 1;
}

int run(const Common& common, const ApprovalsList& command) {
  return print_list(common, fmt::format("/approvals?state={}&limit={}", command.state, command.limit), "approvals",
                    approval_text);
}

int run(const Common& common, const ApprovalsShow& command) {
  Operator operator_(common);
  const auto approval = operator_.ask_json("GET", "/approvals/" + api::escape(command.id));
  if (!approval || !approval->is_object()) return 1;
  print_object(common, approval->get_object(), approval_text);
  return 0;
}

int run(const Common& common, const ApprovalsDecide& command) {
  Operator operator_(common);
  const json::object body{
      {"verdict", command.is_yes ? "approve" : "deny"}, {"as", command.principal}, {"reason", command.reason}};
  const auto approval =
      operator_.ask_json("POST", fmt::format("/approvals/{}/decision", api::escape(command.id)), json::serialize(body));
  if (!approval || !approval->is_object()) return 1;
  print_object(common, approval->get_object(), decision_text);
  operator_.look_at_head();
  return 0;
}

int run(const Common& common, const ReplayCommand& command) {
  const char* how = command.is_following ? "?follow=true" : command.with_content ? "?content=true" : "";
  return print_lines(common, fmt::format("/sessions/{}/events{}", api::escape(command.session), how), event_text);
}

int run(const Common& common, const SearchCommand& command) {
  return print_lines(common, fmt::format("/search?q={}&limit={}", api::escape(command.text), command.limit), hit_text);
}

int run(const Common& common, const ExportCommand& command) {
  WholeFile file(command.file);
  if (!file.is_open())
    return complain(fmt::format("{}: {}", command.file, std::strerror(errno)),
                    "name a file in a folder that you may write to");
  const bool is_watched = ::isatty(STDERR_FILENO) == 1;
  std::size_t size = 0;
  bool is_written = true;
  Operator operator_(common);
  const json::object body{{"sessions", json::value_from(command.sessions)}};
  const auto answer = operator_.ask("POST", "/export", json::serialize(body), [&](std::string_view octets) {
    size += octets.size();
    is_written = is_written && file.write(octets);
    if (is_watched) fmt::print(stderr, "\r{} KiB", size >> 10);
    return is_written;
  });
  if (is_watched) fmt::print(stderr, "\r\x1b[K");
  if (!answer) return 1;
  if (!is_written || !file.keep())
    return complain(fmt::format("{}: {}", command.file, std::strerror(errno)), "make room, or name another file");
  if (common.is_json)
    fmt::print("{}\n", printable_json(json::serialize(json::object{{"file", command.file}, {"octets", size}})));
  operator_.look_at_head();
  return 0;
}

int run(const Common& common, const ReindexCommand&) {
  Operator operator_(common);
  const auto done = operator_.ask("POST", "/reindex");
  if (!done) return 1;
  if (common.is_json) fmt::print("{}\n", printable_json(done->body));
  return 0;
}

}  // namespace sallyport::cmd
