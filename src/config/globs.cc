#include "config/globs.h"

#include <cstddef>
#include <vector>

namespace sallyport::config {
namespace {

/// Cuts the last part off `glob`, and the dot before it; a part that is not there is any.
std::string_view take_last_part(std::string_view& glob) {
  if (glob.empty()) return "*";
  const auto dot = glob.rfind('.');
  const std::string_view part = dot == std::string_view::npos ? glob : glob.substr(dot + 1);
  glob = dot == std::string_view::npos ? std::string_view{} : glob.substr(0, dot);
  return part;
}

}  // namespace

bool glob_covers(std::string_view wide, std::string_view narrow) {
  // As policy::glob_matches, over the characters of `narrow`; its `*` stands for any run, which only a `*` takes.
  std::size_t at = 0, in = 0;
  std::size_t star = std::string_view::npos, taken = 0;
  while (in < narrow.size()) {
    if (at < wide.size() && wide[at] == '*') {
      star = at++;
      taken = in;
    } else if (at < wide.size() && (wide[at] == narrow[in] || (wide[at] == '?' && narrow[in] != '*'))) {
      ++at;
      ++in;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      in = ++taken;
    } else {
      return false;
    }
  }
  while (at < wide.size() && wide[at] == '*') ++at;
  return at == wide.size();
}

bool globs_meet(std::string_view a, std::string_view b) {
  // meets[j]: the rest of `a` from i and the rest of `b` from j have a text in common; i goes down.
  std::vector<bool> below(b.size() + 1), meets(b.size() + 1);
  for (std::size_t i = a.size() + 1; i-- > 0; below.swap(meets)) {
    for (std::size_t j = b.size() + 1; j-- > 0;) {
      const bool has_a = i < a.size(), has_b = j < b.size();
      bool is_met = !has_a && !has_b;
      if (has_a && a[i] == '*') is_met = below[j] || (has_b && meets[j + 1]);
      if (!is_met && has_b && b[j] == '*') is_met = meets[j + 1] || (has_a && below[j]);
      if (!is_met && has_a && has_b && a[i] != '*' && b[j] != '*' && (a[i] == b[j] || a[i] == '?' || b[j] == '?'))
        is_met = below[j + 1];
      meets[j] = is_met;
    }
  }
  return below[0];
}

bool column_glob_covers(std::string_view wide, std::string_view narrow) {
  for (int part = 0; part < 3; ++part)
    if (!glob_covers(take_last_part(wide), take_last_part(narrow))) return false;
  return true;
}

bool column_glob_meets_relations(std::string_view columns, std::string_view relations) {
  take_last_part(columns);
  for (int part = 0; part < 2; ++part)
    if (!globs_meet(take_last_part(columns), take_last_part(relations))) return false;
  return true;
}

}  // namespace sallyport::config
