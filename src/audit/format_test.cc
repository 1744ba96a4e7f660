// The worked example of docs/formats/trail.md, computed there by other code, and the small parts of the format.
#include <cstdio>
#include <fstream>
#include <sstream>

#include "audit/audit_testing.h"
#include "audit/cbor.h"
#include "audit/chain.h"
#include "audit/checkpoint.h"
#include "audit/reader.h"
#include "audit/tiles.h"

namespace sallyport::audit {
namespace {

/// The value behind a name in the example's block; continued lines are joined.
std::string example(const std::string& name) {
  std::ifstream page(SALLYPORT_SOURCE_DIR "/docs/formats/trail.md");
  std::string line, value;
  bool is_in = false;
  while (std::getline(page, line) && !line.starts_with("## 10.")) {
  }
  while (std::getline(page, line)) {
    if (line.starts_with(name + " ")) {
      is_in = true;
      line = line.substr(name.size());
    } else if (is_in && !line.starts_with("             ")) {
      break;
    }
    if (!is_in) continue;
    std::istringstream words(line);
    std::string word;
    words >> word;
    value += word;
  }
  return value;
}

TEST(Format, WorkedExample) {
  const auto log_id = log_id_of(example("log.vkey"));
  EXPECT_EQ(base::to_hex(base::view(log_id)), example("log id"));
  base::Bytes session;
  for (int i = 0xA0; i <= 0xAF; ++i) session.push_back(static_cast<char>(i));
  base::HmacSha256 raw_salts(std::string(32, '\x11')), meta_salts(std::string(32, '\x33'));
  base::Sha256 hash;
  const auto raw = *from_hex(example("raw")), meta = *from_hex(example("meta"));
  EXPECT_TRUE(cbor::decode(meta));
  const auto raw_salt = raw_salts.sign(salt_input(session, 1, kRaw));
  EXPECT_EQ(base::to_hex(base::view(raw_salt)), example("salt raw"));
  const auto raw_commitment = commitment(hash, kRaw, raw_salt, raw);
  EXPECT_EQ(base::to_hex(base::view(raw_commitment)), example("C raw"));
  const auto meta_commitment = commitment(hash, kMeta, meta_salts.sign(salt_input(session, 1, kMeta)), meta);
  EXPECT_EQ(base::to_hex(base::view(meta_commitment)), example("C meta"));
  const auto rules = commitment(hash, kRules, meta_salts.sign(salt_input(session, kRulesSeq, kRules)), "agents-read");
  EXPECT_EQ(base::to_hex(base::view(rules)), example("R"));

  Event event{.type = "request", .session = session, .seq = 1};
  event.previous.fill(0x55);
  event.wall_ns = 1700000000000000000;
  event.mono_ns = 123456789;
  event.protocol = 1;
  event.direction = 0;
  event.place = Event::Place{0, 0, 0};
  event.slots[kRaw] = {raw.size(), raw_commitment};
  event.slots[kMeta] = {meta.size(), meta_commitment};
  event.decision = {Event::Verdict::permit, 3, rules};
  event.key = 1;
  base::Bytes entry;
  encode(entry, event);
  EXPECT_EQ(base::to_hex(entry), example("entry"));
  EXPECT_EQ(base::to_hex(base::view(leaf_hash(entry))), example("leaf hash"));
  base::Bytes frame;
  put_frame(frame, FrameKind::entry, 5, entry, frame_seed(log_id, 0));
  EXPECT_EQ(base::to_hex(frame.substr(0, 16)), example("ENTRY frame"));
  EXPECT_EQ(base::to_hex(frame.substr(16 + entry.size(), 4)), "28d09adc");
  EXPECT_EQ(frame.size(), 16 + entry.size() + 4 + 5);

  const auto again = decode_event(entry);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->type, "request");
  EXPECT_EQ(again->session, session);
  const auto looks = peek(entry);
  ASSERT_TRUE(looks);
  EXPECT_EQ(looks->type, "request");
  EXPECT_EQ(looks->session, session);
  EXPECT_EQ(looks->seq, 1U);
  EXPECT_EQ(looks->protocol, 1);
}

TEST(Format, EveryChangedOctetOfAnEntryIsAnotherEntryOrNone) {
  const auto entry = *from_hex(example("entry"));
  const auto leaf = leaf_hash(entry);
  for (std::size_t at = 0; at < entry.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      auto changed = entry;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      const auto event = decode_event(changed);
      if (event) EXPECT_NE(leaf_hash(changed), leaf);
      peek(changed);
    }
    EXPECT_FALSE(decode_event(entry.substr(0, at)));
    peek(entry.substr(0, at));
  }
}

TEST(Format, EveryChangedBitOfAFrameIsSeen) {
  base::Digest log_id;
  log_id.fill(7);
  const std::uint32_t seed = frame_seed(log_id, 3);
  base::Bytes octets;
  put_frame(octets, FrameKind::payload, 9, "some octets", seed);
  ASSERT_TRUE(parse_frame(octets, seed));
  EXPECT_FALSE(parse_frame(octets, frame_seed(log_id, 4))) << "another segment's frame";
  for (std::size_t at = 0; at < octets.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      auto changed = octets;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      EXPECT_FALSE(parse_frame(changed, seed)) << at << " " << bit;
    }
    EXPECT_FALSE(parse_frame(base::View(octets).substr(0, at), seed));
  }
}

TEST(Tree, Rfc6962Vectors) {
  // The reference inputs and roots of the Certificate Transparency code (also in Trillian and golang.org/x/mod).
  const std::vector<base::Bytes> inputs = {"",
                                           base::Bytes(1, '\0'),
                                           "\x10",
                                           *from_hex("2021"),
                                           *from_hex("3031"),
                                           *from_hex("40414243"),
                                           *from_hex("5051525354555657"),
                                           *from_hex("606162636465666768696a6b6c6d6e6f")};
  const std::vector<std::string> roots = {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                                          "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                                          "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                                          "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                                          "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                                          "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                                          "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                                          "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  Frontier tree;
  EXPECT_EQ(base::to_hex(base::view(tree.root())), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    tree.append(leaf_hash(inputs[i]));
    EXPECT_EQ(base::to_hex(base::view(tree.root())), roots[i]) << i;
  }
}

TEST(Tree, FrontierAndTilesAgreeWithTheDefinition) {
  const testing::TemporaryFolder folder;
  Tiles tiles(disk(), folder.path());
  Frontier tree;
  std::vector<base::Digest> leaves;
  for (std::size_t i = 0; i < 1500; ++i) {
    const std::string entry = "entry " + std::to_string(i);
    leaves.push_back(leaf_hash(entry));
    tree.append(leaves.back());
    tiles.append(entry);
    if (i < 300 || i % 61 == 0 || i % 256 < 2) {
      const auto expected = testing::naive_root(leaves, 0, leaves.size());
      ASSERT_EQ(tree.root(), expected) << i;
      ASSERT_EQ(tiles.root(), expected) << i;
    }
    if (i % 100 == 0) tiles.write_edge();
  }
  tiles.sync();
  EXPECT_EQ(tiles.durable_size(), 1500U);
  for (std::size_t size = 0; size <= 1500; size += 7) {
    const auto root = tiles.root_at(size);
    ASSERT_TRUE(root);
    EXPECT_EQ(*root, testing::naive_root(leaves, 0, size)) << size;
  }
  Tiles again(disk(), folder.path());
  ASSERT_TRUE(again.load(1500));
  EXPECT_EQ(again.root(), tree.root());
  EXPECT_EQ(tile_path(1234067, 256), "x001/x234/067");
  EXPECT_EQ(tile_path(5, 44), "005.p/44");
}

TEST(Checkpoint, SignsAndVerifies) {
  const auto key = LogKey::make();
  const auto same = LogKey::from_pem(key.to_pem());
  ASSERT_TRUE(same);
  Head head{42, {}};
  head.root.fill(3);
  const std::string note = key.sign("a/b", head);
  const auto read = same->verify("a/b", note);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->size, 42U);
  EXPECT_EQ(read->root, head.root);
  EXPECT_FALSE(same->verify("a/c", note));
  EXPECT_FALSE(LogKey::make().verify("a/b", note));
  for (std::size_t at = 0; at < note.size(); ++at) {
    std::string changed = note;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(same->verify("a/b", changed)) << at;
  }
}

TEST(Cbor, RefusesWhatIsNotDeterministic) {
  for (const char* hex : {"1817", "190017", "1a00000017", "5800", "9f00ff", "a2020101 01", "a201010101", "f97e00",
                          "c000", "f7", "61ff", "82", "a1", "5bffffffffffffffff", "9bffffffffffffffff", "0000"}) {
    std::string digits = hex;
    std::erase(digits, ' ');
    EXPECT_FALSE(cbor::decode(*from_hex(digits))) << hex;
  }
  std::string deep(40, '\x81');
  deep.push_back('\0');
  EXPECT_FALSE(cbor::decode(deep));
}

}  // namespace
}  // namespace sallyport::audit
