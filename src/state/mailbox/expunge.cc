// Expunge: memberships go, and with an email's last membership its record; the blob follows through the outbox.

#include <algorithm>
#include <map>
#include <set>

#include "base/log.h"
#include "state/mailbox/mailbox_impl.h"

namespace godwit::mailbox {
namespace {

using store::Batch;
using store::Keyspace;

constexpr std::size_t kChunk = 1'000;  // some 300 bytes each in a batch of at most 1 MiB

// Everything that a chunk touches, read from one view.
struct Doomed {
  MembershipKey key;
  Membership member;
};
struct Found {
  store::RowVersion version = 0;
  AccountRow account;
  MailboxRow mailbox;
  std::vector<Doomed> memberships;
  std::map<EmailId, EmailRow> emails;  // of the memberships
  std::set<EmailId> orphans;           // those that lose their last one
  std::map<std::uint16_t, UidPage> pages;
};

Task<Result<bool>> loses_last(store::View& view, EmailId email, const std::set<MembershipKey>& doomed) {
  PrefixScan scan(view, Keyspace::mailbox, by_email_prefix(email));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next());
    if (rows.empty()) co_return true;
    for (const auto& row : rows) {
      GODWIT_CO_ASSIGN(const auto key, parse_by_email_key(row.key));
      if (!doomed.contains(key.membership)) co_return false;
    }
  }
}

Task<Result<void>> find_memberships(store::View& view, MailboxNumber mailbox, const std::vector<Uid>& uids, Found& found) {
  for (const Uid uid : uids) {
    GODWIT_CO_ASSIGN(const auto row, co_await view.get(Keyspace::mailbox, membership_key(mailbox, uid)));
    if (!row) continue;
    GODWIT_CO_ASSIGN(const auto member, decode_membership(row->value));
    found.memberships.push_back({{mailbox, uid}, member});
  }
  co_return Result<void>{};
}

Task<Result<void>> find_emails(store::View& view, Found& found) {
  std::set<MembershipKey> doomed;
  for (const auto& each : found.memberships) doomed.insert(each.key);
  for (const auto& each : found.memberships) {
    const EmailId email = each.member.email;
    if (found.emails.contains(email)) continue;
    GODWIT_CO_ASSIGN(const auto row, co_await view.get(Keyspace::mailbox, email_key(email)));
    if (!row) co_return fail(Error::permanent(Error::Cause::corrupt, "a message has lost its record"));
    GODWIT_CO_ASSIGN(auto record, decode_email(row->value));
    found.emails.emplace(email, std::move(record));
    GODWIT_CO_ASSIGN(const bool orphaned, co_await loses_last(view, email, doomed));
    if (orphaned) found.orphans.insert(email);
  }
  co_return Result<void>{};
}

Task<Result<void>> find_pages(store::View& view, MailboxNumber mailbox, Found& found) {
  for (const auto& each : found.memberships) {
    const std::uint16_t number = UidPage::page_of(each.key.uid);
    if (found.pages.contains(number)) continue;
    GODWIT_CO_ASSIGN(const auto row, co_await view.get(Keyspace::mailbox, page_key(mailbox, number)));
    UidPage page;
    if (row) {
      GODWIT_CO_ASSIGN(page, UidPage::decode(row->value));
    }
    found.pages.emplace(number, std::move(page));
  }
  co_return Result<void>{};
}

// Nothing: the mailbox has never had a message, or has lost a row that counts.
Task<Result<std::optional<Found>>> find(store::View& view, MailboxNumber mailbox, const std::vector<Uid>& uids) {
  GODWIT_CO_ASSIGN(const bool removed, co_await is_removed(view));
  if (removed) co_return fail(account_gone());
  GODWIT_CO_ASSIGN(const auto account, co_await view.get(Keyspace::mailbox, std::string(kAccountKey)));
  GODWIT_CO_ASSIGN(const auto row, co_await view.get(Keyspace::mailbox, mailbox_key(mailbox)));
  if (!account || !row) co_return std::optional<Found>();
  Found found;
  found.version = account->version;
  GODWIT_CO_ASSIGN(found.account, decode_account(account->value));
  GODWIT_CO_ASSIGN(found.mailbox, decode_mailbox(row->value));
  GODWIT_CO_TRY(co_await find_memberships(view, mailbox, uids, found));
  GODWIT_CO_TRY(co_await find_emails(view, found));
  GODWIT_CO_TRY(co_await find_pages(view, mailbox, found));
  co_return std::optional<Found>(std::move(found));
}

void subtract(std::uint64_t& from, std::uint64_t what) { from -= std::min(from, what); }

void erase_membership(Batch& batch, Found& found, const Doomed& doomed) {
  const auto& [key, member] = doomed;
  const Modseq modseq = ++found.account.modseq;
  const Change tombstone{Change::Kind::expunged, key.mailbox, key.uid, member.email, found.emails.at(member.email).created};
  batch.erase(Keyspace::mailbox, membership_key(key.mailbox, key.uid));
  batch.erase(Keyspace::mailbox, by_email_key(member.email, key.mailbox, key.uid));
  batch.erase(Keyspace::mailbox, change_key(member.modseq));  // the log keeps the last change of each message
  batch.put(Keyspace::mailbox, change_key(modseq), encode(tombstone));
  found.pages.at(UidPage::page_of(key.uid)).erase(static_cast<std::uint16_t>(key.uid));
  found.mailbox.highest_modseq = modseq;
  found.mailbox.total -= std::min(found.mailbox.total, 1u);
  if ((member.flags & kSeen) == 0) found.mailbox.unseen -= std::min(found.mailbox.unseen, 1u);
  subtract(found.mailbox.bytes, member.size);
}

void erase_email(Batch& batch, Found& found, EmailId id) {
  const EmailRow& row = found.emails.at(id);
  batch.erase(Keyspace::mailbox, email_key(id));
  batch.put(Keyspace::outbox, release_key(id), encode(BlobRelease{row.email.blob, row.message}));
  subtract(found.account.emails, 1);
  subtract(found.account.bytes, row.email.prefix.size() + row.email.blob_size);
}

Batch make_batch(Found& found, MailboxNumber mailbox) {
  Batch batch;
  batch.require(Keyspace::mailbox, std::string(kAccountKey), found.version);
  batch.require_absent(Keyspace::directory, std::string(directory::kRemovedKey));
  for (const auto& each : found.memberships) erase_membership(batch, found, each);
  for (const EmailId id : found.orphans) erase_email(batch, found, id);
  for (const auto& [number, page] : found.pages) {
    if (page.empty())
      batch.erase(Keyspace::mailbox, page_key(mailbox, number));
    else
      batch.put(Keyspace::mailbox, page_key(mailbox, number), page.encode());
  }
  batch.put(Keyspace::mailbox, std::string(kAccountKey), encode(found.account));
  batch.put(Keyspace::mailbox, mailbox_key(mailbox), encode(found.mailbox));
  return batch;
}

}  // namespace

Task<Result<std::size_t>> Mailboxes::Impl::expunge_some(directory::AccountId account, MailboxNumber mailbox, std::vector<Uid> uids) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto view = engine.read(directory::partition_of(account));
    GODWIT_CO_ASSIGN(auto found, co_await find(*view, mailbox, uids));
    if (!found) {
      GODWIT_CO_ASSIGN(const auto rebuilt, co_await rebuild_in_turn(account));
      if (rebuilt.empty()) co_return std::size_t{0};
      continue;
    }
    if (found->memberships.empty()) co_return std::size_t{0};
    const store::WriteDone done = co_await engine.write(directory::partition_of(account), make_batch(*found, mailbox));
    if (done.outcome == store::WriteOutcome::conflict) continue;
    GODWIT_CO_TRY(store::as_result(done, "expunging"));
    co_return found->memberships.size();
  }
  co_return fail(Error::temporary(Error::Cause::conflict, "the mailbox is being changed by others"));
}

Task<Result<std::size_t>> Mailboxes::expunge(directory::AccountId account, MailboxNumber mailbox, std::vector<Uid> uids) {
  std::ranges::sort(uids);
  const auto twice = std::ranges::unique(uids);
  uids.erase(twice.begin(), twice.end());
  std::size_t removed = 0;
  for (auto from = uids.begin(); from != uids.end();) {
    const auto to = from + std::min<std::ptrdiff_t>(kChunk, uids.end() - from);
    const AccountTurns::Turn turn = co_await impl_->turns.acquire(account);  // a turn a chunk: deliveries get in between
    GODWIT_CO_ASSIGN(const std::size_t count, co_await impl_->expunge_some(account, mailbox, std::vector<Uid>(from, to)));
    removed += count;
    from = to;
  }
  if (removed == 0) co_return removed;
  const auto applied = co_await apply_outbox(account);
  if (!applied) log::warning("outbox not applied yet", {{"account", account}, {"error", applied.error().text}});
  co_return removed;
}

}  // namespace godwit::mailbox
