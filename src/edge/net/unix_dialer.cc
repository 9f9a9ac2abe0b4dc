#include "edge/net/unix_dialer.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "edge/net/socket_stream.h"

namespace godwit::net {
namespace {

Error not_connected(const std::string& path, int code) {
  const std::string what = "connect to " + path;
  if (code == ENOENT || code == ENOTDIR) return Error::temporary(Error::Cause::not_found, what + ": there is no such socket");
  if (code == EACCES || code == EPERM) return Error::temporary(Error::Cause::denied, what + ": no right to");
  if (code == EAGAIN) return Error::temporary(Error::Cause::full, what + ": its queue of connections is full");
  return socket_error(what, code);
}

}  // namespace

Task<Result<std::unique_ptr<Stream>>> dial_unix(std::string path, Duration timeout, Cancellation* cancel) {
  if (cancel && cancel->cancelled()) co_return fail(Error::temporary(Error::Cause::cancelled, "connect to " + path + ": cancelled"));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    co_return fail(Error::permanent(Error::Cause::limit, "the path of a Unix socket has 1 to 107 bytes: " + path));
  std::memcpy(address.sun_path, path.data(), path.size());
  FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) co_return fail(not_connected(path, errno));
  const bool pending = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0;
  if (pending && errno != EINPROGRESS) co_return fail(not_connected(path, errno));
  auto executor = co_await this_executor();
  auto stream = make_socket_stream(executor, std::move(fd), SocketKind::unix_domain, {}, {});
  if (pending) {
    const Cancellation::Armed armed(cancel, [raw = stream.get()] { raw->cancel(); });
    GODWIT_CO_TRY(co_await stream->wait(Side::write, timeout));
    int code = 0;
    socklen_t size = sizeof code;
    ::getsockopt(stream->fd(), SOL_SOCKET, SO_ERROR, &code, &size);
    if (code != 0) co_return fail(not_connected(path, code));
  }
  std::unique_ptr<Stream> connected = std::move(stream);
  co_return connected;
}

}  // namespace godwit::net
