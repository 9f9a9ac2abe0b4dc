#include "frontend/smtpd/reply_text.h"
#include "frontend/smtpd/session.h"

namespace godwit::smtpd {

// RFC 3207 4. The handshake follows when the reply is out: Session::begin_tls().
Task<Session::Reply> Session::cmd_starttls(std::string_view arguments) {
  if (const auto nothing = smtp::parse_nothing(arguments); !nothing) co_return nothing.error().reply();
  if (stream_->tls()) co_return replies::tls_active();
  if (!tls_offered()) co_return replies::tls_not_offered();
  if (!hello_) co_return replies::hello_first();
  upgrade_ = true;
  co_return replies::ready_for_tls();
}

}  // namespace godwit::smtpd
