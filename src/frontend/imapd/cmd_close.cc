#include "frontend/imapd/session.h"

namespace godwit::imapd {

// RFC 9051 6.4.1: what has \\Deleted goes, and nobody is told.
Task<Reply> Session::cmd(imap::Close /*command*/) {
  if (!selected_->read_only) {
    std::vector<mailbox::UidRange> all = selected_->view.ranges();
    expunged_ = true;
    const auto gone = co_await mailboxes().expunge(account(), selected_->number, std::move(all), true);
    if (!gone && gone.error().cause != Error::Cause::not_found) co_return reply_to(gone.error());
  }
  unselect();
  co_return Reply::ok("Closed");
}

}  // namespace godwit::imapd
