// What readers see: each call is of one state of the account.

#include <algorithm>

#include "base/bytes.h"
#include "state/mailbox/mailbox_impl.h"
#include "state/mailbox/members.h"

namespace godwit::mailbox {
namespace {

using store::Keyspace;

constexpr store::ScanLimit kManyRows{10'000, 1 << 20};

Error email_gone() { return Error::permanent(Error::Cause::not_found, "there is no such message any more"); }

// An email of an earlier release is a thread of its own.
Result<Email> read_email(EmailId id, const store::Row& row) {
  GODWIT_ASSIGN(auto record, decode_email(row.value));
  if (record.email.thread == 0) record.email.thread = id;
  return std::move(record.email);
}

Result<MessagePage> read_page(const store::Row& row) {
  GODWIT_ASSIGN(const auto key, parse_messages_key(row.key));
  return MessagePage::decode(key.page, row.value);
}

Task<Result<UidSet>> read_uids(store::View& view, MailboxNumber mailbox) {
  UidSet out;
  PrefixScan scan(view, Keyspace::mailbox, pages_prefix(mailbox));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next());
    if (rows.empty()) co_return out;
    for (const auto& row : rows) {
      GODWIT_CO_ASSIGN(const auto key, parse_page_key(row.key));
      GODWIT_CO_ASSIGN(const auto page, UidPage::decode(row.value));
      for (const UidRange range : page.uids(key.page)) out.add(range);
    }
  }
}

}  // namespace

Task<Result<MailboxRow>> Mailboxes::Impl::read_mailbox(directory::AccountId account, MailboxNumber mailbox,
                                                       std::unique_ptr<store::View>& view) {
  GODWIT_CO_ASSIGN(const bool removed, co_await is_removed(*view));
  if (removed) co_return fail(account_gone());
  GODWIT_CO_ASSIGN(auto row, co_await view->get(Keyspace::mailbox, mailbox_key(mailbox)));
  if (!row) {
    const std::string evidence = mailbox == kInbox ? std::string() : messages_prefix(mailbox);
    GODWIT_CO_ASSIGN(const bool lost, co_await has_row(*view, evidence, evidence));
    if (!lost) co_return fail(mailbox_gone());
    {
      const AccountTurns::Turn turn = co_await turns.acquire(account);
      GODWIT_CO_TRY(co_await rebuild_in_turn(account));
    }
    view = engine.read(directory::partition_of(account));
    GODWIT_CO_ASSIGN(row, co_await view->get(Keyspace::mailbox, mailbox_key(mailbox)));
  }
  if (!row) co_return fail(mailbox_gone());
  co_return decode_mailbox(row->value);
}

Task<Result<Snapshot>> Mailboxes::snapshot(directory::AccountId account, MailboxNumber mailbox) {
  co_await impl_->settle_appends(account);
  auto view = impl_->engine.read(directory::partition_of(account));
  const auto read = co_await impl_->read_mailbox(account, mailbox, view);
  if (!read && mailbox == kInbox && read.error().cause == Error::Cause::not_found) {
    GODWIT_CO_ASSIGN(const bool removed, co_await is_removed(*view));
    if (!removed) co_return Snapshot{};
  }
  GODWIT_CO_ASSIGN(const MailboxRow state, read);
  Snapshot snapshot{state.uid_validity, state.uid_next, state.highest_modseq, {}};
  snapshot.messages.reserve(state.total);
  PrefixScan scan(*view, Keyspace::mailbox, messages_prefix(mailbox));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next(kManyRows));
    if (rows.empty()) co_return snapshot;
    for (const auto& each : rows) {
      GODWIT_CO_ASSIGN(const auto page, read_page(each));
      for (const Member& member : page.members()) snapshot.messages.push_back(as_info(member));
    }
  }
}

Task<Result<Mailbox>> Mailboxes::status(directory::AccountId account, MailboxNumber mailbox) {
  auto view = impl_->engine.read(directory::partition_of(account));
  GODWIT_CO_ASSIGN(const auto row, co_await impl_->read_mailbox(account, mailbox, view));
  co_return as_mailbox(mailbox, row);
}

Task<Result<UidSet>> Mailboxes::uids(directory::AccountId account, MailboxNumber mailbox) {
  auto view = impl_->engine.read(directory::partition_of(account));
  GODWIT_CO_ASSIGN(auto row, co_await impl_->read_mailbox(account, mailbox, view));
  auto found = co_await read_uids(*view, mailbox);
  if (found && found->count() == row.total) co_return found;
  GODWIT_CO_TRY(co_await rebuild(account));  // a page was lost
  view = impl_->engine.read(directory::partition_of(account));
  co_return co_await read_uids(*view, mailbox);
}

Task<Result<std::vector<MessageInfo>>> Mailboxes::messages(directory::AccountId account, MailboxNumber mailbox,
                                                           std::vector<UidRange> uids) {
  auto view = impl_->engine.read(directory::partition_of(account));
  GODWIT_CO_TRY(co_await impl_->read_mailbox(account, mailbox, view));
  GODWIT_CO_ASSIGN(auto members, co_await read_members(*view, mailbox, normalised(std::move(uids)), UINT32_MAX));
  std::vector<MessageInfo> out;
  out.reserve(members.size());
  for (const Member& each : members) out.push_back(as_info(each));
  co_return out;
}

Task<Result<std::optional<Uid>>> Mailboxes::first_unseen(directory::AccountId account, MailboxNumber mailbox) {
  auto view = impl_->engine.read(directory::partition_of(account));
  GODWIT_CO_ASSIGN(const auto row, co_await impl_->read_mailbox(account, mailbox, view));
  if (row.unseen == 0) co_return std::optional<Uid>();
  PrefixScan scan(*view, Keyspace::mailbox, messages_prefix(mailbox));
  std::size_t left = 10'000 / MessagePage::kSize;
  for (std::size_t piece = 4; left > 0; piece = std::min(piece * 8, left)) {
    const store::ScanLimit limit{piece, kManyRows.bytes};
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next(limit));
    if (rows.empty()) break;
    for (const auto& each : rows) {
      GODWIT_CO_ASSIGN(const auto page, read_page(each));
      const auto unseen = std::ranges::find_if(page.members(), [](const Member& member) { return (member.row.flags & kSeen) == 0; });
      if (unseen != page.members().end()) co_return std::optional<Uid>(unseen->uid);
    }
    left -= std::min(left, rows.size());
  }
  co_return std::optional<Uid>();
}

Task<Result<std::shared_ptr<const Keywords>>> Mailboxes::keywords(directory::AccountId account) {
  const auto view = impl_->engine.read(directory::partition_of(account));
  GODWIT_CO_ASSIGN(const bool removed, co_await is_removed(*view));
  if (removed) co_return fail(account_gone());
  GODWIT_CO_ASSIGN(auto read, co_await read_keywords(*view));
  co_return std::make_shared<const Keywords>(std::move(read));
}

Task<Result<Email>> Mailboxes::email(directory::AccountId account, EmailId id) {
  GODWIT_CO_ASSIGN(const auto row, co_await impl_->engine.get(directory::partition_of(account), Keyspace::mailbox, email_key(id)));
  if (!row) co_return fail(email_gone());
  co_return read_email(id, *row);
}

Task<Result<std::vector<std::optional<Email>>>> Mailboxes::emails(directory::AccountId account, std::vector<EmailId> ids) {
  const auto view = impl_->engine.read(directory::partition_of(account));
  std::vector<std::optional<Email>> out;
  out.reserve(ids.size());
  for (const EmailId id : ids) {
    GODWIT_CO_ASSIGN(const auto row, co_await view->get(Keyspace::mailbox, email_key(id)));
    std::optional<Email> found;
    if (row) {
      GODWIT_CO_ASSIGN(found, read_email(id, *row));
    }
    out.push_back(std::move(found));
  }
  co_return out;
}

// Beside the protocol of versions: nothing else depends on it.
Task<Result<Uid>> Mailboxes::first_recent(directory::AccountId account, MailboxNumber mailbox, bool claim) {
  GODWIT_CO_TRY(co_await status(account, mailbox));
  const AccountTurns::Turn turn = co_await impl_->recent_turns.acquire(account);
  auto view = impl_->engine.read(directory::partition_of(account));
  GODWIT_CO_ASSIGN(const auto found, co_await view->get(Keyspace::mailbox, mailbox_key(mailbox)));
  if (!found) co_return fail(mailbox_gone());
  GODWIT_CO_ASSIGN(const auto row, decode_mailbox(found->value));
  GODWIT_CO_ASSIGN(const auto stored, co_await view->get(Keyspace::mailbox, recent_key(mailbox)));
  Uid first = 1;
  if (stored) {
    GODWIT_CO_ASSIGN(first, decode_recent(stored->value));
  }
  if (!claim || first >= row.uid_next) co_return first;
  view.reset();
  store::Batch batch;
  batch.durability = store::Batch::Durability::lazy;
  batch.put(Keyspace::mailbox, recent_key(mailbox), encode_recent(row.uid_next));
  const store::WriteDone done = co_await impl_->engine.write(directory::partition_of(account), std::move(batch));
  GODWIT_CO_TRY(store::as_result(done, "claiming recent messages"));
  co_return first;
}

}  // namespace godwit::mailbox
