#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "proto/codec.h"

/// The suite that every codec inherits: what proto/codec.h promises, shown on recorded conversations. For tests.
///
/// A conversation is a text file, a line for each send ("> ") of the client and each read ("< ") from the target, with
/// octets outside printable ASCII as \xHH. Each block of octets is handed over in a heap block of exactly its size.
namespace sallyport::proto::properties {

struct Turn {
  bool is_client = false;
  base::Bytes octets;
};
using Conversation = std::vector<Turn>;
using Make = std::function<std::unique_ptr<Codec>()>;

inline base::Bytes unescape(base::View text) {
  base::Bytes out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 3 < text.size() && text[at + 1] == 'x') {
      out.push_back(static_cast<char>(std::stoi(std::string(text.substr(at + 2, 2)), nullptr, 16)));
      at += 3;
    } else {
      out.push_back(text[at]);
    }
  }
  return out;
}

inline Conversation read_conversation(const std::string& path) {
  Conversation conversation;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.size() >= 2) conversation.push_back({line[0] == '>', unescape(base::View(line).substr(2))});
  }
  return conversation;
}

/// All that a codec made of a conversation, with everything forwarded.
struct Played {
  std::vector<model::Step> steps;
  std::vector<model::Reply> replies;
  base::Bytes to_target, to_client;
  std::size_t most_held = 0;  // octets taken and not yet yielded, at their most
  std::optional<base::Error> error;
};

inline std::size_t size_of(const model::Step& step) {
  return std::visit([](const auto& each) { return each.wire.size(); }, step);
}

class Player {
 public:
  explicit Player(const Make& make) : codec_(make()) {}

  void give(bool is_client, base::View octets) {
    if (played_.error) return;
    const std::unique_ptr<char[]> block(new char[octets.size()]);
    std::copy(octets.begin(), octets.end(), block.get());
    is_client ? client({block.get(), octets.size()}) : target({block.get(), octets.size()});
    // After an error the same one is given again, and nothing else.
    if (played_.error) {
      std::vector<model::Step> steps;
      std::vector<model::Reply> replies;
      EXPECT_FALSE(codec_->from_client("Q", steps));
      EXPECT_FALSE(codec_->from_target("Z", replies));
      EXPECT_TRUE(steps.empty() && replies.empty());
    }
  }
  Played finish() { return std::move(played_); }

 private:
  void client(base::View octets) {
    const std::size_t first = played_.steps.size();
    auto done = codec_->from_client(octets, played_.steps);
    taken_[0] += octets.size();
    for (std::size_t at = first; at < played_.steps.size(); ++at) {
      if (auto* command = std::get_if<model::Command>(&played_.steps[at])) codec_->resolve(*command);
      codec_->forward(played_.steps[at], {}, played_.to_target);
      yielded_[0] += size_of(played_.steps[at]);
    }
    note(done, 0);
  }
  void target(base::View octets) {
    const std::size_t first = played_.replies.size();
    auto done = codec_->from_target(octets, played_.replies);
    taken_[1] += octets.size();
    for (std::size_t at = first; at < played_.replies.size(); ++at) {
      played_.to_client += played_.replies[at].wire;
      yielded_[1] += played_.replies[at].wire.size();
    }
    note(done, 1);
  }
  void note(const base::Result<void>& done, int side) {
    if (!done) {
      played_.error = done.error();
    } else {
      played_.most_held = std::max(played_.most_held, taken_[side] - yielded_[side]);
    }
  }

  std::unique_ptr<Codec> codec_;
  Played played_;
  std::size_t taken_[2] = {0, 0}, yielded_[2] = {0, 0};
};

/// `chunk`: at most so many octets at once.
inline Played play(const Make& make, const Conversation& conversation, std::size_t chunk) {
  Player player(make);
  for (const Turn& turn : conversation) {
    for (base::View rest = turn.octets; !rest.empty(); rest.remove_prefix(std::min(chunk, rest.size()))) {
      player.give(turn.is_client, rest.substr(0, chunk));
    }
  }
  return player.finish();
}

/// Where a Chunk or a Reply is cut depends on the reads; what is told does not.
inline std::string told(const std::vector<model::Step>& steps) {
  std::string all;
  const model::Chunk* last = nullptr;
  for (const auto& step : steps) {
    const auto* chunk = std::get_if<model::Chunk>(&step);
    if (chunk && last && last->op == chunk->op) {
      all += base::to_hex(chunk->wire);
    } else if (chunk) {
      all += "\nchunk " + std::to_string(chunk->op) + " " + base::to_hex(chunk->wire);
    } else if (const auto* control = std::get_if<model::Control>(&step)) {
      all += "\ncontrol " + std::to_string(control->op) + " " + base::to_hex(control->wire);
    } else {
      const auto& command = std::get<model::Command>(step);
      all += "\ncommand " + std::to_string(command.op) + " " + std::to_string(command.number) + " " +
             std::string(name_of(command.kind)) + " " + base::to_hex(command.wire) + " " +
             (command.text ? *command.text : "-");
      for (const auto& parameter : command.parameters) {
        all += " " + std::to_string(parameter.type) + (parameter.is_null ? " null" : " ") +
               base::to_hex(parameter.octets) + "/" + std::to_string(parameter.full_size);
      }
    }
    last = chunk;
  }
  return all;
}

inline std::string told(const std::vector<model::Reply>& replies) {
  std::string all, octets, tags, completions, ending;
  std::uint64_t rows = 0;
  for (std::size_t at = 0; at < replies.size(); ++at) {
    const auto& reply = replies[at];
    octets += base::to_hex(reply.wire);
    rows += reply.rows;
    for (const auto& tag : reply.tags) tags += " " + tag;
    for (const auto& each : reply.completions) {
      completions += " " + std::to_string(each.command) + "=" + std::to_string(static_cast<int>(each.outcome));
    }
    if (reply.error) ending += " " + reply.error->code;
    if (reply.transaction) ending += std::string(" ") + reply.transaction;
    if (reply.ends_op) ending += " ends";
    if (at + 1 < replies.size() && replies[at + 1].op == reply.op) continue;
    all += "\nreply " + std::to_string(reply.op) + " rows " + std::to_string(rows) + tags + completions + ending + " " +
           octets;
    for (auto* each : {&octets, &tags, &completions, &ending}) each->clear();
    rows = 0;
  }
  return all;
}

/// Identity, accounted, split invariance. `most_held`: the codec's limit for one direction.
inline void check(const Make& make, const Conversation& conversation, std::size_t most_held) {
  base::Bytes from_client, from_target;
  for (const Turn& turn : conversation) (turn.is_client ? from_client : from_target) += turn.octets;
  const Played whole = play(make, conversation, base::View::npos);
  ASSERT_FALSE(whole.error) << whole.error->message;
  EXPECT_EQ(whole.to_target, from_client);
  EXPECT_EQ(whole.to_client, from_target);
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, std::size_t{64}}) {
    const Played split = play(make, conversation, chunk);
    ASSERT_FALSE(split.error) << split.error->message;
    EXPECT_EQ(told(split.steps), told(whole.steps)) << "chunks of " << chunk;
    EXPECT_EQ(told(split.replies), told(whole.replies)) << "chunks of " << chunk;
    EXPECT_EQ(split.to_target, from_client);
    EXPECT_EQ(split.to_client, from_target);
    EXPECT_LE(split.most_held, most_held);
  }
}

/// Every op that has a Command ends exactly once, and nothing is told of it afterwards. REQUIRES: nothing is
/// outstanding at the conversation's end.
inline void check_ends(const Make& make, const Conversation& conversation) {
  const Played played = play(make, conversation, base::View::npos);
  std::vector<std::uint64_t> ended;
  std::vector<std::uint64_t> completed;
  for (const auto& reply : played.replies) {
    if (reply.op == model::Reply::kNoOp) continue;
    EXPECT_EQ(std::count(ended.begin(), ended.end(), reply.op), 0) << "told of an op that had ended";
    if (reply.ends_op) ended.push_back(reply.op);
    for (const auto& each : reply.completions) completed.push_back(each.command);
  }
  for (const auto& step : played.steps) {
    const auto* command = std::get_if<model::Command>(&step);
    if (!command) continue;
    EXPECT_EQ(std::count(ended.begin(), ended.end(), command->op), 1) << "op " << command->op;
    EXPECT_EQ(std::count(completed.begin(), completed.end(), command->number), 1) << "command " << command->number;
  }
}

/// Total and bounded on damaged conversations: each ends in steps, need-more or an Error, and is never held.
inline void check_damaged(const Make& make, const Conversation& conversation, std::size_t most_held, unsigned seed) {
  std::mt19937 random(seed);
  for (int round = 0; round < 40; ++round) {
    Conversation damaged = conversation;
    auto& octets = damaged[random() % damaged.size()].octets;
    if (octets.empty()) continue;
    const std::size_t at = random() % octets.size();
    switch (random() % 4) {
      case 0:
        octets[at] = static_cast<char>(random());
        break;
      case 1:
        octets.erase(at, 1 + random() % 8);
        break;
      case 2:
        octets.insert(at, 1 + random() % 8, static_cast<char>(random()));
        break;
      default:
        octets.resize(at);
        break;
    }
    const Played played = play(make, damaged, 1 + random() % 97);
    EXPECT_LE(played.most_held, most_held);
  }
}

}  // namespace sallyport::proto::properties
