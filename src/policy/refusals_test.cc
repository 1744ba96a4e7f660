#include "policy/refusals.h"

#include <gtest/gtest.h>

#include <memory>

#include "policy/engine.h"
#include "policy/policy_testing.h"

namespace sallyport::policy {
namespace {

using model::Effect;
using model::EffectSet;
using model::Understanding;
using testing::one;

const model::Principal kAgent{.name = "agent-1", .kind = model::PrincipalKind::agent};
const model::TargetName kProduction{.name = "orders", .labels = {{"env", "prod"}}};
const model::TargetName kCopy{.name = "copy", .labels = {{"env", "test"}}};

model::Refusal refusal_of(std::vector<Rule> rules, Understanding what, const std::string& text = "SELECT 1") {
  const Engine engine(std::move(rules), 1, {kProduction, kCopy});
  auto verdict = engine.judge(model::Command{.text = std::make_shared<const std::string>(text)},
                              std::make_shared<const Understanding>(std::move(what)), kAgent, kProduction);
  const auto* denial = std::get_if<Denial>(&verdict);
  return denial == nullptr ? model::Refusal{.message = "not refused"} : denial->refusal();
}

Rule allow(Rule::If when, Rule::On on = {}) {
  return {.name = "some", .on = std::move(on), .if_ = std::move(when), .then = Rule::Allow{}};
}
Rule deny(Rule::If when) { return {.name = "never", .if_ = std::move(when), .then = Rule::Deny{"No."}}; }

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

Understanding whole_table() {
  auto what = one("DELETE", {Effect::write}, {{.schema = "public", .name = "orders", .is_written = true}});
  what.statements[0].missing_where = true;
  return what;
}

TEST(Refusals, AMissingWhereIsTold) {
  auto refusal = refusal_of({allow({}), deny({.missing_where = true})}, whole_table());
  EXPECT_EQ(refusal.message, "refused by rule never: No.");
  EXPECT_SAYS(refusal.detail, "Rule never refuses it because DELETE has no WHERE.");
  EXPECT_SAYS(refusal.hint, "Add a WHERE that says which rows are meant.");
  refusal = refusal_of({allow({.missing_where = false})}, whole_table());
  EXPECT_SAYS(refusal.detail, "Rule some allows it with a WHERE only, and DELETE has none.");
  EXPECT_SAYS(refusal.hint, "Add a WHERE that says which rows are meant.");
}

TEST(Refusals, AnotherTargetIsNamed) {
  const auto here = allow({.effects = EffectSet{Effect::read}}, {.targets = {"orders"}});
  auto there = allow({.effects = EffectSet{Effect::write}}, {.labels = {{"env", "test"}}});
  there.name = "there";
  EXPECT_SAYS(refusal_of({here, there}, one("INSERT", {Effect::write})).hint,
              "On copy you may do this: connect there instead.");
  EXPECT_SAYS(refusal_of({there}, one("INSERT", {Effect::write})).hint, "On copy you may do this");
  EXPECT_EQ(refusal_of({here, there}, one("DROP TABLE", {Effect::schema})).hint.find("copy"), std::string::npos);
  auto never = deny({.effects = EffectSet{Effect::write}});
  never.on.targets = {"orders"};
  EXPECT_SAYS(refusal_of({there, never}, one("INSERT", {Effect::write})).hint, "On copy you may do this");
}

TEST(Refusals, TheEffectsThatLackAreTold) {
  const auto refusal =
      refusal_of({allow({.effects = EffectSet{Effect::read}})}, one("SELECT", {Effect::read, Effect::call}));
  EXPECT_SAYS(refusal.detail, "Rule some allows read, not call.");
  EXPECT_SAYS(refusal.hint, "Use functions that are known to be harmless");
  EXPECT_SAYS(refusal.hint, "Rules that allow something here: some (read).");
  EXPECT_SAYS(refusal_of({allow({})}, one("GRANT", {Effect::privilege})).hint, "need a rule that names privilege");
  EXPECT_SAYS(refusal_of({allow({})}, one("UNKNOWN", {Effect::unknown})).hint, "plain SQL that PostgreSQL 15 parses");
}

TEST(Refusals, ALostNameIsTold) {
  EXPECT_SAYS(refusal_of({allow({})}, one("SELECT", {Effect::read, Effect::unknown}, {{.name = "keys"}})).hint,
              "Name existing tables, with their schema.");
  EXPECT_SAYS(refusal_of({allow({}), deny({.relations = {"secret.keys"}})},
                         one("SELECT", {Effect::read}, {{.name = "keys", .is_read = true}}))
                  .hint,
              "Name the schema of each table");
  EXPECT_SAYS(refusal_of({allow({.relations = {"public.*"}})}, one("SELECT", {Effect::read}, {{.name = "keys"}})).hint,
              "Name the schema of each table.");
}

TEST(Refusals, EveryConditionOfADenyIsTold) {
  auto what = one("UPDATE", {Effect::read, Effect::write}, {{.schema = "public", .name = "orders"}});
  what.filters.push_back({"public", "orders", "id"});
  Rule::If when{.effects = EffectSet{Effect::write, Effect::schema},
                .statements = {"update"},
                .relations = {"orders"},
                .filters_on = {"id"}};
  when.patterns.push_back(*Pattern::compile("SE+T"));
  const auto refusal = refusal_of({allow({}), deny(when)}, what, "UPDATE orders SET total = 1 WHERE id = 1");
  EXPECT_SAYS(refusal.detail,
              "Rule never refuses it because it has the effect write, it is UPDATE, it touches public.orders, its text "
              "matches /SE+T/, it filters, or may filter, by public.orders.id.");
}

TEST(Refusals, TheNearestAllowExplains) {
  auto near = allow({.effects = EffectSet{Effect::read}, .relations = {"public.*"}});
  near.name = "near";
  const auto refusal = refusal_of({allow({.effects = EffectSet{Effect::write}}), near},
                                  one("SELECT", {Effect::read}, {{.schema = "secret", .name = "keys"}}));
  EXPECT_SAYS(refusal.detail, "Rule near allows public.*, not secret.keys.");
  EXPECT_SAYS(refusal.hint, "Leave out these tables, or ask for access to them.");
}

TEST(Refusals, FormsAndRowsAreTold) {
  Rule::If form;
  form.patterns.push_back(*Pattern::compile("SELECT 2"));
  EXPECT_SAYS(refusal_of({allow(form)}, one("SELECT", {Effect::read})).detail,
              "Rule some allows only texts that are wholly of the form /SELECT 2/.");
  auto what = one("SELECT", {Effect::read}, {{.schema = "public", .name = "orders"}});
  what.rows.push_back({"public", "orders", {}});
  const auto refusal = refusal_of({allow({.filters_on = {"orders.id"}})}, what);
  EXPECT_SAYS(refusal.detail, "allows only rows chosen by orders.id; of public.orders others could be meant");
  EXPECT_SAYS(refusal.hint, "COLUMN = VALUE");
  EXPECT_SAYS(refusal_of({allow({.statements = {"INSERT"}})}, one("SELECT", {Effect::read})).detail,
              "Rule some allows INSERT, not SELECT.");
}

TEST(Protections, WhoMayOnlyReadStaysReadOnly) {
  const auto reads = allow({.effects = EffectSet{Effect::read, Effect::session}});
  auto lifts = one("SET", {Effect::session});
  EXPECT_EQ(refusal_of({reads}, lifts).message, "not refused");
  lifts.lifts_read_only = true;
  EXPECT_SAYS(refusal_of({reads}, lifts).message, "agent-1 may only read on orders");
  EXPECT_SAYS(refusal_of({reads}, lifts).hint, "Leave out READ WRITE");
  EXPECT_TRUE(Engine({reads}).judge_settings(lifts, kAgent, kProduction));

  const Rule writes_held{.name = "held", .if_ = {.effects = EffectSet{Effect::write}}, .then = Rule::HoldFor{}};
  EXPECT_EQ(refusal_of({reads, writes_held}, lifts).message, "not refused");
}

TEST(Refusals, WhoseEveryStatementWaitsHasASession) {
  const Rule all_held{.name = "held", .then = Rule::HoldFor{}};
  Understanding begin = one("BEGIN", {Effect::session});
  begin.statements[0].is_housekeeping = true;
  const Engine engine({all_held});
  EXPECT_FALSE(engine.judge_settings({}, kAgent, kProduction));
  EXPECT_FALSE(engine.would_hold({}, {}, kAgent, kProduction));
  EXPECT_FALSE(engine.would_hold({}, begin, kAgent, kProduction));
  EXPECT_TRUE(engine.would_hold({}, one("SELECT", {Effect::read}), kAgent, kProduction));
  const Rule begins_held{.name = "held", .if_ = {.statements = {"BEGIN"}}, .then = Rule::HoldFor{}};
  EXPECT_TRUE(Engine({begins_held}).would_hold({}, begin, kAgent, kProduction));
  EXPECT_SAYS(refusal_of({begins_held}, one("SELECT", {Effect::read})).hint, "An approval can only be asked for");
}

TEST(Protections, KnowsWhoMayOnlyRead) {
  const auto reads = allow({.effects = EffectSet{Effect::read}});
  const auto may_only_read = [](std::vector<Rule> rules) {
    return Engine(std::move(rules)).may_only_read(kAgent, kProduction);
  };
  EXPECT_TRUE(may_only_read({reads, deny({})}));
  EXPECT_FALSE(may_only_read({}));
  EXPECT_FALSE(may_only_read({reads, allow({})}));
  EXPECT_FALSE(may_only_read({reads, allow({.effects = EffectSet{Effect::call}})}));
  EXPECT_TRUE(may_only_read({reads, allow({}, {.targets = {"copy"}})}));
  EXPECT_FALSE(may_only_read({reads, {.name = "held", .then = Rule::HoldFor{}}}));
}

}  // namespace
}  // namespace sallyport::policy
