#include <cstdlib>

#include "cmd/verify/archive.h"
#include "cmd/verify/bundle.h"

// The verifier on a hostile archive. An even first octet: the input as it is. An odd one: the input becomes members of
// a canonical archive around a rightly signed checkpoint (docs/formats/trail.md section 10), so that the fuzzer gets
// behind headers and hashes.
using namespace sallyport;

namespace {

constexpr base::View kNote =
    "example.org/gate\n1\nJ8TSf8JYhYMAi31ln6ISC849nXAWvKlYyXn9tSzlST4=\n\n\xE2\x80\x94 example.org/gate "
    "4VHK+eV7KiiJddhT0/xsfGVj7OuaBxJIbUFwVf0tWMeqJLu6lpLe1/VyczUtBPSwF08g8FPKe8YvCl6GLp+WVd+DUwU=\n";

base::Bytes archive_of(base::View input, const std::string& key_line) {
  const std::size_t third = input.size() / 3;
  const std::pair<std::string, base::Bytes> members[] = {
      {"checkpoint", base::Bytes(kNote)},
      {"log.vkey", key_line + "\n"},
      {"sessions/a0a1a2a3a4a5a6a7a8a9aaabacadaeaf", base::Bytes(input.substr(0, third))},
      {"tile/0/000.p/1", base::Bytes(input.substr(third, 32))},
      {"tile/entries/000.p/1", base::Bytes(input.substr(third))},
  };
  std::string manifest = "audit-bundle/v1\n";
  for (const auto& [name, content] : members) {
    manifest +=
        base::to_hex(base::view(base::sha256(content))) + " " + std::to_string(content.size()) + " " + name + "\n";
  }
  base::Bytes out;
  const auto put = [&](const std::string& name, base::View content) {
    out += verify::ustar_header(name, content.size());
    out += content;
    out.append((512 - content.size() % 512) % 512, '\0');
  };
  put("MANIFEST", manifest);
  for (const auto& [name, content] : members) put(name, content);
  return out + base::Bytes(1024, '\0');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto key =
      verify::LogKey::parse("example.org/gate+e151caf9+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4");
  if (size == 0) return 0;
  const base::View input(reinterpret_cast<const char*>(data + 1), size - 1);
  const base::Bytes octets = (data[0] & 1) != 0 ? archive_of(input, key->line()) : base::Bytes(input);
  verify::MemorySource source(octets);
  verify::Report report;
  verify::verify_bundle(source, *key, {}, 1, report);
  // Only the entry of the worked example has that root; its session lacks its first event, so it never passes.
  if (!report.has_faults()) std::abort();
  (void)report.text();
  return 0;
}
