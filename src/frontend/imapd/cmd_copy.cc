#include <algorithm>

#include "frontend/imapd/session.h"
#include "grammar/imap/writer.h"

namespace godwit::imapd {

// COPY and MOVE: RFC 9051 6.4.7, 6.4.8, RFC 6851, RFC 4315 (COPYUID)
Task<Reply> Session::cmd(imap::Copy command) {
  if (command.move && selected_->read_only) co_return Reply::no(text::kReadOnly, code::kNoPerm);
  auto uids = resolve(*selected_, command.set, command.uid);
  if (!uids) co_return Reply::bad(text::kBadSequence);
  // RFC 2180 4.4.1: all or nothing, so what is known to be gone is no good
  if (!command.uid && holds_any(*uids, selected_->gone)) co_return Reply::no(text::kMessagesGone, code::kExpungeIssued);
  const auto target = co_await mailboxes().find(account(), command.mailbox);
  if (!target && target.error().cause == Error::Cause::not_found) co_return Reply::no(text::kNoMailbox, code::kTryCreate);
  if (!target) co_return reply_to(target.error());
  if (uids->empty()) co_return Reply::ok("Nothing to do");
  expunged_ = true;  // a copy that fails is taken back
  const auto done = co_await mailboxes().copy(account(), selected_->number, *std::move(uids), target->number, command.move);
  if (!done && done.error().cause == Error::Cause::not_found) co_return Reply::no(text::kNoMailbox, code::kTryCreate);
  if (!done) co_return reply_to(done.error());
  if (done->from.empty()) co_return Reply::no(text::kMessagesGone, code::kExpungeIssued);
  std::string copied;
  imap::append_copy_uid_code(copied, done->uid_validity, to_number_set(done->from), to_number_set(done->to));
  if (!command.move) co_return Reply::ok("Copied", std::move(copied));
  out_.untagged("OK " + copied + "Moved");  // RFC 6851 4.3: in front of the EXPUNGEs
  co_await tell_news(Expunges::tell);
  if (!qresync_ || !selected_) co_return Reply::ok("Moved");
  co_return Reply::ok("Moved", "[HIGHESTMODSEQ " + std::to_string(selected_->modseq) + "] ");  // RFC 7162 3.2.8
}

}  // namespace godwit::imapd
