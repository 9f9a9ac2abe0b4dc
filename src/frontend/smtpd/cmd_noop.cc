#include "frontend/smtpd/reply_text.h"
#include "frontend/smtpd/session.h"

namespace godwit::smtpd {

// RFC 5321 4.1.1.9: a parameter is ignored.
Task<Session::Reply> Session::cmd_noop(std::string_view /*arguments*/) { co_return replies::ok(); }

}  // namespace godwit::smtpd
