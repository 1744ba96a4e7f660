#pragma once
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "sql/catalogue_queries.h"

/// For tests, fuzzers and benchmarks only: the Catalogue of test/bypass/catalogue.txt.
namespace sallyport::sql {

inline std::optional<std::string> unescape_field(const std::string& field) {
  if (field == "\\N") return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < field.size(); ++i) {
    if (field[i] != '\\' || i + 1 == field.size()) {
      out += field[i];
      continue;
    }
    const char c = field[++i];
    out += c == 'n' ? '\n' : c == 't' ? '\t' : c;
  }
  return out;
}

inline std::vector<Rows> read_captured_rows(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::vector<Rows> results;
  for (std::string line; std::getline(file, line);) {
    if (line == "#") {
      results.emplace_back();
      continue;
    }
    auto& row = results.back().emplace_back();
    for (std::size_t at = 0; at <= line.size();) {
      const std::size_t end = std::min(line.find('\t', at), line.size());
      row.push_back(unescape_field(line.substr(at, end - at)));
      at = end + 1;
    }
  }
  return results;
}

inline std::shared_ptr<const model::Catalogue> test_catalogue(const std::string& source_folder) {
  auto built = build_catalogue(read_captured_rows(source_folder + "/test/bypass/catalogue.txt"), 1);
  if (!built) throw std::runtime_error(built.error().message);
  return *built;
}

}  // namespace sallyport::sql
