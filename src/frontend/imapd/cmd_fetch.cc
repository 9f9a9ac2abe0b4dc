#include <algorithm>

#include "frontend/imapd/session.h"

namespace godwit::imapd {

using mailbox::Uid;
using mailbox::UidRange;

std::vector<Numbered> Session::numbered(const std::vector<UidRange>& uids) const {
  std::vector<Numbered> out;
  for (const auto& range : selected_->view.intersect(uids)) {
    std::uint32_t sequence = *selected_->view.sequence_of(range.first);
    for (Uid uid = range.first;; ++uid) {
      out.push_back({sequence++, uid});
      if (uid == range.last) break;
    }
  }
  return out;
}

Fetching Session::fetching() {
  return Fetching{.mailboxes = mailboxes(),
                  .blobs = context_.blobs,
                  .out = out_,
                  .account = account(),
                  .mailbox = selected_->number,
                  .dialect = dialect_,
                  .keywords = selected_->keywords,
                  .fresh_keywords = [this] { return fresh_keywords(); },
                  .recent = &selected_->recent,
                  .with_modseq = condstore_,
                  .decoding = &decoding_,
                  .newly_seen = {}};
}

// RFC 9051 6.4.5, RFC 7162 3.1.4, 3.2.6
Task<Reply> Session::cmd(imap::Fetch command) {
  if (command.vanished && !qresync_) co_return Reply::bad("ENABLE QRESYNC comes first");
  auto uids = resolve(*selected_, command.set, command.uid);
  if (!uids) co_return Reply::bad(text::kBadSequence);
  const auto asks = [](const imap::FetchItem& item) { return item.kind == imap::FetchItem::Kind::modseq; };
  if (command.changed_since || std::ranges::any_of(command.items, asks)) enable_condstore();
  if (command.vanished) co_await tell_vanished_since(command.set, *command.changed_since);
  std::vector<Numbered> wanted = numbered(*uids);
  std::vector<Uid> newly_seen;
  if (needs_seen(command.items) && !selected_->read_only) {
    auto marked = co_await mark_seen(wanted, command.changed_since);
    if (!marked) co_return reply_to(marked.error());
    newly_seen = *std::move(marked);
  }
  Fetching how = fetching();
  how.newly_seen = std::move(newly_seen);
  // RFC 7162 3.2.4: also where fetching has set \Seen, with CONDSTORE alone
  const bool with_uid = command.uid || qresync_ || (condstore_ && !how.newly_seen.empty());
  const FetchResult done = co_await fetch(std::move(how), std::move(command.items), with_uid, std::move(wanted), command.changed_since);
  // RFC 7162 3.2: rows show a change a moment before the feed does. Who was told of one is told of those before it.
  if (condstore_ && done.highest > selected_->modseq) selected_->seen = kNothingSeen;
  if (done.error) co_return reply_to(*done.error);
  if (done.unreadable > 0) co_return Reply::no(text::kUnreadable, code::kServerBug);
  if (done.unknown_encoding) co_return Reply::no("A part has an encoding that cannot be undone", "[UNKNOWN-CTE] ");
  if (done.composite) co_return Reply::no("BINARY is for parts that are not made of others");
  if (done.gone > 0 && !command.uid) co_return Reply::no(text::kMessagesGone, code::kExpungeIssued);
  co_return Reply::ok("Fetched");
}

// The answers show the new flags, so the client need not be told again.
Task<Result<std::vector<Uid>>> Session::mark_seen(std::vector<Numbered> wanted, std::optional<mailbox::Modseq> changed_since) {
  GODWIT_CO_ASSIGN(auto fresh, co_await not_seen(mailboxes(), account(), selected_->number, std::move(wanted), changed_since));
  if (fresh.empty()) co_return fresh;
  std::vector<UidRange> ranges;
  for (const auto& range : to_number_set(fresh).ranges()) ranges.push_back({range.first, range.last});
  mailbox::FlagChange seen;
  seen.how = mailbox::FlagChange::How::add;
  seen.flags = mailbox::kSeen;
  GODWIT_CO_ASSIGN(const auto done,
                   co_await mailboxes().change_flags(account(), selected_->number, std::move(ranges), std::move(seen), std::nullopt));
  remember_told(done, true);
  co_return fresh;
}

// RFC 7162 3.2.6: of those that the client asks for.
Task<> Session::tell_vanished_since(imap::SequenceSet set, mailbox::Modseq since) {
  imap::Qresync known;
  known.modseq = since;
  known.known_uids = set.saved ? selected_->saved : set.resolve(selected_->highest_uid);
  co_await tell_vanished(std::move(known), false);
}

}  // namespace godwit::imapd
