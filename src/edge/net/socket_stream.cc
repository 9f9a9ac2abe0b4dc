#include "edge/net/socket_stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "edge/net/deadline.h"

namespace godwit::net {
namespace {

namespace asio = boost::asio;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

Error closed_here() { return Error::temporary(Error::Cause::closed, "the connection is closed"); }

bool would_block(int code) { return code == EAGAIN || code == EWOULDBLOCK; }

class AsioSocketStream;

// One thing being awaited on a socket; lives in the frame of the coroutine that awaits it.
class Operation final : public Deadline {
 public:
  Operation(AsioSocketStream& stream, Duration timeout);
  ~Operation() override;

  // Why it ended early, if it did.
  std::optional<Error> ended() const;

 private:
  friend class AsioSocketStream;
  enum class End : std::uint8_t { none, timed_out, cancelled, closed };
  void expire() override;

  AsioSocketStream* stream_;  // null once it is gone: what was awaited then ends with `closed`
  Operation* next_on_socket_;
  End end_ = End::none;
};

class AsioSocketStream final : public SocketStream {
 public:
  AsioSocketStream(const Executor& executor, FileDescriptor fd, SocketKind kind, const Endpoint& local, const Endpoint& remote)
      : sweeper_(Sweeper::of(executor)), descriptor_(executor, fd.get()), fd_(fd.release()), local_(local), remote_(remote), kind_(kind) {}
  ~AsioSocketStream() override {
    end_operations(Operation::End::closed);
    for (Operation* operation = operations_; operation; operation = operation->next_on_socket_) operation->stream_ = nullptr;
  }

  Task<Result<std::size_t>> read(std::span<char> into, Duration timeout) override;
  Task<Result<void>> wait_readable(Duration timeout) override { return wait(Side::read, timeout); }
  Task<Result<void>> write(std::string_view bytes, Duration timeout) override;
  Task<Result<void>> wait(Side side, Duration timeout) override;

  void close() override {
    end_operations(Operation::End::closed);
    boost::system::error_code ignored;
    descriptor_.close(ignored);
    fd_ = -1;
  }
  void cancel() override {
    if (!operations_) return;
    end_operations(Operation::End::cancelled);
    interrupt();
  }

  void acknowledge_now() override {
    if (kind_ != SocketKind::tcp || fd_ < 0) return;
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);  // lasts until the kernel thinks otherwise; a failure costs 40 ms
  }

  int fd() const override { return fd_; }
  const Endpoint& remote() const override { return remote_; }
  const Endpoint& local() const override { return local_; }
  std::optional<PeerCredentials> credentials() const override;

 private:
  friend class Operation;

  void end_operations(Operation::End end) {
    for (Operation* operation = operations_; operation; operation = operation->next_on_socket_) {
      if (operation->end_ == Operation::End::none) operation->end_ = end;
    }
  }
  // Wakes all that is awaited on the socket; what has no reason to end waits again.
  void interrupt() {
    boost::system::error_code ignored;
    descriptor_.cancel(ignored);
  }

  Sweeper& sweeper_;
  asio::posix::stream_descriptor descriptor_;
  int fd_;
  Operation* operations_ = nullptr;
  Endpoint local_;
  Endpoint remote_;
  SocketKind kind_;
  bool more_ = false;  // the last read filled its buffer: there is probably more
};

Operation::Operation(AsioSocketStream& stream, Duration timeout) : stream_(&stream), next_on_socket_(stream.operations_) {
  stream.operations_ = this;
  stream.sweeper_.add(*this, timeout);
}

Operation::~Operation() {
  if (!stream_) return;
  Operation** link = &stream_->operations_;
  while (*link != this) link = &(*link)->next_on_socket_;
  *link = next_on_socket_;
}

void Operation::expire() {
  if (end_ != End::none) return;
  end_ = End::timed_out;
  stream_->interrupt();
}

std::optional<Error> Operation::ended() const {
  switch (end_) {
    case End::none: return std::nullopt;
    case End::timed_out: return Error::temporary(Error::Cause::timed_out, "timed out waiting for the peer");
    case End::cancelled: return Error::temporary(Error::Cause::cancelled, "cancelled");
    case End::closed: return closed_here();
  }
  return std::nullopt;
}

Task<Result<std::size_t>> AsioSocketStream::read(std::span<char> into, Duration timeout) {
  GODWIT_CHECK(!into.empty());
  if (fd_ < 0) co_return fail(closed_here());
  if (more_) {
    const ssize_t count = ::recv(fd_, into.data(), into.size(), 0);
    more_ = count == static_cast<ssize_t>(into.size());
    if (count >= 0) co_return static_cast<std::size_t>(count);
    if (!would_block(errno) && errno != EINTR) co_return fail(socket_error("read", errno));
  }
  Operation operation(*this, timeout);
  while (true) {
    // Asio tries the system call once more before it waits, and makes it when the socket has become readable.
    auto [error, count] = co_await descriptor_.async_read_some(asio::buffer(into.data(), into.size()), kToken);
    if (auto ended = operation.ended()) co_return fail(*std::move(ended));
    if (error == asio::error::operation_aborted) continue;  // another operation's end
    if (error == asio::error::eof) co_return std::size_t(0);
    if (error) co_return fail(socket_error("read", error.value()));
    more_ = count == into.size();
    co_return count;
  }
}

Task<Result<void>> AsioSocketStream::write(std::string_view bytes, Duration timeout) {
  while (!bytes.empty()) {
    if (fd_ < 0) co_return fail(closed_here());
    const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (would_block(errno)) {
      GODWIT_CO_TRY(co_await wait(Side::write, timeout));
    } else if (errno != EINTR) {
      co_return fail(socket_error("write", errno));
    }
  }
  co_return Result<void>{};
}

Task<Result<void>> AsioSocketStream::wait(Side side, Duration timeout) {
  if (fd_ < 0) co_return fail(closed_here());
  const auto type = side == Side::read ? asio::posix::descriptor_base::wait_read : asio::posix::descriptor_base::wait_write;
  Operation operation(*this, timeout);
  while (true) {
    auto [error] = co_await descriptor_.async_wait(type, kToken);
    if (auto ended = operation.ended()) co_return fail(*std::move(ended));
    if (error == asio::error::operation_aborted) continue;  // another operation's end
    if (error) co_return fail(socket_error("wait", error.value()));
    co_return Result<void>{};
  }
}

std::optional<PeerCredentials> AsioSocketStream::credentials() const {
  if (kind_ != SocketKind::unix_domain || fd_ < 0) return std::nullopt;
  ucred peer{};
  socklen_t length = sizeof peer;
  if (::getsockopt(fd_, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return std::nullopt;
  PeerCredentials credentials{peer.uid, peer.gid, peer.pid, {}};
  length = 0;
  ::getsockopt(fd_, SOL_SOCKET, SO_PEERGROUPS, nullptr, &length);  // ERANGE: says how many bytes
  std::vector<gid_t> groups(length / sizeof(gid_t));
  if (groups.empty() || ::getsockopt(fd_, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &length) != 0) return credentials;
  for (const gid_t group : groups) {
    if (!credentials.groups.empty()) credentials.groups += ' ';
    credentials.groups += std::to_string(group);
  }
  return credentials;
}

}  // namespace

std::unique_ptr<SocketStream> make_socket_stream(const Executor& executor, FileDescriptor fd, SocketKind kind, const Endpoint& local,
                                                 const Endpoint& remote) {
  return std::make_unique<AsioSocketStream>(executor, std::move(fd), kind, local, remote);
}

}  // namespace godwit::net
