#include "frontend/imapd/session.h"
#include "grammar/imap/mailbox_name.h"

namespace godwit::imapd {

// RFC 9051 6.3.6
Task<Reply> Session::cmd(imap::Rename command) {
  auto to = imap::check_new_mailbox(command.to);
  if (!to) co_return Reply::no(to.error().text, code::kCannot);
  std::string name = *std::move(to);
  expunged_ = true;  // renaming INBOX moves its messages
  const auto done = co_await mailboxes().rename(account(), std::move(command.from), std::move(name));
  if (!done) co_return reply_to(done.error());
  co_return Reply::ok("Renamed");
}

}  // namespace godwit::imapd
