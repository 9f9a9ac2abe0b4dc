#include "frontend/imapd/session.h"

namespace godwit::imapd {

// RFC 9051 6.1.2. The news follow every command.
Task<Reply> Session::cmd(imap::Noop /*command*/) { co_return Reply::ok("Nothing done"); }

}  // namespace godwit::imapd
