#pragma once
#include <yaml-cpp/yaml.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/duration.h"

/// Reads YAML strictly and goes on after an error, so that all errors are told at once. A value that was wrong comes
/// back as an empty optional, its Problem already noted. One thread.
namespace sallyport::config {

/// What all parts of one file share.
struct Reading {
  std::string file{};
  std::string folder{};  // relative paths count from here
  Secrets secrets = Secrets::resolve;
  Problems problems{};

  void complain(const YAML::Node& at, std::string message, std::string hint = {});
};

/// One map of the file. Keys are taken by name; `finish` complains about those that nobody took.
class Section {
 public:
  /// `path` names it for messages: "targets[0]". A node that is not a map is complained about and counts as empty.
  Section(Reading& reading, const YAML::Node& node, std::string path);

  std::optional<YAML::Node> take(std::string_view key);
  /// As `take`, and complains when it is not there.
  std::optional<YAML::Node> require(std::string_view key, std::string_view hint);
  void finish();

  std::string path_of(std::string_view key) const;
  const YAML::Node& node() const { return node_; }
  bool has(std::string_view key) const;
  bool is_map() const { return is_map_; }

 private:
  struct Entry {
    std::string key;
    YAML::Node key_node, value;
    bool is_taken = false;
  };
  Reading& reading_;
  YAML::Node node_;
  std::string path_;
  std::vector<Entry> entries_;
  std::vector<std::string> known_;
  bool is_map_ = false;
};

using MaybeText = std::optional<std::string>;

/// Text, not empty. A plain scalar that YAML reads as a number, a boolean or null must be quoted.
MaybeText read_text(Reading& reading, const YAML::Node& node, const std::string& path);
/// Letters, digits, '.', '_' and '-', beginning with a letter or digit, at most 63: it stands in start-up packets and
/// URLs.
MaybeText read_name(Reading& reading, const YAML::Node& node, const std::string& path);
std::optional<bool> read_flag(Reading& reading, const YAML::Node& node, const std::string& path);
std::optional<std::uint64_t> read_number(Reading& reading, const YAML::Node& node, const std::string& path,
                                         std::uint64_t least, std::uint64_t most);
/// "15m": ms, s, m, h, d.
std::optional<std::chrono::milliseconds> read_duration(Reading& reading, const YAML::Node& node,
                                                       const std::string& path, std::chrono::milliseconds least,
                                                       std::chrono::milliseconds most);
/// "16MiB": B, KiB, MiB, GiB.
std::optional<std::uint64_t> read_size(Reading& reading, const YAML::Node& node, const std::string& path,
                                       std::uint64_t least, std::uint64_t most);
enum class Port : std::uint8_t { fixed, any };  // any: 0 lets the system choose
std::optional<Address> read_address(Reading& reading, const YAML::Node& node, const std::string& path, Port port);
/// A path, made absolute.
MaybeText read_path(Reading& reading, const YAML::Node& node, const std::string& path);
/// The path of a file that can be read now.
MaybeText read_file_path(Reading& reading, const YAML::Node& node, const std::string& path);
/// A list of texts, not empty, each once.
std::vector<std::pair<std::string, YAML::Node>> read_texts(Reading& reading, const YAML::Node& node,
                                                           const std::string& path);
/// One word of `words`.
MaybeText read_word(Reading& reading, const YAML::Node& node, const std::string& path,
                    const std::vector<std::string>& words);
/// {key: value} of texts.
std::vector<std::pair<std::string, std::string>> read_labels(Reading& reading, const YAML::Node& node,
                                                             const std::string& path);
/// Calls `each` with every element of a list. Complains when it is none.
void read_list(Reading& reading, const YAML::Node& node, const std::string& path,
               const std::function<void(const YAML::Node&, const std::string& path)>& each);

std::optional<std::uint64_t> parse_size(std::string_view text);
/// The word of `words` closest to `word`, as " (did you mean 'x'?)"; empty when none is close.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& words);

}  // namespace sallyport::config
