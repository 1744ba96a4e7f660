#pragma once
#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "api/routes.h"
#include "base/result.h"

/// DATA/admin.sock: `/api/v1` for the operator on the gateway's own machine. A Unix socket of mode 0600; besides, only
/// the gateway's own user and root are answered, by the kernel's word (SO_PEERCRED), and recorded as "operator uid N".
///
/// HTTP/1.1, one request a connection, a thread each: an operator's long reading must not delay another's revocation,
/// and never runs on a session's core. Chunked requests, HTTP/1.0 and anything ambiguous are refused.
///
/// OPEN -close (destructor)-> stops taking connections, cuts those there are, joins.
namespace sallyport::api {

class AdminSocket {
 public:
  struct Limits {
    std::size_t connections = 32;
    std::size_t head_octets = std::size_t{8} << 10;
    std::size_t body_octets = std::size_t{256} << 10;
    std::chrono::milliseconds patience = std::chrono::seconds(10);  // for the whole request, and for each write
  };
  /// REQUIRES: `routes` outlives it. Refuses when another gateway answers on the same socket.
  static base::Result<std::unique_ptr<AdminSocket>> open(const std::string& data_folder, Routes& routes, Limits limits);
  ~AdminSocket();
  AdminSocket(const AdminSocket&) = delete;
  AdminSocket& operator=(const AdminSocket&) = delete;

  /// The socket's file name in the data folder.
  static constexpr auto kName = "admin.sock";

 private:
  struct Connection {
    int socket;
    std::thread thread{};
    bool is_done = false;
  };
  AdminSocket(int listener, int wake, std::string path, Routes& routes, Limits limits);
  void accept();
  void take(int socket);
  void reap();
  void serve(int socket);

  int listener_, wake_;
  std::string path_;
  Routes& routes_;
  Limits limits_;
  std::mutex mutex_;
  std::list<Connection> connections_;
  std::thread acceptor_;
};

/// A connected socket to DATA/admin.sock; the caller closes it. However long the folder's name is.
base::Result<int> connect_admin(const std::string& data_folder);

}  // namespace sallyport::api
