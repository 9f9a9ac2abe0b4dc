#include "frontend/imapd/session.h"

namespace godwit::imapd {

// RFC 9051 6.2.1. The handshake follows when the reply is out: Session::handshake().
Task<Reply> Session::cmd(imap::StartTls /*command*/) {
  if (stream_->tls()) co_return Reply::bad("TLS is active already");
  if (!tls_offered()) co_return Reply::bad("TLS is not available");
  upgrade_ = true;
  co_return Reply::ok("Begin TLS negotiation");
}

}  // namespace godwit::imapd
