#pragma once
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
/// `detectors`: every name that `find` may use. REQUIRES: targets were read before.
void read_masks(Reading& reading, const YAML::Node& node, const std::vector<std::string>& detectors, Config& config);
/// The detectors that need no file.
const std::vector<std::string>& built_in_detectors();

/// `on:` of a rule or a mask.
RuleOptions::On read_on(Reading& reading, const YAML::Node& node, const std::string& path, const Config& config);
Durability durability_named(std::string_view word);

inline constexpr auto kNotHere = "not available in this version";

}  // namespace sallyport::config
