// Expunge: memberships go, and with an email's last membership its record; the blob follows through the outbox.

#include <algorithm>
#include <map>
#include <set>

#include "base/bytes.h"
#include "base/log.h"
#include "state/mailbox/account_writer.h"
#include "state/mailbox/members.h"

namespace godwit::mailbox {
namespace {

using store::Keyspace;

constexpr std::size_t kPiece = 1'000;  // at most 700 bytes each in a batch of at most 1 MiB
constexpr std::size_t kMaxPages = 24;  // of up to 8 KiB
constexpr EmailId kSmallGap = 16;      // it costs less to read over than a scan of its own

// The part of them that one batch takes, by the pages of UIDs they touch.
void cut_to_pages(std::vector<Member>& members) {
  std::set<std::uint16_t> pages;
  const auto end = std::ranges::find_if(members, [&pages](const Member& each) {
    pages.insert(UidPage::page_of(each.uid));
    return pages.size() > kMaxPages;
  });
  members.erase(end, members.end());
}

// How many memberships each of these emails (ascending) has, or some more than those that are `leaving`: nobody asks how many more.
// Emails that came together lie together: one scan reads many.
Task<Result<std::map<EmailId, std::size_t>>> count_memberships(store::View& view, const std::set<EmailId>& emails,
                                                               const std::map<EmailId, std::size_t>& leaving) {
  constexpr std::size_t kEnough = 1'000;  // to go on behind the email costs less than to read the rest of them
  std::map<EmailId, std::size_t> out;
  for (auto first = emails.begin(); first != emails.end();) {
    auto last = first;
    while (std::next(last) != emails.end() && *std::next(last) - *last <= kSmallGap) ++last;
    const std::string end = prefix_end(by_email_prefix(*last));
    std::string from = by_email_prefix(*first);
    while (from < end) {
      RangeScan scan(view, Keyspace::mailbox, std::exchange(from, end), end);
      while (from == end) {
        GODWIT_CO_ASSIGN(const auto rows, co_await scan.next());
        if (rows.empty()) break;
        for (const auto& row : rows) {
          GODWIT_CO_ASSIGN(const auto key, parse_by_email_key(row.key));
          const auto going = leaving.find(key.email);
          if (++out[key.email] < kEnough + (going == leaving.end() ? 0 : going->second)) continue;
          from = prefix_end(by_email_prefix(key.email));
          break;
        }
      }
    }
    first = std::next(last);
  }
  co_return out;
}

// The emails that are in no mailbox any more once these messages have gone.
Task<Result<std::set<EmailId>>> find_orphans(store::View& view, const std::vector<Member>& doomed) {
  std::set<EmailId> orphans;
  std::map<EmailId, std::size_t> leaving;
  for (const auto& each : doomed) {
    orphans.insert(each.row.email);
    ++leaving[each.row.email];
  }
  GODWIT_CO_ASSIGN(const auto counts, co_await count_memberships(view, orphans, leaving));
  for (const auto& [email, count] : counts) {
    if (count > leaving[email]) orphans.erase(email);
  }
  co_return orphans;
}

Task<Result<EmailRow>> read_email(store::View& view, EmailId id) {
  GODWIT_CO_ASSIGN(const auto row, co_await view.get(Keyspace::mailbox, email_key(id)));
  if (!row) co_return fail(Error::permanent(Error::Cause::corrupt, "a message has lost its record"));
  co_return decode_email(row->value);
}

// true: an email's record was lost or cannot be read. Its messages go all the same, or they would never; its bytes stay where they are, for
// nobody knows which they were.
Task<Result<bool>> remove_all(AccountWriter& writer, MailboxNumber mailbox, const std::vector<Member>& doomed) {
  bool lost = false;
  GODWIT_CO_ASSIGN(auto orphans, co_await find_orphans(writer.view(), doomed));
  for (const Member& each : doomed) {
    GODWIT_CO_ASSIGN(const Modseq created, co_await writer.created(each.row));
    GODWIT_CO_TRY(co_await writer.remove_message(mailbox, each.uid, each.row, created));
    if (orphans.erase(each.row.email) == 0) continue;
    const auto record = co_await read_email(writer.view(), each.row.email);
    if (!record && record.error().cause != Error::Cause::corrupt) co_return fail(record.error());
    if (record) {
      GODWIT_CO_TRY(co_await writer.erase_email(each.row.email, *record));
      continue;
    }
    lost = true;
    log::error("email record lost", {{"email", each.row.email}, {"error", record.error().text}});
    writer.batch().erase(Keyspace::mailbox, email_key(each.row.email));
    writer.batch().erase(Keyspace::mailbox, details_key(each.row.email));
  }
  co_return lost;
}

}  // namespace

Task<Result<Expunged>> Mailboxes::Impl::expunge_piece(directory::AccountId account, MailboxNumber mailbox,
                                                      const std::vector<UidRange>& uids, bool only_deleted,
                                                      const std::string* and_mailbox) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    AccountWriter writer(*this, account);
    GODWIT_CO_TRY(co_await writer.open());
    GODWIT_CO_ASSIGN(const MailboxRow* row, co_await writer.mailbox(mailbox));
    if (and_mailbox != nullptr && row->name != *and_mailbox) co_return fail(mailbox_gone());  // renamed meanwhile
    Expunged piece;
    if (only_deleted && row->deleted == 0) co_return piece;
    GODWIT_CO_ASSIGN(auto members, co_await read_members(writer.view(), mailbox, uids, kPiece, only_deleted ? kDeleted : 0));
    if (members.size() == kPiece) piece.next = members.back().uid + 1;
    const std::size_t read = members.size();
    cut_to_pages(members);
    if (members.size() < read) piece.next = members.back().uid + 1;
    if (members.empty() && and_mailbox == nullptr) co_return piece;
    GODWIT_CO_ASSIGN(const bool lost, co_await remove_all(writer, mailbox, members));
    if (and_mailbox != nullptr && piece.next == 0) writer.erase_mailbox(mailbox);
    for (const auto& each : members) piece.uids.push_back(each.uid);
    GODWIT_CO_ASSIGN(const bool written, co_await writer.write("expunging"));
    if (written && lost) GODWIT_CO_TRY(co_await rebuild_in_turn(account));  // whether the lost one was counted nobody can tell
    if (written) co_return piece;
  }
  co_return fail(overtaken());
}

// `removed`: what is gone, also before an error.
Task<Result<void>> Mailboxes::Impl::expunge_all(directory::AccountId account, MailboxNumber mailbox, std::vector<UidRange> uids,
                                                bool only_deleted, std::vector<Uid>& removed) {
  uids = normalised(std::move(uids));
  while (!uids.empty()) {
    const AccountTurns::Turn turn = co_await turns.acquire(account);  // a turn a piece: deliveries get in between
    GODWIT_CO_ASSIGN(const Expunged piece, co_await expunge_piece(account, mailbox, uids, only_deleted, nullptr));
    removed.insert(removed.end(), piece.uids.begin(), piece.uids.end());
    if (piece.next == 0) break;
    skip_to(uids, piece.next);
  }
  co_return Result<void>{};
}

Task<Result<std::vector<Uid>>> Mailboxes::expunge(directory::AccountId account, MailboxNumber mailbox, std::vector<UidRange> uids,
                                                  bool only_deleted) {
  std::vector<Uid> removed;
  const auto done = co_await impl_->expunge_all(account, mailbox, std::move(uids), only_deleted, removed);
  if (!removed.empty()) {
    const auto applied = co_await apply_outbox(account);
    if (!applied) log::warning("outbox not applied yet", {{"account", account}, {"error", applied.error().text}});
  }
  if (!done) co_return fail(done.error());
  co_return removed;
}

}  // namespace godwit::mailbox
