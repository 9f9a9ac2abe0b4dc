#include "frontend/imapd/session.h"

namespace godwit::imapd {

// RFC 9051 6.1.3
Task<Reply> Session::cmd(imap::Logout /*command*/) {
  say_bye("Good bye");
  closing_ = true;
  co_return Reply::ok("You are logged out");
}

}  // namespace godwit::imapd
