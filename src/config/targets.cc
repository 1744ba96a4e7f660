#include "config/sections.h"

#include <sys/stat.h>

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace sallyport::config {
namespace {

constexpr std::size_t kMaxSecret = 64_KiB;

std::optional<base::Secret> secret_from_file(Reading& reading, const YAML::Node& node, const std::string& path,
                                             const std::string& file, bool& is_open) {
  std::ifstream in(file, std::ios::binary);
  std::string octets(std::istreambuf_iterator<char>(in), {});
  if (!in) {
    reading.complain(node, fmt::format("{}: {} cannot be read", path, file),
                     "put the secret there, in a file that only this user can read");
    return std::nullopt;
  }
  // An editor's last newline is not part of a password.
  if (octets.ends_with('\n')) octets.pop_back();
  if (octets.ends_with('\r')) octets.pop_back();
  if (octets.empty() || octets.size() > kMaxSecret) {
    reading.complain(node, fmt::format("{}: {} is {}", path, file, octets.empty() ? "empty" : "larger than 64 KiB"));
    return std::nullopt;
  }
  struct stat status{};
  if (::stat(file.c_str(), &status) == 0 && (status.st_mode & (S_IWOTH | S_IWGRP)) != 0) {
    reading.complain(node, fmt::format("{}: {} can be changed by others", path, file),
                     fmt::format("chmod 600 {}", file));
    return std::nullopt;
  }
  is_open = (status.st_mode & S_IROTH) != 0;
  return base::Secret(std::move(octets));
}

/// "${env:NAME}" or "${file:PATH}". Never prints what stands there instead: it may be the password itself.
void read_secret(Reading& reading, const YAML::Node& node, const std::string& path, Target& target) {
  const std::string text = node.IsScalar() ? node.Scalar() : "";
  const bool is_env = text.starts_with("${env:") && text.ends_with("}") && text.size() > 7;
  const bool is_file = text.starts_with("${file:") && text.ends_with("}") && text.size() > 8;
  if (!is_env && !is_file) {
    reading.complain(node, fmt::format("{} must be ${{env:NAME}} or ${{file:PATH}}", path),
                     "a secret never stands in this file itself");
    return;
  }
  target.password_source = text;
  if (reading.secrets == Secrets::leave) return;
  if (is_env) {
    const std::string name = text.substr(6, text.size() - 7);
    const char* value = std::getenv(name.c_str());
    if (value == nullptr || *value == '\0')
      reading.complain(node, fmt::format("{}: the environment variable {} is not set", path, name),
                       "set it for the gateway's process, or use ${file:PATH}");
    else
      target.password = base::Secret(std::string(value));
    return;
  }
  std::string file = text.substr(7, text.size() - 8);
  if (file.front() != '/') file = reading.folder + "/" + file;
  if (auto read = secret_from_file(reading, node, path, file, target.is_password_file_open))
    target.password = std::move(*read);
}

void read_tls(Reading& reading, Section& section, Target& target) {
  if (const auto tls = section.take("tls")) {
    const auto word =
        read_word(reading, *tls, section.path_of("tls"), {"disable", "require", "verify-ca", "verify-full"});
    for (const TargetTls way : {TargetTls::disable, TargetTls::require, TargetTls::verify_ca, TargetTls::verify_full})
      if (word && *word == name_of(way)) target.tls = way;
  }
  // `ca: null` says the default aloud: the system's store.
  if (const auto ca = section.take("ca"); ca && !ca->IsNull()) {
    if (const auto file = read_file_path(reading, *ca, section.path_of("ca"))) target.ca = *file;
    if (target.tls == TargetTls::disable || target.tls == TargetTls::require)
      reading.complain(*ca, fmt::format("{} has no effect with tls: {}", section.path_of("ca"), name_of(target.tls)),
                       "use tls: verify-full, or remove ca");
  }
}

void read_auth(Reading& reading, Section& section, Target& target) {
  const auto node = section.take("auth");
  if (!node) return;
  target.auth.clear();
  for (const auto& [text, element] : read_texts(reading, *node, section.path_of("auth"))) {
    const auto word = read_word(reading, element, section.path_of("auth"), {"scram", "md5", "cleartext"});
    for (const TargetAuth way : {TargetAuth::scram, TargetAuth::md5, TargetAuth::cleartext})
      if (word && *word == name_of(way)) target.auth.push_back(way);
  }
}

void read_kind(Reading& reading, Section& section, Target& target) {
  const auto node = section.require("kind", "kind: postgres");
  if (!node) return;
  const auto word =
      read_word(reading, *node, section.path_of("kind"), {"postgres", "mysql", "kubernetes", "ssh", "http"});
  if (!word) return;
  target.kind = *word;
  if (*word != "postgres")
    reading.complain(*node, fmt::format("a target of kind {} is {}", *word, kNotHere),
                     "remove it; postgres is available");
}

void read_target(Reading& reading, const YAML::Node& node, const std::string& path, Config& config) {
  Section section(reading, node, path);
  if (!section.is_map()) return;
  Target target;
  if (const auto name = section.require("name", "name: orders")) {
    if (const auto read = read_name(reading, *name, section.path_of("name"))) target.name = *read;
    const auto same = [&](const Target& other) { return other.name == target.name; };
    if (!target.name.empty() && std::any_of(config.targets.begin(), config.targets.end(), same))
      reading.complain(*name, fmt::format("there are two targets '{}'", target.name), "rename one");
  }
  target.database = target.name;
  read_kind(reading, section, target);
  if (const auto address = section.require("address", "address: db.internal:5432"))
    if (const auto read = read_address(reading, *address, section.path_of("address"), Port::fixed))
      target.address = *read;
  if (const auto database = section.take("database"))
    if (const auto text = read_text(reading, *database, section.path_of("database"))) target.database = *text;
  if (const auto user = section.require("user", "the target's own user that Sallyport logs in as"))
    if (const auto text = read_text(reading, *user, section.path_of("user"))) target.user = *text;
  if (const auto password = section.take("password"))
    read_secret(reading, *password, section.path_of("password"), target);
  read_tls(reading, section, target);
  read_auth(reading, section, target);
  if (const auto labels = section.take("labels"))
    target.labels = read_labels(reading, *labels, section.path_of("labels"));
  if (const auto durability = section.take("durability"))
    if (const auto word =
            read_word(reading, *durability, section.path_of("durability"), {"strict", "request", "batch"}))
      target.durability = durability_named(*word);
  section.finish();
  config.targets.push_back(std::move(target));
}

}  // namespace

std::string_view name_of(TargetTls tls) {
  switch (tls) {
    case TargetTls::disable:
      return "disable";
    case TargetTls::require:
      return "require";
    case TargetTls::verify_ca:
      return "verify-ca";
    case TargetTls::verify_full:
      return "verify-full";
  }
  return "?";
}

std::string_view name_of(TargetAuth auth) {
  switch (auth) {
    case TargetAuth::scram:
      return "scram";
    case TargetAuth::md5:
      return "md5";
    case TargetAuth::cleartext:
      return "cleartext";
  }
  return "?";
}

void read_targets(Reading& reading, const YAML::Node& node, Config& config) {
  read_list(reading, node, "targets",
            [&](const YAML::Node& element, const std::string& path) { read_target(reading, element, path, config); });
}

}  // namespace sallyport::config
