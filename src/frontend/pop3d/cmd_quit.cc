#include "base/log.h"
#include "frontend/pop3d/reply_text.h"
#include "frontend/pop3d/session.h"

namespace godwit::pop3d {

// RFC 1939 6: the UPDATE state, and the only way into it. What another session has removed by now is passed over.
Task<> Session::cmd_quit(pop3::Command /*command*/) {
  closing_ = true;
  std::vector<mailbox::UidRange> doomed;
  for (const auto& each : messages_) {
    if (each.deleted) doomed.push_back({each.uid, each.uid});
  }
  if (doomed.empty()) co_return ok(text::kBye);
  const auto removed = co_await context_.mailboxes.expunge(account_->id, mailbox::kInbox, std::move(doomed), false);
  if (!removed) {
    log::warning("expunge_failed", {{"session", id_}, {"account", account_->address.text()}, {"error", removed.error().text}});
    co_return err(text::kNotAllRemoved);
  }
  removed_ = removed->size();
  ok(text::kBye);
}

}  // namespace godwit::pop3d
