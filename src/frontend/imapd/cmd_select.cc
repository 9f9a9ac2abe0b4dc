#include <algorithm>

#include "frontend/imapd/session.h"
#include "grammar/imap/writer.h"

namespace godwit::imapd {

using mailbox::Uid;

// SELECT and EXAMINE: RFC 9051 6.3.2, 6.3.3; RFC 3501 6.3.1 (RECENT, UNSEEN); RFC 7162 3.1.8, 3.2.5.
Task<Reply> Session::cmd(imap::Select command) {
  if (command.qresync && !qresync_) co_return Reply::bad("ENABLE QRESYNC comes first");
  if (selected_) {  // RFC 9051 6.3.2: also when the new one cannot be opened
    unselect();
    out_.untagged("OK [CLOSED] The mailbox that was open is closed");
  }
  auto found = co_await mailboxes().find(account(), command.mailbox);
  if (!found) co_return reply_to(found.error());
  mailbox::Mailbox opened = *std::move(found);
  co_return co_await open_mailbox(std::move(command), std::move(opened));
}

// The counts may be older than the UIDs that are read next, never newer: whatever comes between is told as news.
Task<Reply> Session::open_mailbox(imap::Select command, mailbox::Mailbox found) {
  Selected box;
  box.seen = watch_->changes();
  box.number = found.number;
  box.name = found.name;
  box.uid_validity = found.uid_validity;
  box.read_only = command.examine;
  auto status = co_await mailboxes().status(account(), found.number);
  if (!status) co_return reply_to(status.error());
  auto uids = co_await mailboxes().uids(account(), found.number);
  if (!uids) co_return reply_to(uids.error());
  auto keywords = co_await mailboxes().keywords(account());
  if (!keywords) co_return reply_to(keywords.error());
  box.modseq = status->highest_modseq;
  box.known = box.modseq;
  box.view = *std::move(uids);
  box.highest_uid = std::max(box.view.last(), status->uid_next - 1);
  box.keywords = *std::move(keywords);
  mailbox::Uid first_recent = UINT32_MAX;
  if (!dialect_.rev2) {
    const auto recent = co_await mailboxes().first_recent(account(), found.number, !command.examine);
    if (!recent) co_return reply_to(recent.error());
    first_recent = *recent;
  }
  std::optional<Uid> unseen;
  if (!dialect_.rev2 && status->unseen > 0) {
    const auto first = co_await mailboxes().first_unseen(account(), found.number);
    if (first) unseen = *first;
  }
  selected_ = std::move(box);
  if (!dialect_.rev2) claim(first_recent);
  if (command.condstore || command.qresync) condstore_ = true;

  const std::uint32_t exists = selected_->view.count();
  tell_flags();
  out_.untagged(std::to_string(exists) + " EXISTS");
  if (!dialect_.rev2) out_.untagged(std::to_string(selected_->recent.count()) + " RECENT");
  if (const auto number = unseen ? selected_->view.sequence_of(*unseen) : std::nullopt)
    out_.untagged("OK [UNSEEN " + std::to_string(*number) + "] The first that is not seen");
  out_.untagged("OK [UIDVALIDITY " + std::to_string(selected_->uid_validity) + "] UIDs are valid");
  out_.untagged("OK [UIDNEXT " + std::to_string(selected_->highest_uid + 1) + "] The next UID");
  out_.untagged("OK [HIGHESTMODSEQ " + std::to_string(selected_->modseq) + "] The highest so far");
  out_.untagged("OK [MAILBOXID (F" + std::to_string(selected_->number) + ")] Its id");  // RFC 8474 4.2
  if (dialect_.rev2) {
    out_.buffer() += "* LIST () \"/\" ";
    imap::append_mailbox(out_.buffer(), selected_->name, dialect_);
    out_.buffer() += "\r\n";
  }
  if (command.qresync && command.qresync->uid_validity == selected_->uid_validity)
    co_await tell_vanished(*std::move(command.qresync), true);
  co_return Reply::ok("It is open", command.examine ? "[READ-ONLY] " : "[READ-WRITE] ");
}

namespace {

// The UIDs from 1 to `last` that are not in `view`.
imap::NumberSet missing_from(const mailbox::UidSet& view, Uid last) {
  std::vector<imap::NumberRange> ranges;
  Uid next = 1;
  for (const auto& range : view.ranges()) {
    if (range.first > next) ranges.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (last >= next) ranges.push_back({next, last});
  return imap::NumberSet::of(std::move(ranges));
}

}  // namespace

// RFC 7162 3.2.5.1, 3.2.5.2: what is gone since `known.modseq`, then what has changed. The client's list of numbers and UIDs only serves
// to say less, so it is not looked at. Where tombstones are gone already everything that is not there is said to be gone. What has been
// expunged since SELECT read the view has a number in it: EARLIER would leave it there, so that is news.
Task<> Session::tell_vanished(imap::Qresync known, bool with_changes) {
  const Selected& box = *selected_;
  auto changes = co_await mailboxes().changes(account(), box.number, known.modseq);
  if (!changes) co_return;
  if (with_changes) std::erase_if(changes->expunged, [&box](Uid uid) { return box.view.contains(uid); });
  imap::NumberSet gone = changes->complete ? to_number_set(changes->expunged) : missing_from(box.view, box.highest_uid);
  if (known.known_uids) gone = gone.intersect(*known.known_uids);
  if (!gone.empty()) out_.untagged("VANISHED (EARLIER) " + gone.text());
  if (!with_changes) co_return;
  const bool all_known = std::ranges::all_of(changes->messages, [&box](const auto& info) { return is_known(*box.keywords, info); });
  if (!all_known) co_await refresh_keywords();
  for (const auto& info : changes->messages) {
    if (known.known_uids && !known.known_uids->contains(info.uid)) continue;
    append_changed_fetch(info);
    co_await out_.flush_if_large();
  }
}

void Session::unselect() { selected_.reset(); }

}  // namespace godwit::imapd
