#include "cmd/verify/archive.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace sallyport::verify {
namespace {

constexpr std::size_t kBlock = 512, kMaxName = 100;
constexpr std::uint64_t kMaxManifest = 64 << 20, kMaxSize = 077777777777;
constexpr base::View kFirstLine = "audit-bundle/v1\n";

bool is_zero(base::View octets) { return octets.find_first_not_of('\0') == base::View::npos; }

}  // namespace

base::Bytes ustar_header(const std::string& name, std::uint64_t size) {
  base::Bytes header(kBlock, '\0');
  const auto put = [&](std::size_t at, base::View text) { header.replace(at, text.size(), text); };
  put(0, name);
  put(100, "0000644");
  put(108, "0000000");
  put(116, "0000000");
  put(124, fmt::format("{:011o}", size));
  put(136, "00000000000");
  put(148, "        ");
  put(156, "0");
  put(257, base::View("ustar\00000", 8));
  put(329, "0000000");
  put(337, "0000000");
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put(148, fmt::format("{:06o}", sum) + base::Bytes("\0 ", 2));
  return header;
}

Archive::Archive(Source& source, Report& report) : source_(source), report_(report) {
  std::uint64_t position = 0;
  if (!read_manifest(position)) return;
  while (read_member(position)) {
  }
}

const Member* Archive::find(const std::string& name) const {
  const auto found = members_.find(name);
  return found == members_.end() ? nullptr : &found->second;
}

base::Bytes Archive::read(const Member& member, std::uint64_t offset, std::size_t count) {
  if (offset >= member.size) return {};
  return source_.read_at(member.offset + offset,
                         static_cast<std::size_t>(std::min<std::uint64_t>(count, member.size - offset)));
}

Archive::Header Archive::read_header(std::uint64_t position) {
  const base::Bytes octets = source_.read_at(position, kBlock);
  Header header;
  if (octets.size() < kBlock) return header;
  header.name = octets.substr(0, std::min(octets.find('\0'), kMaxName));
  const char* const digits = octets.data() + 124;
  const auto parsed = std::from_chars(digits, digits + 11, header.size, 8);
  header.is_canonical = parsed.ec == std::errc{} && parsed.ptr == digits + 11 && !header.name.empty() &&
                        ustar_header(header.name, header.size) == octets;
  return header;
}

bool Archive::read_manifest(std::uint64_t& position) {
  const Header header = read_header(0);
  const bool is_right = header.is_canonical && header.name == "MANIFEST" && header.size <= kMaxManifest;
  if (!is_right) {
    report_.add(Verdict::tampered, {.file = "MANIFEST"},
                "the archive does not begin with a canonical header of MANIFEST");
    return false;
  }
  Member member;
  Line none;
  position = kBlock;
  if (!check_data("MANIFEST", position, member, none)) return false;
  manifest_ = read(member, 0, static_cast<std::size_t>(member.size));
  if (!manifest_.starts_with(kFirstLine)) {
    report_.add(Verdict::tampered, {.file = "MANIFEST"}, "the first line is not audit-bundle/v1");
    at_ = manifest_.find('\n') == base::Bytes::npos ? manifest_.size() : manifest_.find('\n') + 1;
  } else {
    at_ = kFirstLine.size();
  }
  return true;
}

/// The line at at_, which is not advanced.
Archive::Line Archive::next_line() {
  Line line;
  line.offset = at_;
  const base::View rest = base::View(manifest_).substr(at_);
  const base::View text = rest.substr(0, rest.find('\n'));
  if (text.size() == rest.size() || text.size() < 67 || text[64] != ' ') return line;
  line.digest = text.substr(0, 64);
  const auto space = text.find(' ', 65);
  if (space == base::View::npos) return line;
  const base::View digits = text.substr(65, space - 65);
  line.name = text.substr(space + 1);
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), line.size);
  line.is_right = parsed.ec == std::errc{} && std::to_string(line.size) == digits && line.size <= kMaxSize &&
                  line.digest.find_first_not_of("0123456789abcdef") == base::View::npos && !line.name.empty() &&
                  line.name.size() <= kMaxName;
  return line;
}

void Archive::line_fault(const Line& line, Verdict kind, const std::string& what) {
  report_.add(kind, {.file = "MANIFEST", .offset = line.offset}, what);
}

bool Archive::read_member(std::uint64_t& position) {
  const base::Bytes block = source_.read_at(position, kBlock);
  if (block.size() == kBlock && is_zero(block)) {
    check_end(position);
    return false;
  }
  if (block.size() < kBlock) {
    report_.add(Verdict::missing, {.file = "archive", .offset = position}, "the archive ends early");
    return false;
  }
  Header header = read_header(position);
  Line line;
  if (!choose(position, header, line)) return false;
  if (header.name <= last_) {
    report_.add(Verdict::tampered, {.file = header.name, .offset = position},
                "members are not in order, or one comes twice");
  }
  last_ = header.name;
  position += kBlock;
  Member member{.size = header.size, .is_listed = line.is_right, .line = line.offset};
  if (!check_data(header.name, position, member, line)) return false;
  members_.try_emplace(header.name, member);
  return true;
}

/// Which line of the MANIFEST belongs to the header, and which of the two is believed where they differ.
bool Archive::choose(std::uint64_t position, Header& header, Line& line) {
  while (true) {
    line = next_line();
    const bool is_end = at_ >= manifest_.size();
    if (!header.is_canonical) {
      report_.add(Verdict::tampered, {.file = line.is_right ? line.name : "archive", .offset = position},
                  "the member's header is not canonical");
      if (!line.is_right) return false;
      header.name = line.name;
      header.size = line.size;
    }
    if (is_end || (line.is_right && header.name < line.name)) {
      report_.add(Verdict::tampered, {.file = "MANIFEST", .offset = line.offset}, "has no line for " + header.name);
      line.is_right = false;
      return true;
    }
    const auto end = manifest_.find('\n', at_);
    at_ = end == base::Bytes::npos ? manifest_.size() : end + 1;
    if (!line.is_right) {
      line_fault(line, Verdict::tampered, "the line is malformed");
      return true;
    }
    if (header.name == line.name) {
      if (header.size != line.size) line_fault(line, Verdict::tampered, "another size than " + header.name + " has");
      return true;
    }
    line_fault(line, Verdict::missing, line.name + " is not in the archive");
  }
}

/// Hashes the content at `position` and moves behind its padding.
bool Archive::check_data(const std::string& name, std::uint64_t& position, Member& member, const Line& line) {
  if (name == "MANIFEST") member.size = read_header(0).size;
  member.offset = position;
  const std::uint64_t end = position + member.size;
  const std::uint64_t padded = (end + kBlock - 1) / kBlock * kBlock;
  if (source_.size() < padded) {
    report_.add(Verdict::missing, {.file = name, .offset = source_.size()}, "the archive ends within the member");
    return false;
  }
  base::Sha256 hash;
  for (std::uint64_t at = position; at < end;) {
    const base::Bytes piece = source_.read_at(at, static_cast<std::size_t>(std::min<std::uint64_t>(1 << 20, end - at)));
    if (piece.empty()) return false;
    hash.update(piece);
    at += piece.size();
  }
  member.is_digest_right = line.is_right && base::to_hex(base::view(hash.finish())) == line.digest;
  if (!is_zero(source_.read_at(end, static_cast<std::size_t>(padded - end)))) {
    report_.add(Verdict::tampered, {.file = name, .offset = end}, "the member's padding is not zeros");
  }
  position = padded;
  return true;
}

void Archive::check_end(std::uint64_t position) {
  const base::Bytes rest = source_.read_at(position, 2 * kBlock + 1);
  if (rest.size() < 2 * kBlock) {
    report_.add(Verdict::missing, {.file = "archive", .offset = position}, "the archive's end is cut");
  } else if (rest.size() > 2 * kBlock || !is_zero(rest)) {
    report_.add(Verdict::tampered, {.file = "archive", .offset = position},
                "not 1,024 zeros, or something behind them");
  }
  while (at_ < manifest_.size()) {
    const Line line = next_line();
    line_fault(line, line.is_right ? Verdict::missing : Verdict::tampered,
               line.is_right ? line.name + " is not in the archive" : "the line is malformed");
    const auto end = manifest_.find('\n', at_);
    at_ = end == base::Bytes::npos ? manifest_.size() : end + 1;
  }
}

}  // namespace sallyport::verify
