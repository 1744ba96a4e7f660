// listen, trail, identity, limits.
#include "config/sections.h"

#include <fmt/format.h>

#include <algorithm>

namespace sallyport::config {
namespace {

using namespace std::chrono_literals;

void read_listener(Reading& reading, const YAML::Node& node, const std::string& name, Config& config) {
  Section section(reading, node, "listen." + name);
  if (!section.is_map()) return;
  Listener listener;
  listener.name = name;
  bool is_good = false;
  if (const auto address = section.require("address", "for example address: 127.0.0.1:15432"))
    if (const auto read = read_address(reading, *address, section.path_of("address"), Port::any))
      listener.address = *read, is_good = true;
  const auto insecure = section.take("insecure");
  if (insecure)
    if (const auto flag = read_flag(reading, *insecure, section.path_of("insecure"))) listener.is_insecure = *flag;
  if (listener.is_insecure && is_good && !listener.address.is_loopback())
    reading.complain(*insecure, fmt::format("{} is allowed on a loopback address only", section.path_of("insecure")),
                     "give the listener a certificate and a key, or listen on 127.0.0.1");
  const auto certificate = section.take("certificate");
  const auto key = section.take("key");
  if (certificate)
    if (const auto file = read_file_path(reading, *certificate, section.path_of("certificate")))
      listener.certificate = *file;
  if (key)
    if (const auto file = read_file_path(reading, *key, section.path_of("key"))) listener.key = *file;
  if (certificate.has_value() != key.has_value())
    reading.complain(node,
                     fmt::format("listen.{} names a {} and no {}", name, certificate ? "certificate" : "key",
                                 certificate ? "key" : "certificate"),
                     "name both");
  else if (!certificate && !listener.is_insecure)
    reading.complain(node, fmt::format("listen.{} has no certificate", name),
                     "name certificate and key; insecure: true allows plain text, on loopback only");
  section.finish();
  config.listeners.push_back(std::move(listener));
}

std::vector<std::string> names_of(const std::vector<std::pair<std::string, YAML::Node>>& texts) {
  std::vector<std::string> names;
  for (const auto& [text, node] : texts) names.push_back(text);
  return names;
}

void read_push(Reading& reading, const YAML::Node& node, const std::string& path, Config& config) {
  Section section(reading, node, path);
  if (!section.is_map()) return;
  const auto file = section.take("file");
  const auto command = section.take("command");
  const auto https = section.take("https");
  if (int{file.has_value()} + int{command.has_value()} + int{https.has_value()} != 1) {
    reading.complain(node, fmt::format("{} must have exactly one of file, command, https", path));
  } else if (file) {
    if (auto read = read_path(reading, *file, section.path_of("file")))
      config.trail.push.push_back({Push::Kind::file, *read, {}});
  } else if (command) {
    const auto words = read_texts(reading, *command, section.path_of("command"));
    if (!words.empty() && words.front().first.front() != '/')
      reading.complain(*command,
                       fmt::format("{} must begin with the absolute path of a program", section.path_of("command")),
                       "command: [/usr/local/bin/put-head, ARGUMENT]; the checkpoint comes on its standard input");
    config.trail.push.push_back({Push::Kind::command, {}, names_of(words)});
  } else {
    read_text(reading, *https, section.path_of("https"));
    reading.complain(*https, fmt::format("{} is {}", section.path_of("https"), kNotHere), "use file or command");
  }
  section.finish();
}

void read_principal(Reading& reading, const YAML::Node& node, const std::string& path, Config& config) {
  Section section(reading, node, path);
  if (!section.is_map()) return;
  model::Principal principal;
  if (const auto name = section.require("name", "name: agent-1")) {
    if (const auto read = read_name(reading, *name, section.path_of("name"))) principal.name = *read;
    const auto same = [&](const model::Principal& other) { return other.name == principal.name; };
    if (!principal.name.empty() &&
        std::any_of(config.identity.principals.begin(), config.identity.principals.end(), same))
      reading.complain(*name, fmt::format("there are two principals '{}'", principal.name), "rename one");
  }
  if (const auto kind = section.require("kind", "kind: human, agent or service"))
    if (const auto word = read_word(reading, *kind, section.path_of("kind"), {"human", "agent", "service"}))
      principal.kind = *word == "human"     ? model::PrincipalKind::human
                       : *word == "service" ? model::PrincipalKind::service
                                            : model::PrincipalKind::agent;
  if (const auto owner = section.take("owner"))
    if (const auto read = read_name(reading, *owner, section.path_of("owner"))) principal.owner = *read;
  if (const auto groups = section.take("groups"))
    principal.groups = names_of(read_texts(reading, *groups, section.path_of("groups")));
  section.finish();
  config.identity.principals.push_back(std::move(principal));
}

void read_oidc(Reading& reading, const YAML::Node& node, const std::string& path) {
  Section section(reading, node, path);
  if (!section.is_map()) return;
  if (const auto issuer = section.require("issuer", "issuer: https://idp.example.com"))
    if (const auto text = read_text(reading, *issuer, section.path_of("issuer"));
        text && !text->starts_with("https://"))
      reading.complain(*issuer, fmt::format("{} must begin with https://", section.path_of("issuer")));
  if (const auto client = section.require("client_id", "client_id: sallyport"))
    read_text(reading, *client, section.path_of("client_id"));
  if (const auto claim = section.take("groups_claim")) read_text(reading, *claim, section.path_of("groups_claim"));
  section.finish();
}

}  // namespace

bool Address::is_loopback() const {
  return host == "localhost" || host == "::1" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos);
}

std::string to_string(const Address& address) {
  const bool is_ipv6 = address.host.find(':') != std::string::npos;
  return is_ipv6 ? fmt::format("[{}]:{}", address.host, address.port)
                 : fmt::format("{}:{}", address.host, address.port);
}

std::string_view name_of(Durability durability) {
  switch (durability) {
    case Durability::strict:
      return "strict";
    case Durability::request:
      return "request";
    case Durability::batch:
      return "batch";
  }
  return "?";
}

Durability durability_named(std::string_view word) {
  return word == "batch" ? Durability::batch : word == "request" ? Durability::request : Durability::strict;
}

void read_listeners(Reading& reading, const YAML::Node& node, Config& config) {
  Section section(reading, node, "listen");
  if (!section.is_map()) return;
  if (const auto postgres = section.take("postgres")) read_listener(reading, *postgres, "postgres", config);
  if (const auto https = section.take("https")) {
    read_listener(reading, *https, "https", config);
    reading.complain(*https, fmt::format("listen.https is {}", kNotHere),
                     "remove it; the command line reaches the gateway through its local socket");
  }
  for (const char* later : {"mysql", "ssh"}) {
    if (const auto other = section.take(later))
      reading.complain(*other, fmt::format("listen.{} is {}", later, kNotHere), "remove it");
  }
  section.finish();
  if (!section.has("postgres"))
    reading.complain(node, "listen opens no postgres listener", "listen: {postgres: {address: 127.0.0.1:15432, …}}");
}

void read_trail(Reading& reading, const YAML::Node& node, Config& config) {
  Section section(reading, node, "trail");
  if (!section.is_map()) return;
  if (const auto durability = section.take("durability")) {
    if (durability->IsScalar() && durability->Scalar() == "witnessed")
      reading.complain(*durability, fmt::format("trail.durability witnessed is {}", kNotHere),
                       "use strict, and trail.push");
    else if (const auto word = read_word(reading, *durability, "trail.durability", {"strict", "request", "batch"}))
      config.trail.durability = durability_named(*word);
  }
  if (const auto push = section.take("push"))
    read_list(reading, *push, "trail.push",
              [&](const YAML::Node& element, const std::string& path) { read_push(reading, element, path, config); });
  section.finish();
}

void read_identity(Reading& reading, const YAML::Node& node, Config& config, Defined& defined) {
  Section section(reading, node, "identity");
  if (!section.is_map()) return;
  if (const auto oidc = section.take("oidc")) {
    defined.has_oidc = true;
    read_list(reading, *oidc, "identity.oidc",
              [&](const YAML::Node& element, const std::string& path) { read_oidc(reading, element, path); });
    reading.complain(*oidc, fmt::format("identity.oidc is {}", kNotHere), "remove it and name the principals here");
  }
  if (const auto principals = section.take("principals"))
    read_list(reading, *principals, "identity.principals", [&](const YAML::Node& element, const std::string& path) {
      read_principal(reading, element, path, config);
    });
  if (const auto lifetime = section.take("token_lifetime"))
    if (const auto read = read_duration(reading, *lifetime, "identity.token_lifetime", 1s, 24h * 365))
      config.identity.token_lifetime = *read;
  section.finish();
}

void read_limits(Reading& reading, const YAML::Node& node, Config& config) {
  Section section(reading, node, "limits");
  if (!section.is_map()) return;
  if (const auto row = section.take("masked_row"))
    if (const auto size = read_size(reading, *row, "limits.masked_row", 64_KiB, base::operator""_GiB(1)))
      config.limits.masked_row = *size;
  // 64 KiB is what PostgreSQL's parser takes without deep recursion becoming dangerous (docs/protocols/postgres.md).
  if (const auto statement = section.take("statement"))
    if (const auto size = read_size(reading, *statement, "limits.statement", 256, 64_KiB))
      config.limits.statement = *size;
  if (const auto holds = section.take("holds_per_principal"))
    if (const auto count = read_number(reading, *holds, "limits.holds_per_principal", 1, 1000))
      config.limits.holds_per_principal = static_cast<std::uint32_t>(*count);
  if (const auto pause = section.take("pause_after_denial"))
    if (const auto read = read_duration(reading, *pause, "limits.pause_after_denial", 0s, 1h))
      config.limits.pause_after_denial = *read;
  if (const auto bytes = section.take("trail_bytes_per_principal")) {
    const std::string path = "limits.trail_bytes_per_principal";
    const auto text = read_text(reading, *bytes, path);
    const auto slash = text ? text->find('/') : std::string::npos;
    const auto size = text ? parse_size(std::string_view(*text).substr(0, slash)) : std::nullopt;
    const auto unit = slash == std::string::npos ? std::string_view() : std::string_view(*text).substr(slash + 1);
    if (size && *size >= 1_MiB && (unit == "s" || unit == "m" || unit == "h" || unit == "d")) {
      config.limits.trail_bytes_per_principal = *size;
      config.limits.trail_period = *parse_duration("1" + std::string(unit));
    } else if (text) {
      reading.complain(*bytes, fmt::format("{} must be a rate, not '{}'", path, *text),
                       "write SIZE/s, /m, /h or /d, at least 1MiB: 1GiB/h");
    }
  }
  section.finish();
}

}  // namespace sallyport::config
