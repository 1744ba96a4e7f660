#include <cstdlib>

#include "base/digest.h"
#include "mask/detectors_body.h"

// magic | SHA-256 of rules and library | SHA-256 of the database | database. Both digests are looked at before a single
// octet reaches Hyperscan: hs_deserialize_database trusts its input.
namespace sallyport::mask {
namespace {

constexpr base::View kMagic = "sallyport detectors 1\n";
constexpr std::size_t kDigest = sizeof(base::Digest);
constexpr std::size_t kHeader = kMagic.size() + 2 * kDigest;

void add_texts(base::Bytes& to, const std::vector<std::string>& texts) {
  base::append_big(to, static_cast<std::uint64_t>(texts.size()));
  for (const std::string& text : texts) {
    base::append_big(to, static_cast<std::uint64_t>(text.size()));
    to += text;
  }
}

base::Digest binding_of(const std::vector<DetectorRule>& rules) {
  base::Bytes octets;
  add_texts(octets, {hs_version()});
  // Code generation follows the processor; a database for another may not run here.
  hs_platform_info_t platform{};
  if (hs_populate_platform(&platform) != HS_SUCCESS) std::abort();
  base::append_big(octets, static_cast<std::uint64_t>(platform.tune));
  base::append_big(octets, static_cast<std::uint64_t>(platform.cpu_features));
  for (const DetectorRule& rule : rules) {
    add_texts(octets, {rule.name, rule.check});
    add_texts(octets, rule.patterns);
  }
  return base::sha256(octets);
}

}  // namespace

base::Bytes write_cache(const std::vector<DetectorRule>& rules, const hs_database_t& database) {
  char* octets = nullptr;
  std::size_t size = 0;
  if (hs_serialize_database(&database, &octets, &size) != HS_SUCCESS) return {};
  const std::unique_ptr<char, decltype(&std::free)> owner(octets, &std::free);
  const base::View body(octets, size);
  base::Bytes out(kMagic);
  out += base::view(binding_of(rules));
  out += base::view(base::sha256(body));
  out += body;
  return out;
}

Database read_cache(const std::vector<DetectorRule>& rules, base::View cache) {
  if (cache.size() <= kHeader || !cache.starts_with(kMagic)) return nullptr;
  if (cache.substr(kMagic.size(), kDigest) != base::view(binding_of(rules))) return nullptr;
  const base::View body = cache.substr(kHeader);
  if (cache.substr(kMagic.size() + kDigest, kDigest) != base::view(base::sha256(body))) return nullptr;
  hs_database_t* database = nullptr;
  if (hs_deserialize_database(body.data(), body.size(), &database) != HS_SUCCESS) return nullptr;
  return Database(database);
}

}  // namespace sallyport::mask
