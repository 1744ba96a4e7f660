#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proto/postgres/codec.h"
#include "proto/postgres/transcript.h"

/// COPY, and messages that pass in parts.
namespace sallyport::proto::postgres {
namespace {

using base::Bytes;
using model::Chunk;
using model::Command;
using model::Reply;

Bytes round(base::View text) { return parse("", text) + bind("", "") + execute(""); }
const Bytes kBegun = empty('1') + empty('2') + copy_response('G');

TEST(Copy, DataIsOfTheOpThatCopiesAndARunIsOneChunk) {
  Relay relay;
  relay.client(query("COPY t FROM STDIN"));
  relay.target(copy_response('G'));
  relay.client(copy_data("1") + copy_data("2") + copy_done());
  ASSERT_EQ(relay.steps.size(), 3u);
  EXPECT_EQ(std::get<Chunk>(relay.steps[1]).wire, copy_data("1") + copy_data("2"));
  EXPECT_EQ(std::get<Chunk>(relay.steps[1]).op, std::get<Command>(relay.steps[0]).op);
  relay.target(complete("COPY 2") + ready('I'));
  EXPECT_EQ(relay.outcomes(), "d");
  EXPECT_FALSE(relay.codec->is_outstanding());
}

TEST(Copy, SyncBeforeTheDataIsSwallowed) {
  Relay relay;
  relay.client(round("COPY t FROM STDIN") + sync());
  relay.target(kBegun);
  relay.client(copy_data("1") + copy_done() + sync());
  relay.target(complete("COPY 1") + ready('I'));
  EXPECT_EQ(relay.outcomes(), "ddd");
  EXPECT_FALSE(relay.codec->is_outstanding());
  EXPECT_TRUE(relay.replies.back().ends_op);
  EXPECT_EQ(relay.replies.back().op, 0u);
}

TEST(Copy, FailedCopyMayOrMayNotHaveSwallowedTheSync) {
  for (const bool is_swallowed : {true, false}) {
    Relay relay;
    relay.client(round("COPY t FROM STDIN") + sync());
    relay.target(kBegun);
    relay.target(error("57014") + (is_swallowed ? Bytes() : ready('I')));
    relay.client(copy_data("1") + copy_done() + sync());
    relay.target(ready('I'));
    relay.client(round("SELECT 1") + sync());
    relay.target(empty('1') + empty('2') + data_row("1") + complete("SELECT 1") + ready('I'));
    ASSERT_FALSE(relay.error) << relay.error->message;
    EXPECT_EQ(relay.outcomes(), "ddfddd");
    EXPECT_EQ(relay.replies.back().op, std::get<Command>(relay.steps[relay.steps.size() - 2]).op);
    EXPECT_FALSE(relay.codec->is_outstanding());
  }
}

TEST(Copy, RefusedCopyLetsTheTargetDropTheData) {
  Relay relay;
  relay.refuse = [](const Command& command) { return command.kind == model::CommandKind::execute; };
  relay.client(round("COPY t FROM STDIN") + sync());
  relay.target(empty('1') + empty('2') + error("08P01") + ready('I'));
  relay.client(copy_data("1") + copy_done() + sync() + query("SELECT 1"));
  relay.target(ready('I') + complete("SELECT 1") + ready('I'));
  ASSERT_FALSE(relay.error) << relay.error->message;
  EXPECT_EQ(relay.outcomes(), "ddfd");
  EXPECT_FALSE(relay.codec->is_outstanding());
}

TEST(Copy, CommandInsideEndsTheSession) {
  Relay relay;
  relay.client(query("COPY t FROM STDIN"));
  relay.target(copy_response('G'));
  const auto before = relay.to_target;
  relay.client(query("SELECT 1"));
  EXPECT_EQ(relay.to_target, before);
  relay.target(complete("COPY 0"));
  ASSERT_TRUE(relay.error);
  Relay pipelined;
  pipelined.client(query("COPY t FROM STDIN") + query("SELECT 1"));
  pipelined.target(copy_response('G'));
  ASSERT_TRUE(pipelined.error);
}

TEST(Copy, InBothDirectionsIsReplication) {
  Relay relay;
  relay.client(query("START_REPLICATION"));
  relay.target(copy_response('W'));
  ASSERT_TRUE(relay.error);
  EXPECT_EQ(relay.error->code, base::Code::unsupported);
}

TEST(Parts, LongRowPassesWithoutBeingHeld) {
  Relay relay;
  relay.client(query("SELECT"));
  const Bytes row = data_row(Bytes(3 << 20, 'x'));
  relay.target(row_description());
  std::size_t given = 0;
  for (; given + 16384 < row.size(); given += 16384) {
    relay.target(row.substr(given, 16384));
    ASSERT_EQ(relay.replies.back().wire.size(), 16384u);
    EXPECT_EQ(relay.replies.back().rows, 0u);
  }
  relay.target(row.substr(given) + complete("SELECT 1") + ready('I'));
  EXPECT_EQ(relay.to_client(), row_description() + row + complete("SELECT 1") + ready('I'));
  EXPECT_EQ(relay.replies.back().rows, 1u);
  EXPECT_TRUE(relay.replies.back().ends_op);
}

TEST(Parts, LongBindIsACommandAndChunks) {
  Relay relay;
  const Bytes message = bind("p", "s", {"first", Bytes(1 << 20, 'v'), "last"});
  relay.client(parse("s", "SELECT $1, $2, $3"));
  for (std::size_t at = 0; at < message.size(); at += 10000) relay.client(message.substr(at, 10000));
  relay.client(execute("p") + sync());
  const auto& head = std::get<Command>(relay.steps[1]);
  EXPECT_EQ(head.wire.size(), Limits{}.held);
  EXPECT_EQ(*head.text, "SELECT $1, $2, $3");
  ASSERT_EQ(head.parameters.size(), 2u);
  EXPECT_EQ(head.parameters[0].octets, "first");
  EXPECT_EQ(head.parameters[1].full_size, 1u << 20);
  EXPECT_EQ(relay.to_target, parse("s", "SELECT $1, $2, $3") + message + execute("p") + sync());
}

TEST(Parts, WhatMustBeJudgedWholeHasALimit) {
  Relay relay;
  Bytes head("Q");
  base::append_big<std::uint32_t>(head, (1 << 20) + 4);
  relay.client(head);  // told by its length, before any of it is held
  ASSERT_TRUE(relay.error);
  EXPECT_EQ(relay.error->code, base::Code::limit);
}

TEST(Frames, OnlyKnownOnes) {
  for (const Bytes& octets :
       {Bytes("p\0\0\0\x05\0", 6), Bytes("?\0\0\0\x04", 5), Bytes("\0\0\0\x08\x04\xd2\x16\x2f", 8)}) {
    Relay relay;
    relay.client(octets);
    EXPECT_TRUE(relay.error);
    EXPECT_TRUE(relay.steps.empty());
  }
  for (const Bytes& octets : {Bytes("R\0\0\0\x08\0\0\0\0", 9), Bytes("K\0\0\0\x04", 5), Bytes("?\0\0\0\x04", 5),
                              Bytes("D\0\0\0\x03", 5), Bytes("D\xff\xff\xff\xff", 5), ready('I'), data_row("x")}) {
    Relay relay;
    relay.target(octets);
    EXPECT_TRUE(relay.error);
    EXPECT_TRUE(relay.replies.empty());
  }
}

TEST(Frames, MalformedOnesEndTheSession) {
  for (const Bytes& octets :
       {Bytes("Q\0\0\0\x04", 5), Bytes("Q\0\0\0\x07x\0y", 8), Bytes("Q\0\0\0\x06xy", 7), Bytes("Q\0\0\0\x07x\0\0", 8),
        Bytes("Q\0\0\0\x03", 5), Bytes("S\0\0\0\x05\0", 6), Bytes("P\0\0\0\x08\0\0\0\x01", 9),
        Bytes("B\0\0\0\x0c\0\0\0\0\0\x01\0\0", 13), Bytes("B\0\0\0\x10\0\0\0\0\0\x01\xff\xff\xff\xfe\0\0", 17),
        Bytes("D\0\0\0\x06X\0", 7), Bytes("E\0\0\0\x05\0", 6), Bytes("F\0\0\0\x06\0\0", 7), Bytes("c\0\0\0\x05\0", 6),
        Bytes("f\0\0\0\x05x", 6), Bytes("E\0\x01\0\0", 5)}) {
    Relay relay;
    relay.client(octets);
    ASSERT_TRUE(relay.error) << base::to_hex(octets);
    EXPECT_TRUE(relay.steps.empty());
    EXPECT_TRUE(relay.to_target.empty());
  }
}

TEST(Frames, NudgeIsAFlush) {
  Bytes out;
  make_codec()->nudge(out);
  EXPECT_EQ(out, flush());
}

TEST(Frames, AsynchronousOnesKeepTheirPlace) {
  Relay relay;
  relay.target(notice("idle"));
  EXPECT_EQ(relay.replies.back().op, Reply::kNoOp);
  relay.client(query("a"));
  const Bytes answer = notice("one") + complete("DO") + notice("two") + ready('I');
  relay.target(answer);
  ASSERT_EQ(relay.replies.size(), 2u);
  EXPECT_EQ(relay.replies[1].wire, answer);
}

}  // namespace
}  // namespace sallyport::proto::postgres
