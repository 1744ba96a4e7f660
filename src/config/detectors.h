#pragma once
#include <optional>

#include "config/reader.h"

/// The files of detectors (src/mask/detectors.yaml says what stands in one). Read as strictly as the configuration
/// itself; every rule is compiled and its examples are tried, so that `check` and the gateway's start tell what is
/// wrong.
namespace sallyport::config {

/// `node`: the value of `detectors:`, a list of files. Fills config.detectors with those that are built in, and theirs
/// behind them. None of theirs may have the name of another.
void read_detectors(Reading& reading, const std::optional<YAML::Node>& node, Config& config);

/// The rules of one file. `reading` has its name and takes its problems.
std::vector<mask::DetectorRule> read_detector_file(Reading& reading, const YAML::Node& root,
                                                   const std::vector<std::string>& taken);

}  // namespace sallyport::config
