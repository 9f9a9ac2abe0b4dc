#include "frontend/imapd/session.h"

namespace godwit::imapd {

// RFC 9051 6.1.1
Task<Reply> Session::cmd(imap::Capability /*command*/) {
  out_.untagged("CAPABILITY " + capability_list());
  co_return Reply::ok("That is all");
}

}  // namespace godwit::imapd
