#include "base/log.h"
#include "frontend/pop3d/reply_text.h"
#include "frontend/pop3d/session.h"

namespace godwit::pop3d {

// RFC 2449 6.7: under EXPIRE 0 what RETR has brought is taken for deleted, whatever RSET said. It has been brought when the client spoke
// after it: a QUIT that was sent along with RETR proves nothing.
std::vector<mailbox::UidRange> Session::doomed() const {
  std::vector<mailbox::UidRange> uids;
  for (const auto& each : messages_) {
    if (each.deleted || (each.received && settings_->removes_retrieved)) uids.push_back({each.uid, each.uid});
  }
  return uids;
}

// RFC 1939 6: the UPDATE state, and the only way into it. What another session has removed by now is passed over.
Task<> Session::cmd_quit(pop3::Command /*command*/) {
  closing_ = true;
  auto uids = doomed();
  if (uids.empty()) co_return ok(text::kBye);
  expunged_ = true;
  const auto removed = co_await context_.mailboxes.expunge(account_->id, mailbox::kInbox, std::move(uids), false);
  if (!removed) {
    log::warning("expunge_failed", {{"session", id_}, {"account", account_->address.text()}, {"error", removed.error().text}});
    co_return err(text::kNotAllRemoved);
  }
  removed_ = removed->size();
  ok(text::kBye);
}

}  // namespace godwit::pop3d
