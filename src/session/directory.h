#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/refusal.h"
#include "net/stream.h"

namespace sallyport::session {

class Session;

/// What others may know of a live session.
struct LiveSession {
  std::string id{};  // 32 hexadecimal digits
  std::string principal{}, target{}, database{}, client_address{};
  std::string token_id{};
  std::int64_t opened_wall_ns = 0;
};

/// The live sessions of all cores: who they are, and how to reach them on the core that they never leave. Thread-safe.
/// A session enters when it is open and leaves, on its own core, before it dies: so what is posted finds it alive.
class Directory {
 public:
  Directory() = default;
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  /// The pair that our BackendKeyData gives; random and not in use.
  struct CancelKey {
    std::uint32_t process = 0, key = 0;
  };
  CancelKey enter(LiveSession what, Session& session, net::asio::any_io_executor core);
  void leave(const std::string& id);

  std::vector<LiveSession> list() const;
  std::size_t size() const;

  /// Ends it, on its own core, with `reason` as its last words. False: there is none.
  bool end(const std::string& id, model::Refusal reason);
  /// Ends every session that the token opened; their number.
  std::size_t end_of_token(const std::string& token_id, const model::Refusal& reason);
  void end_all(const model::Refusal& reason);
  /// Asks the session of that key to cancel what its target runs. False: there is none; nobody is told.
  bool cancel(CancelKey key, std::string from_address);

 private:
  struct Entry {
    LiveSession what;
    Session* session;
    net::asio::any_io_executor core;
    std::uint64_t cancel_key;
  };
  void post(const Entry& entry, std::function<void(Session&)> act);

  mutable std::mutex mutex_;  // held for a lookup, never across a wait
  std::unordered_map<std::string, Entry> entries_;
  std::unordered_map<std::uint64_t, std::string> by_key_;
};

}  // namespace sallyport::session
