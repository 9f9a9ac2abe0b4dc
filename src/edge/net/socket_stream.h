#pragma once
// A stream on a non-blocking socket, TCP or Unix. Internal to edge: edge/tls runs OpenSSL on its descriptor.
//
// Nothing is held while it waits but one small coroutine frame; reads and writes try the system call first where that
// is likely to succeed. Deadlines are the sweeper's (deadline.h).

#include <memory>

#include "edge/net/file_descriptor.h"
#include "edge/net/stream.h"

namespace godwit::net {

enum class Side : std::uint8_t { read, write };

class SocketStream : public Stream {
 public:
  // Waits until the socket is readable or writable. Several may wait at once.
  virtual Task<Result<void>> wait(Side side, Duration timeout) = 0;
  // The socket, non-blocking; -1 after close(). The stream goes on owning it.
  virtual int fd() const = 0;
};

enum class SocketKind : std::uint8_t { tcp, unix_domain };

// `fd` must be non-blocking. Called on the loop of `executor`.
std::unique_ptr<SocketStream> make_socket_stream(const Executor& executor, FileDescriptor fd, SocketKind kind, const Endpoint& local,
                                                 const Endpoint& remote);

}  // namespace godwit::net
