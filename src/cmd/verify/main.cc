#include <sys/stat.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>

#include "cmd/verify/bundle.h"
#include "cmd/verify/payload.h"
#include "cmd/verify/trail.h"

/// sallyport-verify: says whether a trail, or an export of one, is what the gateway wrote. docs/verifying.md.
namespace {

using namespace sallyport;
using verify::Verdict;

constexpr char kUsage[] =
    "usage: sallyport-verify PATH --key FILE [--known-head FILE | --unanchored-ok] [--content-key FILE] [--mirror] "
    "[--json]\n"
    "\n"
    "  PATH              a trail's folder (DATA/trail), or a bundle made by 'sallyport export'\n"
    "  --key FILE        the log's public key (log.vkey), from somebody you trust\n"
    "  --known-head FILE checkpoints seen before, kept where the gateway cannot reach\n"
    "  --unanchored-ok   exit with 0, not 4, when all is consistent but no head from outside was given\n"
    "  --content-key FILE  opens the payloads of a folder (default: PATH/../keys/content.key, if it is there)\n"
    "  --mirror          PATH is a mirror: log.vkey, checkpoint and tile/ only\n"
    "  --json            one JSON object instead of text\n"
    "\n"
    "exit: 0 VERIFIED  1 usage  2 TAMPERED  3 MISSING  4 CONSISTENT BUT UNANCHORED  5 ROLLBACK OR FORK  6 TIME\n";

struct Arguments {
  std::string path, key, known_head, content_key;
  bool is_unanchored_ok = false, is_mirror = false, is_json = false;
};

struct Usage {
  std::string what;
};

Arguments parse(int count, char** words) {
  Arguments arguments;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    std::string* value = nullptr;
    if (word == "--key") value = &arguments.key;
    if (word == "--known-head") value = &arguments.known_head;
    if (word == "--content-key") value = &arguments.content_key;
    if (value != nullptr) {
      if (++i == count || !value->empty()) throw Usage{std::string(word) + " takes one file, once"};
      *value = words[i];
    } else if (word == "--unanchored-ok") {
      arguments.is_unanchored_ok = true;
    } else if (word == "--mirror") {
      arguments.is_mirror = true;
    } else if (word == "--json") {
      arguments.is_json = true;
    } else if (word.starts_with("-") || !arguments.path.empty()) {
      throw Usage{"'" + std::string(word) + "' is not understood"};
    } else {
      arguments.path = word;
    }
  }
  if (arguments.path.empty() || arguments.key.empty()) throw Usage{"PATH and --key are needed"};
  if (arguments.is_unanchored_ok && !arguments.known_head.empty()) {
    throw Usage{"--known-head and --unanchored-ok exclude each other"};
  }
  return arguments;
}

base::Bytes read_given(const std::string& path, std::size_t limit) {
  const auto source = verify::open_file(path);
  if (!source) throw Usage{path + ": no such file"};
  base::Bytes octets = source->read_at(0, limit + 1);
  if (octets.size() > limit) throw Usage{path + ": too large for what it should be"};
  return octets;
}

base::Secret content_key(const Arguments& arguments) {
  const std::string beside = arguments.path + "/../keys/content.key";
  const std::string& path = arguments.content_key.empty() ? beside : arguments.content_key;
  if (arguments.content_key.empty() && !verify::open_file(path)) return {};
  auto key = verify::parse_content_key(read_given(path, 4096));
  if (!key) throw Usage{path + ": not 64 hexadecimal digits"};
  return std::move(*key);
}

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count());
}

int run(const Arguments& arguments) {
  const auto key = verify::LogKey::parse(read_given(arguments.key, 4096));
  if (!key) throw Usage{arguments.key + ": " + key.error().message};
  // Before anything of the trail: a head that is pushed while we read is newer than what we read.
  std::vector<verify::Head> heads;
  if (!arguments.known_head.empty()) {
    const auto known = verify::read_heads(read_given(arguments.known_head, base::operator""_MiB(64)), *key);
    if (!known) throw Usage{arguments.known_head + ": " + known.error().message};
    heads = *known;
  }
  struct stat info{};
  if (::stat(arguments.path.c_str(), &info) != 0) throw Usage{arguments.path + ": no such file or folder"};
  verify::Report report;
  if (S_ISDIR(info.st_mode)) {
    verify::DiskFolder folder(arguments.path);
    verify::TrailOptions options;
    if (arguments.is_mirror) options.extent = verify::TrailOptions::Extent::mirror;
    if (!arguments.is_mirror) options.content_key = content_key(arguments);
    options.known_heads = std::move(heads);
    options.now_ns = now_ns();
    verify::verify_trail(folder, *key, std::move(options), report);
  } else {
    const auto archive = verify::open_file(arguments.path);
    if (!archive) throw Usage{arguments.path + ": neither a file nor a folder"};
    verify::verify_bundle(*archive, *key, heads, now_ns(), report);
  }
  std::fputs((arguments.is_json ? report.json() : report.text()).c_str(), stdout);
  if (std::fflush(stdout) != 0) throw Usage{"the verdict could not be written"};
  const Verdict verdict = report.verdict();
  if (verdict == Verdict::unanchored && arguments.is_unanchored_ok) return 0;
  return static_cast<int>(verdict);
}

}  // namespace

int main(int count, char** words) {
  try {
    if (count == 2 && std::string_view(words[1]) == "--help") {
      std::fputs(kUsage, stdout);
      return 0;
    }
    return run(parse(count, words));
  } catch (const Usage& usage) {
    std::fprintf(stderr, "sallyport-verify: %s\n%s", usage.what.c_str(), kUsage);
  } catch (const verify::Unreadable& unreadable) {
    std::fprintf(stderr, "sallyport-verify: cannot read %s\n", unreadable.what.c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sallyport-verify: %s\n", error.what());
  }
  return static_cast<int>(Verdict::usage);
}
