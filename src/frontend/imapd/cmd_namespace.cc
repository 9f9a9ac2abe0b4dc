#include "frontend/imapd/session.h"

namespace godwit::imapd {

// RFC 9051 6.3.10: one personal namespace, no others.
Task<Reply> Session::cmd(imap::Namespace /*command*/) {
  out_.untagged("NAMESPACE ((\"\" \"/\")) NIL NIL");
  co_return Reply::ok("That is all");
}

}  // namespace godwit::imapd
