#pragma once
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

/// Reads the entries of test/bypass (README.md there describes the format). For tests only.
namespace sallyport::bypass {

struct Case {
  std::string file{}, title{}, text{};
  std::multimap<std::string, std::string> fields{};
  std::string field(const std::string& name) const {
    const auto found = fields.find(name);
    return found == fields.end() ? "" : found->second;
  }
  /// All of that name, in the order of the file.
  std::vector<std::string> all(const std::string& name) const {
    std::vector<std::string> values;
    for (auto [at, end] = fields.equal_range(name); at != end; ++at) values.push_back(at->second);
    return values;
  }
};

/// A file: what stands before the first entry, and the entries.
struct Cases {
  std::string head{};
  std::vector<Case> entries{};
};

inline std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\n");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\n") + 1 - first);
}

/// {{x41}} is an octet in hexadecimal, {{3 * ab}} is ababab.
inline std::string expanded(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t open = text.find("{{", at);
    const std::size_t close = open == std::string::npos ? open : text.find("}}", open);
    if (close == std::string::npos) return out + text.substr(at);
    out += text.substr(at, open - at);
    const std::string inner = text.substr(open + 2, close - open - 2);
    if (inner[0] == 'x') {
      out += static_cast<char>(std::stoi(inner.substr(1), nullptr, 16));
    } else {
      const std::size_t star = inner.find(" * ");
      for (int i = std::stoi(inner.substr(0, star)); i > 0; --i) out += inner.substr(star + 3);
    }
    at = close + 2;
  }
  return out;
}

inline Cases read_cases(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  Cases cases;
  bool in_text = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("=== ")) {
      cases.entries.push_back({.file = path.filename(), .title = line.substr(4)});
      in_text = true;
    } else if (cases.entries.empty()) {
      cases.head += line + "\n";
    } else if (line == "---") {
      in_text = false;
    } else if (in_text) {
      cases.entries.back().text += line + "\n";
    } else if (!trimmed(line).empty()) {
      const auto colon = line.find(':');
      if (colon == std::string::npos) throw std::runtime_error(path.string() + ": no field: " + line);
      cases.entries.back().fields.emplace(line.substr(0, colon), trimmed(line.substr(colon + 1)));
    }
  }
  for (auto& one : cases.entries) {
    while (one.text.ends_with('\n')) one.text.pop_back();
    one.text = expanded(one.text);
  }
  return cases;
}

/// The files of `folder` whose names end in .txt, in order.
inline std::vector<std::filesystem::path> case_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".txt" && entry.path().filename() != "catalogue.txt") paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  return paths;
}

}  // namespace sallyport::bypass
