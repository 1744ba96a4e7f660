#include <gtest/gtest.h>

#include "cmd/verify/cbor.h"
#include "cmd/verify/event.h"
#include "cmd/verify/note.h"
#include "cmd/verify/payload.h"
#include "cmd/verify/segment.h"
#include "cmd/verify/tree.h"

// The worked example of docs/formats/trail.md section 10, and what each reader refuses.
namespace sallyport::verify {
namespace {

base::Bytes hex(base::View text) {
  base::Bytes out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    out.push_back(static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

constexpr base::View kKey = "example.org/gate+e151caf9+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
constexpr base::View kEntry =
    "ae01010267726571756573740350a0a1a2a3a4a5a6a7a8a9aaabacadaeaf0401055820555555555555555555555555555555"
    "5555555555555555555555555555555555061b17979cfe362a0000071a075bcd15080109000a830000000b820e58207eb1fe"
    "5e6ce30289c10ba7930bb628343f659130862782335b3ba427202c372a0d8218765820d799ccfafd7573193a938a95095667"
    "12c8d3d10124bbf932d64e3974683217c50f83000358204faef3d2707c7d69f04ed3c82d55691167d3e04649018a3e474222"
    "d1f1b32dfd1001";
constexpr base::View kMetaOctets =
    "a36572756c65736b6167656e74732d7265616468636f6d6d616e647381a5646b696e646372756e6572756c65736b6167656e"
    "74732d7265616467656666656374738164726561646776657264696374667065726d69746973746174656d656e74006a7374"
    "6174656d656e7473816853454c4543542031";
constexpr base::View kNote =
    "example.org/gate\n1\nJ8TSf8JYhYMAi31ln6ISC849nXAWvKlYyXn9tSzlST4=\n\n\xE2\x80\x94 example.org/gate "
    "4VHK+eV7KiiJddhT0/xsfGVj7OuaBxJIbUFwVf0tWMeqJLu6lpLe1/VyczUtBPSwF08g8FPKe8YvCl6GLp+WVd+DUwU=\n";

TEST(Example, KeyAndCheckpoint) {
  const auto key = LogKey::parse(kKey);
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(base::to_hex(base::view(key->log_id())),
            "5fdd285b6f2b0f0e6b400d02fd07480faf1d302fbde9e816e259de0cf8981f4c");
  base::View rest = kNote;
  const auto head = take_head_note(rest, *key);
  ASSERT_TRUE(head.has_value()) << head.error().message;
  EXPECT_EQ(head->size, 1U);
  EXPECT_EQ(head->root, leaf_hash(hex(kEntry)));
}

TEST(Example, EntryAndCommitments) {
  const base::Bytes entry = hex(kEntry);
  EXPECT_EQ(base::to_hex(base::view(leaf_hash(entry))),
            "27c4d27fc2588583008b7d659fa2120bce3d9d7016bca958c979fdb52ce5493e");
  const auto event = decode_event(entry);
  ASSERT_TRUE(event.has_value()) << event.error().message;
  EXPECT_EQ(event->type, Type::request);
  EXPECT_EQ(event->seq, 1U);
  const SessionKeys keys(base::Secret(base::Bytes(32, 0) + base::Bytes(32, 0x11) + base::Bytes(32, 0x22) +
                                      base::Bytes(32, 0x33) + base::Bytes(32, 0x44)));
  const base::Digest rules = keys.salt(event->session, kRulesSeq, kRules);
  const base::Digest log{};
  Report report;
  for (const auto& [slot, octets] : {std::pair<std::uint8_t, base::Bytes>(kRaw, hex("510000000d53454c454354203100")),
                                     std::pair<std::uint8_t, base::Bytes>(kMeta, hex(kMetaOctets))}) {
    const base::Digest salt = keys.salt(event->session, event->seq, slot);
    check_content({*event, 5, slot, base::view(salt), base::view(rules), octets}, log, {}, report);
  }
  EXPECT_FALSE(report.has_faults()) << report.text();
  EXPECT_EQ(report.counts.payloads, 2U);
}

TEST(Example, FrameAndEveryBitOfIt) {
  base::Bytes frame = hex("000000cf020000000000000000000005") + hex(kEntry) + hex("28d09adc") + base::Bytes(5, '\0');
  const std::uint32_t seed = frame_seed(LogKey::parse(kKey)->log_id(), 0);
  const auto look = [&] {
    MemorySource source(frame);
    Window window(source);
    Frame found;
    return look_at(window, 0, seed, found);
  };
  ASSERT_EQ(look(), Look::frame);
  for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
    frame[bit / 8] = static_cast<char>(frame[bit / 8] ^ (1 << bit % 8));
    EXPECT_NE(look(), Look::frame) << bit;
    frame[bit / 8] = static_cast<char>(frame[bit / 8] ^ (1 << bit % 8));
  }
}

TEST(Note, EveryBitAndEveryTruncation) {
  const auto key = LogKey::parse(kKey);
  base::Bytes note(kNote);
  for (std::size_t bit = 0; bit < note.size() * 8; ++bit) {
    note[bit / 8] = static_cast<char>(note[bit / 8] ^ (1 << bit % 8));
    base::View rest = note;
    const auto head = take_head_note(rest, *key);
    EXPECT_TRUE(!head || !rest.empty()) << bit;
    note[bit / 8] = static_cast<char>(note[bit / 8] ^ (1 << bit % 8));
  }
  for (std::size_t size = 0; size < note.size(); ++size) {
    base::View rest = base::View(note).substr(0, size);
    EXPECT_FALSE(take_head_note(rest, *key)) << size;
  }
}

TEST(Note, SeveralHeads) {
  const auto key = LogKey::parse(kKey);
  const auto heads = read_heads(base::Bytes(kNote) + "\n" + base::Bytes(kNote), *key);
  ASSERT_TRUE(heads.has_value());
  EXPECT_EQ(heads->size(), 2U);
  EXPECT_FALSE(read_heads("", *key));
  EXPECT_FALSE(read_heads(base::Bytes(kNote) + "x", *key));
}

TEST(Cbor, OnlyOneEncoding) {
  for (const base::View right : {"00", "17", "1818", "1903e8", "3903e7", "4161", "6161", "80", "a0", "a2616101616200",
                                 "f4", "f5", "f6", "a10000", "820001"}) {
    EXPECT_TRUE(decode_item(hex(right))) << right;
  }
  for (const base::View wrong : {"",
                                 "1817",
                                 "190017",
                                 "1a00000001",
                                 "1b0000000000000001",
                                 "5f4161ff",
                                 "9f00ff",
                                 "bf0000ff",
                                 "c000",
                                 "f7",
                                 "f90000",
                                 "fb0000000000000000",
                                 "a2616200616101",
                                 "a2616100616101",
                                 "0000",
                                 "81",
                                 "a100",
                                 "6180",
                                 "62c080",
                                 "f818",
                                 "5b7fffffffffffffff"}) {
    EXPECT_FALSE(decode_item(hex(wrong))) << wrong;
  }
  EXPECT_TRUE(decode_item(base::Bytes(16, '\x81') + base::Bytes(1, '\0')));
  EXPECT_FALSE(decode_item(base::Bytes(17, '\x81') + base::Bytes(1, '\0')));
}

TEST(Tree, Rfc6962) {
  // The test vectors of Certificate Transparency.
  const char* const leaves[] = {
      "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
  const char* const roots[] = {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                               "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                               "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                               "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                               "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                               "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                               "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                               "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  Frontier tree;
  for (std::size_t i = 0; i < 8; ++i) {
    tree.push(leaf_hash(hex(leaves[i])));
    EXPECT_EQ(base::to_hex(base::view(tree.root())), roots[i]);
  }
}

TEST(Tree, TilesGiveTheSameRoot) {
  Frontier tree;
  std::vector<base::Bytes> levels(8);
  const auto root = [&](std::uint64_t size) {
    return root_from_tiles(size, [&](unsigned level, std::uint64_t number, std::size_t width) {
      return std::optional(levels[level].substr(number * kTileWidth * kHash, width * kHash));
    });
  };
  for (std::uint64_t i = 0; i < 70'000; ++i) {
    const base::Digest leaf = leaf_hash(std::to_string(i));
    tree.push(leaf);
    levels[0] += base::view(leaf);
    for (unsigned level = 1; level < 8 && tree.size() % (std::uint64_t{1} << 8 * level) == 0; ++level) {
      const base::Bytes& below = levels[level - 1];
      levels[level] += base::view(root_of_hashes(base::View(below).substr(below.size() - kTileWidth * kHash)));
    }
    if (i % 997 == 0 || i == 65'534 || i == 65'535 || i == 65'536) ASSERT_EQ(root(tree.size()), tree.root()) << i;
  }
}

TEST(Tree, TileNames) {
  EXPECT_EQ(tile_name("0", 0, 256), "tile/0/000");
  EXPECT_EQ(tile_name("1", 7, 3), "tile/1/007.p/3");
  EXPECT_EQ(tile_name("entries", 1'234'067, 256), "tile/entries/x001/x234/067");
}

}  // namespace
}  // namespace sallyport::verify
