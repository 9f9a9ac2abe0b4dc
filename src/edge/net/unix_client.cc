#include "edge/net/unix_client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "edge/net/file_descriptor.h"

namespace godwit::net {
namespace {

constexpr std::size_t kMaxLine = 4'096;

Error connect_error(const std::string& path, int code) {
  if (code == ENOENT || code == ECONNREFUSED || code == ENOTDIR)
    return Error::temporary(Error::Cause::not_found, "no server answers on " + path);
  if (code == EACCES || code == EPERM) return Error::permanent(Error::Cause::denied, "no right to connect to " + path);
  return socket_error("connect to " + path, code);
}

}  // namespace

struct UnixClient::Impl {
  FileDescriptor fd;
  std::array<char, kMaxLine> room{};
  std::size_t begin = 0;
  std::size_t end = 0;
};

UnixClient::UnixClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
UnixClient::UnixClient(UnixClient&&) noexcept = default;
UnixClient::~UnixClient() = default;

Result<UnixClient> UnixClient::connect(const std::string& path, Duration patience) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return fail(Error::permanent(Error::Cause::limit, "the path of a Unix socket has 1 to 107 bytes: " + path));
  std::memcpy(address.sun_path, path.data(), path.size());
  auto impl = std::make_unique<Impl>();
  impl->fd = FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(patience);
  const timeval limit{static_cast<time_t>(seconds.count()), 0};
  const bool set = impl->fd && ::setsockopt(impl->fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
                   ::setsockopt(impl->fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0;
  if (!set || ::connect(impl->fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail(connect_error(path, errno));
  return UnixClient(std::move(impl));
}

Result<void> UnixClient::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(impl_->fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(socket_error("write to the server", errno));
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<std::string> UnixClient::read_line() {
  Impl& in = *impl_;
  std::string line;
  while (true) {
    const std::string_view have(in.room.data() + in.begin, in.end - in.begin);
    const std::size_t lf = have.find('\n');
    line += have.substr(0, lf);
    if (line.size() > kMaxLine) return fail(Error::temporary(Error::Cause::limit, "the server's line is too long"));
    if (lf != std::string_view::npos) {
      in.begin += lf + 1;
      if (line.ends_with('\r')) line.pop_back();
      return line;
    }
    in.begin = in.end = 0;
    const ssize_t count = ::recv(in.fd.get(), in.room.data(), in.room.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(socket_error("read from the server", errno));
    if (count == 0) return fail(Error::temporary(Error::Cause::closed, "the server went away"));
    in.end = static_cast<std::size_t>(count);
  }
}

}  // namespace godwit::net
