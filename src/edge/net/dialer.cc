#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>

#include "edge/net/egress.h"
#include "edge/net/loop.h"
#include "edge/net/socket_stream.h"

namespace godwit::net {
namespace {

// Which port is taken is decided when it connects: one port serves many destinations.
Result<void> bind_to(int fd, const IpAddress& from, const std::string& what) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  sockaddr_storage address{};
  const socklen_t length = to_sockaddr({from, 0}, address);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), length) == 0) return {};
  const Error why = socket_error(what + " from " + from.text(), errno);
  return fail(Error::permanent(why.cause, why.text));  // way_failed()
}

class TcpDialer final : public Dialer {
 public:
  explicit TcpDialer(std::optional<LocalAddresses> from) : from_(from) {}

  Task<Result<std::unique_ptr<Stream>>> dial(Endpoint to, Duration timeout, Cancellation* cancel) override {
    const std::string what = "connect to " + to.text();
    if (cancel && cancel->cancelled()) co_return fail(Error::temporary(Error::Cause::cancelled, what + ": cancelled"));
    FileDescriptor fd(::socket(to.address.v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) co_return fail(socket_error(what, errno));
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (from_) {
      const std::optional<IpAddress>& from = from_->of(to.address.v6);
      if (!from) co_return fail(Error::temporary(Error::Cause::unsupported, what + ": this source has no address of its family"));
      GODWIT_CO_TRY(bind_to(fd.get(), *from, what));
    }
    sockaddr_storage address{};
    const socklen_t length = to_sockaddr(to, address);
    const bool pending = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0;
    if (pending && errno != EINPROGRESS) co_return fail(socket_error(what, errno));
    auto executor = co_await this_executor();
    const Endpoint local = local_endpoint(fd.get());  // known from the first SYN on
    auto stream = make_socket_stream(executor, std::move(fd), SocketKind::tcp, local, to);
    if (pending) {
      const Cancellation::Armed armed(cancel, [raw = stream.get()] { raw->cancel(); });
      const auto waited = co_await stream->wait(Side::write, timeout);
      if (!waited) co_return fail(Error::temporary(waited.error().cause, what + ": " + waited.error().text));
      int code = 0;
      socklen_t size = sizeof code;
      ::getsockopt(stream->fd(), SOL_SOCKET, SO_ERROR, &code, &size);
      if (code != 0) co_return fail(socket_error(what, code));
    }
    std::unique_ptr<Stream> connected = std::move(stream);
    co_return connected;
  }

 private:
  std::optional<LocalAddresses> from_;
};

}  // namespace

std::unique_ptr<Dialer> make_tcp_dialer() { return std::make_unique<TcpDialer>(std::nullopt); }
std::unique_ptr<Dialer> make_bound_dialer(LocalAddresses from) { return std::make_unique<TcpDialer>(from); }

}  // namespace godwit::net
