#pragma once
// A byte stream to one peer: what sessions and clients talk to instead of a socket.
//
// Owned by its session, used on the session's loop alone, one read and one write at a time (a read and a write may
// overlap). Every operation has a time-out; after `timed_out`, `cancelled` or `closed` only close() makes sense.
// Implementations: socket_stream.h (TCP, Unix), edge/tls (TLS on the socket), testing/memory_stream.h.

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/task.h"
#include "edge/net/cancellation.h"

namespace godwit::net {

struct TlsInfo {
  std::string version;  // "TLSv1.3"
  std::string cipher;   // "TLS_AES_256_GCM_SHA384"
  int bits = 0;
  bool resumed = false;
  std::string server_name;  // SNI that the client asked for
};

struct PeerCredentials {  // Unix sockets: SO_PEERCRED and SO_PEERGROUPS
  unsigned uid = 0;
  unsigned gid = 0;
  int pid = 0;
  std::string groups;  // supplementary group ids, space-separated
};

class Stream {
 public:
  virtual ~Stream() = default;

  // Reads what is there, at least one byte; 0 means the peer has ended its direction.
  virtual Task<Result<std::size_t>> read(std::span<char> into, Duration timeout) = 0;
  // Waits until read() would not wait (data or end), so that an idle session need hold no buffer.
  virtual Task<Result<void>> wait_readable(Duration timeout) = 0;
  // Writes all of it. The time-out is for progress: it starts anew whenever the peer takes something.
  virtual Task<Result<void>> write(std::string_view bytes, Duration timeout) = 0;
  // Ends the connection (TLS: sends close_notify if that needs no wait). Twice is harmless.
  virtual void close() = 0;
  // Cancels what is being awaited, from the stream's own loop; the operation returns `cancelled`.
  virtual void cancel() = 0;

  // Acknowledges what has arrived now instead of within 40 ms. For when the peer is known to have more to say and we have nothing
  // to answer yet: a peer under Nagle's algorithm holds its next small segment until then (RFC 1122 4.2.3.2, 4.2.3.4).
  virtual void acknowledge_now() {}

  virtual const Endpoint& remote() const = 0;  // of a Unix socket: all zero
  virtual const Endpoint& local() const = 0;
  virtual const TlsInfo* tls() const { return nullptr; }  // null on a plain stream
  virtual std::optional<PeerCredentials> credentials() const { return std::nullopt; }
};

// Server side of a TLS handshake on a plain stream (STARTTLS and implicit TLS alike). One an identity, all loops.
class TlsAcceptor {
 public:
  virtual ~TlsAcceptor() = default;
  // On failure the plain stream is gone: nothing may be sent on it any more.
  virtual Task<Result<std::unique_ptr<Stream>>> accept(std::unique_ptr<Stream> plain, Duration timeout) = 0;
};

// Client side. `server_name` is sent as SNI.
class TlsConnector {
 public:
  virtual ~TlsConnector() = default;
  // `cancel` lives until the handshake has ended.
  virtual Task<Result<std::unique_ptr<Stream>>> connect(std::unique_ptr<Stream> plain, std::string server_name, Duration timeout,
                                                        Cancellation* cancel = nullptr) = 0;
};

// Opens connections, so that a test can be the network.
class Dialer {
 public:
  virtual ~Dialer() = default;
  // `cancel` lives until the dial has ended.
  virtual Task<Result<std::unique_ptr<Stream>>> dial(Endpoint to, Duration timeout, Cancellation* cancel = nullptr) = 0;
};

}  // namespace godwit::net
