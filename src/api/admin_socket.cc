#include "api/admin_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "api/serve.h"

namespace sallyport::api {
namespace {

base::Error system_error(const std::string& what, const std::string& hint = {}) {
  return {base::Code::unavailable, fmt::format("{}: {}", what, std::strerror(errno)), hint};
}

/// Closes what it holds.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

/// A socket's address holds 107 octets and a folder's name may be longer: it is named through the open folder.
sockaddr_un address_in(int folder) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = fmt::format("/proc/self/fd/{}/{}", folder, AdminSocket::kName);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

}  // namespace

base::Result<int> connect_admin(const std::string& data_folder) {
  const Descriptor folder(::open(data_folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0)
    return std::unexpected(system_error(data_folder, "has the gateway ever run with this configuration?"));
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return std::unexpected(system_error("socket"));
  const sockaddr_un address = address_in(folder.get());
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return socket.release();
  if (errno == EACCES || errno == EPERM)
    return base::fail(base::Code::denied, fmt::format("{}/{} is not yours", data_folder, AdminSocket::kName),
                      "run this as the gateway's user or as root");
  return base::fail(base::Code::unavailable, fmt::format("no gateway runs on {}", data_folder),
                    "start it: sallyport gateway --config FILE");
}

base::Result<std::unique_ptr<AdminSocket>> AdminSocket::open(const std::string& data_folder, Routes& routes,
                                                             Limits limits) {
  const std::string path = fmt::format("{}/{}", data_folder, kName);
  if (const auto other = connect_admin(data_folder); other) {
    ::close(*other);
    return base::fail(base::Code::unavailable, fmt::format("another gateway runs on {}", data_folder), "stop it first");
  }
  const Descriptor folder(::open(data_folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  Descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  Descriptor wake(::eventfd(0, EFD_CLOEXEC));
  if (folder.get() < 0 || listener.get() < 0 || wake.get() < 0) return std::unexpected(system_error(path));
  ::unlink(path.c_str());
  // Set on the socket before bind: the file never has another mode, not for a moment.
  ::fchmod(listener.get(), 0600);
  const sockaddr_un address = address_in(folder.get());
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(path.c_str(), 0600) != 0 || ::listen(listener.get(), 64) != 0)
    return std::unexpected(system_error(path, "the data folder must belong to this user"));
  return std::unique_ptr<AdminSocket>(new AdminSocket(listener.release(), wake.release(), path, routes, limits));
}

AdminSocket::AdminSocket(int listener, int wake, std::string path, Routes& routes, Limits limits)
    : listener_(listener), wake_(wake), path_(std::move(path)), routes_(routes), limits_(limits) {
  acceptor_ = std::thread([this] { accept(); });
}

AdminSocket::~AdminSocket() {
  const std::uint64_t one = 1;
  static_cast<void>(::write(wake_, &one, sizeof one));
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const Connection& connection : connections_) ::shutdown(connection.socket, SHUT_RDWR);
  }
  for (Connection& connection : connections_) {
    connection.thread.join();
    ::close(connection.socket);
  }
  ::close(listener_);
  ::close(wake_);
  ::unlink(path_.c_str());
}

void AdminSocket::accept() {
  for (;;) {
    pollfd ready[2] = {{listener_, POLLIN, 0}, {wake_, POLLIN, 0}};
    // The time limit lets ended connections go even when no new one comes.
    const int count = ::poll(ready, 2, 1000);
    if (ready[1].revents != 0) return;
    reap();
    if (count <= 0 || ready[0].revents == 0) continue;
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket >= 0) take(socket);
  }
}

void AdminSocket::take(int socket) {
  const std::lock_guard lock(mutex_);
  if (connections_.size() >= limits_.connections) {
    refuse_connection(socket, "too many operators at once", limits_.patience);
    ::close(socket);
    return;
  }
  Connection& connection = connections_.emplace_back(socket);
  connection.thread = std::thread([this, &connection] {
    serve(connection.socket);
    ::shutdown(connection.socket, SHUT_RDWR);
    const std::lock_guard done(mutex_);
    connection.is_done = true;
  });
}

void AdminSocket::reap() {
  std::list<Connection> done;
  {
    const std::lock_guard lock(mutex_);
    for (auto it = connections_.begin(); it != connections_.end();) {
      const auto next = std::next(it);
      if (it->is_done) done.splice(done.end(), connections_, it);
      it = next;
    }
  }
  for (Connection& connection : done) {
    connection.thread.join();
    ::close(connection.socket);
  }
}

void AdminSocket::serve(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || (peer.uid != 0 && peer.uid != ::geteuid())) {
    refuse_connection(socket, "you are not the operator of this gateway", limits_.patience);
    return;
  }
  serve_one(socket, routes_, Caller{fmt::format("operator uid {}", peer.uid)},
            {limits_.head_octets, limits_.body_octets, limits_.patience});
}

}  // namespace sallyport::api
