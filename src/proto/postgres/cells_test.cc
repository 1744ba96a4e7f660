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

struct Keep final : model::ResultFormat::Texts {
  std::optional<std::string> text(base::View) override { return std::nullopt; }
};

/// Each message alone, taken apart and put together again.
Bytes again(base::View frame) {
  const auto& format = result_format();
  Bytes out;
  switch (frame.front()) {
    case 'D': {
      model::Rows rows;
      EXPECT_TRUE(format.rows(frame, rows));
      format.append_row(rows.cells, out);
      return out;
    }
    case 'V': {
      const auto value = format.value(frame);
      EXPECT_TRUE(value);
      if (value) format.append_value(*value, out);
      return out;
    }
    case 'T':
    case 'E':
    case 'N':
    case 'A':
    case 'S': {
      Keep keep;
      EXPECT_TRUE(format.rewrite_texts(frame, keep, out));
      return out;
    }
    default:
      return Bytes(frame);
  }
}

TEST(Cells, TakenApartAndPutTogetherAreTheSameOctets) {
  std::size_t rows = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SALLYPORT_SOURCE_DIR "/test/transcripts/postgres")) {
    for (const auto& turn : properties::read_conversation(entry.path())) {
      if (turn.is_client) continue;
      for (base::View rest = turn.octets; !rest.empty();) {
        const std::size_t size = result_format().frame_size(rest);
        ASSERT_GT(size, 0u) << entry.path();
        EXPECT_EQ(again(rest.substr(0, size)), rest.substr(0, size)) << entry.path();
        rows += rest.front() == 'D' ? 1 : 0;
        rest.remove_prefix(size);
      }
    }
  }
  EXPECT_GT(rows, 300u);
}

TEST(Cells, DescribeTheirColumns) {
  const Bytes frame = row_description();
  const auto columns = result_format().columns({.description = frame.substr(5)});
  ASSERT_TRUE(columns);
  ASSERT_EQ(columns->size(), 1u);
  EXPECT_EQ((*columns)[0].name, "c");
  EXPECT_EQ((*columns)[0].type, 25u);
  EXPECT_FALSE((*columns)[0].is_binary);
  EXPECT_TRUE((*result_format().columns({.description = frame.substr(5), .formats = {{true}}}))[0].is_binary);
  EXPECT_FALSE(result_format().columns({.description = frame.substr(5), .formats = {{true, false}}}));
}

TEST(Cells, EveryTruncationIsMalformed) {
  const auto is_read = [](const Bytes& frames) {
    model::Rows rows;
    return result_format().rows(frames, rows);
  };
  const Bytes row = data_row("value");
  EXPECT_TRUE(is_read(row + row));
  for (std::size_t size = 1; size < row.size(); ++size) EXPECT_FALSE(is_read(row + row.substr(0, size))) << size;
  Bytes wrong = row;
  wrong[6] = 2;  // two columns, one value
  EXPECT_FALSE(is_read(wrong));
}

TEST(Cells, OfAVeiledErrorNothingStaysButSeverityAndCode) {
  Bytes error("E\0\0\0\0SERROR\0VERROR\0C23505\0Mduplicate key\0DKey (email)=(a@b) already exists.\0tpeople\0nmail\0\0",
              89);
  error.resize(error.find("nmail") + 7);
  base::store_big<std::uint32_t>(error.data() + 1, static_cast<std::uint32_t>(error.size() - 1));
  Bytes out;
  ASSERT_TRUE(result_format().veil(error, "veiled", out));
  EXPECT_EQ(out.substr(5), Bytes("SERROR\0VERROR\0C23505\0Mveiled\0\0", 30));
}

TEST(Cells, AnErrorAboutTheTextAloneIsNotVeiled) {
  const auto veiled = [](base::View fields) {
    Bytes frame("E\0\0\0\0", 5);
    frame.append(fields);
    base::store_big<std::uint32_t>(frame.data() + 1, static_cast<std::uint32_t>(frame.size() - 1));
    Bytes out;
    EXPECT_TRUE(result_format().veil(frame, "veiled", out));
    return out != frame;
  };
  using std::operator""sv;
  EXPECT_FALSE(veiled("SERROR\0VERROR\0C42601\0Msyntax error\0Fscan.l\0\0"sv));
  // What a function ran, or said itself.
  EXPECT_TRUE(veiled("SERROR\0VERROR\0C42601\0Msyntax error\0Fscan.l\0WPL\0\0"sv));
  EXPECT_TRUE(veiled("SERROR\0VERROR\0C42601\0Msyntax error\0Fpl_exec.c\0\0"sv));
  EXPECT_TRUE(veiled("SERROR\0VERROR\0C42601\0Msyntax error\0\0"sv));
}

}  // namespace
}  // namespace sallyport::proto::postgres
