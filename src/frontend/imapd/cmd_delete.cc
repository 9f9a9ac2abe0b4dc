#include "frontend/imapd/session.h"
#include "grammar/imap/mailbox_name.h"

namespace godwit::imapd {

// RFC 9051 6.3.5. Mailboxes below it stay; its name is listed as \NonExistent while there are any.
Task<Reply> Session::cmd(imap::Delete command) {
  if (imap::is_inbox(command.mailbox)) co_return Reply::no("INBOX cannot be deleted", code::kCannot);
  const auto folders = co_await mailboxes().folders(account());
  if (!folders) co_return reply_to(folders.error());
  const auto* found = folders->find(command.mailbox);
  if (found == nullptr && folders->has_children(command.mailbox))
    co_return Reply::no("There is no such mailbox, only others below that name", code::kHasChildren);
  if (found == nullptr) co_return Reply::no(text::kNoMailbox, code::kNonExistent);
  const bool is_open = selected_ && selected_->number == found->number;
  expunged_ = true;
  const auto done = co_await mailboxes().remove(account(), command.mailbox);
  if (!done) co_return reply_to(done.error());
  if (is_open) {
    unselect();
    out_.untagged("OK [CLOSED] The mailbox that was open is deleted");
  }
  co_return Reply::ok("Deleted");
}

}  // namespace godwit::imapd
