#include "proto/postgres/codec.h"

#include <algorithm>
#include <optional>
#include <variant>

#include "proto/postgres/backend.h"
#include "proto/postgres/cells.h"
#include "proto/postgres/frontend.h"
#include "proto/postgres/messages.h"
#include "proto/postgres/names.h"
#include "proto/postgres/outstanding.h"
#include "proto/postgres/request.h"
#include "proto/postgres/substitute.h"

namespace sallyport::proto::postgres {
namespace {

using base::Bytes;
using base::Result;
using base::View;
using model::Command;

/// client octets -> Frontend -> Steps, and a Request each in asked_ -> forward, refuse -> Outstanding -> Backend.
class PostgresCodec final : public Codec {
 public:
  explicit PostgresCodec(CodecOptions options)
      : options_(std::move(options)),
        frontend_(options_.limits, names_),
        outstanding_(options_.limits, names_),
        backend_(options_, frontend_, outstanding_, asked_) {}

  Result<void> from_client(View octets, std::vector<model::Step>& steps) override {
    if (fault_) return std::unexpected(*fault_);
    return keep(frontend_.cut(octets, steps, asked_));
  }

  Result<void> from_target(View octets, std::vector<model::Reply>& replies) override {
    if (fault_) return std::unexpected(*fault_);
    return keep(backend_.cut(octets, replies));
  }

  void forward(const model::Step& step, const std::vector<model::NameChange>& changes, Bytes& out) override {
    if (fault_ || asked_.is_empty()) return misused();
    Request request = asked_.pop();
    if (const auto* command = std::get_if<Command>(&step))
      return forward_command(*command, std::move(request), changes, out);
    const auto* chunk = std::get_if<model::Chunk>(&step);
    if (request.kind == RequestKind::rest && request.number == refused_) return;  // its head was not sent either
    const View wire = chunk ? View(chunk->wire) : View(std::get<model::Control>(step).wire);
    if (keep(outstanding_.push(std::move(request)))) out.append(wire);
  }

  void refuse(const Command& command, const model::Refusal& refusal, Bytes& out) override {
    if (fault_ || asked_.is_empty()) return misused();
    substitute(command, asked_.pop(), refusal, out);
  }

  void resolve(Command& command) override {
    for (std::size_t at = 0; at < asked_.size() && asked_[at].number <= command.number; ++at) {
      if (asked_[at].number == command.number && is_command(asked_[at].kind)) {
        return frontend_.resolve(asked_[at], command);
      }
    }
  }

  void look(Sight sight) override {
    backend_.keep_rows_whole(sight.whole_rows);
    if (!sight.keeps_shapes) return;
    frontend_.keep_shapes();
    outstanding_.keep_shapes();
  }
  const model::ResultFormat& format() const override { return result_format(); }

  void nudge(Bytes& out) override { FrameWriter(out, 'H'); }

  Bytes farewell(const model::Refusal& refusal) const override {
    Bytes out;
    append_refusal(out, Severity::fatal, refusal);
    return out;
  }
  Bytes notice(const model::Refusal& remark) const override {
    Bytes out;
    append_refusal(out, Severity::notice, remark);
    return out;
  }

  const std::string* prepared_text(View name) const override { return names_.text(Names::Space::statements, name); }
  const std::string* cursor_text(View name) const override { return names_.text(Names::Space::portals, name); }
  std::optional<std::uint64_t> cursor_maker(View name) const override {
    return names_.maker(Names::Space::portals, name);
  }
  bool is_skipping() const override { return outstanding_.is_skipping(); }
  bool is_pipelining() const override { return outstanding_.is_pipelining(); }
  bool is_outstanding() const override { return outstanding_.is_outstanding(); }
  char transaction() const override { return outstanding_.transaction(); }

 private:
  void forward_command(const Command& command, Request request, const std::vector<model::NameChange>& changes,
                       Bytes& out) {
    if (is_overtaken(request, command)) {
      model::Refusal refusal;
      refusal.message = "the statement behind this name changed while the command waited";
      refusal.hint = "send it again";
      return substitute(command, std::move(request), refusal, out);
    }
    // Prepare, Bind and Describe only name a statement; its effect on names is that of running it.
    if (request.kind == RequestKind::query || request.kind == RequestKind::execute) request.changes = changes;
    if (keep(outstanding_.push(std::move(request)))) out.append(command.wire);
  }

  /// What was judged is no longer what the target would run.
  bool is_overtaken(const Request& request, const Command& command) {
    const bool uses_name = request.kind == RequestKind::bind || request.kind == RequestKind::execute ||
                           request.kind == RequestKind::describe_statement ||
                           request.kind == RequestKind::describe_portal;
    if (!uses_name || !command.text) return false;
    const bool is_bind = request.kind == RequestKind::bind || request.kind == RequestKind::describe_statement;
    const auto found = names_.find(is_bind ? Names::Space::statements : Names::Space::portals,
                                   is_bind ? request.statement : request.portal, request.number, request.segment);
    return found && found->text != command.text;
  }

  void substitute(const Command& command, Request request, const model::Refusal& refusal, Bytes& out) {
    refused_ = command.number;
    request.refusal = std::make_unique<model::Refusal>(refusal);
    Bytes invalid;
    append_substitute(invalid, request);
    if (keep(outstanding_.push(std::move(request)))) out.append(invalid);
  }

  Result<void> keep(Result<void> result) {
    if (!result) fault_ = result.error();
    return result;
  }
  void misused() {
    if (!fault_) fault_ = base::Error{base::Code::internal, "a step was handed back that was never given"};
  }

  const CodecOptions options_;
  Names names_;
  Fifo<Request> asked_;
  Frontend frontend_;
  Outstanding outstanding_;
  Backend backend_;
  std::optional<std::uint64_t> refused_;  // the last Command that was refused: its rest is not sent
  std::optional<base::Error> fault_;      // after it, the codec is dead
};

}  // namespace

std::unique_ptr<Codec> make_codec(CodecOptions options) { return std::make_unique<PostgresCodec>(std::move(options)); }

}  // namespace sallyport::proto::postgres
