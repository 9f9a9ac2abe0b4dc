#include "frontend/pop3d/reply_text.h"
#include "frontend/pop3d/session.h"

namespace godwit::pop3d {

// RFC 2595 4. The handshake follows when the reply is out: Session::handshake().
Task<> Session::cmd_stls(pop3::Command /*command*/) {
  if (stream_->tls()) co_return err(text::kTlsActive);
  if (!tls_offered()) co_return err(text::kNoTls);
  upgrade_ = true;
  ok(text::kBeginTls);
}

}  // namespace godwit::pop3d
