#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proto/postgres/codec.h"
#include "proto/postgres/messages.h"
#include "proto/postgres/transcript.h"

/// Refusal in order: a refused message is answered in its turn, by our words, and what follows is what an error of the
/// target's own at that place would have caused. The target here has a real one's rules for errors and skipping; that
/// the substitutes fail at a real one is shown by test/transcripts/postgres.py.
namespace sallyport::proto::postgres {
namespace {

using base::Bytes;
using base::View;
using model::Command;

/// What each message of the client is answered with; `fails_at`: the message that this target itself refuses.
class Target {
 public:
  explicit Target(std::size_t fails_at = ~std::size_t{0}) : fails_at_(fails_at) {}

  Bytes answer(View octets) {
    Bytes out;
    while (!octets.empty()) {
      const std::size_t total = base::load_big<std::uint32_t>(octets.data() + 1) + 1;
      message(octets.substr(0, total), out);
      octets.remove_prefix(total);
      ++count_;
    }
    return out;
  }

 private:
  void message(View frame, Bytes& out) {
    const char type = frame.front();
    if (type == 'S') {
      is_skipping_ = false;
      out += ready(transaction_);
      return;
    }
    if (is_skipping_) return;
    if (count_ == fails_at_ || is_substitute(frame)) {
      out += error("42601");
      if (transaction_ == 'T') transaction_ = 'E';
      is_skipping_ = type != 'Q' && type != 'F';
      if (!is_skipping_) out += ready(transaction_);
      return;
    }
    switch (type) {
      case 'Q':
        if (frame.find("BEGIN") != View::npos) transaction_ = 'T';
        out += row_description() + data_row("1") + complete("SELECT 1") + ready(transaction_);
        return;
      case 'P':
        out += empty('1');
        return;
      case 'B':
        out += empty('2');
        return;
      case 'C':
        out += empty('3');
        return;
      case 'D':
        out += (frame[kHeader] == 'S' ? parameter_description({23}) : Bytes()) + row_description();
        return;
      case 'E':
        out += data_row("1") + complete("SELECT 1");
        return;
      case 'F': {
        FrameWriter(out, 'V').number<std::uint32_t>(0xffffffff);
        out += ready(transaction_);
        return;
      }
      default:
        return;
    }
  }

  static bool is_substitute(View frame) {
    return frame.find("sallyport refused this") != View::npos ||
           (frame.front() == 'F' && base::load_big<std::uint32_t>(frame.data() + kHeader) == 0);
  }

  const std::size_t fails_at_;
  std::size_t count_ = 0;
  bool is_skipping_ = false;
  char transaction_ = 'I';
};

Bytes replaced(Bytes text, const Bytes& what, const Bytes& by) {
  const auto at = text.find(what);
  return at == Bytes::npos ? text : text.replace(at, what.size(), by);
}

TEST(Refusal, AtEveryPlaceIsAsTheTargetsOwnErrorThere) {
  const std::vector<std::vector<Bytes>> pipelines = {
      {query("a"), query("b"), query("c")},
      {query("BEGIN"), query("b"), parse("", "c"), bind("", ""), describe('P', ""), execute(""), sync(), query("d")},
      {parse("s", "a"), describe('S', "s"), sync(), bind("p", "s"), describe('P', "p"), execute("p", 1),
       execute("p", 1), close('P', "p"), close('S', "s"), sync()},
      {parse("", "a"), bind("", ""), execute(""), parse("", "b"), bind("", ""), execute(""), sync(), parse("", "c"),
       sync(), function_call(7), query("d")},
      {parse("", "a"), flush(), bind("", ""), flush(), execute(""), flush(), query("lost when skipping"), sync(),
       query("d")},
  };
  for (const auto& pipeline : pipelines) {
    for (std::size_t refused = 0; refused < pipeline.size(); ++refused) {
      if (pipeline[refused].front() == 'S' || pipeline[refused].front() == 'H') continue;
      model::Refusal words;
      words.message = "no";
      Bytes ours;
      append_refusal(ours, Severity::error, words);
      Bytes all;
      for (const auto& message : pipeline) all += message;
      const Bytes expected = replaced(Target(refused).answer(all), error("42601"), ours);

      for (const bool is_at_once : {true, false}) {
        Relay relay;
        relay.refusal = words;
        std::size_t number = 0;
        for (std::size_t at = 0; at < refused; ++at) {
          number += pipeline[at].front() != 'S' && pipeline[at].front() != 'H';
        }
        relay.refuse = [&](const Command& command) { return command.number == number; };
        Target target;
        if (is_at_once) {
          relay.client(all);
          relay.target(target.answer(relay.to_target));
        } else {
          for (const auto& message : pipeline) {
            relay.to_target.clear();
            relay.client(message);
            relay.target(target.answer(relay.to_target));
          }
        }
        ASSERT_FALSE(relay.error) << relay.error->message;
        EXPECT_EQ(base::to_hex(relay.to_client()), base::to_hex(expected)) << "refused at " << refused;
        EXPECT_FALSE(relay.codec->is_outstanding());
      }
    }
  }
}

TEST(Refusal, WithinWhatIsSkippedGetsNoAnswer) {
  Relay relay;
  relay.refuse = [](const Command& command) { return command.number == 1; };
  relay.client(parse("", "a") + bind("", "") + sync());
  relay.target(error("42601") + ready('I'));
  EXPECT_EQ(relay.to_client(), error("42601") + ready('I'));
  EXPECT_EQ(relay.outcomes(), "fs");
}

TEST(Refusal, FatalErrorOfTheTargetPassesAsItIs) {
  Relay relay;
  relay.refuse = [](const Command&) { return true; };
  relay.client(query("a"));
  relay.target(error("57P01", "FATAL"));
  EXPECT_EQ(relay.to_client(), error("57P01", "FATAL"));
  EXPECT_FALSE(relay.error);
}

TEST(Refusal, EndsTheSessionWhenTheTargetDoesNotRefuse) {
  for (const Bytes& answer : {complete("SELECT 1"), row_description(), empty('I')}) {
    Relay relay;
    relay.refuse = [](const Command&) { return true; };
    relay.client(query("a"));
    relay.target(answer + ready('I'));
    ASSERT_TRUE(relay.error);
    EXPECT_EQ(relay.error->code, base::Code::internal);
  }
}

TEST(Refusal, OfABindThatPassesInPartsDropsItsRest) {
  CodecOptions options;
  options.limits.held = 64;
  Relay relay(options);
  relay.refuse = [](const Command& command) { return command.kind == model::CommandKind::bind; };
  relay.client(parse("", "a") + bind("", "", {Bytes(1000, 'v')}) + sync());
  EXPECT_EQ(relay.to_target.find("vvv"), Bytes::npos);
  EXPECT_TRUE(relay.to_target.ends_with(sync()));
  const auto& head = std::get<Command>(relay.steps[1]);
  ASSERT_EQ(head.parameters.size(), 1u);
  EXPECT_EQ(head.parameters[0].full_size, 1000u);
  EXPECT_LT(head.parameters[0].octets.size(), 64u);
  EXPECT_EQ(relay.step_wire(), parse("", "a") + bind("", "", {Bytes(1000, 'v')}) + sync());
}

TEST(Refusal, LooksLikeThisOnTheWire) {
  Bytes out;
  model::Refusal words;
  words.message = "m";
  words.detail = "d";
  words.hint = "h";
  append_refusal(out, Severity::error, words);
  EXPECT_EQ(out, Bytes("E\0\0\0\x23SERROR\0VERROR\0C42501\0Mm\0Dd\0Hh\0\0", 36));
}

}  // namespace
}  // namespace sallyport::proto::postgres
