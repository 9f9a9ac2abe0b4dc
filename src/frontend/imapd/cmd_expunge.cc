#include "frontend/imapd/session.h"

namespace godwit::imapd {

// EXPUNGE and UID EXPUNGE: RFC 9051 6.4.3, 6.4.9. The EXPUNGE responses are news like any other's.
Task<Reply> Session::cmd(imap::Expunge command) {
  if (selected_->read_only) co_return Reply::no(text::kReadOnly, code::kNoPerm);
  auto uids = selected_->view.ranges();
  if (command.uids) uids = resolve(*selected_, *command.uids, true).value_or(std::vector<mailbox::UidRange>());
  expunged_ = true;
  const auto gone = co_await mailboxes().expunge(account(), selected_->number, std::move(uids), true);
  if (!gone) co_return reply_to(gone.error());
  co_await tell_news(Expunges::tell);
  if (gone->empty() || !qresync_ || !selected_) co_return Reply::ok("Expunged");
  co_return Reply::ok("Expunged", "[HIGHESTMODSEQ " + std::to_string(selected_->modseq) + "] ");  // RFC 7162 3.2.7
}

}  // namespace godwit::imapd
