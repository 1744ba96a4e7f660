#pragma once
#include <boost/asio/ip/tcp.hpp>

/// What the plain and the TLS stream share; private to net.
namespace sallyport::net {
bool is_peer_gone(int descriptor);
void prepare_socket(boost::asio::ip::tcp::socket& socket);
}  // namespace sallyport::net
