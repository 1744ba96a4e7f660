#include "config/reader.h"

#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <charconv>
#include <filesystem>

namespace sallyport::config {
namespace {

std::string describe(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Undefined:
    case YAML::NodeType::Null:
      return "nothing";
    case YAML::NodeType::Scalar:
      return "a single value";
    case YAML::NodeType::Sequence:
      return "a list";
    case YAML::NodeType::Map:
      return "a map";
  }
  return "something else";
}

/// What YAML's core schema makes of a plain scalar; empty for text.
std::string_view plain_type(const YAML::Node& node) {
  if (node.Tag() != "?") return {};
  const std::string& text = node.Scalar();
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return "null";
  for (const char* word : {"true", "True", "TRUE", "false", "False", "FALSE"})
    if (text == word) return "a boolean";
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return "a number";
  return {};
}

bool is_plain_scalar(Reading& reading, const YAML::Node& node, const std::string& path, std::string_view wanted) {
  if (!node.IsScalar()) {
    reading.complain(node, fmt::format("{} must be {}, not {}", path, wanted, describe(node)));
    return false;
  }
  if (node.Tag() != "?" && node.Tag() != "!" && !node.Tag().empty()) {
    reading.complain(node, fmt::format("{} has a YAML tag", path), "remove the tag: none is understood here");
    return false;
  }
  return true;
}

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::optional<std::pair<std::uint64_t, std::string_view>> number_and_unit(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  return std::pair(number, text.substr(static_cast<std::size_t>(end - text.data())));
}

bool is_host(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  return std::all_of(host.begin(), host.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '.' || c == '_'; });
}
bool is_ipv6(std::string_view host) {
  return host.find(':') != std::string_view::npos && std::all_of(host.begin(), host.end(), [](unsigned char c) {
           return std::isxdigit(c) || c == ':' || c == '.';
         });
}

}  // namespace

void Reading::complain(const YAML::Node& at, std::string message, std::string hint) {
  const YAML::Mark mark = at.Mark();
  problems.push_back({file, mark.line + 1, mark.column + 1, std::move(message), std::move(hint)});
}

Section::Section(Reading& reading, const YAML::Node& node, std::string path)
    : reading_(reading), node_(node), path_(std::move(path)) {
  is_map_ = node.IsMap();
  if (!is_map_) {
    reading.complain(
        node, fmt::format("{} must be a map of keys, not {}", path_.empty() ? "the file" : path_, describe(node)));
    return;
  }
  for (const auto& pair : node) {
    if (!pair.first.IsScalar()) {
      reading.complain(pair.first, fmt::format("a key in {} is {}, not a word", path_.empty() ? "the file" : path_,
                                               describe(pair.first)));
      continue;
    }
    const std::string key = pair.first.Scalar();
    const auto same = [&](const Entry& entry) { return entry.key == key; };
    if (const auto first = std::find_if(entries_.begin(), entries_.end(), same); first != entries_.end()) {
      reading.complain(pair.first, fmt::format("{} stands here twice", path_of(key)),
                       fmt::format("remove one; the first is on line {}", first->key_node.Mark().line + 1));
      continue;
    }
    entries_.push_back({key, pair.first, pair.second});
  }
}

std::string Section::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

bool Section::has(std::string_view key) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.key == key; });
}

std::optional<YAML::Node> Section::take(std::string_view key) {
  known_.emplace_back(key);
  for (Entry& entry : entries_) {
    if (entry.key != key) continue;
    entry.is_taken = true;
    return entry.value;
  }
  return std::nullopt;
}

std::optional<YAML::Node> Section::require(std::string_view key, std::string_view hint) {
  auto value = take(key);
  if (!value && is_map_) reading_.complain(node_, fmt::format("{} is missing", path_of(key)), std::string(hint));
  return value;
}

void Section::finish() {
  for (const Entry& entry : entries_) {
    if (entry.is_taken) continue;
    reading_.complain(entry.key_node,
                      fmt::format("unknown key {}{}", path_of(entry.key), did_you_mean(entry.key, known_)),
                      fmt::format("known here: {}", fmt::join(known_, ", ")));
  }
}

MaybeText read_text(Reading& reading, const YAML::Node& node, const std::string& path) {
  if (!is_plain_scalar(reading, node, path, "text")) return std::nullopt;
  if (const auto type = plain_type(node); !type.empty()) {
    reading.complain(node, fmt::format("{} must be text, not {}", path, type),
                     "put it in quotes if it is meant as text");
    return std::nullopt;
  }
  if (node.Scalar().empty()) {
    reading.complain(node, fmt::format("{} is empty", path), "write a value or remove the key");
    return std::nullopt;
  }
  return node.Scalar();
}

MaybeText read_name(Reading& reading, const YAML::Node& node, const std::string& path) {
  auto text = read_text(reading, node, path);
  if (!text) return text;
  const auto is_inner = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '.' || c == '_'; };
  if (text->size() <= 63 && std::isalnum(static_cast<unsigned char>(text->front())) &&
      std::all_of(text->begin(), text->end(), is_inner))
    return text;
  reading.complain(node, fmt::format("{} is not a name: '{}'", path, *text),
                   "use at most 63 letters, digits, '.', '_' and '-', beginning with a letter or digit");
  return std::nullopt;
}

std::optional<bool> read_flag(Reading& reading, const YAML::Node& node, const std::string& path) {
  if (!is_plain_scalar(reading, node, path, "true or false")) return std::nullopt;
  if (node.Tag() == "?" && node.Scalar() == "true") return true;
  if (node.Tag() == "?" && node.Scalar() == "false") return false;
  reading.complain(node, fmt::format("{} must be true or false, not '{}'", path, node.Scalar()));
  return std::nullopt;
}

std::optional<std::uint64_t> read_number(Reading& reading, const YAML::Node& node, const std::string& path,
                                         std::uint64_t least, std::uint64_t most) {
  if (!is_plain_scalar(reading, node, path, "a number")) return std::nullopt;
  const auto parsed = number_and_unit(node.Scalar());
  if (node.Tag() == "?" && parsed && parsed->second.empty() && parsed->first >= least && parsed->first <= most)
    return parsed->first;
  reading.complain(node,
                   fmt::format("{} must be a whole number from {} to {}, not '{}'", path, least, most, node.Scalar()));
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto parsed = number_and_unit(text);
  if (!parsed || parsed->first > 1'000'000'000) return std::nullopt;
  const auto number = static_cast<std::int64_t>(parsed->first);
  if (parsed->second == "ms") return std::chrono::milliseconds(number);
  if (parsed->second == "s") return std::chrono::seconds(number);
  if (parsed->second == "m") return std::chrono::minutes(number);
  if (parsed->second == "h") return std::chrono::hours(number);
  if (parsed->second == "d") return std::chrono::hours(24 * number);
  return std::nullopt;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const auto parsed = number_and_unit(text);
  if (!parsed) return std::nullopt;
  const auto [number, unit] = *parsed;
  const int shift = unit == "B" ? 0 : unit == "KiB" ? 10 : unit == "MiB" ? 20 : unit == "GiB" ? 30 : -1;
  if (shift < 0 || number > (std::uint64_t{1} << 62) >> shift) return std::nullopt;
  return number << shift;
}

std::optional<std::chrono::milliseconds> read_duration(Reading& reading, const YAML::Node& node,
                                                       const std::string& path, std::chrono::milliseconds least,
                                                       std::chrono::milliseconds most) {
  if (!is_plain_scalar(reading, node, path, "a duration such as 15m")) return std::nullopt;
  const auto duration = parse_duration(node.Scalar());
  if (!duration) {
    reading.complain(node, fmt::format("{} must be a duration, not '{}'", path, node.Scalar()),
                     "write a whole number and ms, s, m, h or d: 15m");
    return std::nullopt;
  }
  if (*duration < least || *duration > most) {
    reading.complain(node, fmt::format("{} is out of range: {}", path, node.Scalar()),
                     fmt::format("from {}s to {}s", least.count() / 1000, most.count() / 1000));
    return std::nullopt;
  }
  return duration;
}

std::optional<std::uint64_t> read_size(Reading& reading, const YAML::Node& node, const std::string& path,
                                       std::uint64_t least, std::uint64_t most) {
  if (!is_plain_scalar(reading, node, path, "a size such as 16MiB")) return std::nullopt;
  const auto size = parse_size(node.Scalar());
  if (!size) {
    reading.complain(node, fmt::format("{} must be a size, not '{}'", path, node.Scalar()),
                     "write a whole number and B, KiB, MiB or GiB: 16MiB");
    return std::nullopt;
  }
  if (*size < least || *size > most) {
    reading.complain(node, fmt::format("{} is out of range: {}", path, node.Scalar()),
                     fmt::format("from {} to {} bytes", least, most));
    return std::nullopt;
  }
  return size;
}

std::optional<Address> read_address(Reading& reading, const YAML::Node& node, const std::string& path, Port port) {
  const auto text = read_text(reading, node, path);
  if (!text) return std::nullopt;
  const auto colon = text->rfind(':');
  Address address;
  bool is_good = colon != std::string::npos;
  if (is_good) {
    std::string host = text->substr(0, colon);
    const bool is_bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (is_bracketed) host = host.substr(1, host.size() - 2);
    is_good = is_bracketed ? is_ipv6(host) : is_host(host);
    const auto number = number_and_unit(std::string_view(*text).substr(colon + 1));
    is_good = is_good && number && number->second.empty() && number->first <= 65535;
    if (is_good) address = {host, static_cast<std::uint16_t>(number->first)};
  }
  if (is_good && (port == Port::any || address.port != 0)) return address;
  reading.complain(node, fmt::format("{} must be HOST:PORT, not '{}'", path, *text),
                   port == Port::any ? "for example 127.0.0.1:15432 or [::1]:15432; port 0 lets the system choose"
                                     : "for example db.internal:5432 or [::1]:5432");
  return std::nullopt;
}

MaybeText read_path(Reading& reading, const YAML::Node& node, const std::string& path) {
  const auto text = read_text(reading, node, path);
  if (!text) return text;
  return (std::filesystem::path(reading.folder) / *text).lexically_normal().string();
}

MaybeText read_file_path(Reading& reading, const YAML::Node& node, const std::string& path) {
  auto file = read_path(reading, node, path);
  if (!file) return file;
  std::error_code ignored;
  if (!std::filesystem::exists(*file, ignored)) {
    reading.complain(node, fmt::format("{}: there is no file {}", path, *file),
                     "relative paths count from the folder of this file");
    return std::nullopt;
  }
  if (std::filesystem::is_directory(*file, ignored)) {
    reading.complain(node, fmt::format("{}: {} is a folder, not a file", path, *file));
    return std::nullopt;
  }
  if (::access(file->c_str(), R_OK) != 0) {
    reading.complain(node, fmt::format("{}: {} cannot be read", path, *file), "give this user the right to read it");
    return std::nullopt;
  }
  return file;
}

void read_list(Reading& reading, const YAML::Node& node, const std::string& path,
               const std::function<void(const YAML::Node&, const std::string& path)>& each) {
  if (!node.IsSequence()) {
    reading.complain(node, fmt::format("{} must be a list, not {}", path, describe(node)));
    return;
  }
  std::size_t index = 0;
  for (const YAML::Node& element : node) each(element, fmt::format("{}[{}]", path, index++));
}

std::vector<std::pair<std::string, YAML::Node>> read_texts(Reading& reading, const YAML::Node& node,
                                                           const std::string& path) {
  std::vector<std::pair<std::string, YAML::Node>> texts;
  if (node.IsSequence() && node.size() == 0)
    reading.complain(node, fmt::format("{} is an empty list", path), "name at least one, or remove the key");
  read_list(reading, node, path, [&](const YAML::Node& element, const std::string& element_path) {
    auto text = read_text(reading, element, element_path);
    if (!text) return;
    if (std::any_of(texts.begin(), texts.end(), [&](const auto& other) { return other.first == *text; }))
      reading.complain(element, fmt::format("{} names '{}' twice", path, *text), "remove one");
    else
      texts.emplace_back(*text, element);
  });
  return texts;
}

MaybeText read_word(Reading& reading, const YAML::Node& node, const std::string& path,
                    const std::vector<std::string>& words) {
  const std::string wanted = fmt::format("{}{}", words.size() == 1 ? "" : "one of ", fmt::join(words, ", "));
  if (!is_plain_scalar(reading, node, path, wanted)) return std::nullopt;
  const std::string& word = node.Scalar();
  if (std::find(words.begin(), words.end(), word) != words.end()) return word;
  reading.complain(node, fmt::format("{} must be {}, not '{}'", path, wanted, word));
  return std::nullopt;
}

std::vector<std::pair<std::string, std::string>> read_labels(Reading& reading, const YAML::Node& node,
                                                             const std::string& path) {
  std::vector<std::pair<std::string, std::string>> labels;
  Section section(reading, node, path);
  if (!section.is_map()) return labels;
  for (const auto& pair : node) {
    if (!pair.first.IsScalar()) continue;
    const std::string key = pair.first.Scalar();
    if (std::any_of(labels.begin(), labels.end(), [&](const auto& label) { return label.first == key; })) continue;
    if (auto value = read_text(reading, pair.second, section.path_of(key))) labels.emplace_back(key, *value);
  }
  return labels;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& words) {
  const std::string* best = nullptr;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : words) {
    const std::size_t steps = distance(word, candidate);
    if (steps < best_distance) best_distance = steps, best = &candidate;
  }
  return best == nullptr ? "" : fmt::format(" (did you mean '{}'?)", *best);
}

}  // namespace sallyport::config
