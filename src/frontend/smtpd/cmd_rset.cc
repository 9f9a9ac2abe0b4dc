#include "frontend/smtpd/reply_text.h"
#include "frontend/smtpd/session.h"

namespace godwit::smtpd {

// RFC 5321 4.1.1.5
Task<Session::Reply> Session::cmd_rset(std::string_view arguments) {
  if (const auto nothing = smtp::parse_nothing(arguments); !nothing) co_return nothing.error().reply();
  reset_transaction();
  co_return replies::ok();
}

}  // namespace godwit::smtpd
