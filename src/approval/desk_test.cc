#include "approval/desk.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <future>
#include <random>
#include <thread>

#include "approval/records.h"
#include "audit/audit_testing.h"
#include "audit/cbor.h"
#include "net/core.h"

namespace sallyport::approval {
namespace {

using namespace std::chrono_literals;
using model::PrincipalKind;

model::Principal person(std::string name, std::vector<std::string> groups = {"dba"}) {
  return {.name = std::move(name), .kind = PrincipalKind::human, .groups = std::move(groups)};
}

policy::Rule hold_rule(int count = 1) {
  return {.name = "ask",
          .then = policy::Rule::HoldFor{.approver_groups = {"dba"}, .approver_principals = {"mo"}, .count = count}};
}

policy::Hold held(std::uint64_t number, int count = 1) {
  const policy::Engine engine({hold_rule(count)}, 7);
  auto understanding = std::make_shared<model::Understanding>();
  understanding->effects.add(model::Effect::write);
  understanding->statements.push_back({.kind = "UPDATE", .effects = {model::Effect::write}});
  model::Command command{.op = number, .number = number};
  command.text = std::make_shared<const std::string>("UPDATE t SET x = 1");
  auto verdict = engine.judge(std::move(command), understanding, {.name = "agent-1"}, {.name = "orders"});
  return std::move(std::get<policy::Hold>(verdict));
}

Request request(const policy::Terms& terms, std::string who = "agent-1") {
  return {.session = std::string(32, 'a'),
          .requester = {.name = std::move(who), .kind = PrincipalKind::agent, .owner = "sam", .act = {"olga"}},
          .target = "orders",
          .rules = "ask",
          .terms = terms,
          .statement = "UPDATE t SET x = 1"};
}

/// A trail in a folder of its own, one core, and a desk.
class DeskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    core_.start();
    lane_ = std::make_unique<audit::Lane>(*trail_, core_.loop().get_executor());
  }
  void TearDown() override {
    core_.stop();
    lane_.reset();
  }

  struct Ended {
    bool is_permit = false;
    model::Refusal refusal{};
    State state = State::opening;
  };

  /// A session that holds one Command and ends with what came of it.
  net::Task<> session(
      std::uint64_t number, int count, std::function<void(const std::string& id, Ticket&)> shown,
      std::function<void(Ended)> ended, std::function<bool()> is_client_gone = [] { return false; },
      std::optional<model::Refusal> voided = std::nullopt, std::string who = "agent-1") {
    audit::Recorder recorder(*trail_, *lane_, audit::Durability::batch);
    co_await recorder.open({.principal = {.name = who}, .target = "orders"});
    policy::Hold hold = held(number, count);
    auto ticket = desk_.open(request(hold.terms(), who), core_.loop().get_executor());
    if (!ticket) {
      ended({.refusal = ticket.error()});
      co_return;
    }
    EXPECT_FALSE(desk_.find(ticket->id())) << "shown before it is recorded";
    auto recorded = co_await recorder.hold(std::move(hold), hold_meta(ticket->status(), {}));
    shown(ticket->id(), *ticket);
    co_await ticket->wait(&recorded, &is_client_gone);
    auto decided = std::move(*ticket).settle(std::move(recorded), voided);
    Ended end{.is_permit = std::holds_alternative<policy::Permit>(decided), .state = ticket->status().state};
    if (!end.is_permit) end.refusal = std::get<policy::Denial>(decided).refusal();
    ended(std::move(end));
    co_await recorder.close("done");
  }

  /// Runs one and returns what came of it; `act` is called on this thread with its id once it waits.
  Ended run(
      int count, const std::function<void(const std::string& id)>& act,
      std::optional<model::Refusal> voided = std::nullopt, std::function<bool()> is_gone = [] { return false; }) {
    std::promise<std::string> shown;
    std::promise<Ended> ended;
    net::asio::co_spawn(core_.loop(),
                        session(
                            1, count, [&](const std::string& id, Ticket&) { shown.set_value(id); },
                            [&](Ended end) { ended.set_value(std::move(end)); }, std::move(is_gone), std::move(voided)),
                        net::asio::detached);
    const std::string id = shown.get_future().get();
    while (!desk_.find(id)) std::this_thread::sleep_for(1ms);
    act(id);
    return ended.get_future().get();
  }

  static std::unique_ptr<audit::Trail> open_trail(const std::string& folder) {
    audit::TrailOptions options;
    options.data_folder = folder;
    options.origin = "test/gateway";
    auto trail = audit::Trail::open(std::move(options));
    EXPECT_TRUE(trail) << trail.error().message;
    return std::move(*trail);
  }

  audit::testing::TemporaryFolder folder_;
  std::unique_ptr<audit::Trail> trail_ = open_trail(folder_.path());
  net::Core core_;
  std::unique_ptr<audit::Lane> lane_;
  Desk desk_{{.holds_per_principal = 5, .pause_after_denial = 0s}};
};

TEST_F(DeskTest, OneYesReleasesIt) {
  const auto ended = run(1, [&](const auto& id) {
    EXPECT_EQ(desk_.vote(id, person("dana"), true, "fine").value(), State::approved);
    EXPECT_FALSE(desk_.vote(id, person("erin"), true, ""));
  });
  EXPECT_TRUE(ended.is_permit);
  EXPECT_EQ(desk_.list().at(0).votes.at(0).reason, "fine");
}

TEST_F(DeskTest, TwoPeopleAreTwoPeople) {
  const auto ended = run(2, [&](const auto& id) {
    EXPECT_EQ(desk_.vote(id, person("dana"), true, "").value(), State::pending);
    EXPECT_FALSE(desk_.vote(id, person("dana"), true, ""));
    EXPECT_EQ(desk_.vote(id, person("mo", {}), true, "").value(), State::approved);
  });
  EXPECT_TRUE(ended.is_permit);
}

TEST_F(DeskTest, OneNoEndsIt) {
  const auto ended = run(2, [&](const auto& id) {
    EXPECT_EQ(desk_.vote(id, person("dana"), true, "").value(), State::pending);
    EXPECT_EQ(desk_.vote(id, person("erin"), false, "no").value(), State::denied);
    EXPECT_FALSE(desk_.vote(id, person("mo"), true, ""));
  });
  EXPECT_FALSE(ended.is_permit);
  EXPECT_NE(ended.refusal.message.find("denied by erin: no"), std::string::npos);
}

TEST_F(DeskTest, WhoMayNotVote) {
  const auto ended = run(1, [&](const auto& id) {
    for (const auto& nobody :
         {person("agent-1"), person("sam"), person("olga"), person("eve", {"cooks"}),
          model::Principal{.name = "robot", .kind = PrincipalKind::agent, .groups = {"dba"}},
          model::Principal{.name = "puppet", .kind = PrincipalKind::human, .groups = {"dba"}, .act = {"agent-1"}}}) {
      EXPECT_FALSE(desk_.may_vote(id, nobody)) << nobody.name;
      EXPECT_FALSE(desk_.vote(id, nobody, true, "")) << nobody.name;
      EXPECT_FALSE(desk_.vote(id, nobody, false, "")) << nobody.name;
    }
    EXPECT_FALSE(desk_.vote("nothing", person("dana"), true, ""));
    EXPECT_EQ(desk_.find(id)->state, State::pending);
    EXPECT_EQ(desk_.refuse(id, "operator uid 0", "").value(), State::denied);
  });
  EXPECT_FALSE(ended.is_permit);
}

TEST_F(DeskTest, WhatChangedInBetweenIsVoid) {
  const auto ended = run(
      1, [&](const auto& id) { EXPECT_TRUE(desk_.vote(id, person("dana"), true, "")); },
      model::Refusal{.message = "the table is another one"});
  EXPECT_FALSE(ended.is_permit);
  EXPECT_EQ(ended.refusal.message, "the table is another one");
  EXPECT_EQ(desk_.list().at(0).state, State::cancelled);
}

TEST_F(DeskTest, AClientThatIsGoneWaitsForNobody) {
  std::atomic<bool> is_gone = false;
  const auto ended = run(1, [&](const auto&) { is_gone = true; }, std::nullopt, [&] { return is_gone.load(); });
  EXPECT_FALSE(ended.is_permit);
  EXPECT_EQ(ended.state, State::cancelled);
}

TEST_F(DeskTest, TooManyAndAPauseAfterADenial) {
  desk_.replace({.holds_per_principal = 1, .pause_after_denial = 3600s});
  auto first = desk_.open(request({}), core_.loop().get_executor());
  ASSERT_TRUE(first);
  const auto second = desk_.open(request({}), core_.loop().get_executor());
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("1 requests that wait"), std::string::npos);
  EXPECT_TRUE(desk_.open(request({}, "agent-2"), core_.loop().get_executor()));
  {
    auto gone = std::move(*first);
  }
  run(1, [&](const auto& id) { EXPECT_TRUE(desk_.vote(id, person("dana"), false, "")); });
  const auto paused = desk_.open(request({}), core_.loop().get_executor());
  ASSERT_FALSE(paused);
  EXPECT_NE(paused.error().message.find("denied a moment ago"), std::string::npos);
  EXPECT_TRUE(desk_.open(request({}, "agent-2"), core_.loop().get_executor()));
}

/// Thousands, with people, clients and the time racing: each is decided once, and a Permit comes of an approval alone.
TEST_F(DeskTest, EachIsDecidedOnceUnderRaces) {
  constexpr int kHolds = 2500, kAtOnce = 64;
  desk_.replace({.holds_per_principal = kHolds, .pause_after_denial = 0s, .kept = kHolds});
  std::atomic<int> permits = 0, denials = 0, open = 0;
  std::mutex mutex;
  std::vector<std::string> ids;
  std::atomic<bool> is_over = false;
  std::vector<std::thread> people;
  for (unsigned seed = 0; seed < 3; ++seed)
    people.emplace_back([&, seed] {
      std::minstd_rand chance(seed + 1);
      while (!is_over) {
        std::string id;
        {
          const std::scoped_lock lock(mutex);
          if (!ids.empty()) id = ids[chance() % ids.size()];
        }
        if (id.empty()) {
          std::this_thread::yield();
          continue;
        }
        static_cast<void>(desk_.vote(id, person("p" + std::to_string(chance() % 3)), chance() % 4 != 0, ""));
      }
    });
  for (int number = 0; number < kHolds; ++number) {
    while (open >= kAtOnce) std::this_thread::sleep_for(100us);
    ++open;
    auto is_gone = [chance = std::minstd_rand(static_cast<unsigned>(number) + 1)]() mutable {
      return chance() % 5 == 0;
    };
    net::asio::co_spawn(core_.loop(),
                        session(
                            static_cast<std::uint64_t>(number), 1 + number % 2,
                            [&, number](const std::string& id, Ticket& ticket) {
                              if (number % 7 == 0) ticket.cancel({.message = "changed my mind"});
                              const std::scoped_lock lock(mutex);
                              ids.push_back(id);
                              if (ids.size() > 2 * kAtOnce) ids.erase(ids.begin(), ids.begin() + kAtOnce / 2);
                            },
                            [&](Ended ended) {
                              ++(ended.is_permit ? permits : denials);
                              EXPECT_EQ(ended.is_permit, ended.state == State::approved);
                              --open;
                            },
                            is_gone),
                        net::asio::detached);
  }
  for (int i = 0; i < 30000 && open > 0; ++i) std::this_thread::sleep_for(1ms);
  is_over = true;
  for (auto& thread : people) thread.join();
  EXPECT_EQ(permits + denials, kHolds);
  EXPECT_GT(permits, kHolds / 50);
  EXPECT_GT(denials, kHolds / 50);
  int approved = 0;
  for (const Status& status : desk_.list()) {
    EXPECT_NE(status.state, State::pending);
    approved += status.state == State::approved ? 1 : 0;
  }
  EXPECT_EQ(approved, permits);
}

TEST(Records, AreDeterministicCbor) {
  Status status{.id = "abc", .request = request(held(3, 2).terms()), .state = State::denied};
  status.request.stored.push_back({.name = "q", .text = "SELECT 1"});
  status.request.parameters.push_back({.type = 23, .octets = "7", .full_size = 1});
  status.votes.push_back({"dana", false, "no", 5});
  for (const auto& meta : {hold_meta(status, {}), approval_meta(status)}) {
    const auto value = audit::cbor::decode(meta);
    ASSERT_TRUE(value) << value.error().message;
    EXPECT_EQ(value->find("id")->octets, "abc");
  }
  const auto value = audit::cbor::decode(approval_meta(status));
  EXPECT_EQ(value->find("state")->octets, "denied");
  EXPECT_EQ(value->find("votes")->items.at(0).find("by")->octets, "dana");
}

}  // namespace
}  // namespace sallyport::approval
