#include "cmd/cli/heads.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "base/digest.h"

namespace sallyport::cmd {
namespace {

constexpr std::size_t kMostNotes = 200;

std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

/// Notes as they stand one behind the other: text, an empty line, a signature line each.
std::vector<std::string> split_notes(std::string_view text) {
  std::vector<std::string> notes;
  while (!text.empty()) {
    const auto blank = text.find("\n\n");
    if (blank == std::string_view::npos) break;
    auto end = text.find('\n', blank + 2);
    if (end == std::string_view::npos) break;
    // Further signatures belong to the same note.
    while (text.substr(end + 1).starts_with("\xe2\x80\x94 ")) {
      const auto next = text.find('\n', end + 1);
      if (next == std::string_view::npos) break;
      end = next;
    }
    notes.emplace_back(text.substr(0, end + 1));
    text.remove_prefix(end + 1);
  }
  return notes;
}

}  // namespace

std::string heads_folder() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/')
    return std::string(state) + "/sallyport/heads";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/')
    return std::string(home) + "/.local/state/sallyport/heads";
  return "";
}

std::string heads_file(const std::string& folder, std::string_view verification_key) {
  while (verification_key.ends_with('\n')) verification_key.remove_suffix(1);
  return folder + "/" + base::to_hex(base::view(base::sha256(verification_key)).substr(0, 16));
}

base::Result<HeadNote> read_note(std::string_view text) {
  HeadNote note;
  note.origin = take_line(text);
  const std::string_view size = take_line(text);
  note.root = take_line(text);
  const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), note.size);
  if (note.origin.empty() || error != std::errc() || end != size.data() + size.size() || note.root.size() != 44)
    return base::fail(base::Code::malformed, "this is no checkpoint");
  return note;
}

base::Result<void> remember(const std::string& file, std::string_view checkpoint) {
  const auto seen = read_note(checkpoint);
  if (!seen) return {};
  std::ifstream in(file, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  std::vector<std::string> notes = split_notes(text);
  for (const std::string& known : notes) {
    const auto before = read_note(known);
    if (!before) continue;
    if (before->size > seen->size)
      return base::fail(base::Code::corrupt,
                        fmt::format("the log {} has {} events, but {} were seen before: it was set back", seen->origin,
                                    seen->size, before->size),
                        "run: sallyport verify");
    if (before->size == seen->size && before->root != seen->root)
      return base::fail(base::Code::corrupt,
                        fmt::format("the log {} is not the one that was seen before: it was forked", seen->origin),
                        "run: sallyport verify");
    if (before->size == seen->size) return {};
  }
  notes.emplace_back(checkpoint);
  // The oldest is kept for ever, and the newest; those between only tell when.
  if (notes.size() > kMostNotes) notes.erase(notes.begin() + 1);
  std::error_code error;
  const std::filesystem::path path(file);
  std::filesystem::create_directories(path.parent_path(), error);
  const std::string draft = fmt::format("{}.{}", file, base::to_hex(base::random_bytes(4)));
  std::ofstream out(draft, std::ios::binary);
  for (const std::string& note : notes) out << note;
  out.close();
  if (out)
    std::filesystem::rename(draft, path, error);
  else
    std::filesystem::remove(draft, error);
  return {};
}

}  // namespace sallyport::cmd
