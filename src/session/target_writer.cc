#include "session/target_writer.h"

namespace sallyport::session {

void TargetWriter::send(audit::Recorded<policy::Permit> permit) {
  static const std::vector<model::NameChange> kNone;
  const auto& understanding = permit.value().grounds().understanding;
  codec_.forward(permit.value().step(), understanding ? understanding->changes : kNone, out_);
}

void TargetWriter::send(audit::Recorded<policy::Denial> denial) {
  codec_.refuse(denial.value().command(), denial.value().refusal(), out_);
}

void TargetWriter::nudge() { codec_.nudge(out_); }

net::Task<> TargetWriter::flush() {
  if (out_.empty()) co_return;
  const std::size_t written = stream_.try_write(out_);
  if (written < out_.size()) co_await stream_.write(base::View(out_).substr(written));
  // Keeps a small buffer for the next batch, not the one of a large value.
  if (out_.capacity() > 64 * 1024) out_ = base::Bytes();
  out_.clear();
}

}  // namespace sallyport::session
