#include "frontend/smtpd/reply_text.h"
#include "frontend/smtpd/session.h"

namespace godwit::smtpd {

// RFC 5321 4.1.1.10. An open transaction is forgotten.
Task<Session::Reply> Session::cmd_quit(std::string_view arguments) {
  if (const auto nothing = smtp::parse_nothing(arguments); !nothing) co_return nothing.error().reply();
  closing_ = true;
  co_return replies::goodbye(settings_->hostname);
}

}  // namespace godwit::smtpd
