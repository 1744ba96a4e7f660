#include "cmd/gateway/sights.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <set>

#include "base/digest.h"

namespace sallyport::cmd {
namespace {

constexpr std::size_t kShortest = 5;   // octets of a credential that is looked for
constexpr std::size_t kLongest = 120;  // of a longer one its beginning: a pattern has a limit
constexpr auto kCredential = "credential";

/// Stands for itself in a pattern.
std::string literal(base::View octets) {
  std::string pattern;
  for (const char octet : octets) pattern += "\\x" + base::to_hex({&octet, 1});
  return pattern;
}

std::string upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return text;
}

std::string percent_encoded(base::View octets) {
  std::string out;
  for (const char octet : octets) {
    const bool is_plain = (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z') ||
                          (octet >= '0' && octet <= '9') || octet == '-' || octet == '_' || octet == '.' ||
                          octet == '~';
    out += is_plain ? std::string(1, octet) : "%" + upper(base::to_hex({&octet, 1}));
  }
  return out;
}

/// What of its base64 is the same wherever it stands in a longer text: one form for each of three offsets.
void add_base64(base::View octets, std::set<std::string>& forms) {
  for (std::size_t offset = 0; offset < 3; ++offset) {
    const std::string padded = std::string(offset, 'x') + std::string(octets);
    std::string encoded = base::to_base64(padded);
    while (encoded.ends_with('=')) encoded.pop_back();
    const std::size_t first = (offset * 8 + 5) / 6, whole = padded.size() * 8 / 6;
    std::string inner = encoded.substr(first, whole - first);
    forms.insert(inner);
    std::ranges::replace(inner, '+', '-');
    std::ranges::replace(inner, '/', '_');
    forms.insert(std::move(inner));
  }
}

bool finds(const policy::MaskRule& mask, const std::string& detector) {
  return std::ranges::find(mask.find, detector) != mask.find.end();
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Whole or not at all.
void write_file(const std::string& path, base::View octets) {
  const std::string next = path + ".next";
  {
    std::ofstream out(next, std::ios::binary | std::ios::trunc);
    ::chmod(next.c_str(), 0600);
    out.write(octets.data(), static_cast<std::streamsize>(octets.size()));
    if (!out.flush()) return;
  }
  std::rename(next.c_str(), path.c_str());
}

}  // namespace

std::shared_ptr<const mask::Detectors> detectors_of(const base::Secret& credential) {
  const base::View octets = base::View(credential.reveal()).substr(0, kLongest);
  if (octets.size() < kShortest) return nullptr;
  const std::string hex = base::to_hex(octets);
  std::set<std::string> forms{std::string(octets), hex, upper(hex), percent_encoded(octets)};
  add_base64(octets, forms);
  mask::DetectorRule rule{.name = kCredential};
  for (const auto& form : forms) rule.patterns.push_back(literal(form));
  auto compiled = mask::Detectors::compile({std::move(rule)});
  return compiled ? *compiled : nullptr;
}

base::Result<std::shared_ptr<const mask::Detectors>> compile_detectors(const config::Config& config,
                                                                       const std::string& cache) {
  const auto finds_any = [](const policy::MaskRule& mask) { return !mask.find.empty(); };
  if (std::ranges::none_of(config.masks, finds_any)) return nullptr;
  auto compiled = mask::Detectors::compile(config.detectors, read_file(cache));
  if (compiled && !(*compiled)->is_from_cache()) write_file(cache, (*compiled)->serialised());
  return compiled;
}

std::shared_ptr<mask::Scanner> Sights::scanner_of(const std::shared_ptr<const mask::Detectors>& detectors) {
  auto& scanner = scanners_[detectors.get()];
  if (!scanner) scanner = std::make_shared<mask::Scanner>(detectors);
  return scanner;
}

session::Sight Sights::of(const session::Target& target, const std::shared_ptr<const policy::Engine>& engine,
                          const std::shared_ptr<const mask::Detectors>& detectors) {
  Known& known = known_[&target];
  if (known.engine == engine) return known.sight;
  known.engine = engine;
  const auto masks = engine->masks(target.name);
  auto finders = std::make_shared<std::vector<mask::Finders>>();
  if (target.credential) {
    finders->push_back({.scanner = scanner_of(target.credential), .rules = {policy::MaskRule{.name = kCredential}}});
  }
  bool has_detectors = false;
  if (masks && detectors) {
    mask::Finders own{.scanner = scanner_of(detectors)};
    for (const auto& detector : detectors->rules()) {
      // The first that asks for it, as the configuration has them.
      const auto asking = std::ranges::find_if(
          masks->rules(), [&](const policy::MaskRule& mask) { return finds(mask, detector.name); });
      has_detectors = has_detectors || asking != masks->rules().end();
      own.rules.push_back(asking == masks->rules().end() ? policy::MaskRule{} : *asking);
    }
    if (has_detectors) finders->push_back(std::move(own));
  }
  known.sight = {.has_column_masks = masks && masks->has_columns(),
                 .has_detectors = has_detectors,
                 .finders = finders->empty() ? nullptr : std::move(finders),
                 .scratch = &scratch_,
                 .masked_row = masked_row_};
  return known.sight;
}

}  // namespace sallyport::cmd
