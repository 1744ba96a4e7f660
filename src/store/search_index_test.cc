#include "store/search_index.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace sallyport::store {
namespace {

namespace fs = std::filesystem;

class SearchIndexTest : public testing::Test {
 protected:
  SearchIndexTest() {
    std::string pattern = (fs::temp_directory_path() / "sallyport-index-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    open();
  }
  ~SearchIndexTest() override {
    index_.reset();
    fs::remove_all(folder_);
  }
  void open(SearchIndex::Limits limits = {}) {
    index_.reset();
    index_ = std::move(SearchIndex::open(folder_ + "/search.db", limits).value());
  }
  std::vector<std::string> found(std::string_view text) {
    index_->flush();
    std::vector<std::string> texts;
    for (const StatementRow& row : index_->search(text, 100).value()) texts.push_back(row.session + ":" + row.text);
    return texts;
  }
  using Texts = std::vector<std::string>;
  std::string folder_;
  std::unique_ptr<SearchIndex> index_;
};

TEST_F(SearchIndexTest, FindsAnyPartOfAStatementNewestFirst) {
  index_->add(StatementRow{"s1", 4, 10, "SELECT * FROM customers WHERE name = 'O\"Hara'"});
  index_->add(StatementRow{"s2", 0, 20, "delete from Customers"});
  index_->add(StatementRow{"s2", 1, 30, "SELECT 1"});
  EXPECT_EQ(found("CUSTOMER"),
            (Texts{"s2:delete from Customers", "s1:SELECT * FROM customers WHERE name = 'O\"Hara'"}));
  EXPECT_EQ(found("O\"Hara"), (Texts{"s1:SELECT * FROM customers WHERE name = 'O\"Hara'"}));
  EXPECT_EQ(found("T 1"), (Texts{"s2:SELECT 1"}));
  EXPECT_EQ(found("1"), (Texts{"s2:SELECT 1"}));
  EXPECT_EQ(found("customers OR select"), Texts{});
  EXPECT_EQ(found("\" OR \""), Texts{});
  EXPECT_EQ(index_->search("customers", 1).value().size(), 1U);
  EXPECT_EQ(index_->search("name =", 9).value().at(0).op, 4U);
  EXPECT_FALSE(index_->search("", 9));
  EXPECT_FALSE(index_->search("\xff", 9));
}

TEST_F(SearchIndexTest, OneRowForEachDistinctStatementOfASession) {
  for (std::uint64_t op = 7; op < 100; ++op) index_->add(StatementRow{"s1", op, 10, "SELECT 1"});
  index_->add(StatementRow{"s2", 1, 10, "SELECT 1"});
  EXPECT_EQ(found("SELECT").size(), 2U);
  EXPECT_EQ(index_->search("SELECT", 9).value().at(1).op, 7U);
}

TEST_F(SearchIndexTest, ListsSessions) {
  index_->add(SessionRow{"a", "agent-1", "orders", "db", "127.0.0.1:9", "tok-1", 10, 0, ""});
  index_->add(SessionRow{"b", "agent-1", "orders", "db", "127.0.0.1:9", "tok-1", 20, 0, ""});
  index_->add(SessionEnd{"a", 30, "client left"});
  index_->flush();
  const auto rows = index_->sessions(9).value();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].id, "b");
  EXPECT_EQ(rows[1].closed_ns, 30);
  EXPECT_EQ(index_->session("a").value().reason, "client left");
  EXPECT_FALSE(index_->session("c"));
}

TEST_F(SearchIndexTest, SaysWhenRowsWereLost) {
  EXPECT_TRUE(index_->is_complete());
  index_->add(StatementRow{"s", 0, 1, "kept over a restart"});
  open();
  EXPECT_TRUE(index_->is_complete());
  EXPECT_EQ(found("over a restart").size(), 1U);
  open({.queued_octets = 300});
  index_->add(StatementRow{"s", 0, 1, std::string(1000, 'x')});
  EXPECT_FALSE(index_->is_complete());
  open();
  EXPECT_FALSE(index_->is_complete());
  ASSERT_TRUE(index_->rebuild([](const SearchIndex::Sink& sink) {
    sink(StatementRow{"t", 0, 1, "from the trail"});
    return base::Result<void>{};
  }));
  EXPECT_TRUE(index_->is_complete());
  EXPECT_EQ(found("from").size(), 1U);
  EXPECT_EQ(found("restart").size(), 0U);
  open();
  EXPECT_TRUE(index_->is_complete());
  EXPECT_EQ(found("from").size(), 1U);
}

TEST_F(SearchIndexTest, ACrashLeavesTheMark) {
  const std::string copy = folder_ + "/copy.db";
  index_->flush();
  fs::copy(folder_ + "/search.db", copy);
  fs::copy(folder_ + "/search.db-wal", copy + "-wal");
  const auto other = SearchIndex::open(copy, {});
  ASSERT_TRUE(other);
  EXPECT_FALSE((*other)->is_complete());
}

TEST_F(SearchIndexTest, AFailedRebuildStaysIncomplete) {
  EXPECT_FALSE(index_->rebuild([](const SearchIndex::Sink&) -> base::Result<void> {
    return base::fail(base::Code::corrupt, "the trail cannot be read");
  }));
  EXPECT_FALSE(index_->is_complete());
}

TEST(SeenStatements, TellsTheFirstTime) {
  SeenStatements seen(2);
  EXPECT_TRUE(seen.is_new("a"));
  EXPECT_FALSE(seen.is_new("a"));
  EXPECT_TRUE(seen.is_new("b"));
  EXPECT_TRUE(seen.is_new("a"));  // was full, and forgot
}

}  // namespace
}  // namespace sallyport::store
