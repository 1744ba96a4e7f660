#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/command.h"
#include "proto/postgres/codec.h"
#include "proto/postgres/messages.h"

/// For tests: messages of both sides by name, and a Relay that stands where the gate would, so that a test reads as the
/// conversation that it is about. Pure.
namespace sallyport::proto::postgres {

inline base::Bytes empty(char type) {
  base::Bytes out;
  FrameWriter(out, type);
  return out;
}
inline base::Bytes sync() { return empty('S'); }
inline base::Bytes flush() { return empty('H'); }
inline base::Bytes query(base::View text) {
  base::Bytes out;
  FrameWriter(out, 'Q').string(text);
  return out;
}
inline base::Bytes parse(base::View name, base::View text, std::initializer_list<std::uint32_t> types = {}) {
  base::Bytes out;
  FrameWriter frame(out, 'P');
  frame.string(name).string(text).number(static_cast<std::uint16_t>(types.size()));
  for (const auto type : types) frame.number(type);
  return out;
}
/// Text values, text results.
inline base::Bytes bind(base::View portal, base::View statement, const std::vector<base::Bytes>& values = {}) {
  base::Bytes out;
  FrameWriter frame(out, 'B');
  frame.string(portal).string(statement).number<std::uint16_t>(0).number(static_cast<std::uint16_t>(values.size()));
  for (const auto& value : values) frame.number(static_cast<std::uint32_t>(value.size())).octets(value);
  frame.number<std::uint16_t>(0);
  return out;
}
inline base::Bytes describe(char what, base::View name) {
  base::Bytes out;
  FrameWriter(out, 'D').number(what).string(name);
  return out;
}
inline base::Bytes close(char what, base::View name) {
  base::Bytes out;
  FrameWriter(out, 'C').number(what).string(name);
  return out;
}
inline base::Bytes execute(base::View portal, std::uint32_t rows = 0) {
  base::Bytes out;
  FrameWriter(out, 'E').string(portal).number(rows);
  return out;
}
inline base::Bytes function_call(std::uint32_t function) {
  base::Bytes out;
  FrameWriter(out, 'F')
      .number(function)
      .number<std::uint16_t>(0)
      .number<std::uint16_t>(1)
      .number<std::uint32_t>(2)
      .octets("42")
      .number<std::uint16_t>(0);
  return out;
}
inline base::Bytes copy_data(base::View octets) {
  base::Bytes out;
  FrameWriter(out, 'd').octets(octets);
  return out;
}
inline base::Bytes copy_done() { return empty('c'); }

inline base::Bytes row_description() {
  base::Bytes out;
  FrameWriter(out, 'T')
      .number<std::uint16_t>(1)
      .string("c")
      .number<std::uint32_t>(0)
      .number<std::uint16_t>(0)
      .number<std::uint32_t>(25)
      .number<std::uint16_t>(0xffff)
      .number<std::uint32_t>(0xffffffff)
      .number<std::uint16_t>(0);
  return out;
}
inline base::Bytes parameter_description(std::initializer_list<std::uint32_t> types) {
  base::Bytes out;
  FrameWriter frame(out, 't');
  frame.number(static_cast<std::uint16_t>(types.size()));
  for (const auto type : types) frame.number(type);
  return out;
}
inline base::Bytes data_row(base::View value) {
  base::Bytes out;
  FrameWriter(out, 'D').number<std::uint16_t>(1).number(static_cast<std::uint32_t>(value.size())).octets(value);
  return out;
}
inline base::Bytes complete(base::View tag) {
  base::Bytes out;
  FrameWriter(out, 'C').string(tag);
  return out;
}
inline base::Bytes ready(char transaction) {
  base::Bytes out;
  FrameWriter(out, 'Z').number(transaction);
  return out;
}
inline base::Bytes error(base::View code, base::View severity = "ERROR") {
  base::Bytes out;
  FrameWriter(out, 'E')
      .octets("S")
      .string(severity)
      .octets("V")
      .string(severity)
      .octets("C")
      .string(code)
      .octets("M")
      .string("the target's words")
      .octets({"\0", 1});
  return out;
}
inline base::Bytes notice(base::View text) {
  base::Bytes out;
  FrameWriter(out, 'N').octets("S").string("NOTICE").octets("M").string(text).octets({"\0", 1});
  return out;
}
inline base::Bytes copy_response(char type) {
  base::Bytes out;
  FrameWriter(out, type).number<char>(0).number<std::uint16_t>(1).number<std::uint16_t>(0);
  return out;
}

/// Forwards or refuses each Step as soon as it is cut. Octets are handed over in a heap block of exactly their size, so
/// that a sanitizer sees any read beyond them.
struct Relay {
  explicit Relay(CodecOptions options = {}) : codec(make_codec(std::move(options))) {}

  std::unique_ptr<Codec> codec;
  std::function<bool(const model::Command&)> refuse = [](const model::Command&) { return false; };
  std::function<std::vector<model::NameChange>(const model::Command&)> changes = [](const model::Command&) {
    return std::vector<model::NameChange>{};
  };
  model::Refusal refusal{};
  std::vector<model::Step> steps;
  std::vector<model::Reply> replies;
  base::Bytes to_target;
  std::optional<base::Error> error;

  void client(base::View octets) {
    const std::size_t first = steps.size();
    give(octets, [&](base::View block) { return codec->from_client(block, steps); });
    for (std::size_t at = first; at < steps.size(); ++at) {
      auto* command = std::get_if<model::Command>(&steps[at]);
      if (command) codec->resolve(*command);
      if (command && refuse(*command)) {
        codec->refuse(*command, refusal, to_target);
      } else {
        codec->forward(steps[at], command ? changes(*command) : std::vector<model::NameChange>{}, to_target);
      }
    }
  }
  void target(base::View octets) {
    give(octets, [&](base::View block) { return codec->from_target(block, replies); });
  }

  base::Bytes to_client() const {
    base::Bytes all;
    for (const auto& reply : replies) all += reply.wire;
    return all;
  }
  base::Bytes step_wire() const {
    base::Bytes all;
    for (const auto& step : steps) std::visit([&](const auto& each) { all += each.wire; }, step);
    return all;
  }
  /// How each Command ended, in order: d(one), f(ailed), s(kipped).
  std::string outcomes() const {
    std::string all;
    for (const auto& reply : replies) {
      for (const auto& completion : reply.completions) all.push_back("dfs"[static_cast<int>(completion.outcome)]);
    }
    return all;
  }

 private:
  template <class Call>
  void give(base::View octets, Call call) {
    std::unique_ptr<char[]> block(new char[octets.size()]);
    std::copy(octets.begin(), octets.end(), block.get());
    auto done = call(base::View(block.get(), octets.size()));
    if (!done && !error) error = done.error();
  }
};

}  // namespace sallyport::proto::postgres
