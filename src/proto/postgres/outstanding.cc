#include "proto/postgres/outstanding.h"

#include <string>
#include <utility>

#include "proto/postgres/messages.h"

namespace sallyport::proto::postgres {

using base::Code;
using base::fail;
using base::Result;
using base::View;
using model::Completion;
using model::NameChange;
using model::Reply;
using Space = Names::Space;

namespace {

std::unexpected<base::Error> unexpected_message(char type) {
  return fail(Code::malformed, "the target sent a message that answers nothing: type " +
                                   (type > ' ' && type < '\x7f' ? std::string(1, type) : base::to_hex({&type, 1})));
}

/// The tag by which the target confirms a change of names; nothing for changes that are not about these names.
std::string_view tag_of(NameChange::Kind kind) {
  switch (kind) {
    case NameChange::Kind::prepare:
      return "PREPARE";
    case NameChange::Kind::deallocate:
      return "DEALLOCATE";
    case NameChange::Kind::deallocate_all:
      return "DEALLOCATE ALL";
    case NameChange::Kind::declare:
      return "DECLARE CURSOR";
    case NameChange::Kind::close:
      return "CLOSE CURSOR";
    case NameChange::Kind::close_all:
      return "CLOSE CURSOR ALL";
    case NameChange::Kind::discard_all:
      return "DISCARD ALL";
    case NameChange::Kind::search_path:
    case NameChange::Kind::relations:
    case NameChange::Kind::role:
      return {};
  }
  return {};
}

}  // namespace

Result<void> Outstanding::push(Request&& request) {
  switch (request.kind) {
    case RequestKind::flush:
      is_extended_ = true;
      return {};
    case RequestKind::terminate:
    case RequestKind::copy_data:
    case RequestKind::rest:
      return {};
    case RequestKind::copy_end:
      if (queue_.is_empty()) return {};
      is_copy_open_ = false;
      break;
    case RequestKind::sync:
      is_skipping_ = is_extended_ = false;
      // Read by the COPY, which ignores it; see `end_copy` for the one that fails.
      break;
    case RequestKind::query:
    case RequestKind::function_call:
    case RequestKind::parse:
    case RequestKind::bind:
    case RequestKind::describe_statement:
    case RequestKind::describe_portal:
    case RequestKind::execute:
    case RequestKind::close_statement:
    case RequestKind::close_portal:
      if (is_copy_open_) return fail(Code::unsupported, "the client sent a command inside COPY FROM STDIN");
      request.is_skipped = is_skipping_;
      if (!is_skipping_) {
        is_extended_ = request.kind != RequestKind::query && request.kind != RequestKind::function_call;
      }
      break;
  }
  if (queue_.size() >= limits_.outstanding) {
    return fail(Code::limit, "more than " + std::to_string(limits_.outstanding) + " requests are unanswered",
                "read the answers before sending more");
  }
  for (const NameChange& change : request.changes) {
    if (change.kind != NameChange::Kind::prepare && change.kind != NameChange::Kind::declare) continue;
    names_.define(change.kind == NameChange::Kind::prepare ? Space::statements : Space::portals, change.name,
                  request.number, request.segment,
                  std::make_shared<const Prepared>(Prepared{std::make_shared<const std::string>(change.text), {}}),
                  Names::Origin::sql);
  }
  if (request.is_live()) ++live_;
  queue_.push(std::move(request));
  return {};
}

Outstanding::Place Outstanding::place() const {
  if (queue_.is_empty() || !is_command(queue_.front().kind)) return {};
  return {queue_.front().number, queue_.front().done};
}

std::shared_ptr<const model::ResultShape> Outstanding::shape() {
  if (!keeps_shapes_ || queue_.is_empty() || queue_.front().kind != RequestKind::execute) return nullptr;
  return shapes_.of_portal(queue_.front().portal);
}

bool Outstanding::takes_rows() const {
  if (queue_.is_empty()) return false;
  const Request& front = queue_.front();
  return front.is_live() && !front.refusal && !front.has_ended &&
         (front.kind == RequestKind::query || front.kind == RequestKind::execute);
}

bool Outstanding::drop_unanswered(std::optional<Completion>& completion) {
  completion.reset();
  if (queue_.is_empty() || queue_.front().is_live()) return false;
  const Request dropped = queue_.pop();
  if (is_command(dropped.kind)) {
    completion = Completion{dropped.number, Completion::Outcome::skipped};
    undo(dropped);
  }
  return true;
}

/// What the failed or skipped request would have defined never was.
void Outstanding::undo(const Request& request) {
  if (request.kind == RequestKind::parse) names_.withdraw(Space::statements, request.statement, request.number);
  if (request.kind == RequestKind::bind) names_.withdraw(Space::portals, request.portal, request.number);
  for (const NameChange& change : request.changes) {
    if (change.kind == NameChange::Kind::prepare) names_.withdraw(Space::statements, change.name, request.number);
    if (change.kind == NameChange::Kind::declare) names_.withdraw(Space::portals, change.name, request.number);
  }
}

void Outstanding::finish(Completion::Outcome outcome, Reply& reply) {
  Request finished = queue_.pop();
  --live_;
  if (finished.kind == RequestKind::sync) return;
  if (outcome == Completion::Outcome::done && keeps_shapes_) {
    if (finished.kind == RequestKind::parse) shapes_.parsed(finished.statement);
    if (finished.kind == RequestKind::bind) {
      shapes_.bound(finished.portal, finished.statement, std::move(finished.formats));
    }
    if (finished.kind == RequestKind::close_statement) shapes_.closed_statement(finished.statement);
    if (finished.kind == RequestKind::close_portal) shapes_.closed_portal(finished.portal);
  }
  if (outcome == Completion::Outcome::done) {
    if (finished.kind == RequestKind::parse) names_.confirm(Space::statements, finished.statement, finished.number);
    if (finished.kind == RequestKind::bind) names_.confirm(Space::portals, finished.portal, finished.number);
    if (finished.kind == RequestKind::close_statement) {
      names_.remove(Space::statements, finished.statement, finished.number);
    }
    if (finished.kind == RequestKind::close_portal) names_.remove(Space::portals, finished.portal, finished.number);
    finished.kind = RequestKind::query;  // nothing of it is to be undone but changes that were not confirmed
  }
  undo(finished);
  reply.completions.push_back({finished.number, outcome});
}

Outstanding::Taken Outstanding::take(char type, View body, Reply& reply) {
  if (type == 'E') return take_error(body, reply);
  if (type == 'Z') return take_ready(body, reply);
  if (queue_.is_empty() || queue_.front().has_ended) {
    // A Query of several statements goes on after the end of one; only an error ends it.
    if (queue_.is_empty() || queue_.front().has_failed || queue_.front().kind != RequestKind::query) {
      return unexpected_message(type);
    }
  }
  Request& front = queue_.front();
  if (front.refusal) return fail(Code::internal, "the target answered a statement that was refused");
  switch (front.kind) {
    case RequestKind::query:
    case RequestKind::execute:
      return take_result(type, body, reply);
    case RequestKind::parse:
      if (type != '1') return unexpected_message(type);
      finish(Completion::Outcome::done, reply);
      return Answer::pass;
    case RequestKind::bind:
      if (type != '2') return unexpected_message(type);
      finish(Completion::Outcome::done, reply);
      return Answer::pass;
    case RequestKind::close_statement:
    case RequestKind::close_portal:
      if (type != '3') return unexpected_message(type);
      finish(Completion::Outcome::done, reply);
      return Answer::pass;
    case RequestKind::describe_statement:
    case RequestKind::describe_portal:
      return take_description(type, body, reply);
    case RequestKind::function_call:
      if (type != 'V') return unexpected_message(type);
      front.has_ended = true;
      return Answer::pass;
    case RequestKind::sync:
    case RequestKind::flush:
    case RequestKind::terminate:
    case RequestKind::copy_data:
    case RequestKind::copy_end:
    case RequestKind::rest:
      return unexpected_message(type);
  }
  return unexpected_message(type);
}

Outstanding::Taken Outstanding::take_result(char type, View body, Reply& reply) {
  Request& front = queue_.front();
  switch (type) {
    case 'T':
      if (front.kind != RequestKind::query) return unexpected_message(type);
      front.has_ended = false;  // another statement of the same text
      return Answer::pass;
    case 'D':
      ++reply.rows;
      return Answer::pass;
    case 'H':
      front.has_ended = false;
      return Answer::pass;
    case 'd':
    case 'c':
      return Answer::pass;
    case 'G':
      return begin_copy_in();
    case 'W':
      return fail(Code::unsupported, "the target began a COPY in both directions, which is replication");
    case 'C': {
      Reader reader(body);
      const View tag = reader.string();
      if (!reader.is_exactly_read()) return unexpected_message(type);
      reply.tags.emplace_back(tag);
      apply_tag(tag);
      return take_complete(reply);
    }
    case 'I':
      return take_complete(reply);
    case 's':
      if (front.kind != RequestKind::execute) return unexpected_message(type);
      return take_complete(reply);
    default:
      return unexpected_message(type);
  }
}

Outstanding::Taken Outstanding::take_complete(Reply& reply) {
  Request& front = queue_.front();
  if (front.is_copying_in) end_copy(true);
  if (front.kind == RequestKind::execute) {
    finish(Completion::Outcome::done, reply);
  } else {
    front.has_ended = true;
    ++front.done;
  }
  return Answer::pass;
}

Outstanding::Taken Outstanding::take_description(char type, View body, Reply& reply) {
  Request& front = queue_.front();
  const bool wants_parameters = front.kind == RequestKind::describe_statement && !front.has_parameters;
  if (wants_parameters) {
    if (type != 't') return unexpected_message(type);
    Reader reader(body);
    std::vector<std::uint32_t> types(reader.number<std::uint16_t>());
    for (auto& each : types) each = reader.number<std::uint32_t>();
    if (!reader.is_exactly_read()) return unexpected_message(type);
    names_.describe(front.statement, front.number, types);
    front.has_parameters = true;
    return Answer::pass;
  }
  if (type != 'T' && type != 'n') return unexpected_message(type);
  if (type == 'T' && keeps_shapes_) {
    if (front.kind == RequestKind::describe_statement) {
      shapes_.described_statement(front.statement, body);
    } else {
      shapes_.described_portal(front.portal, body);
    }
  }
  finish(Completion::Outcome::done, reply);
  return Answer::pass;
}

Outstanding::Taken Outstanding::take_error(View body, Reply& reply) {
  const auto fields = read_error(body);
  if (!fields) return fail(Code::malformed, "the target sent an ErrorResponse that is malformed");
  if (!reply.error) {
    reply.error = Reply::Error{std::string(fields->severity), std::string(fields->code), std::string(fields->message)};
  }
  if (queue_.is_empty()) {
    if (!fields->ends_session() && is_extended_) is_skipping_ = true;
    return Answer::pass;
  }
  Request& front = queue_.front();
  if (front.has_failed) return fields->ends_session() ? Taken(Answer::pass) : unexpected_message('E');
  Answer answer = Answer::pass;
  if (front.refusal && !fields->ends_session()) {
    refusal_ = std::move(*front.refusal);
    reply.error = Reply::Error{"ERROR", std::string(sqlstate_of(refusal_->kind)), refusal_->message, true};
    answer = Answer::replace;
  }
  if (fields->ends_session()) return answer;
  if (front.is_copying_in) end_copy(false);
  switch (front.kind) {
    case RequestKind::query:
    case RequestKind::function_call:
      front.has_failed = front.has_ended = true;
      return answer;
    case RequestKind::sync:
      return answer;  // a commit that fails; ReadyForQuery follows all the same
    case RequestKind::parse:
    case RequestKind::bind:
    case RequestKind::describe_statement:
    case RequestKind::describe_portal:
    case RequestKind::execute:
    case RequestKind::close_statement:
    case RequestKind::close_portal:
      finish(Completion::Outcome::failed, reply);
      skip_until_sync();
      return answer;
    case RequestKind::flush:
    case RequestKind::terminate:
    case RequestKind::copy_data:
    case RequestKind::copy_end:
    case RequestKind::rest:
      return unexpected_message('E');
  }
  return unexpected_message('E');
}

void Outstanding::skip_until_sync() {
  for (std::size_t at = 0; at < queue_.size(); ++at) {
    Request& request = queue_[at];
    if (!request.is_live()) continue;
    if (request.kind == RequestKind::sync) return;
    request.is_skipped = true;
    --live_;
  }
  is_skipping_ = true;
}

Outstanding::Taken Outstanding::take_ready(View body, Reply& reply) {
  if (body.size() != 1 || (body[0] != 'I' && body[0] != 'T' && body[0] != 'E')) return unexpected_message('Z');
  const bool is_due = !queue_.is_empty() && (queue_.front().kind == RequestKind::sync || queue_.front().has_ended);
  if (!is_due) {
    if (stray_ready_ == 0) return unexpected_message('Z');
    --stray_ready_;
  }
  transaction_ = reply.transaction = body[0];
  if (!is_due) return Answer::pass;
  const std::uint64_t number = queue_.front().number;
  finish(queue_.front().has_failed ? Completion::Outcome::failed : Completion::Outcome::done, reply);
  if (transaction_ == 'I') names_.end_transaction(number);
  return Answer::pass;
}

Outstanding::Taken Outstanding::begin_copy_in() {
  queue_.front().is_copying_in = true;
  queue_.front().has_ended = false;
  for (std::size_t at = 1; at < queue_.size(); ++at) {
    const Request& request = queue_[at];
    if (request.kind == RequestKind::copy_end) return Answer::pass;
    // Which of them the COPY swallows differs between versions of the server, so no answer could be matched safely.
    if (request.is_live() && is_command(request.kind)) {
      return fail(Code::unsupported, "the client sent a command behind COPY FROM STDIN and before its data");
    }
  }
  is_copy_open_ = true;
  return Answer::pass;
}

/// The front COPY FROM STDIN is over: the Syncs that it read are not answered.
void Outstanding::end_copy(bool is_done) {
  queue_.front().is_copying_in = false;
  is_copy_open_ = false;
  for (std::size_t at = 1; at < queue_.size(); ++at) {
    Request& request = queue_[at];
    if (request.kind == RequestKind::copy_end && !request.is_skipped) {
      request.is_skipped = true;  // used up: the next COPY has its own
      return;
    }
    if (request.kind != RequestKind::sync || request.is_skipped) continue;
    request.is_skipped = true;
    --live_;
    if (!is_done) ++stray_ready_;
  }
}

/// CommandComplete of one statement: the first change that is of its kind is confirmed, whatever follows in the text.
void Outstanding::apply_tag(View tag) {
  Request& front = queue_.front();
  for (auto change = front.changes.begin(); change != front.changes.end(); ++change) {
    if (tag_of(change->kind) != tag) continue;
    switch (change->kind) {
      case NameChange::Kind::prepare:
        names_.confirm(Space::statements, change->name, front.number);
        break;
      case NameChange::Kind::declare:
        names_.confirm(Space::portals, change->name, front.number);
        break;
      case NameChange::Kind::deallocate:
        names_.remove(Space::statements, change->name, front.number);
        break;
      case NameChange::Kind::close:
        names_.remove(Space::portals, change->name, front.number);
        break;
      case NameChange::Kind::deallocate_all:
        names_.remove_all(Space::statements, front.number);
        break;
      case NameChange::Kind::close_all:
        names_.remove_all(Space::portals, front.number);
        break;
      case NameChange::Kind::discard_all:
        names_.remove_all(Space::statements, front.number);
        names_.remove_all(Space::portals, front.number);
        break;
      case NameChange::Kind::search_path:
      case NameChange::Kind::relations:
      case NameChange::Kind::role:
        break;
    }
    front.changes.erase(change);
    return;
  }
}

}  // namespace sallyport::proto::postgres
