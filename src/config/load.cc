#include "config/sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <tuple>

namespace sallyport::config {
namespace {

constexpr std::size_t kMaxFile = 1_MiB;

std::expected<std::string, Problem> read_whole(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    return std::unexpected(Problem{path, 0, 0, "is a folder", "name the configuration file itself"});
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return std::unexpected(
        Problem{path, 0, 0, "cannot be read", "name the configuration file with --config FILE or SALLYPORT_CONFIG"});
  std::string text(kMaxFile + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kMaxFile)
    return std::unexpected(Problem{path, 0, 0, "is larger than 1 MiB", "is it the right file?"});
  if (!base::is_utf8_without_nul(text))
    return std::unexpected(Problem{path, 0, 0, "is not UTF-8 text", "save it as UTF-8"});
  return text;
}

std::expected<YAML::Node, Problem> parse(const std::string& path, const std::string& text) {
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.empty())
      return std::unexpected(Problem{path, 1, 1, "the file is empty", "see docs/configuration.md"});
    if (documents.size() > 1)
      return std::unexpected(
          Problem{path, 1, 1, "there are several YAML documents", "leave only one: no '---' between"});
    return documents.front();
  } catch (const YAML::Exception& error) {
    return std::unexpected(Problem{path, error.mark.line + 1, error.mark.column + 1,
                                   fmt::format("this is not YAML: {}", error.msg),
                                   "look at the indentation and quotes here"});
  }
}

std::string folder_of(const std::string& path) {
  return std::filesystem::absolute(std::filesystem::path(path)).lexically_normal().parent_path().string();
}

void read_data(Reading& reading, Section& top, Config& config) {
  const auto node = top.require("data", "data: /var/lib/sallyport says where the trail, the store and the keys live");
  if (!node) return;
  const auto path = read_path(reading, *node, "data");
  if (!path) return;
  config.data = *path;
  std::error_code ignored;
  if (std::filesystem::exists(*path, ignored) && !std::filesystem::is_directory(*path, ignored))
    reading.complain(*node, fmt::format("data: {} is not a folder", *path),
                     "name a folder that only the gateway writes to");
}

}  // namespace

std::expected<Config, Problems> load(const std::string& path, Secrets secrets) {
  auto text = read_whole(path);
  if (!text) return std::unexpected(Problems{text.error()});
  auto root = parse(path, *text);
  if (!root) return std::unexpected(Problems{root.error()});

  Reading reading{path, folder_of(path), secrets, {}};
  Config config;
  config.path = path;
  config.text = std::move(*text);
  Defined defined;
  Section top(reading, *root, "");
  read_data(reading, top, config);
  if (const auto node = top.take("break_glass"))
    if (const auto flag = read_flag(reading, *node, "break_glass")) config.break_glass = *flag;
  if (const auto node =
          top.require("listen", "without a listener nobody can come in: listen: {postgres: {address: …}}"))
    read_listeners(reading, *node, config);
  if (const auto node = top.take("trail")) read_trail(reading, *node, config);
  if (const auto node = top.take("identity")) read_identity(reading, *node, config, defined);
  if (const auto node = top.take("targets")) read_targets(reading, *node, config);
  if (const auto node = top.take("limits")) read_limits(reading, *node, config);
  if (const auto node = top.take("rules")) read_rules(reading, *node, config, defined);
  if (const auto node = top.take("masks")) read_masks(reading, *node, built_in_detectors(), config);
  top.finish();

  if (reading.problems.empty()) return config;
  std::sort(reading.problems.begin(), reading.problems.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.line, a.column, a.message) < std::tie(b.line, b.column, b.message);
  });
  return std::unexpected(std::move(reading.problems));
}

base::Result<std::string> data_folder_of(const std::string& path) {
  const auto failed = [](const Problem& problem) {
    return base::fail(base::Code::malformed,
                      to_string(Problem{problem.file, problem.line, problem.column, problem.message}), problem.hint);
  };
  const auto text = read_whole(path);
  if (!text) return failed(text.error());
  const auto root = parse(path, *text);
  if (!root) return failed(root.error());
  Reading reading{path, folder_of(path), Secrets::leave, {}};
  Config config;
  Section top(reading, *root, "");
  read_data(reading, top, config);
  if (config.data.empty()) return failed(reading.problems.front());
  return config.data;
}

std::string to_string(const Problem& problem) {
  std::string out =
      problem.line == 0 ? problem.file : fmt::format("{}:{}:{}", problem.file, problem.line, problem.column);
  out += ": " + problem.message;
  if (!problem.hint.empty()) out += "; " + problem.hint;
  std::string escaped;
  for (const char c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      escaped += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      escaped += c;
  }
  return escaped;
}

}  // namespace sallyport::config
