#include "proto/postgres/names.h"

#include <gtest/gtest.h>

#include <string>

#include "proto/postgres/transcript.h"

namespace sallyport::proto::postgres {
namespace {

using base::Bytes;
using model::Command;
using model::NameChange;

/// The text of the Command at `index` of the Steps; "-" when it is not known.
std::string text_at(const Relay& relay, std::size_t index) {
  const auto& command = std::get<Command>(relay.steps.at(index));
  return command.text ? *command.text : "-";
}
std::string prepared(const Relay& relay, base::View name) {
  const std::string* text = relay.codec->prepared_text(name);
  return text ? *text : "-";
}

TEST(Names, AreVisibleAtOnceAndGoneWhenTheTargetRefuses) {
  Relay relay;
  relay.client(parse("s", "one") + sync());
  EXPECT_EQ(prepared(relay, "s"), "one");
  relay.target(error("42P01") + ready('I'));
  EXPECT_EQ(prepared(relay, "s"), "-");
}

TEST(Names, SkippedDefinitionNeverWas) {
  Relay relay;
  relay.client(parse("a", "bad") + parse("s", "one") + sync());
  relay.target(error("42601") + ready('I'));
  EXPECT_EQ(prepared(relay, "s"), "-");
}

TEST(Names, SecondDefinitionThatFailsLeavesTheFirst) {
  // Pipelined, the second may take effect or not: then nothing is guessed.
  Relay relay;
  relay.client(parse("s", "one") + sync());
  relay.target(empty('1') + ready('I'));
  relay.client(parse("s", "two") + sync() + bind("", "s") + execute("") + sync());
  EXPECT_EQ(text_at(relay, 4), "-");
  EXPECT_EQ(text_at(relay, 5), "-");
  relay.target(error("42P05") + ready('I'));
  EXPECT_EQ(prepared(relay, "s"), "one");
}

TEST(Names, WaitingCommandIsResolvedOnceTheTargetAnswered) {
  const auto codec = make_codec();
  std::vector<model::Step> steps;
  std::vector<model::Reply> replies;
  Bytes out;
  ASSERT_TRUE(codec->from_client(parse("s", "one") + sync(), steps));
  for (const auto& step : steps) codec->forward(step, {}, out);
  ASSERT_TRUE(codec->from_target(empty('1') + ready('I'), replies));
  steps.clear();
  ASSERT_TRUE(codec->from_client(parse("s", "two") + sync() + bind("", "s", {"v"}) + execute("") + sync(), steps));
  codec->forward(steps[0], {}, out);
  codec->forward(steps[1], {}, out);
  EXPECT_FALSE(std::get<Command>(steps[2]).text);
  ASSERT_TRUE(codec->from_target(error("42P05") + ready('I'), replies));
  for (const std::size_t at : {2u, 3u}) {
    auto& command = std::get<Command>(steps[at]);
    codec->resolve(command);
    ASSERT_TRUE(command.text);
    EXPECT_EQ(*command.text, "one");
  }
}

TEST(Names, CommandWhoseNameWasRedefinedMeanwhileIsNotForwarded) {
  const auto codec = make_codec();
  std::vector<model::Step> steps;
  std::vector<model::Reply> replies;
  Bytes out;
  ASSERT_TRUE(codec->from_client(parse("s", "harmless") + sync(), steps));
  for (const auto& step : steps) codec->forward(step, {}, out);
  ASSERT_TRUE(codec->from_target(empty('1') + ready('I'), replies));
  steps.clear();
  ASSERT_TRUE(codec->from_client(query("DEALLOCATE s; PREPARE s AS harmful") + bind("", "s") + sync(), steps));
  EXPECT_EQ(*std::get<Command>(steps[1]).text, "harmless");  // as far as could be told when it was cut
  codec->forward(steps[0], {{NameChange::Kind::deallocate, "s", {}}, {NameChange::Kind::prepare, "s", "harmful"}}, out);
  ASSERT_TRUE(codec->from_target(complete("DEALLOCATE") + complete("PREPARE") + ready('I'), replies));
  out.clear();
  codec->forward(steps[1], {}, out);
  EXPECT_NE(out.find("sallyport refused this"), Bytes::npos);
}

TEST(Names, InTheSameSegmentTheLastDefinitionHolds) {
  Relay relay;
  relay.client(parse("", "one") + bind("", "") + execute("") + parse("", "two") + bind("", "") + execute("") + sync());
  EXPECT_EQ(text_at(relay, 1), "one");
  EXPECT_EQ(text_at(relay, 2), "one");
  EXPECT_EQ(text_at(relay, 4), "two");
  EXPECT_EQ(text_at(relay, 5), "two");
}

TEST(Names, CloseAndReuse) {
  Relay relay;
  relay.client(parse("s", "one") + sync());
  relay.target(empty('1') + ready('I'));
  relay.client(close('S', "s") + parse("s", "two") + bind("", "s") + execute("") + sync());
  EXPECT_EQ(text_at(relay, 4), "two");
  relay.target(empty('3') + empty('1') + empty('2') + complete("SELECT 0") + ready('I'));
  EXPECT_EQ(prepared(relay, "s"), "two");
  relay.client(close('S', "s") + sync());
  relay.target(empty('3') + ready('I'));
  EXPECT_EQ(prepared(relay, "s"), "-");
}

TEST(Names, AreComparedAsTheServerDoes) {
  Relay relay;
  relay.client(parse(Bytes(63, 'n') + "a", "one") + proto::postgres::bind(Bytes(), std::string(63, 'n') + "b") +
               sync());
  EXPECT_EQ(text_at(relay, 1), "one");
}

TEST(Names, OfSqlShareTheMapsAndCountStatementByStatement) {
  Relay relay;
  relay.changes = [](const Command& command) -> std::vector<NameChange> {
    if (*command.text != "multi") return {};
    return {{NameChange::Kind::prepare, "a", "A"}, {NameChange::Kind::prepare, "b", "B"}};
  };
  relay.client(query("multi"));
  EXPECT_EQ(prepared(relay, "a"), "A");
  EXPECT_EQ(prepared(relay, "b"), "B");
  relay.target(complete("PREPARE") + error("42P05") + ready('I'));  // the second failed; PREPARE is not transactional
  EXPECT_EQ(prepared(relay, "a"), "A");
  EXPECT_EQ(prepared(relay, "b"), "-");
  relay.client(bind("", "a") + sync());
  EXPECT_EQ(text_at(relay, 1), "A");
}

TEST(Names, DiscardAllAndDeallocateAllForget) {
  for (const auto kind : {NameChange::Kind::discard_all, NameChange::Kind::deallocate_all}) {
    Relay relay;
    relay.changes = [kind](const Command& command) -> std::vector<NameChange> {
      if (command.kind != model::CommandKind::run) return {};
      return {{kind, {}, {}}};
    };
    relay.client(parse("s", "one") + sync());
    relay.target(empty('1') + ready('I'));
    relay.client(query("x"));
    EXPECT_EQ(prepared(relay, "s"), "one");  // not confirmed yet
    relay.target(complete(kind == NameChange::Kind::discard_all ? "DISCARD ALL" : "DEALLOCATE ALL") + ready('I'));
    EXPECT_EQ(prepared(relay, "s"), "-");
  }
}

TEST(Names, PortalsEndWithTheTransactionAndCursorsMayNot) {
  Relay relay;
  relay.changes = [](const Command& command) -> std::vector<NameChange> {
    if (command.kind != model::CommandKind::run) return {};
    return {{NameChange::Kind::declare, "c", "cursor"}};
  };
  relay.client(query("DECLARE"));
  relay.target(complete("DECLARE CURSOR") + ready('T'));
  relay.client(parse("", "one") + bind("p", "") + sync());
  relay.target(empty('1') + empty('2') + ready('T'));
  ASSERT_TRUE(relay.codec->cursor_text("p"));
  relay.client(execute("p") + sync());
  EXPECT_EQ(text_at(relay, 4), "one");
  relay.target(complete("SELECT 0") + ready('I'));
  EXPECT_FALSE(relay.codec->cursor_text("p"));
  EXPECT_TRUE(relay.codec->cursor_text("c"));
}

TEST(Names, DescribedTypesReachTheBind) {
  Relay relay;
  relay.client(parse("s", "one") + describe('S', "s") + sync());
  relay.target(empty('1') + parameter_description({25}) + row_description() + ready('I'));
  relay.client(bind("", "s", {"v"}) + sync());
  EXPECT_EQ(std::get<Command>(relay.steps[3]).parameters[0].type, 25u);
}

TEST(Names, AreBounded) {
  CodecOptions options;
  options.limits.names = 10;
  Relay relay(options);
  for (int at = 0; at < 20; ++at) relay.client(parse("s" + std::to_string(at), "one"));
  ASSERT_TRUE(relay.error);
  EXPECT_EQ(relay.error->code, base::Code::limit);
}

}  // namespace
}  // namespace sallyport::proto::postgres
