#pragma once
#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

/// For tests only: the fenced blocks of a page of docs/, whose examples are judged.
namespace sallyport::config {

struct PageBlock {
  std::string kind{};  // "yaml", "sql" …; "text" when none is stated
  std::string text{};
  int line = 0;  // of the page, where the text begins
};

inline std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n')) text.pop_back();
  text.erase(0, std::min(text.find_first_not_of(" \n"), text.size()));
  return text;
}

inline std::vector<PageBlock> read_page_blocks(const std::string& path) {
  std::vector<PageBlock> blocks;
  std::ifstream in(path);
  int number = 0;
  bool is_inside = false;
  for (std::string line; std::getline(in, line);) {
    ++number;
    const bool is_fence = line.starts_with("```");
    if (is_fence && !is_inside) blocks.push_back({line.size() > 3 ? line.substr(3) : "text", "", number + 1});
    if (is_fence) is_inside = !is_inside;
    if (!is_fence && is_inside) blocks.back().text += line + "\n";
  }
  return blocks;
}

}  // namespace sallyport::config
