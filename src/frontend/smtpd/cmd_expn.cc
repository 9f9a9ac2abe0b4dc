#include "frontend/smtpd/reply_text.h"
#include "frontend/smtpd/session.h"

namespace godwit::smtpd {

// RFC 5321 4.1.1.7: optional; who is on a list is nobody's business.
Task<Session::Reply> Session::cmd_expn(std::string_view /*arguments*/) { co_return replies::no_lists(); }

}  // namespace godwit::smtpd
