#pragma once
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/secret.h"
#include "cmd/verify/source.h"

/// For this folder's tests only: a second writer of docs/formats/trail.md, in memory, that can also write what the real
/// one never would, and sign it. Everything is derived from fixed keys, so two samples are equal octet for octet.
namespace sallyport::verify {

/// An event before its encoding; a forger changes it.
struct Draft {
  std::string type{};
  char name = 'g';  // of the session
  std::uint64_t seq = 0;
  base::Bytes previous{};
  std::uint64_t wall_ns = 0, mono_ns = 0, protocol = 1, direction = 2;
  std::optional<base::Bytes> slots[4]{};
  std::optional<std::string> rules{};
  std::uint64_t rule_set = 0, key = 0;
  std::optional<std::pair<std::uint64_t, base::Bytes>> end{};
};

class SampleLog {
 public:
  using Forger = std::function<void(std::uint64_t index, Draft&)>;
  /// A gateway 'g', a session 'a' that closes and holds a masked response, and one 'b' that stays open; `rounds`
  /// requests.
  explicit SampleLog(std::size_t rounds, Forger forger = {});

  std::string key_line() const;
  base::Secret content_key() const;
  std::size_t size() const { return entries_.size(); }
  base::Bytes root(std::size_t size) const;
  /// A signed checkpoint of the first `size` entries.
  std::string note(std::size_t size) const;

  struct Shape {
    std::size_t group = 5, groups_a_segment = 8;
    std::optional<std::size_t> signed_size{};
    std::size_t segment_octets = 32 << 10;
  };
  MemoryFolder trail(const Shape& shape) const;
  MemoryFolder trail() const { return trail(Shape{}); }
  /// The sessions named, at the log's whole size.
  base::Bytes bundle(const std::string& names) const;
  std::map<std::string, base::Bytes> members(const std::string& names) const;
  static base::Bytes archive(const std::map<std::string, base::Bytes>& members);
  /// Seals a frame of this log.
  base::Bytes frame(std::uint32_t segment, std::uint8_t kind, std::uint64_t id, base::View body) const;

 private:
  struct Stored {
    std::uint8_t slot;
    base::Bytes octets, salt;
  };
  struct Chain {
    std::uint64_t next = 0;
    base::Bytes head = base::Bytes(32, '\0');
    bool is_open = false;
    std::uint64_t protocol = 1;
  };
  void add(Draft draft);
  base::Bytes encode(const Draft& draft, std::vector<Stored>& stored) const;
  base::Bytes open_body(std::size_t size, std::uint64_t group, base::View previous) const;
  base::Bytes payload_frame(std::uint32_t segment, std::size_t index, const Stored& stored) const;
  void put_keys(MemoryFolder& folder) const;
  void put_tiles(std::map<std::string, base::Bytes>& files, std::size_t size, bool is_sparse,
                 const std::string& names) const;
  std::string sign(base::View text) const;
  base::Digest log_id() const;

  Forger forger_;
  std::vector<base::Bytes> entries_;
  std::vector<std::vector<Stored>> stored_;
  std::vector<Draft> drafts_;
  std::vector<std::map<char, Chain>> after_;  // the chains after each entry
  std::map<char, Chain> chains_;
};

base::Bytes session_id(char name);

}  // namespace sallyport::verify
