#include "frontend/imapd/session.h"

namespace godwit::imapd {

// SUBSCRIBE and UNSUBSCRIBE: RFC 9051 6.3.7, 6.3.8. A name needs no mailbox to be subscribed to.
Task<Reply> Session::cmd(imap::Subscribe command) {
  if (command.mailbox.empty()) co_return Reply::no("A name is missing", code::kCannot);
  const auto done = co_await mailboxes().subscribe(account(), std::move(command.mailbox), command.subscribe);
  if (!done) co_return reply_to(done.error());
  co_return Reply::ok(command.subscribe ? "Subscribed" : "Unsubscribed");
}

}  // namespace godwit::imapd
