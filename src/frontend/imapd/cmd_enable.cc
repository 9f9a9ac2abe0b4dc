#include "frontend/imapd/session.h"

namespace godwit::imapd {

// RFC 5161 3.1, RFC 9051 6.3.1. What is not known is passed over.
Task<Reply> Session::cmd(imap::Enable command) {
  std::string enabled;
  for (const auto& name : command.capabilities) {
    if (!has(name)) continue;
    if (name == "CONDSTORE") {
      enable_condstore();
    } else if (name == "QRESYNC") {  // RFC 7162 3.2.3: CONDSTORE comes with it
      qresync_ = true;
      enable_condstore();
    } else if (name == "UTF8=ACCEPT") {
      dialect_.utf8_accept = true;
    } else if (name == "IMAP4REV2") {
      dialect_.rev2 = true;
    } else {
      continue;
    }
    enabled += ' ' + (name == "IMAP4REV2" ? std::string("IMAP4rev2") : name);
  }
  set_reader_limits();
  out_.untagged("ENABLED" + enabled);
  co_return Reply::ok("Enabled");
}

// RFC 7162 3.1.2: from now on. A mailbox that is selected already says its HIGHESTMODSEQ at once.
void Session::enable_condstore() {
  if (condstore_) return;
  condstore_ = true;
  if (selected_) out_.untagged("OK [HIGHESTMODSEQ " + std::to_string(selected_->modseq) + "] The highest so far");
}

}  // namespace godwit::imapd
