// The tree of an account: mailboxes by name, special uses, subscriptions.

#include <algorithm>

#include "base/log.h"
#include "base/utf8.h"
#include "state/mailbox/account_writer.h"

namespace godwit::mailbox {
namespace {

using store::Keyspace;

Error denied(std::string text) { return Error::permanent(Error::Cause::denied, std::move(text)); }
Error exists() { return Error::permanent(Error::Cause::conflict, "there is a mailbox of that name already"); }
Error too_many_subscriptions() { return Error::permanent(Error::Cause::limit, "the account has too many subscriptions"); }
Error use_taken() { return Error::permanent(Error::Cause::conflict, "another mailbox has that special use"); }

Task<Result<std::map<MailboxNumber, MailboxRow>>> read_mailboxes(store::View& view) {
  std::map<MailboxNumber, MailboxRow> out;
  PrefixScan scan(view, Keyspace::mailbox, std::string(kAllMailboxes));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next());
    if (rows.empty()) co_return out;
    for (const auto& row : rows) {
      GODWIT_CO_ASSIGN(const MailboxNumber number, parse_mailbox_key(row.key));
      GODWIT_CO_ASSIGN(out[number], decode_mailbox(row.value));
    }
  }
}

Task<Result<std::vector<std::string>>> read_subscriptions(store::View& view) {
  std::vector<std::string> out;
  PrefixScan scan(view, Keyspace::mailbox, std::string(kAllSubscriptions));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next());
    if (rows.empty()) co_return out;
    for (const auto& row : rows) out.push_back(row.key.substr(kAllSubscriptions.size()));
  }
}

Task<Result<std::size_t>> count_subscriptions(store::View& view) {
  std::size_t count = 0;
  PrefixScan scan(view, Keyspace::mailbox, std::string(kAllSubscriptions));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next());
    if (rows.empty()) co_return count;
    count += rows.size();
  }
}

// INBOX first, the others in the order of the bytes.
bool is_before(const Mailbox& a, const Mailbox& b) {
  const bool first = a.name == kInboxName;
  const bool second = b.name == kInboxName;
  return first != second ? first : a.name < b.name;
}

Result<void> check_create(const std::map<MailboxNumber, MailboxRow>& mailboxes, const std::string& name, SpecialUse use) {
  GODWIT_TRY(check_name(name));
  for (const auto& [number, row] : mailboxes) {
    if (row.name == name) return fail(exists());
    if (use != SpecialUse::none && row.special_use == use) return fail(use_taken());
  }
  const auto levels = static_cast<std::size_t>(std::ranges::count(name, kDelimiter)) + 1;
  if (mailboxes.size() + levels > kMaxMailboxes) return fail(too_many_mailboxes());
  return {};
}

}  // namespace

Error too_many_mailboxes() { return Error::permanent(Error::Cause::limit, "the account has too many mailboxes"); }

Result<void> check_name(std::string_view name) {
  if (name.size() > kMaxName) return fail(Error::permanent(Error::Cause::limit, "the name of the mailbox is too long"));
  const bool has_control = std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (has_control || !is_utf8(name)) return fail(denied("the name of the mailbox has control characters, or is not UTF-8"));
  const std::string twice(2, kDelimiter);
  const bool has_empty = name.empty() || name.front() == kDelimiter || name.back() == kDelimiter || name.contains(twice);
  if (has_empty) return fail(denied("the name of the mailbox has an empty level"));
  return {};
}

MailboxNumber find_number(const std::map<MailboxNumber, MailboxRow>& mailboxes, std::string_view name) {
  const auto found = std::ranges::find_if(mailboxes, [name](const auto& entry) { return entry.second.name == name; });
  return found == mailboxes.end() ? 0 : found->first;
}

Task<Result<void>> Mailboxes::open_account(directory::AccountId account) {
  co_await impl_->settle_appends(account);
  {
    const auto view = impl_->engine.read(directory::partition_of(account));
    GODWIT_CO_ASSIGN(const bool removed, co_await is_removed(*view));
    if (removed) co_return fail(account_gone());
    GODWIT_CO_ASSIGN(const auto row, co_await view->get(Keyspace::mailbox, std::string(kAccountKey)));
    const auto known = row ? decode_account(row->value) : Result<AccountRow>(AccountRow());
    if (known && known->defaults_made) co_return Result<void>{};
  }
  const AccountTurns::Turn turn = co_await impl_->turns.acquire(account);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    AccountWriter writer(*impl_, account);
    GODWIT_CO_TRY(co_await writer.open(AccountWriter::IfNew::make));
    if (!writer.account().defaults_made) {
      GODWIT_CO_TRY(co_await writer.mailboxes());
      writer.make_defaults();
    }
    if (!writer.has_changes()) co_return Result<void>{};
    GODWIT_CO_ASSIGN(const bool written, co_await writer.write("making the first mailboxes"));
    if (written) co_return Result<void>{};
  }
  co_return fail(overtaken());
}

Task<Result<Folders>> Mailboxes::folders(directory::AccountId account) {
  const auto view = impl_->engine.read(directory::partition_of(account));
  GODWIT_CO_ASSIGN(const bool removed, co_await is_removed(*view));
  if (removed) co_return fail(account_gone());
  GODWIT_CO_ASSIGN(const auto rows, co_await read_mailboxes(*view));
  Folders out;
  out.mailboxes.reserve(rows.size());
  for (const auto& [number, row] : rows) out.mailboxes.push_back(as_mailbox(number, row));
  std::ranges::sort(out.mailboxes, is_before);
  GODWIT_CO_ASSIGN(out.subscriptions, co_await read_subscriptions(*view));
  co_return out;
}

Task<Result<Mailbox>> Mailboxes::find(directory::AccountId account, std::string name) {
  if (name == kInboxName) co_return co_await status(account, kInbox);
  const auto view = impl_->engine.read(directory::partition_of(account));
  GODWIT_CO_ASSIGN(const bool removed, co_await is_removed(*view));
  if (removed) co_return fail(account_gone());
  GODWIT_CO_ASSIGN(const auto rows, co_await read_mailboxes(*view));
  const MailboxNumber number = find_number(rows, name);
  if (number == 0) co_return fail(mailbox_gone());
  co_return as_mailbox(number, rows.at(number));
}

Task<Result<Mailbox>> Mailboxes::create(directory::AccountId account, std::string name, SpecialUse use) {
  const AccountTurns::Turn turn = co_await impl_->turns.acquire(account);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    AccountWriter writer(*impl_, account);
    GODWIT_CO_TRY(co_await writer.open(AccountWriter::IfNew::make));
    GODWIT_CO_ASSIGN(const auto* mailboxes, co_await writer.mailboxes());
    GODWIT_CO_TRY(check_create(*mailboxes, name, use));
    writer.make_parents(name);
    const MailboxNumber number = writer.make_mailbox(name, use);
    const Mailbox made = as_mailbox(number, mailboxes->at(number));
    writer.batch().refuse_when_full = true;
    GODWIT_CO_ASSIGN(const bool written, co_await writer.write("creating a mailbox"));
    if (written) co_return made;
  }
  co_return fail(overtaken());
}

Task<Result<void>> Mailboxes::remove(directory::AccountId account, std::string name) {
  if (name == kInboxName) co_return fail(denied("INBOX cannot be removed"));
  GODWIT_CO_ASSIGN(const auto doomed, co_await find(account, name));
  const std::vector<UidRange> all(1, UidRange{1, UINT32_MAX});
  std::size_t since_cleared = 0;
  for (Uid next = 1; next != 0;) {
    if (since_cleared >= kManyLeft) {
      GODWIT_CO_TRY(co_await impl_->clear_left(account));
      since_cleared = 0;
    }
    const AccountTurns::Turn turn = co_await impl_->turns.acquire(account);
    const AccountTurns::Turn recent = co_await impl_->recent_turns.acquire(account);
    GODWIT_CO_ASSIGN(const auto piece, co_await impl_->expunge_piece(account, doomed.number, all, Doomed::all, &name));
    next = piece.next;
    since_cleared += piece.uids.size();
  }
  co_return Result<void>{};
}

Task<Result<void>> Mailboxes::subscribe(directory::AccountId account, std::string name, bool subscribed) {
  if (name.size() > kMaxName) co_return fail(Error::permanent(Error::Cause::limit, "the name of the mailbox is too long"));
  const AccountTurns::Turn turn = co_await impl_->turns.acquire(account);
  const std::string key = subscription_key(name);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    AccountWriter writer(*impl_, account);
    GODWIT_CO_TRY(co_await writer.open(AccountWriter::IfNew::make));
    GODWIT_CO_ASSIGN(const auto row, co_await writer.view().get(Keyspace::mailbox, key));
    if (row.has_value() == subscribed && !writer.has_changes()) co_return Result<void>{};
    if (subscribed && !row) {
      GODWIT_CO_ASSIGN(const std::size_t others, co_await count_subscriptions(writer.view()));
      if (others >= kMaxSubscriptions) co_return fail(too_many_subscriptions());
    }
    if (subscribed)
      writer.batch().put(Keyspace::mailbox, key, "");
    else
      writer.batch().erase(Keyspace::mailbox, key);
    GODWIT_CO_ASSIGN(const bool written, co_await writer.write("changing subscriptions"));
    if (written) co_return Result<void>{};
  }
  co_return fail(overtaken());
}

Task<Result<Usage>> Mailboxes::usage(directory::AccountId account) {
  const auto view = impl_->engine.read(directory::partition_of(account));
  GODWIT_CO_ASSIGN(const bool removed, co_await is_removed(*view));
  if (removed) co_return fail(account_gone());
  Usage out;
  GODWIT_CO_ASSIGN(const auto row, co_await view->get(Keyspace::mailbox, std::string(kAccountKey)));
  if (!row) co_return out;
  GODWIT_CO_ASSIGN(const auto known, decode_account(row->value));
  out.bytes = known.bytes;
  out.emails = known.emails;
  PrefixScan scan(*view, Keyspace::mailbox, std::string(kAllMailboxes));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next());
    if (rows.empty()) co_return out;
    out.mailboxes += static_cast<std::uint32_t>(rows.size());
  }
}

}  // namespace godwit::mailbox
