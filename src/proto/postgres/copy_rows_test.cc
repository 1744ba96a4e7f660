#include "proto/postgres/copy_rows.h"

#include <gtest/gtest.h>

#include <deque>
#include <fstream>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace sallyport::proto::postgres {
namespace {

using base::Bytes;
using base::Code;
using base::View;
using model::CopyFormat;
using Cells = std::vector<std::optional<Bytes>>;

Cells owned(std::span<const model::Cell> cells) {
  Cells made;
  for (const auto& cell : cells) made.push_back(cell.is_null ? std::nullopt : std::optional(Bytes(cell.octets)));
  return made;
}

/// Keeps what it sees.
class Look : public CopyVisitor {
 public:
  Row header(std::span<model::Cell> names) override {
    headers.push_back(owned(names));
    return Row::as_it_came;
  }
  Row row(std::span<model::Cell> cells) override {
    rows.push_back(owned(cells));
    return Row::as_it_came;
  }
  std::vector<Cells> headers, rows;
};

/// Gives back the same cells, from memory of its own, so that each is written anew.
class Again : public Look {
 public:
  Row header(std::span<model::Cell> names) override { return copy(names); }
  Row row(std::span<model::Cell> cells) override { return copy(cells); }

 private:
  Row copy(std::span<model::Cell> cells) {
    kept_.clear();
    for (auto& cell : cells) {
      if (!cell.is_null) cell.octets = kept_.emplace_back(cell.octets);
    }
    return Row::changed;
  }
  std::deque<Bytes> kept_;
};

/// Puts these in the place of the rows' cells; a column that is not named stays.
class Put : public CopyVisitor {
 public:
  explicit Put(std::vector<std::pair<std::size_t, std::optional<Bytes>>> cells) : cells_(std::move(cells)) {}
  Row row(std::span<model::Cell> cells) override {
    for (const auto& [column, cell] : cells_) cells[column] = cell ? model::Cell{*cell, false} : model::Cell{{}, true};
    return Row::changed;
  }

 private:
  std::vector<std::pair<std::size_t, std::optional<Bytes>>> cells_;
};

CopyFormat text(char delimiter = '\t', Bytes null = "\\N") {
  return {.kind = CopyFormat::Kind::text, .delimiter = delimiter, .null = std::move(null)};
}
CopyFormat csv(char quote = '"', char escape = '"', Bytes null = "") {
  return {.kind = CopyFormat::Kind::csv, .delimiter = ',', .null = std::move(null), .quote = quote, .escape = escape};
}
CopyFormat binary() { return {.kind = CopyFormat::Kind::binary}; }

/// Rewrites the messages one after the other; each from a block of its exact size, so that a sanitizer sees a read
/// beyond. nullopt: one is refused.
std::optional<std::vector<Bytes>> rewrite(const CopyFormat& format, const std::vector<Bytes>& bodies,
                                          CopyVisitor& visitor) {
  CopyRows rows(format);
  std::vector<Bytes> made;
  for (const Bytes& body : bodies) {
    const std::vector<char> block(body.begin(), body.end());
    Bytes out = "before";
    if (!rows.rewrite(View(block.data(), block.size()), visitor, out)) {
      EXPECT_EQ(out, "before");
      return std::nullopt;
    }
    EXPECT_TRUE(out.starts_with("before"));
    made.push_back(out.substr(6));
  }
  return made;
}

std::optional<std::vector<Cells>> rows_of(const CopyFormat& format, const std::vector<Bytes>& bodies) {
  Look look;
  if (!rewrite(format, bodies, look)) return std::nullopt;
  return look.rows;
}

/// What Put makes of one message.
Bytes put(const CopyFormat& format, const Bytes& body,
          std::vector<std::pair<std::size_t, std::optional<Bytes>>> cells) {
  Put visitor(std::move(cells));
  const auto made = rewrite(format, {body}, visitor);
  return made ? made->at(0) : "REFUSED";
}

Bytes joined(const std::vector<Bytes>& bodies) {
  Bytes all;
  for (const Bytes& body : bodies) all += body;
  return all;
}

// ---- what a real server sent ----

struct Captured {
  Bytes name{};
  CopyFormat format{};
  std::vector<Bytes> bodies{};
  std::vector<Cells> headers{}, rows{};
};

std::optional<Bytes> unhex(const Bytes& word) {
  if (word == "-") return std::nullopt;
  Bytes made;
  for (std::size_t i = 0; word != "." && i < word.size(); i += 2)
    made.push_back(static_cast<char>(std::stoi(word.substr(i, 2), nullptr, 16)));
  return made;
}

std::vector<Captured> read_captured() {
  std::vector<Captured> all;
  std::ifstream file(SALLYPORT_SOURCE_DIR "/src/proto/postgres/testdata/copy_rows.txt");
  for (Bytes line; std::getline(file, line);) {
    std::istringstream words(line);
    Bytes kind, word;
    words >> kind;
    if (kind == "//") continue;
    Cells cells;
    if (kind == "copy") {
      Bytes format, has_header, name;
      words >> format;
      for (int i = 0; i < 4 && words >> word; ++i) cells.push_back(unhex(word));
      words >> has_header >> name;
      Captured one{.name = line};
      one.format = {.kind = format == "text"  ? CopyFormat::Kind::text
                            : format == "csv" ? CopyFormat::Kind::csv
                                              : CopyFormat::Kind::binary,
                    .delimiter = cells.at(0)->at(0),
                    .null = *cells.at(1),
                    .quote = cells.at(2)->at(0),
                    .escape = cells.at(3)->at(0),
                    .has_header = has_header == "1"};
      all.push_back(std::move(one));
      continue;
    }
    while (words >> word) cells.push_back(unhex(word));
    if (kind == "<") all.back().bodies.push_back(*cells.at(0));
    if (kind == "#") all.back().headers.push_back(cells);
    if (kind == "=") all.back().rows.push_back(cells);
  }
  return all;
}

class CopyRowsCaptured : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { captured = read_captured(); }
  static std::vector<Captured> captured;
};
std::vector<Captured> CopyRowsCaptured::captured;

TEST_F(CopyRowsCaptured, CellsAreWhatSelectShows) {
  ASSERT_GT(captured.size(), 30u);
  for (const auto& one : captured) {
    Look look;
    const auto made = rewrite(one.format, one.bodies, look);
    ASSERT_TRUE(made) << one.name;
    EXPECT_EQ(*made, one.bodies) << one.name;
    EXPECT_EQ(look.headers, one.headers) << one.name;
    EXPECT_EQ(look.rows, one.rows) << one.name;
  }
}

TEST_F(CopyRowsCaptured, TheSameCellsGiveTheSameOctets) {
  for (const auto& one : captured) {
    Again again;
    const auto made = rewrite(one.format, one.bodies, again);
    ASSERT_TRUE(made) << one.name;
    EXPECT_EQ(*made, one.bodies) << one.name;
  }
}

TEST_F(CopyRowsCaptured, ManyRowsInOneMessageAreTheSameRows) {
  for (const auto& one : captured) {
    const auto rows = rows_of(one.format, {joined(one.bodies)});
    ASSERT_TRUE(rows) << one.name;
    EXPECT_EQ(*rows, one.rows) << one.name;
  }
}

TEST_F(CopyRowsCaptured, WhatIsSkippedCountsAsRead) {
  for (const auto& one : captured) {
    CopyRows rows(one.format);
    EXPECT_TRUE(rows.is_at_start());
    Look look;
    for (std::size_t i = 0; i < one.bodies.size(); ++i) {
      Bytes out;
      const bool is_good =
          i % 2 == 0 ? rows.skip(one.bodies[i]).has_value() : rows.rewrite(one.bodies[i], look, out).has_value();
      EXPECT_TRUE(is_good) << one.name;
      EXPECT_FALSE(rows.is_at_start());
    }
    EXPECT_TRUE(look.headers.empty());
    EXPECT_EQ(rows.is_ended(), one.format.kind == CopyFormat::Kind::binary) << one.name;
  }
}

TEST_F(CopyRowsCaptured, ACutMessageIsRefused) {
  for (const auto& one : captured) {
    for (std::size_t i = 0; i < one.bodies.size(); ++i) {
      const Bytes& body = one.bodies[i];
      for (std::size_t size = 1; size < body.size(); ++size) {
        auto bodies = std::vector(one.bodies.begin(), one.bodies.begin() + static_cast<std::ptrdiff_t>(i));
        bodies.push_back(body.substr(0, size));
        // The signature alone is whole, and so is what ends with a line feed that a csv value happens to hold: the
        // rows behind it show that it was not.
        if (one.format.kind == CopyFormat::Kind::binary && i == 0 && size == 19) continue;
        if (one.format.kind == CopyFormat::Kind::csv && body[size - 1] == '\n') continue;
        Look look;
        ASSERT_FALSE(rewrite(one.format, bodies, look)) << one.name << " " << i << " " << size;
      }
    }
  }
}

/// Whatever the cells are, what is written reads as these cells, and one that is left keeps its octets.
TEST_F(CopyRowsCaptured, ChangedCellsAreReadAsTheyWereGiven) {
  std::mt19937 random(1);
  const auto below = [&](std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random);
  };
  for (const auto& one : captured) {
    if (one.rows.empty()) continue;
    for (int round = 0; round < 5; ++round) {
      std::vector<std::pair<std::size_t, std::optional<Bytes>>> cells;
      std::vector<Cells> expected = one.rows;
      for (std::size_t column = 0; column < one.rows[0].size(); ++column) {
        if (below(2) == 0) continue;
        const View pieces[] = {"a", "\t", "\n", "\r", "\\", "\"", "'",  ",", one.format.null,
                               "ä", "N",  ".",  "x",  "7",  "|",  "\1", ""};
        std::optional<Bytes> cell = "";
        for (std::size_t i = 0, count = below(5); i < count; ++i) *cell += pieces[below(std::size(pieces))];
        if (below(8) == 0) cell = one.format.null;
        if (below(8) == 0) cell = "\\.";
        // In text form a NULL is read as the value that is written alike, where there is one.
        const bool is_null_certain = one.format.kind != CopyFormat::Kind::text || one.format.null == "\\N";
        if (is_null_certain && below(6) == 0) cell = std::nullopt;
        cells.emplace_back(column, cell);
        for (auto& row : expected) row[column] = cell;
      }
      Put visitor(cells);
      const auto made = rewrite(one.format, one.bodies, visitor);
      ASSERT_TRUE(made) << one.name;
      const auto rows = rows_of(one.format, *made);
      ASSERT_TRUE(rows) << one.name << " " << ::testing::PrintToString(*made);
      EXPECT_EQ(*rows, expected) << one.name;
    }
  }
}

// ---- text ----

TEST(CopyRowsText, EscapesAreThoseOfTheManual) {
  EXPECT_EQ(*rows_of(text(), {"\\b\\f\\n\\r\\t\\v\\\\\\.\\q\t\\101\\1012\\7\\x41\\x4\\xg\\x\t\\N\t\\\t.\n"}),
            (std::vector<Cells>{{"\b\f\n\r\t\v\\.q", "AA2\7A\4xgx", std::nullopt, "\t."}}));
  EXPECT_EQ(put(text(), "a\tb\n", {{0, "\b\f\n\r\t\v\\.\1N"}}), "\\b\\f\\n\\r\\t\\v\\\\.\1N\tb\n");
  EXPECT_EQ(put(text('|'), "a|b\n", {{0, "x|\ty"}, {1, {}}}), "x\\|\\ty|\\N\n");
  EXPECT_EQ(put(text(), "a\tb\n", {{1, "\\N"}}), "a\t\\\\N\n");
  // What was not changed keeps its octets, however it is written.
  EXPECT_EQ(put(text(), "\\101\tb\n", {{1, "c"}}), "\\101\tc\n");
}

/// COPY … (NULL 'a@b.c') must not tell which values are a@b.c by leaving them in clear text.
TEST(CopyRowsText, AValueThatIsWrittenAsTheNullStringIsAValue) {
  EXPECT_EQ(*rows_of(text('\t', "a@b.c"), {"a@b.c\tx\n"}), (std::vector<Cells>{{"a@b.c", "x"}}));
  EXPECT_EQ(*rows_of(text('\t', ""), {"\tx\n"}), (std::vector<Cells>{{"", "x"}}));
  EXPECT_EQ(*rows_of(text('\t', "\\\\N"), {"\\\\N\tx\n"}), (std::vector<Cells>{{"\\N", "x"}}));
  EXPECT_EQ(*rows_of(text('\t', "\\x41"), {"\\x41\tA\n"}), (std::vector<Cells>{{std::nullopt, "A"}}));
  EXPECT_EQ(put(text('\t', "a@b.c"), "a@b.c\tx\n", {{0, {}}}), "a@b.c\tx\n");
}

TEST(CopyRowsText, WhatIsNotWholeRowsIsRefused) {
  for (const Bytes& body : {"a", "a\tb", "a\\\n", "a\r\n", "a\\", "a\\\r\n", "\\.\na\n", "a\nb\tc\n"})
    EXPECT_FALSE(rows_of(text(), {body})) << body;
  EXPECT_FALSE(rows_of(text(), {"a\tb\n", "a\n"}));
  EXPECT_TRUE(rows_of(text(), {"a\tb\n", "", "\\.\n"}));
  EXPECT_FALSE(rows_of(text(), {"\\.\n", "a\n"}));
  EXPECT_EQ(*rows_of(text('\t', "\\."), {"\\.\n", "a\n"}), (std::vector<Cells>{{std::nullopt}, {"a"}}));
  EXPECT_EQ(*rows_of(text(), {"\n"}), (std::vector<Cells>{{""}}));
}

// ---- csv ----

TEST(CopyRowsCsv, QuotesAreThoseOfTheServer) {
  EXPECT_EQ(*rows_of(csv(), {"a,\"b\"\"c\",,\"\",\"d\n,e\"\n"}),
            (std::vector<Cells>{{"a", "b\"c", std::nullopt, "", "d\n,e"}}));
  EXPECT_EQ(*rows_of(csv('\'', '\\'), {"a,'b\\'c\\\\'\n"}), (std::vector<Cells>{{"a", "b'c\\"}}));
  EXPECT_EQ(*rows_of(csv('"', '"', "NULL"), {"NULL,\"NULL\",\n"}), (std::vector<Cells>{{std::nullopt, "NULL", ""}}));
  EXPECT_EQ(put(csv(), "a,b\n", {{0, "x"}, {1, "y,\"z\"\n\r"}}), "x,\"y,\"\"z\"\"\n\r\"\n");
  EXPECT_EQ(put(csv('\'', '\\'), "a,b\n", {{0, "it's \\"}, {1, "\\"}}), "'it\\'s \\\\',\\\n");
  EXPECT_EQ(put(csv(), "a,b\n", {{0, ""}, {1, {}}}), "\"\",\n");
  EXPECT_EQ(put(csv('"', '"', "NULL"), "a,b\n", {{0, "NULL"}, {1, {}}}), "\"NULL\",NULL\n");
  EXPECT_EQ(put(csv(), "a\n", {{0, "\\."}}), "\"\\.\"\n");
  EXPECT_EQ(put(csv(), "a,b\n", {{0, "\\."}}), "\\.,b\n");
  // FORCE_QUOTE, as far as it can be seen.
  EXPECT_EQ(put(csv(), "\"a\",\"b\"\n", {{0, "x"}}), "\"x\",\"b\"\n");
  EXPECT_EQ(put(csv(), "\"a\",b\n", {{0, {}}}), ",b\n");
}

TEST(CopyRowsCsv, ADotMayDivideColumns) {
  auto format = csv();
  format.delimiter = '.';
  EXPECT_EQ(*rows_of(format, {"\\.\n"}), (std::vector<Cells>{{"\\", std::nullopt}}));
}

TEST(CopyRowsCsv, WhatIsNotWholeRowsIsRefused) {
  for (const Bytes& body : {"a", "\"a\n", "\"a\"b\n", "a\"b\"\n", "a\r\n", "\"a\"", "\"\"\"\n", "a\n\"b", "a\nb,c\n"})
    EXPECT_FALSE(rows_of(csv(), {body})) << body;
  EXPECT_FALSE(rows_of(csv('"', '\\'), {"\"a\\b\"\n"}));
  EXPECT_FALSE(rows_of(csv(), {"\"a\n", "b\"\n"}));
  EXPECT_TRUE(rows_of(csv(), {"\"a\nb\"\n"}));
}

TEST(CopyRows, TheHeaderIsNoRow) {
  for (auto format : {text(), csv()}) {
    format.has_header = true;
    const Bytes between(1, format.delimiter);
    Look look;
    CopyRows rows(format);
    Bytes out;
    ASSERT_TRUE(rows.rewrite("a" + between + "b\n", look, out));
    ASSERT_TRUE(rows.rewrite("1" + between + "2\n", look, out));
    EXPECT_EQ(look.headers, (std::vector<Cells>{{"a", "b"}}));
    EXPECT_EQ(look.rows, (std::vector<Cells>{{"1", "2"}}));
    EXPECT_FALSE(rows.rewrite("1\n", look, out));
  }
}

// ---- binary ----

const Bytes kSignature("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
const Bytes kRow("\0\2\0\0\0\1a\377\377\377\377", 11);
const Bytes kTrailer("\377\377");

TEST(CopyRowsBinary, LengthsAreWrittenAnew) {
  EXPECT_EQ(*rows_of(binary(), {kSignature + kRow, kRow, kTrailer}),
            (std::vector<Cells>{{"a", std::nullopt}, {"a", std::nullopt}}));
  EXPECT_EQ(put(binary(), kSignature + kRow + kTrailer, {{0, {}}, {1, "long"}}),
            kSignature + Bytes("\0\2\377\377\377\377\0\0\0\4long", 14) + kTrailer);
  EXPECT_EQ(*rows_of(binary(), {kSignature + kTrailer}), std::vector<Cells>{});
  EXPECT_EQ(*rows_of(binary(), {kSignature + Bytes("\0\0", 2) + kTrailer}), std::vector<Cells>{Cells{}});
  const Bytes extended = Bytes(kSignature).replace(11, 8, Bytes("\0\0\0\1\0\0\0\3xyz", 11));
  Look look;
  EXPECT_EQ(rewrite(binary(), {extended, kRow}, look), (std::vector<Bytes>{extended, kRow}));
}

TEST(CopyRowsBinary, WhatIsNotWholeRowsIsRefused) {
  const auto is_refused = [](const std::vector<Bytes>& bodies) { return !rows_of(binary(), bodies); };
  EXPECT_TRUE(is_refused({kRow}));
  EXPECT_TRUE(is_refused({kSignature.substr(0, 11)}));
  EXPECT_TRUE(is_refused({kSignature + kTrailer + kRow}));
  EXPECT_TRUE(is_refused({kSignature + kTrailer, kRow}));
  EXPECT_TRUE(is_refused({kSignature + kTrailer, kTrailer}));
  EXPECT_TRUE(is_refused({kSignature, kSignature}));
  EXPECT_TRUE(is_refused({kSignature + Bytes("\377\376", 2)}));
  EXPECT_TRUE(is_refused({kSignature + Bytes("\0\1\377\377\377\376", 6)}));
  EXPECT_TRUE(is_refused({kSignature + Bytes("\0\1\177\377\377\377", 6)}));
  EXPECT_TRUE(is_refused({kSignature + kRow, Bytes("\0\1\0\0\0\0", 6)}));  // another number of columns
  Bytes with_oids = kSignature;
  with_oids[12] = 1;
  EXPECT_TRUE(is_refused({with_oids + kRow}));
  Bytes endless = kSignature;
  endless[15] = '\377';
  EXPECT_TRUE(is_refused({endless + kRow}));
}

TEST(CopyRows, AFormatThatTheServerWouldRefuseIsNotRead) {
  std::vector<CopyFormat> formats = {
      text('a'), text('.'), text('\\'),           text('\n'),          text('\t', "a\tb"), text('\t', "a\nb"),
      csv(','),  csv('\n'), csv('"', '"', "a,b"), csv('"', '"', "\""), csv('\r')};
  formats.push_back(text());
  formats.back().is_readable = false;
  formats.push_back(binary());
  formats.back().has_header = true;
  for (const auto& format : formats) {
    Look look;
    CopyRows rows(format);
    Bytes out;
    const auto result = rows.rewrite("a\n", look, out);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::unsupported);
    EXPECT_FALSE(rows.skip("a\n"));
  }
}

}  // namespace
}  // namespace sallyport::proto::postgres
