#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "audit/checkpoint.h"
#include "audit/event.h"
#include "audit/files.h"
#include "audit/frame.h"
#include "audit/tree.h"
#include "base/result.h"

/// Segment files (docs/formats/trail.md section 5): their names, their first and last frames, and what a start finds in
/// them. Functions on files throw DiskFailure.
namespace sallyport::audit {

std::string segment_name(std::uint32_t number);
/// The numbers of the segment files in `folder`, ascending; fails when there is a gap.
base::Result<std::vector<std::uint32_t>> segments_in(Files& files, const std::string& folder);

/// A chain that has no last event yet.
struct OpenChain {
  std::array<char, kSessionId> session{};
  std::uint8_t protocol = 0;
  std::uint64_t next_seq = 0;
  base::Digest head{};
};

/// The body of an OPEN frame.
struct SegmentOpen {
  std::uint64_t size = 0;   // of the tree before the segment
  std::uint64_t group = 0;  // of the next COMMIT
  base::Digest root{}, previous{};
  std::vector<OpenChain> chains{};  // by session
  std::vector<base::Digest> frontier{};
};
base::Bytes encode(const SegmentOpen& open);
std::optional<SegmentOpen> parse_open(base::View body);
/// The body of a FOOTER. `sessions`: 16-octet ids, ascending, one behind the other.
base::Bytes encode_footer(std::uint64_t size, base::View sessions);

/// Reads frames one behind the other through a window; holds no more than one large frame.
class SegmentReader {
 public:
  /// REQUIRES: `file` outlives the reader.
  SegmentReader(File& file, std::uint32_t seed, std::uint64_t offset = 0);
  /// Nothing at the first octets that are not a frame. Valid until the next call.
  std::optional<Frame> next();
  /// Behind the last frame.
  std::uint64_t offset() const { return offset_; }

 private:
  File& file_;
  std::uint32_t seed_;
  std::uint64_t offset_;
  base::Bytes window_;
  std::uint64_t window_at_ = 0;
};

/// Where the log ends, and all that is needed to go on.
struct LogEnd {
  std::uint32_t segment = 0;  // where the next group goes …
  std::uint64_t offset = 0;   // … at; 0: the segment is to be begun
  Frontier frontier{};
  std::uint64_t next_group = 0;
  base::Digest last_commit{};
  std::vector<OpenChain> chains{};                         // open ones, by session
  std::vector<std::array<char, kSessionId>> in_segment{};  // sessions that have an entry in `segment`, any order
  std::uint64_t torn_frames = 0, torn_octets = 0;          // behind the durable point, never acknowledged
};

/// Finds the durable point. Changes nothing. Code::corrupt, with segment and offset, when what follows it cannot be
/// a write that was cut short, or when what precedes it contradicts itself.
base::Result<LogEnd> find_log_end(Files& files, const std::string& folder, const base::Digest& log_id);

/// Overwrites with zeros what stands behind the durable point, and syncs. To be called before anything is appended.
void clear_behind(Files& files, const std::string& folder, const LogEnd& end);

/// The few fields of an entry that its place in the encoding gives away; for entries that a CRC vouches for.
struct EntryPeek {
  base::View type{}, session{};
  std::uint64_t seq = 0;
  std::uint8_t protocol = 0;
};
std::optional<EntryPeek> peek(base::View entry);

}  // namespace sallyport::audit
