#include "edge/http/client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "edge/http/response_reader.h"
#include "edge/net/file_descriptor.h"

namespace godwit::http {
namespace {

using std::chrono::steady_clock;

Error connect_error(const std::string& path, int code) {
  if (code == ENOENT || code == ECONNREFUSED || code == ENOTDIR) {
    return Error::temporary(Error::Cause::not_found, "no server answers on " + path);
  }
  if (code == EACCES || code == EPERM) {
    return Error::permanent(Error::Cause::denied, "no right to connect to " + path + ": be root, the server's user, or in its group");
  }
  return Error::temporary(Error::Cause::io, "cannot connect to " + path + ": " + std::strerror(code));
}

// A socket whose operations end together by one moment.
class Conversation {
 public:
  Conversation(const std::string& path, Duration timeout) : path_(path), until_(steady_clock::now() + timeout) {}

  Result<void> connect();
  Result<void> send(std::string_view bytes);
  Result<std::string_view> receive();  // empty at the end

 private:
  Result<void> wait(short events);

  const std::string& path_;
  steady_clock::time_point until_;
  net::FileDescriptor fd_;
  char chunk_[64 * 1024];
};

Result<void> Conversation::wait(short events) {
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until_ - steady_clock::now()).count();
    pollfd entry{fd_.get(), events, 0};
    const int ready = left <= 0 ? 0 : ::poll(&entry, 1, static_cast<int>(std::min<long long>(left, 3'600'000)));
    if (ready > 0) return {};
    if (ready == 0 && left <= 3'600'000)
      return fail(Error::temporary(Error::Cause::timed_out, "the server on " + path_ + " takes too long"));
    if (ready < 0 && errno != EINTR) return fail(net::socket_error("poll", errno));
  }
}

Result<void> Conversation::connect() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.empty() || path_.size() >= sizeof address.sun_path) {
    return fail(Error::permanent(Error::Cause::limit, "the path of a Unix socket has 1 to 107 bytes: " + path_));
  }
  std::memcpy(address.sun_path, path_.data(), path_.size());
  fd_ = net::FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // EAGAIN: the backlog is full (connect on Unix sockets never says EINPROGRESS).
  if (!fd_ || ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail(connect_error(path_, errno));
  return {};
}

Result<void> Conversation::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      GODWIT_TRY(wait(POLLOUT));
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return {};  // the server has refused the rest; its answer says why
    } else if (errno != EINTR) {
      return fail(net::socket_error("write to " + path_, errno));
    }
  }
  return {};
}

Result<std::string_view> Conversation::receive() {
  while (true) {
    const ssize_t count = ::recv(fd_.get(), chunk_, sizeof chunk_, 0);
    if (count >= 0) return std::string_view(chunk_, static_cast<std::size_t>(count));
    if (errno == EAGAIN) {
      GODWIT_TRY(wait(POLLIN));
    } else if (errno != EINTR) {
      return fail(net::socket_error("read from " + path_, errno));
    }
  }
}

std::string render(const Request& request) {
  std::string text = request.method + ' ' + request.target +
                     " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: " + std::to_string(request.body.size()) + "\r\n";
  for (const auto& [name, value] : request.headers) text += name + ": " + value + "\r\n";
  return text + "\r\n" + request.body;
}

Result<Response> read_response(Conversation& conversation, bool head) {
  ResponseReader reader(ResponseLimits{}, head);
  while (!reader.done()) {
    GODWIT_ASSIGN(const std::string_view chunk, conversation.receive());
    if (chunk.empty()) {
      GODWIT_TRY(reader.finish());
      break;
    }
    GODWIT_TRY(reader.feed(chunk));
  }
  return reader.take();
}

}  // namespace

Result<Response> request(const std::string& unix_socket_path, const Request& request, Duration timeout) {
  Conversation conversation(unix_socket_path, timeout);
  GODWIT_TRY(conversation.connect());
  GODWIT_TRY(conversation.send(render(request)));
  return read_response(conversation, request.method == "HEAD");
}

}  // namespace godwit::http
