#include "proto/postgres/codec.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proto/postgres/messages.h"
#include "proto/postgres/transcript.h"

namespace sallyport::proto::postgres {
namespace {

using base::Bytes;
using model::Command;
using model::Completion;
using model::Reply;
using Outcome = Completion::Outcome;

model::Refusal refusal() {
  model::Refusal refusal;
  refusal.rule = "r";
  refusal.message = "not allowed by r";
  refusal.hint = "ask";
  return refusal;
}

Bytes refusal_frame() {
  Bytes out;
  append_refusal(out, Severity::error, refusal());
  return out;
}

TEST(Codec, QueryIsOneCommandAndItsAnswerOneReply) {
  Relay relay;
  relay.client(query("SELECT 1"));
  ASSERT_EQ(relay.steps.size(), 1u);
  const auto& command = std::get<Command>(relay.steps[0]);
  EXPECT_EQ(command.kind, model::CommandKind::run);
  EXPECT_EQ(*command.text, "SELECT 1");
  EXPECT_EQ(relay.to_target, query("SELECT 1"));
  EXPECT_TRUE(relay.codec->is_outstanding());

  const Bytes answer = row_description() + data_row("1") + data_row("2") + complete("SELECT 2") + ready('T');
  relay.target(answer);
  ASSERT_EQ(relay.replies.size(), 1u);
  const Reply& reply = relay.replies[0];
  EXPECT_EQ(reply.wire, answer);
  EXPECT_EQ(reply.op, command.op);
  EXPECT_TRUE(reply.ends_op);
  EXPECT_EQ(reply.rows, 2u);
  EXPECT_EQ(reply.tags, std::vector<std::string>{"SELECT 2"});
  EXPECT_EQ(reply.transaction, 'T');
  ASSERT_EQ(reply.completions.size(), 1u);
  EXPECT_EQ(reply.completions[0].command, command.number);
  EXPECT_EQ(reply.completions[0].outcome, Outcome::done);
  EXPECT_FALSE(relay.codec->is_outstanding());
  EXPECT_EQ(relay.codec->transaction(), 'T');
}

TEST(Codec, RefusedQueryIsEnactedAndAnsweredByUs) {
  Relay relay;
  relay.refuse = [](const Command&) { return true; };
  relay.refusal = refusal();
  relay.client(query("DROP TABLE t"));
  EXPECT_EQ(relay.to_target, query("sallyport refused this statement"));
  relay.target(error("42601") + ready('E'));
  ASSERT_EQ(relay.replies.size(), 1u);
  EXPECT_EQ(relay.replies[0].wire, refusal_frame() + ready('E'));
  ASSERT_TRUE(relay.replies[0].error);
  EXPECT_TRUE(relay.replies[0].error->is_ours);
  EXPECT_EQ(relay.replies[0].error->code, "42501");
  EXPECT_EQ(relay.replies[0].completions[0].outcome, Outcome::failed);
}

TEST(Codec, ExtendedRoundIsOneOp) {
  Relay relay;
  relay.client(parse("", "SELECT $1", {23}) + bind("", "", {"7"}) + describe('P', "") + execute("") + sync());
  ASSERT_EQ(relay.steps.size(), 5u);
  for (std::size_t at = 0; at < 4; ++at) EXPECT_EQ(*std::get<Command>(relay.steps[at]).text, "SELECT $1");
  const auto& bound = std::get<Command>(relay.steps[1]);
  ASSERT_EQ(bound.parameters.size(), 1u);
  EXPECT_EQ(bound.parameters[0].octets, "7");
  EXPECT_EQ(bound.parameters[0].type, 23u);
  const Bytes answer = empty('1') + empty('2') + row_description() + data_row("7") + complete("SELECT 1") + ready('I');
  relay.target(answer);
  ASSERT_EQ(relay.replies.size(), 1u);
  EXPECT_EQ(relay.replies[0].wire, answer);
  EXPECT_TRUE(relay.replies[0].ends_op);
  EXPECT_EQ(relay.replies[0].completions.size(), 4u);
}

TEST(Codec, ErrorSkipsToSyncAcrossOps) {
  Relay relay;
  relay.client(parse("", "a") + bind("", "") + execute("") + parse("", "b") + bind("", "") + execute("") + sync() +
               query("c"));
  relay.target(empty('1') + error("22012"));
  ASSERT_EQ(relay.replies.size(), 2u);
  EXPECT_TRUE(relay.replies[0].ends_op);
  EXPECT_FALSE(relay.replies[1].ends_op);  // ReadyForQuery is still to come
  EXPECT_TRUE(relay.replies[1].wire.empty());
  relay.target(ready('I') + complete("SELECT 0") + ready('I'));
  ASSERT_EQ(relay.replies.size(), 4u);
  EXPECT_EQ(relay.outcomes(), "dfssssd");
  EXPECT_EQ(relay.replies[2].wire, ready('I'));
  EXPECT_EQ(relay.replies[2].op, 1u);
  EXPECT_TRUE(relay.replies[2].ends_op);
  EXPECT_EQ(relay.replies[3].op, 2u);
}

TEST(Codec, WhatIsSentWhileTheTargetSkipsIsSkipped) {
  Relay relay;
  relay.client(parse("", "a") + flush());
  relay.target(error("42601"));
  relay.client(bind("", "") + execute("") + query("lost") + sync());
  relay.target(ready('I'));
  EXPECT_EQ(relay.outcomes(), "fsss");
  EXPECT_FALSE(relay.codec->is_outstanding());
}

TEST(Codec, WhatIsSkippedIsToldWithoutWaitingForTheTarget) {
  Relay relay;
  relay.client(parse("", "a") + flush());
  relay.target(error("42601"));
  relay.client(query("lost"));
  EXPECT_EQ(relay.outcomes(), "f");
  relay.target({});
  EXPECT_EQ(relay.outcomes(), "fs");
  EXPECT_TRUE(relay.replies.back().ends_op);
  EXPECT_TRUE(relay.replies.back().wire.empty());
}

TEST(Codec, OpThatIsOverBeforeThatIsKnownEndsWithoutOctets) {
  Relay relay;
  relay.client(parse("s", "a") + describe('S', "s"));
  relay.target(empty('1') + parameter_description({}) + empty('n'));
  EXPECT_FALSE(relay.replies.back().ends_op);  // an Execute might still join it
  relay.client(flush() + query("b"));
  relay.target(complete("SELECT 0") + ready('I'));
  ASSERT_EQ(relay.replies.size(), 3u);
  EXPECT_EQ(relay.replies[1].op, 0u);
  EXPECT_TRUE(relay.replies[1].ends_op);
  EXPECT_TRUE(relay.replies[1].wire.empty());
  EXPECT_EQ(relay.replies[2].op, 1u);
  EXPECT_TRUE(relay.replies[2].ends_op);
}

TEST(Codec, PinnedParameterEndsTheSession) {
  Relay relay;
  relay.client(query("SET client_encoding TO latin1"));
  Bytes changed;
  FrameWriter(changed, 'S').string("client_encoding").string("LATIN1");
  relay.target(complete("SET") + changed + ready('I'));
  ASSERT_TRUE(relay.error);
  EXPECT_EQ(relay.error->code, base::Code::unsupported);
  EXPECT_NE(relay.error->message.find("client_encoding"), std::string::npos);
}

}  // namespace
}  // namespace sallyport::proto::postgres
