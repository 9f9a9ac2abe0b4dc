#include "frontend/imapd/session.h"

namespace godwit::imapd {

// RFC 9051 6.4.2
Task<Reply> Session::cmd(imap::Unselect /*command*/) {
  unselect();
  co_return Reply::ok("Unselected");
}

}  // namespace godwit::imapd
