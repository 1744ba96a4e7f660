#include "proto/postgres/cells.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "proto/codec_properties.h"
#include "proto/postgres/transcript.h"

namespace sallyport::proto::postgres {
namespace {

using base::Bytes;

class Keep : public CellVisitor {
 public:
  void columns(const std::vector<model::Column>& columns) override { seen = columns; }
  model::Cell visit(std::size_t, const model::Cell& cell) override {
    ++cells;
    return cell;
  }
  std::vector<model::Column> seen;
  std::size_t cells = 0;
};

class Redact : public Keep {
 public:
  model::Cell visit(std::size_t column, const model::Cell& cell) override {
    return column == 0 ? model::Cell{"[masked]", false} : cell;
  }
};

TEST(Cells, KeepingAllGivesTheSameOctets) {
  std::size_t cells = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SALLYPORT_SOURCE_DIR "/test/transcripts/postgres")) {
    for (const auto& turn : properties::read_conversation(entry.path())) {
      if (turn.is_client) continue;
      Keep keep;
      const auto same = rewrite_cells(turn.octets, keep);
      ASSERT_TRUE(same) << entry.path();
      EXPECT_EQ(*same, turn.octets) << entry.path();
      cells += keep.cells;
    }
  }
  EXPECT_GT(cells, 600u);
}

TEST(Cells, AreReplacedAndTheRestStays) {
  Redact redact;
  const Bytes tail = complete("SELECT 1") + ready('I');
  EXPECT_EQ(*rewrite_cells(row_description() + data_row("secret") + tail, redact),
            row_description() + data_row("[masked]") + tail);
  ASSERT_EQ(redact.seen.size(), 1u);
  EXPECT_EQ(redact.seen[0].name, "c");
  EXPECT_EQ(redact.seen[0].type, 25u);
}

TEST(Cells, EveryTruncationIsMalformed) {
  const Bytes row = data_row("value");
  for (std::size_t size = 1; size < row.size(); ++size) {
    Keep keep;
    EXPECT_FALSE(rewrite_cells(row.substr(0, size), keep)) << size;
  }
  Bytes wrong = row;
  wrong[6] = 2;  // two columns, one value
  Keep keep;
  EXPECT_FALSE(rewrite_cells(wrong, keep));
}

}  // namespace
}  // namespace sallyport::proto::postgres
