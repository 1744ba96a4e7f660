#include "audit/bundle.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "audit/cbor.h"
#include "audit/reader.h"
#include "audit/tiles.h"
#include "audit/trail_body.h"

namespace sallyport::audit {
namespace {

constexpr std::uint64_t kWidth = 256;
constexpr std::size_t kBlock = 512;
constexpr std::size_t kStep = 1 << 20;
constexpr std::size_t kMaxBundleFile = kWidth * (2 + 65535);

/// A member: its octets are either here or in a file beside the bundle.
struct Member {
  base::Bytes octets{};
  std::string spool{};
  std::uint64_t size = 0;
  base::Digest hash{};
};

Member member_of(base::Bytes octets) {
  Member member{.size = octets.size(), .hash = base::sha256(octets)};
  member.octets = std::move(octets);
  return member;
}

/// Appends to a file and hashes what goes by.
class Spool {
 public:
  Spool(Files& files, std::string path) : path_(std::move(path)), file_(files.open(path_, Files::Access::fresh)) {}
  void write(base::View octets) {
    file_->write_at(size_, octets);
    hash_.update(octets);
    size_ += octets.size();
  }
  Member finish() {
    Member member{.size = size_, .hash = hash_.finish()};
    member.spool = path_;
    return member;
  }

 private:
  std::string path_;
  std::unique_ptr<File> file_;
  base::Sha256 hash_;
  std::uint64_t size_ = 0;
};

/// The one ustar header of a member.
base::Bytes header_of(base::View name, std::uint64_t size) {
  base::Bytes block(kBlock, '\0');
  const auto put = [&block](std::size_t at, base::View text) {
    std::memcpy(block.data() + at, text.data(), text.size());
  };
  put(0, name);
  put(100, "0000644");
  put(108, "0000000");
  put(116, "0000000");
  put(124, fmt::format("{:011o}", size));
  put(136, "00000000000");
  put(148, "        ");
  put(156, "0");
  put(257, base::View("ustar\0", 6));
  put(263, "00");
  put(329, "0000000");
  put(337, "0000000");
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  put(148, fmt::format("{:06o}", sum));
  block[154] = '\0';
  block[155] = ' ';
  return block;
}

class Bundle {
 public:
  Bundle(Files& files, const std::string& data, Reader reader, std::string out)
      : files_(files), trail_(TrailPaths(data).trail), reader_(std::move(reader)), out_(std::move(out)) {}
  ~Bundle() {
    for (const auto& [name, member] : members_) {
      if (!member.spool.empty()) files_.remove(member.spool);
    }
  }

  base::Result<Bundled> make(const std::vector<base::Bytes>& sessions) {
    const base::Bytes note = files_.read_whole(trail_ + "/checkpoint", 64 << 10);
    const auto head = reader_.log_key().verify(reader_.origin(), note);
    if (!head) return base::fail(head.error().code, head.error().message, "wait a second for the first checkpoint");
    size_ = head->size;
    members_["checkpoint"] = member_of(note);
    members_["log.vkey"] = member_of(reader_.verification_line() + "\n");
    for (const base::Bytes& session : sessions) {
      const auto done = add_session(session);
      if (!done) return std::unexpected(done.error());
    }
    for (std::uint64_t level = 0; size_ >> (8 * level) > 0; ++level) {
      // The right edge: without it there is no root.
      if ((size_ >> (8 * level)) % kWidth != 0) wanted_.insert({level, (size_ >> (8 * level)) / kWidth});
    }
    for (const auto& [level, number] : wanted_) {
      const auto done = add_tile(level, number);
      if (!done) return std::unexpected(done.error());
    }
    write();
    return counts_;
  }

 private:
  base::Result<void> add_session(const base::Bytes& session) {
    const std::string name = "sessions/" + base::to_hex(session);
    Spool spool(files_, out_ + "." + base::to_hex(session) + ".new");
    members_[name].spool = out_ + "." + base::to_hex(session) + ".new";
    bool has_begun = false;
    base::Result<void> outcome;
    const auto done = reader_.each({.sessions = {session}}, [&](const Reader::Record& record) {
      if (record.index >= size_) return Reader::Go::stop;
      for (std::uint64_t level = 0; size_ >> (8 * level) > 0; ++level) {
        const std::uint64_t number = record.index >> (8 * (level + 1));
        if (number < (size_ >> (8 * level)) / kWidth || (size_ >> (8 * level)) % kWidth != 0) {
          wanted_.insert({level, number});
        }
      }
      bundles_.insert(record.index / kWidth);
      ++counts_.events;
      outcome = put_event(record, has_begun, spool);
      has_begun = true;
      return outcome ? Reader::Go::on : Reader::Go::stop;
    });
    if (!done) return done;
    if (!outcome) return outcome;
    if (!has_begun) {
      return base::fail(base::Code::unsupported, fmt::format("session {} is not in the trail", base::to_hex(session)),
                        "sallyport sessions list shows what is");
    }
    members_[name] = spool.finish();
    ++counts_.sessions;
    return {};
  }

  base::Result<void> put_event(const Reader::Record& record, bool has_begun, Spool& spool) {
    base::Bytes octets;
    const Event& event = record.event;
    if (!has_begun) {
      cbor::put_array(octets, 3);
      cbor::put_text(octets, "audit-session/v1");
      cbor::put_octets(octets, event.session);
      const auto salt = event.key ? reader_.salt(event.session, *event.key, kRulesSeq, kRules)
                                  : base::Result<base::Digest>(base::fail(base::Code::denied, ""));
      if (!salt && salt.error().code != base::Code::denied) return std::unexpected(salt.error());
      salt ? cbor::put_octets(octets, base::view(*salt)) : cbor::put_null(octets);
    }
    const SlotName passed_on = event.slots[kMaskedSlot] ? kMaskedSlot : kRaw;
    for (const SlotName slot : {passed_on, kMeta, kMap}) {
      if (!event.slots[slot]) continue;
      cbor::put_array(octets, 4);
      cbor::put_unsigned(octets, event.seq);
      cbor::put_unsigned(octets, slot);
      const auto salt = reader_.salt(event.session, *event.key, event.seq, slot);
      if (!salt && salt.error().code != base::Code::denied) return std::unexpected(salt.error());
      if (!salt) {
        cbor::put_null(octets);
        cbor::put_null(octets);
        continue;
      }
      cbor::put_octets(octets, base::view(*salt));
      const auto& content = slot == kMeta ? record.meta : slot == kMap ? record.map : record.content;
      cbor::put_octets(octets, content.value_or(base::View()));
    }
    spool.write(octets);
    return {};
  }

  /// The file of a tile or bundle as it is at size_: a full one that came since is cut to the width.
  base::Result<base::Bytes> read_ragged(const std::string& folder, std::uint64_t number, std::uint64_t width,
                                        std::size_t limit) {
    // The full one may replace the ragged one between two looks.
    for (int attempt = 0; attempt < 3; ++attempt) {
      for (const std::uint64_t there : {width, kWidth}) {
        const std::string path = trail_ + "/" + folder + tile_path(number, there);
        base::Bytes octets = files_.exists(path) ? files_.read_whole(path, limit) : base::Bytes();
        if (!octets.empty()) return octets;
      }
    }
    return base::fail(base::Code::corrupt, fmt::format("{}{} is missing", folder, tile_path(number, width)),
                      "restart the gateway: it makes tiles anew from the segments");
  }

  base::Result<void> add_tile(std::uint64_t level, std::uint64_t number) {
    const std::uint64_t count = size_ >> (8 * level);
    const std::uint64_t width = number < count / kWidth ? kWidth : count % kWidth;
    const std::string folder = fmt::format("tile/{}/", level);
    auto octets = read_ragged(folder, number, width, kWidth * 32);
    if (!octets) return std::unexpected(octets.error());
    if (octets->size() < width * 32) return base::fail(base::Code::corrupt, folder + " has a short tile");
    octets->resize(width * 32);
    members_[folder + tile_path(number, width)] = member_of(std::move(*octets));
    if (level > 0 || !bundles_.contains(number)) return {};
    auto bundle = read_ragged("tile/entries/", number, width, kMaxBundleFile);
    if (!bundle) return std::unexpected(bundle.error());
    std::size_t end = 0;
    for (std::uint64_t i = 0; i < width; ++i) {
      if (bundle->size() - end < 2) return base::fail(base::Code::corrupt, "tile/entries has a short bundle");
      end += 2U + base::load_big<std::uint16_t>(bundle->data() + end);
      if (end > bundle->size()) return base::fail(base::Code::corrupt, "tile/entries has a short bundle");
    }
    bundle->resize(end);
    members_["tile/entries/" + tile_path(number, width)] = member_of(std::move(*bundle));
    return {};
  }

  void put(File& file, base::View name, const Member& member) {
    file.write_at(counts_.octets, header_of(name, member.size));
    counts_.octets += kBlock;
    if (member.spool.empty()) {
      file.write_at(counts_.octets, member.octets);
    } else {
      const auto spool = files_.open(member.spool, Files::Access::read);
      for (std::uint64_t at = 0; at < member.size; at += kStep) {
        file.write_at(counts_.octets + at, spool->read_at(at, kStep));
      }
    }
    counts_.octets += member.size;
    const std::size_t rest = static_cast<std::size_t>(member.size % kBlock);
    if (rest == 0) return;
    file.write_at(counts_.octets, base::Bytes(kBlock - rest, '\0'));
    counts_.octets += kBlock - rest;
  }

  void write() {
    std::string manifest = "audit-bundle/v1\n";
    for (const auto& [name, member] : members_) {
      manifest += fmt::format("{} {} {}\n", base::to_hex(base::view(member.hash)), member.size, name);
    }
    {
      const auto file = files_.open(out_ + ".new", Files::Access::fresh);
      put(*file, "MANIFEST", member_of(manifest));
      for (const auto& [name, member] : members_) put(*file, name, member);
      file->write_at(counts_.octets, base::Bytes(2 * kBlock, '\0'));
      counts_.octets += 2 * kBlock;
      file->sync();
    }
    files_.rename(out_ + ".new", out_);
  }

  Files& files_;
  std::string trail_;
  Reader reader_;
  std::string out_;
  std::uint64_t size_ = 0;
  std::map<std::string, Member> members_;                     // bytewise order of names
  std::set<std::pair<std::uint64_t, std::uint64_t>> wanted_;  // level, number of hash tiles
  std::set<std::uint64_t> bundles_;
  Bundled counts_;
};

}  // namespace

base::Result<Bundled> export_bundle(const std::string& data_folder, const std::vector<base::Bytes>& sessions,
                                    const std::string& out, Files& files) try {
  auto reader = Reader::open(data_folder, files);
  if (!reader) return std::unexpected(reader.error());
  if (sessions.empty()) return base::fail(base::Code::malformed, "no session was named");
  return Bundle(files, data_folder, std::move(*reader), out).make(sessions);
} catch (const DiskFailure& failure) {
  return base::fail(base::Code::unavailable, "the bundle cannot be written: " + failure.what);
}

}  // namespace sallyport::audit
