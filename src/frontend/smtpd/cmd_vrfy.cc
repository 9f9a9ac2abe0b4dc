#include "frontend/smtpd/reply_text.h"
#include "frontend/smtpd/session.h"

namespace godwit::smtpd {

// RFC 5321 3.5.3, 7.3: who is known here is not told to strangers.
Task<Session::Reply> Session::cmd_vrfy(std::string_view arguments) {
  if (const auto asked = smtp::parse_text(arguments); !asked) co_return asked.error().reply();
  co_return replies::cannot_verify();
}

}  // namespace godwit::smtpd
