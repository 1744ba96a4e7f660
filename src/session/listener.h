#pragma once
#include <atomic>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "session/session.h"

namespace sallyport::session {

/// Clients that have not shown who they are. When one address, or all together, have too many, the oldest is cut off,
/// so that silent clients cannot keep others out. Thread-safe.
class HalfOpen {
 public:
  struct Limits {
    std::size_t per_address = 128;
    std::size_t total = 4096;
  };
  explicit HalfOpen(Limits limits) : limits_(limits) {}

  using Ticket = std::uint64_t;
  /// The socket behind `descriptor` is shut down (not closed) if it must go before leave().
  Ticket enter(const std::string& address, int descriptor);
  /// Any number of times.
  void leave(Ticket ticket);

 private:
  struct Entry {
    Ticket ticket;
    std::string address;
    int descriptor;
  };
  void cut_oldest(const std::string* of_address);

  const Limits limits_;
  std::mutex mutex_;
  Ticket next_ = 1;
  std::list<Entry> entries_;  // oldest first
  std::unordered_map<Ticket, std::list<Entry>::iterator> by_ticket_;
  std::unordered_map<std::string, std::size_t> per_address_;
};

/// One listening socket; accepted clients are dealt to the cores in turn.
class Listener {
 public:
  struct CoreGround {
    net::asio::any_io_executor core;
    const Ground* ground;
  };
  /// `address` with port 0 takes a free one. The error says what to do.
  static base::Result<std::unique_ptr<Listener>> open(const net::Address& address, const Protocol& protocol,
                                                      std::shared_ptr<const net::ServerTls> tls,
                                                      std::vector<CoreGround> cores);
  std::string local_address() const { return net::to_string(acceptor_.local_endpoint()); }
  /// Accepts until close(). Runs on the first core.
  net::Task<> run();
  void close();

 private:
  Listener(net::asio::ip::tcp::acceptor acceptor, const Protocol& protocol, std::shared_ptr<const net::ServerTls> tls,
           std::vector<CoreGround> cores)
      : acceptor_(std::move(acceptor)), protocol_(protocol), tls_(std::move(tls)), cores_(std::move(cores)) {}

  net::asio::ip::tcp::acceptor acceptor_;
  const Protocol& protocol_;
  std::shared_ptr<const net::ServerTls> tls_;
  std::vector<CoreGround> cores_;
  HalfOpen half_open_{HalfOpen::Limits{}};
};

}  // namespace sallyport::session
