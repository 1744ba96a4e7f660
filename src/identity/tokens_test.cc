#include "identity/tokens.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <thread>

#include "identity/token_text.h"

namespace sallyport::identity {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

TEST(TokenText, HasAFormThatScannersKnow) {
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    const auto token = make_token_text();
    const std::string text(token.reveal());
    EXPECT_EQ(text.size(), kTokenSize);
    EXPECT_TRUE(is_token_text(text));
    EXPECT_TRUE(seen.insert(text).second);
    for (std::size_t place = 0; place < text.size(); ++place) {
      std::string changed = text;
      changed[place] = changed[place] == 'a' ? 'b' : 'a';
      EXPECT_FALSE(is_token_text(changed)) << changed;
    }
    EXPECT_FALSE(is_token_text(text.substr(1)));
    EXPECT_FALSE(is_token_text(text + "0"));
  }
  EXPECT_FALSE(is_token_text(""));
}

TEST(TokenText, ChecksumIsZlibsCrc32InBase62) {
  // python3: zlib.crc32(b"0" * 30) == 0x77e5db82, in base 62 2C8GjS
  EXPECT_TRUE(is_token_text("sp_0000000000000000000000000000002C8GjS"));
}

class TokensTest : public testing::Test {
 protected:
  TokensTest() {
    std::string pattern = (fs::temp_directory_path() / "sallyport-tokens-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    open();
  }
  ~TokensTest() override {
    tokens_.reset();
    store_.reset();
    fs::remove_all(folder_);
  }
  void open() {
    tokens_.reset();
    store_.reset();
    store_ = std::move(store::Store::open(folder_ + "/store.db").value());
    tokens_ = std::move(Tokens::open(*store_, options()).value());
  }
  static TokenOptions options() {
    model::Principal agent;
    agent.name = "agent-1";
    agent.owner = "sam";
    agent.groups = {"ai"};
    return {{agent}, 1h};
  }
  std::string issue(std::vector<std::string> targets = {}, std::chrono::nanoseconds lifetime = 0ns) {
    auto draft = tokens_->draft({"agent-1", std::move(targets), lifetime, "a test", "operator uid 7"}).value();
    last_id_ = draft.row.id;
    EXPECT_TRUE(tokens_->issue(draft));
    return std::string(draft.token.reveal());
  }
  std::string said(const std::string& token, const std::string& target = "orders") {
    const auto accepted = tokens_->verify(token, target);
    if (accepted) return "yes";
    EXPECT_EQ(accepted.error().kind, model::Refusal::Kind::authentication);
    EXPECT_FALSE(accepted.error().hint.empty());
    EXPECT_EQ(accepted.error().message.find(token), std::string::npos);
    return accepted.error().message;
  }
  std::string folder_, last_id_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Tokens> tokens_;
};

TEST_F(TokensTest, AnIssuedTokenIsItsPrincipals) {
  const std::string token = issue();
  const auto accepted = tokens_->verify(token, "orders");
  ASSERT_TRUE(accepted);
  EXPECT_EQ(accepted->principal.name, "agent-1");
  EXPECT_EQ(accepted->principal.owner, "sam");
  EXPECT_EQ(accepted->principal.groups, std::vector<std::string>{"ai"});
  EXPECT_EQ(accepted->authentication.method, "token");
  EXPECT_EQ(accepted->authentication.token_id, last_id_);
  EXPECT_GT(accepted->authentication.expires_wall_ns, tokens_->now_ns());
}

TEST_F(TokensTest, ADraftIsNotValid) {
  const auto draft = tokens_->draft({"agent-1", {}, 0ns, "", ""}).value();
  EXPECT_EQ(said(std::string(draft.token.reveal())), "the token is not known to this gateway");
}

TEST_F(TokensTest, RefusesWithTheReason) {
  EXPECT_EQ(said("hunter2"), "the password is not a Sallyport token");
  EXPECT_EQ(said(std::string(make_token_text().reveal())), "the token is not known to this gateway");
  const std::string bound = issue({"orders"});
  EXPECT_EQ(said(bound), "yes");
  EXPECT_EQ(said(bound, "other"), "the token " + last_id_ + " is not for this target");
  const std::string revoked = issue();
  ASSERT_TRUE(tokens_->revoke(last_id_, "lost"));
  EXPECT_TRUE(said(revoked).starts_with("the token " + last_id_ + " was revoked at 20"));
  const std::string brief = issue({}, 1s);
  EXPECT_EQ(said(brief), "yes");
  std::this_thread::sleep_for(1100ms);
  EXPECT_TRUE(said(brief).starts_with("the token " + last_id_ + " expired at 20"));
  tokens_->replace({{}, 1h});
  EXPECT_TRUE(said(bound).ends_with("no longer configured"));
}

TEST_F(TokensTest, DraftsWithinLimitsOnly) {
  EXPECT_FALSE(tokens_->draft({"nobody", {}, 0ns, "", ""}));
  EXPECT_FALSE(tokens_->draft({"agent-1", {}, 2h, "", ""}));
  EXPECT_FALSE(tokens_->draft({"agent-1", {}, 1ms, "", ""}));
  EXPECT_FALSE(tokens_->draft({"agent-1", {}, -1h, "", ""}));
  EXPECT_FALSE(tokens_->draft({"agent-1", {}, 0ns, std::string(1001, 'x'), ""}));
  EXPECT_FALSE(tokens_->draft({"agent-1", {}, 0ns, "\xff", ""}));
  EXPECT_TRUE(tokens_->draft({"agent-1", {}, 1h, "", ""}));
}

TEST_F(TokensTest, SurvivesARestartAndLeavesNoTokenOnDisk) {
  const std::string token = issue({"orders"});
  const std::string id = last_id_;
  const std::string gone = issue();
  ASSERT_TRUE(tokens_->revoke(last_id_, "lost"));
  open();
  EXPECT_EQ(said(token), "yes");
  EXPECT_EQ(said(token, "other"), "the token " + id + " is not for this target");
  EXPECT_NE(said(gone), "yes");
  for (const auto& entry : fs::directory_iterator(folder_)) {
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string octets(std::istreambuf_iterator<char>(in), {});
    EXPECT_EQ(octets.find(token.substr(3, 30)), std::string::npos) << entry.path();
  }
}

TEST_F(TokensTest, TellsSubscribersOfARevocationOnceItHolds) {
  const std::string token = issue();
  std::vector<std::string> told;
  auto subscription = tokens_->on_revoked([&](const std::string& id) {
    EXPECT_NE(said(token), "yes");
    told.push_back(id);
  });
  EXPECT_FALSE(tokens_->revoke("tok-none", ""));
  EXPECT_TRUE(tokens_->is_revocable(last_id_));
  ASSERT_TRUE(tokens_->revoke(last_id_, ""));
  EXPECT_FALSE(tokens_->is_revocable(last_id_));
  EXPECT_FALSE(tokens_->revoke(last_id_, ""));
  EXPECT_EQ(told, std::vector<std::string>{last_id_});
  subscription.reset();
  issue();
  ASSERT_TRUE(tokens_->revoke(last_id_, ""));
  EXPECT_EQ(told.size(), 1U);
}

TEST_F(TokensTest, ListsWithoutHashes) {
  issue();
  issue({"a", "b", "a"});
  const auto rows = tokens_->list();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].targets, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(rows[1].hash, base::Digest{});
}

TEST_F(TokensTest, ManyThreads) {
  const std::string token = issue();
  std::atomic<bool> is_done = false;
  std::atomic<int> yes = 0, no = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      while (!is_done) (tokens_->verify(token, "orders") ? yes : no)++;
    });
  while (yes < 100) std::this_thread::yield();
  const std::string id = last_id_;
  issue();
  ASSERT_TRUE(tokens_->revoke(id, ""));
  const int before = no;
  while (no < before + 100) std::this_thread::yield();
  is_done = true;
  for (auto& thread : threads) thread.join();
  EXPECT_GE(yes, 100);
}

}  // namespace
}  // namespace sallyport::identity
