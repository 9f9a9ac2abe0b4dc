#pragma once
// An SSL on the socket of a plain stream. Internal to edge/tls.

#include <memory>
#include <string>

#include "edge/net/stream.h"
#include "edge/tls/openssl.h"
#include "edge/tls/session_cache.h"

namespace godwit::tls {

// Where a client's new sessions go.
struct Remember {
  std::shared_ptr<SessionCache> cache;
  std::string server_name;
};

// Runs the handshake of `ssl` (its side is set) over `plain`, which must be a net::SocketStream; on failure it is closed.
Task<Result<std::unique_ptr<net::Stream>>> shake_hands(SslPtr ssl, std::unique_ptr<net::Stream> plain, Remember remember, Duration timeout,
                                                       net::Cancellation* cancel = nullptr);

// SSL_CTX_sess_set_new_cb of a client's context: keeps the session under the Remember of its connection.
int remember_session(SSL* ssl, SSL_SESSION* session);

}  // namespace godwit::tls
