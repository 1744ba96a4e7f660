#include "config/sections.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace sallyport::config {
namespace {

using policy::MaskRule;
using policy::MaskWay;

/// Of the masks that nobody configures: two things under one name in a masked value would mislead.
constexpr std::array<std::string_view, 2> kTaken = {"untraced", "credential"};

void read_with(Reading& reading, const YAML::Node& node, const std::string& path, MaskRule& mask) {
  // `null` is a way to mask and YAML's word for nothing: both spellings mean the same here.
  if (node.IsNull()) mask.way.kind = MaskWay::Kind::null;
  if (node.IsNull()) return;
  if (node.IsScalar()) {
    const auto word = read_word(reading, node, path, {"redact", "null"});
    mask.way.kind = word && *word == "null" ? MaskWay::Kind::null : MaskWay::Kind::redact;
    return;
  }
  Section section(reading, node, path);
  if (!section.is_map()) return;
  mask.way.kind = MaskWay::Kind::keep_last;
  if (const auto last = section.require("keep_last", "with: redact, null or {keep_last: 4}"))
    if (const auto count = read_number(reading, *last, section.path_of("keep_last"), 1, 64))
      mask.way.keep = static_cast<std::uint32_t>(*count);
  section.finish();
}

void read_columns(Reading& reading, const YAML::Node& node, const std::string& path, MaskRule& mask) {
  for (const auto& [text, element] : read_texts(reading, node, path)) {
    const auto dots = std::count(text.begin(), text.end(), '.');
    if (dots < 1 || dots > 2 || text.front() == '.' || text.back() == '.' || text.find("..") != std::string::npos)
      reading.complain(element, fmt::format("{}: '{}' is not [SCHEMA.]TABLE.COLUMN", path, text),
                       "for example public.customers.email or *.ssn");
    mask.columns.push_back(text);
  }
}

void read_find(Reading& reading, const YAML::Node& node, const std::string& path,
               const std::vector<std::string>& detectors, MaskRule& mask) {
  for (const auto& [text, element] : read_texts(reading, node, path)) {
    if (std::find(detectors.begin(), detectors.end(), text) == detectors.end())
      reading.complain(element,
                       fmt::format("{}: there is no detector '{}'{}", path, text, did_you_mean(text, detectors)),
                       fmt::format("known: {}", fmt::join(detectors, ", ")));
    mask.find.push_back(text);
  }
}

void read_mask_name(Reading& reading, const YAML::Node& node, const std::string& path, const Config& config,
                    MaskRule& mask) {
  const auto name = read_name(reading, node, path);
  if (!name) return;
  mask.name = *name;
  if (std::find(kTaken.begin(), kTaken.end(), mask.name) != kTaken.end())
    reading.complain(node, fmt::format("the mask '{}' is built in", mask.name), "rename yours");
  if (std::any_of(config.masks.begin(), config.masks.end(), [&](const auto& other) { return other.name == mask.name; }))
    reading.complain(node, fmt::format("there are two masks '{}'", mask.name), "rename one");
}

void read_mask(Reading& reading, const YAML::Node& node, const std::string& path,
               const std::vector<std::string>& detectors, Config& config) {
  Section section(reading, node, path);
  if (!section.is_map()) return;
  MaskRule mask;
  if (const auto name = section.require("name", "what is masked shows the mask's name"))
    read_mask_name(reading, *name, section.path_of("name"), config, mask);
  if (const auto on = section.take("on")) mask.on = read_on(reading, *on, section.path_of("on"), config);
  const auto find = section.take("find");
  const auto columns = section.take("columns");
  if (find) read_find(reading, *find, section.path_of("find"), detectors, mask);
  if (columns) read_columns(reading, *columns, section.path_of("columns"), mask);
  if (find.has_value() == columns.has_value())
    reading.complain(node, fmt::format("{} must have either find or columns", path),
                     find ? "make two masks of it" : "columns: [public.customers.email] or find: [jwt]");
  if (const auto with = section.require("with", "with: redact, null or {keep_last: 4}"))
    read_with(reading, *with, section.path_of("with"), mask);
  if (const auto oracle = section.take("oracle")) {
    mask.allows_oracle = read_word(reading, *oracle, section.path_of("oracle"), {"allow"}).has_value();
    if (find && !columns)
      reading.complain(*oracle, fmt::format("{} has no meaning with find", section.path_of("oracle")),
                       "remove it: only masked columns are kept out of WHERE and the like");
  }
  section.finish();
  config.masks.push_back(std::move(mask));
}

}  // namespace

void read_masks(Reading& reading, const YAML::Node& node, Config& config) {
  std::vector<std::string> detectors;
  for (const auto& detector : config.detectors) detectors.push_back(detector.name);
  read_list(reading, node, "masks", [&](const YAML::Node& element, const std::string& path) {
    read_mask(reading, element, path, detectors, config);
  });
}

}  // namespace sallyport::config
