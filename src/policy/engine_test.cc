#include "policy/engine.h"

#include <gtest/gtest.h>

#include <utility>

#include "policy/policy_testing.h"

namespace sallyport::policy {
namespace {

using model::Effect;
using model::EffectSet;
using model::Understanding;
using testing::one;

const model::Principal kAgent{.name = "agent-1", .kind = model::PrincipalKind::agent, .groups = {"ai-agents"}};
const model::TargetName kOrders{.name = "orders", .labels = {{"env", "prod"}}};

Rule allow(std::string name, Rule::If when = {}) {
  return {.name = std::move(name), .if_ = std::move(when), .then = Rule::Allow{}};
}
Rule deny(std::string name, Rule::If when, std::string message = "") {
  return {.name = std::move(name), .if_ = std::move(when), .then = Rule::Deny{std::move(message)}};
}
Rule hold(std::string name, Rule::If when) {
  return {.name = std::move(name), .if_ = std::move(when), .then = Rule::HoldFor{}};
}

Understanding housekeeping(std::string kind) {
  auto what = one(std::move(kind), {Effect::session});
  what.statements[0].is_housekeeping = true;
  return what;
}
const model::Relation kOrdersRead{.schema = "public", .name = "orders", .is_read = true};
const model::Relation kSecretRead{.schema = "secret", .name = "keys", .is_read = true};
const model::Relation kLost{.name = "keys", .is_read = true};

struct Judged {
  bool is_permit = false;
  std::string rules{};
  model::Refusal refusal{};
  std::optional<Terms> hold{};
};

Judged judge(std::vector<Rule> rules, Understanding what, const model::Principal& principal = kAgent) {
  const Engine engine(std::move(rules), 7);
  Verdict verdict = engine.judge(model::Command{.number = 3}, std::make_shared<const Understanding>(std::move(what)),
                                 principal, kOrders);
  if (const auto* permit = std::get_if<Permit>(&verdict)) {
    EXPECT_EQ(std::get<model::Command>(permit->step()).number, 3U);
    EXPECT_EQ(permit->grounds().rule_set, 7U);
    return {.is_permit = true, .rules = permit->grounds().rules};
  }
  if (const auto* held = std::get_if<Hold>(&verdict)) {
    EXPECT_EQ(held->command().number, 3U);
    EXPECT_TRUE(engine.may_hold(principal, kOrders));
    return {.rules = held->grounds().rules, .hold = held->terms()};
  }
  const auto& denial = std::get<Denial>(verdict);
  EXPECT_EQ(denial.command().number, 3U);
  return {.rules = denial.grounds().rules, .refusal = denial.refusal()};
}

TEST(Engine, RefusesWhatNoRuleAllows) {
  const auto verdict = judge({}, one("SELECT", {Effect::read}, {kOrdersRead}));
  EXPECT_FALSE(verdict.is_permit);
  EXPECT_EQ(verdict.rules, "");
  EXPECT_NE(verdict.refusal.message.find("no rule allows anything to agent-1 on orders"), std::string::npos);
  EXPECT_NE(verdict.refusal.detail.find("Effects: read."), std::string::npos);
  EXPECT_NE(verdict.refusal.detail.find("public.orders"), std::string::npos);
}

TEST(Engine, AllowMustCoverEveryEffect) {
  const auto rule = allow("reads", {.effects = EffectSet{Effect::read}});
  EXPECT_TRUE(judge({rule}, one("SELECT", {Effect::read})).is_permit);
  const auto verdict = judge({rule}, one("SELECT", {Effect::read, Effect::call}));
  EXPECT_FALSE(verdict.is_permit);
  EXPECT_NE(verdict.refusal.hint.find("reads (read)"), std::string::npos);
}

TEST(Engine, PowerfulEffectsMustBeNamed) {
  for (const Effect effect : {Effect::privilege, Effect::server, Effect::unknown}) {
    EXPECT_FALSE(judge({allow("all")}, one("X", {effect})).is_permit);
    EXPECT_TRUE(judge({allow("named", {.effects = EffectSet{effect}})}, one("X", {effect})).is_permit);
  }
  for (const Effect effect : {Effect::read, Effect::write, Effect::schema, Effect::session, Effect::call}) {
    EXPECT_TRUE(judge({allow("all")}, one("X", {effect})).is_permit);
  }
}

TEST(Engine, TwoAllowsDoNotAddUp) {
  EXPECT_FALSE(
      judge({allow("r", {.effects = EffectSet{Effect::read}}), allow("w", {.effects = EffectSet{Effect::write}})},
            one("UPDATE", {Effect::read, Effect::write}))
          .is_permit);
}

TEST(Engine, AllowMustCoverEveryStatementAndRelation) {
  auto two = one("SELECT", {Effect::read});
  two.statements.push_back({.kind = "EXPLAIN", .effects = {Effect::read}});
  EXPECT_FALSE(judge({allow("s", {.statements = {"select"}})}, two).is_permit);
  EXPECT_TRUE(judge({allow("s", {.statements = {"select", "Explain"}})}, two).is_permit);

  const auto read = one("SELECT", {Effect::read}, {kOrdersRead, kSecretRead});
  EXPECT_FALSE(judge({allow("p", {.relations = {"public.*"}})}, read).is_permit);
  EXPECT_TRUE(judge({allow("p", {.relations = {"public.*", "secret.k?ys"}})}, read).is_permit);
  EXPECT_TRUE(judge({allow("p", {.relations = {"orders", "keys"}})}, read).is_permit);
  EXPECT_FALSE(judge({allow("p", {.relations = {"secret.*"}})}, one("SELECT", {Effect::read}, {kLost})).is_permit);
}

TEST(Engine, AllowOfRelationsCoversNoOtherDefinition) {
  const auto rule = allow("ddl", {.effects = EffectSet{Effect::schema}, .relations = {"public.*"}});
  EXPECT_TRUE(judge({rule}, one("DROP TABLE", {Effect::schema}, {kOrdersRead})).is_permit);
  EXPECT_FALSE(judge({rule}, one("DROP SCHEMA", {Effect::schema})).is_permit);
  EXPECT_FALSE(judge({rule}, one("CREATE FUNCTION", {Effect::schema})).is_permit);
}

TEST(Engine, DenyBeatsHoldBeatsAllowInAnyOrder) {
  const auto all = allow("all");
  const auto held = hold("held", {.effects = EffectSet{Effect::write}});
  const auto never = deny("never", {.statements = {"DELETE"}}, "Data is never dropped.");
  const auto what = one("DELETE", {Effect::read, Effect::write});
  for (const auto& rules :
       {std::vector{all, held, never}, std::vector{never, held, all}, std::vector{held, never, all}}) {
    const auto verdict = judge(rules, what);
    EXPECT_EQ(verdict.rules, "never");
    EXPECT_EQ(verdict.refusal.message, "refused by rule never: Data is never dropped.");
  }
  const auto verdict = judge({all, held}, what);
  EXPECT_EQ(verdict.rules, "held");
  EXPECT_TRUE(verdict.hold);
}

TEST(Engine, DenyMatchesWhenAnyIsCovered) {
  const auto never = deny("never", {.relations = {"secret.*"}});
  EXPECT_EQ(judge({allow("all"), never}, one("SELECT", {Effect::read}, {kOrdersRead, kSecretRead})).rules, "never");
  // A relation whose schema is not known might be the one.
  EXPECT_EQ(judge({allow("all"), never}, one("SELECT", {Effect::read}, {kLost})).rules, "never");
  EXPECT_TRUE(judge({allow("all"), never}, one("SELECT", {Effect::read}, {kOrdersRead})).is_permit);
  const auto both = deny("both", {.effects = EffectSet{Effect::write}, .statements = {"UPDATE"}});
  EXPECT_TRUE(judge({allow("all"), both}, one("DELETE", {Effect::write})).is_permit);
}

TEST(Engine, MissingWhere) {
  auto whole = one("DELETE", {Effect::write});
  whole.statements[0].missing_where = true;
  EXPECT_EQ(judge({allow("all"), deny("whole", {.missing_where = true})}, whole).rules, "whole");
  EXPECT_TRUE(judge({allow("all"), deny("whole", {.missing_where = true})}, one("DELETE", {Effect::write})).is_permit);
  EXPECT_FALSE(judge({allow("some", {.missing_where = false})}, whole).is_permit);
  EXPECT_TRUE(judge({allow("some", {.missing_where = false})}, one("DELETE", {Effect::write})).is_permit);
}

TEST(Engine, AnyAllowImpliesHousekeepingOnly) {
  const auto rule =
      allow("reads", {.effects = EffectSet{Effect::read}, .statements = {"SELECT"}, .relations = {"public.*"}});
  EXPECT_TRUE(judge({rule}, housekeeping("BEGIN")).is_permit);
  EXPECT_FALSE(judge({}, housekeeping("BEGIN")).is_permit);
  EXPECT_FALSE(judge({rule}, one("SET", {Effect::session})).is_permit);
  auto both = housekeeping("BEGIN");
  both.effects.add(Effect::read);
  both.statements.push_back({.kind = "SELECT", .effects = {Effect::read}});
  EXPECT_TRUE(judge({rule}, both).is_permit);
  both.statements.push_back({.kind = "SELECT", .effects = {Effect::read, Effect::session}});
  EXPECT_FALSE(judge({rule}, both).is_permit);
}

TEST(Engine, WhatDoesNothingNeedsAnyAllow) {
  EXPECT_TRUE(judge({allow("reads", {.effects = EffectSet{Effect::read}})}, Understanding{}).is_permit);
  EXPECT_FALSE(judge({}, Understanding{}).is_permit);
  EXPECT_FALSE(judge({deny("x", {.effects = EffectSet{Effect::read}})}, Understanding{}).is_permit);
}

TEST(Engine, WhoAndOnAreConjunctions) {
  auto rule = allow("mine");
  rule.who = {.principals = {"agent-1"}, .groups = {"ai-agents"}, .kinds = {model::PrincipalKind::agent}};
  rule.on = {.targets = {"orders"}, .labels = {{"env", "prod"}}};
  const auto what = one("SELECT", {Effect::read});
  EXPECT_TRUE(judge({rule}, what).is_permit);
  auto other = rule;
  other.who.groups = {"dba"};
  EXPECT_FALSE(judge({other}, what).is_permit);
  other = rule;
  other.who.kinds = {model::PrincipalKind::human};
  EXPECT_FALSE(judge({other}, what).is_permit);
  other = rule;
  other.on.labels = {{"env", "prod"}, {"team", "a"}};
  EXPECT_FALSE(judge({other}, what).is_permit);
}

TEST(Engine, NoRuleAllowsWhatIsRefusedByItself) {
  Understanding what;
  what.effects.add(Effect::unknown);
  what.refusal = model::Refusal{.kind = model::Refusal::Kind::bad_encoding, .message = "not UTF-8"};
  const auto verdict = judge({allow("all", {.effects = EffectSet{Effect::unknown}})}, what);
  EXPECT_FALSE(verdict.is_permit);
  EXPECT_EQ(verdict.refusal.kind, model::Refusal::Kind::bad_encoding);
}

TEST(Engine, TheGatewayItselfMayReadAndNothingElse) {
  const model::Principal gateway{.name = "sallyport", .kind = model::PrincipalKind::internal};
  EXPECT_TRUE(judge({}, one("SELECT", {Effect::read}), gateway).is_permit);
  EXPECT_TRUE(judge({deny("all", {})}, one("SET", {Effect::session}), gateway).is_permit);
  EXPECT_FALSE(judge({allow("all")}, one("DELETE", {Effect::write}), gateway).is_permit);
}

TEST(Engine, JudgesTheBeginningOfASession) {
  const Engine engine({allow("reads", {.effects = EffectSet{Effect::read}})});
  EXPECT_FALSE(engine.judge_settings({}, kAgent, kOrders));
  EXPECT_FALSE(engine.judge_settings(housekeeping("SET"), kAgent, kOrders));
  EXPECT_TRUE(engine.judge_settings(one("SET", {Effect::session, Effect::privilege}), kAgent, kOrders));
  EXPECT_TRUE(Engine({}).judge_settings({}, kAgent, kOrders));
}

TEST(Engine, FollowsWithTheGroundsOfTheCommand) {
  const Engine engine({}, 9);
  const Permit chunk = engine.follow(model::Chunk{.op = 4}, Grounds{.rules = "r", .rule_set = 9});
  EXPECT_EQ(std::get<model::Chunk>(chunk.step()).op, 4U);
  EXPECT_EQ(chunk.grounds().rules, "r");
  const Permit control = engine.follow(model::Control{.op = 5});
  EXPECT_EQ(std::get<model::Control>(control.step()).op, 5U);
}

TEST(Glob, Matches) {
  EXPECT_TRUE(glob_matches("*", ""));
  EXPECT_TRUE(glob_matches("a*b*c", "axxbyyc"));
  EXPECT_FALSE(glob_matches("a*b*c", "axxbyy"));
  EXPECT_TRUE(glob_matches("p?.*", "pq.x"));
  EXPECT_FALSE(glob_matches("", "a"));
  EXPECT_FALSE(glob_matches("abc", "ab"));
  // Not exponential.
  EXPECT_FALSE(glob_matches(std::string(50, '*') + "b", std::string(10000, 'a')));
}

TEST(Engine, SeveralHoldsDemandTogether) {
  using namespace std::chrono_literals;
  auto one_person = hold("one", {.effects = EffectSet{Effect::write}});
  one_person.then = Rule::HoldFor{{"dba"}, {"mo"}, 1, 10min, 30s};
  auto two_people = hold("two", {.statements = {"DELETE"}});
  two_people.then = Rule::HoldFor{{"owners"}, {}, 2, 5min, 1min};
  const auto judged =
      judge({one_person, two_people, hold("other", {.statements = {"DROP TABLE"}})}, one("DELETE", {Effect::write}));
  ASSERT_TRUE(judged.hold);
  EXPECT_EQ(judged.rules, "one, two");
  EXPECT_EQ(judged.hold->timeout, 5min);
  EXPECT_EQ(judged.hold->in_transaction_timeout, 30s);
  ASSERT_EQ(judged.hold->demands.size(), 2U);
  EXPECT_EQ(judged.hold->demands[0].principals, std::vector<std::string>{"mo"});
  EXPECT_EQ(judged.hold->demands[1].count, 2);
}

TEST(Engine, WhatOnlyPreparesIsNotHeld) {
  const Engine engine({allow("all"), hold("held", {.effects = EffectSet{Effect::write}})});
  auto what = one("PREPARE", {Effect::write});
  const model::Command parse{.kind = model::CommandKind::prepare}, run{.kind = model::CommandKind::run};
  EXPECT_FALSE(engine.would_hold(parse, what, kAgent, kOrders));
  EXPECT_TRUE(engine.would_hold(run, what, kAgent, kOrders));
  what.only_prepares = true;
  EXPECT_FALSE(engine.would_hold(run, what, kAgent, kOrders));
  EXPECT_TRUE(judge({hold("held", {.effects = EffectSet{Effect::write}})}, what).is_permit);
}

TEST(Engine, MayHoldIsAboutThePrincipalAndTheTarget) {
  auto rule = hold("held", {});
  rule.on.targets = {"elsewhere"};
  EXPECT_FALSE(Engine({rule}).may_hold(kAgent, kOrders));
  EXPECT_TRUE(Engine({hold("held", {})}).may_hold(kAgent, kOrders));
  EXPECT_FALSE(
      Engine({hold("held", {})}).may_hold({.name = "sallyport", .kind = model::PrincipalKind::internal}, kOrders));
}

}  // namespace
}  // namespace sallyport::policy
