#include "frontend/pop3d/reply_text.h"
#include "frontend/pop3d/session.h"

namespace godwit::pop3d {

// RFC 2449 5
Task<> Session::cmd_capa(pop3::Command /*command*/) {
  ok(text::kCapabilities);
  out_ += capability_lines({.login = may_log_in(),
                            .stls = state_ == State::authorization && tls_offered(),
                            .removes_retrieved = settings_->removes_retrieved,
                            .login_delay = settings_->login_delay});
  out_ += ".\r\n";
  co_return;
}

}  // namespace godwit::pop3d
