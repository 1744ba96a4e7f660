#include "session/client_writer.h"

#include <utility>

namespace sallyport::session {

void ClientWriter::queue(std::vector<audit::Appended<mask::Masked>> replies) {
  for (auto& reply : replies) {
    queued_ += reply.peek().reply().wire.size();
    queue_.push_back(std::move(reply));
  }
  work_.wake();
}

void ClientWriter::send(audit::Recorded<mask::Masked> reply) {
  const model::Reply& what = reply.value().reply();
  out_ += what.wire;
  if (!what.wire.empty()) is_inside_frame_ = !what.ends_frame;
}

void ClientWriter::announce(const audit::Recorded<policy::Hold>&, const model::Refusal& remark) {
  remarks_ += codec_.notice(remark);
  work_.wake();
}

net::Task<> ClientWriter::room() {
  while (queued_ >= limit_ && !is_abandoned_) co_await room_.wait();
}

void ClientWriter::drain() {
  is_draining_ = true;
  work_.wake();
}

void ClientWriter::finish(const model::Refusal& reason) {
  if (last_words_.empty()) last_words_ = codec_.farewell(reason);
  drain();
}

void ClientWriter::discard() {
  queue_.clear();
  queued_ = 0;
  room_.wake();
}

void ClientWriter::abandon() {
  is_abandoned_ = true;
  work_.wake();
  room_.wake();
}

net::Task<> ClientWriter::flush() {
  const std::size_t written = stream_.try_write(out_);
  if (written < out_.size()) co_await stream_.write(base::View(out_).substr(written));
  if (out_.capacity() > 64 * 1024) out_ = base::Bytes();
  out_.clear();
}

net::Task<> ClientWriter::run() {
  for (;;) {
    const auto has_remark = [this] { return !remarks_.empty() && !is_inside_frame_; };
    while (queue_.empty() && !has_remark() && !is_draining_ && !is_abandoned_) co_await work_.wait();
    if (is_abandoned_) co_return;
    if (has_remark()) {
      out_ = std::exchange(remarks_, {});
      co_await flush();
      continue;
    }
    if (queue_.empty()) break;
    const std::size_t batch_size = queued_;
    auto recorded = co_await recorder_.durable(std::exchange(queue_, {}));
    for (auto& reply : recorded) send(std::move(reply));
    co_await flush();
    queued_ -= batch_size;
    room_.wake();
  }
  if (!last_words_.empty() && !is_inside_frame_) {
    out_ = std::move(last_words_);
    co_await flush();
  }
}

}  // namespace sallyport::session
