#include "proto/postgres/frontend.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "proto/postgres/bind.h"
#include "proto/postgres/messages.h"

namespace sallyport::proto::postgres {
namespace {

using base::Code;
using base::fail;
using base::Result;
using base::View;
using model::CommandKind;

std::unexpected<base::Error> malformed(std::string_view message) {
  return fail(Code::malformed, "malformed " + std::string(message) + " message from the client");
}
std::unexpected<base::Error> unsupported(char type) {
  return fail(Code::unsupported, "the client sent a message of unknown type " +
                                     (type > ' ' && type < '\x7f' ? std::string(1, type) : base::to_hex({&type, 1})));
}
std::unexpected<base::Error> too_long(std::string_view message, std::size_t limit) {
  return fail(Code::limit, std::string(message) + " message is longer than " + std::to_string(limit) + " octets");
}

View body_of(View frame) { return frame.substr(kHeader); }

}  // namespace

/// How many octets of the frame are needed before anything of it can be yielded.
Result<std::size_t> Frontend::hold_size(char type, std::uint32_t length) const {
  const std::size_t total = std::size_t{length} + 1;
  if (length < 4 || length > kMaxLength) return malformed("wrongly sized");
  switch (type) {
    case 'Q':
    case 'P':
    case 'F':
      if (total > limits_.statement_frame) return too_long("a statement's", limits_.statement_frame);
      return total;
    case 'B':
      return std::min(total, limits_.held);
    case 'd':
      return kHeader;
    case 'D':
    case 'E':
    case 'C':
    case 'S':
    case 'H':
    case 'X':
    case 'c':
    case 'f':
      if (length > kMaxSmallLength) return too_long("a control", kMaxSmallLength);
      return total;
    default:
      return unsupported(type);  // what we cannot name we do not forward
  }
}

Result<void> Frontend::cut(View octets, std::vector<model::Step>& steps, Fifo<Request>& asked) {
  Output output{steps, asked, steps.size()};
  while (!octets.empty()) {
    if (streaming_ != 0) {
      const View part = octets.substr(0, streaming_);
      chunk(part, streaming_kind_, output);
      streaming_ -= part.size();
      octets.remove_prefix(part.size());
    } else if (auto done = begin_frame(octets, output); !done) {
      return done;
    }
  }
  return {};
}

/// Consumes a whole frame, the head of one that is streamed, or the octets that are to be held for later.
Result<void> Frontend::begin_frame(View& octets, Output& output) {
  const auto hold = [&](std::size_t wanted) {
    const View part = octets.substr(0, wanted - held_.size());
    held_.append(part);
    octets.remove_prefix(part.size());
    return held_.size() == wanted;
  };
  if (!held_.empty() || octets.size() < kHeader) {
    if (held_.size() < kHeader && !hold(kHeader)) return {};
  }
  const View start = held_.empty() ? octets : View(held_);
  const auto length = base::load_big<std::uint32_t>(start.data() + 1);
  const std::size_t total = std::size_t{length} + 1;
  const auto size = hold_size(start.front(), length);
  if (!size) return std::unexpected(size.error());
  if (held_.empty() && octets.size() >= *size) {
    const View frame = octets.substr(0, *size);
    octets.remove_prefix(*size);
    return message(frame, total, output);
  }
  if (held_.size() < *size && !hold(*size)) return {};
  auto done = message(held_, total, output);
  held_.clear();
  if (held_.capacity() > kIdleCapacity) base::Bytes().swap(held_);
  return done;
}

Result<void> Frontend::message(View frame, std::size_t total, Output& output) {
  streaming_ = total - frame.size();
  switch (frame.front()) {
    case 'Q':
      return query(frame, output);
    case 'P':
      return parse(frame, output);
    case 'B':
      return bind(frame, total, output);
    case 'E':
      return execute(frame, output);
    case 'D':
    case 'C':
      return describe_or_close(frame, output);
    case 'F':
      return function_call(frame, output);
    case 'S':
      return sync(frame, output);
    case 'H':
      return flush(frame, output);
    case 'X':
      return terminate(frame, output);
    case 'c':
    case 'f':
      return copy_end(frame, output);
    case 'd': {
      streaming_kind_ = RequestKind::copy_data;
      chunk(frame, RequestKind::copy_data, output);
      return {};
    }
    default:
      return unsupported(frame.front());
  }
}

void Frontend::begin_op() {
  op_ = next_op_++;
  state_ = State::open;
  has_bind_ = has_chunks_ = has_ended_ = false;
}

void Frontend::join_op() {
  if (state_ != State::open) begin_op();
}

model::Command Frontend::command(CommandKind kind, View frame) {
  model::Command command;
  command.op = op_;
  command.number = next_number_++;
  command.kind = kind;
  command.wire.assign(frame);
  return command;
}

Request Frontend::request(RequestKind kind) const {
  Request request;
  request.kind = kind;
  request.op = op_;
  request.number = next_number_;
  request.segment = segment_;
  return request;
}

Result<void> Frontend::check_names() const {
  if (names_.count() > limits_.names || names_.octets() > limits_.names_octets) {
    return fail(Code::limit, "too many prepared statements or portals", "deallocate those that are no longer used");
  }
  return {};
}

Result<void> Frontend::query(View frame, Output& output) {
  Reader reader(body_of(frame));
  const View text = reader.string();
  if (!reader.is_exactly_read()) return malformed("Query");
  begin_op();
  state_ = State::closed;
  ++segment_;
  output.asked.push(request(RequestKind::query));
  auto step = command(CommandKind::run, frame);
  step.text = std::make_shared<const std::string>(text);
  output.steps.emplace_back(std::move(step));
  ++segment_;
  return {};
}

Result<void> Frontend::parse(View frame, Output& output) {
  Reader reader(body_of(frame));
  const View name = reader.string(), text = reader.string();
  auto prepared = std::make_shared<Prepared>();
  prepared->types.resize(reader.number<std::uint16_t>());
  for (auto& type : prepared->types) type = reader.number<std::uint32_t>();
  if (!reader.is_exactly_read()) return malformed("Parse");
  prepared->text = std::make_shared<const std::string>(text);
  begin_op();
  auto asked = request(RequestKind::parse);
  asked.statement = name;
  auto step = command(CommandKind::prepare, frame);
  step.text = prepared->text;
  step.parameter_types = prepared->types;
  names_.define(Names::Space::statements, name, asked.number, segment_, std::move(prepared));
  output.asked.push(std::move(asked));
  output.steps.emplace_back(std::move(step));
  return check_names();
}

Result<void> Frontend::bind(View frame, std::size_t total, Output& output) {
  const bool is_whole = frame.size() == total;
  auto read = read_bind(body_of(frame), is_whole ? Whole::yes : Whole::no);
  if (!read) return malformed("Bind");
  if (state_ != State::open || has_bind_) begin_op();
  has_bind_ = true;
  streaming_kind_ = RequestKind::rest;
  auto asked = request(RequestKind::bind);
  asked.statement = read->statement;
  asked.portal = read->portal;
  if (keeps_shapes_) asked.formats = std::move(read->formats);
  auto step = command(CommandKind::bind, frame);
  step.names_something = true;
  step.parameters = std::move(read->parameters);
  names_.define(Names::Space::portals, read->portal, asked.number, segment_, nullptr);
  resolve(asked, step);
  output.asked.push(std::move(asked));
  output.steps.emplace_back(std::move(step));
  return check_names();
}

Result<void> Frontend::execute(View frame, Output& output) {
  Reader reader(body_of(frame));
  const View portal = reader.string();
  reader.number<std::int32_t>();  // how many rows at most
  if (!reader.is_exactly_read()) return malformed("Execute");
  join_op();
  state_ = State::executed;
  auto asked = request(RequestKind::execute);
  asked.portal = portal;
  auto step = command(CommandKind::execute, frame);
  step.names_something = true;
  resolve(asked, step);
  output.asked.push(std::move(asked));
  output.steps.emplace_back(std::move(step));
  return {};
}

Result<void> Frontend::describe_or_close(View frame, Output& output) {
  Reader reader(body_of(frame));
  const char what = reader.number<char>();
  const View name = reader.string();
  if (!reader.is_exactly_read() || (what != 'S' && what != 'P')) return malformed("Describe or Close");
  const bool is_describe = frame.front() == 'D', is_statement = what == 'S';
  join_op();
  auto asked = request(is_describe ? (is_statement ? RequestKind::describe_statement : RequestKind::describe_portal)
                                   : (is_statement ? RequestKind::close_statement : RequestKind::close_portal));
  (is_statement ? asked.statement : asked.portal) = name;
  auto step = command(is_describe ? CommandKind::describe : CommandKind::close, frame);
  step.names_something = true;
  resolve(asked, step);
  output.asked.push(std::move(asked));
  output.steps.emplace_back(std::move(step));
  return {};
}

Result<void> Frontend::function_call(View frame, Output& output) {
  auto read = read_function_call(body_of(frame));
  if (!read) return malformed("FunctionCall");
  begin_op();
  state_ = State::closed;
  ++segment_;
  output.asked.push(request(RequestKind::function_call));
  auto step = command(CommandKind::call, frame);
  step.function = read->function;
  step.parameters = std::move(read->parameters);
  output.steps.emplace_back(std::move(step));
  ++segment_;
  return {};
}

Result<void> Frontend::sync(View frame, Output& output) {
  if (frame.size() != kHeader) return malformed("Sync");
  const bool follows_copy = has_chunks_ && !has_ended_;
  if (state_ == State::closed && !follows_copy) begin_op();
  state_ = State::closed;
  output.asked.push(request(RequestKind::sync));
  output.steps.emplace_back(model::Control{op_, model::Control::Kind::sync, base::Bytes(frame)});
  ++segment_;
  return {};
}

Result<void> Frontend::flush(View frame, Output& output) {
  if (frame.size() != kHeader) return malformed("Flush");
  // One that ends nothing has no reply to wait for, so it is no op.
  const std::uint64_t op = state_ == State::closed ? model::Reply::kNoOp : op_;
  state_ = State::closed;
  output.asked.push(request(RequestKind::flush));
  output.steps.emplace_back(model::Control{op, model::Control::Kind::flush, base::Bytes(frame)});
  return {};
}

Result<void> Frontend::terminate(View frame, Output& output) {
  if (frame.size() != kHeader) return malformed("Terminate");
  output.asked.push(request(RequestKind::terminate));
  output.steps.emplace_back(model::Control{model::Reply::kNoOp, model::Control::Kind::terminate, base::Bytes(frame)});
  return {};
}

Result<void> Frontend::copy_end(View frame, Output& output) {
  Reader reader(body_of(frame));
  if (frame.front() == 'f') reader.string();
  if (!reader.is_exactly_read()) return malformed("CopyDone or CopyFail");
  chunk(frame, RequestKind::copy_end, output);
  return {};
}

/// Runs of CopyData become one Chunk a read; a row alone would cost more to record than to copy.
void Frontend::chunk(View octets, RequestKind kind, Output& output) {
  if (kind != RequestKind::rest) has_chunks_ = true;
  if (kind != RequestKind::copy_end && output.steps.size() > output.first && output.asked.back().kind == kind) {
    if (auto* last = std::get_if<model::Chunk>(&output.steps.back())) {
      last->wire.append(octets);
      return;
    }
  }
  auto asked = request(kind);
  if (kind == RequestKind::rest) --asked.number;  // of the Command that it belongs to
  output.asked.push(std::move(asked));
  output.steps.emplace_back(model::Chunk{op_, base::Bytes(octets)});
}

void Frontend::resolve(const Request& request, model::Command& command) {
  using Space = Names::Space;
  PreparedPointer found;
  switch (request.kind) {
    case RequestKind::bind:
      found = names_.find(Space::statements, request.statement, request.number, request.segment);
      names_.redefine(Space::portals, request.portal, request.number, found);
      break;
    case RequestKind::describe_statement:
    case RequestKind::close_statement:
      found = names_.find(Space::statements, request.statement, request.number, request.segment);
      break;
    case RequestKind::describe_portal:
    case RequestKind::close_portal:
    case RequestKind::execute:
      found = names_.find(Space::portals, request.portal, request.number, request.segment);
      break;
    case RequestKind::query:
    case RequestKind::parse:
    case RequestKind::function_call:
    case RequestKind::sync:
    case RequestKind::flush:
    case RequestKind::terminate:
    case RequestKind::copy_data:
    case RequestKind::copy_end:
    case RequestKind::rest:
      return;
  }
  command.text = found ? found->text : nullptr;
  if (request.kind == RequestKind::execute)
    command.bound_by = names_.maker(Space::portals, request.portal, request.number, request.segment);
  if (request.kind != RequestKind::bind) return;
  command.parameter_types = found ? found->types : std::vector<std::uint32_t>{};
  for (std::size_t at = 0; at < command.parameters.size(); ++at) {
    command.parameters[at].type = at < command.parameter_types.size() ? command.parameter_types[at] : 0;
  }
}

}  // namespace sallyport::proto::postgres
