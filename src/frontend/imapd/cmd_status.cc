#include <algorithm>

#include "frontend/imapd/session.h"
#include "grammar/imap/writer.h"

namespace godwit::imapd {

using imap::StatusItem;
using mailbox::Mailbox;
using mailbox::Uid;

// RFC 9051 6.3.11
Task<Reply> Session::cmd(imap::Status command) {
  const auto found = co_await mailboxes().find(account(), command.mailbox);
  if (!found) co_return reply_to(found.error());
  const auto recent = co_await recent_of(found->number, command.items);
  if (!recent) co_return reply_to(recent.error());
  append_status(out_.buffer(), *found, command.items, *recent);
  if (std::ranges::find(command.items, StatusItem::highest_modseq) != command.items.end()) condstore_ = true;  // RFC 7162 3.1.2
  co_return Reply::ok("That is all");
}

Task<Result<Uid>> Session::recent_of(mailbox::MailboxNumber number, std::vector<StatusItem> items) {
  if (std::ranges::find(items, StatusItem::recent) == items.end()) co_return Uid{UINT32_MAX};
  GODWIT_CO_ASSIGN(const Uid first, co_await mailboxes().first_recent(account(), number, false));
  GODWIT_CO_ASSIGN(const auto uids, co_await mailboxes().uids(account(), number));
  co_return uids.count() - uids.count_below(first);
}

namespace {

// `recent`: how many there are
std::uint64_t value_of(StatusItem item, const Mailbox& found, Uid recent, std::uint64_t append_limit) {
  switch (item) {
    case StatusItem::messages: return found.total;
    case StatusItem::recent: return recent;
    case StatusItem::uid_next: return found.uid_next;
    case StatusItem::uid_validity: return found.uid_validity;
    case StatusItem::unseen: return found.unseen;
    case StatusItem::deleted: return found.deleted;
    case StatusItem::size: return found.bytes;
    case StatusItem::highest_modseq: return found.highest_modseq;
    case StatusItem::append_limit: return append_limit;
    case StatusItem::deleted_storage: return found.deleted_bytes;
    case StatusItem::mailbox_id: return found.number;
  }
  return 0;
}

}  // namespace

void Session::append_status(std::string& out, const Mailbox& found, const std::vector<StatusItem>& items, Uid recent) {
  out += "* STATUS ";
  imap::append_mailbox(out, found.name, dialect_);
  out += " (";
  bool first = true;
  for (const StatusItem item : items) {
    if (!std::exchange(first, false)) out += ' ';
    out += imap::to_string(item);
    const std::string value = std::to_string(value_of(item, found, recent, settings_->append_limit));
    out += item == StatusItem::mailbox_id ? " (F" + value + ')' : ' ' + value;
  }
  out += ")\r\n";
}

}  // namespace godwit::imapd
