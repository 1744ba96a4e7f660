#include "session/directory.h"

#include <boost/asio/post.hpp>

#include "base/digest.h"
#include "session/session.h"

namespace sallyport::session {

Directory::CancelKey Directory::enter(LiveSession what, Session& session, net::asio::any_io_executor core) {
  const std::scoped_lock lock(mutex_);
  std::uint64_t key;
  do {
    key = base::load_big<std::uint64_t>(base::random_bytes(8).data());
    key &= 0x7FFFFFFFFFFFFFFFU;  // a process id that clients read as a signed number stays positive
  } while ((key >> 32) == 0 || by_key_.contains(key));
  std::string id = what.id;
  by_key_.emplace(key, id);
  entries_.emplace(std::move(id), Entry{std::move(what), &session, std::move(core), key});
  return {static_cast<std::uint32_t>(key >> 32), static_cast<std::uint32_t>(key)};
}

void Directory::leave(const std::string& id) {
  const std::scoped_lock lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  by_key_.erase(found->second.cancel_key);
  entries_.erase(found);
}

std::vector<LiveSession> Directory::list() const {
  const std::scoped_lock lock(mutex_);
  std::vector<LiveSession> out;
  out.reserve(entries_.size());
  for (const auto& [id, entry] : entries_) out.push_back(entry.what);
  return out;
}

std::size_t Directory::size() const {
  const std::scoped_lock lock(mutex_);
  return entries_.size();
}

void Directory::post(const Entry& entry, std::function<void(Session&)> act) {
  net::asio::post(entry.core, [this, id = entry.what.id, act = std::move(act)] {
    Session* session = nullptr;
    {
      const std::scoped_lock lock(mutex_);
      if (const auto found = entries_.find(id); found != entries_.end()) session = found->second.session;
    }
    // On the session's own core, where alone it leaves and dies: it stays alive for this call.
    if (session != nullptr) act(*session);
  });
}

bool Directory::end(const std::string& id, model::Refusal reason) {
  const std::scoped_lock lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return false;
  post(found->second, [reason = std::move(reason)](Session& session) { session.end(reason); });
  return true;
}

std::size_t Directory::end_of_token(const std::string& token_id, const model::Refusal& reason) {
  const std::scoped_lock lock(mutex_);
  std::size_t count = 0;
  for (const auto& [id, entry] : entries_) {
    if (entry.what.token_id != token_id) continue;
    post(entry, [reason](Session& session) { session.end(reason); });
    ++count;
  }
  return count;
}

void Directory::end_all(const model::Refusal& reason) {
  const std::scoped_lock lock(mutex_);
  for (const auto& [id, entry] : entries_) post(entry, [reason](Session& session) { session.end(reason); });
}

bool Directory::cancel(CancelKey key, std::string from_address) {
  const std::scoped_lock lock(mutex_);
  const auto found = by_key_.find(std::uint64_t{key.process} << 32 | key.key);
  if (found == by_key_.end()) return false;
  post(entries_.at(found->second), [from = std::move(from_address)](Session& session) { session.cancel(from); });
  return true;
}

}  // namespace sallyport::session
