#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "mask/detectors.h"

/// For tests, fuzzers and benches: the built-in rules without a YAML reader.
namespace sallyport::mask::testing {

/// Names, patterns and checks of src/mask/detectors.yaml, without examples. It knows that file's layout, not YAML;
/// config's tests say that the real reader finds the same.
inline std::vector<DetectorRule> builtin_rules() {
  const auto unquoted = [](std::string_view text) {
    if (!text.starts_with('\'')) return std::string(text);
    std::string out;
    for (std::size_t i = 1; i + 1 < text.size(); ++i) {
      out += text[i];
      if (text[i] == '\'') ++i;
    }
    return out;
  };
  std::vector<DetectorRule> rules;
  bool is_in_patterns = false;
  for (std::string_view rest = builtin_detectors(); !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    constexpr std::string_view kName = "  - name: ", kCheck = "    check: ", kItem = "      - ";
    if (line.starts_with(kName)) rules.push_back({.name = std::string(line.substr(kName.size()))});
    if (line.starts_with(kCheck)) rules.back().check = line.substr(kCheck.size());
    if (!line.starts_with(kItem)) is_in_patterns = line == "    patterns:";
    if (line.starts_with(kItem) && is_in_patterns) rules.back().patterns.push_back(unquoted(line.substr(kItem.size())));
  }
  return rules;
}

}  // namespace sallyport::mask::testing
