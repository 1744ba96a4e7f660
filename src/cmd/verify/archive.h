#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "base/digest.h"
#include "cmd/verify/report.h"
#include "cmd/verify/source.h"

/// Canonical ustar with a MANIFEST (docs/formats/trail.md section 8): one sequence of octets for the same members.
/// One thread; the Source must outlive it. Throws Unreadable.
namespace sallyport::verify {

struct Member {
  std::uint64_t offset = 0, size = 0;  // of the content in the archive
  bool is_listed = false;              // the MANIFEST has a line for it
  bool is_digest_right = false;        // and the line has its hash
  std::uint64_t line = 0;              // the line's offset in the MANIFEST
};

class Archive {
 public:
  /// Reads the archive once from front to end and reports what is not canonical. `members` holds what could be read.
  Archive(Source& source, Report& report);
  const std::map<std::string, Member>& members() const { return members_; }
  const Member* find(const std::string& name) const;
  /// At most `count` octets of a member from `offset` in it.
  base::Bytes read(const Member& member, std::uint64_t offset, std::size_t count);

 private:
  struct Line {
    bool is_right = false;
    base::View digest{};
    std::uint64_t size = 0;
    std::string name{};
    std::uint64_t offset = 0;
  };
  struct Header {
    bool is_canonical = false;
    std::string name{};
    std::uint64_t size = 0;
  };
  bool read_manifest(std::uint64_t& position);
  Header read_header(std::uint64_t position);
  bool read_member(std::uint64_t& position);
  bool choose(std::uint64_t position, Header& header, Line& line);
  Line next_line();
  void line_fault(const Line& line, Verdict kind, const std::string& what);
  bool check_data(const std::string& name, std::uint64_t& position, Member& member, const Line& line);
  void check_end(std::uint64_t position);

  Source& source_;
  Report& report_;
  base::Bytes manifest_;
  std::uint64_t at_ = 0;  // in the manifest
  std::string last_;
  std::map<std::string, Member> members_;
};

/// The one header of a member.
base::Bytes ustar_header(const std::string& name, std::uint64_t size);

}  // namespace sallyport::verify
