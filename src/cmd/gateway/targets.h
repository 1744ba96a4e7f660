#pragma once
#include <map>
#include <string>
#include <vector>

#include "config/config.h"
#include "session/target.h"

namespace sallyport::cmd {

/// The targets of one version of the configuration, by name. Immutable.
using TargetSet = std::map<std::string, session::Target>;

/// Loads certificates; moves the credentials out of `targets`. The error names the target.
base::Result<TargetSet> make_targets(std::vector<config::Target>& targets, config::Durability standard);

}  // namespace sallyport::cmd
