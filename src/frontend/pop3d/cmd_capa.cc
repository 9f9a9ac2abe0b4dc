#include "frontend/pop3d/reply_text.h"
#include "frontend/pop3d/session.h"

namespace godwit::pop3d {

// RFC 2449 5
Task<> Session::cmd_capa(pop3::Command /*command*/) {
  ok(text::kCapabilities);
  out_ += capability_lines({.login = may_log_in(), .stls = state_ == State::authorization && tls_offered()});
  out_ += ".\r\n";
  co_return;
}

}  // namespace godwit::pop3d
