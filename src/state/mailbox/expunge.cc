// Expunge: memberships go, and with an email's last membership its record; the blob follows through the outbox.

#include <algorithm>
#include <optional>
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

// Emails that are in no mailbox any more when these messages of `mailbox` (ascending) have gone. Whether one stays is told by a place where
// it stays, never by counting: a row too few would take the bytes of a message that is there. Emails that came together lie together: one
// scan reads many.
Task<Result<std::set<EmailId>>> find_orphans(store::View& view, MailboxNumber mailbox, const std::vector<Member>& leaving) {
  std::set<EmailId> emails;
  for (const Member& each : leaving) emails.insert(each.row.email);
  std::set<EmailId> staying;
  const auto goes = [&](MembershipKey place) {
    return place.mailbox == mailbox && std::ranges::binary_search(leaving, place.uid, {}, &Member::uid);
  };
  for (auto first = emails.begin(); first != emails.end();) {
    auto last = first;
    while (std::next(last) != emails.end() && *std::next(last) - *last <= kSmallGap) ++last;
    const std::string end = prefix_end(by_email_prefix(*last));
    for (std::optional<std::string> from = by_email_prefix(*first); from && *from < end;) {
      GODWIT_CO_ASSIGN(auto page, co_await view.scan(Keyspace::mailbox, *from, end));
      EmailId email = 0;
      for (const auto& row : page.rows) {
        GODWIT_CO_ASSIGN(const auto key, parse_by_email_key(row.key));
        email = key.email;
        if (!goes(key.membership)) staying.insert(email);
      }
      from = std::move(page.next);
      // one place is enough: nobody asks how many more
      if (from && staying.contains(email)) from = std::max(*from, prefix_end(by_email_prefix(email)));
    }
    first = std::next(last);
  }
  std::erase_if(emails, [&](EmailId email) { return staying.contains(email); });
  co_return emails;
}

// Nothing: the record is lost or cannot be decoded. What the engine cannot read is an error: it may be read another time.
Task<Result<std::optional<EmailRow>>> read_email(store::View& view, EmailId id) {
  GODWIT_CO_ASSIGN(const auto row, co_await view.get(Keyspace::mailbox, email_key(id)));
  if (!row) co_return std::nullopt;
  auto record = decode_email(row->value);
  if (!record) co_return std::nullopt;
  co_return *std::move(record);
}

// Of an email whose record is lost the messages go all the same, or they would never; its bytes stay where they are, for nobody knows which
// they were. Returns whether there was one.
Task<Result<bool>> remove_all(AccountWriter& writer, MailboxNumber mailbox, const std::vector<Member>& doomed, std::set<EmailId> orphans) {
  bool lost = false;
  for (const Member& each : doomed) {
    GODWIT_CO_ASSIGN(const Modseq created, co_await writer.created(each.row));
    GODWIT_CO_TRY(co_await writer.remove_message(mailbox, each.uid, each.row, created));
    if (orphans.erase(each.row.email) == 0) continue;
    GODWIT_CO_ASSIGN(const auto record, co_await read_email(writer.view(), each.row.email));
    if (record) {
      GODWIT_CO_TRY(co_await writer.erase_email(each.row.email, *record));
      continue;
    }
    lost = true;
    log::error("email record lost", {{"email", each.row.email}});
    writer.batch().erase(Keyspace::mailbox, email_key(each.row.email));
    writer.batch().erase(Keyspace::mailbox, details_key(each.row.email));
  }
  co_return lost;
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
    cut_to_pages(members);
    if (members.size() < read) piece.next = members.back().uid + 1;
    GODWIT_CO_ASSIGN(auto orphans, co_await find_orphans(writer.view(), mailbox, members));
    if (which == Doomed::copies) std::erase_if(members, [&](const Member& each) { return orphans.contains(each.row.email); });
    if (members.empty() && and_mailbox == nullptr) co_return piece;
    GODWIT_CO_ASSIGN(piece.lost, co_await remove_all(writer, mailbox, members, std::move(orphans)));
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
  while (!uids.empty()) {
    const AccountTurns::Turn turn = co_await turns.acquire(account);  // a turn a piece: deliveries get in between
    GODWIT_CO_ASSIGN(const Expunged piece, co_await expunge_piece(account, mailbox, uids, which, nullptr));
    done.uids.insert(done.uids.end(), piece.uids.begin(), piece.uids.end());
    done.lost = done.lost || piece.lost;
    if (piece.next == 0) break;
    skip_to(uids, piece.next);
  }
  co_return Result<void>{};
}

Task<> Mailboxes::Impl::after_expunge(Mailboxes& mailboxes, directory::AccountId account, const Expunged& done) {
  if (!done.uids.empty()) {
    const auto applied = co_await mailboxes.apply_outbox(account);
    if (!applied) log::warning("outbox not applied yet", {{"account", account}, {"error", applied.error().text}});
  }
  if (!done.lost) co_return;
  const AccountTurns::Turn turn = co_await turns.acquire(account);
  const auto rebuilt = co_await rebuild_in_turn(account);  // whether the lost one was counted nobody can tell
  if (!rebuilt) log::warning("counters not mended yet", {{"account", account}, {"error", rebuilt.error().text}});
}

Task<Result<std::vector<Uid>>> Mailboxes::expunge(directory::AccountId account, MailboxNumber mailbox, std::vector<UidRange> uids,
                                                  bool only_deleted) {
  Expunged done;
  const auto all = co_await impl_->expunge_all(account, mailbox, std::move(uids), only_deleted ? Doomed::deleted : Doomed::all, done);
  co_await impl_->after_expunge(*this, account, done);
  if (!all) co_return fail(all.error());
  co_return std::move(done.uids);
}

}  // namespace godwit::mailbox
