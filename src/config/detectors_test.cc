#include "config/detectors.h"

#include <gtest/gtest.h>

#include "config/sections.h"
#include "mask/detectors_testing.h"

namespace sallyport::config {
namespace {

// mask's tests read the built-in rules without a YAML reader: they must have tested these.
TEST(Detectors, TheBuiltInRulesAreThoseThatMaskTests) {
  Reading reading{"built in", "/", Secrets::leave, {}};
  const auto root = parse("built in", std::string(mask::builtin_detectors()));
  ASSERT_TRUE(root) << to_string(root.error());
  auto rules = read_detector_file(reading, *root, {});
  for (const Problem& problem : reading.problems) ADD_FAILURE() << to_string(problem);
  for (mask::DetectorRule& rule : rules) {
    EXPECT_FALSE(rule.matches.empty()) << rule.name;
    EXPECT_FALSE(rule.misses.empty()) << rule.name;
    rule.matches.clear();
    rule.misses.clear();
  }
  EXPECT_EQ(rules, mask::testing::builtin_rules());
}

TEST(Detectors, TheConfigurationAlwaysHasTheBuiltInOnes) {
  Reading reading{"x", "/", Secrets::leave, {}};
  Config config;
  read_detectors(reading, std::nullopt, config);
  EXPECT_TRUE(reading.problems.empty());
  EXPECT_EQ(config.detectors.size(), mask::testing::builtin_rules().size());
  const auto all = mask::Detectors::compile(config.detectors);
  EXPECT_TRUE(all) << all.error().message;
}

}  // namespace
}  // namespace sallyport::config
