#pragma once
#include "config/detectors.h"
#include "config/reader.h"

/// The parts of the file, one reader each; load.cc calls them in order. Every one notes its problems in `reading` and
/// fills `config` with what was right.
namespace sallyport::config {

void read_listeners(Reading& reading, const YAML::Node& node, Config& config);
void read_trail(Reading& reading, const YAML::Node& node, Config& config);
/// Where names are defined, kept for the check of those that refer to them.
struct Defined {
  bool has_oidc = false;  // groups and principals may then come from outside the file
};
void read_identity(Reading& reading, const YAML::Node& node, Config& config, Defined& defined);
void read_targets(Reading& reading, const YAML::Node& node, Config& config);
void read_limits(Reading& reading, const YAML::Node& node, Config& config);
/// REQUIRES: identity and targets were read before, so that dangling names can be told.
void read_rules(Reading& reading, const YAML::Node& node, Config& config, const Defined& defined);
/// REQUIRES: targets and detectors were read before.
void read_masks(Reading& reading, const YAML::Node& node, Config& config);

/// A text file of at most 1 MiB, UTF-8; one YAML document.
std::expected<std::string, Problem> read_whole(const std::string& path);
std::expected<YAML::Node, Problem> parse(const std::string& path, const std::string& text);

/// `on:` of a rule or a mask.
RuleOptions::On read_on(Reading& reading, const YAML::Node& node, const std::string& path, const Config& config);
Durability durability_named(std::string_view word);

inline constexpr auto kNotHere = "not available in this version";

}  // namespace sallyport::config
