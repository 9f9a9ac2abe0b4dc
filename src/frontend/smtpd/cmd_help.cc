#include "frontend/smtpd/reply_text.h"
#include "frontend/smtpd/session.h"

namespace godwit::smtpd {

// RFC 5321 4.1.1.8
Task<Session::Reply> Session::cmd_help(std::string_view /*arguments*/) {
  std::string text = "Godwit knows: EHLO HELO MAIL RCPT DATA RSET NOOP QUIT VRFY HELP";
  if (tls_offered()) text += " STARTTLS";
  if (auth_possible()) text += " AUTH";
  text += "\nThe rules are in RFC 5321";
  co_return Reply{214, {2, 0, 0}, std::move(text)};
}

}  // namespace godwit::smtpd
