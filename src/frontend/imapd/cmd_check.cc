#include "frontend/imapd/session.h"

namespace godwit::imapd {

// RFC 3501 6.4.1: everything is on the disk already.
Task<Reply> Session::cmd(imap::Check /*command*/) { co_return Reply::ok("All is well"); }

}  // namespace godwit::imapd
