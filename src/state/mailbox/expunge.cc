// Expunge: messages go. With the last one of an email its record and bytes are to go too: that is left to the outbox, for nobody waits for
// it.

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "base/log.h"
#include "state/mailbox/account_writer.h"
#include "state/mailbox/members.h"

namespace godwit::mailbox {
namespace {

using store::Keyspace;

constexpr std::size_t kPiece = 8'000;
constexpr EmailId kSmallGap = 16;  // it costs less to read over than a scan of its own
constexpr store::ScanLimit kManyRows{10'000, 1 << 20};

// Leaves the part of them that one batch takes: what is an orphan depends on which of them go together.
Task<Result<void>> cut_to_room(AccountWriter& writer, MailboxNumber mailbox, std::vector<Member>& members) {
  for (auto each = members.begin(); each != members.end(); ++each) {
    if (!writer.has_room()) {
      members.erase(each, members.end());
      break;
    }
    if (!writer.is_at_hand(mailbox, each->uid)) GODWIT_CO_TRY(co_await writer.load(mailbox, each->uid));
    writer.take_room();
  }
  co_return Result<void>{};
}

// Places whose messages have gone, though rows by email still list them; ascending. What cannot be read of them counts as there: the
// email stays, and a rebuild finds it.
Task<std::vector<Place>> read_left(store::View& view) {
  std::vector<Place> out;
  PrefixScan scan(view, Keyspace::outbox, std::string(kAllLeft));
  for (;;) {
    const auto rows = co_await scan.next();
    if (!rows) log::warning("outbox unreadable", {{"error", rows.error().text}});
    if (!rows || rows->empty()) break;
    for (const auto& row : *rows) {
      const auto left = decode_gone(row.value);
      if (!left) continue;
      for (const Gone& each : left->messages) out.push_back({left->mailbox, each.uid});
    }
  }
  std::ranges::sort(out);
  co_return out;
}

// What is leaving, or has left.
struct Leaving {
  MailboxNumber mailbox = 0;
  const std::vector<Member>& messages;  // ascending
  std::vector<Place> left;

  bool has(Place place) const {
    const bool now = place.mailbox == mailbox && std::ranges::binary_search(messages, place.uid, {}, &Member::uid);
    return now || std::ranges::binary_search(left, place);
  }
};

// The emails of these messages that have a place of their own beside them, ascending: read from `first` to `last`, which lie near each
// other.
Task<Result<void>> find_staying(store::View& view, const Leaving& leaving, EmailId first, EmailId last, std::vector<EmailId>& staying) {
  const std::string end = prefix_end(by_email_prefix(last));
  for (std::optional<std::string> from = by_email_prefix(first); from && *from < end;) {
    GODWIT_CO_ASSIGN(auto page, co_await view.scan(Keyspace::mailbox, *from, end, kManyRows));
    for (const auto& row : page.rows) {
      GODWIT_CO_ASSIGN(const auto key, parse_by_email_key(row.key));
      const bool is_known = !staying.empty() && staying.back() == key.email;
      if (!is_known && !leaving.has(key.place)) staying.push_back(key.email);
    }
    from = std::move(page.next);
    // one place is enough: nobody asks how many more
    if (from && !staying.empty()) from = std::max(*from, prefix_end(by_email_prefix(staying.back())));
  }
  co_return Result<void>{};
}

// Emails (ascending) that are in no mailbox any more when these messages of `mailbox` (ascending) have gone. Whether one stays is told by a
// place where it stays, never by counting: a row too few would take the bytes of a message that is there. Emails that came together lie
// together: one scan reads many.
Task<Result<std::vector<EmailId>>> find_orphans(store::View& view, MailboxNumber mailbox, const std::vector<Member>& messages) {
  auto left = co_await read_left(view);
  const Leaving leaving{mailbox, messages, std::move(left)};
  std::vector<EmailId> emails;
  emails.reserve(messages.size());
  for (const Member& each : messages) emails.push_back(each.row.email);
  std::ranges::sort(emails);
  const auto twice = std::ranges::unique(emails);
  emails.erase(twice.begin(), twice.end());
  std::vector<EmailId> staying;
  for (auto first = emails.begin(); first != emails.end();) {
    auto last = first;
    while (std::next(last) != emails.end() && *std::next(last) - *last <= kSmallGap) ++last;
    GODWIT_CO_TRY(co_await find_staying(view, leaving, *first, *last, staying));
    first = std::next(last);
  }
  std::vector<EmailId> orphans;
  std::ranges::set_difference(emails, staying, std::back_inserter(orphans));
  co_return orphans;
}

void remove_all(AccountWriter& writer, MailboxNumber mailbox, const std::vector<Member>& doomed, const std::vector<EmailId>& orphans) {
  using enum AccountWriter::RemovedFrom;
  std::vector<bool> counted(orphans.size());
  for (const Member& each : doomed) {
    const auto orphan = std::ranges::lower_bound(orphans, each.row.email);
    const bool last = orphan != orphans.end() && *orphan == each.row.email;
    writer.remove_message(mailbox, each, last ? last_place : one_place);
    if (!last) continue;
    const auto at = static_cast<std::size_t>(orphan - orphans.begin());
    if (!counted[at]) writer.discount_email(each.row.size);
    counted[at] = true;
  }
}

}  // namespace

Task<Result<Expunged>> Mailboxes::Impl::expunge_piece(directory::AccountId account, MailboxNumber mailbox,
                                                      const std::vector<UidRange>& uids, Doomed which, const std::string* and_mailbox) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    AccountWriter writer(*this, account);
    GODWIT_CO_TRY(co_await writer.open());
    GODWIT_CO_ASSIGN(const MailboxRow* row, co_await writer.mailbox(mailbox));
    if (and_mailbox != nullptr && row->name != *and_mailbox) co_return fail(mailbox_gone());  // renamed meanwhile
    Expunged piece;
    const bool only_deleted = which == Doomed::deleted;
    if (only_deleted && row->deleted == 0) co_return piece;
    GODWIT_CO_ASSIGN(auto members, co_await read_members(writer.view(), mailbox, uids, kPiece, only_deleted ? kDeleted : 0));
    if (members.size() == kPiece) piece.next = members.back().uid + 1;
    const std::size_t read = members.size();
    GODWIT_CO_TRY(co_await cut_to_room(writer, mailbox, members));
    if (members.size() < read) piece.next = members.back().uid + 1;
    GODWIT_CO_ASSIGN(const auto orphans, co_await find_orphans(writer.view(), mailbox, members));
    if (which == Doomed::copies)
      std::erase_if(members, [&](const Member& each) { return std::ranges::binary_search(orphans, each.row.email); });
    if (members.empty() && and_mailbox == nullptr) co_return piece;
    remove_all(writer, mailbox, members, orphans);
    if (and_mailbox != nullptr && piece.next == 0) writer.erase_mailbox(mailbox);
    for (const auto& each : members) piece.uids.push_back(each.uid);
    GODWIT_CO_ASSIGN(const bool written, co_await writer.write("expunging"));
    if (written) co_return piece;
  }
  co_return fail(overtaken());
}

// `done`: what has been done, also before an error.
Task<Result<void>> Mailboxes::Impl::expunge_all(directory::AccountId account, MailboxNumber mailbox, std::vector<UidRange> uids,
                                                Doomed which, Expunged& done) {
  uids = normalised(std::move(uids));
  std::size_t since_cleared = 0;
  while (!uids.empty()) {
    if (since_cleared >= kManyLeft) {
      GODWIT_CO_TRY(co_await clear_left(account));
      since_cleared = 0;
    }
    const AccountTurns::Turn turn = co_await turns.acquire(account);  // a turn a piece: deliveries get in between
    GODWIT_CO_ASSIGN(const Expunged piece, co_await expunge_piece(account, mailbox, uids, which, nullptr));
    done.uids.insert(done.uids.end(), piece.uids.begin(), piece.uids.end());
    if (piece.next == 0) break;
    skip_to(uids, piece.next);
    since_cleared += piece.uids.size();
  }
  co_return Result<void>{};
}

Task<Result<std::vector<Uid>>> Mailboxes::expunge(directory::AccountId account, MailboxNumber mailbox, std::vector<UidRange> uids,
                                                  bool only_deleted) {
  Expunged done;
  const auto all = co_await impl_->expunge_all(account, mailbox, std::move(uids), only_deleted ? Doomed::deleted : Doomed::all, done);
  if (!all) co_return fail(all.error());
  co_return std::move(done.uids);
}

}  // namespace godwit::mailbox
