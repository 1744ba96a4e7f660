#include "proto/postgres/backend.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "proto/postgres/messages.h"

namespace sallyport::proto::postgres {

using base::Code;
using base::fail;
using base::Result;
using base::View;
using model::Reply;

namespace {

/// What may be long, and is passed in parts: values, and text that is only shown.
bool is_streamed(char type) { return type == 'D' || type == 'd' || type == 'V' || type == 'N' || type == 'A'; }

/// What a mask may be about in a message; nullopt: nothing.
std::optional<model::Section::Kind> kind_of(char type) {
  using Kind = model::Section::Kind;
  switch (type) {
    case 'T':
      return Kind::description;
    case 'D':
      return Kind::rows;
    case 'd':
      return Kind::copy_rows;
    case 'V':
      return Kind::value;
    case 'E':
      return Kind::error;
    case 'N':
    case 'S':
      return Kind::text;
    case 'A':
      return Kind::notification;
    default:  // names, tags and states
      return std::nullopt;
  }
}

}  // namespace

Result<void> Backend::cut(View octets, std::vector<Reply>& replies) {
  replies_ = &replies;
  end_last_op();
  settle();  // what was forwarded since may have been born skipped
  Result<void> done;
  while (done && !octets.empty()) done = streaming_ != 0 ? stream(octets) : next(octets);
  // Also after an Error: what came before it is the client's to see.
  yield();
  replies_ = nullptr;
  return done;
}

/// Consumes one frame, the beginning of one that is passed in parts, or what is to be held for later.
Result<void> Backend::next(View& octets) {
  const auto hold = [&](std::size_t wanted) {
    const View part = octets.substr(0, wanted - held_.size());
    held_.append(part);
    octets.remove_prefix(part.size());
    return held_.size() == wanted;
  };
  if ((!held_.empty() || octets.size() < kHeader) && held_.size() < kHeader && !hold(kHeader)) return {};
  const View start = held_.empty() ? octets : View(held_);
  const char type = start.front();
  const auto length = base::load_big<std::uint32_t>(start.data() + 1);
  if (length < 4 || length > kMaxLength) {
    return fail(Code::malformed, "the target sent a message with a length that is impossible");
  }
  const std::size_t total = std::size_t{length} + 1;
  if (held_.empty() && octets.size() >= total) {
    const View whole = octets.substr(0, total);
    octets.remove_prefix(total);
    if (type == 'D' && has_reply_ && reply_.op == outstanding_.op() && outstanding_.takes_rows()) {
      ++reply_.rows;
      mark(model::Section::Kind::rows, outstanding_.place(), whole.size());
      extend(whole);
      return {};
    }
    return frame(whole);
  }
  if (is_streamed(type) && total > options_.limits.held && !is_held_whole(type, total)) {
    if (whole_rows_ != 0) {
      return fail(Code::limit,
                  "the target sent a value or row of " + std::to_string(total) +
                      " octets, and what is masked must be read whole",
                  "select less of it, or raise limits.masked_row");
    }
    if (auto begun = begin_stream(type); !begun) return begun;
    streaming_ = total - held_.size();
    mark(model::Section::Kind::part, outstanding_.place(), held_.size());
    extend(held_);
    copy_run();
    held_.clear();
    return {};
  }
  if (total > std::max(options_.limits.reply_frame, options_.limits.held) && !is_held_whole(type, total)) {
    return fail(Code::limit, "the target sent a message that is longer than " +
                                 std::to_string(options_.limits.reply_frame) + " octets");
  }
  if (!hold(total)) return {};
  auto done = frame(held_);
  copy_run();
  held_.clear();
  if (held_.capacity() > kIdleCapacity) base::Bytes().swap(held_);
  return done;
}

Result<void> Backend::stream(View& octets) {
  const View part = octets.substr(0, streaming_);
  octets.remove_prefix(part.size());
  if (!has_reply_) reply_for(outstanding_.op());
  mark(model::Section::Kind::part, outstanding_.place(), part.size());
  extend(part);
  streaming_ -= part.size();
  if (streaming_ != 0 || streaming_type_ == 'N' || streaming_type_ == 'A') return {};
  auto answer = outstanding_.take(streaming_type_, {}, reply_);
  if (!answer) return std::unexpected(answer.error());
  settle();
  return {};
}

Result<void> Backend::begin_stream(char type) {
  streaming_type_ = type;
  if ((type == 'D' || type == 'd') && !outstanding_.takes_rows()) {
    return fail(Code::malformed, "the target sent rows that nothing asked for");
  }
  reply_for(outstanding_.op());
  return {};
}

Result<void> Backend::frame(View frame) {
  const char type = frame.front();
  switch (type) {
    case 'N':
    case 'A':
    case 'S':
      return asynchronous(frame);
    case '1':
    case '2':
    case '3':
    case 'C':
    case 'D':
    case 'E':
    case 'G':
    case 'H':
    case 'I':
    case 'T':
    case 'V':
    case 'W':
    case 'Z':
    case 'c':
    case 'd':
    case 'n':
    case 's':
    case 't':
      break;
    default:
      return fail(Code::unsupported, "the target sent a message of unknown type " + base::to_hex({&type, 1}));
  }
  Reply& reply = reply_for(outstanding_.op());
  const auto place = outstanding_.place();
  const auto kind = kind_of(type);
  // Before the front request may go: its rows' shape is looked up.
  if (kind && kind != model::Section::Kind::error) mark(*kind, place, frame.size());
  const auto answer = outstanding_.take(type, frame.substr(kHeader), reply);
  if (!answer) return std::unexpected(answer.error());
  switch (*answer) {
    case Outstanding::Answer::pass:
      if (kind == model::Section::Kind::error) mark(*kind, place, frame.size());
      extend(frame);
      break;
    case Outstanding::Answer::replace:
      copy_run();
      append_refusal(reply.wire, Severity::error, outstanding_.refusal());
      break;
  }
  settle();
  return {};
}

Result<void> Backend::asynchronous(View frame) {
  if (frame.front() == 'S') {
    if (auto pinned = check_parameter(frame.substr(kHeader)); !pinned) return pinned;
  }
  reply_for(outstanding_.op());
  mark(frame.front() == 'A' ? model::Section::Kind::notification : model::Section::Kind::text, outstanding_.place(),
       frame.size());
  extend(frame);
  return {};
}

Result<void> Backend::check_parameter(View body) const {
  Reader reader(body);
  const View name = reader.string(), value = reader.string();
  if (!reader.is_exactly_read()) return fail(Code::malformed, "the target sent a ParameterStatus that is malformed");
  for (const auto& [pinned, wanted] : options_.pinned) {
    if (name != pinned || value == wanted) continue;
    return fail(Code::unsupported, pinned + " was changed, and must stay " + wanted,
                "the gateway reads statements as a session with " + pinned + " " + wanted + " does");
  }
  return {};
}

/// The Reply that what comes next belongs to; yields the one before when it was about another op.
Reply& Backend::reply_for(std::uint64_t op) {
  if (has_reply_ && reply_.op == op) return reply_;
  yield();
  if (op != Reply::kNoOp && op != last_op_) end_last_op();
  reply_.op = op;
  has_reply_ = true;
  if (op != Reply::kNoOp) last_op_ = op;
  return reply_;
}

bool Backend::is_held_whole(char type, std::size_t total) const { return is_streamed(type) && total <= whole_rows_; }

/// What is appended next, `size` octets. Runs of rows are one Section.
void Backend::mark(model::Section::Kind kind, Outstanding::Place place, std::size_t size) {
  using Kind = model::Section::Kind;
  const std::size_t begin = reply_.wire.size() + run_.size();
  if (!reply_.sections.empty() && (kind == Kind::rows || kind == Kind::copy_rows || kind == Kind::part)) {
    model::Section& last = reply_.sections.back();
    if (last.kind == kind && last.end == begin && last.command == place.command && last.statement == place.statement) {
      last.end += size;
      return;
    }
  }
  model::Section section{
      .kind = kind, .command = place.command, .statement = place.statement, .begin = begin, .end = begin + size};
  if (kind == Kind::rows) section.shape = outstanding_.shape();
  reply_.sections.push_back(std::move(section));
}

void Backend::extend(View octets) {
  if (!run_.empty() && run_.data() + run_.size() == octets.data()) {
    run_ = View(run_.data(), run_.size() + octets.size());
    return;
  }
  copy_run();
  run_ = octets;
}

void Backend::copy_run() {
  reply_.wire.append(run_);
  run_ = {};
}

void Backend::yield() {
  if (!has_reply_) return;
  copy_run();
  reply_.ends_frame = streaming_ == 0;
  if (reply_.ends_op) last_op_ = Reply::kNoOp;
  if (!reply_.wire.empty() || reply_.ends_op || !reply_.completions.empty()) replies_->push_back(std::move(reply_));
  reply_ = Reply{};
  has_reply_ = false;
}

/// Nothing more can come for `op`: its last request is answered, and the client cannot add one.
bool Backend::is_over(std::uint64_t op) const {
  return outstanding_.op() != op && !frontend_.is_open(op) && (asked_.is_empty() || asked_.front().op != op);
}

/// After each message: ends the op that it completed, and tells of those that the target skipped.
void Backend::settle() {
  std::optional<model::Completion> completion;
  for (;;) {
    if (has_reply_ && reply_.op != Reply::kNoOp && is_over(reply_.op)) {
      reply_.ends_op = true;
      frontend_.on_ended(reply_.op);
      yield();
    }
    const std::uint64_t op = outstanding_.op();
    if (!outstanding_.drop_unanswered(completion)) return;
    Reply& reply = reply_for(op);
    if (completion) reply.completions.push_back(*completion);
  }
}

void Backend::end_last_op() {
  if (last_op_ == Reply::kNoOp || !is_over(last_op_)) return;
  Reply ended;
  ended.op = last_op_;
  ended.ends_op = true;
  frontend_.on_ended(last_op_);
  replies_->push_back(std::move(ended));
  last_op_ = Reply::kNoOp;
}

}  // namespace sallyport::proto::postgres
