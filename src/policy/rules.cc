#include "policy/rules.h"

namespace sallyport::policy {

bool glob_matches(std::string_view glob, std::string_view text) {
  std::size_t at = 0, in = 0;
  // Where to go on after the last `*`: it takes one octet more each time the rest does not fit.
  std::size_t star = std::string_view::npos, taken = 0;
  while (in < text.size()) {
    if (at < glob.size() && glob[at] == '*') {
      star = at++;
      taken = in;
    } else if (at < glob.size() && (glob[at] == '?' || glob[at] == text[in])) {
      ++at;
      ++in;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      in = ++taken;
    } else {
      return false;
    }
  }
  while (at < glob.size() && glob[at] == '*') ++at;
  return at == glob.size();
}

}  // namespace sallyport::policy
