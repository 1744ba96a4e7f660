#include "store/store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

namespace sallyport::store {
namespace {

namespace fs = std::filesystem;

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    std::string pattern = (fs::temp_directory_path() / "sallyport-store-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~StoreTest() override { fs::remove_all(folder_); }
  std::string path() const { return folder_ + "/store.db"; }
  std::string folder_;
};

TokenRow a_token(const std::string& id) {
  TokenRow row;
  row.id = id;
  row.hash = base::sha256(id);
  row.principal = "agent-1";
  row.targets = {"a", "b"};
  row.created_ns = 10;
  row.expires_ns = 20;
  row.reason = "why";
  row.issued_by = "operator uid 7";
  return row;
}

TEST_F(StoreTest, KeepsTokensAcrossARestart) {
  {
    auto store = Store::open(path());
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_TRUE((*store)->put(a_token("one")));
    ASSERT_TRUE((*store)->put(a_token("two")));
    EXPECT_TRUE((*store)->revoke("two", 15, "lost").value());
    EXPECT_FALSE((*store)->revoke("two", 16, "again").value());
    EXPECT_FALSE((*store)->revoke("three", 16, "").value());
    EXPECT_FALSE((*store)->put(a_token("one")));  // the same id and hash: refused
  }
  auto store = Store::open(path());
  ASSERT_TRUE(store);
  const auto rows = (*store)->tokens_expiring_after(19).value();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].id, "one");
  EXPECT_EQ(rows[0].hash, base::sha256("one"));
  EXPECT_EQ(rows[0].targets, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(rows[0].issued_by, "operator uid 7");
  EXPECT_EQ(rows[1].revoked_ns, 15);
  EXPECT_EQ(rows[1].revoked_reason, "lost");
  EXPECT_TRUE((*store)->tokens_expiring_after(20).value().empty());
  ASSERT_TRUE((*store)->forget_expired(21));
  EXPECT_TRUE((*store)->tokens_expiring_after(0).value().empty());
}

TEST_F(StoreTest, FilesAreForTheOwnerOnly) {
  auto store = Store::open(path());
  ASSERT_TRUE(store);
  ASSERT_TRUE((*store)->put(a_token("one")));
  int count = 0;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    struct stat status{};
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U) << entry.path();
    ++count;
  }
  EXPECT_EQ(count, 3);
}

TEST_F(StoreTest, RefusesANewerOrForeignFile) {
  {
    auto database = Database::open(path(), Sync::full, {});
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->execute("PRAGMA user_version=99"));
  }
  auto store = Store::open(path());
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().message.find("newer"), std::string::npos);
  fs::remove(path());
  std::FILE* file = std::fopen(path().c_str(), "w");
  std::fputs("this is no database at all, but some text that is long enough to be looked at by the library ......",
             file);
  std::fclose(file);
  EXPECT_EQ(Store::open(path()).error().code, base::Code::corrupt);
  EXPECT_FALSE(Store::open(folder_ + "/absent/store.db"));
}

TEST_F(StoreTest, AFailedMigrationLeavesTheOldVersion) {
  {
    ASSERT_TRUE(Database::open(path(), Sync::full, {"CREATE TABLE a (x)"}));
  }
  EXPECT_FALSE(Database::open(path(), Sync::full, {"CREATE TABLE a (x)", "CREATE TABLE b (x); CREATE TABLE a (x)"}));
  auto database = Database::open(path(), Sync::full, {"CREATE TABLE a (x)", "CREATE TABLE b (x)"});
  ASSERT_TRUE(database) << database.error().message;
  EXPECT_TRUE(database->execute("INSERT INTO b VALUES (1)"));
}

TEST_F(StoreTest, TheClockDoesNotGoBackAcrossARestart) {
  std::int64_t ahead = 0;
  {
    auto store = Store::open(path());
    ASSERT_TRUE(store);
    ahead = (*store)->clock().now() + std::int64_t{3600} * 1'000'000'000;
  }
  {
    auto database = Database::open(path(), Sync::full, {""});
    ASSERT_TRUE(database);
    auto query = database->prepare("UPDATE clock SET highest_ns = ?1");
    ASSERT_TRUE(query->bind(1, ahead).run());
  }
  auto store = Store::open(path());
  ASSERT_TRUE(store);
  EXPECT_GE((*store)->clock().now(), ahead);
}

TEST(GrantClock, NeverGoesBackAndNeverStands) {
  std::int64_t wall = 1000, boot = 50;
  GrantClock clock(900, [&] { return wall; }, [&] { return boot; });
  EXPECT_EQ(clock.now(), 1000);
  wall = 1010, boot = 60;
  EXPECT_EQ(clock.now(), 1010);
  wall = 10, boot = 160;  // set back: the time since boot goes on
  EXPECT_EQ(clock.now(), 1110);
  wall = 5000;  // set ahead
  EXPECT_EQ(clock.now(), 5000);
  wall = 20, boot = 170;
  EXPECT_EQ(clock.now(), 5000);
  GrantClock later(5000, [&] { return wall; }, [&] { return boot; });
  EXPECT_EQ(later.now(), 5000);
  boot = 180;
  EXPECT_EQ(later.now(), 5010);
}

}  // namespace
}  // namespace sallyport::store
