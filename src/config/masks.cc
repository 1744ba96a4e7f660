#include "config/sections.h"

#include <fmt/format.h>

#include <algorithm>

namespace sallyport::config {
namespace {

const std::vector<std::string> kDetectors = {"aws-key", "github-token", "jwt", "private-key", "password-assignment",
                                             "email",   "credit-card",  "iban"};

void read_with(Reading& reading, const YAML::Node& node, const std::string& path) {
  if (node.IsScalar() || node.IsNull()) {
    // `null` is a way to mask and YAML's word for nothing: both spellings mean the same here.
    if (!node.IsNull()) read_word(reading, node, path, {"redact", "null"});
    return;
  }
  Section section(reading, node, path);
  if (!section.is_map()) return;
  if (const auto last = section.require("keep_last", "with: redact, null or {keep_last: 4}"))
    read_number(reading, *last, section.path_of("keep_last"), 1, 64);
  section.finish();
}

void read_mask(Reading& reading, const YAML::Node& node, const std::string& path, const Config& config,
               std::vector<std::string>& names) {
  Section section(reading, node, path);
  if (!section.is_map()) return;
  if (const auto name = section.require("name", "what is masked shows the mask's name")) {
    if (const auto text = read_name(reading, *name, section.path_of("name"))) {
      if (std::find(names.begin(), names.end(), *text) != names.end())
        reading.complain(*name, fmt::format("there are two masks '{}'", *text), "rename one");
      names.push_back(*text);
    }
  }
  if (const auto on = section.take("on")) read_on(reading, *on, section.path_of("on"), config);
  const auto find = section.take("find");
  const auto columns = section.take("columns");
  if (find)
    for (const auto& [text, element] : read_texts(reading, *find, section.path_of("find")))
      read_word(reading, element, section.path_of("find"), kDetectors);
  if (columns)
    for (const auto& [text, element] : read_texts(reading, *columns, section.path_of("columns")))
      if (text.find('.') == std::string::npos)
        reading.complain(element,
                         fmt::format("{}: '{}' is not [SCHEMA.]TABLE.COLUMN", section.path_of("columns"), text),
                         "for example public.customers.email or *.ssn");
  if (find.has_value() == columns.has_value())
    reading.complain(node, fmt::format("{} must have either find or columns", path));
  if (const auto with = section.require("with", "with: redact, null or {keep_last: 4}"))
    read_with(reading, *with, section.path_of("with"));
  if (const auto oracle = section.take("oracle")) read_word(reading, *oracle, section.path_of("oracle"), {"allow"});
  section.finish();
}

}  // namespace

void read_masks(Reading& reading, const YAML::Node& node, const Config& config) {
  std::vector<std::string> names;
  std::size_t count = 0;
  read_list(reading, node, "masks", [&](const YAML::Node& element, const std::string& path) {
    ++count;
    read_mask(reading, element, path, config, names);
  });
  if (count > 0)
    reading.complain(node, fmt::format("masks are {}: values would be shown in clear text", kNotHere),
                     "remove them, and revoke at the target what must not be read");
}

}  // namespace sallyport::config
