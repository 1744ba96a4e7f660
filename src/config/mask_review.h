#pragma once
#include <string>
#include <vector>

#include "config/config.h"

/// What in the masks is likely to be a mistake, or lets somebody see or infer more than their names say. Pure.
namespace sallyport::config {

void warn_of_masks(const Config& config, std::vector<std::string>& out);

}  // namespace sallyport::config
