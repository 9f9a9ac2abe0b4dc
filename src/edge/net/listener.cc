#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <atomic>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "base/log.h"
#include "base/metrics.h"
#include "edge/net/loop.h"
#include "edge/net/socket_stream.h"

namespace godwit::net {
namespace {

constexpr int kBacklog = 4'096;
constexpr int kAcceptsAtOnce = 64;  // then others on the loop have their turn
constexpr auto kPause = std::chrono::milliseconds(100);

metrics::Counter& accepted() {
  static metrics::Counter& counter = metrics::counter("godwit_net_accepted_total", "connections accepted");
  return counter;
}

metrics::Counter& pauses() {
  static metrics::Counter& counter =
      metrics::counter("godwit_net_accept_pauses_total", "pauses of accepting for want of descriptors or memory");
  return counter;
}

bool out_of_resources(int code) { return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM; }

// The file of a Unix socket: removed with its listener, unless somebody has put another in its place.
class SocketFile {
 public:
  SocketFile() = default;
  explicit SocketFile(std::string path) : path_(std::move(path)) { ::lstat(path_.c_str(), &made_); }
  SocketFile(SocketFile&& other) noexcept : path_(std::exchange(other.path_, {})), made_(other.made_) {}
  SocketFile& operator=(SocketFile&&) = delete;
  ~SocketFile() { remove(); }

  void remove() {
    struct stat now{};
    if (!path_.empty() && ::lstat(path_.c_str(), &now) == 0 && now.st_ino == made_.st_ino && now.st_dev == made_.st_dev) {
      ::unlink(path_.c_str());
    }
    path_.clear();
  }

 private:
  std::string path_;
  struct stat made_{};
};

// Shared by the listener, the pending wait and the connections on their way to another loop.
class Acceptor : public std::enable_shared_from_this<Acceptor> {
 public:
  Acceptor(LoopPool& loops, Executor executor, FileDescriptor fd, SocketKind kind, SocketFile file)
      : loops_(loops),
        executor_(std::move(executor)),
        kind_(kind),
        file_(std::move(file)),
        fd_(fd.get()),
        local_(local_endpoint(fd_)),
        descriptor_(executor_, fd.release()),
        pause_(executor_) {}

  const Endpoint& endpoint() const { return local_; }

  void start(OnConnection on_connection) {
    on_connection_ = std::move(on_connection);
    post(executor_, [self = shared_from_this()] { self->wait(); });
  }

  void close() {
    if (closed_.exchange(true)) return;
    file_.remove();
    boost::asio::dispatch(executor_, [self = shared_from_this()] {
      boost::system::error_code ignored;
      self->descriptor_.close(ignored);
      self->pause_.cancel();
    });
  }

 private:
  void wait() {
    if (closed_) return;
    descriptor_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                           [self = shared_from_this()](const boost::system::error_code& error) {
                             if (!error) self->accept_some();
                           });
  }

  void accept_some() {
    for (int i = 0; i < kAcceptsAtOnce && !closed_; ++i) {
      sockaddr_storage address{};
      socklen_t length = sizeof address;
      FileDescriptor fd(::accept4(fd_, reinterpret_cast<sockaddr*>(&address), &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (fd) {
        pausing_ = false;
        deal(std::move(fd), kind_ == SocketKind::tcp ? from_sockaddr(address) : Endpoint{});
      } else if (out_of_resources(errno)) {
        return pause(errno);
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        break;
      }
      // Anything else is the error of a connection that died while it waited: accept(2).
    }
    wait();
  }

  void deal(FileDescriptor fd, const Endpoint& remote) {
    accepted().add();
    const std::size_t loop = loops_.deal();
    post(loops_.executor(loop), [self = shared_from_this(), loop, fd = std::move(fd), remote]() mutable {
      if (self->closed_) return;
      const Endpoint local = self->kind_ == SocketKind::tcp ? local_endpoint(fd.get()) : Endpoint{};
      self->on_connection_(loop, make_socket_stream(self->loops_.executor(loop), std::move(fd), self->kind_, local, remote));
    });
  }

  void pause(int code) {
    pauses().add();
    if (!std::exchange(pausing_, true)) {
      log::warning("accepting pauses", {{"listener", local_.text()}, {"error", std::strerror(code)}});
    }
    pause_.expires_after(kPause);
    pause_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error) self->wait();
    });
  }

  LoopPool& loops_;
  Executor executor_;
  SocketKind kind_;
  SocketFile file_;
  int fd_;
  Endpoint local_;
  boost::asio::posix::stream_descriptor descriptor_;
  boost::asio::steady_timer pause_;
  OnConnection on_connection_;
  std::atomic<bool> closed_{false};
  bool pausing_ = false;
};

class SocketListener final : public Listener {
 public:
  SocketListener(LoopPool& loops, FileDescriptor fd, SocketKind kind, SocketFile file)
      : acceptor_(std::make_shared<Acceptor>(loops, loops.executor(loops.deal()), std::move(fd), kind, std::move(file))) {}
  ~SocketListener() override { acceptor_->close(); }

  void start(OnConnection on_connection) override { acceptor_->start(std::move(on_connection)); }
  void close() override { acceptor_->close(); }
  const Endpoint& endpoint() const override { return acceptor_->endpoint(); }

 private:
  std::shared_ptr<Acceptor> acceptor_;
};

bool set_option(const FileDescriptor& fd, int level, int option) {
  const int on = 1;
  return ::setsockopt(fd.get(), level, option, &on, sizeof on) == 0;
}

Error bind_error(const Endpoint& at, int code) {
  const std::string what = "cannot listen on " + at.text() + ": ";
  const std::string port = "port " + std::to_string(at.port);
  switch (code) {
    case EADDRINUSE:
      return Error::permanent(Error::Cause::conflict, what + port + " is taken by another program; find it with: ss -ltnp 'sport = :" +
                                                          std::to_string(at.port) + "'");
    case EACCES:
      return Error::permanent(Error::Cause::denied, what + port + " needs root or CAP_NET_BIND_SERVICE, or choose a port from 1024 on");
    case EADDRNOTAVAIL:
      return Error::permanent(Error::Cause::not_found, what + at.address.text() + " is not an address of this machine; see: ip address");
    case EAFNOSUPPORT:
      return Error::permanent(Error::Cause::unsupported, what + "this machine has no " + (at.address.v6 ? "IPv6" : "IPv4"));
    default: return Error::permanent(Error::Cause::io, what + std::strerror(code));
  }
}

Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return fail(Error::permanent(Error::Cause::limit, "cannot listen on " + path + ": the path of a Unix socket has 1 to 107 bytes"));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

int bind_unix(const FileDescriptor& fd, const sockaddr_un& address) {
  return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

// Removes what an earlier run has left behind; refuses what is alive or no socket.
Result<void> remove_stale(const std::string& path, const sockaddr_un& address) {
  const std::string what = "cannot listen on " + path + ": ";
  struct stat file{};
  if (::lstat(path.c_str(), &file) == 0 && !S_ISSOCK(file.st_mode)) {
    return fail(Error::permanent(Error::Cause::conflict, what + "a file that is not a socket is in its place"));
  }
  const FileDescriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno != ECONNREFUSED) {
    return fail(Error::permanent(Error::Cause::conflict, what + "another program answers there"));
  }
  if (::unlink(path.c_str()) != 0)
    return fail(Error::permanent(Error::Cause::denied, what + "cannot remove the stale socket: " + std::strerror(errno)));
  return {};
}

}  // namespace

// No SO_REUSEPORT: a second server on the same port must fail, not share the mail.
Result<std::unique_ptr<Listener>> listen_tcp(LoopPool& loops, Endpoint at) {
  FileDescriptor fd(::socket(at.address.v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail(bind_error(at, errno));
  // Accepted sockets inherit TCP_NODELAY from the listening one (Linux): no system call a connection.
  const bool set = set_option(fd, SOL_SOCKET, SO_REUSEADDR) && set_option(fd, IPPROTO_TCP, TCP_NODELAY) &&
                   (!at.address.v6 || set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY));
  if (!set) return fail(bind_error(at, errno));
  sockaddr_storage address{};
  const socklen_t length = to_sockaddr(at, address);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) return fail(bind_error(at, errno));
  if (::listen(fd.get(), kBacklog) != 0) return fail(bind_error(at, errno));
  return std::make_unique<SocketListener>(loops, std::move(fd), SocketKind::tcp, SocketFile());
}

// The rights are set before listen(): until then nobody can connect.
Result<std::unique_ptr<Listener>> listen_unix(LoopPool& loops, const std::string& path, unsigned mode) {
  GODWIT_ASSIGN(const sockaddr_un address, unix_address(path));
  const std::string what = "cannot listen on " + path + ": ";
  FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail(Error::permanent(Error::Cause::io, what + std::strerror(errno)));
  int code = bind_unix(fd, address);
  if (code == EADDRINUSE) {
    GODWIT_TRY(remove_stale(path, address));
    code = bind_unix(fd, address);
  }
  if (code != 0) {
    const auto cause = code == EACCES || code == EROFS ? Error::Cause::denied : code == ENOENT ? Error::Cause::not_found : Error::Cause::io;
    return fail(Error::permanent(cause, what + std::strerror(code)));
  }
  SocketFile file(path);
  if (::chmod(path.c_str(), mode) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    return fail(Error::permanent(Error::Cause::io, what + std::strerror(errno)));
  }
  return std::make_unique<SocketListener>(loops, std::move(fd), SocketKind::unix_domain, std::move(file));
}

}  // namespace godwit::net
