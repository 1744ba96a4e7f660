#include "session/listener.h"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

namespace sallyport::session {

HalfOpen::Ticket HalfOpen::enter(const std::string& address, int descriptor) {
  const std::scoped_lock lock(mutex_);
  if (const auto found = per_address_.find(address);
      found != per_address_.end() && found->second >= limits_.per_address)
    cut_oldest(&address);
  if (entries_.size() >= limits_.total) cut_oldest(nullptr);
  const Ticket ticket = next_++;
  // A descriptor of its own: the session closes its one whenever it likes.
  entries_.push_back({ticket, address, ::dup(descriptor)});
  by_ticket_.emplace(ticket, std::prev(entries_.end()));
  ++per_address_[address];
  return ticket;
}

void HalfOpen::leave(Ticket ticket) {
  const std::scoped_lock lock(mutex_);
  const auto found = by_ticket_.find(ticket);
  if (found == by_ticket_.end()) return;
  const auto count = per_address_.find(found->second->address);
  if (found->second->descriptor >= 0) ::close(found->second->descriptor);
  if (--count->second == 0) per_address_.erase(count);
  entries_.erase(found->second);
  by_ticket_.erase(found);
}

/// Shut down, its owner finds the end of the stream and leaves; until then it still counts, once.
void HalfOpen::cut_oldest(const std::string* of_address) {
  for (auto& entry : entries_) {
    if (entry.descriptor < 0 || (of_address != nullptr && entry.address != *of_address)) continue;
    ::shutdown(entry.descriptor, SHUT_RDWR);
    ::close(std::exchange(entry.descriptor, -1));
    return;
  }
}

base::Result<std::unique_ptr<Listener>> Listener::open(const net::Address& address, const Protocol& protocol,
                                                       std::shared_ptr<const net::ServerTls> tls,
                                                       std::vector<CoreGround> cores) {
  boost::system::error_code error;
  const auto host = net::asio::ip::make_address(address.host == "localhost" ? "127.0.0.1" : address.host, error);
  if (error)
    return base::fail(base::Code::malformed, "cannot listen on '" + address.host + "': it is not an IP address",
                      "write for example 127.0.0.1:15432 or 0.0.0.0:15432");
  const net::asio::ip::tcp::endpoint endpoint(host, address.port);
  net::asio::ip::tcp::acceptor acceptor(cores.front().core);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(net::asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(1024, error);
  if (error)
    return base::fail(base::Code::unavailable, "cannot listen on " + net::to_string(endpoint) + ": " + error.message(),
                      "another program may have the port; 'ss -ltnp' shows which");
  return std::unique_ptr<Listener>(new Listener(std::move(acceptor), protocol, std::move(tls), std::move(cores)));
}

net::Task<> Listener::run() {
  for (std::size_t turn = 0; acceptor_.is_open(); ++turn) {
    const CoreGround& core = cores_[turn % cores_.size()];
    net::asio::ip::tcp::socket socket(core.core);
    const auto [error] = co_await acceptor_.async_accept(socket, net::asio::as_tuple(net::asio::use_awaitable));
    if (error == net::asio::error::operation_aborted || !acceptor_.is_open()) co_return;
    if (error) {
      // Out of descriptors, or the client left at once: others must still get in.
      core.ground->log("accept failed: " + error.message());
      net::asio::steady_timer pause(acceptor_.get_executor(), std::chrono::milliseconds(50));
      co_await pause.async_wait(net::asio::use_awaitable);
      continue;
    }
    boost::system::error_code gone;
    const auto peer = socket.remote_endpoint(gone);
    if (gone) continue;
    const auto ticket = half_open_.enter(peer.address().to_string(), socket.native_handle());
    auto stream = net::make_stream(std::move(socket));
    net::asio::co_spawn(core.core,
                        serve(std::move(stream), net::to_string(peer), &protocol_, tls_, core.ground,
                              [this, ticket] { half_open_.leave(ticket); }),
                        net::asio::detached);
  }
}

void Listener::close() {
  net::asio::post(acceptor_.get_executor(), [this] {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
  });
}

}  // namespace sallyport::session
